// Kernels of the activations with parameters and of their gradients, from formulas.
#include <entasis/kernels/cuda/internal/pointwise.h>
#include <entasis/ops/activation_internal.h>

namespace entasis::cuda {
namespace {

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

constexpr PointwiseEntry kActivation[] = {
    make_entry<LeakyRelu, LeakyReluFormula, FormulaTypes::kFloats>(),
    make_entry<LeakyReluFromInput, LeakyReluFormula, FormulaTypes::kFloats>(),
    make_entry<LeakyReluBackward, LeakyReluBackwardFormula, FormulaTypes::kFloats>(),
    make_entry<Elu, EluFormula, FormulaTypes::kFloats>(),
    make_entry<EluInPlace, EluFormula, FormulaTypes::kFloats>(),
    make_entry<EluBackward, EluBackwardFormula, FormulaTypes::kFloats>(),
    make_entry<EluOutputBackward, EluOutputBackwardFormula, FormulaTypes::kFloats>(),
    make_entry<Softplus, SoftplusFormula, FormulaTypes::kFloats>(),
    make_entry<SoftplusBackward, SoftplusBackwardFormula, FormulaTypes::kFloats>(),
};

}  // namespace
}  // namespace entasis::cuda

namespace entasis {

void register_cuda_pointwise_activation(Kernels& kernels) {
  cuda::add_pointwise(kernels, cuda::kActivation);
}

}  // namespace entasis
