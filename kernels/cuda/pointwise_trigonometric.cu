// Kernels of trigonometric and hyperbolic functions.
//
// Local memory: CUDA's sine, cosine and tangent keep the product of a large argument and 2/pi in an
// array of up to 40 bytes, which only arguments beyond some ten thousand touch.
#include <entasis/kernels/cuda/internal/pointwise.h>
#include <entasis/ops/trigonometric_internal.h>

namespace entasis {

void register_cuda_pointwise_trigonometric(Kernels& kernels) {
  static constexpr auto entries = cuda::entries_of(TrigonometricOps());
  cuda::add_pointwise(kernels, entries);
}

}  // namespace entasis
