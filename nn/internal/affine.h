// What layers with a weight matrix or kernel have in common.
#pragma once

#include <entasis/core/tensor.h>

namespace entasis::nn::internal {

// PyTorch's default for Linear and convolutions: the weight by kaiming_uniform_ with a = sqrt(5),
// which comes to ±1/sqrt(fan_in), then the bias, if defined, in the same range.
void reset_affine(Tensor& weight, Tensor& bias, Location at);

}  // namespace entasis::nn::internal
