// Kernels of exponentials, logarithms and roots.
#include <entasis/kernels/cuda/internal/pointwise.h>
#include <entasis/ops/exponential_internal.h>

namespace entasis {

void register_cuda_pointwise_exponential(Kernels& kernels) {
  static constexpr auto entries = cuda::entries_of(ExponentialOps());
  cuda::add_pointwise(kernels, entries);
}

}  // namespace entasis
