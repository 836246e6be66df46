// Copies, casts, fills.
#include <entasis/ops/copy.h>

#include <entasis/core/error.h>
#include <entasis/core/row.h>
#include <entasis/ops/copy_internal.h>
#include <entasis/ops/placed_internal.h>
#include <entasis/ops/pointwise_internal.h>

namespace entasis {

bool broadcasts_to(const Dims& from, const Dims& to) {
  const int lead = to.size() - from.size();
  if (lead < 0) return false;
  for (int d = 0; d < from.size(); ++d) {
    if (from[d] != to[lead + d] && from[d] != 1) return false;
  }
  return true;
}

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

template <>
struct Rule<Transfer> {
  static constexpr SaveMask saves[] = {saves_nothing};
  static constexpr OpFlags flags = kCrossesDevices;
  static Spec infer(const Transfer&, Inputs in) { return in[0].tensor().spec(); }
  static Grads vjp(const Transfer&, const Saved& saved, Grads gy) {
    return {Tensor(), to_device(gy[0], saved.node().edges[1].device)};
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

namespace {

bool is_dense(const Tensor& t) { return t.strides() == dense_strides_like(t.shape(), t.strides()); }

// Whether elements can go between two devices as they lie.
bool can_transfer(const Tensor& input, const Tensor& source) {
  return input.spec() == source.spec() && is_dense(input) && !input.device().is_meta() &&
         !source.device().is_meta();
}

}  // namespace

Tensor to_device(const Tensor& input, Device device, bool non_blocking, Location at) {
  const Frame frame("to_device", at);
  if (!input.defined()) return clone(input);
  if (input.device() == device) return input;
  const Tensor dense = is_dense(input) ? input : clone(input);
  if (non_blocking && input.device().is_cuda() && device.is_cpu()) {
    const Tensor home = placed("to_device", at, [&] { return empty_pinned(dense.spec()); });
    apply_in_place(Transfer{true}, at, home, dense);
    return home;
  }
  return apply_on(device, ToDevice{device, non_blocking}, at, dense);
}

Tensor copy_(Tensor input, const Tensor& source, bool non_blocking, Location at) {
  const Frame frame("copy_", at);
  // A 0-d tensor of the CPU joins any device's op as it is.
  const bool crosses = input.defined() && source.defined() &&
                       !(input.device() == source.device()) &&
                       !(source.device().is_cpu() && source.dim() == 0);
  if (!crosses) {
    apply_in_place(Copy{}, at, input, source);
    return input;
  }
  Tensor there = source;
  if (non_blocking && source.device().is_cuda() && input.is_pinned() && is_dense(input) &&
      !can_transfer(input, source)) {
    // Made ready on the device: the host will not be there to do it.
    there = placed("copy_", at, [&] { return empty_strided(input.spec(), source.device()); });
    apply_in_place(Copy{}, at, there, source);
  }
  if (can_transfer(input, there)) {
    apply_in_place(Transfer{non_blocking}, at, input, there);
  } else {
    // The host reads what has come to it.
    const bool arrives_later = non_blocking && !input.device().is_cpu();
    apply_in_place(Copy{}, at, input, to_device(there, input.device(), arrives_later));
  }
  return input;
}

Tensor pin_memory(const Tensor& input, Location at) {
  const Frame frame("pin_memory", at);
  if (!input.defined()) return clone(input);
  return placed("pin_memory", at, [&] {
    if (!input.device().is_cpu()) {
      throw DeviceError("only tensors of the CPU can be pinned, this one is on " +
                        to_string(input.device()));
    }
    if (input.is_pinned()) return input;
    const Dims strides = dense_strides_like(input.shape(), input.strides());
    Tensor pinned = empty_pinned({input.dtype(), input.shape(), strides});
    return copy_(pinned, input);
  });
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
    row<&to_device>("to_device", args("input", "device", "non_blocking"_a = false),
                    "input itself if it is on this device, else a copy there. With non_blocking "
                    "pinned memory must not be changed, and what comes to the CPU not be read, "
                    "before the device's stream has been waited for.",
                    RowOptions{.torch = "", .why_no_torch = "to(device=...)"}),
    row<&copy_>(
        "copy_", args("input", "source", "non_blocking"_a = false),
        "Writes source, broadcast, cast and brought from its device, into input and returns "
        "input. With non_blocking a copy between pinned memory and a device goes on beside the "
        "host's work: the memory must not be changed or read before the stream has been waited "
        "for."),
    row<&fill_>("fill_", args("input", "value"), "Sets every element of input and returns input."),
    row<&zero_>("zero_", args("input"), "Sets every element of input to 0 and returns input."),
};
constinit OpInfo* const ops[] = {&op_info<Clone>, &op_info<Cast>,     &op_info<Copy>,
                                 &op_info<Fill>,  &op_info<ToDevice>, &op_info<Transfer>};
}  // namespace
extern const RowList rows_copy;
constinit const RowList rows_copy{rows, ops};

}  // namespace entasis
