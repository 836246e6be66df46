// Input gradient: the rows of the input fall into stride_y classes, by their row modulo the stride,
// and the columns likewise. A class meets every so-manieth tap of the filter only, and for it the
// gradient is a convolution that moves by one: of output_grad, with those taps turned by 180
// degrees and with input and output channels swapped. So the work is that of the forward pass,
// whatever the stride. The method of the convolution is chosen by conv2d_direct.
#include <entasis/kernels/cpu/internal/conv2d_input_grad.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <numeric>

#include <entasis/backends/cpu/internal/scratch.h>
#include <entasis/kernels/cpu/internal/conv2d_plan.h>

namespace entasis::cpu {
namespace {

// One class of rows or columns: input positions first, first + stride, ... meet the taps
// first_tap, first_tap + tap_step, ...
struct Phase {
  int64_t outputs;            // positions of the class
  int64_t first_tap, taps;    // taps may be 0
  int64_t dilation, padding;  // of the convolution over output_grad; padding may be negative
};

Phase phase_of(int64_t first, int64_t size, int64_t stride, int64_t dilation, int64_t pad,
               int64_t taps) {
  const int64_t tap_step = stride / std::gcd(stride, dilation);
  Phase phase{};
  phase.outputs = size > first ? divide_up(size - first, stride) : 0;
  int64_t tap = 0;
  while (tap < std::min(tap_step, taps) && (first + pad - tap * dilation) % stride != 0) ++tap;
  if (tap == std::min(tap_step, taps)) return phase;
  phase.first_tap = tap;
  phase.taps = divide_up(taps - tap, tap_step);
  phase.dilation = tap_step * dilation / stride;
  phase.padding = (phase.taps - 1) * phase.dilation - (first + pad - tap * dilation) / stride;
  return phase;
}

// A padding below zero means that the first rows or columns of the map are not looked at: returns
// how many, and makes the map begin behind them.
int64_t crop(int64_t& padding, int64_t& size) {
  if (padding >= 0) return 0;
  const int64_t skipped = std::min(-padding, size);
  size -= skipped;
  padding = 0;
  return skipped;
}

template <class T>
void fill_zero(const ConvInputGrad<T>& grad) {
  const MapStrides& strides = grad.input_strides;
  for (int64_t n = 0; n < grad.images; ++n) {
    for (int64_t y = 0; y < grad.in_height; ++y) {
      for (int64_t c = 0; c < grad.in_channels; ++c) {
        T* const to = grad.input_grad + n * strides.image + c * strides.channel + y * strides.row;
        for (int64_t x = 0; x < grad.in_width; ++x) to[x * strides.column] = T{0};
      }
    }
  }
}

template <class T>
void run_phase(const ConvInputGrad<T>& grad, int64_t first_y, const Phase& y, int64_t first_x,
               const Phase& x) {
  Conv2d<T> conv;
  conv.images = grad.images;
  conv.groups = grad.groups;
  conv.in_channels = grad.out_channels;
  conv.in_height = grad.out_height;
  conv.in_width = grad.out_width;
  conv.out_channels = grad.in_channels;
  conv.out_height = y.outputs;
  conv.out_width = x.outputs;
  conv.kernel_height = y.taps;
  conv.kernel_width = x.taps;
  conv.dilation_y = y.dilation;
  conv.dilation_x = x.dilation;
  conv.pad_y = y.padding;
  conv.pad_x = x.padding;
  conv.input_strides = grad.output_strides;
  conv.input = grad.output_grad + crop(conv.pad_y, conv.in_height) * conv.input_strides.row;
  conv.input += crop(conv.pad_x, conv.in_width) * conv.input_strides.column;
  const MapStrides& out = grad.input_strides;
  conv.output = grad.input_grad + first_y * out.row + first_x * out.column;
  conv.output_strides = {out.image, out.channel, out.row * grad.stride_y,
                         out.column * grad.stride_x};

  // From the last of the taps backwards.
  const FilterStrides& w = grad.weight_strides;
  const int64_t step_y = grad.stride_y / std::gcd(grad.stride_y, grad.dilation_y);
  const int64_t step_x = grad.stride_x / std::gcd(grad.stride_x, grad.dilation_x);
  const T* const weight = grad.weight + (y.first_tap + (y.taps - 1) * step_y) * w.row +
                          (x.first_tap + (x.taps - 1) * step_x) * w.column;
  const int64_t row = -step_y * w.row, column = -step_x * w.column;
  const int64_t in_group = grad.in_group(), out_group = grad.out_group();
  if (grad.groups == 1 || in_group == 1) {  // then swapping the channels is a matter of strides
    conv.weight = weight;
    conv.weight_strides =
        grad.groups == 1 ? FilterStrides{w.in_channel, w.out_channel, row, column}
                         : FilterStrides{out_group * w.out_channel, w.out_channel, row, column};
    return conv2d_direct(conv);
  }
  const int64_t filter = y.taps * x.taps;
  const Scratch scratch(static_cast<size_t>(grad.in_channels * out_group * filter) * sizeof(T));
  T* to = scratch.as<T>();
  conv.weight = to;
  conv.weight_strides = {out_group * filter, filter, x.taps, 1};
  for (int64_t c = 0; c < grad.in_channels; ++c) {
    for (int64_t o = 0; o < out_group; ++o) {
      const T* const from =
          weight + (c / in_group * out_group + o) * w.out_channel + c % in_group * w.in_channel;
      for (int64_t r = 0; r < y.taps; ++r) {
        for (int64_t s = 0; s < x.taps; ++s) *to++ = from[r * row + s * column];
      }
    }
  }
  conv2d_direct(conv);
}

template <class T>
void input_grad(const ConvInputGrad<T>& grad) {
  const auto rows_of = [&](int64_t first) {
    return phase_of(first, grad.in_height, grad.stride_y, grad.dilation_y, grad.pad_y,
                    grad.kernel_height);
  };
  const auto columns_of = [&](int64_t first) {
    return phase_of(first, grad.in_width, grad.stride_x, grad.dilation_x, grad.pad_x,
                    grad.kernel_width);
  };
  // Rows and columns that no filter position reaches.
  bool gaps = false;
  for (int64_t y = 0; y < grad.stride_y; ++y) gaps |= rows_of(y).taps == 0;
  for (int64_t x = 0; x < grad.stride_x; ++x) gaps |= columns_of(x).taps == 0;
  if (gaps) fill_zero(grad);
  for (int64_t first_y = 0; first_y < grad.stride_y; ++first_y) {
    const Phase y = rows_of(first_y);
    for (int64_t first_x = 0; first_x < grad.stride_x; ++first_x) {
      const Phase x = columns_of(first_x);
      if (y.taps > 0 && x.taps > 0) run_phase(grad, first_y, y, first_x, x);
    }
  }
}

}  // namespace

void compute_input_grad(const ConvInputGrad<float>& grad) { input_grad(grad); }
void compute_input_grad(const ConvInputGrad<double>& grad) { input_grad(grad); }

}  // namespace entasis::cpu
