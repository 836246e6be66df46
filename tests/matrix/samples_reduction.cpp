// Sums over any dimensions, and softmax.
#include <algorithm>

#include "reductions.h"

namespace entasis::matrix {
namespace {

Array zeros(DType dtype, const Shape& shape) { return zeros_of(dtype, shape); }

// Roundings of a dtype in units of those of the type that it is computed in.
Real tolerance_scale(DType dtype) { return dtype == kF16 ? 0x1p13L : dtype == kBF16 ? 0x1p16L : 1; }

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

void sums_without_nan(Samples& samples) {
  for (const std::string row : {"nansum", "nanmean"}) {
    const bool mean = row == "nanmean";
    Sample& s = samples.add(row);
    if (mean) s.dtypes = kFloats;
    s.calls = [](Maker& m) {
      auto make = [&](const Shape& shape) {
        Array x = m.uniform(shape);
        if (!is_float(m.dtype)) return x;
        for (size_t i = 1; i < x.values.size(); i += 3) x.values[i] = NAN;
        return x;
      };
      reduction_calls(m, make, true);
      for (Call& call : m.calls) call.gradient = false;  // no differences can be taken of NaN
      m.call("rows without NaN", m.uniform({3, 5}), Shape{1});
      m.call("channels without NaN", m.uniform({2, 3, 2, 4}), Shape{0, 2, 3}, true);
      m.call("all without NaN", m.uniform({3, 5}));
      m.call("as f64", make({3, 5}), Shape{1}, false, kF64).gradient = false;
      if (is_float(m.dtype)) {
        m.call("nothing but NaN", m.of({2, 2}, {NAN, NAN, 2, 3}), Shape{1}).gradient = false;
      }
    };
    s.large = large_reductions;
    s.reference = [mean](const Call& c) -> Results {
      DType dtype = is_float(c.array(0).dtype) ? c.array(0).dtype : kI64;
      if (c.given(3)) dtype = c.dtype(3);
      return {reduce(c.array(0), reduced(c, 1), c.flag(2, false), dtype,
                     [&](const std::vector<Real>& values, Real& error) {
                       Total total;
                       for (Real v : values) {
                         if (!std::isnan(v)) total.add(v);
                       }
                       if (!mean) {
                         error = total.error();
                         return is_float(dtype) ? total.value : held(dtype, total.value);
                       }
                       const Real n = Real(total.terms);
                       // The sum is rounded to the dtype on its way.
                       error = (total.error() + total.size) / n;
                       error += std::abs(total.value / n) * tolerance_scale(dtype);
                       return total.value / n;
                     })};
    };
    s.bad<IndexError>("2", zeros(kF32, {2, 3}), Shape{2});
    if (mean) {
      s.bad<DtypeError>("the mean of i32", zeros(kI32, {2}));
      s.bad<DtypeError>("a mean in i64", zeros(kF32, {2}), Shape{}, false, kI64);
    }
  }
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
  sums_without_nan(samples);
  softmaxes(samples);
  softmin_backward(samples);
}

}  // namespace entasis::matrix
