// Kernels of logic and shifts.
#include <span>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE <entasis/kernels/cpu/pointwise_logic.cpp>
#include <entasis/kernels/cpu/internal/simd_targets.h>

#include <hwy/foreach_target.h>

#include <hwy/highway.h>

#include <entasis/kernels/cpu/internal/pointwise_run-inl.h>
#include <entasis/kernels/cpu/internal/pointwise_tables.h>
#include <entasis/ops/logic_internal.h>

HWY_BEFORE_NAMESPACE();
namespace entasis {
namespace HWY_NAMESPACE {

constexpr auto kEntries = entries_of(LogicOps());

std::span<const cpu::PointwiseEntry> logic_table() { return kEntries; }

}  // namespace HWY_NAMESPACE
}  // namespace entasis
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

namespace entasis {
HWY_EXPORT(logic_table);

namespace cpu {
std::span<const PointwiseEntry> logic_entries() { return HWY_DYNAMIC_DISPATCH(logic_table)(); }
}  // namespace cpu

void register_cpu_pointwise_logic(Kernels& kernels) {
  cpu::add_pointwise(kernels, cpu::logic_entries());
}

}  // namespace entasis
#endif  // HWY_ONCE
