// Losses of single elements and their gradients: formulas.
#include <entasis/kernels/cuda/internal/pointwise.h>
#include <entasis/ops/loss_internal.h>

namespace entasis::cuda {
namespace {

#include <entasis/kernels/formulas/primitives.inc>

#include <entasis/kernels/formulas/absolute_difference.inc>
#include <entasis/kernels/formulas/absolute_difference_backward.inc>
#include <entasis/kernels/formulas/binary_cross_entropy.inc>
#include <entasis/kernels/formulas/binary_cross_entropy_backward.inc>
#include <entasis/kernels/formulas/binary_cross_entropy_target_backward.inc>
#include <entasis/kernels/formulas/smooth_l1.inc>
#include <entasis/kernels/formulas/smooth_l1_backward.inc>
#include <entasis/kernels/formulas/squared_difference.inc>
#include <entasis/kernels/formulas/squared_difference_backward.inc>

ENTASIS_FORMULA(SquaredDifferenceFormula, squared_difference)
ENTASIS_FORMULA(SquaredDifferenceBackwardFormula, squared_difference_backward)
ENTASIS_FORMULA(AbsoluteDifferenceFormula, absolute_difference)
ENTASIS_FORMULA(AbsoluteDifferenceBackwardFormula, absolute_difference_backward)
ENTASIS_FORMULA(SmoothL1Formula, smooth_l1)
ENTASIS_FORMULA(SmoothL1BackwardFormula, smooth_l1_backward)
// What is no probability gives NaN, and is reported.
struct BinaryCrossEntropyFormula {
  static constexpr const char* kDemand = BinaryCrossEntropy::demand;
  template <class V>
  static FORMULA bool refuses(V x, V) {
    return !(x >= V(0) && x <= V(1));
  }
  template <class V>
  static FORMULA V of(V x, V t) {
    return binary_cross_entropy(x, t);
  }
};
ENTASIS_FORMULA(BinaryCrossEntropyBackwardFormula, binary_cross_entropy_backward)
ENTASIS_FORMULA(BinaryCrossEntropyTargetBackwardFormula, binary_cross_entropy_target_backward)

template <class Op, class F>
constexpr PointwiseEntry entry() {
  return make_entry<Op, F, FormulaTypes::kFloats>();
}
constexpr PointwiseEntry kLosses[] = {
    entry<SquaredDifference, SquaredDifferenceFormula>(),
    entry<SquaredDifferenceBackward, SquaredDifferenceBackwardFormula>(),
    entry<AbsoluteDifference, AbsoluteDifferenceFormula>(),
    entry<AbsoluteDifferenceBackward, AbsoluteDifferenceBackwardFormula>(),
    entry<SmoothL1, SmoothL1Formula>(),
    entry<SmoothL1Backward, SmoothL1BackwardFormula>(),
    entry<BinaryCrossEntropy, BinaryCrossEntropyFormula>(),
    entry<BinaryCrossEntropyBackward, BinaryCrossEntropyBackwardFormula>(),
    entry<BinaryCrossEntropyTargetBackward, BinaryCrossEntropyTargetBackwardFormula>(),
};

}  // namespace
}  // namespace entasis::cuda

namespace entasis {

void register_cuda_loss_pointwise(Kernels& kernels) { cuda::add_pointwise(kernels, cuda::kLosses); }

}  // namespace entasis
