// Smooth activations: rules and public functions.
#include <entasis/ops/activation.h>

#include <entasis/core/row.h>
#include <entasis/ops/activation_internal.h>
#include <entasis/ops/function_rules_internal.h>
#include <entasis/ops/join.h>
#include <entasis/ops/placed_internal.h>
#include <entasis/ops/shape.h>
#include <entasis/ops/special_internal.h>
#include <entasis/ops/split.h>

namespace entasis {

template <>
struct Rule<Gelu> : FromInputRule<Gelu> {};
template <>
struct Rule<GeluTanh> : FromInputRule<GeluTanh> {};
template <>
struct Rule<Silu> : FromInputRule<Silu> {};
template <>
struct Rule<Mish> : FromInputRule<Mish> {};
template <>
struct Rule<Softsign> : FromInputRule<Softsign> {};
template <>
struct Rule<LogSigmoid> : FromInputRule<LogSigmoid> {};
template <>
struct Rule<TanhShrink> : FromInputRule<TanhShrink> {};
template <>
struct Rule<Softplus> : FromInputRule<Softplus> {};
template <>
struct Rule<Elu> : FromInputRule<Elu> {};
template <>
struct Rule<Celu> : FromInputRule<Celu> {};

template <>
struct Rule<EluInPlace> : PointwiseRule<EluInPlace> {
  static constexpr SaveMask saves[] = {saves_out(0)};
  static Grads vjp(const EluInPlace&, const Saved& saved, Grads gy) {
    return {apply(EluOutputBackward{}, {}, gy[0], saved.out(0), parameter(saved, 1),
                  parameter(saved, 2))};
  }
};
// On the left of 0 the slope, y + below, has itself the slope 1.
template <>
struct Rule<EluOutputBackward> : PointwiseRule<EluOutputBackward> {
  static constexpr SaveMask saves[] = {saves_in(1), saves_in(0) | saves_in(1), saves_nothing};
  static Grads vjp(const EluOutputBackward& op, const Saved& saved, Grads gy) {
    const Tensor y = saved.in(1);
    return {
        saved.if_needed(
            0, [&] { return apply(op, {}, gy[0], y, parameter(saved, 2), parameter(saved, 3)); }),
        saved.if_needed(1, [&] { return where(gt(y, 0), 0, mul(gy[0], saved.in(0))); })};
  }
};

template <>
struct Rule<Glu> : PointwiseRule<Glu> {
  static constexpr SaveMask saves[] = {saves_in(1), saves_in(0) | saves_in(1)};
  static Grads vjp(const Glu&, const Saved& saved, Grads gy) {
    const Tensor gate = sigmoid(saved.in(1));
    return {saved.if_needed(0, [&] { return mul(gy[0], gate); }),
            saved.if_needed(1, [&] { return sigmoid_backward(mul(gy[0], saved.in(0)), gate); })};
  }
};

namespace {

// The fixed point of Klambauer et al. 2017, equation 14.
constexpr double kSeluAlpha = 1.6732632423543772848;
constexpr double kSeluScale = 1.0507009873554804934;

void check_celu(const char* name, double alpha, Location at) {
  if (alpha == 0) placed(name, at, [] { throw ValueError("alpha is 0"); });
}

struct Halves {
  Tensor value, gate;
};
Halves halves_of(const char* name, const Tensor& input, int64_t dim, Location at) {
  return placed(name, at, [&]() -> Halves {
    if (!input.defined()) throw ValueError("input 0 is an undefined tensor");
    if (input.dim() == 0) throw ShapeError("a 0-d tensor has no halves");
    const int64_t size = input.size(dim);
    if (size % 2 != 0) {
      throw ShapeError("dimension " + std::to_string(dim) + " of size " + std::to_string(size) +
                       " has no halves");
    }
    const Tensors parts = split(input, Ints{size / 2, size / 2}, dim);
    return {parts[0], parts[1]};
  });
}

}  // namespace

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
Tensor logsigmoid(const Tensor& input, Location at) { return apply(LogSigmoid{}, at, input); }
Tensor tanhshrink(const Tensor& input, Location at) { return apply(TanhShrink{}, at, input); }
Tensor softplus(const Tensor& input, double beta, double threshold, Location at) {
  return apply(Softplus{}, at, input, beta, threshold);
}
Tensor elu(const Tensor& input, double alpha, Location at) {
  return apply(Elu{}, at, input, alpha, 1.0);
}
Tensor celu(const Tensor& input, double alpha, Location at) {
  check_celu("celu", alpha, at);
  return apply(Celu{}, at, input, alpha);
}
Tensor selu(const Tensor& input, Location at) {
  const Frame frame("selu", at);
  return apply(Elu{}, at, input, kSeluAlpha * kSeluScale, kSeluScale);
}
Tensor glu(const Tensor& input, int64_t dim, Location at) {
  const Frame frame("glu", at);
  const Halves halves = halves_of("glu", input, dim, at);
  return apply(Glu{}, at, halves.value, halves.gate);
}

Tensor elu_(Tensor input, double alpha, Location at) {
  return alpha >= 0 ? in_place(EluInPlace{}, at, input, alpha, 1.0)
                    : in_place(Elu{}, at, input, alpha, 1.0);
}
Tensor celu_(Tensor input, double alpha, Location at) {
  check_celu("celu_", alpha, at);
  return in_place(Celu{}, at, input, alpha);
}
Tensor selu_(Tensor input, Location at) {
  const Frame frame("selu_", at);
  return in_place(EluInPlace{}, at, input, kSeluAlpha * kSeluScale, kSeluScale);
}

Tensor gelu_backward(const Tensor& grad_output, const Tensor& input, Approximate approximate,
                     Location at) {
  return approximate == Approximate::kTanh ? apply(BackwardOf<GeluTanh>{}, at, grad_output, input)
                                           : apply(BackwardOf<Gelu>{}, at, grad_output, input);
}
Tensor silu_backward(const Tensor& grad_output, const Tensor& input, Location at) {
  return apply(BackwardOf<Silu>{}, at, grad_output, input);
}
Tensor swish_backward(const Tensor& grad_output, const Tensor& input, Location at) {
  const Frame frame("swish_backward", at);
  return apply(BackwardOf<Silu>{}, at, grad_output, input);
}
Tensor mish_backward(const Tensor& grad_output, const Tensor& input, Location at) {
  return apply(BackwardOf<Mish>{}, at, grad_output, input);
}
Tensor softsign_backward(const Tensor& grad_output, const Tensor& input, Location at) {
  return apply(BackwardOf<Softsign>{}, at, grad_output, input);
}
Tensor logsigmoid_backward(const Tensor& grad_output, const Tensor& input, Location at) {
  return apply(BackwardOf<LogSigmoid>{}, at, grad_output, input);
}
Tensor tanhshrink_backward(const Tensor& grad_output, const Tensor& input, Location at) {
  return apply(BackwardOf<TanhShrink>{}, at, grad_output, input);
}
Tensor softplus_backward(const Tensor& grad_output, const Tensor& input, double beta,
                         double threshold, Location at) {
  return apply(BackwardOf<Softplus>{}, at, grad_output, input, beta, threshold);
}
Tensor elu_backward(const Tensor& grad_output, const Tensor& input, double alpha, Location at) {
  return apply(BackwardOf<Elu>{}, at, grad_output, input, alpha, 1.0);
}
Tensor celu_backward(const Tensor& grad_output, const Tensor& input, double alpha, Location at) {
  check_celu("celu_backward", alpha, at);
  return apply(BackwardOf<Celu>{}, at, grad_output, input, alpha);
}
Tensor selu_backward(const Tensor& grad_output, const Tensor& input, Location at) {
  const Frame frame("selu_backward", at);
  return apply(BackwardOf<Elu>{}, at, grad_output, input, kSeluAlpha * kSeluScale, kSeluScale);
}
Tensor glu_backward(const Tensor& grad_output, const Tensor& input, int64_t dim, Location at) {
  const Frame frame("glu_backward", at);
  const Halves halves = halves_of("glu_backward", input, dim, at);
  const Tensor gate = sigmoid(halves.gate, at);
  return cat(
      {mul(grad_output, gate, at), sigmoid_backward(mul(grad_output, halves.value, at), gate, at)},
      dim, at);
}

namespace {

constexpr RowOptions functional(const char* torch) { return {.torch = torch}; }
constexpr RowOptions backward(const char* torch) { return {.torch = torch, .method = false}; }
constexpr RowOptions backward_without_twin() {
  return {.torch = "",
          .why_no_torch = "PyTorch differentiates this function by its parts",
          .method = false};
}

constinit const Row rows[] = {
    row<&gelu>(
        "gelu", args("input", "approximate"_a = Approximate::kNone),
        "input times the Gaussian distribution function of input; with approximate='tanh' the "
        "approximation of that function by tanh.",
        functional("nn.functional.gelu")),
    row<&silu>("silu", args("input"), "input * sigmoid(input), also called swish.",
               functional("nn.functional.silu")),
    row<&swish>("swish", args("input"), "input * sigmoid(input): silu by its other name.",
                functional("nn.functional.silu")),
    row<&mish>("mish", args("input"), "input * tanh(log(1 + exp(input))).",
               functional("nn.functional.mish")),
    row<&softsign>("softsign", args("input"), "input / (1 + |input|).",
                   functional("nn.functional.softsign")),
    row<&logsigmoid>("logsigmoid", args("input"), "The logarithm of sigmoid(input).",
                     functional("nn.functional.logsigmoid")),
    row<&tanhshrink>("tanhshrink", args("input"), "input - tanh(input).",
                     functional("nn.functional.tanhshrink")),
    row<&softplus>("softplus", args("input", "beta"_a = 1.0, "threshold"_a = 20.0),
                   "log(1 + exp(beta * input)) / beta, and input itself where beta * input is "
                   "above the threshold.",
                   RowOptions{.torch = "nn.functional.softplus", .precision = Precision::kFloat32}),
    row<&elu>("elu", args("input", "alpha"_a = 1.0),
              "input where it is positive, alpha * (exp(input) - 1) elsewhere.",
              functional("nn.functional.elu")),
    row<&celu>("celu", args("input", "alpha"_a = 1.0),
               "input where it is positive, alpha * (exp(input / alpha) - 1) elsewhere. An alpha "
               "of 0 raises ValueError.",
               functional("nn.functional.celu")),
    row<&selu>("selu", args("input"),
               "scale * elu(input, alpha) with scale = 1.0507… and alpha = 1.6732…, which keep "
               "mean 0 and variance 1 from layer to layer.",
               functional("nn.functional.selu")),
    row<&glu>("glu", args("input", "dim"_a = -1),
              "a * sigmoid(b) with a and b the two halves of input along dim.",
              functional("nn.functional.glu")),
    row<&elu_>("elu_", args("input", "alpha"_a = 1.0), "elu in place; returns input.",
               functional("nn.functional.elu_")),
    row<&celu_>("celu_", args("input", "alpha"_a = 1.0), "celu in place; returns input.",
                functional("celu_")),
    row<&selu_>("selu_", args("input"), "selu in place; returns input.",
                functional("nn.functional.selu_")),
    row<&gelu_backward>(
        "gelu_backward", args("grad_output", "input", "approximate"_a = Approximate::kNone),
        "The gradient of gelu at input, times grad_output.", backward("ops.aten.gelu_backward")),
    row<&silu_backward>("silu_backward", args("grad_output", "input"),
                        "The gradient of silu at input, times grad_output.",
                        backward("ops.aten.silu_backward")),
    row<&swish_backward>("swish_backward", args("grad_output", "input"),
                         "The gradient of swish at input, times grad_output.",
                         backward("ops.aten.silu_backward")),
    row<&mish_backward>("mish_backward", args("grad_output", "input"),
                        "The gradient of mish at input, times grad_output.",
                        backward("ops.aten.mish_backward")),
    row<&softsign_backward>("softsign_backward", args("grad_output", "input"),
                            "The gradient of softsign at input, times grad_output.",
                            backward_without_twin()),
    row<&logsigmoid_backward>(
        "logsigmoid_backward", args("grad_output", "input"),
        "The gradient of logsigmoid at input, times grad_output.",
        RowOptions{.torch = "",
                   .why_no_torch = "aten.log_sigmoid_backward also takes a buffer",
                   .method = false}),
    row<&tanhshrink_backward>("tanhshrink_backward", args("grad_output", "input"),
                              "The gradient of tanhshrink at input, times grad_output.",
                              backward_without_twin()),
    row<&softplus_backward>("softplus_backward",
                            args("grad_output", "input", "beta"_a = 1.0, "threshold"_a = 20.0),
                            "The gradient of softplus at input, times grad_output.",
                            RowOptions{.torch = "ops.aten.softplus_backward",
                                       .precision = Precision::kFloat32,
                                       .method = false}),
    row<&elu_backward>("elu_backward", args("grad_output", "input", "alpha"_a = 1.0),
                       "The gradient of elu at input, times grad_output.",
                       backward("ops.aten.elu_backward")),
    row<&celu_backward>("celu_backward", args("grad_output", "input", "alpha"_a = 1.0),
                        "The gradient of celu at input, times grad_output.",
                        backward_without_twin()),
    row<&selu_backward>("selu_backward", args("grad_output", "input"),
                        "The gradient of selu at input, times grad_output.",
                        backward_without_twin()),
    row<&glu_backward>("glu_backward", args("grad_output", "input", "dim"_a = -1),
                       "The gradient of glu at input, times grad_output.",
                       backward("ops.aten.glu_backward")),
};
constinit const auto ops = infos_of(ActivationOps());
}  // namespace
extern const RowList rows_activation;
constinit const RowList rows_activation{rows, ops};

}  // namespace entasis
