// Copies and clears that move bytes: they know an element's size and not its dtype.
#pragma once

#include <cstdint>

#include <entasis/core/tensor.h>

namespace entasis::cpu {

// Copies the elements of `from` to `to`, which do not overlap. Strides are in elements.
void copy_strided(void* to, const Dims& to_strides, const void* from, const Dims& from_strides,
                  const Dims& shape, int element_size);

// Zeroes a tensor whose elements lie without gaps, in any dimension order.
void clear_dense(const Tensor& tensor);

}  // namespace entasis::cpu
