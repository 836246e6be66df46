// Trigonometric and hyperbolic functions.
#include "families.h"

namespace entasis::matrix {
namespace {

constexpr Real kPi = 3.14159265358979323846264338327950288L;

// By quarters of a turn, so that integers give exactly 0.
Real sinc(Real x) {
  if (x == 0) return 1;
  if (!std::isfinite(x)) return NAN;
  const Real turn = std::remainder(x, Real(2));
  const int n = int(std::nearbyint(2 * turn));
  const Real angle = kPi * (turn - Real(n) / 2);
  const Real wave = (n & 1) != 0 ? std::cos(angle) : std::sin(angle);
  return ((n & 2) != 0 ? -wave : wave) / (kPi * x);
}

void both(Samples& samples, const std::string& row, const Unary& u) {
  unary(samples, row, u);
  unary_in_place(samples, row + "_", u);
}

}  // namespace

void samples_trigonometric(Samples& samples) {
  both(samples, "sin",
       {.f = [](Real x) { return std::sin(x); }, .derivative = [](Real x) { return std::cos(x); }});
  both(
      samples, "cos",
      {.f = [](Real x) { return std::cos(x); }, .derivative = [](Real x) { return -std::sin(x); }});
  both(samples, "tan", {.f = [](Real x) { return std::tan(x); }, .low = -1.25, .high = 1.25});
  both(samples, "asin",
       {.f = [](Real x) { return std::asin(x); }, .low = -0.9, .high = 0.9, .ulps = 6});
  both(samples, "acos",
       {.f = [](Real x) { return std::acos(x); }, .low = -0.9, .high = 0.9, .ulps = 6});
  both(samples, "atan", {.f = [](Real x) { return std::atan(x); }, .ulps = 6});
  both(samples, "sinh", {.f = [](Real x) { return std::sinh(x); }, .ulps = 6});
  both(samples, "cosh", {.f = [](Real x) { return std::cosh(x); }, .ulps = 4});
  both(samples, "asinh", {.f = [](Real x) { return std::asinh(x); }, .ulps = 8});
  both(samples, "acosh",
       {.f = [](Real x) { return std::acosh(x); }, .low = 1.25, .high = 5, .ulps = 8});
  both(samples, "atanh",
       {.f = [](Real x) { return std::atanh(x); }, .low = -0.9, .high = 0.9, .ulps = 6});
  both(samples, "sinc", {.f = sinc, .ulps = 6});
  samples.at("sinc").signed_zeros = samples.at("sinc_").signed_zeros = false;
  both(samples, "deg2rad",
       {.f = [](Real x) { return x * kPi / 180; }, .derivative = [](Real) { return kPi / 180; }});
  both(samples, "rad2deg",
       {.f = [](Real x) { return x * 180 / kPi; }, .derivative = [](Real) { return 180 / kPi; }});
  both(samples, "tanh",
       {.f = [](Real x) { return std::tanh(x); },
        .derivative = [](Real x) { return 1 / (std::cosh(x) * std::cosh(x)); }});
  function_backward(samples, "tanh_backward",
                    {.f = nullptr,
                     .slope = [](Real y, const Parameters&) { return 1 - y * y; },
                     .slope_ulps = 4});
}

}  // namespace entasis::matrix
