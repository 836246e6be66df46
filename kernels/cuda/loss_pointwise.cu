// Losses of single elements and their gradients.
#include <entasis/kernels/cuda/internal/pointwise.h>
#include <entasis/ops/loss_internal.h>

namespace entasis::cuda {

// What is no probability gives NaN, and is reported.
template <>
struct FormulaOf<BinaryCrossEntropy> {
  static constexpr const char* kDemand = BinaryCrossEntropy::demand;
  template <class V>
  static FORMULA bool refuses(V x, V) {
    return !(x >= V(0) && x <= V(1));
  }
  template <class V>
  static FORMULA V of(V x, V t) {
    return binary_cross_entropy(x, t);
  }
};

}  // namespace entasis::cuda

namespace entasis {

void register_cuda_loss_pointwise(Kernels& kernels) {
  static constexpr auto entries = cuda::entries_of(LossOps());
  cuda::add_pointwise(kernels, entries);
}

}  // namespace entasis
