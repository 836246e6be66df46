// Kernels of questions about single elements.
#include <span>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE <entasis/kernels/cpu/pointwise_predicate.cpp>
#include <entasis/kernels/cpu/internal/simd_targets.h>

#include <hwy/foreach_target.h>

#include <hwy/highway.h>

#include <entasis/kernels/cpu/internal/pointwise_run-inl.h>
#include <entasis/kernels/cpu/internal/pointwise_tables.h>
#include <entasis/ops/predicate_internal.h>

HWY_BEFORE_NAMESPACE();
namespace entasis {
namespace HWY_NAMESPACE {

constexpr auto kEntries = entries_of(PredicateOps());

std::span<const cpu::PointwiseEntry> predicate_table() { return kEntries; }

}  // namespace HWY_NAMESPACE
}  // namespace entasis
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

namespace entasis {
HWY_EXPORT(predicate_table);

namespace cpu {
std::span<const PointwiseEntry> predicate_entries() {
  return HWY_DYNAMIC_DISPATCH(predicate_table)();
}
}  // namespace cpu

void register_cpu_pointwise_predicate(Kernels& kernels) {
  cpu::add_pointwise(kernels, cpu::predicate_entries());
}

}  // namespace entasis
#endif  // HWY_ONCE
