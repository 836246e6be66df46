// What the samples of reductions share: which elements make one of the result, the calls that every
// reduction is tried with.
#pragma once

#include <functional>
#include <vector>

#include "sample.h"

namespace entasis::matrix {

// Which dimensions a call reduces: that or those of argument `i`, or all.
inline std::vector<bool> reduced(const Call& c, int i) {
  const size_t rank = size_t(c.array(0).rank());
  const auto* one =
      c.given(i) ? std::get_if<int64_t>(&std::get<Value>(c.arguments[size_t(i)])) : nullptr;
  const Shape dims = one ? Shape{*one} : c.dims(i);
  std::vector<bool> mask(rank, dims.empty());
  for (int64_t d : dims) {
    if (rank > 0) mask[size_t(wrap(d, int64_t(rank)))] = true;
  }
  return mask;
}

inline Shape shape_without(const Shape& shape, const std::vector<bool>& mask, bool keepdim) {
  Shape left;
  for (size_t d = 0; d < shape.size(); ++d) {
    if (!mask[d]) {
      left.push_back(shape[d]);
    } else if (keepdim) {
      left.push_back(1);
    }
  }
  return left;
}

// For each element of the result the input's values that it is made of, in row-major order.
struct Groups {
  Shape shape;  // of the result
  std::vector<std::vector<Real>> values;
};
inline Groups grouped(const Array& x, const std::vector<bool>& mask, bool keepdim) {
  Groups groups{shape_without(x.shape, mask, keepdim), {}};
  const Array positions = zeros_of(x.dtype, shape_without(x.shape, mask, false));
  groups.values.resize(size_t(positions.numel()));
  size_t next = 0;
  each_index(x.shape, [&](const Index& index) {
    Index left;
    for (size_t d = 0; d < index.size(); ++d) {
      if (!mask[d]) left.push_back(index[d]);
    }
    groups.values[size_t(positions.position(left))].push_back(x.values[next++]);
  });
  return groups;
}

// One element from one group; also its error.
using Reduce = std::function<Real(const std::vector<Real>& values, Real& error)>;
inline Array reduce(const Array& x, const std::vector<bool>& mask, bool keepdim, DType dtype,
                    const Reduce& f) {
  const Groups groups = grouped(x, mask, keepdim);
  Array y{dtype, groups.shape, {}, {}};
  for (const std::vector<Real>& values : groups.values) {
    Real error = 0;
    y.values.push_back(f(values, error));
    y.error.push_back(error);
  }
  return y;
}

inline Total total_of(const std::vector<Real>& values) {
  Total total;
  for (Real v : values) total.add(v);
  return total;
}

// Shapes and dims that every reduction is called with; `make` gives the values.
template <class Make>
void reduction_calls(Maker& m, const Make& make, bool empty) {
  m.call("all", make({3, 7}));
  m.call("all of 4-d", make({2, 3, 4, 5}));
  m.call("last", make({3, 67}), Shape{-1});
  m.call("first", make({5, 3}), Shape{0});
  m.call("middle, kept", make({2, 5, 3}), Shape{1}, true);
  m.call("outer two", make({2, 3, 4, 5}), Shape{0, 1});
  m.call("outer and inner", make({2, 3, 4}), Shape{0, -1}, true);
  m.call("channels", make({2, 3, 4, 5}), Shape{0, 2, 3});
  m.call("0-d", make({}));
  m.call("0-d by dim", make({}), Shape{0});
  m.call("size 1", make({3, 1}), Shape{1});
  m.call("no result", make({0, 3}), Shape{1});
  if (empty) {
    m.call("of nothing", make({0, 3}), Shape{0});
    m.call("all of nothing", make({2, 0}));
  }
  const std::vector<Real> extremes = m.extremes();
  m.call("extremes", m.of({int64_t(extremes.size()), 1}, extremes), Shape{1}).gradient = false;
}

// Rows, columns and everything, for several threads.
inline void large_reductions(Maker& m) {
  m.call("all", m.uniform({3, 70001}));
  m.call("rows", m.uniform({301, 701}), Shape{1});
  m.call("columns", m.uniform({701, 301}), Shape{0});
}

}  // namespace entasis::matrix
