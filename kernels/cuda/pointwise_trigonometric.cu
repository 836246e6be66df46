// Kernels of trigonometric and hyperbolic functions.
#include <entasis/kernels/cuda/internal/pointwise.h>
#include <entasis/ops/trigonometric_internal.h>

namespace entasis {

void register_cuda_pointwise_trigonometric(Kernels& kernels) {
  static constexpr auto entries = cuda::entries_of(TrigonometricOps());
  cuda::add_pointwise(kernels, entries);
}

}  // namespace entasis
