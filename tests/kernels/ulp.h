// Errors in units in the last place, and the sample points of the accuracy tests.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <random>
#include <type_traits>
#include <vector>

namespace entasis::testing {

template <class T>
using BitsOf = std::conditional_t<sizeof(T) == 4, uint32_t, uint64_t>;

template <class T>
BitsOf<T> bits_of(T x) {
  BitsOf<T> bits;
  std::memcpy(&bits, &x, sizeof(x));
  return bits;
}

template <class T>
T from_bits(BitsOf<T> bits) {
  T x;
  std::memcpy(&x, &bits, sizeof(x));
  return x;
}

// |got - reference| in units in the last place of T at the reference, R being a wider type.
// Infinite where only one of the two is NaN, where signs of zero differ, and where an infinity is
// met by something other than a neighbour.
template <class T, class R>
double ulp_error(T got, R reference) {
  if constexpr (std::is_same_v<R, double>) {
    // The common case without calls: a reference that is normal in T, and a finite result.
    if (std::abs(reference) >= std::numeric_limits<T>::min() &&
        std::abs(reference) < std::numeric_limits<T>::max() / 2 && std::isfinite(got) && got != 0) {
      constexpr uint64_t kExponent = 0x7ff0000000000000;
      const uint64_t steps = std::numeric_limits<T>::digits - 1;
      const double ulp = from_bits<double>((bits_of(reference) & kExponent) - (steps << 52));
      return std::abs(got - reference) / ulp;
    }
  }
  constexpr double kWrong = std::numeric_limits<double>::infinity();
  if (std::isnan(reference) || std::isnan(got)) {
    return std::isnan(reference) && std::isnan(got) ? 0 : kWrong;
  }
  if (std::signbit(reference) != std::signbit(got)) return kWrong;
  if (std::isinf(got) && std::isinf(reference)) return 0;
  using Limits = std::numeric_limits<T>;
  // An infinite result counts as the number that would follow the largest one.
  const R beyond = std::ldexp(R{1}, Limits::max_exponent);
  const R value = std::isinf(got) ? std::copysign(beyond, static_cast<R>(got)) : R{got};
  if (std::isinf(reference)) return kWrong;
  int exponent = Limits::min_exponent - 1;
  if (reference != 0) exponent = std::max(exponent, std::ilogb(reference));
  if (exponent >= Limits::max_exponent) {  // overflows: infinity is right
    return std::isinf(got) ? 0 : kWrong;
  }
  const R ulp = std::ldexp(R{1}, exponent - (Limits::digits - 1));
  return static_cast<double>(std::abs(value - reference) / ulp);
}

// Both signs of every exponent with the mantissas where things tend to break, and the neighbours of
// the arguments where the primitives change their way.
template <class T>
std::vector<T> edge_points() {
  constexpr int kMantissa = std::numeric_limits<T>::digits - 1;
  using Bits = BitsOf<T>;
  const Bits ones = (Bits{1} << kMantissa) - 1;
  const Bits sqrt_half = bits_of<T>(static_cast<T>(0.70710678118654752)) & ones;
  const Bits mantissas[] = {0,
                            1,
                            2,
                            ones / 3,
                            sqrt_half - 1,
                            sqrt_half,
                            sqrt_half + 1,
                            Bits{1} << (kMantissa - 1),
                            ones - 1,
                            ones};
  std::vector<T> points;
  const Bits exponents = Bits{2} << (sizeof(T) * 8 - 2 - kMantissa);
  for (Bits exponent = 0; exponent < exponents; ++exponent) {
    for (const Bits mantissa : mantissas) {
      const T x = from_bits<T>((exponent << kMantissa) | mantissa);
      points.push_back(x);
      points.push_back(-x);
    }
  }
  for (const double center : {0.17328680,
                              0.34657359,
                              0.41421356,
                              0.7071067811865476,
                              0.9,
                              1.0,
                              1.4142135623730951,
                              1.5707963267948966,
                              3.141592653589793,
                              3.95,
                              5.95,
                              6.283185307179586,
                              9.0,
                              10.0,
                              17.0,
                              18.4,
                              20.0,
                              27.2,
                              36.7,
                              40.0,
                              44.0,
                              87.33654,
                              88.0,
                              88.72284,
                              89.0,
                              103.9,
                              104.0,
                              105.0,
                              524288.0,
                              708.3964185322641,
                              709.782712893384,
                              710.0,
                              744.44,
                              745.1332191019411,
                              746.0,
                              1e4,
                              1e10,
                              1e15,
                              1e22,
                              1e30}) {
    Bits bits = bits_of<T>(static_cast<T>(center)) - 40;
    for (int i = 0; i < 81; ++i, ++bits) {
      points.push_back(from_bits<T>(bits));
      points.push_back(-from_bits<T>(bits));
    }
  }
  return points;
}

// Random points of double: some with any bits, some in the ranges where the functions live.
inline std::vector<double> random_points(size_t count) {
  std::mt19937_64 engine(20240611);
  std::vector<double> points;
  points.reserve(5 * count);
  for (size_t i = 0; i < count; ++i) points.push_back(from_bits<double>(engine()));
  for (const double range : {2.0, 8.0, 50.0, 750.0}) {
    std::uniform_real_distribution<double> uniform(-range, range);
    for (size_t i = 0; i < count; ++i) points.push_back(uniform(engine));
  }
  return points;
}

}  // namespace entasis::testing
