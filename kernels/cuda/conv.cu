// Convolution and its two gradients by cuDNN. Operands are handed over dense in the layout that the
// result's rule chose; one that lies otherwise is copied first, and where cuDNN has no engine for a
// layout, the other one is tried. Empty operands never reach cuDNN.
#include <algorithm>
#include <optional>

#include <entasis/backends/cuda/context.h>
#include <entasis/backends/cuda/dnn.h>
#include <entasis/core/kernels.h>
#include <entasis/core/precision.h>
#include <entasis/kernels/cuda/internal/library_operands.h>
#include <entasis/ops/conv_internal.h>
#include <entasis/ops/window_internal.h>

namespace entasis::cuda {
namespace {

std::array<int64_t, 4> four(const Dims& d) { return {d[0], d[1], d[2], d[3]}; }
std::array<int64_t, 2> two(const Dims& d) { return {d[0], d[1]}; }

bool lies(const Tensor& t, bool channels_last) {
  return channels_last ? t.is_channels_last() : t.is_contiguous();
}
bool is_aligned(const Tensor& t) { return reinterpret_cast<uintptr_t>(t.raw()) % 16 == 0; }

// The tensors of a pass; one of them is its result.
struct Operands {
  Tensor input, weight, output;
  Tensor bias;  // may be undefined
};

Convolution describe(ConvolutionPass pass, const ConvWindow& w, const Operands& o,
                     bool channels_last) {
  Convolution c;
  c.input_shape = four(o.input.shape());
  c.weight_shape = four(o.weight.shape());
  c.output_shape = four(o.output.shape());
  c.stride = two(w.stride);
  c.padding = two(w.padding);
  c.dilation = two(w.dilation);
  c.dtype = o.output.dtype();
  c.pass = pass;
  c.channels_last = channels_last;
  c.tf32 = c.dtype == kF32 && is_tf32_allowed();
  return c;
}

const Tensor& result_of(ConvolutionPass pass, const Operands& o) {
  return pass == ConvolutionPass::kForward         ? o.output
         : pass == ConvolutionPass::kInputGradient ? o.input
                                                   : o.weight;
}

// The operands in one layout: themselves where they lie so. The result, if it does not, is computed
// elsewhere.
Operands in_layout(CudaContext& context, ConvolutionPass pass, const Operands& o,
                   bool channels_last) {
  const auto place = [&](const Tensor& t) {
    if (lies(t, channels_last) && is_aligned(t)) return t;
    const Spec spec = image_spec(t.dtype(), t.shape(), channels_last);
    if (t.same(result_of(pass, o))) return empty_strided(spec, t.device());
    return rearranged(context, t, spec);
  };
  return {place(o.input), place(o.weight), place(o.output), o.bias};
}

// Whether cuDNN did it, in that layout.
bool try_layout(CudaContext& context, ConvolutionPass pass, const ConvWindow& window,
                const Operands& o, bool channels_last, bool must) {
  const Operands placed = in_layout(context, pass, o, channels_last);
  Convolution c = describe(pass, window, placed, channels_last);
  ConvolutionOperands addresses{placed.input.raw(), placed.weight.raw(), placed.output.raw(),
                                nullptr};
  bool done = false;
  if (placed.bias.defined()) {
    c.bias = true;
    addresses.bias = placed.bias.raw();
    done = try_convolve(c, addresses, context.stream_id());
    c.bias = false;
    addresses.bias = nullptr;
  }
  if (!done) {
    if (must) {
      convolve(c, addresses, context.stream_id());
    } else if (!try_convolve(c, addresses, context.stream_id())) {
      return false;
    }
    if (placed.bias.defined()) {
      const Dims& shape = placed.output.shape();
      add_bias(context, placed.output, placed.bias, channels_last ? 1 : shape[2] * shape[3]);
    }
  }
  const Tensor &computed = result_of(pass, placed), &wanted = result_of(pass, o);
  if (!computed.same(wanted)) copy_elements(computed, wanted, context.stream());
  return true;
}

void run(CudaContext& context, ConvolutionPass pass, const ConvWindow& window, const Operands& o,
         bool channels_last) {
  if (try_layout(context, pass, window, o, channels_last, false)) return;
  try_layout(context, pass, window, o, !channels_last, true);
}

}  // namespace

void conv2d(CudaContext& context, const Conv2d& op, Inputs in, Outputs out) {
  const Tensor &x = in[0].tensor(), &weight = in[1].tensor(), &y = out[0];
  if (y.numel() == 0) return;
  const bool channels_last = prefers_channels_last(y);
  Operands o{x, weight, y, in[2].is_tensor() ? in[2].tensor() : Tensor()};
  if (o.bias.defined() && !(o.bias.is_contiguous() && is_aligned(o.bias))) {
    o.bias = rearranged(context, o.bias, Spec::dense(o.bias.dtype(), o.bias.shape()));
  }
  if (x.numel() == 0 || weight.numel() == 0) {
    const int64_t inner = channels_last ? 1 : y.shape()[2] * y.shape()[3];
    if (o.bias.defined()) return fill_with_bias(context, y, o.bias, inner);
    return fill_elements(y, 0, context.stream());
  }
  run(context, ConvolutionPass::kForward, op.window, o, channels_last);
}

void conv2d_input_grad(CudaContext& context, const Conv2dInputGrad& op, Inputs in, Outputs out) {
  const Tensor &gy = in[0].tensor(), &weight = in[1].tensor(), &gx = out[0];
  if (gx.numel() == 0) return;
  if (gy.numel() == 0 || weight.numel() == 0) {
    return fill_elements(gx, 0, context.stream());
  }
  run(context, ConvolutionPass::kInputGradient, op.window, {gx, weight, gy, {}},
      prefers_channels_last(gx));
}

void conv2d_weight_grad(CudaContext& context, const Conv2dWeightGrad& op, Inputs in, Outputs out) {
  const Tensor &gy = in[0].tensor(), &x = in[1].tensor(), &gw = out[0];
  if (gw.numel() == 0) return;
  if (gy.numel() == 0 || x.numel() == 0) {
    return fill_elements(gw, 0, context.stream());
  }
  // The maps are large, the weight is small: it is the one to be copied.
  run(context, ConvolutionPass::kWeightGradient, op.window, {x, gw, gy, {}},
      prefers_channels_last(x) || prefers_channels_last(gy));
}

}  // namespace entasis::cuda

namespace entasis {

void register_cuda_conv(Kernels& kernels) {
  kernels.add<&cuda::conv2d>();
  kernels.add<&cuda::conv2d_input_grad>();
  kernels.add<&cuda::conv2d_weight_grad>();
}

}  // namespace entasis
