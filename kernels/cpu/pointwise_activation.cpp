// Kernels of the activations with parameters and of their gradients, from formulas.
#include <span>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE <entasis/kernels/cpu/pointwise_activation.cpp>
#include <entasis/kernels/cpu/internal/simd_targets.h>

#include <hwy/foreach_target.h>

#include <hwy/highway.h>

#include <entasis/kernels/cpu/internal/pointwise_run-inl.h>
#include <entasis/kernels/cpu/internal/pointwise_tables.h>
#include <entasis/ops/activation_internal.h>

HWY_BEFORE_NAMESPACE();
namespace entasis {
namespace HWY_NAMESPACE {

#include <entasis/kernels/formulas/primitives.inc>

#include <entasis/kernels/formulas/elu.inc>
#include <entasis/kernels/formulas/elu_backward.inc>
#include <entasis/kernels/formulas/elu_output_backward.inc>
#include <entasis/kernels/formulas/leaky_relu.inc>
#include <entasis/kernels/formulas/leaky_relu_backward.inc>
#include <entasis/kernels/formulas/softplus.inc>
#include <entasis/kernels/formulas/softplus_backward.inc>

ENTASIS_FORMULA(LeakyReluFormula, leaky_relu)
ENTASIS_FORMULA(LeakyReluBackwardFormula, leaky_relu_backward)
ENTASIS_FORMULA(EluFormula, elu)
ENTASIS_FORMULA(EluBackwardFormula, elu_backward)
ENTASIS_FORMULA(EluOutputBackwardFormula, elu_output_backward)
ENTASIS_FORMULA(SoftplusFormula, softplus)
ENTASIS_FORMULA(SoftplusBackwardFormula, softplus_backward)

template <class Op, class F>
constexpr cpu::PointwiseEntry entry(int64_t grain) {
  return make_entry<Op, F, FormulaTypes::kFloats>(grain);
}
constexpr cpu::PointwiseEntry kActivation[] = {
    entry<LeakyRelu, LeakyReluFormula>(kLightGrain),
    entry<LeakyReluFromInput, LeakyReluFormula>(kLightGrain),
    entry<LeakyReluBackward, LeakyReluBackwardFormula>(kLightGrain),
    entry<Elu, EluFormula>(kHeavyGrain),
    entry<EluInPlace, EluFormula>(kHeavyGrain),
    entry<EluBackward, EluBackwardFormula>(kHeavyGrain),
    entry<EluOutputBackward, EluOutputBackwardFormula>(kLightGrain),
    entry<Softplus, SoftplusFormula>(kHeavyGrain),
    entry<SoftplusBackward, SoftplusBackwardFormula>(kHeavyGrain),
};

std::span<const cpu::PointwiseEntry> activation_table() { return kActivation; }

}  // namespace HWY_NAMESPACE
}  // namespace entasis
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

namespace entasis {
HWY_EXPORT(activation_table);

namespace cpu {
std::span<const PointwiseEntry> activation_entries() {
  return HWY_DYNAMIC_DISPATCH(activation_table)();
}
}  // namespace cpu

void register_cpu_pointwise_activation(Kernels& kernels) {
  cpu::add_pointwise(kernels, cpu::activation_entries());
}

}  // namespace entasis
#endif  // HWY_ONCE
