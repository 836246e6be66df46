// Functions of one tensor. Their gradients are fused: one pass over the output's gradient and the
// input, or the output where that is cheaper. The gradient of such a backward op comes from its
// formula on dual numbers of tensors, hence in public ops, which can be differentiated again and
// again.
#include <entasis/ops/unary.h>

#include <entasis/core/row.h>
#include <entasis/ops/activation_internal.h>
#include <entasis/ops/arithmetic.h>
#include <entasis/ops/composed_internal.h>
#include <entasis/ops/pointwise_internal.h>

namespace entasis {
namespace composed {

#include <entasis/kernels/formulas/gelu_backward.inc>
#include <entasis/kernels/formulas/gelu_tanh_backward.inc>
#include <entasis/kernels/formulas/mish_backward.inc>
#include <entasis/kernels/formulas/sigmoid_backward.inc>
#include <entasis/kernels/formulas/silu_backward.inc>
#include <entasis/kernels/formulas/softsign_backward.inc>
#include <entasis/kernels/formulas/sqrt_backward.inc>
#include <entasis/kernels/formulas/tanh_backward.inc>

using DualValue = Dual<Value>;

}  // namespace composed

// ---- Backward ops: gy times a slope that depends on v, the forward's input or output.

using BackwardFormula = composed::DualValue (*)(composed::DualValue gy, composed::DualValue v);

template <class Op, BackwardFormula formula>
struct BackwardRule : PointwiseRule<Op> {
  static constexpr SaveMask saves[] = {saves_in(1), saves_in(0) | saves_in(1)};
  static Grads vjp(const Op& op, const Saved& saved, Grads gy) {
    return {saved.if_needed(0, [&] { return apply(op, {}, gy[0], saved.in(1)); }),
            saved.if_needed(1, [&] { return mul(gy[0], along_value(saved)); })};
  }

 private:
  static composed::Value along_value(const Saved& saved) {
    using composed::DualValue, composed::Value;
    return formula(DualValue(Value(saved.in(0))), DualValue(Value(saved.in(1)), Value(1))).d;
  }
};
template <>
struct Rule<SqrtBackward> : BackwardRule<SqrtBackward, &composed::sqrt_backward> {};
template <>
struct Rule<TanhBackward> : BackwardRule<TanhBackward, &composed::tanh_backward> {};
template <>
struct Rule<SigmoidBackward> : BackwardRule<SigmoidBackward, &composed::sigmoid_backward> {};
template <>
struct Rule<SoftsignBackward> : BackwardRule<SoftsignBackward, &composed::softsign_backward> {};
template <>
struct Rule<SiluBackward> : BackwardRule<SiluBackward, &composed::silu_backward> {};
template <>
struct Rule<MishBackward> : BackwardRule<MishBackward, &composed::mish_backward> {};
template <>
struct Rule<GeluBackward> : BackwardRule<GeluBackward, &composed::gelu_backward> {};
template <>
struct Rule<GeluTanhBackward> : BackwardRule<GeluTanhBackward, &composed::gelu_tanh_backward> {};

// A step: its own slope is 0.
template <>
struct Rule<ReluBackward> : PointwiseRule<ReluBackward> {
  static constexpr SaveMask saves[] = {saves_in(1), saves_nothing};
  static Grads vjp(const ReluBackward& op, const Saved& saved, Grads gy) {
    return {saved.if_needed(0, [&] { return apply(op, {}, gy[0], saved.in(1)); })};
  }
};

// ---- Forward ops

template <class Op, class Backward>
struct FromInputRule : PointwiseRule<Op> {
  static constexpr SaveMask saves[] = {saves_in(0)};
  static Grads vjp(const Op&, const Saved& saved, Grads gy) {
    return {apply(Backward{}, {}, gy[0], saved.in(0))};
  }
};
template <class Op, class Backward>
struct FromOutputRule : PointwiseRule<Op> {
  static constexpr SaveMask saves[] = {saves_out(0)};
  static Grads vjp(const Op&, const Saved& saved, Grads gy) {
    return {apply(Backward{}, {}, gy[0], saved.out(0))};
  }
};
template <>
struct Rule<Sqrt> : FromOutputRule<Sqrt, SqrtBackward> {};
template <>
struct Rule<Tanh> : FromOutputRule<Tanh, TanhBackward> {};
template <>
struct Rule<Sigmoid> : FromOutputRule<Sigmoid, SigmoidBackward> {};
template <>
struct Rule<Relu> : FromOutputRule<Relu, ReluBackward> {};
template <>
struct Rule<Softsign> : FromInputRule<Softsign, SoftsignBackward> {};
template <>
struct Rule<Silu> : FromInputRule<Silu, SiluBackward> {};
template <>
struct Rule<Mish> : FromInputRule<Mish, MishBackward> {};
template <>
struct Rule<Gelu> : FromInputRule<Gelu, GeluBackward> {};
template <>
struct Rule<GeluTanh> : FromInputRule<GeluTanh, GeluTanhBackward> {};

template <>
struct Rule<Exp> : PointwiseRule<Exp> {
  static constexpr SaveMask saves[] = {saves_out(0)};
  static Grads vjp(const Exp&, const Saved& saved, Grads gy) { return {mul(gy[0], saved.out(0))}; }
};
template <>
struct Rule<Log> : PointwiseRule<Log> {
  static constexpr SaveMask saves[] = {saves_in(0)};
  static Grads vjp(const Log&, const Saved& saved, Grads gy) { return {div(gy[0], saved.in(0))}; }
};
template <>
struct Rule<Erf> : PointwiseRule<Erf> {
  static constexpr SaveMask saves[] = {saves_in(0)};
  static Grads vjp(const Erf&, const Saved& saved, Grads gy) {
    return {mul(gy[0], erf_gaussian(saved.in(0)))};
  }
};
// exp(-x²) has the slope -2x times itself: 0 at infinity, where it would be inf · 0.
template <>
struct Rule<ErfGaussian> : PointwiseRule<ErfGaussian> {
  static constexpr SaveMask saves[] = {saves_in(0) | saves_out(0)};
  static Grads vjp(const ErfGaussian&, const Saved& saved, Grads gy) {
    const Tensor x = saved.in(0), y = saved.out(0);
    return {mul(gy[0], mul(y, where(eq(y, 0), 0, mul(x, -2))))};
  }
};

// ---- Functions

Tensor exp(const Tensor& input, Location at) { return apply(Exp{}, at, input); }
Tensor log(const Tensor& input, Location at) { return apply(Log{}, at, input); }
Tensor sqrt(const Tensor& input, Location at) { return apply(Sqrt{}, at, input); }
Tensor tanh(const Tensor& input, Location at) { return apply(Tanh{}, at, input); }
Tensor sigmoid(const Tensor& input, Location at) { return apply(Sigmoid{}, at, input); }
Tensor relu(const Tensor& input, Location at) { return apply(Relu{}, at, input); }
Tensor gelu(const Tensor& input, Approximate approximate, Location at) {
  return approximate == Approximate::kTanh ? apply(GeluTanh{}, at, input)
                                           : apply(Gelu{}, at, input);
}
Tensor silu(const Tensor& input, Location at) { return apply(Silu{}, at, input); }
Tensor swish(const Tensor& input, Location at) {
  const Frame frame("swish", at);
  return apply(Silu{}, at, input);
}
Tensor mish(const Tensor& input, Location at) { return apply(Mish{}, at, input); }
Tensor softsign(const Tensor& input, Location at) { return apply(Softsign{}, at, input); }
Tensor erf(const Tensor& input, Location at) { return apply(Erf{}, at, input); }
Tensor erf_gaussian(const Tensor& input, Location at) { return apply(ErfGaussian{}, at, input); }

Tensor relu_backward(const Tensor& grad_output, const Tensor& input, Location at) {
  return apply(ReluBackward{}, at, grad_output, input);
}
Tensor gelu_backward(const Tensor& grad_output, const Tensor& input, Approximate approximate,
                     Location at) {
  return approximate == Approximate::kTanh ? apply(GeluTanhBackward{}, at, grad_output, input)
                                           : apply(GeluBackward{}, at, grad_output, input);
}

template <class Op>
static Tensor in_place(const Op& op, const Tensor& input, Location at) {
  apply_in_place(op, at, input);
  return input;
}
Tensor exp_(Tensor input, Location at) { return in_place(Exp{}, input, at); }
Tensor sqrt_(Tensor input, Location at) { return in_place(Sqrt{}, input, at); }
Tensor tanh_(Tensor input, Location at) { return in_place(Tanh{}, input, at); }
Tensor sigmoid_(Tensor input, Location at) { return in_place(Sigmoid{}, input, at); }
Tensor relu_(Tensor input, Location at) { return in_place(Relu{}, input, at); }

namespace {
constinit const Row rows[] = {
    row<&exp>("exp", args("input"), "e to the power of input, element by element."),
    row<&log>("log", args("input"),
              "The natural logarithm of input: -inf at 0, NaN for negative elements."),
    row<&sqrt>("sqrt", args("input"), "The square root of input; NaN for negative elements."),
    row<&tanh>("tanh", args("input"), "The hyperbolic tangent of input."),
    row<&sigmoid>("sigmoid", args("input"), "The logistic function 1 / (1 + exp(-input))."),
    row<&relu>("relu", args("input"), "max(input, 0), element by element; the gradient at 0 is 0."),
    row<&gelu>(
        "gelu", args("input", "approximate"_a = Approximate::kNone),
        "input times the Gaussian distribution function of input; with approximate='tanh' the "
        "approximation of that function by tanh.",
        RowOptions{.torch = "nn.functional.gelu"}),
    row<&silu>("silu", args("input"), "input * sigmoid(input), also called swish.",
               RowOptions{.torch = "nn.functional.silu"}),
    row<&swish>("swish", args("input"), "input * sigmoid(input): silu by its other name.",
                RowOptions{.torch = "nn.functional.silu"}),
    row<&mish>("mish", args("input"), "input * tanh(log(1 + exp(input))).",
               RowOptions{.torch = "nn.functional.mish"}),
    row<&softsign>("softsign", args("input"), "input / (1 + |input|).",
                   RowOptions{.torch = "nn.functional.softsign"}),
    row<&exp_>("exp_", args("input"), "exp in place; returns input."),
    row<&sqrt_>("sqrt_", args("input"), "sqrt in place; returns input."),
    row<&tanh_>("tanh_", args("input"), "tanh in place; returns input."),
    row<&sigmoid_>("sigmoid_", args("input"), "sigmoid in place; returns input."),
    row<&relu_>("relu_", args("input"), "relu in place; returns input."),
};
constinit OpInfo* const ops[] = {
    &op_info<Exp>,
    &op_info<Log>,
    &op_info<Sqrt>,
    &op_info<Tanh>,
    &op_info<Sigmoid>,
    &op_info<Relu>,
    &op_info<Gelu>,
    &op_info<GeluTanh>,
    &op_info<Silu>,
    &op_info<Mish>,
    &op_info<Softsign>,
    &op_info<Erf>,
    &op_info<ErfGaussian>,
    &op_info<SqrtBackward>,
    &op_info<TanhBackward>,
    &op_info<SigmoidBackward>,
    &op_info<ReluBackward>,
    &op_info<GeluBackward>,
    &op_info<GeluTanhBackward>,
    &op_info<SiluBackward>,
    &op_info<MishBackward>,
    &op_info<SoftsignBackward>,
};
}  // namespace
extern const RowList rows_unary;
constinit const RowList rows_unary{rows, ops};

}  // namespace entasis
