// The value type of the CPU's formulas: `Lane<D>` is one Highway vector with arithmetic operators
// and PyTorch's names for its functions, for T in {float, double, int32_t, int64_t, uint8_t}.
// Included once for each Highway target. All results but those of `mul_add` are the same to the bit
// on every target; `mul_add` rounds once where the target has FMA and twice on SSE4.

#if defined(ENTASIS_KERNELS_CPU_INTERNAL_SIMD_VALUE_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ENTASIS_KERNELS_CPU_INTERNAL_SIMD_VALUE_H_
#undef ENTASIS_KERNELS_CPU_INTERNAL_SIMD_VALUE_H_
#else
#define ENTASIS_KERNELS_CPU_INTERNAL_SIMD_VALUE_H_
#endif

#include <entasis/kernels/cpu/internal/simd_targets.h>

#include <hwy/highway.h>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <type_traits>

// How the texts under kernels/formulas declare their functions on this machine.
#undef FORMULA
#define FORMULA HWY_INLINE

HWY_BEFORE_NAMESPACE();
namespace entasis {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// One truth value per lane. Combined by `&`, `|`, `^` and `!`, so that the same formula reads a
// `bool` where the value type is a scalar.
template <class D>
struct LaneMask {
  hn::Mask<D> m;

  HWY_INLINE LaneMask(hn::Mask<D> mask) : m(mask) {}

  friend HWY_INLINE LaneMask operator&(LaneMask a, LaneMask b) { return hn::And(a.m, b.m); }
  friend HWY_INLINE LaneMask operator|(LaneMask a, LaneMask b) { return hn::Or(a.m, b.m); }
  friend HWY_INLINE LaneMask operator^(LaneMask a, LaneMask b) { return hn::Xor(a.m, b.m); }
  friend HWY_INLINE LaneMask operator!(LaneMask a) { return hn::Not(a.m); }
};

template <class D>
HWY_INLINE bool all_true(LaneMask<D> a) {
  return hn::AllTrue(D(), a.m);
}

template <class D>
struct Lane;

// Element by element through memory: for what the target has no instruction for.
template <class D, class F>
HWY_INLINE Lane<D> by_element(Lane<D> a, F f) {
  constexpr size_t kMax = hn::MaxLanes(D());
  HWY_ALIGN hn::TFromD<D> x[kMax];
  hn::Store(a.v, D(), x);
  for (size_t i = 0; i < hn::Lanes(D()); ++i) x[i] = f(x[i]);
  return hn::Load(D(), x);
}

template <class D, class F>
HWY_INLINE Lane<D> by_element(Lane<D> a, Lane<D> b, F f) {
  constexpr size_t kMax = hn::MaxLanes(D());
  HWY_ALIGN hn::TFromD<D> x[kMax];
  HWY_ALIGN hn::TFromD<D> y[kMax];
  hn::Store(a.v, D(), x);
  hn::Store(b.v, D(), y);
  for (size_t i = 0; i < hn::Lanes(D()); ++i) x[i] = f(x[i], y[i]);
  return hn::Load(D(), x);
}

namespace detail {

// Highway 1.0.3 multiplies no bytes. Two 16-bit products do: the low byte of a product depends on
// the low bytes of its factors alone.
template <class D>
HWY_INLINE hn::Vec<D> multiply_bytes(hn::Vec<D> a, hn::Vec<D> b) {
  const hn::Repartition<uint16_t, D> d16;
  const auto a16 = hn::BitCast(d16, a);
  const auto b16 = hn::BitCast(d16, b);
  const auto even = hn::And(hn::Mul(a16, b16), hn::Set(d16, 0x00FF));
  const auto odd = hn::Mul(hn::ShiftRight<8>(a16), hn::ShiftRight<8>(b16));
  return hn::BitCast(D(), hn::Or(even, hn::ShiftLeft<8>(odd)));
}

// Truncating quotient of 32-bit integers through double. Rounding never reaches an integer: a true
// quotient that is none is at least 1/|b| away from the next, and the error is below 2^-22/|b|.
template <class D>
HWY_INLINE hn::Vec<D> quotient_int32(hn::Vec<D> a, hn::Vec<D> b) {
  const hn::Half<D> half;
  const hn::Rebind<double, decltype(half)> wide;
  const auto low = hn::Div(hn::PromoteTo(wide, hn::LowerHalf(half, a)),
                           hn::PromoteTo(wide, hn::LowerHalf(half, b)));
  const auto high = hn::Div(hn::PromoteTo(wide, hn::UpperHalf(half, a)),
                            hn::PromoteTo(wide, hn::UpperHalf(half, b)));
  return hn::Combine(D(), hn::DemoteTo(half, high), hn::DemoteTo(half, low));
}

// Whether all lanes lie in [-2^51, 2^51).
template <class D>
HWY_INLINE bool all_small_int64(hn::Vec<D> a, hn::Vec<D> b) {
  const hn::RebindToUnsigned<D> du;
  const auto offset = hn::Set(du, uint64_t{1} << 51);
  const auto high = hn::Or(hn::ShiftRight<52>(hn::Add(hn::BitCast(du, a), offset)),
                           hn::ShiftRight<52>(hn::Add(hn::BitCast(du, b), offset)));
  return hn::AllTrue(du, hn::Eq(high, hn::Zero(du)));
}

// Truncating quotient of 64-bit integers in [-2^51, 2^51) through double, right for the same reason
// as that of 32-bit ones. Added to 1.5·2^52, such a number is the low bits of the sum.
template <class D>
HWY_INLINE hn::Vec<D> quotient_small_int64(hn::Vec<D> a, hn::Vec<D> b) {
  const hn::RebindToFloat<D> df;
  const auto one_and_a_half = hn::Set(df, 6755399441055744.0);
  const auto bits = hn::BitCast(D(), one_and_a_half);
  const auto to_float = [&](hn::Vec<D> v) HWY_ATTR {
    return hn::Sub(hn::BitCast(df, hn::Add(v, bits)), one_and_a_half);
  };
  const auto quotient = hn::Trunc(hn::Div(to_float(a), to_float(b)));
  return hn::Sub(hn::BitCast(D(), hn::Add(quotient, one_and_a_half)), bits);
}

// Scalar quotient of the same convention: 0 for a zero divisor, wrapping for min / -1.
template <class T>
HWY_INLINE T quotient(T a, T b) {
  if (b == 0) return 0;
  if constexpr (std::is_signed_v<T>) {
    using U = std::make_unsigned_t<T>;
    if (b == -1) return static_cast<T>(U{0} - static_cast<U>(a));
  }
  return static_cast<T>(a / b);
}

}  // namespace detail

// One vector. D is a Highway tag of at least two lanes, usually `ScalableTag<T>`.
// Integers wrap; their division truncates, gives 0 for a zero divisor and never traps.
template <class D>
struct Lane {
  using T = hn::TFromD<D>;
  using Mask = LaneMask<D>;
  hn::Vec<D> v;

  HWY_INLINE Lane(hn::Vec<D> vector) : v(vector) {}

  // The same constant in every lane.
  template <class C, std::enable_if_t<std::is_arithmetic_v<C>, int> = 0>
  HWY_INLINE explicit Lane(C constant) : v(hn::Set(D(), static_cast<T>(constant))) {}

  static HWY_INLINE Lane load(const T* HWY_RESTRICT from) { return hn::LoadU(D(), from); }
  HWY_INLINE void store(T* HWY_RESTRICT to) const { hn::StoreU(v, D(), to); }

  friend HWY_INLINE Lane operator+(Lane a, Lane b) { return hn::Add(a.v, b.v); }
  friend HWY_INLINE Lane operator-(Lane a, Lane b) { return hn::Sub(a.v, b.v); }
  friend HWY_INLINE Lane operator*(Lane a, Lane b) {
    if constexpr (sizeof(T) == 1) {
      return detail::multiply_bytes<D>(a.v, b.v);
    } else {
      return hn::Mul(a.v, b.v);
    }
  }
  friend HWY_INLINE Lane operator/(Lane a, Lane b) {
    if constexpr (std::is_floating_point_v<T>) {
      return hn::Div(a.v, b.v);
    } else if constexpr (std::is_same_v<T, int32_t>) {
      const Lane q = detail::quotient_int32<D>(a.v, b.v);
      return select(b == Lane(0), Lane(0), select(b == Lane(-1), -a, q));
    } else if constexpr (std::is_same_v<T, int64_t>) {
      if (HWY_LIKELY(detail::all_small_int64<D>(a.v, b.v))) {
        const Lane q = detail::quotient_small_int64<D>(a.v, b.v);
        return select(b == Lane(0), Lane(0), q);
      }
      return by_element(a, b, [](T x, T y) HWY_ATTR { return detail::quotient(x, y); });
    } else {
      return by_element(a, b, [](T x, T y) HWY_ATTR { return detail::quotient(x, y); });
    }
  }
  friend HWY_INLINE Lane operator-(Lane a) {
    if constexpr (std::is_floating_point_v<T>) {
      return hn::Neg(a.v);
    } else {
      return hn::Sub(hn::Zero(D()), a.v);
    }
  }

  HWY_INLINE Lane& operator+=(Lane b) { return *this = *this + b; }
  HWY_INLINE Lane& operator-=(Lane b) { return *this = *this - b; }
  HWY_INLINE Lane& operator*=(Lane b) { return *this = *this * b; }
  HWY_INLINE Lane& operator/=(Lane b) { return *this = *this / b; }

  friend HWY_INLINE Lane operator&(Lane a, Lane b) { return hn::And(a.v, b.v); }
  friend HWY_INLINE Lane operator|(Lane a, Lane b) { return hn::Or(a.v, b.v); }
  friend HWY_INLINE Lane operator^(Lane a, Lane b) { return hn::Xor(a.v, b.v); }
  friend HWY_INLINE Lane operator~(Lane a) { return hn::Not(a.v); }

  friend HWY_INLINE Mask operator==(Lane a, Lane b) { return hn::Eq(a.v, b.v); }
  // Not Highway's own: on AVX3 release 1.0.3 takes NaN for equal to everything.
  friend HWY_INLINE Mask operator!=(Lane a, Lane b) { return hn::Not(hn::Eq(a.v, b.v)); }
  friend HWY_INLINE Mask operator<(Lane a, Lane b) { return hn::Lt(a.v, b.v); }
  friend HWY_INLINE Mask operator>(Lane a, Lane b) { return hn::Gt(a.v, b.v); }
  friend HWY_INLINE Mask operator<=(Lane a, Lane b) {
    if constexpr (std::is_floating_point_v<T>) {
      return hn::Le(a.v, b.v);
    } else {
      return hn::Not(hn::Gt(a.v, b.v));  // Highway 1.0.3 has no <= of integers
    }
  }
  friend HWY_INLINE Mask operator>=(Lane a, Lane b) { return b <= a; }

  friend HWY_INLINE Lane select(Mask condition, Lane yes, Lane no) {
    return hn::IfThenElse(condition.m, yes.v, no.v);
  }
};

template <class D>
inline constexpr bool kIsFloat = std::is_floating_point_v<hn::TFromD<D>>;

// For formulas, which ask by `decltype(is_whole(x))::value`.
template <class D>
std::bool_constant<!kIsFloat<D>> is_whole(Lane<D>);

// a·b + c, the only place where a fused multiply-add may be used: rounded once where the target has
// FMA, twice elsewhere. Integers wrap.
template <class D>
HWY_INLINE Lane<D> mul_add(Lane<D> a, Lane<D> b, Lane<D> c) {
  if constexpr (kIsFloat<D>) {
    return hn::MulAdd(a.v, b.v, c.v);
  } else {
    return a * b + c;
  }
}

template <class D>
HWY_INLINE LaneMask<D> is_nan(Lane<D> a) {
  if constexpr (kIsFloat<D>) {
    return hn::IsNaN(a.v);
  } else {
    return a != a;
  }
}

template <class D>
HWY_INLINE Lane<D> abs(Lane<D> a) {
  if constexpr (std::is_unsigned_v<hn::TFromD<D>>) {
    return a;
  } else {
    return hn::Abs(a.v);
  }
}

// NaN if either is NaN, as PyTorch's `maximum` and `minimum`. Highway's own return either operand.
template <class D>
HWY_INLINE Lane<D> maximum(Lane<D> a, Lane<D> b) {
  const Lane<D> larger = hn::Max(a.v, b.v);  // b where either is NaN, or NaN
  if constexpr (kIsFloat<D>) {
    return select(is_nan(a), a, larger);
  } else {
    return larger;
  }
}

template <class D>
HWY_INLINE Lane<D> minimum(Lane<D> a, Lane<D> b) {
  const Lane<D> smaller = hn::Min(a.v, b.v);
  if constexpr (kIsFloat<D>) {
    return select(is_nan(a), a, smaller);
  } else {
    return smaller;
  }
}

// x limited to [low, high]; NaN stays. Neither limit may be NaN.
template <class D>
HWY_INLINE Lane<D> clamp(Lane<D> x, Lane<D> low, Lane<D> high) {
  return hn::Min(high.v, hn::Max(low.v, x.v));  // x stands second: it survives where it is NaN
}

template <class D>
HWY_INLINE Lane<D> sqrt(Lane<D> a) {
  return hn::Sqrt(a.v);
}

// 1 / sqrt(a), each rounded: within 1.5 ulp, the same bits everywhere.
template <class D>
HWY_INLINE Lane<D> rsqrt(Lane<D> a) {
  return Lane<D>(1) / sqrt(a);
}

template <class D>
HWY_INLINE Lane<D> copysign(Lane<D> magnitude, Lane<D> sign) {
  if constexpr (kIsFloat<D>) {
    return hn::CopySign(magnitude.v, sign.v);
  } else {
    return select(sign < Lane<D>(0), -abs(magnitude), abs(magnitude));
  }
}

// Rounding to an integer: the identity for integer lanes. `round` takes halves to even.
template <class D>
HWY_INLINE Lane<D> floor(Lane<D> a) {
  if constexpr (kIsFloat<D>) return hn::Floor(a.v);
  return a;
}

template <class D>
HWY_INLINE Lane<D> ceil(Lane<D> a) {
  if constexpr (kIsFloat<D>) return hn::Ceil(a.v);
  return a;
}

template <class D>
HWY_INLINE Lane<D> round(Lane<D> a) {
  if constexpr (kIsFloat<D>) return hn::Round(a.v);
  return a;
}

template <class D>
HWY_INLINE Lane<D> trunc(Lane<D> a) {
  if constexpr (kIsFloat<D>) return hn::Trunc(a.v);
  return a;
}

}  // namespace HWY_NAMESPACE
}  // namespace entasis
HWY_AFTER_NAMESPACE();

#endif  // ENTASIS_KERNELS_CPU_INTERNAL_SIMD_VALUE_H_
