// The vector code of the reductions. Included once for each Highway target.
//
// Sums of floats: eight vectors are added by a tree, the result goes to accumulators in double. So
// each element passes at most three roundings in float, and the relative error of a sum of positive
// numbers stays below 2^-21 whatever their count, at the speed of memory (11 vector instructions
// for 8 loads). A row is always cut into the same 64-byte groups, so the bits are those of every
// target.

#if defined(ENTASIS_KERNELS_CPU_INTERNAL_REDUCE_FOLD_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ENTASIS_KERNELS_CPU_INTERNAL_REDUCE_FOLD_INL_H_
#undef ENTASIS_KERNELS_CPU_INTERNAL_REDUCE_FOLD_INL_H_
#else
#define ENTASIS_KERNELS_CPU_INTERNAL_REDUCE_FOLD_INL_H_
#endif

#include <limits>
#include <type_traits>

#include <entasis/kernels/cpu/internal/reduce_fold.h>
#include <entasis/kernels/cpu/internal/reduce_lanes-inl.h>

HWY_BEFORE_NAMESPACE();
namespace entasis::cpu::HWY_NAMESPACE {

// A fold joins, from an identity, what it makes of each element: `map`, in the type of computation,
// which may read the output's `centre`, and `step`, in the accumulator's. Most take elements as
// they are.
struct FoldOfElements {
  static constexpr bool kMaps = false;
};

// Integers wrap.
struct SumFold : FoldOfElements {
  static constexpr bool kTree = true;  // elements may be joined before they are widened
  template <class A>
  static constexpr A identity() {
    return 0;
  }
  template <class V>
  static HWY_INLINE V join(V a, V b) {
    if constexpr (std::is_integral_v<V>) {
      using Unsigned = std::make_unsigned_t<V>;
      return V(Unsigned(a) + Unsigned(b));
    } else {
      return a + b;
    }
  }
  template <class W>
  static HWY_INLINE W step(W acc, W x, W) {
    return join(acc, x);
  }
};

struct MaxFold : FoldOfElements {
  static constexpr bool kTree = true;
  template <class A>
  static constexpr A identity() {
    using Limits = std::numeric_limits<A>;
    return Limits::has_infinity ? -Limits::infinity() : Limits::lowest();
  }
  template <class V>
  static HWY_INLINE V join(V a, V b) {
    if constexpr (std::is_arithmetic_v<V>) {
      const V larger = a > b ? a : b;  // b if either is NaN: one instruction, no branch
      return a != a ? a : larger;
    } else {
      return maximum(a, b);
    }
  }
  template <class W>
  static HWY_INLINE W step(W acc, W x, W) {
    return join(acc, x);
  }
};

struct MinFold : FoldOfElements {
  static constexpr bool kTree = true;
  template <class A>
  static constexpr A identity() {
    using Limits = std::numeric_limits<A>;
    return Limits::has_infinity ? Limits::infinity() : Limits::max();
  }
  template <class V>
  static HWY_INLINE V join(V a, V b) {
    if constexpr (std::is_arithmetic_v<V>) {
      const V smaller = a < b ? a : b;  // b if either is NaN
      return a != a ? a : smaller;
    } else {
      return minimum(a, b);
    }
  }
  template <class W>
  static HWY_INLINE W step(W acc, W x, W) {
    return join(acc, x);
  }
};

// Integers wrap; floats are multiplied in double, whose range is that of some eight factors.
struct ProdFold : FoldOfElements {
  static constexpr bool kTree = false;
  template <class A>
  static constexpr A identity() {
    return 1;
  }
  template <class V>
  static HWY_INLINE V join(V a, V b) {
    if constexpr (std::is_integral_v<V>) {
      using Unsigned = std::make_unsigned_t<V>;
      return V(Unsigned(a) * Unsigned(b));
    } else {
      return a * b;
    }
  }
  template <class W>
  static HWY_INLINE W step(W acc, W x, W) {
    return join(acc, x);
  }
};

// Sum of (x - centre)^2, all of it in double.
struct DeviationFold : FoldOfElements {
  static constexpr bool kTree = false;
  template <class A>
  static constexpr A identity() {
    return 0;
  }
  template <class V>
  static HWY_INLINE V join(V a, V b) {
    return a + b;
  }
  template <class W>
  static HWY_INLINE W step(W acc, W x, W centre) {
    const W distance = x - centre;
    return acc + distance * distance;
  }
};

// A fold of what a map makes of the elements.
template <class Fold, class Map>
struct Mapped : Fold {
  static constexpr bool kMaps = true;
  template <class V>
  static HWY_INLINE V map(V x, V centre) {
    return Map::of(x, centre);
  }
};
struct IsNonzero {
  template <class V>
  static HWY_INLINE V of(V x, V) {
    return select(x == V(0), V(0), V(1));
  }
};
struct ZeroForNan {
  template <class V>
  static HWY_INLINE V of(V x, V) {
    return select(is_nan(x), V(0), x);
  }
};
struct Magnitude {
  template <class V>
  static HWY_INLINE V of(V x, V) {
    return abs(x);
  }
};

template <class Fold, class V>
HWY_INLINE V mapped(V x, V centre) {
  if constexpr (Fold::kMaps) {
    return Fold::map(x, centre);
  } else {
    return x;
  }
}

// The same of one element, by a vector: the same bits wherever an element stands.
template <class Fold, class C>
HWY_INLINE C mapped_one(C x, C centre) {
  if constexpr (Fold::kMaps) {
    return hn::GetLane(Fold::map(Lane<Tag<C>>(x), Lane<Tag<C>>(centre)).v);
  } else {
    return x;
  }
}

// What is left of a row, fewer than a group, mapped; `tile` has room for a group.
template <class Fold, class C>
HWY_INLINE const C* mapped_rest(const C* HWY_RESTRICT from, int64_t n, Lane<Tag<C>> centre,
                                C* HWY_RESTRICT tile) {
  if constexpr (Fold::kMaps) {
    for (int64_t i = 0; i < n; i += kVector<C>) {
      Fold::map(load_some(from + i, n - i), centre).store(tile + i);
    }
    return tile;
  } else {
    return from;
  }
}

// The eight vectors that lie `stride` elements apart, joined by a tree.
template <class Fold, class V, class C>
HWY_INLINE V join_eight(const C* HWY_RESTRICT at, int64_t stride, V centre) {
  const auto load = [at, stride, centre](int64_t k) HWY_ATTR {
    if constexpr (std::is_same_v<V, C>) {
      return mapped_one<Fold, C>(at[k * stride], centre);
    } else {
      return mapped<Fold, V>(V::load(at + k * stride), centre);
    }
  };
  const V a = Fold::join(load(0), load(1));
  const V b = Fold::join(load(2), load(3));
  const V c = Fold::join(load(4), load(5));
  const V d = Fold::join(load(6), load(7));
  return Fold::join(Fold::join(a, b), Fold::join(c, d));
}

// One row of n elements, which are adjacent.
template <class Fold, class C>
HWY_INLINE Wide<C> fold_row(const C* HWY_RESTRICT from, int64_t n, Wide<C> centre_value) {
  using V = Lane<Tag<C>>;
  using W = WideLane<C>;
  constexpr int kParts = int(kGroup<C> / kVector<C>);
  const W centre(centre_value);
  const V narrow(static_cast<C>(centre_value));
  hn::Vec<WideTag<C>> acc[kParts * kWides<C>];
  for (auto& a : acc) a = W(Fold::template identity<Wide<C>>()).v;
  const auto absorb = [&](int part, V x) HWY_ATTR {
    auto* a = acc + part * kWides<C>;
    a[0] = Fold::step(W(a[0]), widen<0, C>(x), centre).v;
    if constexpr (kWides<C> == 2) a[1] = Fold::step(W(a[1]), widen<1, C>(x), centre).v;
  };

  int64_t i = 0;
  if constexpr (Fold::kTree) {
    for (; i + 8 * kGroup<C> <= n; i += 8 * kGroup<C>) {
      for (int p = 0; p < kParts; ++p) {
        absorb(p, join_eight<Fold, V>(from + i + p * kVector<C>, kGroup<C>, narrow));
      }
    }
  }
  for (; i + kGroup<C> <= n; i += kGroup<C>) {
    for (int p = 0; p < kParts; ++p) {
      absorb(p, mapped<Fold, V>(V::load(from + i + p * kVector<C>), narrow));
    }
  }

  HWY_ALIGN Wide<C> lanes[kGroup<C>];
  for (int a = 0; a < kParts * kWides<C>; ++a) {
    hn::Store(acc[a], WideTag<C>(), lanes + a * kWideVector<C>);
  }
  HWY_ALIGN C tile[kGroup<C>];
  const C* const rest = mapped_rest<Fold, C>(from + i, n - i, narrow, tile);
  for (int64_t lane = 0; i < n; ++i, ++lane) {
    lanes[lane] = Fold::step(lanes[lane], Wide<C>(rest[lane]), centre_value);
  }
  for (int64_t width = kGroup<C> / 2; width > 0; width /= 2) {
    for (int64_t lane = 0; lane < width; ++lane) {
      lanes[lane] = Fold::join(lanes[lane], lanes[lane + width]);
    }
  }
  return lanes[0];
}

template <class Fold, class C>
void fold_rows(const C* from, int64_t rows, int64_t row_stride, int64_t n, const Wide<C>* centre,
               Wide<C>* acc) {
  for (int64_t r = 0; r < rows; ++r, from += row_stride) {
    const Wide<C> c = centre ? centre[r] : Wide<C>(0);
    if (n < kGroup<C>) {
      HWY_ALIGN C tile[kGroup<C>];
      const C* const row = mapped_rest<Fold, C>(from, n, Lane<Tag<C>>(static_cast<C>(c)), tile);
      Wide<C> a = acc[r];
      for (int64_t i = 0; i < n; ++i) a = Fold::step(a, Wide<C>(row[i]), c);
      acc[r] = a;
    } else {
      acc[r] = Fold::join(acc[r], fold_row<Fold, C>(from, n, c));
    }
  }
}

// Folds the columns of some rows into the accumulators. `rows` gives element c of its rows, a
// vector of neighbours or at the end a scalar, in one step or several.
template <class Fold, class C, class Rows>
HWY_INLINE void absorb_columns(int64_t width, const Wide<C>* HWY_RESTRICT centre,
                               Wide<C>* HWY_RESTRICT acc, Rows rows) {
  using V = Lane<Tag<C>>;
  using W = WideLane<C>;
  constexpr int64_t kHigh = (kWides<C> - 1) * kWideVector<C>;  // where the second half lies
  int64_t c = 0;
  for (; c + kVector<C> <= width; c += kVector<C>) {
    const W low_centre = centre ? W::load(centre + c) : W(0);
    const W high_centre = centre ? W::load(centre + c + kHigh) : W(0);
    const V narrow = narrowed<C>(low_centre, high_centre);
    W low = W::load(acc + c), high = W::load(acc + c + kHigh);
    for (int64_t s = 0; s < Rows::kSteps; ++s) {
      const V x = rows.template at<V>(c, s, narrow);
      low = Fold::step(low, widen<0, C>(x), low_centre);
      if constexpr (kWides<C> == 2) high = Fold::step(high, widen<1, C>(x), high_centre);
    }
    low.store(acc + c);
    if constexpr (kWides<C> == 2) high.store(acc + c + kHigh);
  }
  for (; c < width; ++c) {
    const Wide<C> own = centre ? centre[c] : Wide<C>(0);
    for (int64_t s = 0; s < Rows::kSteps; ++s) {
      const auto x = Wide<C>(rows.template at<C>(c, s, static_cast<C>(own)));
      acc[c] = Fold::step(acc[c], x, own);
    }
  }
}

// kRows rows, one step each.
template <class Fold, class C, int kRows>
struct RowByRow {
  static constexpr int64_t kSteps = kRows;
  const C* HWY_RESTRICT from;
  int64_t row_stride;
  template <class V>
  HWY_INLINE V at(int64_t c, int64_t step, V centre) const {
    if constexpr (std::is_same_v<V, C>) {
      return mapped_one<Fold, C>(from[c + step * row_stride], centre);
    } else {
      return mapped<Fold, V>(V::load(from + c + step * row_stride), centre);
    }
  }
};
// Eight rows, joined before they are widened.
template <class Fold, class C>
struct EightJoined {
  static constexpr int64_t kSteps = 1;
  const C* HWY_RESTRICT from;
  int64_t row_stride;
  template <class V>
  HWY_INLINE V at(int64_t c, int64_t, V centre) const {
    return join_eight<Fold, V>(from + c, row_stride, centre);
  }
};

template <class Fold, class C>
void fold_columns(const C* from, int64_t rows, int64_t row_stride, int64_t width,
                  const Wide<C>* centre, Wide<C>* acc) {
  using Eight = std::conditional_t<Fold::kTree, EightJoined<Fold, C>, RowByRow<Fold, C, 8>>;
  int64_t r = 0;
  for (; r + 8 <= rows; r += 8) {
    absorb_columns<Fold, C>(width, centre, acc, Eight{from + r * row_stride, row_stride});
  }
  for (; r < rows; ++r) {
    absorb_columns<Fold, C>(width, centre, acc,
                            RowByRow<Fold, C, 1>{from + r * row_stride, row_stride});
  }
}

template <class Fold, class A>
void join_all(A* into, const A* from, int64_t n) {
  for (int64_t i = 0; i < n; ++i) into[i] = Fold::join(into[i], from[i]);
}

template <class Fold, class C>
constexpr FoldFunctions<C> fold_functions() {
  return {fold_rows<Fold, C>, fold_columns<Fold, C>, join_all<Fold, Wide<C>>,
          Fold::template identity<Wide<C>>()};
}

// For every compute type, or for floats alone.
template <class Fold>
constexpr FoldSet fold_set() {
  return {fold_functions<Fold, float>(), fold_functions<Fold, double>(),
          fold_functions<Fold, int64_t>()};
}
template <class Fold>
constexpr FoldSet float_fold_set() {
  return {fold_functions<Fold, float>(), fold_functions<Fold, double>(), {}};
}

}  // namespace entasis::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // ENTASIS_KERNELS_CPU_INTERNAL_REDUCE_FOLD_INL_H_
