// Trigonometric and hyperbolic functions and their inverses, element by element; angles in radians.
// Integers and bool give f32. Each name with an underscore works in place and returns input.
#pragma once

#include <entasis/core/operand.h>

namespace entasis {

ENTASIS_API Tensor sin(const Tensor& input, Location at = {});
ENTASIS_API Tensor cos(const Tensor& input, Location at = {});
ENTASIS_API Tensor tan(const Tensor& input, Location at = {});
// in [-pi/2, pi/2]; NaN outside of [-1, 1]
ENTASIS_API Tensor asin(const Tensor& input, Location at = {});
// in [0, pi]; NaN outside of [-1, 1]
ENTASIS_API Tensor acos(const Tensor& input, Location at = {});
ENTASIS_API Tensor atan(const Tensor& input, Location at = {});  // in [-pi/2, pi/2]
ENTASIS_API Tensor sinh(const Tensor& input, Location at = {});
ENTASIS_API Tensor cosh(const Tensor& input, Location at = {});
ENTASIS_API Tensor tanh(const Tensor& input, Location at = {});
ENTASIS_API Tensor asinh(const Tensor& input, Location at = {});
ENTASIS_API Tensor acosh(const Tensor& input, Location at = {});  // NaN below 1
ENTASIS_API Tensor atanh(const Tensor& input, Location at = {});  // ±inf at ±1, NaN beyond
// sin(pi * input) / (pi * input), and 1 at 0: exactly 0 at other integers
ENTASIS_API Tensor sinc(const Tensor& input, Location at = {});
// degrees as radians: input * pi / 180
ENTASIS_API Tensor deg2rad(const Tensor& input, Location at = {});
// radians as degrees: input * 180 / pi
ENTASIS_API Tensor rad2deg(const Tensor& input, Location at = {});

ENTASIS_API Tensor sin_(Tensor input, Location at = {});
ENTASIS_API Tensor cos_(Tensor input, Location at = {});
ENTASIS_API Tensor tan_(Tensor input, Location at = {});
ENTASIS_API Tensor asin_(Tensor input, Location at = {});
ENTASIS_API Tensor acos_(Tensor input, Location at = {});
ENTASIS_API Tensor atan_(Tensor input, Location at = {});
ENTASIS_API Tensor sinh_(Tensor input, Location at = {});
ENTASIS_API Tensor cosh_(Tensor input, Location at = {});
ENTASIS_API Tensor tanh_(Tensor input, Location at = {});
ENTASIS_API Tensor asinh_(Tensor input, Location at = {});
ENTASIS_API Tensor acosh_(Tensor input, Location at = {});
ENTASIS_API Tensor atanh_(Tensor input, Location at = {});
ENTASIS_API Tensor sinc_(Tensor input, Location at = {});
ENTASIS_API Tensor deg2rad_(Tensor input, Location at = {});
ENTASIS_API Tensor rad2deg_(Tensor input, Location at = {});

// The gradient of tanh as a function of its output, as PyTorch has it.
ENTASIS_API Tensor tanh_backward(const Tensor& grad_output, const Tensor& output, Location at = {});

}  // namespace entasis
