// Questions about single elements, which give bool tensors, and negations. None has a gradient.
#pragma once

#include <entasis/core/operand.h>

namespace entasis {

// Integers and bool are finite numbers.
ENTASIS_API Tensor isnan(const Tensor& input, Location at = {});
ENTASIS_API Tensor isinf(const Tensor& input, Location at = {});
ENTASIS_API Tensor isfinite(const Tensor& input, Location at = {});
ENTASIS_API Tensor isposinf(const Tensor& input, Location at = {});
ENTASIS_API Tensor isneginf(const Tensor& input, Location at = {});
// Whether the sign is set, of zeros and NaN too.
ENTASIS_API Tensor signbit(const Tensor& input, Location at = {});
// Whether input is 0.
ENTASIS_API Tensor logical_not(const Tensor& input, Location at = {});
// All bits turned; of bool: not. Floating-point inputs raise DtypeError.
ENTASIS_API Tensor bitwise_not(const Tensor& input, Location at = {});

// In place; logical_not_ writes 0 and 1 in input's dtype.
ENTASIS_API Tensor logical_not_(Tensor input, Location at = {});
ENTASIS_API Tensor bitwise_not_(Tensor input, Location at = {});

}  // namespace entasis
