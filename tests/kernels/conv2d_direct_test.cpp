// Convolution forward against a naive double loop: strides, padding, dilation, groups, layouts of
// all operands; the same bits for any number of threads; every SIMD target.
#include <entasis/kernels/cpu/internal/conv2d_direct.h>

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <type_traits>
#include <vector>

#include <entasis/backends/cpu/parallel.h>

#include "conv2d_shapes.h"
#include "every_target.h"

namespace entasis::cpu {
namespace {

constexpr Conv2dMethod kMethods[] = {Conv2dMethod::kFastest, Conv2dMethod::kPixels,
                                     Conv2dMethod::kChannels};

// A convolution with operands in buffers of exactly the size it needs.
template <class T>
struct Problem {
  Problem(const Shape& s, Layout in, Layout filter, Layout out, bool with_bias) {
    set_shape(s, in, filter, out, conv);
    input = random_values<T>(input_size(conv), 1);
    weight = random_values<T>(weight_size(conv), 2);
    output_before = random_values<T>(output_size(conv), 3);
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

TYPED_TEST(Conv2dDirectTest, ChannelsAndKernelsOfEverySize) {
  for (const Shape& shape : mixed_shapes()) {
    for (const Layout layout : {Layout::kChannelsFirst, Layout::kChannelsLast}) {
      SCOPED_TRACE(describe(shape) + ", layout " + std::to_string(static_cast<int>(layout)));
      Problem<TypeParam>(shape, layout, layout, layout, true).check();
      if (testing::Test::HasFatalFailure()) return;
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
