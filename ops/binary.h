// Functions of two numbers, element by element. Integers and bool give f32.
#pragma once

#include <entasis/core/operand.h>

namespace entasis {

// The angle of the point (other, input) in (-pi, pi], by the signs of both, those of zeros too. The
// gradient at the origin is 0.
ENTASIS_API Tensor atan2(const Operand& input, const Operand& other, Location at = {});
// sqrt(input^2 + other^2) without overflow; infinite if either is, whatever the other. The gradient
// at the origin is NaN.
ENTASIS_API Tensor hypot(const Operand& input, const Operand& other, Location at = {});
// The size of input with the sign of other, that of zeros too. The gradient where input is 0 is 0.
ENTASIS_API Tensor copysign(const Operand& input, const Operand& other, Location at = {});
// The next number of the dtype after input towards other.
ENTASIS_API Tensor nextafter(const Operand& input, const Operand& other, Location at = {});
// log(exp(input) + exp(other)) and log2(2^input + 2^other) without overflow.
ENTASIS_API Tensor logaddexp(const Operand& input, const Operand& other, Location at = {});
ENTASIS_API Tensor logaddexp2(const Operand& input, const Operand& other, Location at = {});
// input * log(other): 0 where input is 0, NaN where other is.
ENTASIS_API Tensor xlogy(const Operand& input, const Operand& other, Location at = {});
// input times 2 to the power of other, exactly where other is whole.
ENTASIS_API Tensor ldexp(const Operand& input, const Operand& other, Location at = {});

ENTASIS_API Tensor atan2_(Tensor input, const Operand& other, Location at = {});
ENTASIS_API Tensor hypot_(Tensor input, const Operand& other, Location at = {});
ENTASIS_API Tensor copysign_(Tensor input, const Operand& other, Location at = {});
ENTASIS_API Tensor nextafter_(Tensor input, const Operand& other, Location at = {});
ENTASIS_API Tensor xlogy_(Tensor input, const Operand& other, Location at = {});
ENTASIS_API Tensor ldexp_(Tensor input, const Operand& other, Location at = {});

}  // namespace entasis
