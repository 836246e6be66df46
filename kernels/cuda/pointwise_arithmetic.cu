// Kernels of arithmetic and selection: formulas and the types they are compiled for.
#include <entasis/kernels/cuda/internal/pointwise.h>

namespace entasis::cuda {
namespace {

#include <entasis/kernels/formulas/add.inc>
#include <entasis/kernels/formulas/clamp_between.inc>
#include <entasis/kernels/formulas/div.inc>
#include <entasis/kernels/formulas/mul.inc>
#include <entasis/kernels/formulas/neg.inc>
#include <entasis/kernels/formulas/relu.inc>
#include <entasis/kernels/formulas/sub.inc>
#include <entasis/kernels/formulas/where.inc>

ENTASIS_FORMULA(AddFormula, add)
ENTASIS_FORMULA(SubFormula, sub)
ENTASIS_FORMULA(MulFormula, mul)
ENTASIS_FORMULA(DivFormula, div)
ENTASIS_FORMULA(NegFormula, neg)
ENTASIS_FORMULA(AbsFormula, abs)
ENTASIS_FORMULA(MaximumFormula, maximum)
ENTASIS_FORMULA(MinimumFormula, minimum)
ENTASIS_FORMULA(ClampMinFormula, maximum)
ENTASIS_FORMULA(ClampMaxFormula, minimum)
ENTASIS_FORMULA(ClampFormula, clamp_between)
ENTASIS_FORMULA(WhereFormula, where)
ENTASIS_FORMULA(ReluFormula, relu)

constexpr PointwiseEntry kArithmetic[] = {
    make_entry<Add, AddFormula, FormulaTypes::kAll>(),
    make_entry<Sub, SubFormula, FormulaTypes::kAll>(),
    make_entry<Mul, MulFormula, FormulaTypes::kAll>(),
    make_entry<Div, DivFormula, FormulaTypes::kFloats>(),
    make_entry<Neg, NegFormula, FormulaTypes::kAll>(),
    make_entry<Abs, AbsFormula, FormulaTypes::kAll>(),
    make_entry<Maximum, MaximumFormula, FormulaTypes::kAll>(),
    make_entry<Minimum, MinimumFormula, FormulaTypes::kAll>(),
    make_entry<ClampMin, ClampMinFormula, FormulaTypes::kAll>(),
    make_entry<ClampMax, ClampMaxFormula, FormulaTypes::kAll>(),
    make_entry<Clamp, ClampFormula, FormulaTypes::kAll>(),
    make_entry<Where, WhereFormula, FormulaTypes::kAll>(),
    make_entry<Relu, ReluFormula, FormulaTypes::kAll>(),
};

}  // namespace
}  // namespace entasis::cuda

namespace entasis {

void register_cuda_pointwise_arithmetic(Kernels& kernels) {
  cuda::add_pointwise(kernels, cuda::kArithmetic);
}

}  // namespace entasis
