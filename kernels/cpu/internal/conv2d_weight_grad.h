// The gradient of a two-dimensional convolution with respect to its weight, on the CPU, for float
// and double.
#pragma once

#include <entasis/kernels/cpu/internal/conv2d_direct.h>

namespace entasis::cpu {

// weight_grad[co, ci, r, s] = sum over n, y, x of output_grad[n, co, y, x] *
//     input[n, ci, y * stride_y + r * dilation_y - pad_y, x * stride_x + s * dilation_x - pad_x]
// with the strides of the shape: output_grad lies as the output.
template <class T>
struct ConvWeightGrad : ConvShape {
  const T* input = nullptr;
  const T* output_grad = nullptr;
  T* weight_grad = nullptr;  // must not overlap the others
};

// All sizes must fit each other; any strides will do, those of channels-first and of channels-last
// maps are fast. The sum is cut by the shape alone: the same bits for any number of threads.
void compute_weight_grad(const ConvWeightGrad<float>& grad);
void compute_weight_grad(const ConvWeightGrad<double>& grad);

}  // namespace entasis::cpu
