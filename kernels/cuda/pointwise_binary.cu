// Kernels of functions of two numbers.
#include <entasis/kernels/cuda/internal/pointwise.h>
#include <entasis/ops/binary_internal.h>

namespace entasis {

void register_cuda_pointwise_binary(Kernels& kernels) {
  static constexpr auto entries = cuda::entries_of(BinaryOps());
  cuda::add_pointwise(kernels, entries);
}

}  // namespace entasis
