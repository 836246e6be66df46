// Functions of two numbers.
#include <algorithm>

#include "families.h"

namespace entasis::matrix {
namespace {

// The next number of a format towards another, counted in units of its last place.
Real next_after(DType dtype, Real x, Real y) {
  if (std::isnan(x) || std::isnan(y)) return NAN;
  if (x == y) return y;
  const FloatFormat format = format_of(dtype);
  const auto unit = [&](int exponent) { return std::ldexp(Real(1), exponent - format.digits + 1); };
  if (x == 0) return std::copysign(unit(format.min_exponent), y);
  const Real size = std::abs(x);
  const bool outwards = (y > x) == (x > 0);
  if (std::isinf(x)) return std::copysign(highest_finite(dtype), x);
  const int exponent = std::max(std::ilogb(size), format.min_exponent);
  if (outwards) {
    const Real next = size + unit(exponent);
    return std::copysign(next > highest_finite(dtype) ? Real(INFINITY) : next, x);
  }
  const bool first = size == std::ldexp(Real(1), exponent) && exponent > format.min_exponent;
  return std::copysign(size - unit(first ? exponent - 1 : exponent), x);
}

Real logaddexp(Real a, Real b) {
  const Real top = std::isnan(a) || std::isnan(b) ? Real(NAN) : std::max(a, b);
  return std::isfinite(top) ? top + std::log1p(std::exp(-std::abs(a - b))) : top;
}
Real logaddexp2(Real a, Real b) {
  const Real top = std::isnan(a) || std::isnan(b) ? Real(NAN) : std::max(a, b);
  return std::isfinite(top) ? top + std::log2(1 + std::exp2(-std::abs(a - b))) : top;
}
Real xlogy(Real x, Real y) { return std::isnan(y) ? y : x == 0 ? Real(0) : x * std::log(y); }
Real ldexp(Real x, Real n) {
  if (std::isnan(n)) return n;
  return x == 0 || !std::isfinite(x) ? x : x * std::exp2(std::clamp(n, Real(-9000), Real(9000)));
}

Sample& function(Samples& samples, const std::string& row, Real (*f)(Real, Real), double ulps,
                 Real low = -3, Real other_low = -3) {
  const Binary b{
      .f = f, .gives = Binary::Gives::kFloat, .low = low, .other_low = other_low, .ulps = ulps};
  Sample& s = row.ends_with('_') ? binary_in_place(samples, row, b) : binary(samples, row, b);
  s.signed_zeros = false;
  s.same_on_targets = false;
  return s;
}

// Sums of logarithms cancel: their error is that of the larger one.
void absolute_error(Sample& s) {
  const auto reference = s.reference;
  s.reference = [reference](const Call& c) -> Results {
    Results results = reference(c);
    const Array sizes =
        pointwise(converted(c, {0, 1}, results[0].dtype), {0, 1}, results[0].dtype,
                  [](const std::vector<Real>& v) {
                    const Real size = std::abs(v[0]) + std::abs(v[1]);
                    return std::isfinite(size) ? 2 * std::abs(std::max(v[0], v[1])) + 4 : Real(4);
                  });
    results[0].error = sizes.values;
    return results;
  };
}

}  // namespace

void samples_binary(Samples& samples) {
  for (const std::string end : {"", "_"}) {
    // Away from the origin, about which derivatives grow beyond what differences tell.
    function(
        samples, "atan2" + end, [](Real a, Real b) { return std::atan2(a, b); }, 4, -3, 0.5)
        .signed_zeros = true;
    function(
        samples, "hypot" + end, [](Real a, Real b) { return std::hypot(a, b); }, 2)
        .same_on_targets = true;
    Sample& copysign = function(
        samples, "copysign" + end, [](Real a, Real b) { return std::copysign(a, b); }, 1);
    copysign.signed_zeros = copysign.same_on_targets = true;
    Sample& next = function(samples, "nextafter" + end, nullptr, 0);
    typed_reference(next, {.f = nullptr, .gives = Binary::Gives::kFloat}, &next_after);
    next.signed_zeros = next.same_on_targets = true;
    next.no_gradient = "a difference of neighbours is no derivative";
    function(samples, "xlogy" + end, &xlogy, 4, 0.25, 0.25);
    function(samples, "ldexp" + end, &ldexp, 4);
  }
  absolute_error(function(samples, "logaddexp", &logaddexp, 4));
  absolute_error(function(samples, "logaddexp2", &logaddexp2, 4));
}

}  // namespace entasis::matrix
