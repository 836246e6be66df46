// Kernels of extrema, limits, conditions and interpolation.
#include <entasis/kernels/cuda/internal/pointwise.h>
#include <entasis/ops/selection_internal.h>

namespace entasis {

void register_cuda_pointwise_selection(Kernels& kernels) {
  static constexpr auto entries = cuda::entries_of(SelectionOps());
  cuda::add_pointwise(kernels, entries);
}

}  // namespace entasis
