// Kernels of division with a whole quotient, and of divisors. Integers that are divided by 0 are
// looked for run by run, while a run lies in the cache.
#include <span>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE <entasis/kernels/cpu/pointwise_division.cpp>
#include <entasis/kernels/cpu/internal/simd_targets.h>

#include <hwy/foreach_target.h>

#include <hwy/highway.h>

#include <entasis/kernels/cpu/internal/pointwise_run-inl.h>
#include <entasis/kernels/cpu/internal/pointwise_tables.h>
#include <entasis/ops/division_internal.h>

#ifndef ENTASIS_KERNELS_CPU_POINTWISE_DIVISION_ONCE_
#define ENTASIS_KERNELS_CPU_POINTWISE_DIVISION_ONCE_
namespace entasis::cpu {
[[noreturn]] void throw_division_by_zero();
}  // namespace entasis::cpu
#endif

HWY_BEFORE_NAMESPACE();
namespace entasis {
namespace HWY_NAMESPACE {

template <class T>
HWY_INLINE bool has_zero(const T* HWY_RESTRICT values, size_t count) {
  using D = hn::ScalableTag<T>;
  const size_t lanes = hn::Lanes(D());
  size_t i = 0;
  LaneMask<D> found = Lane<D>(0) != Lane<D>(0);
  for (; i + lanes <= count; i += lanes) found = found | (Lane<D>::load(values + i) == Lane<D>(0));
  bool rest = false;
  for (; i < count; ++i) rest |= values[i] == 0;
  return rest || !all_true(!found);
}

// A PointwiseRun.
template <class F, class T>
void run_division(void* out, const void* const* in, uint32_t scalars, int64_t n) {
  if (has_zero(static_cast<const T*>(in[1]), (scalars & 2) != 0 ? 1 : static_cast<size_t>(n))) {
    cpu::throw_division_by_zero();
  }
  run_formula<F, T, 2>(out, in, scalars, n);
}

template <class Op>
constexpr cpu::PointwiseEntry division_entry() {
  using F = FormulaOf<Op>;
  cpu::PointwiseEntry entry = make_entry<Op>();
  entry.run[int(cpu::Lanes::kI32)] = &run_division<F, int32_t>;
  entry.run[int(cpu::Lanes::kI64)] = &run_division<F, int64_t>;
  entry.run[int(cpu::Lanes::kU8)] = &run_division<F, uint8_t>;
  return entry;
}

constexpr cpu::PointwiseEntry kEntries[] = {
    division_entry<FloorDivide>(),
    division_entry<TruncDivide>(),
    division_entry<Remainder>(),
    division_entry<Fmod>(),
    make_entry<Gcd>(),
    make_entry<Lcm>(),
};

std::span<const cpu::PointwiseEntry> division_table() { return kEntries; }

}  // namespace HWY_NAMESPACE
}  // namespace entasis
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

namespace entasis {
HWY_EXPORT(division_table);

namespace cpu {
void throw_division_by_zero() { throw ValueError(Division::demand); }

std::span<const PointwiseEntry> division_entries() {
  return HWY_DYNAMIC_DISPATCH(division_table)();
}
}  // namespace cpu

void register_cpu_pointwise_division(Kernels& kernels) {
  cpu::add_pointwise(kernels, cpu::division_entries());
}

}  // namespace entasis
#endif  // HWY_ONCE
