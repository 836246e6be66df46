// The only op of views by strides that moves elements: zeros, written once, and the input copied to
// its place among them.
#include <entasis/core/kernels.h>
#include <entasis/kernels/cpu/internal/copy_elements.h>
#include <entasis/ops/strided_internal.h>

namespace entasis::cpu {

void embed(CpuContext&, const Embed& op, Inputs in, Outputs out) {
  fill_elements(out[0], 0);
  copy_elements(in[0].tensor(), alias(out[0], {in[0].shape(), op.stride, op.offset}));
}

}  // namespace entasis::cpu

namespace entasis {
void register_cpu_strided(Kernels& kernels) { kernels.add<&cpu::embed>(); }
}  // namespace entasis
