// The bits of lanes: shifts and divisors of integers, neighbours of floats.

#if defined(ENTASIS_KERNELS_CPU_INTERNAL_SIMD_BITS_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ENTASIS_KERNELS_CPU_INTERNAL_SIMD_BITS_H_
#undef ENTASIS_KERNELS_CPU_INTERNAL_SIMD_BITS_H_
#else
#define ENTASIS_KERNELS_CPU_INTERNAL_SIMD_BITS_H_
#endif

#include <bit>

#include <entasis/kernels/cpu/internal/simd_float.h>

HWY_BEFORE_NAMESPACE();
namespace entasis {
namespace HWY_NAMESPACE {
namespace detail {

// f of the even bytes and of the odd ones, each in 16 bits of its own: Highway 1.0.3 shifts none by
// distances of their own.
template <class D, class F>
HWY_INLINE hn::Vec<D> by_halves(hn::Vec<D> a, hn::Vec<D> b, F f) {
  const hn::Repartition<uint16_t, D> d16;
  const auto low = hn::Set(d16, 0x00FF);
  const auto a16 = hn::BitCast(d16, a), b16 = hn::BitCast(d16, b);
  const auto even = f(hn::And(a16, low), hn::And(b16, low));
  const auto odd = f(hn::ShiftRight<8>(a16), hn::ShiftRight<8>(b16));
  return hn::BitCast(D(), hn::Or(hn::And(even, low), hn::ShiftLeft<8>(odd)));
}

// The distance, and whether it is one: not negative and less than the width.
template <class D>
struct Distance {
  LaneMask<D> valid;
  Lane<D> bits;
};
template <class D>
HWY_INLINE Distance<D> distance_of(Lane<D> b) {
  using V = Lane<D>;
  constexpr int kWidth = 8 * sizeof(hn::TFromD<D>);
  const LaneMask<D> valid = (b >= V(0)) & (b < V(kWidth));
  return {valid, b & V(kWidth - 1)};
}

// Of magnitudes: one division, after which both are of the size of the smaller, then by halving and
// subtraction (Stein 1967).
template <class U>
HWY_INLINE U gcd_of_magnitudes(U x, U y) {
  if (x == 0 || y == 0) return x | y;
  if (x < y) {
    y = U(y % x);
  } else {
    x = U(x % y);
  }
  if (x == 0 || y == 0) return x | y;
  const int shared = std::countr_zero(U(x | y));
  x = U(x >> std::countr_zero(x));
  while (y != 0) {
    y = U(y >> std::countr_zero(y));
    const U least = x < y ? x : y;
    y = x < y ? U(y - x) : U(x - y);
    x = least;
  }
  return U(x << shared);
}

}  // namespace detail

// a moved to the left by b bits; 0 if b is negative or reaches the width.
template <class D>
HWY_INLINE Lane<D> bitwise_left_shift(Lane<D> a, Lane<D> b) {
  using V = Lane<D>;
  if constexpr (sizeof(hn::TFromD<D>) == 1) {
    return detail::by_halves<D>(a.v, hn::Min(b.v, V(8).v),
                                [](auto x, auto n) HWY_ATTR { return hn::Shl(x, n); });
  } else {
    const auto distance = detail::distance_of(b);
    return select(distance.valid, V(hn::Shl(a.v, distance.bits.v)), V(0));
  }
}

// a moved to the right by b bits, with copies of its sign; all of them if b is negative or reaches
// the width.
template <class D>
HWY_INLINE Lane<D> bitwise_right_shift(Lane<D> a, Lane<D> b) {
  using V = Lane<D>;
  if constexpr (sizeof(hn::TFromD<D>) == 1) {
    return detail::by_halves<D>(a.v, hn::Min(b.v, V(8).v),
                                [](auto x, auto n) HWY_ATTR { return hn::Shr(x, n); });
  } else {
    const auto distance = detail::distance_of(b);
    const V out = select(a < V(0), V(-1), V(0));
    return select(distance.valid, V(hn::Shr(a.v, distance.bits.v)), out);
  }
}

// The greatest common divisor, which is not negative; of the smallest integer and 0 it wraps.
template <class D>
HWY_INLINE Lane<D> gcd(Lane<D> a, Lane<D> b) {
  using V = Lane<D>;
  using T = hn::TFromD<D>;
  if constexpr (std::is_same_v<T, int32_t>) {
    // Euclid's algorithm, all lanes at once; the smallest integer stays negative until it is
    // divided.
    V x = a, y = b;
    while (!all_true(y == V(0))) {
      const V rest = x - x / y * y;
      x = select(y == V(0), x, y);
      y = select(y == V(0), y, rest);
    }
    return abs(x);
  }
  using U = std::conditional_t<sizeof(T) == 1, uint32_t, std::make_unsigned_t<T>>;
  return by_element(abs(a), abs(b), [](T x, T y) HWY_ATTR {
    return static_cast<T>(detail::gcd_of_magnitudes(static_cast<U>(x), static_cast<U>(y)));
  });
}

// The float whose bits are `step` more, as an unsigned number, than those of x.
template <class D>
HWY_INLINE Lane<D> step_bits(Lane<D> x, int step) {
  using Bits = typename detail::Format<D>::Bits;
  return detail::from_bits(
      D(), hn::Add(detail::bits_of(x), detail::set_bits(D(), static_cast<Bits>(step))));
}

}  // namespace HWY_NAMESPACE
}  // namespace entasis
HWY_AFTER_NAMESPACE();

#endif  // ENTASIS_KERNELS_CPU_INTERNAL_SIMD_BITS_H_
