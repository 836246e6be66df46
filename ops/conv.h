// Two-dimensional convolution (cross-correlation, as in PyTorch).
#pragma once

#include <array>

#include <entasis/core/operand.h>

namespace entasis {

// input [N, C, H, W], weight [O, C/groups, R, S], bias [O] or undefined; result
// [N, O, (H + 2 padding - dilation (R-1) - 1) / stride + 1, …]. stride, padding and dilation have
// one entry (for both directions) or two. Channels-last if input or weight is so without doubt.
// Throws ShapeError, ValueError.
ENTASIS_API Tensor conv2d(const Tensor& input, const Tensor& weight, const Tensor& bias = {},
                          const Dims& stride = {1, 1}, const Dims& padding = {0, 0},
                          const Dims& dilation = {1, 1}, int64_t groups = 1, Location at = {});

// The gradients of conv2d with respect to input, weight and bias, for those that keep their own
// state.
struct Conv2dGrads {
  Tensor input, weight, bias;
  std::array<Tensor, 3> values() const { return {input, weight, bias}; }
};
ENTASIS_API Conv2dGrads conv2d_backward(const Tensor& grad_output, const Tensor& input,
                                        const Tensor& weight, const Dims& stride = {1, 1},
                                        const Dims& padding = {0, 0}, const Dims& dilation = {1, 1},
                                        int64_t groups = 1, Location at = {});

}  // namespace entasis
