// Depthwise convolution on the CPU: every channel has a filter of its own. Forward and the weight's
// gradient, for float and double; the input's gradient is a convolution forward itself.
#pragma once

#include <cstdint>

#include <entasis/kernels/cpu/internal/conv2d_direct.h>
#include <entasis/kernels/cpu/internal/conv2d_weight_grad.h>

namespace entasis::cpu {

// Whether the functions below take this shape: as many groups as channels on both sides, and maps
// that are both channels-last or both not. Otherwise the general methods serve.
bool is_depthwise(const ConvShape& shape);

// As conv2d_direct and compute_weight_grad: the same bits for any number of threads.
void conv2d_depthwise(const Conv2d<float>& conv);
void conv2d_depthwise(const Conv2d<double>& conv);
void compute_depthwise_weight_grad(const ConvWeightGrad<float>& grad);
void compute_depthwise_weight_grad(const ConvWeightGrad<double>& grad);

}  // namespace entasis::cpu
