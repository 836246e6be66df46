// Kernels of special functions.
#include <entasis/kernels/cuda/internal/pointwise.h>
#include <entasis/ops/special_internal.h>

namespace entasis {

void register_cuda_pointwise_special(Kernels& kernels) {
  static constexpr auto entries = cuda::entries_of(SpecialOps());
  cuda::add_pointwise(kernels, entries);
}

}  // namespace entasis
