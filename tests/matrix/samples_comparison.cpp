// Comparisons.
#include <algorithm>

#include "families.h"

namespace entasis::matrix {
namespace {

Binary comparison(bool (*f)(Real, Real), bool orders) {
  return {.f = [f](Real a, Real b) -> Real { return f(a, b); },
          .gives = Binary::Gives::kBool,
          .orders = orders};
}

void comparisons(Samples& samples, const char* row, const char* long_name, bool (*f)(Real, Real),
                 bool orders) {
  for (const char* name : {row, long_name}) {
    if (!name) continue;
    binary(samples, name, comparison(f, orders));
    binary_in_place(samples, std::string(name) + "_", comparison(f, orders));
  }
}

bool is_close(Real a, Real b, Real rtol, Real atol, bool equal_nan) {
  if (std::isnan(a) || std::isnan(b)) return equal_nan && std::isnan(a) && std::isnan(b);
  return a == b || (std::isfinite(a - b) && std::abs(a - b) <= atol + std::abs(rtol * b));
}

// Arrays that are near each other, nearer and farther than the tolerances by far more than these
// are rounded.
void closeness(Samples& samples, const std::string& row) {
  const bool of_all = row == "allclose";
  Sample& s = samples.add(row);
  s.strides = of_all ? Strides::kUnchecked : Strides::kPointwise;
  s.same_on_targets = true;
  s.no_gradient = "its result is bool";
  s.reads_values = of_all;
  s.calls = [](Maker& m) {
    auto beside = [&](Array x, Real by) {
      for (Real& v : x.values) v = held(x.dtype, v + by * (std::abs(v) + 1));
      return x;
    };
    for (const Shape& shape : kPointwiseShapes) {
      const Array x = m.uniform(shape);
      m.call(to_string(shape), x, x);
      m.call("far " + to_string(shape), x, beside(x, 1));
      m.call("by tolerances " + to_string(shape), x, beside(x, 0.0625), 0.25, 0.25);
      m.call("by large numbers " + to_string(shape), x, m.uniform(shape), 0, 1.53125);
    }
    m.call("broadcast", m.uniform({2, 3, 4}), m.uniform({3, 1}), 0, 1.53125);
    const std::vector<Real> extremes = m.extremes();
    const Array x = m.of({int64_t(extremes.size())}, extremes);
    Array turned = x;
    std::reverse(turned.values.begin(), turned.values.end());
    m.call("extremes", x, x);
    m.call("extremes with NaN", x, x, 0.25, 0.25, true);
    m.call("other extremes", x, turned, 0.25, 0.25);
    m.call("exactly", x, turned, 0, 0, true);
  };
  s.large = [](Maker& m) {
    m.call("large", m.uniform(kLargeShape), m.uniform(kLargeShape), 0.25, 0.25);
  };
  s.reference = [of_all](const Call& c) -> Results {
    const Real rtol = c.real(2, 1e-5), atol = c.real(3, 1e-8);
    const bool equal_nan = c.flag(4, false);
    Array y = pointwise(c, {0, 1}, kBool, [&](const std::vector<Real>& v) -> Real {
      return is_close(v[0], v[1], rtol, atol, equal_nan);
    });
    if (!of_all) return {y};
    const bool all = std::count(y.values.begin(), y.values.end(), Real(0)) == 0;
    return {Array{kBool, {}, {Real(all)}}};
  };
  s.bad<DtypeError>("f32 and f64", zeros_of(kF32, {2}), zeros_of(kF64, {2}));
  s.bad<ValueError>("-1", zeros_of(kF32, {2}), zeros_of(kF32, {2}), -1);
  s.bad<ShapeError>("do not broadcast", zeros_of(kF32, {2}), zeros_of(kF32, {3}));
}

void equal(Samples& samples) {
  Sample& s = samples.add("equal");
  s.strides = Strides::kUnchecked;
  s.same_on_targets = true;
  s.no_gradient = "its result is bool";
  s.reads_values = true;
  s.calls = [](Maker& m) {
    for (const Shape& shape : kPointwiseShapes) {
      const Array x = m.uniform(shape);
      Array other = x;
      if (!other.values.empty()) other.values.back() = other.values.back() == 0 ? 1 : 0;
      m.call(to_string(shape), x, x);
      m.call("one differs " + to_string(shape), x, other);
      m.call("another dtype " + to_string(shape), x, Array{kF64, x.shape, x.values});
    }
    m.call("another shape", m.uniform({2, 3}), m.uniform({1, 3}));
    const std::vector<Real> extremes = m.extremes();
    const Array x = m.of({int64_t(extremes.size())}, extremes);
    m.call("extremes", x, x);
  };
  s.large = [](Maker& m) {
    const Array x = m.uniform(kLargeShape);
    m.call("large", x, x);
  };
  s.reference = [](const Call& c) -> Results {
    const Array &a = c.array(0), &b = c.array(1);
    const bool same = a.shape == b.shape && std::equal(a.values.begin(), a.values.end(),
                                                       b.values.begin());  // NaN differs
    return {Array{kBool, {}, {Real(same)}}};
  };
  s.bad<ValueError>("undefined", std::nullopt, zeros_of(kF32, {2}));
}

}  // namespace

void samples_comparison(Samples& samples) {
  comparisons(
      samples, "eq", nullptr, [](Real a, Real b) { return a == b; }, false);
  comparisons(
      samples, "ne", "not_equal", [](Real a, Real b) { return a != b; }, false);
  comparisons(
      samples, "lt", "less", [](Real a, Real b) { return a < b; }, true);
  comparisons(
      samples, "le", "less_equal", [](Real a, Real b) { return a <= b; }, true);
  comparisons(
      samples, "gt", "greater", [](Real a, Real b) { return a > b; }, true);
  comparisons(
      samples, "ge", "greater_equal", [](Real a, Real b) { return a >= b; }, true);
  closeness(samples, "isclose");
  closeness(samples, "allclose");
  equal(samples);
}

}  // namespace entasis::matrix
