// Powers, element by element.
#pragma once

#include <entasis/core/operand.h>

namespace entasis {

// input to the power of exponent. Integers wrap; a negative integer exponent of an integer raises
// ValueError if it is a number.
ENTASIS_API Tensor pow(const Operand& input, const Operand& exponent, Location at = {});
// The same computed in f64, which the result is.
ENTASIS_API Tensor float_power(const Operand& input, const Operand& exponent, Location at = {});

// float_power_ takes f64 only (DtypeError).
ENTASIS_API Tensor pow_(Tensor input, const Operand& exponent, Location at = {});
ENTASIS_API Tensor float_power_(Tensor input, const Operand& exponent, Location at = {});

}  // namespace entasis
