// sinh, cosh and the inverse hyperbolic functions for float and double lanes.
// Method: sinh and cosh from q = e^|x| / 4, which does not overflow before they do; sinh below 1 as
// x + x³·p(x²). The inverses are log1p of arguments without cancellation (Kahan 1987, "Branch cuts
// for complex elementary functions").

#if defined(ENTASIS_KERNELS_CPU_INTERNAL_SIMD_HYPERBOLIC_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ENTASIS_KERNELS_CPU_INTERNAL_SIMD_HYPERBOLIC_H_
#undef ENTASIS_KERNELS_CPU_INTERNAL_SIMD_HYPERBOLIC_H_
#else
#define ENTASIS_KERNELS_CPU_INTERNAL_SIMD_HYPERBOLIC_H_
#endif

#include <entasis/kernels/cpu/internal/simd_exp.h>

HWY_BEFORE_NAMESPACE();
namespace entasis {
namespace HWY_NAMESPACE {
namespace detail {

// e^a / 4 for a >= 0: infinite where sinh a is, and finite before.
template <class D>
HWY_INLINE Lane<D> quarter_exp(Lane<D> a) {
  using V = Lane<D>;
  constexpr bool is_float = sizeof(hn::TFromD<D>) == 4;
  const V limited = hn::Min(V(is_float ? 90.0 : 711.0).v, a.v);  // keeps NaN
  const auto reduced = reduce_exp(limited, Format<D>::kBias - 2);
  const V power = two_to(reduced.exponent.shifted);
  return (expm1_reduced(reduced.r) + V(1)) * power;  // no sum: the power may be infinite
}

// (sinh(x) - x) / x³ as a polynomial in z = x² for |x| <= 1; errors relative to sinh 2^-31.5
// (float) and 2^-62.4 (double).
template <class D>
HWY_INLINE Lane<D> sinh_tail(Lane<D> z) {
  if constexpr (sizeof(hn::TFromD<D>) == 4) {
    return polynomial(z, {0x1.555556p-3, 0x1.1110e2p-7, 0x1.a02156p-13, 0x1.75a6f4p-19});
  } else {
    return polynomial(z, {0x1.5555555555555p-3, 0x1.1111111111199p-7, 0x1.a01a01a007b28p-13,
                          0x1.71de3a68250e9p-19, 0x1.ae64420dba9e9p-26, 0x1.61309fa41ec68p-33,
                          0x1.a6e81028001c1p-41, 0x1.bf0ac7c777178p-48});
  }
}

// From here on a square would overflow, and log1p(a) + ln 2 is asinh and acosh.
template <class D>
inline constexpr double kLargeHyperbolic = sizeof(hn::TFromD<D>) == 4 ? 0x1p+40 : 0x1p+60;

template <class D>
HWY_INLINE Lane<D> log1p_plus_ln2_if(LaneMask<D> large, Lane<D> x) {
  return log1p(x) + select(large, Lane<D>(0.69314718055994531), Lane<D>(0));
}

}  // namespace detail

// sinh x. Float: 3 ulp; double: 3 ulp.
template <class D>
HWY_INLINE Lane<D> sinh(Lane<D> x) {
  using V = Lane<D>;
  const V a = abs(x);
  const V z = a * a;
  const V near_zero = mul_add(a * z, detail::sinh_tail(z), a);
  const V q = detail::quarter_exp(a);
  const V half = q - V(0.0625) / q;
  return copysign(select(a < V(1), near_zero, half + half), x);
}

// cosh x. Float: 2 ulp; double: 2 ulp.
template <class D>
HWY_INLINE Lane<D> cosh(Lane<D> x) {
  using V = Lane<D>;
  const V q = detail::quarter_exp(abs(x));
  const V half = q + V(0.0625) / q;
  return half + half;
}

// asinh x. Float: 4 ulp; double: 4 ulp. It is log(1 + a + a² / (1 + sqrt(1 + a²))) for a = |x|.
template <class D>
HWY_INLINE Lane<D> asinh(Lane<D> x) {
  using V = Lane<D>;
  const V a = abs(x);
  const LaneMask<D> large = a > V(detail::kLargeHyperbolic<D>);
  const V z = a * a;
  const V beyond = select(large, V(0), z / (V(1) + sqrt(z + V(1))));
  return copysign(detail::log1p_plus_ln2_if(large, a + beyond), x);
}

// acosh x: NaN below 1. Float: 4 ulp; double: 4 ulp. With t = x - 1 it is
// log(1 + t + sqrt(t·(t + 2))).
template <class D>
HWY_INLINE Lane<D> acosh(Lane<D> x) {
  using V = Lane<D>;
  const LaneMask<D> large = x > V(detail::kLargeHyperbolic<D>);
  const V t = x - V(1);
  const V sum = select(large, x, t + sqrt(t * (t + V(2))));
  const V result = detail::log1p_plus_ln2_if(large, sum);
  return select(x < V(1), V(std::numeric_limits<hn::TFromD<D>>::quiet_NaN()), result);
}

// atanh x: infinite at ±1, NaN beyond. Float: 3 ulp; double: 3 ulp. It is log1p(2a / (1 - a)) / 2.
template <class D>
HWY_INLINE Lane<D> atanh(Lane<D> x) {
  using V = Lane<D>;
  const V a = abs(x);
  return copysign(V(0.5) * log1p((a + a) / (V(1) - a)), x);
}

}  // namespace HWY_NAMESPACE
}  // namespace entasis
HWY_AFTER_NAMESPACE();

#endif  // ENTASIS_KERNELS_CPU_INTERNAL_SIMD_HYPERBOLIC_H_
