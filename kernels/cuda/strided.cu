// The ops of views by strides that move elements: zeros, or a copy, and another tensor's elements
// at their places among them.
#include <entasis/backends/cuda/context.h>
#include <entasis/core/kernels.h>
#include <entasis/kernels/cuda/internal/copy_elements.h>
#include <entasis/ops/strided_internal.h>

namespace entasis::cuda {

void embed(CudaContext& context, const Embed& op, Inputs in, Outputs out) {
  fill_elements(out[0], 0, context.stream());
  if (in[0].numel() == 0) return;
  copy_elements(in[0].tensor(), alias(out[0], {in[0].shape(), op.stride, op.offset}),
                context.stream());
}

void view_update(CudaContext& context, const ViewUpdate& op, Inputs in, Outputs out) {
  if (out[0].numel() == 0) return;
  copy_elements(in[0].tensor(), out[0], context.stream());
  if (in[1].numel() == 0) return;
  copy_elements(in[1].tensor(),
                alias(out[0], {op.size, op.stride, out[0].storage_offset() + op.offset}),
                context.stream());
}

}  // namespace entasis::cuda

namespace entasis {

void register_cuda_strided(Kernels& kernels) {
  kernels.add<&cuda::embed>();
  kernels.add<&cuda::view_update>();
}

}  // namespace entasis
