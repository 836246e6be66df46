// Functions of one tensor, element by element. Integers and bool give f32, except for relu.
#pragma once

#include <entasis/core/operand.h>

namespace entasis {

ENTASIS_API Tensor exp(const Tensor& input, Location at = {});
ENTASIS_API Tensor log(const Tensor& input, Location at = {});  // natural; log(0) = -inf, NaN below
ENTASIS_API Tensor sqrt(const Tensor& input, Location at = {});  // NaN below 0
ENTASIS_API Tensor tanh(const Tensor& input, Location at = {});
ENTASIS_API Tensor sigmoid(const Tensor& input, Location at = {});  // 1 / (1 + exp(-input))
// max(input, 0); the gradient at 0 is 0.
ENTASIS_API Tensor relu(const Tensor& input, Location at = {});
// `none`: input * Phi(input) with the Gaussian distribution function; `tanh`: its approximation
// (Hendrycks & Gimpel 2016, arXiv:1606.08415).
enum class Approximate : uint8_t { kNone, kTanh };
ENTASIS_API Tensor gelu(const Tensor& input, Approximate approximate = Approximate::kNone,
                        Location at = {});
// input * sigmoid(input), also called swish.
ENTASIS_API Tensor silu(const Tensor& input, Location at = {});
// silu by its other name.
ENTASIS_API Tensor swish(const Tensor& input, Location at = {});
// input * tanh(log(1 + exp(input))) (Misra 2019, arXiv:1908.08681).
ENTASIS_API Tensor mish(const Tensor& input, Location at = {});
// input / (1 + |input|); NaN at ±inf, as in PyTorch.
ENTASIS_API Tensor softsign(const Tensor& input, Location at = {});

ENTASIS_API Tensor relu_(Tensor input, Location at = {});
ENTASIS_API Tensor exp_(Tensor input, Location at = {});
ENTASIS_API Tensor sqrt_(Tensor input, Location at = {});
ENTASIS_API Tensor tanh_(Tensor input, Location at = {});
ENTASIS_API Tensor sigmoid_(Tensor input, Location at = {});

}  // namespace entasis
