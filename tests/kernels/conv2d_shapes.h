// The shapes and layouts that convolutions and their gradients are tested with.
#pragma once

#include <cstdint>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include <entasis/kernels/cpu/internal/conv2d_direct.h>

namespace entasis::cpu {

struct Shape {
  int64_t images, in_channels, height, width, out_channels, kernel_height, kernel_width;
  int64_t stride = 1, pad = 0, dilation = 1, groups = 1;
};

enum class Layout { kChannelsFirst, kChannelsLast, kSliced };

inline std::string describe(const Shape& s) {
  std::ostringstream text;
  text << s.images << "x" << s.in_channels << "x" << s.height << "x" << s.width << " -> "
       << s.out_channels << ", kernel " << s.kernel_height << "x" << s.kernel_width << ", stride "
       << s.stride << ", pad " << s.pad << ", dilation " << s.dilation << ", groups " << s.groups;
  return text.str();
}

// Strides of [n, c, h, w]; sliced: every second element of channels-first maps with gaps.
inline void strides_of(Layout layout, int64_t c, int64_t h, int64_t w, int64_t strides[4]) {
  const int64_t step = layout == Layout::kSliced ? 2 : 1;
  const int64_t gap = layout == Layout::kSliced ? 3 : 0;
  if (layout == Layout::kChannelsLast) {
    strides[1] = 1;
    strides[3] = c;
    strides[2] = w * c;
    strides[0] = h * w * c;
  } else {
    strides[3] = step;
    strides[2] = w * step + gap;
    strides[1] = h * strides[2] + gap;
    strides[0] = c * strides[1];
  }
}

inline int64_t elements(const int64_t strides[4], int64_t n, int64_t c, int64_t h, int64_t w) {
  if (n == 0 || c == 0 || h == 0 || w == 0) return 0;
  return (n - 1) * strides[0] + (c - 1) * strides[1] + (h - 1) * strides[2] + (w - 1) * strides[3] +
         1;
}

template <class T>
std::vector<T> random_values(int64_t count, unsigned seed) {
  std::mt19937 engine(seed);
  std::uniform_real_distribution<T> uniform(-1, 1);
  std::vector<T> values(static_cast<size_t>(count));
  for (T& value : values) value = uniform(engine);
  return values;
}

// Sizes and strides of a shape whose operands lie as given, each without a surplus element.
inline void set_shape(const Shape& s, Layout in, Layout filter, Layout out, ConvShape& conv) {
  conv.images = s.images;
  conv.in_channels = s.in_channels;
  conv.in_height = s.height;
  conv.in_width = s.width;
  conv.out_channels = s.out_channels;
  conv.kernel_height = s.kernel_height;
  conv.kernel_width = s.kernel_width;
  conv.stride_y = s.stride;
  conv.stride_x = s.stride == 3 ? 2 : s.stride;  // differs from stride_y for 3
  conv.pad_y = s.pad;
  conv.pad_x = s.pad == 2 ? 1 : s.pad;  // differs from pad_y for 2
  conv.dilation_y = s.dilation;
  conv.dilation_x = s.dilation == 3 ? 2 : s.dilation;
  conv.groups = s.groups;
  conv.out_height =
      (s.height + 2 * conv.pad_y - (s.kernel_height - 1) * conv.dilation_y - 1) / conv.stride_y + 1;
  conv.out_width =
      (s.width + 2 * conv.pad_x - (s.kernel_width - 1) * conv.dilation_x - 1) / conv.stride_x + 1;
  int64_t strides[4];
  strides_of(in, s.in_channels, s.height, s.width, strides);
  conv.input_strides = {strides[0], strides[1], strides[2], strides[3]};
  strides_of(filter, s.in_channels / s.groups, s.kernel_height, s.kernel_width, strides);
  conv.weight_strides = {strides[0], strides[1], strides[2], strides[3]};
  strides_of(out, s.out_channels, conv.out_height, conv.out_width, strides);
  conv.output_strides = {strides[0], strides[1], strides[2], strides[3]};
}

inline int64_t map_size(const MapStrides& strides, int64_t n, int64_t c, int64_t h, int64_t w) {
  const int64_t all[4] = {strides.image, strides.channel, strides.row, strides.column};
  return elements(all, n, c, h, w);
}
inline int64_t input_size(const ConvShape& s) {
  return map_size(s.input_strides, s.images, s.in_channels, s.in_height, s.in_width);
}
inline int64_t output_size(const ConvShape& s) {
  return map_size(s.output_strides, s.images, s.out_channels, s.out_height, s.out_width);
}
inline int64_t weight_size(const ConvShape& s) {
  const FilterStrides& w = s.weight_strides;
  return map_size({w.out_channel, w.in_channel, w.row, w.column}, s.out_channels, s.in_group(),
                  s.kernel_height, s.kernel_width);
}

inline constexpr Shape kShapes[] = {
    {1, 1, 1, 1, 1, 1, 1},                   // one of everything
    {2, 1, 28, 28, 6, 5, 5},                 // LeNet's first layer
    {2, 6, 14, 14, 16, 5, 5, 1, 2},          // its second
    {3, 16, 8, 8, 32, 3, 3, 1, 1},           // digits
    {1, 3, 33, 37, 17, 3, 3, 2, 1},          // an image, strided
    {2, 5, 13, 11, 7, 3, 3, 1, 1, 2},        // dilated
    {2, 5, 19, 17, 9, 3, 2, 2, 1, 3},        // dilated and strided, not square
    {1, 4, 23, 25, 33, 3, 3, 3, 2},          // strides and pads that differ by direction
    {2, 8, 9, 10, 12, 3, 3, 1, 1, 1, 4},     // groups
    {1, 24, 12, 12, 24, 3, 3, 1, 1, 1, 24},  // depthwise
    {1, 6, 12, 15, 18, 5, 3, 2, 2, 1, 6},    // depthwise, three outputs for each input
    {2, 64, 7, 7, 96, 3, 3, 1, 1},           // several blocks of the sum in channels-last
    {1, 70, 9, 20, 13, 3, 3, 1, 1},          // several blocks of the sum over pixels
    {2, 34, 6, 5, 50, 1, 1},                 // 1x1
    {1, 12, 6, 5, 20, 1, 1, 1, 0, 1, 4},     // 1x1 in groups
    {1, 12, 7, 5, 20, 1, 1, 2},              // 1x1 strided
    {1, 12, 6, 5, 20, 1, 1, 1, 1},           // 1x1 padded
    {1, 2, 5, 6, 3, 5, 6},                   // the kernel covers the map
    {1, 2, 3, 3, 3, 5, 5, 1, 2},             // the kernel is larger than the map
    {1, 2, 3, 4, 3, 3, 3, 1, 7},             // some outputs see padding only
    {1, 2, 90, 70, 20, 3, 3, 1, 1},          // several strips
    {1, 20, 60, 61, 40, 3, 3, 2, 1},         // several strips, strided
    {2, 3, 1, 50, 4, 1, 7, 1, 0},            // one row
    {2, 3, 50, 1, 4, 7, 1, 1, 0},            // one column
    {3, 37, 9, 11, 37, 3, 3, 1, 1, 1, 37},   // depthwise, an odd number of channels
    {2, 18, 13, 19, 18, 5, 5, 2, 2, 1, 18},  // depthwise, strided
    {2, 16, 9, 40, 16, 3, 3, 3, 2, 3, 16},   // depthwise, strided and dilated
    {1, 3, 6, 7, 3, 7, 7, 1, 5, 1, 3},       // depthwise, every pixel at an edge
    {1, 2, 130, 100, 2, 3, 3, 1, 1, 1, 2},   // depthwise, several strips
    {2, 1, 17, 20, 1, 3, 3, 1, 1},           // one channel
    {2, 40, 6, 7, 2, 3, 3, 1, 1},            // few outputs
    {5, 30, 2, 3, 50, 3, 3, 1, 1},           // several images in a block of the weight's gradient
    {1, 6, 7, 300, 5, 3, 3, 1, 1},           // rows in several blocks
    {2, 9, 20, 21, 8, 1, 1, 2},              // 1x1, every second row and column
    {1, 4, 9, 9, 4, 4, 4, 3, 0, 2},          // rows that no tap reaches
};

// Every number of channels from 1 to 20, in turn with every kernel from 1 to 11.
inline std::vector<Shape> mixed_shapes() {
  std::vector<Shape> shapes;
  for (int64_t c = 1; c <= 20; ++c) {
    const int64_t kernel = c % 11 + 1, pad = c % 3 == 0 ? kernel / 2 : 0;
    shapes.push_back({1 + c % 2, c, kernel + c % 4, 12 + c, c * 7 % 20 + 1, kernel,
                      c % 5 == 0 ? 1 : kernel, 1 + c % 2, pad});
    shapes.push_back({1, c, 12 + c % 7, 14 + c, c, 1 + c % 5, 3, 1, 1, 1 + c % 3, c});
  }
  return shapes;
}

}  // namespace entasis::cpu
