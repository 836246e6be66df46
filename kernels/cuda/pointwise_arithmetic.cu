// Kernels of arithmetic.
#include <entasis/kernels/cuda/internal/pointwise.h>
#include <entasis/ops/arithmetic_internal.h>

namespace entasis {

void register_cuda_pointwise_arithmetic(Kernels& kernels) {
  static constexpr auto entries = cuda::entries_of(ArithmeticOps());
  cuda::add_pointwise(kernels, entries);
}

}  // namespace entasis
