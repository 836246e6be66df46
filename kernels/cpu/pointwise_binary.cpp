// Kernels of functions of two numbers.
#include <span>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE <entasis/kernels/cpu/pointwise_binary.cpp>
#include <entasis/kernels/cpu/internal/simd_targets.h>

#include <hwy/foreach_target.h>

#include <hwy/highway.h>

#include <entasis/kernels/cpu/internal/pointwise_run-inl.h>
#include <entasis/kernels/cpu/internal/pointwise_tables.h>
#include <entasis/ops/binary_internal.h>

HWY_BEFORE_NAMESPACE();
namespace entasis {
namespace HWY_NAMESPACE {

constexpr auto kEntries = entries_of(BinaryOps());

std::span<const cpu::PointwiseEntry> binary_table() { return kEntries; }

}  // namespace HWY_NAMESPACE
}  // namespace entasis
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

namespace entasis {
HWY_EXPORT(binary_table);

namespace cpu {
std::span<const PointwiseEntry> binary_entries() { return HWY_DYNAMIC_DISPATCH(binary_table)(); }
}  // namespace cpu

void register_cpu_pointwise_binary(Kernels& kernels) {
  cpu::add_pointwise(kernels, cpu::binary_entries());
}

}  // namespace entasis
#endif  // HWY_ONCE
