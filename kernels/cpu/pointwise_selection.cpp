// Kernels of extrema, limits, conditions and interpolation.
#include <span>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE <entasis/kernels/cpu/pointwise_selection.cpp>
#include <entasis/kernels/cpu/internal/simd_targets.h>

#include <hwy/foreach_target.h>

#include <hwy/highway.h>

#include <entasis/kernels/cpu/internal/pointwise_run-inl.h>
#include <entasis/kernels/cpu/internal/pointwise_tables.h>
#include <entasis/ops/selection_internal.h>

HWY_BEFORE_NAMESPACE();
namespace entasis {
namespace HWY_NAMESPACE {

constexpr auto kEntries = entries_of(SelectionOps());

std::span<const cpu::PointwiseEntry> selection_table() { return kEntries; }

}  // namespace HWY_NAMESPACE
}  // namespace entasis
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

namespace entasis {
HWY_EXPORT(selection_table);

namespace cpu {
std::span<const PointwiseEntry> selection_entries() {
  return HWY_DYNAMIC_DISPATCH(selection_table)();
}
}  // namespace cpu

void register_cpu_pointwise_selection(Kernels& kernels) {
  cpu::add_pointwise(kernels, cpu::selection_entries());
}

}  // namespace entasis
#endif  // HWY_ONCE
