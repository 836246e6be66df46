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

// Integers wrap.
struct SumFold {
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

struct MaxFold {
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

// Sum of (x - centre)^2, all of it in double.
struct DeviationFold {
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

// The eight vectors that lie `stride` elements apart, joined by a tree.
template <class Fold, class V, class C>
HWY_INLINE V join_eight(const C* HWY_RESTRICT at, int64_t stride) {
  const auto load = [at, stride](int64_t k) HWY_ATTR {
    if constexpr (std::is_same_v<V, C>) {
      return at[k * stride];
    } else {
      return V::load(at + k * stride);
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
        absorb(p, join_eight<Fold, V>(from + i + p * kVector<C>, kGroup<C>));
      }
    }
  }
  for (; i + kGroup<C> <= n; i += kGroup<C>) {
    for (int p = 0; p < kParts; ++p) absorb(p, V::load(from + i + p * kVector<C>));
  }

  HWY_ALIGN Wide<C> lanes[kGroup<C>];
  for (int a = 0; a < kParts * kWides<C>; ++a) {
    hn::Store(acc[a], WideTag<C>(), lanes + a * kWideVector<C>);
  }
  for (int64_t lane = 0; i < n; ++i, ++lane) {
    lanes[lane] = Fold::step(lanes[lane], Wide<C>(from[i]), centre_value);
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
      Wide<C> a = acc[r];
      for (int64_t i = 0; i < n; ++i) a = Fold::step(a, Wide<C>(from[i]), c);
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
    W low = W::load(acc + c), high = W::load(acc + c + kHigh);
    for (int64_t s = 0; s < Rows::kSteps; ++s) {
      const V x = rows.template at<V>(c, s);
      low = Fold::step(low, widen<0, C>(x), low_centre);
      if constexpr (kWides<C> == 2) high = Fold::step(high, widen<1, C>(x), high_centre);
    }
    low.store(acc + c);
    if constexpr (kWides<C> == 2) high.store(acc + c + kHigh);
  }
  for (; c < width; ++c) {
    for (int64_t s = 0; s < Rows::kSteps; ++s) {
      const auto x = Wide<C>(rows.template at<C>(c, s));
      acc[c] = Fold::step(acc[c], x, centre ? centre[c] : Wide<C>(0));
    }
  }
}

// kRows rows, one step each.
template <class C, int kRows>
struct RowByRow {
  static constexpr int64_t kSteps = kRows;
  const C* HWY_RESTRICT from;
  int64_t row_stride;
  template <class V>
  HWY_INLINE V at(int64_t c, int64_t step) const {
    if constexpr (std::is_same_v<V, C>) {
      return from[c + step * row_stride];
    } else {
      return V::load(from + c + step * row_stride);
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
  HWY_INLINE V at(int64_t c, int64_t) const {
    return join_eight<Fold, V>(from + c, row_stride);
  }
};

template <class Fold, class C>
void fold_columns(const C* from, int64_t rows, int64_t row_stride, int64_t width,
                  const Wide<C>* centre, Wide<C>* acc) {
  using Eight = std::conditional_t<Fold::kTree, EightJoined<Fold, C>, RowByRow<C, 8>>;
  int64_t r = 0;
  for (; r + 8 <= rows; r += 8) {
    absorb_columns<Fold, C>(width, centre, acc, Eight{from + r * row_stride, row_stride});
  }
  for (; r < rows; ++r) {
    absorb_columns<Fold, C>(width, centre, acc, RowByRow<C, 1>{from + r * row_stride, row_stride});
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

}  // namespace entasis::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // ENTASIS_KERNELS_CPU_INTERNAL_REDUCE_FOLD_INL_H_
