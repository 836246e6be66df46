// Convolution and its gradients against naive loops in double, over strides, padding, dilation,
// groups and layouts; and what wrong arguments say.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include <entasis/backends/cpu/parallel.h>
#include <entasis/core/autograd.h>
#include <entasis/core/error.h>
#include <entasis/entasis.h>

namespace entasis {
namespace {

struct Case {
  Dims input, weight, stride{1, 1}, padding{0, 0}, dilation{1, 1};
  int64_t groups = 1;
};

const Case kCases[] = {
    {{2, 3, 7, 8}, {4, 3, 3, 3}},
    {{2, 3, 7, 8}, {4, 3, 3, 2}, {2, 1}, {1, 1}},
    {{1, 4, 9, 9}, {6, 2, 3, 3}, {2, 3}, {2, 1}, {2, 1}, 2},
    {{3, 4, 6, 6}, {4, 1, 3, 3}, {1, 1}, {1, 1}, {1, 1}, 4},
    {{2, 5, 6, 4}, {7, 5, 1, 1}},
    {{2, 5, 6, 4}, {7, 5, 1, 1}, {2, 2}},
    {{2, 1, 12, 12}, {5, 1, 5, 5}, {1, 1}, {2, 2}},
    {{1, 2, 5, 5}, {3, 2, 1, 1}, {1, 1}, {2, 1}},  // padding beyond the filter's reach
    {{1, 2, 8, 8}, {2, 2, 2, 2}, {3, 3}},          // rows that no window reaches
    {{17, 2, 4, 4}, {3, 2, 2, 2}},
};

double at(const Tensor& t, int64_t n, int64_t c, int64_t y, int64_t x) {
  const Dims& s = t.strides();
  return static_cast<const double*>(t.raw())[n * s[0] + c * s[1] + y * s[2] + x * s[3]];
}

// Calls f(n, group, o, c, y, x, r, s, iy, ix) for every product of the convolution.
template <class F>
void each_product(const Case& k, const Dims& out, F f) {
  const int64_t og = k.weight[0] / k.groups, cg = k.weight[1];
  for (int64_t n = 0; n < out[0]; ++n)
    for (int64_t o = 0; o < out[1]; ++o)
      for (int64_t y = 0; y < out[2]; ++y)
        for (int64_t x = 0; x < out[3]; ++x)
          for (int64_t c = 0; c < cg; ++c)
            for (int64_t r = 0; r < k.weight[2]; ++r)
              for (int64_t s = 0; s < k.weight[3]; ++s) {
                const int64_t iy = y * k.stride[0] + r * k.dilation[0] - k.padding[0];
                const int64_t ix = x * k.stride[1] + s * k.dilation[1] - k.padding[1];
                if (iy < 0 || ix < 0 || iy >= k.input[2] || ix >= k.input[3]) continue;
                f(n, o, y, x, o / og * cg + c, c, r, s, iy, ix);
              }
}

int64_t flat(const Dims& shape, int64_t a, int64_t b, int64_t c, int64_t d) {
  return ((a * shape[1] + b) * shape[2] + c) * shape[3] + d;
}

void expect_close(const Tensor& actual, const std::vector<double>& expected, double tolerance) {
  const Tensor t = actual.detach().to(kF64).contiguous();
  ASSERT_EQ(t.numel(), int64_t(expected.size()));
  for (int64_t i = 0; i < t.numel(); ++i) {
    ASSERT_NEAR(t.data<double>()[i], expected[size_t(i)], tolerance) << "element " << i;
  }
}

using ConvParameters = std::tuple<size_t, bool, DType>;  // the case; channels last
std::string name_of_conv(const testing::TestParamInfo<ConvParameters>& info) {
  const auto& [index, last, dtype] = info.param;
  return "case" + std::to_string(index) + (last ? "_channels_last_" : "_") + name_of(dtype);
}

class Conv2d : public testing::TestWithParam<ConvParameters> {};

TEST_P(Conv2d, ValuesAndGradients) {
  const auto [index, last, dtype] = GetParam();
  const Case& k = kCases[index];
  manual_seed(index);
  const double tolerance = dtype == kF64 ? 1e-12 : dtype == kF32 ? 2e-4 : 0.25;
  auto make = [&, last = last, dtype = dtype](const Dims& shape) {
    Tensor t = randn(shape).to(dtype);
    return (last && shape.size() == 4 ? channels_last(t) : t).clone().requires_grad_();
  };
  Tensor x = make(k.input), w = make(k.weight), b = make({k.weight[0]});
  const Tensor y = conv2d(x, w, b, k.stride, k.padding, k.dilation, k.groups);
  const Dims out = y.shape();
  Tensor gy = randn(out).to(dtype);
  y.backward(gy);

  const Tensor xd = x.detach().to(kF64), wd = w.detach().to(kF64), gd = gy.to(kF64);
  const Tensor bd = b.detach().to(kF64);
  std::vector<double> values(size_t(y.numel())), gx(size_t(x.numel())), gw(size_t(w.numel()));
  for (int64_t i = 0; i < y.numel(); ++i) {
    values[size_t(i)] = bd.data<double>()[i / (out[2] * out[3]) % out[1]];
  }
  each_product(k, out,
               [&](int64_t n, int64_t o, int64_t oy, int64_t ox, int64_t ci, int64_t c, int64_t r,
                   int64_t s, int64_t iy, int64_t ix) {
                 const double g = at(gd, n, o, oy, ox);
                 values[size_t(flat(out, n, o, oy, ox))] +=
                     at(xd, n, ci, iy, ix) * at(wd, o, c, r, s);
                 gx[size_t(flat(k.input, n, ci, iy, ix))] += g * at(wd, o, c, r, s);
                 gw[size_t(flat(k.weight, o, c, r, s))] += g * at(xd, n, ci, iy, ix);
               });
  expect_close(y, values, tolerance);
  expect_close(x.grad(), gx, tolerance);
  expect_close(w.grad(), gw, tolerance);
  expect_close(
      b.grad(),
      [&] {
        std::vector<double> sums(size_t(k.weight[0]));
        const Tensor dense = gd.contiguous();
        for (int64_t i = 0; i < dense.numel(); ++i) {
          sums[size_t(i / (out[2] * out[3]) % out[1])] += dense.data<double>()[i];
        }
        return sums;
      }(),
      tolerance * 4);
  EXPECT_EQ(x.grad().strides(), x.strides());
  EXPECT_EQ(w.grad().strides(), w.strides());
  EXPECT_TRUE(!last || x.size(1) == 1 || y.is_channels_last());
}

INSTANTIATE_TEST_SUITE_P(Shapes, Conv2d,
                         testing::Combine(testing::Range(size_t{0}, std::size(kCases)),
                                          testing::Bool(), testing::Values(kF64, kF32, kBF16)),
                         name_of_conv);

TEST(Conv2dGrads, SecondOrderByFiniteDifferences) {
  manual_seed(3);
  Tensor x = randn({1, 2, 5, 5}, kF64).requires_grad_();
  Tensor w = randn({3, 2, 2, 2}, kF64).requires_grad_();
  const Tensor vx = randn({1, 2, 5, 5}, kF64), vw = randn({3, 2, 2, 2}, kF64);
  auto penalty = [&](const Tensor& xi, const Tensor& wi) {
    const Tensor y = conv2d(xi, wi, {}, {2, 1}, {1, 0});
    const Tensors g = grad({(y * y * y).sum()}, {xi, wi}, {.create_graph = true});
    return (g[0] * vx).sum() + (g[1] * vw).sum();
  };
  const Tensors analytic = grad({penalty(x, w)}, {x, w});
  const double h = 1e-5;
  auto numeric = [&](Tensor& t, int64_t i) {
    double* p = static_cast<double*>(t.raw()) + i;
    const double kept = *p;
    *p = kept + h;
    const double up = penalty(x, w).item();
    *p = kept - h;
    const double down = penalty(x, w).item();
    *p = kept;
    return (up - down) / (2 * h);
  };
  for (int64_t i : {0, 7, 24, 31, 49}) {
    EXPECT_NEAR(analytic[0].contiguous().data<double>()[i], numeric(x, i), 1e-4) << i;
  }
  for (int64_t i : {0, 5, 11, 23}) {
    EXPECT_NEAR(analytic[1].contiguous().data<double>()[i], numeric(w, i), 1e-4) << i;
  }
}

TEST(Conv2dGrads, SameBitsForAnyNumberOfThreads) {
  manual_seed(5);
  const Tensor x = randn({37, 3, 14, 14}), w = randn({8, 3, 5, 5});
  const Tensor gy = randn({37, 8, 10, 10});
  std::vector<std::vector<float>> seen;
  const int before = num_threads();
  for (int threads : {1, 2, 7}) {
    set_num_threads(threads);
    const Conv2dGrads g = conv2d_backward(gy, x, w);
    const Tensor all = cat({conv2d(x, w).flatten(), g.input.flatten(), g.weight.flatten()});
    seen.emplace_back(all.data<float>(), all.data<float>() + all.numel());
  }
  set_num_threads(before);
  EXPECT_EQ(seen[0], seen[1]);
  EXPECT_EQ(seen[0], seen[2]);
}

TEST(Conv2dErrors, NameWhatDoesNotFit) {
  const Tensor x = zeros({1, 3, 5, 5}), w = zeros({4, 3, 3, 3});
  auto text = [](auto f) -> std::string {
    try {
      f();
    } catch (const Error& error) {
      return error.what();
    }
    return "nothing was thrown";
  };
  constexpr Location kHere{"user.cpp", 12};
  auto call = [&](const Tensor& input, const Tensor& weight, const Dims& stride = {1, 1}) {
    return text([&] { conv2d(input, weight, {}, stride, {0, 0}, {1, 1}, 1, kHere); });
  };
  EXPECT_EQ(call(x, zeros({4, 2, 3, 3})),
            "conv2d: channels do not fit: input is [1, 3, 5, 5], weight is [4, 2, 3, 3], groups is "
            "1 — user.cpp:12");
  EXPECT_EQ(call(x, w, {0}), "conv2d: stride must be at least 1, it is [0] — user.cpp:12");
  EXPECT_EQ(call(x, zeros({4, 3, 7, 7})),
            "conv2d: the filter does not fit: input is [1, 3, 5, 5], weight is [4, 3, 7, 7], "
            "padding [0, 0], dilation [1, 1] — user.cpp:12");
  EXPECT_EQ(call(x.to(kI32), w.to(kI32)),
            "conv2d: needs a floating-point dtype, input is i32 — user.cpp:12");
  EXPECT_THROW(conv2d(x, w, zeros({3})), ShapeError);
  EXPECT_THROW(conv2d(x, w.to(kF64)), DtypeError);
  EXPECT_THROW(conv2d(zeros({5, 5}), w), ShapeError);
  EXPECT_EQ(conv2d(zeros({3, 5, 5}), w).shape(), (Dims{4, 3, 3}));
  EXPECT_EQ(conv2d(zeros({0, 3, 5, 5}), w).shape(), (Dims{0, 4, 3, 3}));
}

}  // namespace
}  // namespace entasis
