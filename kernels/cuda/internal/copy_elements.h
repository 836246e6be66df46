// Copies, casts and fills between tensors of one device: for the ops that move elements.
#pragma once

#include <cuda_runtime_api.h>

#include <entasis/core/number.h>
#include <entasis/core/tensor.h>

namespace entasis::cuda {

// `to` takes the elements of `from`, broadcast and converted as core/dtype.h says. They do not
// overlap, or are the same elements.
void copy_elements(const Tensor& from, const Tensor& to, cudaStream_t stream);
void fill_elements(const Tensor& to, const Number& value, cudaStream_t stream);

// `n` adjacent elements of two different dtypes, or of two bools; both begin on a multiple of 16
// bytes.
void convert_adjacent(void* to, DType to_dtype, const void* from, DType from_dtype, int64_t n,
                      cudaStream_t stream);

}  // namespace entasis::cuda
