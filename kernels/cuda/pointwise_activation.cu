// Kernels of the smooth activations.
#include <entasis/kernels/cuda/internal/pointwise.h>
#include <entasis/ops/activation_internal.h>

namespace entasis {

void register_cuda_pointwise_activation(Kernels& kernels) {
  static constexpr auto entries = cuda::entries_of(ActivationOps());
  cuda::add_pointwise(kernels, entries);
}

}  // namespace entasis
