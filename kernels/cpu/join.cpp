// Joining copies each input into its part of the output, in the output's order: n elements read and
// written once.
#include <entasis/core/kernels.h>
#include <entasis/kernels/cpu/internal/copy_elements.h>
#include <entasis/ops/join_internal.h>

namespace entasis::cpu {

void cat(CpuContext&, const Cat& op, Inputs in, Outputs out) {
  const int dim = wrap_dim(op.dim, out[0].dim());
  int64_t offset = 0;
  for (const Operand& part : in) {
    if (is_nothing(part.shape())) continue;
    copy_elements(part.tensor(), alias(out[0], {part.shape(), out[0].strides(), offset}));
    offset += part.size(dim) * out[0].strides()[dim];
  }
}

}  // namespace entasis::cpu

namespace entasis {
void register_cpu_join(Kernels& kernels) { kernels.add<&cpu::cat>(); }
}  // namespace entasis
