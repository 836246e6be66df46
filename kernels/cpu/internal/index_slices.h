// Reading, writing and accumulating slices by index tensors: what embedding, index_select,
// subscripts and their gradients share. A tensor is seen as [outer, R, inner], where R stands for
// the indexed dimensions together and N index positions name slices of `inner` elements.
#pragma once

#include <cstdint>

#include <entasis/kernels/cpu/internal/index_places.h>
#include <entasis/ops/indexing_internal.h>

namespace entasis::cpu {

// out[o, n, :] = input[o, index(n), :], or zeros where the first index is `skip`. `locations` has
// room for N numbers. Throws IndexError.
void read_slices(const Tensor& input, Inputs indices, int dim, Negative negative, int64_t skip,
                 int64_t* locations, const Tensor& out);
size_t read_slices_scratch(Inputs indices);

// out[o, index(n), :] takes values[o, n, :], or it is added, for n = 0, 1, … but where the index is
// `skip`. Both may lie as they like; they have one dtype. Halves are summed in float, with one
// rounding at the end. `scratch` has the size stated below. Throws IndexError before it writes.
void write_slices(const Tensor& values, Inputs indices, int dim, Repeated repeated, int64_t skip,
                  int64_t* scratch, const Tensor& out);
size_t write_slices_scratch(Inputs indices, int dim, Repeated repeated, const Dims& shape);

}  // namespace entasis::cpu
