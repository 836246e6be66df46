// The two gradients of convolution against a naive loop over all products: strides, padding,
// dilation, groups, depthwise, layouts of all operands; the same bits for any number of threads;
// every SIMD target.
#include <entasis/kernels/cpu/internal/conv2d_input_grad.h>
#include <entasis/kernels/cpu/internal/conv2d_weight_grad.h>

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

// A sum, how large its terms are, and how many.
template <class Wide>
struct Total {
  Wide sum = 0, size = 0;
  int64_t terms = 0;
  void add(Wide term) {
    sum += term;
    size += std::abs(term);
    ++terms;
  }
};

template <class T>
struct Problem {
  using Wide = std::conditional_t<sizeof(T) == 4, double, long double>;

  Problem(const Shape& s, Layout in, Layout filter, Layout out) {
    set_shape(s, in, filter, out, shape);
    x = random_values<T>(input_size(shape), 1);
    w = random_values<T>(weight_size(shape), 2);
    gy = random_values<T>(output_size(shape), 3);
  }

  std::vector<T> input_grad() const {
    ConvInputGrad<T> grad;
    static_cast<ConvShape&>(grad) = shape;
    std::vector<T> result(x.size(), kBefore);
    grad.output_grad = gy.data();
    grad.weight = w.data();
    grad.input_grad = result.data();
    compute_input_grad(grad);
    return result;
  }
  std::vector<T> weight_grad() const {
    ConvWeightGrad<T> grad;
    static_cast<ConvShape&>(grad) = shape;
    std::vector<T> result(w.size(), kBefore);
    grad.output_grad = gy.data();
    grad.input = x.data();
    grad.weight_grad = result.data();
    compute_weight_grad(grad);
    return result;
  }

  // Calls f(positions of output_grad, input and weight) for each product of the convolution.
  template <class F>
  void each_product(const F& f) const {
    const MapStrides &in = shape.input_strides, &out = shape.output_strides;
    const FilterStrides& k = shape.weight_strides;
    for (int64_t n = 0; n < shape.images; ++n) {
      for (int64_t o = 0; o < shape.out_channels; ++o) {
        for (int64_t y = 0; y < shape.out_height; ++y) {
          for (int64_t i = 0; i < shape.out_width; ++i) {
            for (int64_t c = 0; c < shape.in_group(); ++c) {
              for (int64_t r = 0; r < shape.kernel_height; ++r) {
                for (int64_t s = 0; s < shape.kernel_width; ++s) {
                  const int64_t iy = y * shape.stride_y + r * shape.dilation_y - shape.pad_y;
                  const int64_t ix = i * shape.stride_x + s * shape.dilation_x - shape.pad_x;
                  if (iy < 0 || iy >= shape.in_height || ix < 0 || ix >= shape.in_width) continue;
                  const int64_t channel = o / shape.out_group() * shape.in_group() + c;
                  f(size_t(n * out.image + o * out.channel + y * out.row + i * out.column),
                    size_t(n * in.image + channel * in.channel + iy * in.row + ix * in.column),
                    size_t(o * k.out_channel + c * k.in_channel + r * k.row + s * k.column));
                }
              }
            }
          }
        }
      }
    }
  }

  // Which elements of a buffer are elements of the map or filter, the others being gaps.
  static std::vector<bool> used(size_t size, const int64_t (&strides)[4],
                                const int64_t (&extents)[4]) {
    std::vector<bool> marks(size);
    for (int64_t a = 0; a < extents[0]; ++a) {
      for (int64_t b = 0; b < extents[1]; ++b) {
        for (int64_t c = 0; c < extents[2]; ++c) {
          for (int64_t d = 0; d < extents[3]; ++d) {
            marks[size_t(a * strides[0] + b * strides[1] + c * strides[2] + d * strides[3])] = true;
          }
        }
      }
    }
    return marks;
  }

  static void compare(const char* what, const std::vector<T>& result,
                      const std::vector<Total<Wide>>& reference, const std::vector<bool>& marks) {
    for (size_t i = 0; i < result.size(); ++i) {
      if (!marks[i]) {
        ASSERT_EQ(result[i], kBefore) << what << " wrote into a gap, at " << i;
        continue;
      }
      const Wide bound =
          Wide(reference[i].terms + 4) * std::numeric_limits<T>::epsilon() * reference[i].size;
      ASSERT_LE(std::abs(result[i] - reference[i].sum), bound) << what << ", element " << i;
    }
  }

  void check() const {
    std::vector<Total<Wide>> gx(x.size()), gw(w.size());
    each_product([&](size_t o, size_t i, size_t k) {
      gx[i].add(Wide(gy[o]) * w[k]);
      gw[k].add(Wide(gy[o]) * x[i]);
    });
    const MapStrides& in = shape.input_strides;
    const FilterStrides& k = shape.weight_strides;
    const std::vector<bool> x_marks =
        used(x.size(), {in.image, in.channel, in.row, in.column},
             {shape.images, shape.in_channels, shape.in_height, shape.in_width});
    const std::vector<bool> w_marks =
        used(w.size(), {k.out_channel, k.in_channel, k.row, k.column},
             {shape.out_channels, shape.in_group(), shape.kernel_height, shape.kernel_width});
    on_every_target([&](int64_t) {
      compare("input_grad", input_grad(), gx, x_marks);
      if (testing::Test::HasFatalFailure()) return;
      compare("weight_grad", weight_grad(), gw, w_marks);
    });
  }

  static constexpr T kBefore = 12345;
  ConvShape shape;
  std::vector<T> x, w, gy;
};

constexpr Layout kLayouts[] = {Layout::kChannelsFirst, Layout::kChannelsLast, Layout::kSliced};

template <class T>
class Conv2dGradientsTest : public testing::Test {};
using Types = testing::Types<float, double>;
TYPED_TEST_SUITE(Conv2dGradientsTest, Types);

TYPED_TEST(Conv2dGradientsTest, EveryShapeInEveryLayout) {
  for (const Shape& shape : kShapes) {
    for (const Layout in : kLayouts) {
      for (const Layout out : kLayouts) {
        for (const Layout filter : kLayouts) {
          if (filter != Layout::kChannelsFirst && filter != in) continue;
          SCOPED_TRACE(describe(shape) + ", layouts " + std::to_string(static_cast<int>(in)) +
                       std::to_string(static_cast<int>(filter)) +
                       std::to_string(static_cast<int>(out)));
          Problem<TypeParam>(shape, in, filter, out).check();
          if (testing::Test::HasFatalFailure()) return;
        }
      }
    }
  }
}

TYPED_TEST(Conv2dGradientsTest, ChannelsAndKernelsOfEverySize) {
  for (const Shape& shape : mixed_shapes()) {
    for (const Layout layout : {Layout::kChannelsFirst, Layout::kChannelsLast}) {
      SCOPED_TRACE(describe(shape) + ", layout " + std::to_string(static_cast<int>(layout)));
      Problem<TypeParam>(shape, layout, layout, layout).check();
      if (testing::Test::HasFatalFailure()) return;
    }
  }
}

TYPED_TEST(Conv2dGradientsTest, SameBitsForAnyNumberOfThreads) {
  const int before = num_threads();
  std::vector<Shape> shapes = mixed_shapes();
  shapes.insert(shapes.end(), std::begin(kShapes), std::end(kShapes));
  shapes.push_back({6, 40, 20, 20, 70, 3, 3, 1, 1});  // parts of the sum and cuts by channels
  const auto same = [](const std::vector<TypeParam>& a, const std::vector<TypeParam>& b) {
    return std::memcmp(a.data(), b.data(), a.size() * sizeof(TypeParam)) == 0;
  };
  on_every_target([&](int64_t) {
    for (const Shape& shape : shapes) {
      for (const Layout layout : {Layout::kChannelsFirst, Layout::kChannelsLast}) {
        const Problem<TypeParam> problem(shape, layout, layout, layout);
        set_num_threads(1);
        const std::vector<TypeParam> gx = problem.input_grad(), gw = problem.weight_grad();
        for (const int threads : {2, 7, 32}) {
          set_num_threads(threads);
          ASSERT_TRUE(same(problem.input_grad(), gx)) << describe(shape) << " threads " << threads;
          ASSERT_TRUE(same(problem.weight_grad(), gw)) << describe(shape) << " threads " << threads;
        }
      }
    }
  });
  set_num_threads(before);
}

}  // namespace
}  // namespace entasis::cpu
