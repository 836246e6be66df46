// erf and the Gaussian distribution function for float and double lanes.
// Method: below a bound erf x = x + x·p(x²); above it erf x = 1 - 2^q(x) with q a minimax
// polynomial for log2(erfc x), fitted with the weight that its error has in erf. Both are evaluated
// and one is taken, so there is no branch.

#if defined(ENTASIS_KERNELS_CPU_INTERNAL_SIMD_ERF_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ENTASIS_KERNELS_CPU_INTERNAL_SIMD_ERF_H_
#undef ENTASIS_KERNELS_CPU_INTERNAL_SIMD_ERF_H_
#else
#define ENTASIS_KERNELS_CPU_INTERNAL_SIMD_ERF_H_
#endif

#include <entasis/kernels/cpu/internal/simd_exp.h>

HWY_BEFORE_NAMESPACE();
namespace entasis {
namespace HWY_NAMESPACE {
namespace detail {

// The polynomials p and q; `a` is |x|. Errors relative to erf: float 2^-26, double 2^-56.
template <class D>
struct ErfPolynomials {
  static constexpr bool kFloat = sizeof(hn::TFromD<D>) == 4;
  static constexpr double kBound = kFloat ? 0.9 : 1.0;
  static constexpr double kOne = kFloat ? 3.95 : 5.95;  // erf rounds to 1 from here on

  static HWY_INLINE Lane<D> p(Lane<D> square) {
    if constexpr (kFloat) {
      return polynomial(square, {0x1.06eba6p-3, -0x1.8126f4p-2, 0x1.ce1d3cp-4, -0x1.b6b806p-6,
                                 0x1.485416p-8, -0x1.3ed0aap-11});
    } else {
      return polynomial(square,
                        {0x1.06eba8214db68p-3, -0x1.812746b0379a3p-2, 0x1.ce2f21a03ff26p-4,
                         -0x1.b82ce311c9210p-6, 0x1.565bccf366dfbp-8, -0x1.c02daf720329bp-11,
                         0x1.f9a2a8f146a6ep-14, -0x1.f4c94e6062050p-17, 0x1.b9768fb24998ep-20,
                         -0x1.5bd164f987f07p-23, 0x1.d5b941712295dp-27, -0x1.a7bda9f20a41bp-31});
    }
  }

  static HWY_INLINE Lane<D> q(Lane<D> a) {
    if constexpr (kFloat) {
      return polynomial(a, {-0x1.f7c9fp-13, -0x1.a0877cp+0, -0x1.d68236p-1, -0x1.339e72p-3,
                            0x1.07bc28p-5, -0x1.21d6acp-8, 0x1.2bdad8p-12});
    } else {
      // About 3, the middle of the interval: about 0 the terms would cancel.
      return polynomial(a - Lane<D>(3),
                        {-0x1.eeeb3adffbeb8p+3, -0x1.230546f4c9026p+3, -0x1.619826aeef821p+0,
                         -0x1.5e643860b4eaep-7, 0x1.ffd04efcb6337p-10, -0x1.73ad49419a453p-12,
                         0x1.04b10a4a90fb6p-14, -0x1.5878aed31796dp-17, 0x1.9e07c9921387cp-20,
                         -0x1.a4f032ac8af73p-23, 0x1.2ba929c4ea0aep-26, 0x1.6b0ea4187a2f2p-30,
                         -0x1.3b08318ae81edp-30, -0x1.b50983b0f2327p-34, -0x1.a64c74610439dp-33,
                         0x1.6c849e2caea08p-35, 0x1.3dff833d87b6fp-35, 0x1.baa524c4de0c1p-37,
                         0x1.aa41c41dd9e36p-40});
    }
  }

  // 2^r - 1 for |r| <= 1/2: relative error 2^-23.3 (float, enough for erfc < 0.21), 2^-57.8.
  static HWY_INLINE Lane<D> exp2m1(Lane<D> r) {
    if constexpr (kFloat) {
      return r * polynomial(r, {0x1.62e432p-1, 0x1.ebf9b2p-3, 0x1.c6adb2p-5, 0x1.3ced7ep-7,
                                0x1.5fb56cp-10});
    } else {
      return exp2m1_double(r);
    }
  }
};

}  // namespace detail

// The error function. Float: 2 ulp; double: 3 ulp.
template <class D>
HWY_INLINE Lane<D> erf(Lane<D> x) {
  using V = Lane<D>;
  using P = detail::ErfPolynomials<D>;
  const V a = hn::Min(V(P::kOne).v, abs(x).v);  // keeps NaN
  const V near_zero = mul_add(a, P::p(a * a), a);

  // 2^q: q is in [-54.6, 0.1], so that the power is a normal number and n is exact.
  const V q = P::q(a);
  const V constant = detail::rounding_constant(D(), detail::Format<D>::kBias);
  const V shifted = q + constant;
  const V power = detail::two_to(shifted);
  const V fraction = P::exp2m1(q - (shifted - constant));
  const V beyond = mul_add(-power, fraction, V(1) - power);

  return copysign(select(a < V(P::kBound), near_zero, beyond), x);
}

// (1 + erf(x / sqrt(2))) / 2, the Gaussian distribution function. Errors relative to 1: float 2^-24
// and a rounding of the result, double 3 ulp of erf.
//
// Float: 2^q(|x|) is the function at -|x|, with q a polynomial for log2 of that, fitted on [0, 5.6]
// with the weight that its error has in the result; beyond it falls faster than the function, which
// is below 2^-26 there. At kZero q is -127, whose power is exactly 0.
template <class D>
HWY_INLINE Lane<D> normal_cdf(Lane<D> x) {
  using V = Lane<D>;
  if constexpr (sizeof(hn::TFromD<D>) == 8) {
    return V(0.5) * (V(1) + erf(x * V(0.70710678118654752)));
  } else {
    constexpr double kZero = 9.97996;
    const V a = hn::Min(V(kZero).v, abs(x).v);  // keeps NaN
    const V q = detail::polynomial(
        a, {-0x1p+0, -0x1.26aedep+0, -0x1.d639d0p-2, -0x1.ae1f06p-5, 0x1.cfb2bap-8, -0x1.31e99ep-13,
            -0x1.7ed46ep-13, 0x1.43f962p-15, -0x1.740edap-19});
    const V constant = detail::rounding_constant(D(), detail::Format<D>::kBias);
    const V shifted = q + constant;
    const V power = detail::two_to(shifted);
    const V below =
        mul_add(power, detail::ErfPolynomials<D>::exp2m1(q - (shifted - constant)), power);
    return select(x < V(0), below, V(1) - below);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace entasis
HWY_AFTER_NAMESPACE();

#endif  // ENTASIS_KERNELS_CPU_INTERNAL_SIMD_ERF_H_
