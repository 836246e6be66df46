// The ops of views by strides that move elements: zeros, or a copy, and another tensor's elements
// at their places among them.
#include <entasis/core/kernels.h>
#include <entasis/kernels/cpu/internal/copy_elements.h>
#include <entasis/ops/strided_internal.h>

namespace entasis::cpu {

void embed(CpuContext&, const Embed& op, Inputs in, Outputs out) {
  fill_elements(out[0], 0);
  copy_elements(in[0].tensor(), alias(out[0], {in[0].shape(), op.stride, op.offset}));
}

void view_update(CpuContext&, const ViewUpdate& op, Inputs in, Outputs out) {
  copy_elements(in[0].tensor(), out[0]);
  if (in[1].numel() == 0) return;
  copy_elements(in[1].tensor(),
                alias(out[0], {op.size, op.stride, out[0].storage_offset() + op.offset}));
}

}  // namespace entasis::cpu

namespace entasis {

void register_cpu_strided(Kernels& kernels) {
  kernels.add<&cpu::embed>();
  kernels.add<&cpu::view_update>();
}

}  // namespace entasis
