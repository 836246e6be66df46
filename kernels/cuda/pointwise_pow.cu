// Kernel of pow.
#include <entasis/kernels/cuda/internal/pointwise.h>
#include <entasis/ops/power_internal.h>

namespace entasis {

void register_cuda_pointwise_pow(Kernels& kernels) {
  static constexpr auto entries = cuda::entries_of(OpList<Pow>());
  cuda::add_pointwise(kernels, entries);
}

}  // namespace entasis
