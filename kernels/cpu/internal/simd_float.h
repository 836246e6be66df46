// Building blocks of the math primitives: polynomials, the bits of a float, exact products, and the
// way from a vector of float to two of double. Included once for each Highway target.

#if defined(ENTASIS_KERNELS_CPU_INTERNAL_SIMD_FLOAT_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ENTASIS_KERNELS_CPU_INTERNAL_SIMD_FLOAT_H_
#undef ENTASIS_KERNELS_CPU_INTERNAL_SIMD_FLOAT_H_
#else
#define ENTASIS_KERNELS_CPU_INTERNAL_SIMD_FLOAT_H_
#endif

#include <entasis/kernels/cpu/internal/simd_value.h>

HWY_BEFORE_NAMESPACE();
namespace entasis {
namespace HWY_NAMESPACE {
namespace detail {

// Layout of an IEEE type. `kSqrtHalf` is the bit pattern of the float just above or at sqrt(1/2).
template <class T>
struct FloatFormat;

template <>
struct FloatFormat<float> {
  using Bits = uint32_t;
  static constexpr int kMantissa = 23;
  static constexpr Bits kBias = 127;
  static constexpr Bits kSqrtHalf = 0x3f3504f3;
  static constexpr float kTwoToMantissa = 8388608.0f;
  static constexpr float kSplitter = 4097.0f;    // 2^12 + 1
  static constexpr float kLn2High = 0x1.63p-1f;  // 9 bits: times an exponent exact
  static constexpr float kLn2Low = -0x1.bd0106p-13f;
};

template <>
struct FloatFormat<double> {
  using Bits = uint64_t;
  static constexpr int kMantissa = 52;
  static constexpr Bits kBias = 1023;
  static constexpr Bits kSqrtHalf = 0x3fe6a09e667f3bcd;
  static constexpr double kTwoToMantissa = 4503599627370496.0;
  static constexpr double kSplitter = 134217729.0;    // 2^27 + 1
  static constexpr double kLn2High = 0x1.62e42ffp-1;  // 33 bits
  static constexpr double kLn2Low = -0x1.718432a1b0e26p-35;
};

template <class D>
using Format = FloatFormat<hn::TFromD<D>>;

template <class D>
using BitsTag = hn::RebindToUnsigned<D>;

template <class D>
HWY_INLINE hn::Vec<BitsTag<D>> bits_of(Lane<D> x) {
  return hn::BitCast(BitsTag<D>(), x.v);
}

template <class D>
HWY_INLINE Lane<D> from_bits(D, hn::Vec<BitsTag<D>> bits) {
  return hn::BitCast(D(), bits);
}

template <class D>
HWY_INLINE hn::Vec<BitsTag<D>> set_bits(D, typename Format<D>::Bits bits) {
  return hn::Set(BitsTag<D>(), bits);
}

// Coefficients kFirst to kFirst + 2^kLevel - 1 as a polynomial of their own; powers[k] is x^(2^k).
template <int kLevel, size_t kFirst, class V, size_t kCount>
HWY_INLINE V estrin(const double (&c)[kCount], const V (&powers)[5]) {
  if constexpr (kLevel == 0) {
    return V(c[kFirst]);
  } else {
    constexpr size_t kHalf = size_t{1} << (kLevel - 1);
    const V low = estrin<kLevel - 1, kFirst>(c, powers);
    if constexpr (kFirst + kHalf < kCount) {
      return mul_add(estrin<kLevel - 1, kFirst + kHalf>(c, powers), powers[kLevel - 1], low);
    } else {
      return low;
    }
  }
}

// c[0] + c[1]·x + c[2]·x² + … by Estrin's scheme: as many multiply-adds as Horner's rule, but a
// chain of log2(count) instead of count, which is what limits these functions. Coefficients are
// exact in the lane's type.
template <class V, size_t kCount>
HWY_INLINE V polynomial(V x, const double (&c)[kCount]) {
  static_assert(kCount <= 32);
  constexpr int kLevels = kCount <= 2    ? 1
                          : kCount <= 4  ? 2
                          : kCount <= 8  ? 3
                          : kCount <= 16 ? 4
                                         : 5;
  const V x2 = x * x;
  const V x4 = x2 * x2;
  const V x8 = x4 * x4;
  const V powers[5] = {x, x2, x4, x8, x8 * x8};  // those that are not used cost nothing
  return estrin<kLevels, 0>(c, powers);
}

// x = significand · 2^exponent with significand in [sqrt(1/2), sqrt(2)), for positive normal x.
// `biased` is the exponent plus the format's bias, as an integer.
template <class D>
struct Binary {
  Lane<D> significand;
  Lane<D> exponent;
  hn::Vec<BitsTag<D>> biased;
};

template <class D>
HWY_INLINE Binary<D> split_binary(Lane<D> x) {
  using F = Format<D>;
  constexpr int m = F::kMantissa;
  constexpr typename F::Bits one = F::kBias << m;
  const auto shifted = hn::Add(bits_of(x), set_bits(D(), one - F::kSqrtHalf));
  const auto biased = hn::ShiftRight<m>(shifted);
  const auto fraction = hn::And(shifted, set_bits(D(), (typename F::Bits{1} << m) - 1));
  const Lane<D> two_to_m(F::kTwoToMantissa);
  const Lane<D> as_float = from_bits(D(), hn::Or(biased, bits_of(two_to_m)));
  return {from_bits(D(), hn::Add(fraction, set_bits(D(), F::kSqrtHalf))),
          as_float - Lane<D>(F::kTwoToMantissa + F::kBias), biased};
}

// A sum or product kept in two floats: high + low, low at most half an ulp of high.
template <class V>
struct Pair {
  V high, low;
};

// a + b exactly, where |a| >= |b| or a is 0.
template <class V>
HWY_INLINE Pair<V> fast_two_sum(V a, V b) {
  const V sum = a + b;
  return {sum, b - (sum - a)};
}

// a + b exactly (Knuth).
template <class V>
HWY_INLINE Pair<V> two_sum(V a, V b) {
  const V sum = a + b;
  const V b_part = sum - a;
  return {sum, (a - (sum - b_part)) + (b - b_part)};
}

// a·b exactly, but for over- and underflow: by FMA, or by halves (Dekker) where there is none.
template <class D>
HWY_INLINE Pair<Lane<D>> two_product(Lane<D> a, Lane<D> b) {
  const Lane<D> product = a * b;
#if HWY_NATIVE_FMA
  return {product, mul_add(a, b, -product)};
#else
  const Lane<D> splitter(Format<D>::kSplitter);
  const Lane<D> a_scaled = a * splitter;
  const Lane<D> a_high = a_scaled - (a_scaled - a);
  const Lane<D> a_low = a - a_high;
  const Lane<D> b_scaled = b * splitter;
  const Lane<D> b_high = b_scaled - (b_scaled - b);
  const Lane<D> b_low = b - b_high;
  const Lane<D> error = ((a_high * b_high - product) + a_high * b_low) + a_low * b_high;
  return {product, error + a_low * b_low};
#endif
}

// The tag of the doubles that hold half of a vector of float.
template <class D>
using DoubleTag = hn::Rebind<double, hn::Half<D>>;

// f on a vector of float, computed in double and rounded once.
template <class D, class F>
HWY_INLINE Lane<D> in_double(Lane<D> x, F f) {
  const hn::Half<D> half;
  const DoubleTag<D> wide;
  using W = Lane<DoubleTag<D>>;
  const W low = f(W(hn::PromoteTo(wide, hn::LowerHalf(half, x.v))));
  const W high = f(W(hn::PromoteTo(wide, hn::UpperHalf(half, x.v))));
  return hn::Combine(D(), hn::DemoteTo(half, high.v), hn::DemoteTo(half, low.v));
}

template <class D, class F>
HWY_INLINE Lane<D> in_double(Lane<D> x, Lane<D> y, F f) {
  const hn::Half<D> half;
  const DoubleTag<D> wide;
  using W = Lane<DoubleTag<D>>;
  const W low = f(W(hn::PromoteTo(wide, hn::LowerHalf(half, x.v))),
                  W(hn::PromoteTo(wide, hn::LowerHalf(half, y.v))));
  const W high = f(W(hn::PromoteTo(wide, hn::UpperHalf(half, x.v))),
                   W(hn::PromoteTo(wide, hn::UpperHalf(half, y.v))));
  return hn::Combine(D(), hn::DemoteTo(half, high.v), hn::DemoteTo(half, low.v));
}

}  // namespace detail
}  // namespace HWY_NAMESPACE
}  // namespace entasis
HWY_AFTER_NAMESPACE();

#endif  // ENTASIS_KERNELS_CPU_INTERNAL_SIMD_FLOAT_H_
