// Kernels of the functions of one tensor: formulas and the types they are compiled for.
#include <entasis/kernels/cuda/internal/pointwise.h>

namespace entasis::cuda {
namespace {

#include <entasis/kernels/formulas/primitives.inc>

#include <entasis/kernels/formulas/gelu.inc>
#include <entasis/kernels/formulas/gelu_tanh.inc>
#include <entasis/kernels/formulas/mish.inc>
#include <entasis/kernels/formulas/silu.inc>
#include <entasis/kernels/formulas/softsign.inc>

ENTASIS_FORMULA(ExpFormula, exp)
ENTASIS_FORMULA(LogFormula, log)
ENTASIS_FORMULA(SqrtFormula, sqrt)
ENTASIS_FORMULA(TanhFormula, tanh)
ENTASIS_FORMULA(SigmoidFormula, sigmoid)
ENTASIS_FORMULA(SoftsignFormula, softsign)
ENTASIS_FORMULA(SiluFormula, silu)
ENTASIS_FORMULA(MishFormula, mish)
ENTASIS_FORMULA(GeluFormula, gelu)
ENTASIS_FORMULA(GeluTanhFormula, gelu_tanh)
ENTASIS_FORMULA(ErfFormula, erf)
ENTASIS_FORMULA(ErfGaussianFormula, erf_gaussian)

constexpr PointwiseEntry kUnary[] = {
    make_entry<Exp, ExpFormula, FormulaTypes::kFloats>(),
    make_entry<Log, LogFormula, FormulaTypes::kFloats>(),
    make_entry<Sqrt, SqrtFormula, FormulaTypes::kFloats>(),
    make_entry<Tanh, TanhFormula, FormulaTypes::kFloats>(),
    make_entry<Sigmoid, SigmoidFormula, FormulaTypes::kFloats>(),
    make_entry<Softsign, SoftsignFormula, FormulaTypes::kFloats>(),
    make_entry<Silu, SiluFormula, FormulaTypes::kFloats>(),
    make_entry<Mish, MishFormula, FormulaTypes::kFloats>(),
    make_entry<Gelu, GeluFormula, FormulaTypes::kFloats>(),
    make_entry<GeluTanh, GeluTanhFormula, FormulaTypes::kFloats>(),
    make_entry<Erf, ErfFormula, FormulaTypes::kFloats>(),
    make_entry<ErfGaussian, ErfGaussianFormula, FormulaTypes::kFloats>(),
};

}  // namespace
}  // namespace entasis::cuda

namespace entasis {

void register_cuda_pointwise_unary(Kernels& kernels) { cuda::add_pointwise(kernels, cuda::kUnary); }

}  // namespace entasis
