// Convolution forward against a naive double loop: strides, padding, dilation, groups, layouts of
// all operands; the same bits for any number of threads; every SIMD target.
#include <entasis/kernels/cpu/internal/conv2d_direct.h>

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <random>
#include <sstream>
#include <string>
#include <type_traits>
#include <vector>

#include <entasis/backends/cpu/parallel.h>

#include "every_target.h"

namespace entasis::cpu {
namespace {

struct Shape {
  int64_t images, in_channels, height, width, out_channels, kernel_height, kernel_width;
  int64_t stride = 1, pad = 0, dilation = 1, groups = 1;
};

enum class Layout { kChannelsFirst, kChannelsLast, kSliced };

std::string describe(const Shape& s) {
  std::ostringstream text;
  text << s.images << "x" << s.in_channels << "x" << s.height << "x" << s.width << " -> "
       << s.out_channels << ", kernel " << s.kernel_height << "x" << s.kernel_width << ", stride "
       << s.stride << ", pad " << s.pad << ", dilation " << s.dilation << ", groups " << s.groups;
  return text.str();
}

// Strides of [n, c, h, w]; sliced: every second element of channels-first maps with gaps.
void strides_of(Layout layout, int64_t c, int64_t h, int64_t w, int64_t strides[4]) {
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

int64_t elements(const int64_t strides[4], int64_t n, int64_t c, int64_t h, int64_t w) {
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

constexpr Conv2dMethod kMethods[] = {Conv2dMethod::kFastest, Conv2dMethod::kPixels,
                                     Conv2dMethod::kChannels};

// A convolution with operands in buffers of exactly the size it needs.
template <class T>
struct Problem {
  Problem(const Shape& s, Layout in, Layout filter, Layout out, bool with_bias) {
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
        (s.height + 2 * conv.pad_y - (s.kernel_height - 1) * conv.dilation_y - 1) / conv.stride_y +
        1;
    conv.out_width =
        (s.width + 2 * conv.pad_x - (s.kernel_width - 1) * conv.dilation_x - 1) / conv.stride_x + 1;

    const int64_t in_group = s.in_channels / s.groups;
    int64_t strides[4];
    strides_of(in, s.in_channels, s.height, s.width, strides);
    conv.input_strides = {strides[0], strides[1], strides[2], strides[3]};
    input = random_values<T>(elements(strides, s.images, s.in_channels, s.height, s.width), 1);
    strides_of(filter, in_group, s.kernel_height, s.kernel_width, strides);
    conv.weight_strides = {strides[0], strides[1], strides[2], strides[3]};
    weight = random_values<T>(
        elements(strides, s.out_channels, in_group, s.kernel_height, s.kernel_width), 2);
    strides_of(out, s.out_channels, conv.out_height, conv.out_width, strides);
    conv.output_strides = {strides[0], strides[1], strides[2], strides[3]};
    output_before = random_values<T>(
        elements(strides, s.images, s.out_channels, conv.out_height, conv.out_width), 3);
    bias = random_values<T>(s.out_channels, 4);
    conv.input = input.data();
    conv.weight = weight.data();
    if (with_bias) conv.bias = bias.data();
  }

  std::vector<T> run(Conv2dMethod method = Conv2dMethod::kFastest) const {
    std::vector<T> output = output_before;
    Conv2d<T> call = conv;
    call.output = output.data();
    conv2d_direct(call, method);
    return output;
  }

  // Compares with sums in a wider type on every target, by every method, within the bound for such
  // sums.
  void check() const {
    using Wide = std::conditional_t<sizeof(T) == 4, double, long double>;
    constexpr Wide kGap = -1;  // the bound of an element that is no output
    std::vector<Wide> reference(output_before.size()), bound(output_before.size(), kGap);
    const MapStrides& in = conv.input_strides;
    const MapStrides& out = conv.output_strides;
    const FilterStrides& w = conv.weight_strides;
    const int64_t in_group = conv.in_channels / conv.groups;
    const int64_t out_group = conv.out_channels / conv.groups;
    const int64_t terms = in_group * conv.kernel_height * conv.kernel_width;

    const auto sum_at = [&](int64_t n, int64_t o, int64_t y, int64_t x) {
      Wide sum = conv.bias != nullptr ? conv.bias[o] : 0, size = std::abs(sum);
      for (int64_t i = 0; i < in_group; ++i) {
        for (int64_t r = 0; r < conv.kernel_height; ++r) {
          for (int64_t s = 0; s < conv.kernel_width; ++s) {
            const int64_t iy = y * conv.stride_y + r * conv.dilation_y - conv.pad_y;
            const int64_t ix = x * conv.stride_x + s * conv.dilation_x - conv.pad_x;
            if (iy < 0 || iy >= conv.in_height || ix < 0 || ix >= conv.in_width) continue;
            const int64_t c = o / out_group * in_group + i;
            const Wide term =
                static_cast<Wide>(
                    conv.input[n * in.image + c * in.channel + iy * in.row + ix * in.column]) *
                conv.weight[o * w.out_channel + i * w.in_channel + r * w.row + s * w.column];
            sum += term;
            size += std::abs(term);
          }
        }
      }
      const size_t at =
          static_cast<size_t>(n * out.image + o * out.channel + y * out.row + x * out.column);
      reference[at] = sum;
      bound[at] = static_cast<Wide>(terms + 4) * std::numeric_limits<T>::epsilon() * size;
    };
    for (int64_t n = 0; n < conv.images; ++n) {
      for (int64_t o = 0; o < conv.out_channels; ++o) {
        for (int64_t y = 0; y < conv.out_height; ++y) {
          for (int64_t x = 0; x < conv.out_width; ++x) sum_at(n, o, y, x);
        }
      }
    }

    on_every_target([&](int64_t) {
      for (const Conv2dMethod method : kMethods) {
        SCOPED_TRACE("method " + std::to_string(static_cast<int>(method)));
        const std::vector<T> output = run(method);
        for (size_t at = 0; at < output.size(); ++at) {
          if (bound[at] == kGap) {
            ASSERT_EQ(output[at], output_before[at]) << "wrote into a gap, at " << at;
          } else {
            ASSERT_LE(std::abs(output[at] - reference[at]), bound[at]) << "at element " << at;
          }
        }
      }
    });
  }

  Conv2d<T> conv;
  std::vector<T> input, weight, bias, output_before;
};

constexpr Shape kShapes[] = {
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
};

template <class T>
class Conv2dDirectTest : public testing::Test {};
using Types = testing::Types<float, double>;
TYPED_TEST_SUITE(Conv2dDirectTest, Types);

TYPED_TEST(Conv2dDirectTest, EveryShapeInEveryLayout) {
  constexpr Layout kLayouts[] = {Layout::kChannelsFirst, Layout::kChannelsLast, Layout::kSliced};
  for (const Shape& shape : kShapes) {
    for (const Layout in : kLayouts) {
      for (const Layout out : kLayouts) {
        for (const Layout filter : kLayouts) {
          if (filter != Layout::kChannelsFirst && filter != in) continue;
          SCOPED_TRACE(describe(shape) + ", layouts " + std::to_string(static_cast<int>(in)) +
                       std::to_string(static_cast<int>(filter)) +
                       std::to_string(static_cast<int>(out)));
          Problem<TypeParam>(shape, in, filter, out, in == out).check();
          if (testing::Test::HasFatalFailure()) return;
        }
      }
    }
  }
}

TYPED_TEST(Conv2dDirectTest, SameBitsForAnyNumberOfThreads) {
  const int before = num_threads();
  on_every_target([](int64_t) {
    for (const Shape& shape : kShapes) {
      for (const Layout layout : {Layout::kChannelsFirst, Layout::kChannelsLast}) {
        const Problem<TypeParam> problem(shape, layout, layout, layout, true);
        for (const Conv2dMethod method : kMethods) {
          set_num_threads(1);
          const std::vector<TypeParam> expected = problem.run(method);
          for (const int threads : {2, 7, 32}) {
            set_num_threads(threads);
            const std::vector<TypeParam> output = problem.run(method);
            ASSERT_EQ(
                std::memcmp(output.data(), expected.data(), output.size() * sizeof(TypeParam)), 0)
                << describe(shape) << " threads " << threads;
          }
        }
      }
    }
  });
  set_num_threads(before);
}

TYPED_TEST(Conv2dDirectTest, NoInputChannelsGiveTheBias) {
  for (const bool with_bias : {false, true}) {
    const Problem<TypeParam> problem({2, 0, 5, 6, 3, 3, 3}, Layout::kChannelsFirst,
                                     Layout::kChannelsFirst, Layout::kChannelsFirst, with_bias);
    problem.check();
  }
}

TYPED_TEST(Conv2dDirectTest, EmptyOutputsTouchNothing) {
  for (const Shape& shape : {Shape{0, 2, 5, 6, 3, 3, 3}, Shape{1, 2, 5, 6, 0, 3, 3}}) {
    Problem<TypeParam> problem(shape, Layout::kChannelsFirst, Layout::kChannelsFirst,
                               Layout::kChannelsFirst, false);
    problem.conv.input = nullptr;
    problem.conv.weight = nullptr;
    problem.conv.output = nullptr;
    conv2d_direct(problem.conv);
  }
}

}  // namespace
}  // namespace entasis::cpu
