// Kernels of the gradients of functions of one tensor.
#include <entasis/kernels/cuda/internal/pointwise.h>

namespace entasis::cuda {
namespace {

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

constexpr PointwiseEntry kBackward[] = {
    make_entry<AbsBackward, AbsBackwardFormula, FormulaTypes::kFloats>(),
    make_entry<SqrtBackward, SqrtBackwardFormula, FormulaTypes::kFloats>(),
    make_entry<TanhBackward, TanhBackwardFormula, FormulaTypes::kFloats>(),
    make_entry<SigmoidBackward, SigmoidBackwardFormula, FormulaTypes::kFloats>(),
    make_entry<ReluBackward, ReluBackwardFormula, FormulaTypes::kFloats>(),
    make_entry<SoftsignBackward, SoftsignBackwardFormula, FormulaTypes::kFloats>(),
    make_entry<SiluBackward, SiluBackwardFormula, FormulaTypes::kFloats>(),
    make_entry<MishBackward, MishBackwardFormula, FormulaTypes::kFloats>(),
    make_entry<GeluBackward, GeluBackwardFormula, FormulaTypes::kFloats>(),
    make_entry<GeluTanhBackward, GeluTanhBackwardFormula, FormulaTypes::kFloats>(),
};

}  // namespace
}  // namespace entasis::cuda

namespace entasis {

void register_cuda_pointwise_backward(Kernels& kernels) {
  cuda::add_pointwise(kernels, cuda::kBackward);
}

}  // namespace entasis
