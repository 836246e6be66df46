// Special functions of statistics and analysis, element by element. Integers and bool give f32.
// Each name with an underscore works in place and returns input.
#pragma once

#include <optional>

#include <entasis/core/operand.h>

namespace entasis {

ENTASIS_API Tensor sigmoid(const Tensor& input, Location at = {});  // 1 / (1 + exp(-input))
// The inverse of sigmoid, log(input / (1 - input)): NaN outside of [0, 1]. With eps input is first
// limited to [eps, 1 - eps], and what lies outside has the gradient 0.
ENTASIS_API Tensor logit(const Tensor& input, std::optional<double> eps = {}, Location at = {});
// The error function 2/sqrt(pi) times the integral of exp(-t²) from 0 to input.
ENTASIS_API Tensor erf(const Tensor& input, Location at = {});
// 1 - erf(input) without cancellation
ENTASIS_API Tensor erfc(const Tensor& input, Location at = {});
// the inverse of erf: ±inf at ±1, NaN beyond
ENTASIS_API Tensor erfinv(const Tensor& input, Location at = {});
// log |G(input)| with the gamma function: inf at 0, -1, -2, …
ENTASIS_API Tensor lgamma(const Tensor& input, Location at = {});
// The derivative of lgamma: -inf at 0, inf at -0, NaN at -1, -2, …. It can be differentiated twice
// (AutogradError).
ENTASIS_API Tensor digamma(const Tensor& input, Location at = {});

ENTASIS_API Tensor sigmoid_(Tensor input, Location at = {});
ENTASIS_API Tensor logit_(Tensor input, std::optional<double> eps = {}, Location at = {});
ENTASIS_API Tensor erf_(Tensor input, Location at = {});
ENTASIS_API Tensor erfc_(Tensor input, Location at = {});
ENTASIS_API Tensor erfinv_(Tensor input, Location at = {});
ENTASIS_API Tensor lgamma_(Tensor input, Location at = {});
ENTASIS_API Tensor digamma_(Tensor input, Location at = {});

// ---- Gradients as functions, as PyTorch has them: of the output.
ENTASIS_API Tensor sigmoid_backward(const Tensor& grad_output, const Tensor& output,
                                    Location at = {});

}  // namespace entasis
