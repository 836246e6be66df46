// Smooth activations, element by element; the piecewise straight ones are in rectifier.h. Integers
// and bool give f32.
//
// Each activation has its gradient as a plain function too: <name>_backward(grad_output, input, …)
// with the parameters of the activation. (Of tanh and sigmoid it takes the output, as in PyTorch.)
#pragma once

#include <entasis/core/operand.h>

namespace entasis {

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
// log(sigmoid(input)).
ENTASIS_API Tensor logsigmoid(const Tensor& input, Location at = {});
// input - tanh(input).
ENTASIS_API Tensor tanhshrink(const Tensor& input, Location at = {});
// log(1 + exp(beta * input)) / beta, and input itself where beta * input > threshold.
ENTASIS_API Tensor softplus(const Tensor& input, double beta = 1.0, double threshold = 20.0,
                            Location at = {});
// input where it is positive, alpha * (exp(input) - 1) elsewhere (Clevert, Unterthiner & Hochreiter
// 2015, arXiv:1511.07289).
ENTASIS_API Tensor elu(const Tensor& input, double alpha = 1.0, Location at = {});
// input where it is positive, alpha * (exp(input / alpha) - 1) elsewhere (Barron 2017,
// arXiv:1704.07483): its slope has no jump. An alpha of 0 raises ValueError.
ENTASIS_API Tensor celu(const Tensor& input, double alpha = 1.0, Location at = {});
// scale * elu(input, alpha) with the alpha and scale that keep mean 0 and variance 1 from layer to
// layer (Klambauer, Unterthiner, Mayr & Hochreiter 2017, arXiv:1706.02515).
ENTASIS_API Tensor selu(const Tensor& input, Location at = {});
// a * sigmoid(b) with a and b the two halves of input along dim, whose size must be even
// (ShapeError) (Dauphin, Fan, Auli & Grangier 2017, arXiv:1612.08083).
ENTASIS_API Tensor glu(const Tensor& input, int64_t dim = -1, Location at = {});

// In place. The gradient of elu_ and selu_ comes from the result; for a negative alpha, where the
// result does not tell what the input was, a copy of that is kept, and for celu_ always.
ENTASIS_API Tensor elu_(Tensor input, double alpha = 1.0, Location at = {});
ENTASIS_API Tensor celu_(Tensor input, double alpha = 1.0, Location at = {});
ENTASIS_API Tensor selu_(Tensor input, Location at = {});

ENTASIS_API Tensor gelu_backward(const Tensor& grad_output, const Tensor& input,
                                 Approximate approximate = Approximate::kNone, Location at = {});
ENTASIS_API Tensor silu_backward(const Tensor& grad_output, const Tensor& input, Location at = {});
ENTASIS_API Tensor swish_backward(const Tensor& grad_output, const Tensor& input, Location at = {});
ENTASIS_API Tensor mish_backward(const Tensor& grad_output, const Tensor& input, Location at = {});
ENTASIS_API Tensor softsign_backward(const Tensor& grad_output, const Tensor& input,
                                     Location at = {});
ENTASIS_API Tensor logsigmoid_backward(const Tensor& grad_output, const Tensor& input,
                                       Location at = {});
ENTASIS_API Tensor tanhshrink_backward(const Tensor& grad_output, const Tensor& input,
                                       Location at = {});
ENTASIS_API Tensor softplus_backward(const Tensor& grad_output, const Tensor& input,
                                     double beta = 1.0, double threshold = 20.0, Location at = {});
ENTASIS_API Tensor elu_backward(const Tensor& grad_output, const Tensor& input, double alpha = 1.0,
                                Location at = {});
ENTASIS_API Tensor celu_backward(const Tensor& grad_output, const Tensor& input, double alpha = 1.0,
                                 Location at = {});
ENTASIS_API Tensor selu_backward(const Tensor& grad_output, const Tensor& input, Location at = {});
ENTASIS_API Tensor glu_backward(const Tensor& grad_output, const Tensor& input, int64_t dim = -1,
                                Location at = {});

}  // namespace entasis
