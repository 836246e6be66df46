// The only op of the shape family that moves elements: the gradient of a slice. It writes the output
// once with zeros and copies the input into its place.
#include <entasis/core/kernels.h>
#include <entasis/kernels/cpu/internal/strided_copy.h>
#include <entasis/ops/shape_internal.h>

namespace entasis::cpu {

void slice_backward(CpuContext&, const SliceBackward& op, Inputs in, Outputs out) {
  clear_dense(out[0]);
  const int element_size = size_of(out[0].dtype());
  const int dim = int(op.dim);
  Dims strides = out[0].strides();
  char* place = out[0].raw_as<char>() + op.start * strides[dim] * element_size;
  strides[dim] *= op.step;
  copy_strided(place, strides, in[0].tensor().raw(), in[0].strides(), in[0].shape(), element_size);
}

}  // namespace entasis::cpu

namespace entasis {
void register_cpu_shape(Kernels& kernels) { kernels.add<&cpu::slice_backward>(); }
}  // namespace entasis
