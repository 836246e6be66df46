// Vectors for kernels that reduce: groups of 64 bytes, accumulators in double, ends of rows.
// Included once for each Highway target.

#if defined(ENTASIS_KERNELS_CPU_INTERNAL_REDUCE_LANES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ENTASIS_KERNELS_CPU_INTERNAL_REDUCE_LANES_INL_H_
#undef ENTASIS_KERNELS_CPU_INTERNAL_REDUCE_LANES_INL_H_
#else
#define ENTASIS_KERNELS_CPU_INTERNAL_REDUCE_LANES_INL_H_
#endif

#include <cmath>
#include <limits>

#include <entasis/kernels/cpu/internal/reduce_fold.h>
#include <entasis/kernels/cpu/internal/simd_value.h>

HWY_BEFORE_NAMESPACE();
namespace entasis::cpu::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
using entasis::HWY_NAMESPACE::Lane;

// A row is read in groups of 64 bytes, in as many vectors as the target needs for one.
template <class C>
inline constexpr int64_t kGroup = 64 / sizeof(C);
template <class C>
using Tag = hn::CappedTag<C, size_t(kGroup<C>)>;
template <class C>
inline constexpr int64_t kVector = int64_t(hn::MaxLanes(Tag<C>()));

// The accumulators of one vector of C: two vectors of double for float, else one.
template <class C>
inline constexpr int kWides = sizeof(Wide<C>) / sizeof(C);
template <class C>
using WideTag = hn::CappedTag<Wide<C>, size_t(kVector<C> / kWides<C>)>;
template <class C>
using WideLane = Lane<WideTag<C>>;
template <class C>
inline constexpr int64_t kWideVector = kVector<C> / kWides<C>;

template <int kHalf, class C>
HWY_INLINE WideLane<C> widen(Lane<Tag<C>> x) {
  if constexpr (kWides<C> == 1) {
    return x;
  } else {
    const hn::Half<Tag<C>> half;
    if constexpr (kHalf == 0) return hn::PromoteTo(WideTag<C>(), hn::LowerHalf(half, x.v));
    return hn::PromoteTo(WideTag<C>(), hn::UpperHalf(half, x.v));
  }
}

// Two vectors of double (or one of 64 bits) as one of C.
template <class C>
HWY_INLINE Lane<Tag<C>> narrowed(WideLane<C> low, WideLane<C> high) {
  if constexpr (kWides<C> == 2) {
    const hn::Half<Tag<C>> half;
    return hn::Combine(Tag<C>(), hn::DemoteTo(half, high.v), hn::DemoteTo(half, low.v));
  } else {
    return low;
  }
}

// Whether masked loads and stores leave memory alone where the mask is off.
#if HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_AVX3
#define ENTASIS_HAS_MASKED_ACCESS 1
#else
#define ENTASIS_HAS_MASKED_ACCESS 0
#endif

// n elements, n > 0; those that a vector has no room for are left out, those that it lacks are
// `pad`.
template <class C>
HWY_INLINE Lane<Tag<C>> load_some(const C* HWY_RESTRICT from, int64_t n, C pad = 0) {
  const Tag<C> tag;
  if (HWY_LIKELY(n >= kVector<C>)) return Lane<Tag<C>>::load(from);
#if ENTASIS_HAS_MASKED_ACCESS
  const auto mask = hn::FirstN(tag, size_t(n));
  return hn::IfThenElse(mask, hn::MaskedLoad(mask, tag, from), hn::Set(tag, pad));
#else
  HWY_ALIGN C tile[kVector<C>];
  hn::Store(hn::Set(tag, pad), tag, tile);
  for (int64_t i = 0; i < n; ++i) tile[i] = from[i];
  return hn::Load(tag, tile);
#endif
}

template <class C>
HWY_INLINE void store_some(Lane<Tag<C>> v, C* HWY_RESTRICT to, int64_t n) {
  const Tag<C> tag;
  if (HWY_LIKELY(n >= kVector<C>)) {
    v.store(to);
    return;
  }
#if ENTASIS_HAS_MASKED_ACCESS
  hn::BlendedStore(v.v, hn::FirstN(tag, size_t(n)), tag, to);
#else
  HWY_ALIGN C tile[kVector<C>];
  hn::Store(v.v, tag, tile);
  for (int64_t i = 0; i < n; ++i) to[i] = tile[i];
#endif
}

#undef ENTASIS_HAS_MASKED_ACCESS

// A sum for each lane of a vector of C, in double.
template <class C>
struct WideSum {
  using V = Lane<Tag<C>>;
  using W = WideLane<C>;
  W low, high;  // high is used for float

  HWY_INLINE WideSum() : low(0), high(0) {}
  HWY_INLINE void add(V x) {
    low += widen<0, C>(x);
    if constexpr (kWides<C> == 2) high += widen<1, C>(x);
  }
  HWY_INLINE void add_product(V x, V y) {
    low += widen<0, C>(x) * widen<0, C>(y);
    if constexpr (kWides<C> == 2) high += widen<1, C>(x) * widen<1, C>(y);
  }
  // Lane by lane, rounded to C.
  HWY_INLINE V narrow() const { return narrowed<C>(low, high); }
  HWY_INLINE double total() const {
    return hn::GetLane(hn::SumOfLanes(WideTag<C>(), (kWides<C> == 2 ? low + high : low).v));
  }
};

// Passes over a slice are written once for two directions: `load` and `store` step i as a vector,
// be it of neighbours of one slice or of one element of several slices; `join` the lanes as the
// direction demands; `get` and `put` what there is one of for each slice.

// Vectors along one slice of n neighbours.
template <class C>
struct AlongSlice {
  using V = Lane<Tag<C>>;
  using Sum = WideSum<C>;
  C* HWY_RESTRICT data;
  int64_t n;

  HWY_INLINE int64_t steps() const { return (n + kVector<C> - 1) / kVector<C>; }
  HWY_INLINE V load(int64_t i, double pad) const {
    return load_some(data + i * kVector<C>, n - i * kVector<C>, C(pad));
  }
  HWY_INLINE void store(int64_t i, V v) const {
    store_some(v, data + i * kVector<C>, n - i * kVector<C>);
  }
  HWY_INLINE V join_max(V v) const { return hn::MaxOfLanes(Tag<C>(), v.v); }
  HWY_INLINE V join(const Sum& sum) const { return V(C(sum.total())); }
  HWY_INLINE V get(const C* from) const { return V(*from); }
  HWY_INLINE void put(V v, C* to) const { *to = hn::GetLane(v.v); }
};

// Vectors across `width` neighbouring slices, whose n elements are `stride` apart.
template <class C>
struct AcrossSlices {
  using V = Lane<Tag<C>>;
  using Sum = WideSum<C>;
  C* HWY_RESTRICT data;
  int64_t stride;
  int64_t n;
  int64_t width;

  HWY_INLINE int64_t steps() const { return n; }
  HWY_INLINE V load(int64_t i, double) const { return load_some(data + i * stride, width); }
  HWY_INLINE void store(int64_t i, V v) const { store_some(v, data + i * stride, width); }
  HWY_INLINE V join_max(V v) const { return v; }
  HWY_INLINE V join(const Sum& sum) const { return sum.narrow(); }
  HWY_INLINE V get(const C* from) const { return load_some(from, width); }
  HWY_INLINE void put(V v, C* to) const { store_some(v, to, width); }
};

// The largest element of each slice. A NaN may be lost here; sums of exponentials bring it back.
template <class Lanes>
HWY_INLINE typename Lanes::V largest(const Lanes& a) {
  using V = typename Lanes::V;
  V m(-std::numeric_limits<typename V::T>::infinity());
  for (int64_t i = 0; i < a.steps(); ++i) m = hn::Max(m.v, a.load(i, -HUGE_VAL).v);
  return a.join_max(m);
}

}  // namespace entasis::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // ENTASIS_KERNELS_CPU_INTERNAL_REDUCE_LANES_INL_H_
