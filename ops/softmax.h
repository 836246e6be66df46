// Normalised exponentials along a dimension, computed with the maximum taken out. Integers raise
// DtypeError.
#pragma once

#include <entasis/core/operand.h>

namespace entasis {

ENTASIS_API Tensor softmax(const Tensor& input, int64_t dim, Location at = {});
ENTASIS_API Tensor log_softmax(const Tensor& input, int64_t dim, Location at = {});

}  // namespace entasis
