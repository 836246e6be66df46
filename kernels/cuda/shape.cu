// The only op of the shape family that moves elements: the gradient of a slice. It writes the
// output once with zeros and copies the input into its place.
#include <entasis/backends/cuda/context.h>
#include <entasis/core/kernels.h>
#include <entasis/kernels/cuda/internal/copy_elements.h>
#include <entasis/ops/shape_internal.h>

namespace entasis::cuda {

void slice_backward(CudaContext& context, const SliceBackward& op, Inputs in, Outputs out) {
  fill_elements(out[0], 0, context.stream());
  const int dim = int(op.dim);
  Geometry place{in[0].shape(), out[0].strides(), op.start * out[0].strides()[dim]};
  place.strides[dim] *= op.step;
  copy_elements(in[0].tensor(), alias(out[0], place), context.stream());
}

}  // namespace entasis::cuda

namespace entasis {

void register_cuda_shape(Kernels& kernels) { kernels.add<&cuda::slice_backward>(); }

}  // namespace entasis
