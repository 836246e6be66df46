// asin, acos and atan for float and double lanes.
// Method: asin a = a + a³·p(a²) up to 1/2, beyond it pi/2 - 2·asin(sqrt((1 - a) / 2)). atan a =
// t + t³·p(t²) with t = a, (a - 1) / (a + 1) or -1 / a, whichever is below tan(pi/8), and 0, pi/4
// or pi/2 added.

#if defined(ENTASIS_KERNELS_CPU_INTERNAL_SIMD_INVERSE_TRIG_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ENTASIS_KERNELS_CPU_INTERNAL_SIMD_INVERSE_TRIG_H_
#undef ENTASIS_KERNELS_CPU_INTERNAL_SIMD_INVERSE_TRIG_H_
#else
#define ENTASIS_KERNELS_CPU_INTERNAL_SIMD_INVERSE_TRIG_H_
#endif

#include <entasis/kernels/cpu/internal/simd_float.h>

HWY_BEFORE_NAMESPACE();
namespace entasis {
namespace HWY_NAMESPACE {
namespace detail {

// pi/2 in two parts.
template <class D>
struct HalfPi {
  static constexpr bool kFloat = sizeof(hn::TFromD<D>) == 4;
  static constexpr double kHigh = kFloat ? 0x1.921fb6p+0 : 0x1.921fb54442d18p+0;
  static constexpr double kLow = kFloat ? -0x1.777a5cp-25 : 0x1.1a62633145c07p-54;
};

// (asin(s) - s) / s³ as a polynomial in z = s² for s <= 1/2; errors relative to asin 2^-31.5
// (float) and 2^-58.9 (double).
template <class D>
HWY_INLINE Lane<D> asin_tail(Lane<D> z) {
  if constexpr (sizeof(hn::TFromD<D>) == 4) {
    return polynomial(z, {0x1.55554cp-3, 0x1.3338acp-4, 0x1.6ca764p-5, 0x1.04d22p-5, 0x1.d520a2p-7,
                          0x1.34d1cp-5});
  } else {
    return polynomial(
        z, {0x1.555555555556fp-3, 0x1.333333332ee86p-4, 0x1.6db6db718e62fp-5, 0x1.f1c71abfc573fp-6,
            0x1.6e8bdab0470b1p-6, 0x1.1c4a346e03329p-6, 0x1.ca19b47fdc90dp-7, 0x1.75b1e2824e084p-7,
            0x1.60543704c544cp-7, 0x1.f2dd468c3cce2p-9, 0x1.5fe558d6c9dc4p-6, -0x1.52fd40c7149aap-6,
            0x1.09c864e4ec218p-5});
  }
}

// The same of atan for t <= tan(pi/8): 2^-30.5 (float) and 2^-58.2 (double).
template <class D>
HWY_INLINE Lane<D> atan_tail(Lane<D> z) {
  if constexpr (sizeof(hn::TFromD<D>) == 4) {
    return polynomial(
        z, {-0x1.55554ap-2, 0x1.9991e8p-3, -0x1.23ba46p-3, 0x1.b22f4ap-4, -0x1.f3211ap-5});
  } else {
    return polynomial(z, {-0x1.5555555555554p-2, 0x1.9999999999583p-3, -0x1.249249246f4e6p-3,
                          0x1.c71c71b456b26p-4, -0x1.745d1453be9f8p-4, 0x1.3b1365f5e921p-4,
                          -0x1.110c0af2c225fp-4, 0x1.e16bcf6677c22p-5, -0x1.ab635dbf609f7p-5,
                          0x1.70c372a8448f8p-5, -0x1.127e2799fb48fp-5, 0x1.f5ef460b6f423p-7});
  }
}

// asin of s = |x| where that is at most 1/2, else of s = sqrt((1 - |x|) / 2).
template <class D>
struct AsinParts {
  LaneMask<D> far;
  Lane<D> value;
};

template <class D>
HWY_INLINE AsinParts<D> asin_parts(Lane<D> x) {
  using V = Lane<D>;
  const V a = abs(x);
  const LaneMask<D> far = a > V(0.5);
  const V z = select(far, mul_add(a, V(-0.5), V(0.5)), a * a);  // negative beyond 1: NaN
  const V s = select(far, sqrt(z), a);
  return {far, mul_add(s * z, asin_tail(z), s)};
}

}  // namespace detail

// asin x: NaN outside of [-1, 1]. Float: 3 ulp; double: 3 ulp.
template <class D>
HWY_INLINE Lane<D> asin(Lane<D> x) {
  using V = Lane<D>;
  const auto parts = detail::asin_parts(x);
  const V high(detail::HalfPi<D>::kHigh);
  const V beyond = (high - (parts.value + parts.value)) + V(detail::HalfPi<D>::kLow);
  return copysign(select(parts.far, beyond, parts.value), x);
}

// acos x: NaN outside of [-1, 1]. Float: 3 ulp; double: 3 ulp.
template <class D>
HWY_INLINE Lane<D> acos(Lane<D> x) {
  using V = Lane<D>;
  using Pi = detail::HalfPi<D>;
  const auto parts = detail::asin_parts(x);
  const V twice = parts.value + parts.value;
  const LaneMask<D> left = x < V(0);
  // acos x = 2·asin(s), or pi - 2·asin(s) on the left; pi/2 - asin x in the middle.
  const V end = select(left, V(2 * Pi::kHigh) - (twice - V(2 * Pi::kLow)), twice);
  const V middle = V(Pi::kHigh) - (copysign(parts.value, x) - V(Pi::kLow));
  return select(parts.far, end, middle);
}

// atan x. Float: 3 ulp; double: 3 ulp.
template <class D>
HWY_INLINE Lane<D> atan(Lane<D> x) {
  using V = Lane<D>;
  using Pi = detail::HalfPi<D>;
  const V a = abs(x);
  const LaneMask<D> middle = a > V(0.41421356237309503);
  const LaneMask<D> far = a > V(2.4142135623730949);
  const V above = select(far, V(-1), select(middle, a - V(1), a));
  const V below = select(far, a, select(middle, a + V(1), V(1)));
  const V t = above / below;
  const V z = t * t;
  const V high = select(far, V(Pi::kHigh), select(middle, V(0.5 * Pi::kHigh), V(0)));
  const V low = select(far, V(Pi::kLow), select(middle, V(0.5 * Pi::kLow), V(0)));
  const V small = t + mul_add(t * z, detail::atan_tail(z), low);
  return copysign(high + small, x);
}

}  // namespace HWY_NAMESPACE
}  // namespace entasis
HWY_AFTER_NAMESPACE();

#endif  // ENTASIS_KERNELS_CPU_INTERNAL_SIMD_INVERSE_TRIG_H_
