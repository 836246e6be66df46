// Kernels of the comparisons.
#include <entasis/kernels/cuda/internal/pointwise.h>
#include <entasis/ops/comparison_internal.h>

namespace entasis {

void register_cuda_pointwise_compare(Kernels& kernels) {
  static constexpr auto entries = cuda::entries_of(CompareOps());
  cuda::add_pointwise(kernels, entries);
}

}  // namespace entasis
