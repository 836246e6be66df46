// Dropout (Srivastava et al. 2014): zeroes elements with probability p and scales the others by
// 1 / (1 - p).
#pragma once

#include <array>

#include <entasis/core/operand.h>

namespace entasis {

// Returns input itself unless training and p > 0. Throws ValueError unless 0 <= p <= 1.
ENTASIS_API Tensor dropout(const Tensor& input, double p = 0.5, bool training = true,
                           Location at = {});
// The same with its mask (bool, true where kept), for those that keep state themselves.
struct DropoutResult {
  Tensor output, mask;
  std::array<Tensor, 2> values() const { return {output, mask}; }
};
ENTASIS_API DropoutResult native_dropout(const Tensor& input, double p = 0.5, Location at = {});

}  // namespace entasis
