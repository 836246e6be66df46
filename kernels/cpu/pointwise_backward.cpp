// Kernels of the gradients of functions of one tensor.
#include <span>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE <entasis/kernels/cpu/pointwise_backward.cpp>
#include <entasis/kernels/cpu/internal/simd_targets.h>

#include <hwy/foreach_target.h>

#include <hwy/highway.h>

#include <entasis/kernels/cpu/internal/pointwise_run-inl.h>
#include <entasis/kernels/cpu/internal/pointwise_tables.h>

HWY_BEFORE_NAMESPACE();
namespace entasis {
namespace HWY_NAMESPACE {

#include <entasis/kernels/formulas/primitives.inc>

#include <entasis/kernels/formulas/abs_backward.inc>
#include <entasis/kernels/formulas/gelu_backward.inc>
#include <entasis/kernels/formulas/gelu_tanh_backward.inc>
#include <entasis/kernels/formulas/mish_backward.inc>
#include <entasis/kernels/formulas/relu_backward.inc>
#include <entasis/kernels/formulas/sigmoid_backward.inc>
#include <entasis/kernels/formulas/silu_backward.inc>
#include <entasis/kernels/formulas/softsign_backward.inc>
#include <entasis/kernels/formulas/sqrt_backward.inc>
#include <entasis/kernels/formulas/tanh_backward.inc>

ENTASIS_FORMULA(AbsBackwardFormula, abs_backward)
ENTASIS_FORMULA(SqrtBackwardFormula, sqrt_backward)
ENTASIS_FORMULA(TanhBackwardFormula, tanh_backward)
ENTASIS_FORMULA(SigmoidBackwardFormula, sigmoid_backward)
ENTASIS_FORMULA(ReluBackwardFormula, relu_backward)
ENTASIS_FORMULA(SoftsignBackwardFormula, softsign_backward)
ENTASIS_FORMULA(SiluBackwardFormula, silu_backward)
ENTASIS_FORMULA(MishBackwardFormula, mish_backward)
ENTASIS_FORMULA(GeluBackwardFormula, gelu_backward)
ENTASIS_FORMULA(GeluTanhBackwardFormula, gelu_tanh_backward)

constexpr cpu::PointwiseEntry kBackward[] = {
    make_entry<AbsBackward, AbsBackwardFormula, FormulaTypes::kFloats>(kLightGrain),
    make_entry<SqrtBackward, SqrtBackwardFormula, FormulaTypes::kFloats>(kLightGrain),
    make_entry<TanhBackward, TanhBackwardFormula, FormulaTypes::kFloats>(kLightGrain),
    make_entry<SigmoidBackward, SigmoidBackwardFormula, FormulaTypes::kFloats>(kLightGrain),
    make_entry<ReluBackward, ReluBackwardFormula, FormulaTypes::kFloats>(kLightGrain),
    make_entry<SoftsignBackward, SoftsignBackwardFormula, FormulaTypes::kFloats>(kLightGrain),
    make_entry<SiluBackward, SiluBackwardFormula, FormulaTypes::kFloats>(kHeavyGrain),
    make_entry<MishBackward, MishBackwardFormula, FormulaTypes::kFloats>(kHeavyGrain),
    make_entry<GeluBackward, GeluBackwardFormula, FormulaTypes::kFloats>(kHeavyGrain),
    make_entry<GeluTanhBackward, GeluTanhBackwardFormula, FormulaTypes::kFloats>(kHeavyGrain),
};

std::span<const cpu::PointwiseEntry> backward_table() { return kBackward; }

}  // namespace HWY_NAMESPACE
}  // namespace entasis
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

namespace entasis {
HWY_EXPORT(backward_table);

namespace cpu {
std::span<const PointwiseEntry> backward_entries() {
  return HWY_DYNAMIC_DISPATCH(backward_table)();
}
}  // namespace cpu

void register_cpu_pointwise_backward(Kernels& kernels) {
  cpu::add_pointwise(kernels, cpu::backward_entries());
}

}  // namespace entasis
#endif  // HWY_ONCE
