#include <entasis/nn/conv.h>

#include <string>

#include <entasis/core/error.h>
#include <entasis/nn/internal/affine.h>
#include <entasis/ops/conv.h>
#include <entasis/ops/factory.h>

namespace entasis::nn {
namespace {

Dims weight_shape(int64_t in_channels, int64_t out_channels, Pair kernel_size, int64_t groups,
                  Location at) {
  if (groups < 1 || in_channels % groups != 0 || out_channels % groups != 0) {
    ValueError error("groups is " + std::to_string(groups) + "; it must divide in_channels (" +
                     std::to_string(in_channels) + ") and out_channels (" +
                     std::to_string(out_channels) + ")");
    place_in_frames(error, "Conv2d", at);
    throw error;
  }
  return {out_channels, in_channels / groups, kernel_size.height, kernel_size.width};
}

}  // namespace

Conv2d::Conv2d(int64_t in_channels, int64_t out_channels, Pair kernel_size, Conv2dOptions options,
               Location at)
    : Conv2d(Frame("Conv2d", at), in_channels, out_channels, kernel_size, options) {}

Conv2d::Conv2d(const Frame& frame, int64_t in_channels, int64_t out_channels, Pair kernel_size,
               const Conv2dOptions& options)
    : weight(parameter("weight", empty(weight_shape(in_channels, out_channels, kernel_size,
                                                    options.groups, frame.at()),
                                       {options.dtype, options.device}))),
      bias(parameter("bias", options.bias ? empty({out_channels}, {options.dtype, options.device})
                                          : Tensor())),
      options_(options) {
  reset_parameters();
}

void Conv2d::reset_parameters(Location at) { internal::reset_affine(weight, bias, at); }

Tensor Conv2d::forward(const Tensor& input) {
  return conv2d(input, weight, bias, options_.stride, options_.padding, options_.dilation,
                options_.groups, call_place());
}

}  // namespace entasis::nn
