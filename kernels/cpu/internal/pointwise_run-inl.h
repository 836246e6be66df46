// From a formula to a table entry: the loop over runs of adjacent elements, compiled for each type
// and Highway target. One load per operand and one store per vector; a tail is padded with copies
// of its first element and goes through the same vector code.

#if defined(ENTASIS_KERNELS_CPU_INTERNAL_POINTWISE_RUN_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ENTASIS_KERNELS_CPU_INTERNAL_POINTWISE_RUN_INL_H_
#undef ENTASIS_KERNELS_CPU_INTERNAL_POINTWISE_RUN_INL_H_
#else
#define ENTASIS_KERNELS_CPU_INTERNAL_POINTWISE_RUN_INL_H_
#endif

#include <array>
#include <cstring>
#include <utility>

#include <entasis/kernels/cpu/internal/pointwise_loop.h>
#include <entasis/kernels/cpu/internal/simd_math.h>

HWY_BEFORE_NAMESPACE();
namespace entasis {
namespace HWY_NAMESPACE {

#include <entasis_formulas.inc>

template <class F, class D, size_t... k>
HWY_INLINE Lane<D> apply_formula(const hn::TFromD<D>* const (&from)[sizeof...(k)],
                                 const size_t (&index)[sizeof...(k)], std::index_sequence<k...>) {
  return F::of(Lane<D>::load(from[k] + index[k])...);
}

template <class F, class D, size_t... k>
HWY_INLINE hn::TFromD<D> apply_to_one(const void* const* in, std::index_sequence<k...>) {
  using T = hn::TFromD<D>;
  return hn::GetLane(F::of(Lane<D>(*static_cast<const T*>(in[k]))...).v);
}

// A PointwiseRun. An operand that is one value is spread over a vector in memory, which every step
// loads again (from L1, at the cost of a load slot): so one loop serves every mix of operands.
template <class F, class T, int kArity>
void run_formula(void* out, const void* const* in, uint32_t scalars, int64_t n) {
  using D = hn::ScalableTag<T>;
  using Operands = std::make_index_sequence<kArity>;
  constexpr size_t kMax = hn::MaxLanes(D());
  const size_t lanes = hn::Lanes(D());
  T* HWY_RESTRICT to = static_cast<T*>(out);
  if (n == 1) {
    *to = apply_to_one<F, D>(in, Operands());
    return;
  }
  HWY_ALIGN T spread[kArity][kMax];
  const T* from[kArity];
  size_t step[kArity];  // all ones, or 0 for a single value
  for (int k = 0; k < kArity; ++k) {
    from[k] = static_cast<const T*>(in[k]);
    step[k] = ~size_t{0};
    if (scalars >> k & 1) {
      Lane<D>(*from[k]).store(spread[k]);
      from[k] = spread[k];
      step[k] = 0;
    }
  }
  size_t i = 0;
  size_t index[kArity];
  const size_t count = static_cast<size_t>(n);
  for (; i + lanes <= count; i += lanes) {
    for (int k = 0; k < kArity; ++k) index[k] = i & step[k];
    apply_formula<F, D>(from, index, Operands()).store(to + i);
  }
  if (i == count) return;
  const size_t rest = count - i;
  for (int k = 0; k < kArity; ++k) {
    index[k] = 0;
    if (step[k] == 0) continue;
    const T* tail = from[k] + i;
    Lane<D>(*tail).store(spread[k]);
    std::memcpy(spread[k], tail, rest * sizeof(T));
    from[k] = spread[k];
  }
  HWY_ALIGN T last[kMax];
  apply_formula<F, D>(from, index, Operands()).store(last);
  std::memcpy(to + i, last, rest * sizeof(T));
}

// How many elements keep one thread busy for ten microseconds and more, by the formula's weight.
inline constexpr int64_t kLightGrain = 32768;
inline constexpr int64_t kHeavyGrain = 8192;

// The entry of an op: compiled for floats and for integers, unless it computes these as floats or
// takes no floats.
template <class Op>
constexpr cpu::PointwiseEntry make_entry() {
  using F = FormulaOf<Op>;
  constexpr int n = Op::traits.arity;
  static_assert(n <= cpu::kMaxPointwiseInputs);
  cpu::PointwiseEntry entry{Op::name, Op::traits, Op::traits.heavy ? kHeavyGrain : kLightGrain, {}};
  if constexpr (Op::traits.takes_float) {
    entry.run[int(cpu::Lanes::kF32)] = &run_formula<F, float, n>;
    entry.run[int(cpu::Lanes::kF64)] = &run_formula<F, double, n>;
  }
  if constexpr (Op::traits.compute != Compute::kFloat) {
    entry.run[int(cpu::Lanes::kI32)] = &run_formula<F, int32_t, n>;
    entry.run[int(cpu::Lanes::kI64)] = &run_formula<F, int64_t, n>;
    entry.run[int(cpu::Lanes::kU8)] = &run_formula<F, uint8_t, n>;
  }
  return entry;
}

template <class... Ops>
constexpr std::array<cpu::PointwiseEntry, sizeof...(Ops)> entries_of(OpList<Ops...>) {
  return {make_entry<Ops>()...};
}

}  // namespace HWY_NAMESPACE
}  // namespace entasis
HWY_AFTER_NAMESPACE();

#endif  // ENTASIS_KERNELS_CPU_INTERNAL_POINTWISE_RUN_INL_H_
