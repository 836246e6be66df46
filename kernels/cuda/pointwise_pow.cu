// Kernel of pow.
#include <entasis/kernels/cuda/internal/pointwise.h>

namespace entasis::cuda {
namespace {

ENTASIS_FORMULA(PowFormula, pow)

constexpr PointwiseEntry kPow[] = {
    make_entry<Pow, PowFormula, FormulaTypes::kAll>(),
};

}  // namespace
}  // namespace entasis::cuda

namespace entasis {

void register_cuda_pointwise_pow(Kernels& kernels) { cuda::add_pointwise(kernels, cuda::kPow); }

}  // namespace entasis
