// Kernels of logic and shifts.
#include <entasis/kernels/cuda/internal/pointwise.h>
#include <entasis/ops/logic_internal.h>

namespace entasis {

void register_cuda_pointwise_logic(Kernels& kernels) {
  static constexpr auto entries = cuda::entries_of(LogicOps());
  cuda::add_pointwise(kernels, entries);
}

}  // namespace entasis
