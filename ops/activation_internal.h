// Ops of the activations with parameters, which are operands that are always numbers.
#pragma once

#include <entasis/ops/pointwise_internal.h>
#include <entasis/ops/unary.h>

namespace entasis {

template <class E>
struct EnumNames;
template <>
struct EnumNames<Approximate> {
  static constexpr const char* names[] = {"none", "tanh"};
};

// grad_output times the slope at `input`, for fused ops. relu's may be given its output instead.
Tensor relu_backward(const Tensor& grad_output, const Tensor& input, Location at = {});
Tensor gelu_backward(const Tensor& grad_output, const Tensor& input, Approximate approximate,
                     Location at = {});

// Two ops compute the same: one keeps its output for the gradient, which the next layer keeps
// anyway and which is all there is in place; the other keeps its input, for a negative slope.
struct LeakyRelu : NoAttributes {
  static constexpr const char* name = "leaky_relu";
  static constexpr PointwiseTraits traits{.arity = 2, .compute = Compute::kFloat};
};
struct LeakyReluFromInput : NoAttributes {
  static constexpr const char* name = "leaky_relu_from_input";
  static constexpr const char* formula = "leaky_relu";
  static constexpr PointwiseTraits traits = LeakyRelu::traits;
};
// Inputs: the output's gradient, the output or the input, the slope.
struct LeakyReluBackward : NoAttributes {
  static constexpr const char* name = "leaky_relu_backward";
  static constexpr PointwiseTraits traits{.arity = 3, .compute = Compute::kFloat};
};

// Inputs: x, the factor of exp(x) - 1 and that of x. Keeps x, since the slope from the output,
// y + factor, cancels far below 0.
struct Elu : NoAttributes {
  static constexpr const char* name = "elu";
  static constexpr PointwiseTraits traits{.arity = 3, .compute = Compute::kFloat};
};
// The same, which keeps its output: the one thing that needs no copy.
struct EluInPlace : NoAttributes {
  static constexpr const char* name = "elu_";
  static constexpr const char* formula = "elu";
  static constexpr PointwiseTraits traits = Elu::traits;
};
struct EluBackward : NoAttributes {
  static constexpr const char* name = "elu_backward";
  static constexpr PointwiseTraits traits{.arity = 4, .compute = Compute::kFloat};
};
struct EluOutputBackward : NoAttributes {
  static constexpr const char* name = "elu_output_backward";
  static constexpr PointwiseTraits traits{.arity = 4, .compute = Compute::kFloat};
};

// Inputs: x, beta, the threshold.
struct Softplus : NoAttributes {
  static constexpr const char* name = "softplus";
  static constexpr PointwiseTraits traits{.arity = 3, .compute = Compute::kFloat};
};
struct SoftplusBackward : NoAttributes {
  static constexpr const char* name = "softplus_backward";
  static constexpr PointwiseTraits traits{.arity = 4, .compute = Compute::kFloat};
};

}  // namespace entasis
