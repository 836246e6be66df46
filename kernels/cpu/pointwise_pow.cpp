// Kernel of pow. A square, which is most of what pow is asked for, is a product.
#include <span>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE <entasis/kernels/cpu/pointwise_pow.cpp>
#include <entasis/kernels/cpu/internal/simd_targets.h>

#include <hwy/foreach_target.h>

#include <hwy/highway.h>

#include <entasis/kernels/cpu/internal/pointwise_run-inl.h>
#include <entasis/kernels/cpu/internal/pointwise_tables.h>
#include <entasis/ops/exponential_internal.h>
#include <entasis/ops/power_internal.h>

HWY_BEFORE_NAMESPACE();
namespace entasis {
namespace HWY_NAMESPACE {

// A PointwiseRun. x * x is the exact square rounded once, which no other way can better.
template <class T>
void run_pow(void* out, const void* const* in, uint32_t scalars, int64_t n) {
  if ((scalars & 2) != 0 && *static_cast<const T*>(in[1]) == T{2}) {
    run_formula<FormulaOf<Square>, T, 1>(out, in, scalars, n);
  } else {
    run_formula<FormulaOf<Pow>, T, 2>(out, in, scalars, n);
  }
}

constexpr cpu::PointwiseEntry kPow[] = {
    {Pow::name,
     Pow::traits,
     kHeavyGrain,
     {&run_pow<float>, &run_pow<double>, &run_pow<int32_t>, &run_pow<int64_t>, &run_pow<uint8_t>}},
};

std::span<const cpu::PointwiseEntry> pow_table() { return kPow; }

}  // namespace HWY_NAMESPACE
}  // namespace entasis
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

namespace entasis {
HWY_EXPORT(pow_table);

namespace cpu {
std::span<const PointwiseEntry> pow_entries() { return HWY_DYNAMIC_DISPATCH(pow_table)(); }
}  // namespace cpu

void register_cpu_pointwise_pow(Kernels& kernels) {
  cpu::add_pointwise(kernels, cpu::pow_entries());
}

}  // namespace entasis
#endif  // HWY_ONCE
