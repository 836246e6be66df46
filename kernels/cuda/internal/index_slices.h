// Reading and accumulating slices by index tensors: what embedding, index_select, subscripts and
// their gradients share. A tensor is seen as [outer, R, inner], where R stands for the indexed
// dimensions together and N index positions name slices of `inner` elements.
#pragma once

#include <entasis/backends/cuda/context.h>
#include <entasis/kernels/cuda/internal/locate.h>

namespace entasis::cuda {

// out[o, n, :] = input[o, index(n), :], or zeros where the first index is `skip` or an index is out
// of range, which is reported. `scratch` has the size stated below.
void read_slices(const CudaContext& context, const Tensor& input, Inputs indices, int dim,
                 Negative negative, int64_t skip, const Tensor& out);
size_t read_slices_scratch(Inputs indices, const Tensor& out);

// out = zeros, then out[o, index(n), :] += gy[o, n, :] for n = 0, 1, … but where the index is
// `skip`. Both are row-major dense, of one floating-point dtype. `scratch` has the size stated
// below.
void add_slices(const CudaContext& context, const Tensor& gy, Inputs indices, int dim, int64_t skip,
                const Tensor& out);
size_t add_slices_scratch(Inputs indices, int dim, const Tensor& out);

}  // namespace entasis::cuda
