// Reductions over any dimensions, and softmax.
#include <algorithm>

#include "sample.h"

namespace entasis::matrix {
namespace {

// Which dimensions a call reduces: those of argument `i`, or all.
std::vector<bool> reduced(const Call& c, int i) {
  const size_t rank = size_t(c.array(0).rank());
  const Shape dims = c.dims(i);
  std::vector<bool> mask(rank, dims.empty());
  for (int64_t d : dims) {
    if (rank > 0) mask[size_t(wrap(d, int64_t(rank)))] = true;
  }
  return mask;
}

Shape shape_without(const Shape& shape, const std::vector<bool>& mask, bool keepdim) {
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
Groups grouped(const Array& x, const std::vector<bool>& mask, bool keepdim) {
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
Array reduce(const Array& x, const std::vector<bool>& mask, bool keepdim, DType dtype,
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

Total total_of(const std::vector<Real>& values) {
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

void large_reductions(Maker& m) {
  m.call("all", m.uniform({3, 70001}));
  m.call("rows", m.uniform({301, 701}), Shape{1});
  m.call("columns", m.uniform({701, 301}), Shape{0});
}

Array zeros(DType dtype, const Shape& shape) { return zeros_of(dtype, shape); }

void sum_and_mean(Samples& samples) {
  {
    Sample& s = samples.add("sum");
    s.calls = [](Maker& m) {
      auto make = [&](const Shape& shape) { return m.uniform(shape); };
      reduction_calls(m, make, true);
      m.call("as f64", m.uniform({3, 5}), Shape{1}, false, kF64);
      m.call("as i32", m.uniform({3, 5}), Shape{0}, false, kI32).gradient = false;
      m.call("as f16", m.uniform({3, 5}), Shape{}, false, kF16).gradient = false;
      if (is_float(m.dtype)) {
        m.call("NaN", m.of({2, 2}, {1, NAN, 2, 3}), Shape{1}).gradient = false;
        m.call("infinities", m.of({4}, {1, INFINITY, -INFINITY, 3})).gradient = false;
      }
    };
    s.large = large_reductions;
    s.reference = [](const Call& c) -> Results {
      Array x = c.array(0);
      DType dtype = is_float(x.dtype) ? x.dtype : kI64;
      if (c.given(3)) {
        dtype = c.dtype(3);
        if (dtype == kF16 || !is_float(dtype)) {  // the elements are cast first
          for (Real& v : x.values) v = held(dtype, v);
        }
      }
      return {reduce(x, reduced(c, 1), c.flag(2, false), dtype,
                     [&](const std::vector<Real>& values, Real& error) {
                       const Total total = total_of(values);
                       error = total.error();
                       return is_float(dtype) ? total.value : held(dtype, total.value);
                     })};
    };
    s.bad<IndexError>("2", zeros(kF32, {2, 3}), Shape{2});
    s.bad<ValueError>("twice", zeros(kF32, {2, 3}), Shape{0, -2});
  }
  {
    Sample& s = samples.add("mean");
    s.dtypes = kFloats;
    s.calls = [](Maker& m) {
      auto make = [&](const Shape& shape) { return m.uniform(shape); };
      reduction_calls(m, make, true);
      for (Call& call : m.calls) {  // 0 / 0 has no derivative
        call.gradient &= call.label.find("of nothing") == std::string::npos;
      }
      m.call("as f64", m.uniform({3, 5}), Shape{1}, false, kF64);
      m.call("of i32", m.integers(kI32, {3, 5}, -9, 9), Shape{1}, false, kF32).gradient = false;
    };
    s.large = large_reductions;
    s.reference = [](const Call& c) -> Results {
      const DType dtype = c.given(3) ? c.dtype(3) : c.array(0).dtype;
      return {reduce(c.array(0), reduced(c, 1), c.flag(2, false), dtype,
                     [&](const std::vector<Real>& values, Real& error) {
                       const Total total = total_of(values);
                       const Real n = Real(values.size());
                       error = (total.error() + total.size) / n;
                       return total.value / n;
                     })};
    };
    s.bad<DtypeError>("name a floating-point dtype", zeros(kI32, {2}));
    s.bad<IndexError>("-3", zeros(kF32, {2, 3}), Shape{-3});
  }
  {
    Sample& s = samples.add("sum_to");
    s.dtypes = kNumbers;
    s.strides = Strides::kUnchecked;  // the input itself if the shapes agree
    s.calls = [](Maker& m) {
      m.call("leading", m.uniform({2, 3, 4}), Shape{4});
      m.call("ones", m.uniform({2, 3, 4}), Shape{2, 1, 4});
      m.call("both", m.uniform({2, 3, 4, 5}), Shape{3, 1, 5});
      m.call("to 0-d", m.uniform({3, 2}), Shape{});
      m.call("same", m.uniform({3, 2}), Shape{3, 2});
      m.call("of nothing", m.uniform({0, 2}), Shape{2});
    };
    s.large = [](Maker& m) { m.call("large", m.uniform({301, 701}), Shape{701}); };
    s.reference = [](const Call& c) -> Results {
      const Array& x = c.array(0);
      const Shape target = c.dims(1);
      std::vector<Total> totals(size_t(numel_of(target)));
      Array y = zeros_of(x.dtype, target);
      each_index(x.shape, [&](const Index& index) {
        totals[size_t(y.position(unbroadcast(index, target)))].add(x.at(index));
      });
      for (size_t i = 0; i < totals.size(); ++i) {
        y.values[i] = is_float(x.dtype) ? totals[i].value : held(x.dtype, totals[i].value);
        y.error.push_back(totals[i].error());
      }
      return {y};
    };
    s.bad<ShapeError>("does not broadcast", zeros(kF32, {2, 3}), Shape{2});
  }
}

void maxima(Samples& samples) {
  {
    Sample& s = samples.add("amax");
    s.ulps = 0;
    s.same_on_targets = true;
    s.calls = [](Maker& m) {
      auto make = [&](const Shape& shape) { return m.distinct(shape); };
      reduction_calls(m, make, false);
      // So many values that formats of 8 and 11 bits have ties.
      for (Call& call : m.calls) {
        call.gradient &= call.array(0).numel() <= 64;
        call.ties_if_repeated = true;
      }
      m.call("ties", m.of({2, 3}, {1, 1, 0, 1, 0, 1}), Shape{1}).gradient = false;
      if (is_float(m.dtype)) {
        m.call("NaN", m.of({2, 3}, {1, NAN, 2, 3, 5, 4}), Shape{1}).gradient = false;
      }
    };
    s.large = large_reductions;
    s.reference = [](const Call& c) -> Results {
      Array y = reduce(c.array(0), reduced(c, 1), c.flag(2, false), c.array(0).dtype,
                       [](const std::vector<Real>& values, Real&) {
                         Real largest = values[0];
                         for (Real v : values) {
                           if (std::isnan(v) || v > largest) largest = v;
                           if (std::isnan(largest)) return largest;
                         }
                         return largest;
                       });
      y.error.clear();
      return {y};
    };
    s.bad<IndexError>("no maximum over dim 0", zeros(kF32, {0, 3}), Shape{0});
    s.bad<IndexError>("2", zeros(kF32, {2, 3}), Shape{2});
  }
  {
    Sample& s = samples.add("argmax");
    s.no_gradient = "an index";
    s.same_on_targets = true;
    s.calls = [](Maker& m) {
      m.call("all", m.uniform({3, 7}));
      m.call("all of 4-d, kept", m.uniform({2, 3, 4, 5}), std::nullopt, true);
      m.call("last", m.uniform({3, 67}), -1);
      m.call("first, kept", m.uniform({5, 3}), 0, true);
      m.call("middle", m.uniform({2, 5, 3}), 1);
      m.call("0-d", m.uniform({}));
      m.call("0-d by dim", m.uniform({}), 0);
      m.call("no result", m.uniform({0, 3}), 1);
      m.call("ties", m.of({2, 3}, {0, 1, 1, 1, 0, 1}), 1);
      const std::vector<Real> extremes = m.extremes();
      m.call("extremes", m.of({int64_t(extremes.size())}, extremes));
      if (is_float(m.dtype)) m.call("two NaNs", m.of({5}, {1, INFINITY, NAN, 3, NAN}), 0);
    };
    s.large = [](Maker& m) {
      m.call("all", m.uniform({3, 70001}));
      m.call("rows", m.uniform({301, 701}), 1);
      m.call("columns", m.uniform({701, 301}), 0);
    };
    s.reference = [](const Call& c) -> Results {
      Call by_dims = c;
      if (c.given(1)) by_dims.arguments[1] = Value(Dims{c.integer(1)});
      Array y = reduce(c.array(0), reduced(by_dims, 1), c.flag(2, false), kI64,
                       [](const std::vector<Real>& values, Real&) {
                         size_t best = 0;
                         for (size_t i = 1; i < values.size() && !std::isnan(values[best]); ++i) {
                           if (std::isnan(values[i]) || values[i] > values[best]) best = i;
                         }
                         return Real(best);
                       });
      return {y};
    };
    s.bad<IndexError>("no maximum", zeros(kF32, {0, 3}));
    s.bad<IndexError>("2", zeros(kF32, {2, 3}), 2);
  }
}

void variance(Samples& samples) {
  Sample& s = samples.add("var");
  s.dtypes = kFloats;
  s.calls = [](Maker& m) {
    m.call("all", m.uniform({3, 7}));
    m.call("rows", m.uniform({3, 67}), Shape{-1});
    m.call("columns, biased, kept", m.uniform({5, 3}), Shape{0}, 0.0, true);
    m.call("channels", m.uniform({2, 3, 4, 5}), Shape{0, 2, 3}, 0);
    m.call("correction 1.5", m.uniform({4, 5}), Shape{1}, 1.5);
    // In f32 the mean's rounding is what deviations are off by.
    m.call("far from 0", m.uniform({3, 9}, 100, 101), Shape{1}).gradient = m.dtype == kF64;
    m.call("no freedom", m.uniform({3, 1}), Shape{1}).gradient = false;
    m.call("0-d", m.uniform({})).gradient = false;
    m.call("of nothing", m.uniform({0, 3}), Shape{0}).gradient = false;
    m.call("NaN and infinity", m.of({2, 3}, {1, NAN, 2, 3, INFINITY, 5}), Shape{1}).gradient =
        false;
  };
  s.large = [](Maker& m) {
    m.call("all", m.uniform({3, 70001}));
    m.call("rows", m.uniform({301, 701}), Shape{1});
    m.call("columns", m.uniform({701, 301}), Shape{0});
  };
  s.reference = [](const Call& c) -> Results {
    const Real correction = c.real(2, 1);
    return {reduce(
        c.array(0), reduced(c, 1), c.flag(3, false), c.array(0).dtype,
        [&](const std::vector<Real>& values, Real& error) {
          const Real n = Real(values.size()), freedom = std::max(Real(0), n - correction);
          const Total total = total_of(values);
          const Real mean = total.value / n;
          // The computed mean is off, and each deviation by a rounding of the mean.
          const Real mean_error = total.error() / n + std::abs(mean);
          Total squares, first_order;
          for (Real v : values) {
            squares.add((v - mean) * (v - mean));
            first_order.add(2 * std::abs(v - mean) * mean_error);
          }
          // What the mean's error adds to deviations of 0, in f32 the most.
          const Real second_order = n * mean_error * mean_error * 0x1p-24L;
          error = (squares.error() + 4 * squares.size + first_order.size + second_order) / freedom;
          return squares.value / freedom;
        })};
  };
  s.bad<DtypeError>("cast it to a floating-point dtype", zeros(kI32, {2}));
  s.bad<IndexError>("2", zeros(kF32, {2, 3}), Shape{2});
}

void softmaxes(Samples& samples) {
  for (const std::string row : {"softmax", "softmin", "log_softmax"}) {
    const bool logarithm = row == "log_softmax", turned = row == "softmin";
    Sample& s = samples.add(row);
    s.dtypes = kFloats;
    s.calls = [](Maker& m) {
      m.call("rows", m.uniform({3, 7}), 1);
      m.call("long rows", m.uniform({2, 67}), -1);
      m.call("columns", m.uniform({5, 3}), 0);
      m.call("channels", m.uniform({2, 3, 4, 5}), 1);
      m.call("0-d", m.uniform({}), 0);
      m.call("size 1", m.uniform({3, 1}), 1);
      m.call("empty", m.uniform({0, 3}), 1);
      m.call("empty slices", m.uniform({3, 0}), 1);
      m.call("large values", m.of({2, 4}, {1e4L, 1e4L, -1e4L, 0, 88, 104, -104, -88}), 1).gradient =
          false;
      m.call("-inf", m.of({2, 3}, {-INFINITY, 1, 2, -INFINITY, -INFINITY, -INFINITY}), 1).gradient =
          false;
      m.call("NaN", m.of({2, 3}, {NAN, 1, 2, 0, 1, 2}), 1).gradient = false;
      m.call("inf", m.of({1, 3}, {INFINITY, 1, 2}), 1).gradient = false;
    };
    s.large = [](Maker& m) {
      m.call("rows", m.uniform({301, 701}), 1);
      m.call("columns", m.uniform({701, 301}), 0);
      m.call("one row", m.uniform({70001}), 0);
    };
    s.reference = [logarithm, turned](const Call& call) -> Results {
      Call c = call;
      Array& x = std::get<Array>(c.arguments[0]);
      if (turned) {
        for (Real& v : x.values) v = -v;
      }
      Array y = x;
      y.error.assign(y.values.size(), 0);
      std::vector<bool> mask(x.shape.size(), false);
      if (!mask.empty()) mask[size_t(wrap(c.integer(1), x.rank()))] = true;
      const Groups groups = grouped(x, mask, true);
      const Array positions = zeros_of(x.dtype, groups.shape);
      each_index(x.shape, [&](const Index& index) {
        const auto& group =
            groups.values[size_t(positions.position(unbroadcast(index, groups.shape)))];
        Real largest = -INFINITY, sum = 0;
        for (Real v : group) largest = std::isnan(v) || v > largest ? v : largest;
        for (Real v : group) sum += std::exp(v - largest);
        const size_t i = size_t(x.position(index));
        const Real shifted = x.values[i] - largest, n = Real(group.size());
        if (logarithm) {
          y.values[i] = shifted - std::log(sum);
          // Rounding of the difference, of the sum's n terms, of its logarithm and of the result.
          y.error[i] =
              std::abs(shifted) + n + 4 + 2 * std::abs(std::log(sum)) + std::abs(y.values[i]);
        } else {
          y.values[i] = std::exp(shifted) / sum;
          // The rounding of the argument is magnified by it.
          y.error[i] = y.values[i] * ((std::isinf(shifted) ? 0 : 2 * std::abs(shifted)) + n + 6);
        }
      });
      return {y};
    };
    s.bad<DtypeError>("cast it to a floating-point dtype", zeros(kI32, {2}), 0);
    s.bad<IndexError>("2", zeros(kF32, {2, 3}), 2);
  }
}

void softmin_backward(Samples& samples) {
  Sample& s = samples.add("softmin_backward");
  s.dtypes = {kF32, kF64};
  s.strides = Strides::kUnchecked;  // those of softmax's gradient
  s.calls = [](Maker& m) {
    m.call("rows", m.uniform({3, 7}), m.uniform({3, 7}, 0, 1), 1);
    m.call("columns", m.uniform({5, 3}), m.uniform({5, 3}, 0, 1), 0);
    m.call("empty", m.uniform({0, 3}), m.uniform({0, 3}), 1);
  };
  // -y (g - sum(g y))
  s.reference = [](const Call& c) -> Results {
    const Array &g = c.array(0), &y = c.array(1);
    Array result = y;
    result.error.assign(y.values.size(), 0);
    std::vector<bool> mask(y.shape.size(), false);
    mask[size_t(wrap(c.integer(2), y.rank()))] = true;
    const Groups grads = grouped(g, mask, true), outputs = grouped(y, mask, true);
    const Array positions = zeros_of(y.dtype, grads.shape);
    each_index(y.shape, [&](const Index& index) {
      const auto k = size_t(positions.position(unbroadcast(index, grads.shape)));
      Total total;
      for (size_t j = 0; j < grads.values[k].size(); ++j) {
        total.add(grads.values[k][j] * outputs.values[k][j]);
      }
      const size_t i = size_t(y.position(index));
      result.values[i] = -y.values[i] * (g.values[i] - total.value);
      result.error[i] =
          std::abs(y.values[i]) * (4 * std::abs(g.values[i]) + 4 * total.error()) + Real(1e-300);
    });
    return {result};
  };
  s.bad<ShapeError>("[2, 3]", zeros_of(kF32, {2, 3}), zeros_of(kF32, {2, 4}), 1);
}

}  // namespace

void samples_reduction(Samples& samples) {
  sum_and_mean(samples);
  maxima(samples);
  variance(samples);
  softmaxes(samples);
  softmin_backward(samples);
}

}  // namespace entasis::matrix
