// Kernels of rounding and signs.
#include <entasis/kernels/cuda/internal/pointwise.h>
#include <entasis/ops/rounding_internal.h>

namespace entasis {

// Sixteen divisions of halves as floats, each with a way for subnormal numbers.
template <>
inline constexpr bool cuda::kNeedsRegisters<cuda::FormulaOf<RoundToMultiple>> = true;

void register_cuda_pointwise_rounding(Kernels& kernels) {
  static constexpr auto entries = cuda::entries_of(RoundingOps());
  cuda::add_pointwise(kernels, entries);
}

}  // namespace entasis
