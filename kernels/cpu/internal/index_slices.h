// Reading and accumulating slices by index tensors: what embedding, index_select, subscripts and
// their gradients share. A tensor is seen as [outer, R, inner], where R stands for the indexed
// dimensions together and N index positions name slices of `inner` elements.
#pragma once

#include <cstdint>
#include <span>

#include <entasis/core/operand.h>

namespace entasis::cpu {

enum class Negative : uint8_t { kRaises, kCountsFromEnd };

// out[o, n, :] = input[o, index(n), :], or zeros where the first index is `skip`. `locations` has
// room for N numbers. Throws IndexError.
void read_slices(const Tensor& input, Inputs indices, int dim, Negative negative, int64_t skip,
                 int64_t* locations, const Tensor& out);
size_t read_slices_scratch(Inputs indices);

// out = zeros, then out[o, index(n), :] += gy[o, n, :] for n = 0, 1, … but where the index is
// `skip`. Both are row-major dense, of one floating-point dtype. `scratch` has the size stated
// below.
void add_slices(const Tensor& gy, Inputs indices, int dim, int64_t skip, int64_t* scratch,
                const Tensor& out);
size_t add_slices_scratch(Inputs indices, int dim, const Dims& shape);

// Throws the IndexError of an index outside of its dimension.
[[noreturn]] void throw_bad_index(int64_t index, int64_t position, int dim, int64_t size);

}  // namespace entasis::cpu
