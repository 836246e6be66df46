// Two-dimensional pooling: rules, gradients, rows.
#include <entasis/ops/pooling.h>

#include <string>

#include <entasis/core/row.h>
#include <entasis/ops/pooling_internal.h>
#include <entasis/ops/shape.h>
#include <entasis/ops/window_internal.h>

namespace entasis {
namespace {

PoolWindow window_of(const char* op, const Dims& kernel, const Dims& stride, const Dims& padding,
                     const Dims& dilation, bool ceil_mode, Location at) {
  PoolWindow w;
  w.kernel = pair_of(op, "kernel_size", kernel, 1, at);
  w.stride = stride.empty() ? w.kernel : pair_of(op, "stride", stride, 1, at);
  w.padding = pair_of(op, "padding", padding, 0, at);
  w.dilation = pair_of(op, "dilation", dilation, 1, at);
  w.ceil_mode = ceil_mode;
  for (int d = 0; d < 2; ++d) {
    if (2 * w.padding[d] > w.kernel[d]) {
      throw ValueError(std::string(op) + ": padding " + to_string(w.padding) +
                           " is more than half of kernel_size " + to_string(w.kernel),
                       at);
    }
  }
  return w;
}

int64_t output_size(const PoolWindow& w, int64_t input, int d) {
  const int64_t room = input + 2 * w.padding[d] - w.dilation[d] * (w.kernel[d] - 1) - 1;
  if (room < 0) return 0;
  int64_t size = (room + (w.ceil_mode ? w.stride[d] - 1 : 0)) / w.stride[d] + 1;
  // With ceil_mode the last window may not start in the padding behind the input.
  if (w.ceil_mode && (size - 1) * w.stride[d] >= input + w.padding[d]) --size;
  return size;
}

Spec pooled_spec(const PoolWindow& w, const Operand& x) {
  check_floating_point(x);
  if (x.dim() != 4) {
    throw ShapeError("input must be [N, C, H, W] or [C, H, W], it is " + to_string(x.shape()));
  }
  const Dims shape = {x.size(0), x.size(1), output_size(w, x.size(2), 0),
                      output_size(w, x.size(3), 1)};
  if (shape[2] == 0 || shape[3] == 0) {
    throw ShapeError("the window does not fit: input is " + to_string(x.shape()) +
                     ", kernel_size " + to_string(w.kernel) + ", padding " + to_string(w.padding) +
                     ", dilation " + to_string(w.dilation));
  }
  return image_spec(x.dtype(), shape, prefers_channels_last(x));
}

}  // namespace

template <>
struct Rule<MaxPool2d> {
  static std::array<Spec, 2> infer(const MaxPool2d& op, Inputs in) {
    const Spec values = pooled_spec(op.window, in[0]);
    return {values, {kI64, values.shape, values.strides}};
  }
  static constexpr uint32_t not_differentiable = 0b10;
  static constexpr SaveMask saves[] = {saves_out(1)};
  static Grads vjp(const MaxPool2d& op, const Saved& saved, Grads gy) {
    return {apply(MaxPool2dGrad{op.window, saved.shape(0), prefers_channels_last(gy[0])}, {}, gy[0],
                  saved.out(1))};
  }
};

template <>
struct Rule<MaxPool2dGrad> {
  static Spec infer(const MaxPool2dGrad& op, Inputs in) {
    return image_spec(in[0].dtype(), op.input_shape, op.channels_last);
  }
  static constexpr SaveMask saves[] = {saves_in(1), saves_nothing};
  static Grads vjp(const MaxPool2dGrad& op, const Saved& saved, Grads ggx) {
    return {apply(MaxPool2dRead{op.window}, {}, ggx[0], saved.in(1))};
  }
};

template <>
struct Rule<MaxPool2dRead> {
  static Spec infer(const MaxPool2dRead&, Inputs in) {
    return {in[0].dtype(), in[1].shape(), in[1].strides()};
  }
  static constexpr SaveMask saves[] = {saves_in(1), saves_nothing};
  static Grads vjp(const MaxPool2dRead& op, const Saved& saved, Grads g) {
    return {apply(MaxPool2dGrad{op.window, saved.shape(0), prefers_channels_last(g[0])}, {}, g[0],
                  saved.in(1))};
  }
};

template <>
struct Rule<AvgPool2d> {
  static Spec infer(const AvgPool2d& op, Inputs in) { return pooled_spec(op.window, in[0]); }
  static constexpr SaveMask saves[] = {saves_nothing};
  static Grads vjp(const AvgPool2d& op, const Saved& saved, Grads gy) {
    return {apply(AvgPool2dGrad{op, saved.shape(0), prefers_channels_last(gy[0])}, {}, gy[0])};
  }
};

template <>
struct Rule<AvgPool2dGrad> {
  static Spec infer(const AvgPool2dGrad& op, Inputs in) {
    return image_spec(in[0].dtype(), op.input_shape, op.channels_last);
  }
  static constexpr SaveMask saves[] = {saves_nothing};
  static Grads vjp(const AvgPool2dGrad& op, const Saved&, Grads ggx) {
    return {apply(op.forward, {}, ggx[0])};
  }
};

Tensor max_pool2d(const Tensor& input, const Dims& kernel_size, const Dims& stride,
                  const Dims& padding, const Dims& dilation, bool ceil_mode, Location at) {
  const MaxPool2d op{
      window_of("max_pool2d", kernel_size, stride, padding, dilation, ceil_mode, at)};
  if (input.defined() && input.dim() == 3) {
    const Frame frame("max_pool2d", at);
    return squeeze(apply_multiple<2>(op, at, unsqueeze(input, 0))[0], {0});
  }
  return apply_multiple<2>(op, at, input)[0];
}

Tensor avg_pool2d(const Tensor& input, const Dims& kernel_size, const Dims& stride,
                  const Dims& padding, bool ceil_mode, bool count_include_pad, Location at) {
  const AvgPool2d op{window_of("avg_pool2d", kernel_size, stride, padding, {1, 1}, ceil_mode, at),
                     count_include_pad};
  if (input.defined() && input.dim() == 3) {
    const Frame frame("avg_pool2d", at);
    return squeeze(apply(op, at, unsqueeze(input, 0)), {0});
  }
  return apply(op, at, input);
}

namespace {
constinit const Row rows[] = {
    row<&max_pool2d>("max_pool2d",
                     args("input", "kernel_size", "stride"_a = Dims{}, "padding"_a = Dims{0, 0},
                          "dilation"_a = Dims{1, 1}, "ceil_mode"_a = false),
                     "The largest element of each window over [N, C, H, W] or [C, H, W].",
                     {.torch = "nn.functional.max_pool2d", .method = false}),
    row<&avg_pool2d>("avg_pool2d",
                     args("input", "kernel_size", "stride"_a = Dims{}, "padding"_a = Dims{0, 0},
                          "ceil_mode"_a = false, "count_include_pad"_a = true),
                     "The mean of each window over [N, C, H, W] or [C, H, W].",
                     {.torch = "nn.functional.avg_pool2d", .method = false}),
};
constinit OpInfo* const ops[] = {&op_info<MaxPool2d>, &op_info<MaxPool2dGrad>,
                                 &op_info<MaxPool2dRead>, &op_info<AvgPool2d>,
                                 &op_info<AvgPool2dGrad>};
}  // namespace
extern const RowList rows_pooling;
constinit const RowList rows_pooling{rows, ops};

}  // namespace entasis
