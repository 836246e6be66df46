// sin, cos and tan, and sin and cos of multiples of pi, for float and double lanes, right for every
// argument.
// Method: x = n·pi/2 + r by subtracting pi/2 in parts whose products with n are exact, then a
// minimax polynomial for sin r and cos r. Float computes in double. Beyond 2^19 the few lanes
// concerned go to the C library, which reduces exactly. Of a multiple of pi the reduction is exact.

#if defined(ENTASIS_KERNELS_CPU_INTERNAL_SIMD_TRIG_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ENTASIS_KERNELS_CPU_INTERNAL_SIMD_TRIG_H_
#undef ENTASIS_KERNELS_CPU_INTERNAL_SIMD_TRIG_H_
#else
#define ENTASIS_KERNELS_CPU_INTERNAL_SIMD_TRIG_H_
#endif

#include <entasis/kernels/cpu/internal/simd_float.h>

#include <cmath>

HWY_BEFORE_NAMESPACE();
namespace entasis {
namespace HWY_NAMESPACE {
namespace detail {

enum class Wave { kSine, kCosine, kTangent };

// Largest argument of the fast way: n has 20 bits and a part of pi/2 has 33.
inline constexpr double kFastAngle = 524288.0;

// The nearest multiple of pi/2, as a number and as a bit pattern whose low two bits are the
// quadrant of the sine of the angle (of the cosine: one further).
template <class D>
struct Quadrant {
  Lane<D> n;
  hn::Vec<BitsTag<D>> bits;
};

template <class D>
HWY_INLINE Quadrant<D> nearest_quadrant(Lane<D> x, Wave wave) {
  using V = Lane<D>;
  const V constant(1.5 * Format<D>::kTwoToMantissa);
  const V shifted = mul_add(x, V(0x1.45f306dc9c883p-1), constant);
  const auto offset = set_bits(D(), wave == Wave::kCosine ? 1 : 0);
  return {shifted - constant, hn::Add(bits_of(shifted), offset)};
}

// sin or cos by quadrant from the two of the reduced argument; of the tangent the quotient.
template <class D>
HWY_INLINE Lane<D> by_quadrant(Quadrant<D> quadrant, Lane<D> sine, Lane<D> cosine, Wave wave) {
  constexpr int kTop = int(sizeof(hn::TFromD<D>)) * 8 - 1;
  const auto swap = hn::BitCast(D(), hn::ShiftLeft<kTop>(quadrant.bits));
  const auto sign = hn::BitCast(D(), hn::ShiftLeft<kTop - 1>(quadrant.bits));
  const Lane<D> value = hn::IfNegativeThenElse(swap, cosine.v, sine.v);
  if (wave == Wave::kTangent) {  // sin/cos, or -cos/sin in the odd quadrants
    const Lane<D> other = hn::IfNegativeThenElse(swap, (-sine).v, cosine.v);
    return value / other;
  }
  return hn::Xor(value.v, hn::And(hn::SignBit(D()), sign));
}

// Of a reduced argument in double lanes, for float: the polynomials to 2^-37 and 2^-33.
template <class D>
HWY_INLINE Lane<D> wave_reduced_for_single(Quadrant<D> quadrant, Lane<D> r, Wave wave) {
  using V = Lane<D>;
  const V z = r * r;
  const V sine = r * mul_add(z,
                             polynomial(z, {-0x1.5555554caf0d9p-3, 0x1.1111088f20b30p-7,
                                            -0x1.a00f980cbd998p-13, 0x1.6cd707e5d480dp-19}),
                             V(1));
  const V cosine = polynomial(
      z, {1.0, -0.5, 0x1.55554aaa556eap-5, -0x1.6c0c85da2ff96p-10, 0x1.9a00ad4bf22e3p-16});
  return by_quadrant(quadrant, sine, cosine, wave);
}

// For float: r to 2^-60.
template <class D>
HWY_INLINE Lane<D> wave_single_in_double(Lane<D> x, Wave wave) {
  using V = Lane<D>;
  const Quadrant<D> quadrant = nearest_quadrant(x, wave);
  V r = mul_add(quadrant.n, V(-0x1.921fb544p+0), x);
  r = mul_add(quadrant.n, V(-0x1.0b4611a626331p-34), r);
  return wave_reduced_for_single(quadrant, r, wave);
}

// Of a reduced argument that is a pair.
template <class D>
HWY_INLINE Lane<D> wave_reduced(Quadrant<D> quadrant, Pair<Lane<D>> r, Wave wave) {
  using V = Lane<D>;
  const V z = r.high * r.high;
  const V s = polynomial(z, {-0x1.5555555555549p-3, 0x1.111111110f8a0p-7, -0x1.a01a019c14cfcp-13,
                             0x1.71de357991e14p-19, -0x1.ae5e671837afcp-26, 0x1.5d931c6850a80p-33});
  const V c =
      polynomial(z, {0x1.555555555554cp-5, -0x1.6c16c16c1521ap-10, 0x1.a01a019cbe6fap-16,
                     -0x1.27e4f811ba2a8p-22, 0x1.1ee9f078aff4ap-29, -0x1.8fb0aabe25175p-37});
  const V half_z = V(0.5) * z;
  // sin(r + l) = r + (r³·s + l·(1 - z/2)), cos(r + l) = 1 - z/2 + (z²·c - r·l)
  const V sine = r.high + mul_add(r.high * z, s, r.low * (V(1) - half_z));
  const V one_less = V(1) - half_z;
  const V rounding = (V(1) - one_less) - half_z;
  const V cosine = one_less + mul_add(z * z, c, rounding - r.high * r.low);
  return by_quadrant(quadrant, sine, cosine, wave);
}

// For double: r as a pair to 2^-130, by pi/2 in three parts of 33 bits and a rest. Rounding errors
// of the differences are kept; the correction by the low part is the first term of a Taylor series.
template <class D>
HWY_INLINE Lane<D> wave_double(Lane<D> x, Wave wave) {
  using V = Lane<D>;
  const Quadrant<D> quadrant = nearest_quadrant(x, wave);
  const V n = quadrant.n;
  const V first = mul_add(n, V(-0x1.921fb544p+0), x);  // exact
  const Pair<V> second = two_sum(first, n * V(-0x1.0b4611a6p-34));
  const Pair<V> third = two_sum(second.high, n * V(-0x1.3198a2ep-69));
  const V low = mul_add(n, V(-0x1.b839a252049c1p-104), second.low + third.low);
  return wave_reduced(quadrant, two_sum(third.high, low), wave);
}

// The lanes beyond the fast range, and NaN.
template <class D>
HWY_NOINLINE Lane<D> wave_by_library(Lane<D> x, Wave wave) {
  using T = hn::TFromD<D>;
  return by_element(x, [wave](T angle) HWY_ATTR {
    const double a = angle;
    return static_cast<T>(wave == Wave::kSine     ? std::sin(a)
                          : wave == Wave::kCosine ? std::cos(a)
                                                  : std::tan(a));
  });
}

template <class D>
HWY_INLINE Lane<D> wave_of(Lane<D> x, Wave wave) {
  using V = Lane<D>;
  const LaneMask<D> fast = abs(x) <= V(kFastAngle);
  V result = x;
  if constexpr (sizeof(hn::TFromD<D>) == 4) {
    result = in_double(x, [wave](auto a) HWY_ATTR { return wave_single_in_double(a, wave); });
  } else {
    result = wave_double(x, wave);
  }
  if (HWY_LIKELY(all_true(fast))) return result;
  return select(fast, result, wave_by_library(x, wave));
}

// sin or cos of pi·x in double lanes: x = n/2 + r exactly, and pi·r in one or two doubles.
template <bool kForSingle, class D>
HWY_INLINE Lane<D> wave_of_pi(Lane<D> x, Wave wave) {
  using V = Lane<D>;
  const V turns = trunc(x * V(0.5));
  const V within = mul_add(turns, V(-2), x);  // in (-2, 2), exact
  const V constant(1.5 * Format<D>::kTwoToMantissa);
  const V shifted = (within + within) + constant;
  const V r = mul_add(shifted - constant, V(-0.5), within);  // exact, |r| <= 1/4
  const auto offset = set_bits(D(), wave == Wave::kCosine ? 1 : 0);
  const Quadrant<D> quadrant = {shifted, hn::Add(bits_of(shifted), offset)};
  if constexpr (kForSingle) {
    return wave_reduced_for_single(quadrant, r * V(0x1.921fb54442d18p+1), wave);
  } else {
    Pair<V> angle = two_product(r, V(0x1.921fb54442d18p+1));
    angle.low = mul_add(r, V(0x1.1a62633145c07p-53), angle.low);
    return wave_reduced(quadrant, angle, wave);
  }
}

template <class D>
HWY_INLINE Lane<D> wave_of_pi_of(Lane<D> x, Wave wave) {
  if constexpr (sizeof(hn::TFromD<D>) == 4) {
    return in_double(x, [wave](auto a) HWY_ATTR { return wave_of_pi<true>(a, wave); });
  } else {
    return wave_of_pi<false>(x, wave);
  }
}

}  // namespace detail

// sin x, x in radians. Float: 1 ulp; double: 2 ulp. NaN for infinite x.
template <class D>
HWY_INLINE Lane<D> sin(Lane<D> x) {
  const Lane<D> result = detail::wave_of(x, detail::Wave::kSine);
  return select(abs(x) < Lane<D>(1e-30), x, result);  // keeps -0 and subnormals
}

// cos x, x in radians. Float: 1 ulp; double: 2 ulp. NaN for infinite x.
template <class D>
HWY_INLINE Lane<D> cos(Lane<D> x) {
  return detail::wave_of(x, detail::Wave::kCosine);
}

// tan x, x in radians. Float: 1 ulp; double: 4 ulp. NaN for infinite x.
template <class D>
HWY_INLINE Lane<D> tan(Lane<D> x) {
  const Lane<D> result = detail::wave_of(x, detail::Wave::kTangent);
  return select(abs(x) < Lane<D>(1e-30), x, result);  // keeps -0 and subnormals
}

// sin(pi·x): exactly 0 for integers, with the sign of x. Float: 1 ulp; double: 2 ulp. NaN for
// infinite x.
template <class D>
HWY_INLINE Lane<D> sinpi(Lane<D> x) {
  const Lane<D> zero = copysign(x - x, x);
  return select(x == trunc(x), zero, detail::wave_of_pi_of(x, detail::Wave::kSine));
}

// cos(pi·x): exactly ±1 for integers. Float: 1 ulp; double: 2 ulp. NaN for infinite x.
template <class D>
HWY_INLINE Lane<D> cospi(Lane<D> x) {
  return detail::wave_of_pi_of(x, detail::Wave::kCosine);
}

}  // namespace HWY_NAMESPACE
}  // namespace entasis
HWY_AFTER_NAMESPACE();

#endif  // ENTASIS_KERNELS_CPU_INTERNAL_SIMD_TRIG_H_
