// Writing by index tensors and masks.
#include "families.h"

namespace entasis::matrix {
namespace {

// The positions that the indices name, in order; a mask counts as the positions where it holds.
struct Named {
  std::vector<std::vector<int64_t>> places;  // of each position, in the indexed dimensions
  Shape shape;                               // of the positions
  int dims = 0;                              // that the indices stand for
};

Named named_by(const std::vector<Array>& indices, const Shape& shape) {
  Named named;
  if (indices[0].dtype == kBool) {
    const Array& mask = indices[0];
    named.dims = mask.rank();
    each_index(mask.shape, [&](const Index& at) {
      if (mask.at(at) != 0) named.places.push_back(at);
    });
    named.shape = {int64_t(named.places.size())};
    return named;
  }
  named.dims = int(indices.size());
  for (const Array& index : indices) named.shape = broadcast(named.shape, index.shape);
  each_index(named.shape, [&](const Index& at) {
    std::vector<int64_t> place;
    for (size_t j = 0; j < indices.size(); ++j) {
      place.push_back(wrap(int64_t(indices[j].at(unbroadcast(at, indices[j].shape))), shape[j]));
    }
    named.places.push_back(place);
  });
  return named;
}

Real added(DType dtype, Real a, Real b) {
  if (dtype == kBool) return a != 0 || b != 0;
  return a + b;
}

Results put_reference(const Call& c) {
  Array y = c.array(0);
  const Named named = named_by(c.arrays(1), y.shape);
  const Array& values = c.array(2);
  const bool adds = c.flag(3, false);
  const Shape inner(y.shape.begin() + named.dims, y.shape.end());
  Shape shape = named.shape;
  shape.insert(shape.end(), inner.begin(), inner.end());
  std::vector<Total> totals(y.values.size());
  size_t position = 0;
  each_index(named.shape, [&](const Index& at) {
    const std::vector<int64_t>& place = named.places[position++];
    each_index(inner, [&](const Index& column) {
      Index to(place.begin(), place.end()), from = at;
      to.insert(to.end(), column.begin(), column.end());
      from.insert(from.end(), column.begin(), column.end());
      const Real value = values.at(unbroadcast(from, values.shape));
      const size_t i = size_t(y.position(to));
      if (!adds) {
        y.values[i] = value;
        return;
      }
      if (totals[i].terms == 0) totals[i].add(y.values[i]);
      totals[i].add(value);
      y.values[i] = added(y.dtype, y.values[i], value);
    });
  });
  if (adds && is_float(y.dtype)) {
    y.error.resize(y.values.size());
    for (size_t i = 0; i < y.error.size(); ++i) y.error[i] = totals[i].error();
  }
  return {y};
}

void put_calls(Maker& m) {
  const auto ids = [&](const Shape& shape, int64_t most) {
    return m.integers(kI64, shape, -most - 1, most);
  };
  using List = std::vector<Array>;
  // A place that is named twice: what is overwritten still gets a gradient, as in PyTorch.
  m.call("rows", m.uniform({5, 3}, -1, 1), List{m.of(kI64, {3}, {4, -5, 2})},
         m.uniform({3, 3}, -1, 1))
      .ties_if_repeated = true;
  m.call("rows again", m.uniform({4, 3}, -1, 1), List{ids({7}, 3)}, m.uniform({7, 3}, -1, 1))
      .gradient = false;
  m.call("32-bit", m.uniform({5}, -1, 1), List{m.of(kI32, {2}, {3, 0})}, m.uniform({2}, -1, 1))
      .ties_if_repeated = true;
  m.call("two", m.uniform({3, 4, 2}, -1, 1),
         List{m.of(kI64, {2, 1}, {0, 2}), m.of(kI64, {3}, {1, -1, 0})}, m.uniform({2, 3, 2}, -1, 1))
      .ties_if_repeated = true;
  m.call("broadcast values", m.uniform({3, 4, 2}, -1, 1), List{m.of(kI64, {2}, {0, 2})},
         m.uniform({4, 1}, -1, 1))
      .ties_if_repeated = true;
  m.call("one value", m.uniform({3, 4}, -1, 1), List{m.of(kI64, {2}, {0, 2})}, m.uniform({}, -1, 1))
      .ties_if_repeated = true;
  m.call("no index", m.uniform({3, 4}, -1, 1), List{m.of(kI64, {0}, {})}, m.uniform({0, 4}, -1, 1));
  m.call("no columns", m.uniform({3, 0}), List{m.of(kI64, {2}, {0, 1})}, m.uniform({2, 0}));
  m.call("added", m.uniform({5, 3}, -1, 1), List{m.of(kI64, {3}, {4, -5, 2})},
         m.uniform({3, 3}, -1, 1), true);
  m.call("added again", m.uniform({4, 3}, -1, 1), List{ids({9}, 3)}, m.uniform({9, 3}, -1, 1),
         true);
  m.call("one place", m.uniform({2, 5}, -1, 1), List{m.of(kI64, {70}, std::vector<Real>(70, 1))},
         m.uniform({5}, -1, 1), true);
  m.call("added value", m.uniform({4}, -1, 1), List{ids({40}, 3)}, m.uniform({}, -1, 1), true);
  const Array mask = m.of(kBool, {3, 4}, {1, 0, 0, 1, 1, 0, 1, 0, 0, 0, 1, 1});
  m.call("mask", m.uniform({3, 4, 2}, -1, 1), List{mask}, m.uniform({6, 2}, -1, 1));
  m.call("mask, added", m.uniform({3, 4}, -1, 1), List{mask}, m.uniform({6}, -1, 1), true);
  m.call("mask, one value", m.uniform({3, 4, 2}, -1, 1), List{mask}, m.uniform({}, -1, 1));
  m.call("mask of rows", m.uniform({3, 4}, -1, 1), List{m.of(kBool, {3}, {1, 0, 1})},
         m.uniform({4}, -1, 1));
  m.call("empty mask", m.uniform({3}, -1, 1), List{m.of(kBool, {3}, {0, 0, 0})}, m.uniform({0}));
}

void put_large(Maker& m) {
  using List = std::vector<Array>;
  const Array rows = m.integers(kI64, {3001}, 0, 400);
  m.call("rows", m.uniform({401, 71}), List{rows}, m.uniform({3001, 71}));
  m.call("added", m.uniform({401, 71}), List{rows}, m.uniform({3001, 71}), true);
  m.call("few of many", m.uniform({33001}), List{m.integers(kI64, {501}, 0, 33000)},
         m.uniform({501}), true);
}

void bad_calls(Sample& s) {
  using List = std::vector<Array>;
  const auto zeros = [](const Shape& shape, DType dtype = kF32) { return zeros_of(dtype, shape); };
  s.bad<IndexError>("index 3 at position 0 is out of range", zeros({3}),
                    List{Maker(kF32).of(kI64, {1}, {3})}, zeros({1}));
  s.bad<IndexError>("2 indices for shape [3]", zeros({3}), List{zeros({1}, kI64), zeros({1}, kI64)},
                    zeros({1}));
  s.bad<IndexError>("a mask of shape [4] does not fit shape [3]", zeros({3}),
                    List{zeros({4}, kBool)}, zeros({}));
  s.bad<ShapeError>("values of shape [3] do not broadcast", zeros({3}), List{zeros({2}, kI64)},
                    zeros({3}));
  s.bad<DtypeError>("the values are f64", zeros({3}), List{zeros({2}, kI64)}, zeros({2}, kF64));
  s.bad<DtypeError>("indices must be i64 or i32", zeros({3}), List{zeros({2})}, zeros({2}));
}

}  // namespace

void samples_indexing(Samples& samples) {
  for (const char* row : {"index_put_", "index_put"}) {
    Sample& s = samples.add(row);
    s.strides = row == std::string("index_put_") ? Strides::kTarget : Strides::kDenseLike;
    s.differentiable = {0, 2};
    s.reads_values = true;  // masks
    s.same_on_targets = true;
    s.calls = put_calls;
    s.large = put_large;
    s.reference = put_reference;
    bad_calls(s);
  }
}

}  // namespace entasis::matrix
