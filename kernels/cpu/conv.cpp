// Convolution and its two gradients: from tensors to the descriptions that the kernels take.
#include <cstring>

#include <entasis/core/kernels.h>
#include <entasis/kernels/cpu/internal/conv2d_direct.h>
#include <entasis/kernels/cpu/internal/conv2d_input_grad.h>
#include <entasis/kernels/cpu/internal/conv2d_weight_grad.h>
#include <entasis/kernels/cpu/internal/float_view.h>
#include <entasis/ops/conv_internal.h>

namespace entasis::cpu {
namespace {

void fill_zero(Tensor& t) {
  std::memset(t.raw(), 0, size_t(t.numel()) * size_t(size_of(t.dtype())));
}

MapStrides map_strides(const Dims& s) { return {s[0], s[1], s[2], s[3]}; }

void describe(const ConvWindow& window, const Dims& x, const Dims& x_strides, const Dims& w,
              const Dims& w_strides, const Dims& y, const Dims& y_strides, ConvShape& shape) {
  shape.images = x[0];
  shape.in_channels = x[1];
  shape.in_height = x[2];
  shape.in_width = x[3];
  shape.out_channels = y[1];
  shape.out_height = y[2];
  shape.out_width = y[3];
  shape.kernel_height = w[2];
  shape.kernel_width = w[3];
  shape.stride_y = window.stride[0];
  shape.stride_x = window.stride[1];
  shape.pad_y = window.padding[0];
  shape.pad_x = window.padding[1];
  shape.dilation_y = window.dilation[0];
  shape.dilation_x = window.dilation[1];
  shape.groups = window.groups;
  shape.input_strides = map_strides(x_strides);
  shape.weight_strides = {w_strides[0], w_strides[1], w_strides[2], w_strides[3]};
  shape.output_strides = map_strides(y_strides);
}

}  // namespace

void conv2d(CpuContext&, const entasis::Conv2d& op, Inputs in, Outputs out) {
  if (out[0].numel() == 0) return;
  with_float_type(out[0].dtype(), [&]<class T>(TypeTag<T>) {
    const InputView<T> x(in[0].tensor()), weight(in[1].tensor());
    OutputView<T> y(out[0]);
    Conv2d<T> conv;
    describe(op.window, x.view().shape, x.view().strides, weight.view().shape,
             weight.view().strides, out[0].shape(), out[0].strides(), conv);
    conv.input = x.data();
    conv.weight = weight.data();
    conv.output = y.data();
    if (in[2].is_tensor()) {
      const InputView<T> bias(in[2].tensor(), InputView<T>::kDense);
      conv.bias = bias.data();
      conv2d_direct(conv);
    } else {
      conv2d_direct(conv);
    }
  });
}

void conv2d_input_grad(CpuContext&, const Conv2dInputGrad& op, Inputs in, Outputs out) {
  if (out[0].numel() == 0) return;
  if (in[0].numel() == 0 || in[1].numel() == 0) {
    fill_zero(out[0]);
    return;
  }
  with_float_type(out[0].dtype(), [&]<class T>(TypeTag<T>) {
    const InputView<T> gy(in[0].tensor()), weight(in[1].tensor());
    OutputView<T> gx(out[0]);
    ConvInputGrad<T> grad;
    describe(op.window, out[0].shape(), out[0].strides(), weight.view().shape,
             weight.view().strides, gy.view().shape, gy.view().strides, grad);
    grad.output_grad = gy.data();
    grad.weight = weight.data();
    grad.input_grad = gx.data();
    compute_input_grad(grad);
  });
}

void conv2d_weight_grad(CpuContext&, const Conv2dWeightGrad& op, Inputs in, Outputs out) {
  if (out[0].numel() == 0) return;
  if (in[0].numel() == 0) {
    fill_zero(out[0]);
    return;
  }
  with_float_type(out[0].dtype(), [&]<class T>(TypeTag<T>) {
    const InputView<T> gy(in[0].tensor()), x(in[1].tensor());
    OutputView<T> gw(out[0]);
    ConvWeightGrad<T> grad;
    describe(op.window, x.view().shape, x.view().strides, out[0].shape(), out[0].strides(),
             gy.view().shape, gy.view().strides, grad);
    grad.input = x.data();
    grad.output_grad = gy.data();
    grad.weight_grad = gw.data();
    compute_weight_grad(grad);
  });
}

}  // namespace entasis::cpu

namespace entasis {

void register_cpu_conv(Kernels& kernels) {
  kernels.add<&cpu::conv2d>();
  kernels.add<&cpu::conv2d_input_grad>();
  kernels.add<&cpu::conv2d_weight_grad>();
}

}  // namespace entasis
