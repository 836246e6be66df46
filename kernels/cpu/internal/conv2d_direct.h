// Two-dimensional convolution (cross-correlation) forward on the CPU, for float and double.
#pragma once

#include <cstdint>

namespace entasis::cpu {

// Distances in elements between neighbours along each dimension of a feature map.
struct MapStrides {
  int64_t image, channel, row, column;
};

// Distances in elements along [out_channel, in_channel, row, column] of a weight.
struct FilterStrides {
  int64_t out_channel, in_channel, row, column;
};

// Sizes and memory layout of a convolution, and of its two gradients.
struct ConvShape {
  int64_t images = 0, in_channels = 0, in_height = 0, in_width = 0;
  int64_t out_channels = 0, out_height = 0, out_width = 0;
  int64_t kernel_height = 1, kernel_width = 1;
  int64_t stride_y = 1, stride_x = 1;
  int64_t pad_y = 0, pad_x = 0;
  int64_t dilation_y = 1, dilation_x = 1;
  int64_t groups = 1;  // divides both channel counts

  MapStrides input_strides{};
  // The weight is [out_channels, in_channels / groups, kernel_height, kernel_width].
  FilterStrides weight_strides{};
  MapStrides output_strides{};

  int64_t in_group() const { return in_channels / groups; }
  int64_t out_group() const { return out_channels / groups; }
  int64_t taps() const { return in_group() * kernel_height * kernel_width; }
};

// output[n, co, y, x] = bias[co] + sum over ci, r, s of
//     input[n, ci, y * stride_y + r * dilation_y - pad_y, x * stride_x + s * dilation_x - pad_x]
//     * weight[co, ci, r, s]
// where ci runs over the channels of co's group and input is 0 outside its bounds. The padding on
// the lower and right sides follows from the output's size.
template <class T>
struct Conv2d : ConvShape {
  const T* input = nullptr;
  const T* weight = nullptr;
  const T* bias = nullptr;  // out_channels values, or null
  T* output = nullptr;      // must not overlap the others
};

// How it is computed (conv2d_plan.h tells): chosen by shape and strides, or prescribed by a test or
// a benchmark.
enum class Conv2dMethod { kFastest, kPixels, kChannels };

// All sizes must fit each other; any strides will do, those of channels-first and of channels-last
// maps are fast. The same bits for any number of threads.
void conv2d_direct(const Conv2d<float>& conv, Conv2dMethod method = Conv2dMethod::kFastest);
void conv2d_direct(const Conv2d<double>& conv, Conv2dMethod method = Conv2dMethod::kFastest);

}  // namespace entasis::cpu
