// Kernels of the activations of straight pieces.
#include <entasis/kernels/cuda/internal/pointwise.h>
#include <entasis/ops/activation_internal.h>

namespace entasis {

void register_cuda_pointwise_rectifier(Kernels& kernels) {
  static constexpr auto entries = cuda::entries_of(RectifierOps());
  cuda::add_pointwise(kernels, entries);
}

}  // namespace entasis
