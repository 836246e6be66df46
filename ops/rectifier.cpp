// Activations of straight pieces: rules and public functions.
#include <entasis/ops/rectifier.h>

#include <entasis/core/row.h>
#include <entasis/ops/activation_internal.h>
#include <entasis/ops/copy.h>
#include <entasis/ops/function_rules_internal.h>
#include <entasis/ops/placed_internal.h>
#include <entasis/ops/reduction.h>
#include <entasis/ops/shape.h>

namespace entasis {

template <>
struct Rule<Relu> : FromOutputRule<Relu> {};
template <>
struct Rule<LeakyRelu> : FromOutputRule<LeakyRelu> {};
template <>
struct Rule<LeakyReluFromInput> : FromInputRule<LeakyReluFromInput, LeakyRelu> {};
// Their parameters may be integers, with which bool would give integers.
template <class Op>
struct NoBoolRule : FromInputRule<Op> {
  static Spec infer(const Op& op, Inputs in) {
    if (in[0].dtype() == kBool) throw DtypeError("not defined for bool");
    return PointwiseRule<Op>::infer(op, in);
  }
};
template <>
struct Rule<Hardtanh> : NoBoolRule<Hardtanh> {};
template <>
struct Rule<Threshold> : NoBoolRule<Threshold> {};
template <>
struct Rule<HardSigmoid> : FromInputRule<HardSigmoid> {};
template <>
struct Rule<HardSwish> : FromInputRule<HardSwish> {};
template <>
struct Rule<HardShrink> : FromInputRule<HardShrink> {};
template <>
struct Rule<SoftShrink> : FromInputRule<SoftShrink> {};

namespace {

// What a gradient that belongs to the left of 0 is there.
Tensor on_the_left(const Tensor& input, const Tensor& gradient) {
  return where(gt(input, 0), 0, gradient);
}

}  // namespace

template <>
struct Rule<Prelu> : PointwiseRule<Prelu> {
  static constexpr SaveMask saves[] = {saves_in(0) | saves_in(1), saves_in(0)};
  static Grads vjp(const Prelu&, const Saved& saved, Grads gy) {
    const Tensor x = saved.in(0);
    return {saved.if_needed(0, [&] { return apply(PreluBackward{}, {}, gy[0], x, saved.in(1)); }),
            saved.if_needed(1, [&] { return on_the_left(x, mul(gy[0], x)); })};
  }
};
template <>
struct Rule<PreluBackward> : PointwiseRule<PreluBackward> {
  static constexpr SaveMask saves[] = {saves_in(1) | saves_in(2), saves_nothing,
                                       saves_in(0) | saves_in(1)};
  static Grads vjp(const PreluBackward& op, const Saved& saved, Grads gy) {
    return {saved.if_needed(0, [&] { return apply(op, {}, gy[0], saved.in(1), saved.in(2)); }),
            Tensor(),
            saved.if_needed(2, [&] { return on_the_left(saved.in(1), mul(gy[0], saved.in(0))); })};
  }
};

namespace {

void check_defined(const Tensor& tensor, int index) {
  if (!tensor.defined()) {
    throw ValueError("input " + std::to_string(index) + " is an undefined tensor");
  }
}

// A parameter in the category of the input: integers have integer limits, as in PyTorch.
Number like(const Tensor& input, double value) {
  if (!input.defined() || is_floating_point(input.dtype())) return value;
  return int64_t(value);
}

void check_limits(const char* name, double low, double high, Location at) {
  if (low <= high) return;
  placed(name, at, [&] {
    throw ValueError("the limits " + to_string(Number(low)) + " and " + to_string(Number(high)) +
                     " are the wrong way round");
  });
}

void check_lambd(const char* name, double lambd, Location at) {
  if (lambd >= 0) return;
  placed(name, at,
         [&] { throw ValueError("lambd is " + to_string(Number(lambd)) + ", which is negative"); });
}

// The slopes as they broadcast with the input, whose channels dimension 1 counts.
Tensor channel_slopes(const char* name, const Tensor& input, const Tensor& weight, Location at) {
  return placed(name, at, [&] {
    check_defined(input, 0);
    check_defined(weight, 1);
    if (input.dtype() != weight.dtype()) {
      throw DtypeError(std::string("input is ") + name_of(input.dtype()) + ", weight " +
                       name_of(weight.dtype()));
    }
    if (weight.dim() > 1) {
      throw ShapeError("weight must have at most one dimension, not shape " +
                       to_string(weight.shape()));
    }
    const int64_t channels = input.dim() > 1 ? input.shape()[1] : 1;
    if (weight.numel() != 1 && weight.numel() != channels) {
      throw ShapeError("weight has " + std::to_string(weight.numel()) +
                       " elements, input of shape " + to_string(input.shape()) + " has " +
                       std::to_string(channels) + " channels");
    }
    if (input.dim() == 0) return weight.dim() == 0 ? weight : reshape(weight, {});
    Dims shape;
    for (int i = 0; i < input.dim(); ++i) shape.push_back(i == 1 ? weight.numel() : 1);
    return reshape(weight, shape);
  });
}

// The slopes of rrelu while training: drawn for each element that is not positive, 1 elsewhere.
Tensor random_slopes(const Tensor& input, double lower, double upper) {
  Tensor slopes = empty_like(input);
  uniform_(slopes, lower, upper);
  return where(gt(input, 0), 1, slopes);
}

}  // namespace

Tensor relu(const Tensor& input, Location at) { return apply(Relu{}, at, input); }
Tensor relu6(const Tensor& input, Location at) {
  const Frame frame("relu6", at);
  return apply(Hardtanh{}, at, input, 0, 6);
}
Tensor hardtanh(const Tensor& input, double min_val, double max_val, Location at) {
  check_limits("hardtanh", min_val, max_val, at);
  return apply(Hardtanh{}, at, input, like(input, min_val), like(input, max_val));
}
Tensor leaky_relu(const Tensor& input, double negative_slope, Location at) {
  const Frame frame("leaky_relu", at);
  return negative_slope >= 0 ? apply(LeakyRelu{}, at, input, negative_slope)
                             : apply(LeakyReluFromInput{}, at, input, negative_slope);
}
Tensor prelu(const Tensor& input, const Tensor& weight, Location at) {
  const Frame frame("prelu", at);
  return apply(Prelu{}, at, input, channel_slopes("prelu", input, weight, at));
}
Tensor rrelu(const Tensor& input, double lower, double upper, bool training, Location at) {
  const Frame frame("rrelu", at);
  check_limits("rrelu", lower, upper, at);
  if (!training || !input.defined()) return leaky_relu(input, (lower + upper) / 2, at);
  const Tensor x = is_floating_point(input.dtype()) ? input : to(input, kF32, at);
  return mul(x, random_slopes(x, lower, upper), at);
}
Tensor hardsigmoid(const Tensor& input, Location at) { return apply(HardSigmoid{}, at, input); }
Tensor hardswish(const Tensor& input, Location at) { return apply(HardSwish{}, at, input); }
Tensor hardshrink(const Tensor& input, double lambd, Location at) {
  return apply(HardShrink{}, at, input, lambd);
}
Tensor softshrink(const Tensor& input, double lambd, Location at) {
  check_lambd("softshrink", lambd, at);
  return apply(SoftShrink{}, at, input, lambd);
}
Tensor threshold(const Tensor& input, double threshold, double value, Location at) {
  return apply(Threshold{}, at, input, like(input, threshold), like(input, value));
}

Tensor relu_(Tensor input, Location at) { return in_place(Relu{}, at, input); }
Tensor leaky_relu_(Tensor input, double negative_slope, Location at) {
  const Frame frame("leaky_relu_", at);
  return negative_slope >= 0 ? in_place(LeakyRelu{}, at, input, negative_slope)
                             : in_place(LeakyReluFromInput{}, at, input, negative_slope);
}
Tensor rrelu_(Tensor input, double lower, double upper, bool training, Location at) {
  const Frame frame("rrelu_", at);
  check_limits("rrelu_", lower, upper, at);
  if (!training || !input.defined()) return leaky_relu_(input, (lower + upper) / 2, at);
  return mul_(input, random_slopes(input.detach(), lower, upper), at);
}
Tensor hardtanh_(Tensor input, double min_val, double max_val, Location at) {
  check_limits("hardtanh_", min_val, max_val, at);
  return in_place(Hardtanh{}, at, input, like(input, min_val), like(input, max_val));
}
Tensor threshold_(Tensor input, double threshold, double value, Location at) {
  return in_place(Threshold{}, at, input, like(input, threshold), like(input, value));
}

Tensor relu_backward(const Tensor& grad_output, const Tensor& input, Location at) {
  return apply(BackwardOf<Relu>{}, at, grad_output, input);
}
Tensor relu6_backward(const Tensor& grad_output, const Tensor& input, Location at) {
  const Frame frame("relu6_backward", at);
  return apply(BackwardOf<Hardtanh>{}, at, grad_output, input, 0.0, 6.0);
}
Tensor hardtanh_backward(const Tensor& grad_output, const Tensor& input, double min_val,
                         double max_val, Location at) {
  return apply(BackwardOf<Hardtanh>{}, at, grad_output, input, min_val, max_val);
}
Tensor leaky_relu_backward(const Tensor& grad_output, const Tensor& input, double negative_slope,
                           Location at) {
  return apply(BackwardOf<LeakyRelu>{}, at, grad_output, input, negative_slope);
}
PreluGradients prelu_backward(const Tensor& grad_output, const Tensor& input, const Tensor& weight,
                              Location at) {
  const Frame frame("prelu_backward", at);
  const Tensor slopes = channel_slopes("prelu_backward", input, weight, at);
  const Tensor by_slope = on_the_left(input, mul(grad_output, input, at));
  return {apply(PreluBackward{}, at, grad_output, input, slopes),
          reshape(sum_to(by_slope, slopes.shape(), at), weight.shape(), at)};
}
Tensor rrelu_backward(const Tensor& grad_output, const Tensor& input, const Tensor& noise,
                      Location at) {
  const Frame frame("rrelu_backward", at);
  return apply(PreluBackward{}, at, grad_output, input, noise);
}
Tensor hardsigmoid_backward(const Tensor& grad_output, const Tensor& input, Location at) {
  return apply(BackwardOf<HardSigmoid>{}, at, grad_output, input);
}
Tensor hardswish_backward(const Tensor& grad_output, const Tensor& input, Location at) {
  return apply(BackwardOf<HardSwish>{}, at, grad_output, input);
}
Tensor hardshrink_backward(const Tensor& grad_output, const Tensor& input, double lambd,
                           Location at) {
  return apply(BackwardOf<HardShrink>{}, at, grad_output, input, lambd);
}
Tensor softshrink_backward(const Tensor& grad_output, const Tensor& input, double lambd,
                           Location at) {
  check_lambd("softshrink_backward", lambd, at);
  return apply(BackwardOf<SoftShrink>{}, at, grad_output, input, lambd);
}
Tensor threshold_backward(const Tensor& grad_output, const Tensor& input, double threshold,
                          Location at) {
  return apply(BackwardOf<Threshold>{}, at, grad_output, input, threshold, 0.0);
}

namespace {

constexpr RowOptions functional(const char* torch) { return {.torch = torch}; }
constexpr RowOptions backward(const char* torch) { return {.torch = torch, .method = false}; }

constinit const Row rows[] = {
    row<&relu>("relu", args("input"), "max(input, 0), element by element; the gradient at 0 is 0."),
    row<&relu6>("relu6", args("input"), "input limited to [0, 6].",
                functional("nn.functional.relu6")),
    row<&hardtanh>("hardtanh", args("input", "min_val"_a = -1.0, "max_val"_a = 1.0),
                   "input limited to [min_val, max_val]; the gradient at the limits is 0.",
                   functional("nn.functional.hardtanh")),
    row<&leaky_relu>("leaky_relu", args("input", "negative_slope"_a = 0.01),
                     "max(input, 0) + negative_slope * min(input, 0), element by element; the "
                     "slope at 0 is negative_slope.",
                     functional("nn.functional.leaky_relu")),
    row<&prelu>("prelu", args("input", "weight"),
                "max(input, 0) + weight * min(input, 0); weight has one element, or one for each "
                "channel, which dimension 1 counts."),
    row<&rrelu>("rrelu",
                args("input", "lower"_a = 1.0 / 8, "upper"_a = 1.0 / 3, "training"_a = false),
                "leaky_relu with a slope drawn from [lower, upper] for each element while "
                "training, and with their mean otherwise."),
    row<&hardsigmoid>("hardsigmoid", args("input"), "A straight line from 0 at -3 to 1 at 3.",
                      functional("nn.functional.hardsigmoid")),
    row<&hardswish>("hardswish", args("input"), "input * hardsigmoid(input).",
                    functional("nn.functional.hardswish")),
    row<&hardshrink>("hardshrink", args("input", "lambd"_a = 0.5),
                     "input where |input| > lambd, 0 elsewhere."),
    row<&softshrink>("softshrink", args("input", "lambd"_a = 0.5),
                     "input brought nearer to 0 by lambd, which must not be negative.",
                     functional("nn.functional.softshrink")),
    row<&threshold>("threshold", args("input", "threshold", "value"),
                    "input where it is above the threshold, value elsewhere."),
    row<&relu_>("relu_", args("input"), "relu in place; returns input."),
    row<&leaky_relu_>("leaky_relu_", args("input", "negative_slope"_a = 0.01),
                      "leaky_relu in place; returns input.",
                      functional("nn.functional.leaky_relu_")),
    row<&rrelu_>("rrelu_",
                 args("input", "lower"_a = 1.0 / 8, "upper"_a = 1.0 / 3, "training"_a = false),
                 "rrelu in place; returns input."),
    row<&hardtanh_>("hardtanh_", args("input", "min_val"_a = -1.0, "max_val"_a = 1.0),
                    "hardtanh in place; returns input.", functional("nn.functional.hardtanh_")),
    row<&threshold_>("threshold_", args("input", "threshold", "value"),
                     "threshold in place; returns input."),
    row<&relu_backward>(
        "relu_backward", args("grad_output", "input"),
        "grad_output where input is positive, 0 elsewhere. input may be the output "
        "as well.",
        RowOptions{
            .torch = "", .why_no_torch = "PyTorch's is threshold_backward at 0", .method = false}),
    row<&relu6_backward>(
        "relu6_backward", args("grad_output", "input"),
        "grad_output where input lies between 0 and 6, 0 elsewhere.",
        RowOptions{.torch = "", .why_no_torch = "PyTorch's is hardtanh_backward", .method = false}),
    row<&hardtanh_backward>("hardtanh_backward",
                            args("grad_output", "input", "min_val"_a = -1.0, "max_val"_a = 1.0),
                            "grad_output where input lies between the limits, 0 elsewhere.",
                            backward("ops.aten.hardtanh_backward")),
    row<&leaky_relu_backward>("leaky_relu_backward",
                              args("grad_output", "input", "negative_slope"_a = 0.01),
                              "grad_output where input is positive, negative_slope times it "
                              "elsewhere.",
                              backward("ops.aten.leaky_relu_backward")),
    row<&prelu_backward>("prelu_backward", args("grad_output", "input", "weight"),
                         "The gradients of prelu along input and along weight, for grad_output.",
                         RowOptions{.torch = "",
                                    .why_no_torch = "aten._prelu_kernel_backward does not sum up",
                                    .method = false,
                                    .results = "input weight"}),
    row<&rrelu_backward>("rrelu_backward", args("grad_output", "input", "noise"),
                         "grad_output where input is positive, noise times it elsewhere.",
                         RowOptions{.torch = "",
                                    .why_no_torch = "aten.rrelu_with_noise_backward takes more",
                                    .method = false}),
    row<&hardsigmoid_backward>("hardsigmoid_backward", args("grad_output", "input"),
                               "The gradient of hardsigmoid at input, times grad_output.",
                               backward("ops.aten.hardsigmoid_backward")),
    row<&hardswish_backward>("hardswish_backward", args("grad_output", "input"),
                             "The gradient of hardswish at input, times grad_output.",
                             backward("ops.aten.hardswish_backward")),
    row<&hardshrink_backward>("hardshrink_backward", args("grad_output", "input", "lambd"_a = 0.5),
                              "grad_output where |input| > lambd, 0 elsewhere.",
                              backward("ops.aten.hardshrink_backward")),
    row<&softshrink_backward>("softshrink_backward", args("grad_output", "input", "lambd"_a = 0.5),
                              "grad_output where |input| > lambd, 0 elsewhere.",
                              backward("ops.aten.softshrink_backward")),
    row<&threshold_backward>("threshold_backward", args("grad_output", "input", "threshold"),
                             "grad_output where input is above the threshold, 0 elsewhere.",
                             backward("ops.aten.threshold_backward")),
};
constinit const auto ops = infos_of(RectifierOps());
}  // namespace
extern const RowList rows_rectifier;
constinit const RowList rows_rectifier{rows, ops};

}  // namespace entasis
