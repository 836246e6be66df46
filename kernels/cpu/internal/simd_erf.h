// erf, erfc, the inverse of erf and the Gaussian distribution function for float and double lanes.
// Method of erf: below a bound erf x = x + x·p(x²); above it erf x = 1 - 2^q(x) with q a minimax
// polynomial for log2(erfc x), fitted with the weight that its error has in erf. Both are evaluated
// and one is taken, so there is no branch. The methods of the others stand with them.

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

namespace detail {

// erfc(a)·exp(a²)·(1 + 2a) for a >= 0 as a polynomial in t = (a - k) / (a + k) (Shepherd &
// Laframboise 1981, Mathematics of Computation 36): relative error 2^-26.3 (float) up to 10.1 and
// 2^-54.3 (double) up to 27.3, where erfc vanishes.
template <class D>
HWY_INLINE Lane<D> scaled_erfc(Lane<D> a) {
  using V = Lane<D>;
  if constexpr (sizeof(hn::TFromD<D>) == 4) {
    return polynomial((a - V(2)) / (a + V(2)),
                      {0x1.46e80ep+0, -0x1.7bf5cep-4, -0x1.54076p-3, 0x1.4ff87cp-3, -0x1.bc41dep-5,
                       -0x1.068994p-7, 0x1.1fc61ep-7, 0x1.3f725ep-10, -0x1.a31f6p-10,
                       -0x1.beda42p-12, 0x1.5563e8p-12, 0x1.53ef44p-13});
  } else {
    return polynomial((a - V(4)) / (a + V(4)),
                      {0x1.3ba5916e9fd7fp+0,  -0x1.1df1ad154a2a8p-3,  0x1.f7f5df66fb9c3p-7,
                       0x1.16ecefcfa6907p-4,  -0x1.9ddb23c3dc245p-4,  0x1.7fee004de939ep-4,
                       -0x1.0fb06dff62f0bp-4, 0x1.3079edfad733ap-5,   -0x1.0962385345b4bp-6,
                       0x1.49c67194a539ep-8,  -0x1.8d4ac3415b4ebp-11, -0x1.a1deb4096bd5ap-13,
                       0x1.3be2ea037c283p-13, -0x1.995f9ffc4fc0cp-16, -0x1.78f5755f7abfep-17,
                       0x1.7f2962e54178ep-18, 0x1.50f48caf4e1f4p-22,  -0x1.b877c5770935ap-21,
                       0x1.d98430e170b68p-25, 0x1.b46227313e57ap-24,  -0x1.124074225cd8fp-27,
                       -0x1.1f89f70533f26p-27});
  }
}

}  // namespace detail

// 1 - erf x, without cancellation: about 0 by erf's polynomial, elsewhere by the scaled one. Float:
// 5.6 ulp; double: 4.2 ulp. The rounding error of x², which the exponential would magnify, is
// carried along.
template <class D>
HWY_INLINE Lane<D> erfc(Lane<D> x) {
  using V = Lane<D>;
  constexpr bool is_float = sizeof(hn::TFromD<D>) == 4;
  const V middle = V(1) - mul_add(x, detail::ErfPolynomials<D>::p(x * x), x);
  const V a = hn::Min(V(is_float ? 10.1 : 27.3).v, abs(x).v);  // keeps NaN
  const auto square = detail::two_product(a, a);
  const V e = detail::exp_of_pair(-square.high, -square.low);
  const V right = e * (detail::scaled_erfc(a) / mul_add(a, V(2), V(1)));
  return select(a < V(0.75), middle, select(x < V(0), V(2) - right, right));
}

namespace detail {

// w = -log(1 - a²), and the y >= 0 with erf y = a, in double lanes to 2^-26, for 0 <= a < 1 -
// 2^-25: a, and a times a polynomial in w up to 5, in sqrt(w) beyond (Giles 2010, "Approximating
// the erfinv function").
template <class D>
HWY_INLINE Lane<D> erfinv_weight(Lane<D> a) {
  using V = Lane<D>;
  return -log((V(1) - a) * (V(1) + a));
}

template <class D>
HWY_INLINE Lane<D> erfinv_single(Lane<D> a, Lane<D> w) {
  using V = Lane<D>;
  const V near =
      polynomial(w - V(2.5), {0x1.00b8ba4006b86p-1, 0x1.f91e8ad7bab33p-3, -0x1.11c4eb9fb829dp-8,
                              -0x1.486616021b6afp-10, 0x1.c9e6c7da0201dp-13, -0x1.4d1571674df8bp-18,
                              -0x1.d0c1ab3b87702p-19, 0x1.f48b432354fa8p-22, 0x1.8f22a5fd8692p-26,
                              -0x1.2e0d3b1377e1bp-27});
  const V far = polynomial(
      sqrt(w) - V(3.2),
      {0x1.044e33cd7a05p+1, 0x1.013388c93eb66p+0, 0x1.879239bed4d27p-8, -0x1.199b104e809f6p-8,
       0x1.808311b331836p-9, -0x1.037b220176023p-9, 0x1.2aa77ef0381c6p-10, -0x1.9119d88f3a6c3p-12,
       -0x1.b0d6572c1cfccp-14, 0x1.dca47e8e5ea97p-14});
  return mul_add(a, select(w < V(5), near, far), a);
}

// One step of Halley's method on top of that, or of a polynomial for what no float reaches; the
// residual is taken of erfc where erf is near 1.
template <class D>
HWY_INLINE Lane<D> erfinv_double(Lane<D> a) {
  using V = Lane<D>;
  const V w = erfinv_weight(a);
  const V end = a * polynomial(sqrt(w) - V(5.1), {0x1.3cdc1dd9c1bb5p+2, 0x1.02a0d4806ecbfp+0,
                                                  -0x1.a0eb47b997ad1p-13, -0x1.874e137b7097bp-13,
                                                  0x1.170534f4c20f2p-14, -0x1.1c959434b45b4p-16,
                                                  0x1.214705e526a3dp-18, -0x1.11b0cdc7ae1b8p-20});
  const V y = select(w < V(16.8), erfinv_single(a, w), end);
  const V residual = select(a < V(0.5), erf(y) - a, (V(1) - a) - erfc(y));
  const V step = residual / erf_gaussian(y);
  const V refined = y - step / mul_add(y, step, V(1));
  return select(a < V(1e-9), a * V(0.88622692545275801), refined);
}

}  // namespace detail

// The inverse of erf: infinite at ±1, NaN beyond. Float: 2.5 ulp; double: 4 ulp.
template <class D>
HWY_INLINE Lane<D> erfinv(Lane<D> x) {
  using V = Lane<D>;
  const V a = abs(x);
  V y = a;
  if constexpr (sizeof(hn::TFromD<D>) == 4) {
    y = detail::erfinv_single(a, detail::erfinv_weight(a));
  } else {
    y = detail::erfinv_double(a);
  }
  const V infinity(std::numeric_limits<hn::TFromD<D>>::infinity());
  return copysign(select(a == V(1), infinity, y), x);
}

}  // namespace HWY_NAMESPACE
}  // namespace entasis
HWY_AFTER_NAMESPACE();

#endif  // ENTASIS_KERNELS_CPU_INTERNAL_SIMD_ERF_H_
