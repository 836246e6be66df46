// Activations with parameters. Gradients are fused as those of functions of one tensor (unary.cpp);
// parameters have none.
#include <entasis/ops/activation.h>

#include <entasis/core/row.h>
#include <entasis/ops/activation_internal.h>
#include <entasis/ops/arithmetic.h>
#include <entasis/ops/composed_internal.h>

namespace entasis {
namespace composed {

#include <entasis/kernels/formulas/elu_backward.inc>
#include <entasis/kernels/formulas/elu_output_backward.inc>
#include <entasis/kernels/formulas/softplus_backward.inc>

using DualValue = Dual<Value>;

}  // namespace composed

namespace {

// Input i of an op, which is a number.
Number parameter(const Saved& saved, int i) { return saved.node().edges[i].number; }

}  // namespace

// ---- Backward ops

// A step: its own slope is 0.
template <>
struct Rule<LeakyReluBackward> : PointwiseRule<LeakyReluBackward> {
  static constexpr SaveMask saves[] = {saves_in(1), saves_nothing};
  static Grads vjp(const LeakyReluBackward& op, const Saved& saved, Grads gy) {
    return {
        saved.if_needed(0, [&] { return apply(op, {}, gy[0], saved.in(1), parameter(saved, 2)); })};
  }
};

using composed::DualValue;

// gy times a slope that depends on v, the forward's input or output, and on two parameters.
template <class Op, DualValue (*formula)(DualValue gy, DualValue v, DualValue a, DualValue b)>
struct TwoParameterBackwardRule : PointwiseRule<Op> {
  static constexpr SaveMask saves[] = {saves_in(1), saves_in(0) | saves_in(1)};
  static Grads vjp(const Op& op, const Saved& saved, Grads gy) {
    const Number a = parameter(saved, 2), b = parameter(saved, 3);
    return {saved.if_needed(0, [&] { return apply(op, {}, gy[0], saved.in(1), a, b); }),
            saved.if_needed(1, [&] { return mul(gy[0], along_value(saved, a, b)); })};
  }

 private:
  static composed::Value along_value(const Saved& saved, Number a, Number b) {
    using composed::Value;
    return formula(DualValue(Value(saved.in(0))), DualValue(Value(saved.in(1)), Value(1)),
                   DualValue(a.to_double()), DualValue(b.to_double()))
        .d;
  }
};
template <>
struct Rule<EluBackward> : TwoParameterBackwardRule<EluBackward, &composed::elu_backward> {};
template <>
struct Rule<EluOutputBackward>
    : TwoParameterBackwardRule<EluOutputBackward, &composed::elu_output_backward> {};
template <>
struct Rule<SoftplusBackward>
    : TwoParameterBackwardRule<SoftplusBackward, &composed::softplus_backward> {};

// ---- Forward ops

template <>
struct Rule<LeakyRelu> : PointwiseRule<LeakyRelu> {
  static constexpr SaveMask saves[] = {saves_out(0)};
  static Grads vjp(const LeakyRelu&, const Saved& saved, Grads gy) {
    return {apply(LeakyReluBackward{}, {}, gy[0], saved.out(0), parameter(saved, 1))};
  }
};
template <>
struct Rule<LeakyReluFromInput> : PointwiseRule<LeakyReluFromInput> {
  static constexpr SaveMask saves[] = {saves_in(0)};
  static Grads vjp(const LeakyReluFromInput&, const Saved& saved, Grads gy) {
    return {apply(LeakyReluBackward{}, {}, gy[0], saved.in(0), parameter(saved, 1))};
  }
};

template <class Op, class Backward>
struct TwoParameterRule : PointwiseRule<Op> {
  static constexpr SaveMask saves[] = {saves_in(0)};
  static Grads vjp(const Op&, const Saved& saved, Grads gy) {
    return {apply(Backward{}, {}, gy[0], saved.in(0), parameter(saved, 1), parameter(saved, 2))};
  }
};
template <>
struct Rule<Elu> : TwoParameterRule<Elu, EluBackward> {};
template <>
struct Rule<Softplus> : TwoParameterRule<Softplus, SoftplusBackward> {};

template <>
struct Rule<EluInPlace> : PointwiseRule<EluInPlace> {
  static constexpr SaveMask saves[] = {saves_out(0)};
  static Grads vjp(const EluInPlace&, const Saved& saved, Grads gy) {
    return {apply(EluOutputBackward{}, {}, gy[0], saved.out(0), parameter(saved, 1),
                  parameter(saved, 2))};
  }
};

// ---- Functions

namespace {

// The fixed point of Klambauer et al. 2017, equation 14.
constexpr double kSeluAlpha = 1.6732632423543772848;
constexpr double kSeluScale = 1.0507009873554804934;

}  // namespace

Tensor leaky_relu(const Tensor& input, double negative_slope, Location at) {
  const Frame frame("leaky_relu", at);
  return negative_slope >= 0 ? apply(LeakyRelu{}, at, input, negative_slope)
                             : apply(LeakyReluFromInput{}, at, input, negative_slope);
}
Tensor elu(const Tensor& input, double alpha, Location at) {
  return apply(Elu{}, at, input, alpha, 1.0);
}
Tensor selu(const Tensor& input, Location at) {
  const Frame frame("selu", at);
  return apply(Elu{}, at, input, kSeluAlpha * kSeluScale, kSeluScale);
}
Tensor softplus(const Tensor& input, double beta, double threshold, Location at) {
  return apply(Softplus{}, at, input, beta, threshold);
}

Tensor leaky_relu_(Tensor input, double negative_slope, Location at) {
  const Frame frame("leaky_relu_", at);
  if (negative_slope >= 0) {
    apply_in_place(LeakyRelu{}, at, input, negative_slope);
  } else {
    apply_in_place(LeakyReluFromInput{}, at, input, negative_slope);
  }
  return input;
}
Tensor elu_(Tensor input, double alpha, Location at) {
  if (alpha >= 0) {
    apply_in_place(EluInPlace{}, at, input, alpha, 1.0);
  } else {
    apply_in_place(Elu{}, at, input, alpha, 1.0);
  }
  return input;
}
Tensor selu_(Tensor input, Location at) {
  const Frame frame("selu_", at);
  apply_in_place(EluInPlace{}, at, input, kSeluAlpha * kSeluScale, kSeluScale);
  return input;
}

namespace {
constinit const Row rows[] = {
    row<&leaky_relu>("leaky_relu", args("input", "negative_slope"_a = 0.01),
                     "max(input, 0) + negative_slope * min(input, 0), element by element; the "
                     "slope at 0 is negative_slope.",
                     RowOptions{.torch = "nn.functional.leaky_relu"}),
    row<&elu>("elu", args("input", "alpha"_a = 1.0),
              "input where it is positive, alpha * (exp(input) - 1) elsewhere.",
              RowOptions{.torch = "nn.functional.elu"}),
    row<&selu>("selu", args("input"),
               "scale * elu(input, alpha) with scale = 1.0507… and alpha = 1.6732…, which keep "
               "mean 0 and variance 1 from layer to layer.",
               RowOptions{.torch = "nn.functional.selu"}),
    row<&softplus>("softplus", args("input", "beta"_a = 1.0, "threshold"_a = 20.0),
                   "log(1 + exp(beta * input)) / beta, and input itself where beta * input is "
                   "above the threshold.",
                   RowOptions{.torch = "nn.functional.softplus", .precision = Precision::kFloat32}),
    row<&leaky_relu_>("leaky_relu_", args("input", "negative_slope"_a = 0.01),
                      "leaky_relu in place; returns input.",
                      RowOptions{.torch = "nn.functional.leaky_relu_"}),
    row<&elu_>("elu_", args("input", "alpha"_a = 1.0), "elu in place; returns input.",
               RowOptions{.torch = "nn.functional.elu_"}),
    row<&selu_>("selu_", args("input"), "selu in place; returns input.",
                RowOptions{.torch = "nn.functional.selu_"}),
};
constinit OpInfo* const ops[] = {
    &op_info<LeakyRelu>,         &op_info<LeakyReluFromInput>,
    &op_info<LeakyReluBackward>, &op_info<Elu>,
    &op_info<EluInPlace>,        &op_info<EluBackward>,
    &op_info<EluOutputBackward>, &op_info<Softplus>,
    &op_info<SoftplusBackward>,
};
}  // namespace
extern const RowList rows_activation;
constinit const RowList rows_activation{rows, ops};

}  // namespace entasis
