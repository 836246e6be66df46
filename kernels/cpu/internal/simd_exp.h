// exp, exp2, expm1, tanh, sigmoid, log1p_exp and the Gaussian for float and double lanes.
// Method: x = n·ln 2 + r with integer n and |r| <= ln 2 / 2, exp(r) = 1 + r + r²·q(r) with q a
// minimax polynomial, then a scaling by 2^n that rounds subnormal results once.
// Stated bounds are the errors in units in the last place of the result (ulp).

#if defined(ENTASIS_KERNELS_CPU_INTERNAL_SIMD_EXP_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ENTASIS_KERNELS_CPU_INTERNAL_SIMD_EXP_H_
#undef ENTASIS_KERNELS_CPU_INTERNAL_SIMD_EXP_H_
#else
#define ENTASIS_KERNELS_CPU_INTERNAL_SIMD_EXP_H_
#endif

#include <entasis/kernels/cpu/internal/simd_float.h>
#include <entasis/kernels/cpu/internal/simd_log.h>

HWY_BEFORE_NAMESPACE();
namespace entasis {
namespace HWY_NAMESPACE {
namespace detail {

// An integer n held as `shifted` = 1.5·2^m + bias + n: adding the constant rounds to an integer,
// and leaves n + bias in the low bits, ready to become an exponent.
template <class D>
struct RoundedExponent {
  Lane<D> n;
  Lane<D> shifted;
};

// With bias 2·kBias the two halves of n + bias are exponents (`scale_by_two_to`), with bias kBias
// n + bias is one itself (`two_to`).
template <class D>
HWY_INLINE Lane<D> rounding_constant(D, double bias) {
  return Lane<D>(1.5 * Format<D>::kTwoToMantissa + bias);
}

// y · 2^n for n in [2·emin, 2·emax], rounded once, subnormal and overflowing results included.
// By two factors, since 2^n itself may lie outside the format. The first product is exact.
template <class D>
HWY_INLINE Lane<D> scale_by_two_to(RoundedExponent<D> e, Lane<D> y) {
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3
  // One instruction, and the same bits.
  if constexpr (sizeof(y.v) == 64) {
    if constexpr (sizeof(hn::TFromD<D>) == 4) {
      return hn::Vec<D>{_mm512_scalef_ps(y.v.raw, e.n.v.raw)};
    } else {
      return hn::Vec<D>{_mm512_scalef_pd(y.v.raw, e.n.v.raw)};
    }
  }
#endif
  constexpr int m = Format<D>::kMantissa;
  const auto whole = bits_of(e.shifted);
  const auto half = hn::ShiftRight<1>(whole);
  const Lane<D> first = from_bits(D(), hn::ShiftLeft<m>(half));
  const Lane<D> second = from_bits(D(), hn::ShiftLeft<m>(hn::Sub(whole, half)));
  return y * first * second;
}

// 2^n where that is a normal number; `shifted` holds n + kBias.
template <class D>
HWY_INLINE Lane<D> two_to(Lane<D> shifted) {
  return from_bits(D(), hn::ShiftLeft<Format<D>::kMantissa>(bits_of(shifted)));
}

// x = n·ln 2 + r, |r| <= 0.3466.
template <class D>
struct ExpReduction {
  RoundedExponent<D> exponent;
  Lane<D> r;
};

template <class D>
HWY_INLINE ExpReduction<D> reduce_exp(Lane<D> x, double bias) {
  using V = Lane<D>;
  const V constant = rounding_constant(D(), bias);
  const V shifted = mul_add(x, V(0x1.71547652b82fep+0), constant);
  const V n = shifted - constant;
  V r = mul_add(n, V(-Format<D>::kLn2High), x);
  r = mul_add(n, V(-Format<D>::kLn2Low), r);
  return {{n, shifted}, r};
}

// (exp(r) - 1 - r) / r² on |r| <= 0.3466, so that exp(r) - 1 has a relative error of 2^-31 (float)
// and 2^-61 (double) before rounding.
template <class D>
HWY_INLINE Lane<D> exp_tail(Lane<D> r) {
  if constexpr (sizeof(hn::TFromD<D>) == 4) {
    return polynomial(
        r, {0x1p-1, 0x1.555556p-3, 0x1.5554f4p-5, 0x1.110fe6p-7, 0x1.6d3edcp-10, 0x1.a2862cp-13});
  } else {
    return polynomial(r, {0x1p-1, 0x1.5555555555559p-3, 0x1.5555555555557p-5, 0x1.111111110f64dp-7,
                          0x1.6c16c16c156d0p-10, 0x1.a01a01b00801cp-13, 0x1.a01a01ab68429p-16,
                          0x1.71ddf8026cf20p-19, 0x1.27e4d057277bcp-22, 0x1.af5f4411cb1dbp-26,
                          0x1.1f85a45fa8226p-29});
  }
}

// exp(r) - 1 for a reduced argument.
template <class D>
HWY_INLINE Lane<D> expm1_reduced(Lane<D> r) {
  return mul_add(r * r, exp_tail(r), r);
}

// exp(r) for a reduced argument, relative error 2^-28 (float) and 2^-61 (double) before rounding.
template <class D>
HWY_INLINE Lane<D> exp_reduced(Lane<D> r) {
  using V = Lane<D>;
  if constexpr (sizeof(hn::TFromD<D>) == 4) {
    // One after another: fewest instructions, and neighbouring vectors hide the chain.
    V sum = V(0x1.6a4b5ap-10);
    for (const double c : {0x1.12399p-7, 0x1.5558b2p-5, 0x1.555492p-3, 0x1.fffffcp-2, 1.0, 1.0}) {
      sum = mul_add(sum, r, V(c));
    }
    return sum;
  } else {
    return expm1_reduced(r) + V(1);
  }
}

// (tanh(x) - x) / x³ as a polynomial in z = x² for |x| <= 0.551; errors relative to tanh 2^-29.7
// (float) and 2^-60 (double).
template <class D>
HWY_INLINE Lane<D> tanh_tail(Lane<D> z) {
  if constexpr (sizeof(hn::TFromD<D>) == 4) {
    return polynomial(
        z, {-0x1.55554ap-2, 0x1.110cf8p-3, -0x1.b92158p-5, 0x1.59048ep-6, -0x1.99f96p-8});
  } else {
    return polynomial(z, {-0x1.555555555554fp-2, 0x1.111111111077ap-3, -0x1.ba1ba1b97aba5p-5,
                          0x1.664f4858b329ap-6, -0x1.226e2ef96cacap-7, 0x1.d6d296f59844ep-9,
                          -0x1.7d8f94192b1e2p-10, 0x1.348186bf3b666p-11, -0x1.e958cee57fc12p-13,
                          0x1.5d2fd31a86604p-14, -0x1.4661a4aa5b17ep-16});
  }
}

// 2^r - 1 for |r| <= 1/2 in double, relative error 2^-57.8.
template <class D>
HWY_INLINE Lane<D> exp2m1_double(Lane<D> r) {
  static_assert(sizeof(hn::TFromD<D>) == 8, "the coefficients are those of double");
  return r * polynomial(r, {0x1.62e42fefa39efp-1, 0x1.ebfbdff82c5a0p-3, 0x1.c6b08d704a154p-5,
                            0x1.3b2ab6fba091ep-7, 0x1.5d87fe7892f0dp-10, 0x1.4309130d942b8p-13,
                            0x1.ffcbfcaa566fdp-17, 0x1.62bfca43f40cfp-20, 0x1.b524861dd3f54p-24,
                            0x1.e6176072f39b8p-28, 0x1.ea6ddc363b3b8p-32});
}

}  // namespace detail

namespace detail {

// e^x where x is limited to what `scale_by_two_to` can do.
template <class D>
HWY_INLINE Lane<D> exp_within_limits(Lane<D> x) {
  const auto reduced = reduce_exp(x, 2 * Format<D>::kBias);
  return scale_by_two_to(reduced.exponent, exp_reduced(reduced.r));
}

// e^x for x <= 0.
template <class D>
HWY_INLINE Lane<D> exp_of_negative(Lane<D> x) {
  constexpr double kLeast = sizeof(hn::TFromD<D>) == 4 ? -105.0 : -746.0;
  return exp_within_limits(Lane<D>(hn::Max(Lane<D>(kLeast).v, x.v)));  // keeps NaN
}

// e^x and x·e^x, each rounded once where it is subnormal.
template <class D>
struct ExpAndMultiple {
  Lane<D> e, xe;
};
template <class D>
HWY_INLINE ExpAndMultiple<D> exp_and_multiple(Lane<D> x) {
  const auto reduced = reduce_exp(x, 2 * Format<D>::kBias);
  const Lane<D> power = exp_reduced(reduced.r);
  return {scale_by_two_to(reduced.exponent, power), scale_by_two_to(reduced.exponent, power * x)};
}
// Up to here x·e^x is 0.
template <class D>
inline constexpr double kVanishes = sizeof(hn::TFromD<D>) == 4 ? -112.0 : -760.0;

// e^(x + low) for a low that is no more than a rounding error of x.
template <class D>
HWY_INLINE Lane<D> exp_of_pair(Lane<D> x, Lane<D> low) {
  using V = Lane<D>;
  constexpr bool is_float = sizeof(hn::TFromD<D>) == 4;
  // Outside these limits the result is 0 or infinite, as it is at them.
  const V limited = clamp(x, V(is_float ? -105.0 : -746.0), V(is_float ? 89.0 : 710.0));
  const auto reduced = reduce_exp(limited, 2 * Format<D>::kBias);
  return scale_by_two_to(reduced.exponent, expm1_reduced(reduced.r + low) + V(1));
}

}  // namespace detail

// e^x. Float: 1.2 ulp (0.9 with FMA); double: 1.1 ulp. Subnormal results are rounded once, not
// flushed to zero.
template <class D>
HWY_INLINE Lane<D> exp(Lane<D> x) {
  using V = Lane<D>;
  constexpr bool is_float = sizeof(hn::TFromD<D>) == 4;
  // Outside these limits the result is 0 or infinite, as it is at them.
  const V limited = clamp(x, V(is_float ? -105.0 : -746.0), V(is_float ? 89.0 : 710.0));
  return detail::exp_within_limits(limited);
}

// 2^x, exact for integers. Float: 1.6 ulp; double: 1.6 ulp.
template <class D>
HWY_INLINE Lane<D> exp2(Lane<D> x) {
  using V = Lane<D>;
  constexpr bool is_float = sizeof(hn::TFromD<D>) == 4;
  // Outside these limits the result is 0 or infinite, as it is at them.
  const V limited = clamp(x, V(is_float ? -151.0 : -1076.0), V(is_float ? 129.0 : 1025.0));
  const V constant = detail::rounding_constant(D(), 2 * detail::Format<D>::kBias);
  const V shifted = limited + constant;
  const V n = shifted - constant;
  const V r = limited - n;
  V fraction = r;
  if constexpr (is_float) {
    // (2^r - 1) / r, error relative to 2^r 2^-27
    fraction = r * detail::polynomial(r, {0x1.62e43p-1, 0x1.ebfbep-3, 0x1.c6af6cp-5, 0x1.3b29e4p-7,
                                          0x1.5f089ep-10, 0x1.446c7ep-13});
  } else {
    fraction = detail::exp2m1_double(r);
  }
  return detail::scale_by_two_to(detail::RoundedExponent<D>{n, shifted}, fraction + V(1));
}

// e^x - 1. Float: 2 ulp; double: 3 ulp.
// 2^n·(1 + p) - 1 = 2·(2^(n-1)·p + (2^(n-1) - 1/2)); the halved power never overflows.
template <class D>
HWY_INLINE Lane<D> expm1(Lane<D> x) {
  using V = Lane<D>;
  constexpr bool is_float = sizeof(hn::TFromD<D>) == 4;
  const V limited = clamp(x, V(is_float ? -20.0 : -40.0), V(is_float ? 89.0 : 710.0));
  const auto reduced = detail::reduce_exp(limited, detail::Format<D>::kBias - 1);
  const V half_power = detail::two_to(reduced.exponent.shifted);
  const V p = detail::expm1_reduced(reduced.r);
  const V half = mul_add(p, half_power, half_power - V(0.5));
  // Tiny arguments are their own result; the sum above would lose -0 and halve subnormals.
  return select(abs(x) < V(1e-30), x, half + half);
}

// tanh x. Float: 2 ulp; double: 2 ulp. Below 0.55 x + x³·p(x²), above 1 - 2/(e^(2|x|) + 1).
template <class D>
HWY_INLINE Lane<D> tanh(Lane<D> x) {
  using V = Lane<D>;
  constexpr bool is_float = sizeof(hn::TFromD<D>) == 4;
  const V a = hn::Min(V(is_float ? 10.0 : 22.0).v, abs(x).v);  // tanh is 1 there; keeps NaN
  const V z = a * a;
  const V near_zero = mul_add(a * z, detail::tanh_tail(z), a);

  const auto reduced = detail::reduce_exp(a + a, detail::Format<D>::kBias);
  const V power = detail::two_to(reduced.exponent.shifted);
  const V beyond = V(1) - V(2) / mul_add(detail::expm1_reduced(reduced.r), power, power + V(1));

  return copysign(select(a > V(0.55), beyond, near_zero), x);
}

// 1 / (1 + e^-x). Float: 3 ulp; double: 3 ulp.
// With z = e^-|x|, which cannot overflow, it is 1 / (1 + z), or z / (1 + z) for negative x: right
// down to subnormal results.
template <class D>
HWY_INLINE Lane<D> sigmoid(Lane<D> x) {
  using V = Lane<D>;
  const V z = detail::exp_of_negative(-abs(x));
  return select(x < V(0), z, V(1)) / (V(1) + z);
}

// x · sigmoid(x). Float: 3.4 ulp; double: 3.4 ulp. Below zero x is multiplied before the power of
// two is, so that a subnormal result is rounded once.
template <class D>
HWY_INLINE Lane<D> silu(Lane<D> x) {
  using V = Lane<D>;
  const V limited = hn::Max(V(detail::kVanishes<D>).v, (-abs(x)).v);  // keeps NaN
  const auto below = detail::exp_and_multiple(limited);
  return select(x < V(0), below.xe, x) / (V(1) + below.e);
}

// x · tanh(log(1 + e^x)) with e = e^x and n = e·(e + 2): x·n / (n + 2). Float: 3.7 ulp; double: 3.7
// ulp. Below zero it is x·e·(1 - (e² + e) / (n + 2)), with x·e as in `silu`; above, n stays finite.
template <class D>
HWY_INLINE Lane<D> mish(Lane<D> x) {
  using V = Lane<D>;
  const auto [e, xe] = detail::exp_and_multiple(clamp(x, V(detail::kVanishes<D>), V(40)));
  const V n = e * (e + V(2));
  const LaneMask<D> negative = x < V(0);
  const V quotient = select(negative, mul_add(e, e, e), n) / (n + V(2));
  return select(negative, xe * (V(1) - quotient), x * quotient);
}

// log(1 + e^x), the softplus. Float: 2 ulp; double: 2 ulp. It is max(x, 0) + log(1 + e^-|x|).
template <class D>
HWY_INLINE Lane<D> log1p_exp(Lane<D> x) {
  using V = Lane<D>;
  const V decay = detail::exp_of_negative(-abs(x));  // in [0, 1]
  const LaneMask<D> large = decay > V(0.41421356237309503);
  // Beyond sqrt(2) - 1 it is ln 2 more than the logarithm of half the argument.
  const V f = select(large, mul_add(decay, V(0.5), V(-0.5)), decay);
  const V ln2_high = select(large, V(detail::Format<D>::kLn2High), V(0));
  const V ln2_low = select(large, V(detail::Format<D>::kLn2Low), V(0));
  const V log = ln2_high + detail::log1p_series(f, ln2_low);
  return V(hn::Max(hn::Zero(D()), x.v)) + log;
}

// 2/sqrt(pi)·e^(-x²), the derivative of erf. Float: 3 ulp; double: 3 ulp. The rounding error of x²,
// which e would magnify, is carried along.
template <class D>
HWY_INLINE Lane<D> erf_gaussian(Lane<D> x) {
  using V = Lane<D>;
  const V limited = hn::Min(V(40).v, abs(x).v);  // 0 from 27.3 on; keeps NaN
  const auto square = detail::two_product(limited, limited);
  return detail::exp_of_pair(-square.high, -square.low) * V(1.1283791670955126);
}

}  // namespace HWY_NAMESPACE
}  // namespace entasis
HWY_AFTER_NAMESPACE();

#endif  // ENTASIS_KERNELS_CPU_INTERNAL_SIMD_EXP_H_
