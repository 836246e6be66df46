// Special functions.
#include "families.h"

namespace entasis::matrix {
namespace {

constexpr Real kPi = 3.14159265358979323846264338327950288L;

Real sigmoid(Real x) { return 1 / (1 + std::exp(-x)); }

// log(x / (1 - x)) without cancellation.
Real logit_of(Real x) { return std::log(x) - std::log1p(-x); }
Real logit_slope(Real x) { return x < 0 || x > 1 ? Real(NAN) : 1 / (x * (1 - x)); }

// By Newton's method; the residual is taken of erfc where erf is near 1.
Real erf_slope(Real x) { return 1.128379167095512573896158903121545172L * std::exp(-x * x); }
Real erfinv(Real x) {
  const Real a = std::abs(x);
  if (!(a < 1)) return a == 1 ? std::copysign(Real(INFINITY), x) : Real(NAN);
  Real y = a / erf_slope(0);
  for (int k = 0; k < 200 && a > Real(1e-10); ++k) {
    const Real residual = a < Real(0.5) ? std::erf(y) - a : (1 - a) - std::erfc(y);
    const Real step = residual / erf_slope(y);
    y -= step / (1 + y * step);
    if (std::abs(step) < Real(1e-19) * y) break;
  }
  return std::copysign(y, x);
}

Real lgamma_of(Real x) {
  int sign;
  return ::lgammal_r(x, &sign);
}

// By the recurrence up to 20 and the asymptotic series there; below 1/2 by the reflection.
Real digamma(Real x) {
  if (x < Real(0.5)) {
    if (x == 0) return std::copysign(Real(INFINITY), -x);
    if (x == std::floor(x)) return NAN;
    const Real part = x - std::nearbyint(x);  // exact
    return digamma(1 - x) - kPi / std::tan(kPi * part);
  }
  Real sum = 0;
  for (; x < 20; x += 1) sum += 1 / x;
  const Real z = 1 / (x * x);
  return std::log(x) - 1 / (2 * x) -
         z * (1 / Real(12) -
              z * (1 / Real(120) -
                   z * (1 / Real(252) -
                        z * (1 / Real(240) -
                             z * (1 / Real(132) - z * (691 / Real(32760) - z / 12)))))) -
         sum;
}

// A function with a zero near 1.46, about which its error is that of numbers near 1.
void absolute_error(Sample& s, Real terms) {
  const auto reference = s.reference;
  s.reference = [reference, terms](const Call& c) -> Results {
    Results results = reference(c);
    for (Real v : results[0].values) {
      results[0].error.push_back(std::isfinite(v) ? 4 * (terms + std::abs(v)) : Real(1));
    }
    return results;
  };
}

void logit(Samples& samples, bool in_place) {
  const Unary u{.f = logit_of, .derivative = logit_slope, .low = 0.05, .high = 0.95, .ulps = 6};
  Sample& s = in_place ? unary_in_place(samples, "logit_", u) : unary(samples, "logit", u);
  s.signed_zeros = false;
  const auto calls = s.calls;
  s.calls = [calls](Maker& m) {
    calls(m);
    if (!is_float(m.dtype)) return;
    const std::vector<Real> extremes = m.extremes();
    m.call("clamped", m.uniform({3, 7}, 0.3, 0.7), 0.0625);
    m.call("clamped outside", m.uniform({3, 67}, -1, 2), 0.0625).gradient = false;
    m.call("clamped, extremes", m.of({int64_t(extremes.size())}, extremes), 0.0625).gradient =
        false;
  };
  s.reference = [](const Call& c) -> Results {
    const DType dtype = float_or_f32(c.array(0).dtype);
    return {pointwise(converted(c, {0}, dtype), {0}, dtype, [&](const std::vector<Real>& v) {
      Real x = v[0];
      if (c.given(1) && !std::isnan(x)) {
        x = std::min(std::max(x, c.real(1)), 1 - c.real(1));
      }
      return logit_of(x);
    })};
  };
}

}  // namespace

void samples_special(Samples& samples) {
  const Unary logistic{.f = sigmoid, .derivative = [](Real x) { return sigmoid(x) * sigmoid(-x); }};
  const Unary erf{
      .f = [](Real x) { return std::erf(x); },
      .derivative =
          [](Real x) { return 1.128379167095512573896158903121545172L * std::exp(-x * x); }};
  for (const bool in_place : {false, true}) {
    const auto add = in_place ? &unary_in_place : &unary;
    const std::string end = in_place ? "_" : "";
    add(samples, "sigmoid" + end, logistic);
    add(samples, "erf" + end, erf);
    logit(samples, in_place);
    add(samples, "erfc" + end, {.f = [](Real x) { return std::erfc(x); }, .ulps = 6});
    add(samples, "erfinv" + end, {.f = erfinv, .low = -0.95, .high = 0.95, .ulps = 6});
    add(samples, "lgamma" + end, {.f = lgamma_of, .low = 0.25, .high = 5, .ulps = 8});
    // Beside 0 and the negative integers, where it has poles.
    absolute_error(add(samples, "digamma" + end, {.f = digamma, .low = 0.25, .high = 5}), 5);
  }
  function_backward(samples, "sigmoid_backward",
                    {.f = nullptr,
                     .slope = [](Real y, const Parameters&) { return y * (1 - y); },
                     .slope_ulps = 4});
}

}  // namespace entasis::matrix
