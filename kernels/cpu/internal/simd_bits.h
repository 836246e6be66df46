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

// Of N pairs of magnitudes: one division, after which both are of the size of the smaller, then by
// halving and subtraction (Stein 1967). Whose turn it is cannot be predicted, so that is chosen
// without branches; the pairs' chains run side by side.
template <int N, class U>
HWY_INLINE void gcd_of_magnitudes(U* HWY_RESTRICT x, U* HWY_RESTRICT y) {
  constexpr int kLastBit = int(8 * sizeof(U)) - 1;
  int shared[N];
  U any = 0;
  for (int i = 0; i < N; ++i) {
    if (x[i] != 0 && y[i] != 0) (x[i] < y[i] ? y[i] : x[i]) %= x[i] < y[i] ? x[i] : y[i];
    if (x[i] == 0 || y[i] == 0) x[i] = U(x[i] | y[i]), y[i] = 0;
    shared[i] = std::countr_zero(U(x[i] | y[i])) & kLastBit;
    x[i] = U(x[i] >> (std::countr_zero(x[i]) & kLastBit));
    any = U(any | y[i]);
  }
  while (any != 0) {
    any = 0;
    for (int i = 0; i < N; ++i) {
      const U odd = U(y[i] >> (std::countr_zero(y[i]) & kLastBit));
      const U least = x[i] < odd ? x[i] : odd, apart = U((x[i] < odd ? odd : x[i]) - least);
      x[i] = odd == 0 ? x[i] : least;
      y[i] = odd == 0 ? U(0) : apart;
      any = U(any | y[i]);
    }
  }
  for (int i = 0; i < N; ++i) x[i] = U(x[i] << shared[i]);
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
  constexpr int kMax = int(hn::MaxLanes(D())), kTogether = kMax < 4 ? kMax : 4;
  HWY_ALIGN T lanes_a[kMax], lanes_b[kMax];
  abs(a).store(lanes_a);
  abs(b).store(lanes_b);
  for (int first = 0; first < kMax; first += kTogether) {
    U x[kTogether], y[kTogether];
    for (int i = 0; i < kTogether; ++i) {
      x[i] = static_cast<U>(lanes_a[first + i]);
      y[i] = static_cast<U>(lanes_b[first + i]);
    }
    detail::gcd_of_magnitudes<kTogether>(x, y);
    for (int i = 0; i < kTogether; ++i) lanes_a[first + i] = static_cast<T>(x[i]);
  }
  return V::load(lanes_a);
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
