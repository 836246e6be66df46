// The only op of the shape family that moves elements: the gradient of a slice. It writes the
// output once with zeros and copies the input into its place.
#include <entasis/core/kernels.h>
#include <entasis/kernels/cpu/internal/copy_elements.h>
#include <entasis/ops/shape_internal.h>

namespace entasis::cpu {

void slice_backward(CpuContext&, const SliceBackward& op, Inputs in, Outputs out) {
  fill_elements(out[0], 0);
  const int dim = int(op.dim);
  Geometry place{in[0].shape(), out[0].strides(), op.start * out[0].strides()[dim]};
  place.strides[dim] *= op.step;
  copy_elements(in[0].tensor(), alias(out[0], place));
}

}  // namespace entasis::cpu

namespace entasis {
void register_cpu_shape(Kernels& kernels) { kernels.add<&cpu::slice_backward>(); }
}  // namespace entasis
