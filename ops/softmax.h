// Normalised exponentials along a dimension, computed with the maximum taken out. Integers raise
// DtypeError.
#pragma once

#include <entasis/core/operand.h>

namespace entasis {

ENTASIS_API Tensor softmax(const Tensor& input, int64_t dim, Location at = {});
// softmax of -input.
ENTASIS_API Tensor softmin(const Tensor& input, int64_t dim, Location at = {});
ENTASIS_API Tensor log_softmax(const Tensor& input, int64_t dim, Location at = {});

// The gradient of softmin as a function of its output.
ENTASIS_API Tensor softmin_backward(const Tensor& grad_output, const Tensor& output, int64_t dim,
                                    Location at = {});

}  // namespace entasis
