// Kernels of the comparisons: formulas and the types they are compiled for.
#include <entasis/kernels/cuda/internal/pointwise.h>

namespace entasis::cuda {
namespace {

#include <entasis/kernels/formulas/eq.inc>
#include <entasis/kernels/formulas/ge.inc>
#include <entasis/kernels/formulas/gt.inc>
#include <entasis/kernels/formulas/le.inc>
#include <entasis/kernels/formulas/lt.inc>
#include <entasis/kernels/formulas/ne.inc>

ENTASIS_FORMULA(EqFormula, eq)
ENTASIS_FORMULA(NeFormula, ne)
ENTASIS_FORMULA(LtFormula, lt)
ENTASIS_FORMULA(LeFormula, le)
ENTASIS_FORMULA(GtFormula, gt)
ENTASIS_FORMULA(GeFormula, ge)

constexpr PointwiseEntry kCompare[] = {
    make_entry<Eq, EqFormula, FormulaTypes::kAll>(),
    make_entry<Ne, NeFormula, FormulaTypes::kAll>(),
    make_entry<Lt, LtFormula, FormulaTypes::kAll>(),
    make_entry<Le, LeFormula, FormulaTypes::kAll>(),
    make_entry<Gt, GtFormula, FormulaTypes::kAll>(),
    make_entry<Ge, GeFormula, FormulaTypes::kAll>(),
};

}  // namespace
}  // namespace entasis::cuda

namespace entasis {

void register_cuda_pointwise_compare(Kernels& kernels) {
  cuda::add_pointwise(kernels, cuda::kCompare);
}

}  // namespace entasis
