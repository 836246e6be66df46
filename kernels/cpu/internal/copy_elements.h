// Copies and fills between any strides and dtypes, for kernels that move elements.
#pragma once

#include <entasis/core/tensor.h>

namespace entasis::cpu {

// Writes the elements of `from`, broadcast and converted, to `to`. They do not overlap.
void copy_elements(const Tensor& from, const Tensor& to);
void fill_elements(const Tensor& to, const Number& value);

}  // namespace entasis::cpu
