// What the files over the vendor's libraries do around them: operands in a layout that the library
// takes, and bias where it adds none.
#pragma once

#include <cstdint>

#include <entasis/backends/cuda/context.h>
#include <entasis/core/tensor.h>
#include <entasis/kernels/cuda/internal/copy_elements.h>

namespace entasis::cuda {

// A copy of `from` with the strides of `spec`, which has its shape and dtype.
inline Tensor rearranged(CudaContext& context, const Tensor& from, const Spec& spec) {
  Tensor to = empty_strided(spec, from.device());
  copy_elements(from, to, context.stream());
  return to;
}

// Element i of the dense tensor `out` becomes bias[i / inner % count]. `bias` is dense and has
// out's dtype.
void fill_with_bias(CudaContext& context, const Tensor& out, const Tensor& bias, int64_t inner);
// The same, added to what is there (a floating-point dtype).
void add_bias(CudaContext& context, const Tensor& out, const Tensor& bias, int64_t inner);

}  // namespace entasis::cuda
