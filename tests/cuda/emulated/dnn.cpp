// Stands in for cuDNN: the convolutions of backends/cuda/dnn.h by plain loops in double. What cuDNN
// demands of a description is checked. Not everything is "supported", as there: f64 has no
// channels-last and f32 no fused bias.
#include <array>
#include <vector>

#include <entasis/backends/cuda/dnn.h>
#include <entasis/core/error.h>

#include "host_work.h"

namespace entasis::cuda {
namespace {

using Four = std::array<int64_t, 4>;

void expect(bool holds, const char* what, const Convolution& c) {
  if (!holds) throw DeviceError(std::string("stand-in for cuDNN: ") + what + ": " + to_string(c));
}

void expect_sound(const Convolution& c, const ConvolutionOperands& o) {
  for (const Four* shape : {&c.input_shape, &c.weight_shape, &c.output_shape}) {
    for (const int64_t size : *shape) expect(size > 0, "empty sizes", c);
  }
  expect(c.input_shape[1] % c.weight_shape[1] == 0 && c.weight_shape[0] % c.groups() == 0 &&
             c.output_shape[1] == c.weight_shape[0] && c.output_shape[0] == c.input_shape[0],
         "channels do not fit", c);
  for (size_t d = 0; d < 2; ++d) {
    const int64_t room =
        c.input_shape[d + 2] + 2 * c.padding[d] - c.dilation[d] * (c.weight_shape[d + 2] - 1) - 1;
    expect(room >= 0 && c.output_shape[d + 2] == room / c.stride[d] + 1, "sizes do not fit", c);
  }
  for (const void* p : {static_cast<const void*>(o.input), static_cast<const void*>(o.weight),
                        static_cast<const void*>(o.output), o.bias}) {
    expect(reinterpret_cast<uintptr_t>(p) % 16 == 0, "an address is not aligned", c);
  }
  expect(o.input && o.weight && o.output && c.bias == (o.bias != nullptr), "a tensor is missing",
         c);
  expect(c.pass == ConvolutionPass::kForward || (!c.bias && c.activation == Activation::kNone),
         "gradients take no bias", c);
}

// Dense in one of the two layouts.
struct Map {
  Four shape;
  bool channels_last;
  int64_t at(int64_t n, int64_t c, int64_t y, int64_t x) const {
    return channels_last ? ((n * shape[2] + y) * shape[3] + x) * shape[1] + c
                         : ((n * shape[1] + c) * shape[2] + y) * shape[3] + x;
  }
  int64_t numel() const { return shape[0] * shape[1] * shape[2] * shape[3]; }
};

// Calls `f(input, weight, output)` with the places of each product that a convolution adds up.
template <class F>
void for_each_product(const Convolution& c, const Map& input, const Map& weight, const Map& output,
                      const F& f) {
  const int64_t out_channels = c.weight_shape[0] / c.groups();
  for (int64_t n = 0; n < c.output_shape[0]; ++n) {
    for (int64_t o = 0; o < c.output_shape[1]; ++o) {
      const int64_t first_channel = o / out_channels * c.weight_shape[1];
      for (int64_t y = 0; y < c.output_shape[2]; ++y) {
        for (int64_t x = 0; x < c.output_shape[3]; ++x) {
          for (int64_t k = 0; k < c.weight_shape[1]; ++k) {
            for (int64_t r = 0; r < c.weight_shape[2]; ++r) {
              const int64_t iy = y * c.stride[0] + r * c.dilation[0] - c.padding[0];
              if (iy < 0 || iy >= c.input_shape[2]) continue;
              for (int64_t s = 0; s < c.weight_shape[3]; ++s) {
                const int64_t ix = x * c.stride[1] + s * c.dilation[1] - c.padding[1];
                if (ix < 0 || ix >= c.input_shape[3]) continue;
                f(input.at(n, first_channel + k, iy, ix), weight.at(o, k, r, s),
                  output.at(n, o, y, x));
              }
            }
          }
        }
      }
    }
  }
}

void compute(const Convolution& c, const ConvolutionOperands& o) {
  const Map input{c.input_shape, c.channels_last}, weight{c.weight_shape, c.channels_last},
      output{c.output_shape, c.channels_last};
  const bool forward = c.pass == ConvolutionPass::kForward;
  const bool to_input = c.pass == ConvolutionPass::kInputGradient;
  void* const result = forward ? o.output : to_input ? o.input : o.weight;
  std::vector<double> sums(size_t((forward ? output : to_input ? input : weight).numel()));
  for_each_product(c, input, weight, output, [&](int64_t x, int64_t w, int64_t y) {
    if (forward) {
      sums[size_t(y)] += load(o.input, x, c.dtype) * load(o.weight, w, c.dtype);
    } else if (to_input) {
      sums[size_t(x)] += load(o.output, y, c.dtype) * load(o.weight, w, c.dtype);
    } else {
      sums[size_t(w)] += load(o.output, y, c.dtype) * load(o.input, x, c.dtype);
    }
  });
  for (int64_t i = 0; i < int64_t(sums.size()); ++i) {
    double value = sums[size_t(i)];
    if (c.bias) {
      const int64_t inner = c.channels_last ? 1 : c.output_shape[2] * c.output_shape[3];
      value += load(o.bias, i / inner % c.output_shape[1], c.dtype);
    }
    if (c.activation == Activation::kRelu) value = value > 0 || value != value ? value : 0;
    store(result, i, c.dtype, value);
  }
}

}  // namespace

bool try_convolve(const Convolution& c, const ConvolutionOperands& operands, StreamId stream) {
  expect_sound(c, operands);
  if ((c.dtype == kF64 && c.channels_last) || (c.dtype == kF32 && c.bias)) return false;
  queue_on_host(stream, [c, operands] { compute(c, operands); });
  return true;
}

void convolve(const Convolution& c, const ConvolutionOperands& operands, StreamId stream) {
  if (!try_convolve(c, operands, stream)) {
    throw DeviceError("the stand-in for cuDNN cannot compute this: " + to_string(c));
  }
}

std::string dnn_version() { return "stand-in"; }

}  // namespace entasis::cuda
