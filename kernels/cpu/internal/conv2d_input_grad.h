// The gradient of a two-dimensional convolution with respect to its input, on the CPU, for float
// and double.
#pragma once

#include <entasis/kernels/cpu/internal/conv2d_direct.h>

namespace entasis::cpu {

// input_grad[n, ci, iy, ix] = sum over co, r, s, y, x with iy = y * stride_y + r * dilation_y -
// pad_y and ix likewise of output_grad[n, co, y, x] * weight[co, ci, r, s], with the strides of the
// shape: output_grad lies as the output, input_grad as the input.
template <class T>
struct ConvInputGrad : ConvShape {
  const T* output_grad = nullptr;
  const T* weight = nullptr;
  T* input_grad = nullptr;  // must not overlap the others
};

// All sizes must fit each other; any strides will do, those of channels-first and of channels-last
// maps are fast. The same bits for any number of threads.
void compute_input_grad(const ConvInputGrad<float>& grad);
void compute_input_grad(const ConvInputGrad<double>& grad);

}  // namespace entasis::cpu
