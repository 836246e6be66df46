// Activations with parameters, element by element. Integers and bool give f32. (Those without are
// in unary.h.)
#pragma once

#include <entasis/core/operand.h>

namespace entasis {

// max(input, 0) + negative_slope * min(input, 0); the slope at 0 is negative_slope.
ENTASIS_API Tensor leaky_relu(const Tensor& input, double negative_slope = 0.01, Location at = {});
// input where it is positive, alpha * (exp(input) - 1) elsewhere (Clevert, Unterthiner & Hochreiter
// 2015, arXiv:1511.07289).
ENTASIS_API Tensor elu(const Tensor& input, double alpha = 1.0, Location at = {});
// scale * elu(input, alpha) with the alpha and scale that keep mean 0 and variance 1 from layer to
// layer (Klambauer, Unterthiner, Mayr & Hochreiter 2017, arXiv:1706.02515).
ENTASIS_API Tensor selu(const Tensor& input, Location at = {});
// log(1 + exp(beta * input)) / beta, and input itself where beta * input > threshold.
ENTASIS_API Tensor softplus(const Tensor& input, double beta = 1.0, double threshold = 20.0,
                            Location at = {});

// In place. Their gradient comes from the result; for a negative slope or alpha, where the result
// does not tell what the input was, a copy of that is kept.
ENTASIS_API Tensor leaky_relu_(Tensor input, double negative_slope = 0.01, Location at = {});
ENTASIS_API Tensor elu_(Tensor input, double alpha = 1.0, Location at = {});
ENTASIS_API Tensor selu_(Tensor input, Location at = {});

}  // namespace entasis
