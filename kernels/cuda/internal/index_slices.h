// Reading, writing and accumulating slices by index tensors: what embedding, index_select,
// subscripts and their gradients share. A tensor is seen as [outer, R, inner], where R stands for
// the indexed dimensions together and N index positions name slices of `inner` elements.
#pragma once

#include <entasis/backends/cuda/context.h>
#include <entasis/kernels/cuda/internal/locate.h>
#include <entasis/ops/indexing_internal.h>

namespace entasis::cuda {

// out[o, n, :] = input[o, index(n), :], or zeros where the first index is `skip` or an index is out
// of range, which is reported. `scratch` has the size stated below.
void read_slices(const CudaContext& context, const Tensor& input, Inputs indices, int dim,
                 Negative negative, int64_t skip, const Tensor& out);
size_t read_slices_scratch(Inputs indices, const Tensor& out);

// out[o, index(n), :] takes values[o, n, :], or it is added, for n = 0, 1, … but where the index is
// `skip` or out of range, which is reported. They have one dtype, and where they are added both are
// row-major dense; halves are summed in float, with one rounding at the end. `scratch` has the size
// stated below.
void write_slices(const CudaContext& context, const Tensor& values, Inputs indices, int dim,
                  Repeated repeated, int64_t skip, const Tensor& out);
size_t write_slices_scratch(Inputs indices, int dim, Repeated repeated, const Tensor& out);

}  // namespace entasis::cuda
