// Variance and its kin, norms, logsumexp.
#include "reductions.h"

namespace entasis::matrix {
namespace {

Array zeros(DType dtype, const Shape& shape) { return zeros_of(dtype, shape); }

// Squared deviations over n - correction, and what they may be off.
Real variance_of(const std::vector<Real>& values, Real correction, Real& error) {
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
}

void variances(Samples& samples, const std::string& row) {
  const bool root = row.starts_with("std"), with_mean = row.ends_with("_mean");
  Sample& s = samples.add(row);
  s.dtypes = kFloats;
  s.calls = [root](Maker& m) {
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
    if (root) {
      for (Call& call : m.calls) call.ties_if_repeated = true;  // a root has no slope at 0
    }
  };
  s.large = [](Maker& m) {
    m.call("all", m.uniform({3, 70001}));
    m.call("rows", m.uniform({301, 701}), Shape{1});
    m.call("columns", m.uniform({701, 301}), Shape{0});
  };
  s.reference = [root, with_mean](const Call& c) -> Results {
    const Real correction = c.real(2, 1);
    const DType dtype = c.array(0).dtype;
    const auto over_dims = [&](const Reduce& f) {
      return reduce(c.array(0), reduced(c, 1), c.flag(3, false), dtype, f);
    };
    Results results = {over_dims([&](const std::vector<Real>& values, Real& error) {
      const Real variance = variance_of(values, correction, error);
      if (!root) return variance;
      const Real deviation = std::sqrt(variance);
      // The error of a root is at most the root of the error.
      const Real unit = dtype == kF64 ? 0x1p-53L : 0x1p-24L;
      error = std::min(error / deviation, std::sqrt(error / unit)) + deviation;
      if (!(deviation > 0)) error = std::sqrt(error);
      return deviation;
    })};
    if (with_mean) {
      results.push_back(over_dims([](const std::vector<Real>& values, Real& error) {
        const Total total = total_of(values);
        const Real n = Real(values.size());
        error = (total.error() + total.size) / n;
        return total.value / n;
      }));
    }
    return results;
  };
  s.bad<DtypeError>("cast it to a floating-point dtype", zeros(kI32, {2}));
  s.bad<IndexError>("2", zeros(kF32, {2, 3}), Shape{2});
}

Real norm_of(const std::vector<Real>& values, Real p, Real& error) {
  Total total;
  Real largest = 0, smallest = INFINITY;
  bool nan = false;
  for (Real v : values) {
    const Real size = std::abs(v);
    nan |= std::isnan(v);
    largest = std::max(largest, size);
    smallest = std::min(smallest, size);
    total.add(p == 0 ? Real(v != 0) : std::pow(size, p));
  }
  if (p == 0) return total.value;
  if (std::isinf(p)) return nan ? Real(NAN) : p > 0 ? largest : smallest;
  const Real result = std::pow(total.value, 1 / p);
  if (result == 0) return result;
  // A term's power is off by 4 roundings, the sum by its own, and the root divides them by p.
  const Real relative = (total.error() / total.value + 8) / std::abs(p) + 4;
  error = std::isfinite(result) ? result * relative : 0;
  return result;
}

void norms(Samples& samples, const std::string& row) {
  Sample& s = samples.add(row);
  s.dtypes = kFloats;
  s.calls = [](Maker& m) {
    // Away from 0, where magnitudes have no slope.
    auto make = [&](const Shape& shape) {
      Array x = m.distinct(shape, 0.3L, 3);
      for (size_t i = 0; i < x.values.size(); i += 2) x.values[i] = -x.values[i];
      return x;
    };
    for (const double p : {2.0, 1.0, 0.0, 3.0, 0.5, 1.5, -1.0, HUGE_VAL, -HUGE_VAL}) {
      const std::string order = " of order " + std::to_string(p);
      const size_t begin = m.calls.size();
      m.call("all" + order, make({3, 7}), p);
      m.call("rows" + order, make({3, 17}), p, Shape{1});
      m.call("columns, kept" + order, make({5, 3}), p, Shape{0}, true);
      m.call("channels" + order, make({2, 3, 2, 4}), p, Shape{0, 2, 3});
      m.call("0-d" + order, make({}), p);
      m.call("no result" + order, make({0, 3}), p, Shape{1});
      for (size_t i = begin; i < m.calls.size(); ++i) m.calls[i].ties_if_repeated = std::isinf(p);
      m.call("zeros" + order, zeros_of(m.dtype, {2, 2}), p, Shape{1}).gradient = false;
      m.call("NaN and infinity" + order, m.of({3, 2}, {1, NAN, 2, INFINITY, 0, 3}), p, Shape{1})
          .gradient = false;
    }
    m.call("of nothing", m.uniform({0, 3}), 2.0, Shape{0});
    m.call("default", make({4}));
    m.call("as f64", make({3, 5}), 2.0, Shape{1}, false, kF64);
    if (m.dtype == kF32) m.call("large", m.of({2}, {3e30L, 4e30L}), 2.0).gradient = false;
  };
  s.large = [](Maker& m) {
    for (const double p : {2.0, 0.5, HUGE_VAL}) {
      m.call("all", m.uniform({3, 70001}), p);
      m.call("rows", m.uniform({301, 701}), p, Shape{1});
      m.call("columns", m.uniform({701, 301}), p, Shape{0});
    }
  };
  s.reference = [](const Call& c) -> Results {
    const Real p = c.real(1, 2);
    const DType dtype = c.given(4) ? c.dtype(4) : c.array(0).dtype;
    return {reduce(
        c.array(0), reduced(c, 2), c.flag(3, false), dtype,
        [&](const std::vector<Real>& values, Real& error) { return norm_of(values, p, error); })};
  };
  s.bad<DtypeError>("cast it to a floating-point dtype", zeros(kI32, {2}));
  s.bad<DtypeError>("does not fit", zeros(kF64, {2}), 2.0, Shape{}, false, kF32);
  s.bad<IndexError>("2", zeros(kF32, {2, 3}), 2.0, Shape{2});
  s.bad<ValueError>("over no elements", zeros(kF32, {0, 3}), -1.0, Shape{0});
}

void logsumexps(Samples& samples) {
  Sample& s = samples.add("logsumexp");
  s.calls = [](Maker& m) {
    m.call("rows", m.uniform({3, 7}), Shape{1});
    m.call("long rows", m.uniform({2, 67}), Shape{-1});
    m.call("columns, kept", m.uniform({5, 3}), Shape{0}, true);
    m.call("channels", m.uniform({2, 3, 4, 5}), Shape{0, 2, 3});
    m.call("0-d", m.uniform({}), Shape{0});
    m.call("of nothing", m.uniform({0, 3}), Shape{0}).gradient = false;
    m.call("no result", m.uniform({0, 3}), Shape{1});
    if (is_float(m.dtype)) {
      m.call("large values", m.of({2, 3}, {1e4L, 1e4L, -1e4L, -1e4L, -1e4L, -1e4L}), Shape{1})
          .gradient = false;
      m.call("infinities",
             m.of({4, 3}, {-INFINITY, 1, 2, -INFINITY, -INFINITY, -INFINITY, INFINITY, 1, 2, NAN, 1,
                           INFINITY}),
             Shape{1})
          .gradient = false;
    }
  };
  s.large = [](Maker& m) {
    m.call("all", m.uniform({3, 70001}), Shape{});
    m.call("rows", m.uniform({301, 701}), Shape{1});
    m.call("columns", m.uniform({701, 301}), Shape{0});
  };
  s.reference = [](const Call& c) -> Results {
    return {reduce(c.array(0), reduced(c, 1), c.flag(2, false), float_or_f32(c.array(0).dtype),
                   [](const std::vector<Real>& values, Real& error) {
                     Real largest = -INFINITY, sum = 0;
                     for (Real v : values) largest = std::isnan(v) || v > largest ? v : largest;
                     const Real centre = std::isinf(largest) ? 0 : largest;
                     for (Real v : values) sum += std::exp(v - centre);
                     const Real result = centre + std::log(sum);
                     // Exponentials of rounded distances, their sum, the logarithm and the sum with
                     // the largest element.
                     error = Real(values.size()) + 8 + 2 * std::abs(result) + std::abs(centre);
                     return result;
                   })};
  };
  s.bad<IndexError>("2", zeros(kF32, {2, 3}), Shape{2});
}

}  // namespace

void samples_statistics(Samples& samples) {
  for (const char* row : {"var", "std", "var_mean", "std_mean"}) variances(samples, row);
  for (const char* row : {"vector_norm", "norm"}) norms(samples, row);
  logsumexps(samples);
}

}  // namespace entasis::matrix
