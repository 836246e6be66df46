// Joining copies each input into its part of the output, in the output's order: n elements read and
// written once.
#include <entasis/core/kernels.h>
#include <entasis/kernels/cpu/internal/strided_copy.h>
#include <entasis/ops/join_internal.h>

namespace entasis::cpu {

void cat(CpuContext&, const Cat& op, Inputs in, Outputs out) {
  const int element_size = size_of(out[0].dtype());
  const int dim = wrap_dim(op.dim, out[0].dim());
  char* place = out[0].raw_as<char>();
  for (const Operand& part : in) {
    if (is_nothing(part.shape())) continue;
    copy_strided(place, out[0].strides(), part.tensor().raw(), part.strides(), part.shape(),
                 element_size);
    place += part.size(dim) * out[0].strides()[dim] * element_size;
  }
}

}  // namespace entasis::cpu

namespace entasis {
void register_cpu_join(Kernels& kernels) { kernels.add<&cpu::cat>(); }
}  // namespace entasis
