// Two-dimensional pooling over [N, C, H, W] or [C, H, W]. kernel_size, stride, padding, dilation
// have one entry or two; an empty stride means kernel_size.
#pragma once

#include <entasis/core/operand.h>

namespace entasis {

// The largest element of each window; padding counts as -inf, NaN wins. The gradient goes to the
// first largest element.
ENTASIS_API Tensor max_pool2d(const Tensor& input, const Dims& kernel_size, const Dims& stride = {},
                              const Dims& padding = {0, 0}, const Dims& dilation = {1, 1},
                              bool ceil_mode = false, Location at = {});
// The mean of each window; padding counts as zeros that are part of the window unless
// count_include_pad is off.
ENTASIS_API Tensor avg_pool2d(const Tensor& input, const Dims& kernel_size, const Dims& stride = {},
                              const Dims& padding = {0, 0}, bool ceil_mode = false,
                              bool count_include_pad = true, Location at = {});

}  // namespace entasis
