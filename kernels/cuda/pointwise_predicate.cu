// Kernels of questions about single elements.
#include <entasis/kernels/cuda/internal/pointwise.h>
#include <entasis/ops/predicate_internal.h>

namespace entasis {

void register_cuda_pointwise_predicate(Kernels& kernels) {
  static constexpr auto entries = cuda::entries_of(PredicateOps());
  cuda::add_pointwise(kernels, entries);
}

}  // namespace entasis
