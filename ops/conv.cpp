// Two-dimensional convolution: rules, gradients, rows. The three products (forward, input gradient,
// weight gradient) are each other's derivatives, so every order of gradient exists.
#include <entasis/ops/conv.h>

#include <string>

#include <entasis/core/row.h>
#include <entasis/ops/conv_internal.h>
#include <entasis/ops/reduction.h>
#include <entasis/ops/shape.h>
#include <entasis/ops/window_internal.h>

namespace entasis {
namespace {

ConvWindow window_of(const Dims& stride, const Dims& padding, const Dims& dilation, int64_t groups,
                     Location at) {
  if (groups < 1) {
    throw ValueError("conv2d: groups must be at least 1, it is " + std::to_string(groups), at);
  }
  return {pair_of("conv2d", "stride", stride, 1, at), pair_of("conv2d", "padding", padding, 0, at),
          pair_of("conv2d", "dilation", dilation, 1, at), groups};
}

int64_t output_size(const ConvWindow& w, int64_t input, int64_t kernel, int d) {
  const int64_t room = input + 2 * w.padding[d] - w.dilation[d] * (kernel - 1) - 1;
  return room < 0 ? 0 : room / w.stride[d] + 1;
}

void check_same_dtype(const Operand& a, const Operand& b, const char* what) {
  if (a.dtype() != b.dtype()) {
    throw DtypeError(std::string("dtypes differ: input is ") + name_of(a.dtype()) + ", " + what +
                     " is " + name_of(b.dtype()));
  }
}

void check_operands(const ConvWindow& window, const Operand& x, const Operand& w) {
  check_floating_point(x);
  check_same_dtype(x, w, "weight");
  if (x.dim() != 4) throw ShapeError("input must be [N, C, H, W], it is " + to_string(x.shape()));
  if (w.dim() != 4)
    throw ShapeError("weight must be [O, C/groups, R, S], it is " + to_string(w.shape()));
  if (x.size(1) != w.size(1) * window.groups || w.size(0) % window.groups != 0) {
    throw ShapeError("channels do not fit: input is " + to_string(x.shape()) + ", weight is " +
                     to_string(w.shape()) + ", groups is " + std::to_string(window.groups));
  }
  if (w.size(2) == 0 || w.size(3) == 0) {
    throw ShapeError("the filter is empty: weight is " + to_string(w.shape()));
  }
}

Dims output_shape(const ConvWindow& window, const Operand& x, const Operand& w) {
  const Dims shape = {x.size(0), w.size(0), output_size(window, x.size(2), w.size(2), 0),
                      output_size(window, x.size(3), w.size(3), 1)};
  if (shape[2] == 0 || shape[3] == 0) {
    throw ShapeError("the filter does not fit: input is " + to_string(x.shape()) + ", weight is " +
                     to_string(w.shape()) + ", padding " + to_string(window.padding) +
                     ", dilation " + to_string(window.dilation));
  }
  return shape;
}

Tensor input_grad(const ConvWindow& window, const Tensor& gy, const Tensor& w, const Dims& shape,
                  bool channels_last, Location at = {}) {
  return apply(Conv2dInputGrad{window, shape, channels_last}, at, gy, w);
}

Tensor weight_grad(const ConvWindow& window, const Tensor& gy, const Tensor& x, const Dims& shape,
                   bool channels_last, Location at = {}) {
  return apply(Conv2dWeightGrad{window, shape, channels_last}, at, gy, x);
}

}  // namespace

template <>
struct Rule<Conv2d> {
  static Spec infer(const Conv2d& op, Inputs in) {
    const Operand &x = in[0], &w = in[1], &bias = in[2];
    check_operands(op.window, x, w);
    if (bias.is_tensor()) {
      check_same_dtype(x, bias, "bias");
      if (bias.dim() != 1 || bias.size(0) != w.size(0)) {
        throw ShapeError("bias must be [" + std::to_string(w.size(0)) + "], it is " +
                         to_string(bias.shape()));
      }
    }
    return image_spec(x.dtype(), output_shape(op.window, x, w),
                      prefers_channels_last(x) || prefers_channels_last(w));
  }
  static constexpr uint32_t optional_inputs = 0b100;
  // The weight's gradient needs the input, the input's the weight; both need the other's layout.
  static constexpr SaveMask saves[] = {saves_in(1), saves_in(0), saves_nothing};
  static Grads vjp(const Conv2d& op, const Saved& saved, Grads gy) {
    const Tensor& g = gy[0];
    const bool channels_last = prefers_channels_last(g);
    return {
        saved.if_needed(
            0,
            [&] { return input_grad(op.window, g, saved.in(1), saved.shape(0), channels_last); }),
        saved.if_needed(
            1, [&] { return weight_grad(op.window, g, saved.in(0), saved.shape(1), false); }),
        saved.if_needed(2, [&] {
          return sum(g, {0, 2, 3});
        })};
  }
};

template <>
struct Rule<Conv2dInputGrad> {
  static Spec infer(const Conv2dInputGrad& op, Inputs in) {
    check_same_dtype(in[0], in[1], "weight");
    return image_spec(in[0].dtype(), op.input_shape, op.channels_last);
  }
  static constexpr SaveMask saves[] = {saves_in(1), saves_in(0)};
  static Grads vjp(const Conv2dInputGrad& op, const Saved& saved, Grads ggx) {
    const Tensor& g = ggx[0];
    return {
        saved.if_needed(0, [&] { return apply(Conv2d{op.window}, {}, g, saved.in(1), Tensor()); }),
        saved.if_needed(
            1, [&] { return weight_grad(op.window, saved.in(0), g, saved.shape(1), false); })};
  }
};

template <>
struct Rule<Conv2dWeightGrad> {
  static Spec infer(const Conv2dWeightGrad& op, Inputs in) {
    check_same_dtype(in[1], in[0], "grad_output");
    return image_spec(in[0].dtype(), op.weight_shape, op.channels_last);
  }
  static constexpr SaveMask saves[] = {saves_in(1), saves_in(0)};
  static Grads vjp(const Conv2dWeightGrad& op, const Saved& saved, Grads ggw) {
    const Tensor& g = ggw[0];
    return {
        saved.if_needed(0, [&] { return apply(Conv2d{op.window}, {}, saved.in(1), g, Tensor()); }),
        saved.if_needed(
            1, [&] { return input_grad(op.window, saved.in(0), g, saved.shape(1), false); })};
  }
};

Tensor conv2d(const Tensor& input, const Tensor& weight, const Tensor& bias, const Dims& stride,
              const Dims& padding, const Dims& dilation, int64_t groups, Location at) {
  const Conv2d op{window_of(stride, padding, dilation, groups, at)};
  if (input.defined() && input.dim() == 3) {
    const Frame frame("conv2d", at);
    return squeeze(apply(op, at, unsqueeze(input, 0), weight, bias), {0});
  }
  return apply(op, at, input, weight, bias);
}

Conv2dGrads conv2d_backward(const Tensor& grad_output, const Tensor& input, const Tensor& weight,
                            const Dims& stride, const Dims& padding, const Dims& dilation,
                            int64_t groups, Location at) {
  const Frame frame("conv2d_backward", at);
  const ConvWindow window = window_of(stride, padding, dilation, groups, at);
  try {
    if (!grad_output.defined() || !input.defined() || !weight.defined()) {
      throw ValueError("grad_output, input and weight must be defined");
    }
    check_operands(window, input, weight);
    const Dims expected = output_shape(window, input, weight);
    if (!(grad_output.shape() == expected)) {
      throw ShapeError("grad_output must be " + to_string(expected) + ", it is " +
                       to_string(grad_output.shape()));
    }
  } catch (Error& error) {
    error.place("conv2d_backward", at);
    throw;
  }
  return {
      input_grad(window, grad_output, weight, input.shape(), prefers_channels_last(input), at),
      weight_grad(window, grad_output, input, weight.shape(), prefers_channels_last(weight), at),
      sum(grad_output, {0, 2, 3})};
}

namespace {
constinit const Row rows[] = {
    row<&conv2d>(
        "conv2d",
        args("input", "weight", "bias"_a = std::nullopt, "stride"_a = Dims{1, 1},
             "padding"_a = Dims{0, 0}, "dilation"_a = Dims{1, 1}, "groups"_a = 1),
        "Two-dimensional cross-correlation of input [N, C, H, W] (or [C, H, W]) with weight "
        "[O, C/groups, R, S], plus bias [O] if there is one.",
        {.torch = "nn.functional.conv2d", .precision = Precision::kLow, .method = false}),
    row<&conv2d_backward>("conv2d_backward",
                          args("grad_output", "input", "weight", "stride"_a = Dims{1, 1},
                               "padding"_a = Dims{0, 0}, "dilation"_a = Dims{1, 1}, "groups"_a = 1),
                          "Gradients of conv2d with respect to input, weight and bias.",
                          {.torch = "",
                           .why_no_torch = "PyTorch has it as aten::convolution_backward only",
                           .precision = Precision::kLow,
                           .method = false,
                           .results = "input weight bias"}),
};
constinit OpInfo* const ops[] = {&op_info<Conv2d>, &op_info<Conv2dInputGrad>,
                                 &op_info<Conv2dWeightGrad>};
}  // namespace
extern const RowList rows_conv;
constinit const RowList rows_conv{rows, ops};

}  // namespace entasis
