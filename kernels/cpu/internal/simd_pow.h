// pow for float, double and integer lanes, with C99's special cases for the floats.
// Method: x^y = 2^(y·log2 x) for positive x. Float computes in double, where plain arithmetic is
// exact enough; double carries log2 x and its product with y as pairs of doubles (error 2^-65).

#if defined(ENTASIS_KERNELS_CPU_INTERNAL_SIMD_POW_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ENTASIS_KERNELS_CPU_INTERNAL_SIMD_POW_H_
#undef ENTASIS_KERNELS_CPU_INTERNAL_SIMD_POW_H_
#else
#define ENTASIS_KERNELS_CPU_INTERNAL_SIMD_POW_H_
#endif

#include <entasis/kernels/cpu/internal/simd_exp.h>

HWY_BEFORE_NAMESPACE();
namespace entasis {
namespace HWY_NAMESPACE {
namespace detail {

// x^y to 33 bits in double lanes, for finite x > 0 and finite y that stem from floats.
template <class D>
HWY_INLINE Lane<D> pow_single_in_double(Lane<D> x, Lane<D> y) {
  using V = Lane<D>;
  // log2 x = e + s·k(s²) with s = (m - 1)/(m + 1), relative error 2^-45. Every float is normal
  // here.
  const Binary<D> parts = split_binary(x);
  const V s = (parts.significand - V(1)) / (parts.significand + V(1));
  const V k = polynomial(s * s, {0x1.71547652b8251p+1, 0x1.ec709dc53c3b8p-1, 0x1.2776c293860ddp-1,
                                 0x1.a61a2e8755883p-2, 0x1.479561f3411a9p-2, 0x1.21b036ef39236p-2});
  const V log2 = mul_add(s, k, parts.exponent);
  // Beyond the limits the result is 0 or infinite as a float.
  const V exponent = clamp(y * log2, V(-200), V(200));
  const V constant = rounding_constant(D(), Format<D>::kBias);
  const V shifted = exponent + constant;
  const V r = exponent - (shifted - constant);
  const V fraction =
      polynomial(r, {1.0, 0x1.62e42fef7b6a4p-1, 0x1.ebfbe07aeab9ep-3, 0x1.c6b08df4f771ep-5,
                     0x1.3b29f0cdc2fb4p-7, 0x1.5d8722e5ae588p-10, 0x1.445e927f760c7p-13,
                     0x1.00f202d727eb1p-16});
  return fraction * two_to(shifted);
}

// log2 x as a pair of doubles for finite x > 0, relative error 2^-65.
template <class D>
HWY_INLINE Pair<Lane<D>> log2_pair(Lane<D> x) {
  using V = Lane<D>;
  const LaneMask<D> subnormal = x < V(std::numeric_limits<double>::min());
  const V two_to_m(Format<D>::kTwoToMantissa);
  const Binary<D> parts = split_binary(select(subnormal, x * two_to_m, x));
  const V exponent = parts.exponent - select(subnormal, V(Format<D>::kMantissa), V(0));
  const V m = parts.significand;

  // s = (m - 1) / (m + 1) as a pair: the quotient, and the remainder over the divisor.
  const V numerator = m - V(1);  // exact
  const V denominator = m + V(1);
  const V denominator_low = m - (denominator - V(1));
  const V inverse = V(1) / denominator;
  const V s = numerator * inverse;
  const Pair<V> back = two_product(s, denominator);
  const V remainder = (numerator - back.high) - back.low;
  const V s_low = (remainder - s * denominator_low) * inverse;

  // u = atanh(s)/s = 1 + z/3 + z²·p(z) with z = s²: the second term as a pair, the third is at most
  // 2^-12 and needs no more than a double.
  Pair<V> z = two_product(s, s);
  z.low = mul_add(s + s, s_low, z.low);
  const V p = polynomial(z.high, {0x1.9999999999996p-3, 0x1.2492492492f50p-3, 0x1.c71c71c596cf7p-4,
                                  0x1.745d182929948p-4, 0x1.3b1364d836c96p-4, 0x1.11206ca0477c1p-4,
                                  0x1.de3de02af59fap-5, 0x1.eac1fb11af037p-5});
  const V third(0x1.5555555555555p-2);
  Pair<V> linear = two_product(z.high, third);
  linear.low += z.low * third + z.high * V(0x1.5555555555555p-56);
  Pair<V> rest = fast_two_sum(linear.high, z.high * z.high * p);
  rest.low += linear.low;
  Pair<V> u = fast_two_sum(V(1), rest.high);
  u.low += rest.low;

  // log2 m = 2/ln 2 · s·u
  Pair<V> atanh = two_product(s, u.high);
  atanh.low += s * u.low + s_low * u.high;
  const V scale(0x1.71547652b82fep+1);
  Pair<V> log2 = two_product(atanh.high, scale);
  log2.low += atanh.high * V(0x1.777d0ffda0d24p-55) + atanh.low * scale;

  Pair<V> sum = fast_two_sum(exponent, log2.high);
  sum.low += log2.low;
  return fast_two_sum(sum.high, sum.low);
}

// x^y in double lanes for finite x > 0 and finite y.
template <class D>
HWY_INLINE Lane<D> pow_double(Lane<D> x, Lane<D> y) {
  using V = Lane<D>;
  const Pair<V> log2 = log2_pair(x);
  // |log2 x| >= 2^-53 where x is not 1, so a |y| beyond 2^70 decides the result as 2^70 does.
  const V exponent = clamp(y, V(-0x1p+70), V(0x1p+70));
  const Pair<V> product = two_product(exponent, log2.high);
  const V low = mul_add(exponent, log2.low, product.low);
  const V high = clamp(product.high, V(-1100), V(1100));
  const V constant = rounding_constant(D(), 2 * Format<D>::kBias);
  const V shifted = high + constant;
  const V n = shifted - constant;
  const V r = (high - n) + select(high == product.high, low, V(0));
  return scale_by_two_to(RoundedExponent<D>{n, shifted}, exp2m1_double(r) + V(1));
}

template <class D>
HWY_INLINE Lane<D> pow_positive(Lane<D> x, Lane<D> y) {
  if constexpr (sizeof(hn::TFromD<D>) == 4) {
    return in_double(x, y, [](auto a, auto b) HWY_ATTR { return pow_single_in_double(a, b); });
  } else {
    return pow_double(x, y);
  }
}

// x^y for any operands; the lanes that `pow_positive` serves come out as there.
template <class D>
HWY_NOINLINE Lane<D> pow_any(Lane<D> x, Lane<D> y) {
  using V = Lane<D>;
  using T = hn::TFromD<D>;
  const V infinity(std::numeric_limits<T>::infinity());
  const V a = abs(x);
  const LaneMask<D> ordinary_x = (a > V(0)) & (a < infinity);
  const LaneMask<D> ordinary_y = abs(y) < infinity;
  V result = pow_positive(select(ordinary_x, a, V(1)), select(ordinary_y, y, V(0)));

  // Limits: x or y is 0 or infinite.
  const LaneMask<D> grows = ((a > V(1)) & (y > V(0))) | ((a < V(1)) & (y < V(0)));
  result = select(ordinary_x & ordinary_y, result, select(grows, infinity, V(0)));

  // Sign, or NaN where no real result exists. An infinite y counts as an even integer.
  const V whole = trunc(y);
  const V half = y * V(0.5);
  const LaneMask<D> odd = (whole == y) & (trunc(half) != half) & ordinary_y;
  const LaneMask<D> negative = copysign(V(1), x) < V(0);
  result = select(odd & negative, -result, result);
  const LaneMask<D> imaginary = (x < V(0)) & (x > -infinity) & (whole != y);
  result = select(imaginary, V(std::numeric_limits<T>::quiet_NaN()), result);

  result = select(is_nan(x) | is_nan(y), x + y, result);
  const LaneMask<D> one = (y == V(0)) | (x == V(1)) | ((x == V(-1)) & !ordinary_y & !is_nan(y));
  return select(one, V(1), result);
}

// x^y of integers by repeated squaring, wrapping. As in PyTorch a negative exponent gives 0 but for
// the bases 1 and -1.
template <class T>
HWY_INLINE T pow_integer(T x, T y) {
  using U = std::make_unsigned_t<T>;
  if constexpr (std::is_signed_v<T>) {
    if (y < 0) return x == 1 ? T{1} : x == -1 ? ((y & 1) != 0 ? T{-1} : T{1}) : T{0};
  }
  U result = 1;
  U base = static_cast<U>(x);
  for (U n = static_cast<U>(y); n != 0; n = static_cast<U>(n >> 1)) {
    if ((n & 1) != 0) result = static_cast<U>(result * base);
    base = static_cast<U>(base * base);
  }
  return static_cast<T>(result);
}

}  // namespace detail

// x^y. Float: 1 ulp; double: 2 ulp. All special cases are C99's (Annex F.10.4.4).
template <class D>
HWY_INLINE Lane<D> pow(Lane<D> x, Lane<D> y) {
  using V = Lane<D>;
  using T = hn::TFromD<D>;
  if constexpr (kIsFloat<D>) {
    const V most(std::numeric_limits<T>::max());
    if (HWY_LIKELY(all_true((x > V(0)) & (x <= most) & (abs(y) <= most)))) {
      return detail::pow_positive(x, y);
    }
    return detail::pow_any(x, y);
  } else {
    return by_element(x, y, [](T a, T b) HWY_ATTR { return detail::pow_integer(a, b); });
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace entasis
HWY_AFTER_NAMESPACE();

#endif  // ENTASIS_KERNELS_CPU_INTERNAL_SIMD_POW_H_
