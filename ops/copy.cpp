// Copies, casts, fills.
#include <entasis/ops/copy.h>

#include <entasis/core/error.h>
#include <entasis/core/row.h>
#include <entasis/ops/copy_internal.h>
#include <entasis/ops/placed_internal.h>
#include <entasis/ops/pointwise_internal.h>

namespace entasis {

namespace {

bool broadcasts_to(const Dims& from, const Dims& to) {
  const int lead = to.size() - from.size();
  if (lead < 0) return false;
  for (int d = 0; d < from.size(); ++d) {
    if (from[d] != to[lead + d] && from[d] != 1) return false;
  }
  return true;
}

}  // namespace

template <>
struct Rule<Clone> {
  static constexpr SaveMask saves[] = {saves_nothing};
  static constexpr OpFlags flags = kPointwise;
  static Spec infer(const Clone& op, Inputs in) {
    return {in[0].dtype(), in[0].shape(), op.strides};
  }
  static Grads vjp(const Clone&, const Saved&, Grads gy) { return gy; }
};

// The engine casts a gradient back to its input's dtype.
template <>
struct Rule<Cast> {
  static constexpr SaveMask saves[] = {saves_nothing};
  static constexpr OpFlags flags = kPointwise;
  static Spec infer(const Cast& op, Inputs in) { return pointwise_spec(op.dtype, in); }
  static Grads vjp(const Cast&, const Saved&, Grads gy) { return gy; }
};

// Nothing is left of the target's old elements, so their gradient is zero: undefined.
template <>
struct Rule<Copy> {
  static constexpr SaveMask saves[] = {saves_nothing};
  static constexpr OpFlags flags = kPointwise;
  static Spec infer(const Copy&, Inputs in) {
    const Dims& target = in[0].shape();
    if (!broadcasts_to(in[1].shape(), target)) {
      throw ShapeError("the source has shape " + to_string(in[1].shape()) +
                       " and does not broadcast to the target's " + to_string(target));
    }
    return {in[0].dtype(), target, in[0].strides()};
  }
  static Grads vjp(const Copy&, const Saved&, Grads gy) { return {Tensor(), gy[0]}; }
};

template <>
struct Rule<Fill> {
  static constexpr SaveMask saves[] = {saves_nothing};
  static constexpr OpFlags flags = kPointwise;
  static Spec infer(const Fill&, Inputs in) {
    if (in[1].is_number()) check_fill(in[1].number(), in[0].dtype());
    return {in[0].dtype(), in[0].shape(), in[0].strides()};
  }
  static Grads vjp(const Fill&, const Saved&, Grads) { return {}; }
};

template <>
struct Rule<ToDevice> {
  static constexpr SaveMask saves[] = {saves_nothing};
  static constexpr OpFlags flags = kCrossesDevices;
  static Spec infer(const ToDevice& op, Inputs in) {
    if (in[0].tensor().device().is_meta() && !op.device.is_meta()) {
      throw DeviceError("a meta tensor has no elements to copy to " + to_string(op.device));
    }
    return in[0].tensor().spec();
  }
  static Grads vjp(const ToDevice&, const Saved& saved, Grads gy) {
    return {to_device(gy[0], saved.node().edges[0].device)};
  }
};

Tensor clone_strided(const Tensor& input, const Dims& strides, Location at) {
  return apply(Clone{strides}, at, input);
}

Tensor clone(const Tensor& input, Location at) {
  if (!input.defined()) return apply(Clone{}, at, input);  // the error
  return clone_strided(input, dense_strides_like(input.shape(), input.strides()), at);
}

Tensor contiguous(const Tensor& input, Location at) {
  const Frame frame("contiguous", at);
  if (!input.defined()) return clone(input);
  if (input.is_contiguous()) return input;
  return clone_strided(input, contiguous_strides(input.shape()), at);
}

Tensor channels_last(const Tensor& input, Location at) {
  const Frame frame("channels_last", at);
  if (!input.defined()) return clone(input);
  if (input.dim() == 4 && input.is_channels_last()) return input;
  const Dims strides =
      placed("channels_last", at, [&] { return channels_last_strides(input.shape()); });
  return clone_strided(input, strides, at);
}

Tensor to(const Tensor& input, DType dtype, Location at) {
  if (input.defined() && input.dtype() == dtype) return input;
  return apply(Cast{dtype}, at, input);
}

Tensor to_device(const Tensor& input, Device device, Location at) {
  const Frame frame("to_device", at);
  if (!input.defined()) return clone(input);
  if (input.device() == device) return input;
  const Dims dense = dense_strides_like(input.shape(), input.strides());
  const bool is_dense = input.strides() == dense;
  return apply_on(device, ToDevice{device}, at, is_dense ? input : clone(input));
}

Tensor copy_(Tensor input, const Tensor& source, Location at) {
  const Frame frame("copy_", at);
  // A 0-d tensor of the CPU joins any device's op as it is.
  const bool crosses = input.defined() && source.defined() &&
                       !(input.device() == source.device()) &&
                       !(source.device().is_cpu() && source.dim() == 0);
  apply_in_place(Copy{}, at, input, crosses ? to_device(source, input.device()) : source);
  return input;
}
Tensor fill_(Tensor input, Number value, Location at) {
  apply_in_place(Fill{}, at, input, value);
  return input;
}
Tensor zero_(Tensor input, Location at) {
  const Frame frame("zero_", at);
  apply_in_place(Fill{}, at, input, Number(0));
  return input;
}

namespace {
constinit const Row rows[] = {
    row<&clone>("clone", args("input"),
                "A copy of input with memory of its own: dense, in input's dimension order."),
    row<&contiguous>("contiguous", args("input"),
                     "input itself if it is dense in row-major order, else such a copy."),
    row<&channels_last>(
        "channels_last", args("input"),
        "input itself if it is a 4-d tensor that lies dense in NHWC order, else such "
        "a copy.",
        RowOptions{.torch = "", .why_no_torch = "contiguous(memory_format=torch.channels_last)"}),
    row<&to>("to", args("input", "dtype"),
             "input itself if it has this dtype, else a copy in it. Floating-point numbers are "
             "truncated on their way to integers."),
    row<&to_device>("to_device", args("input", "device"),
                    "input itself if it is on this device, else a copy there.",
                    RowOptions{.torch = "", .why_no_torch = "to(device=...)"}),
    row<&copy_>(
        "copy_", args("input", "source"),
        "Writes source, broadcast, cast and brought from its device, into input and returns "
        "input."),
    row<&fill_>("fill_", args("input", "value"), "Sets every element of input and returns input."),
    row<&zero_>("zero_", args("input"), "Sets every element of input to 0 and returns input."),
};
constinit OpInfo* const ops[] = {&op_info<Clone>, &op_info<Cast>, &op_info<Copy>, &op_info<Fill>,
                                 &op_info<ToDevice>};
}  // namespace
extern const RowList rows_copy;
constinit const RowList rows_copy{rows, ops};

}  // namespace entasis
