// Ops of activation.h and rectifier.h. Parameters are operands that are always numbers.
#pragma once

#include <entasis/ops/activation.h>
#include <entasis/ops/pointwise_internal.h>

namespace entasis {

template <class E>
struct EnumNames;
template <>
struct EnumNames<Approximate> {
  static constexpr const char* names[] = {"none", "tanh"};
};

// ---- Smooth ones

struct Gelu : HeavyFloatFunction {
  static constexpr const char* name = "gelu";
};
struct GeluTanh : HeavyFloatFunction {
  static constexpr const char* name = "gelu_tanh";
};
struct Silu : HeavyFloatFunction {
  static constexpr const char* name = "silu";
};
struct Mish : HeavyFloatFunction {
  static constexpr const char* name = "mish";
};
struct Softsign : FloatFunction {
  static constexpr const char* name = "softsign";
};
struct LogSigmoid : HeavyFloatFunction {
  static constexpr const char* name = "logsigmoid";
};
struct TanhShrink : HeavyFloatFunction {
  static constexpr const char* name = "tanhshrink";
};
// Inputs: x, beta, the threshold.
struct Softplus : NoAttributes {
  static constexpr const char* name = "softplus";
  static constexpr PointwiseTraits traits{.arity = 3, .compute = Compute::kFloat, .heavy = true};
};

// Inputs: x, the factor of exp(x) - 1 and that of x. Keeps x, since the slope from the output,
// y + factor, cancels far below 0.
struct Elu : NoAttributes {
  static constexpr const char* name = "elu";
  static constexpr PointwiseTraits traits{.arity = 3, .compute = Compute::kFloat, .heavy = true};
};
// The same, which keeps its output: the one thing that needs no copy.
struct EluInPlace : NoAttributes {
  static constexpr const char* name = "elu_";
  static constexpr const char* formula = "elu";
  static constexpr PointwiseTraits traits = Elu::traits;
};
// Inputs: the output's gradient, the output, the two factors.
struct EluOutputBackward : NoAttributes {
  static constexpr const char* name = "elu_output_backward";
  static constexpr PointwiseTraits traits{.arity = 4, .compute = Compute::kFloat};
};
struct Celu : NoAttributes {  // inputs: x, alpha
  static constexpr const char* name = "celu";
  static constexpr PointwiseTraits traits{.arity = 2, .compute = Compute::kFloat, .heavy = true};
};
struct Glu : NoAttributes {  // inputs: the two halves
  static constexpr const char* name = "glu";
  static constexpr PointwiseTraits traits{.arity = 2, .compute = Compute::kFloat, .heavy = true};
};

using ActivationOps = decltype(OpList<EluInPlace, EluOutputBackward, Glu>() +
                               WithBackward<Gelu, GeluTanh, Silu, Mish, Softsign, LogSigmoid,
                                            TanhShrink, Softplus, Elu, Celu>());

// ---- Pieces of straight lines, and their like

struct Relu : NoAttributes {
  static constexpr const char* name = "relu";
  static constexpr PointwiseTraits traits{
      .arity = 1, .takes_bool = false, .orders = true, .straight = true};
};
// Two ops compute the same: one keeps its output for the gradient, which the next layer keeps
// anyway and which is all there is in place; the other keeps its input, for a negative slope.
struct LeakyRelu : NoAttributes {
  static constexpr const char* name = "leaky_relu";
  static constexpr PointwiseTraits traits{.arity = 2, .compute = Compute::kFloat, .straight = true};
};
struct LeakyReluFromInput : NoAttributes {
  static constexpr const char* name = "leaky_relu_from_input";
  static constexpr const char* formula = "leaky_relu";
  static constexpr PointwiseTraits traits = LeakyRelu::traits;
};
struct Prelu : NoAttributes {  // inputs: x, the slopes
  static constexpr const char* name = "prelu";
  static constexpr const char* formula = "leaky_relu";
  static constexpr PointwiseTraits traits{.arity = 2, .compute = Compute::kFloat};
};
struct PreluBackward : NoAttributes {  // inputs: the output's gradient, x, the slopes
  static constexpr const char* name = "prelu_backward";
  static constexpr const char* formula = "leaky_relu_backward";
  static constexpr PointwiseTraits traits{.arity = 3, .compute = Compute::kFloat};
};
struct Hardtanh : NoAttributes {  // inputs: x, the two limits
  static constexpr const char* name = "hardtanh";
  static constexpr PointwiseTraits traits{
      .arity = 3, .takes_bool = false, .orders = true, .straight = true};
};
struct HardSigmoid : NoAttributes {
  static constexpr const char* name = "hardsigmoid";
  static constexpr PointwiseTraits traits{.arity = 1, .compute = Compute::kFloat, .straight = true};
};
struct HardSwish : FloatFunction {
  static constexpr const char* name = "hardswish";
};
struct HardShrink : NoAttributes {  // inputs: x, lambd
  static constexpr const char* name = "hardshrink";
  static constexpr PointwiseTraits traits{.arity = 2, .compute = Compute::kFloat, .straight = true};
};
struct SoftShrink : NoAttributes {
  static constexpr const char* name = "softshrink";
  static constexpr PointwiseTraits traits = HardShrink::traits;
};
struct Threshold : NoAttributes {  // inputs: x, the threshold, what stands below it
  static constexpr const char* name = "threshold";
  static constexpr PointwiseTraits traits{
      .arity = 3, .takes_bool = false, .orders = true, .straight = true};
};

using RectifierOps = decltype(OpList<LeakyReluFromInput, Prelu, PreluBackward>() +
                              WithBackward<Relu, LeakyRelu, Hardtanh, HardSigmoid, HardSwish,
                                           HardShrink, SoftShrink, Threshold>());

}  // namespace entasis
