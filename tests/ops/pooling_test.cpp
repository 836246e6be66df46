// Pooling against naive windows, in both layouts; ties, NaN, padding, ceil_mode; gradients.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <entasis/core/autograd.h>
#include <entasis/core/error.h>
#include <entasis/entasis.h>

namespace entasis {
namespace {

std::vector<double> values(const Tensor& t) {
  const Tensor dense = t.detach().to(kF64).contiguous();
  return {dense.data<double>(), dense.data<double>() + dense.numel()};
}
using V = std::vector<double>;

TEST(MaxPool2d, WindowsAndGradient) {
  Tensor x = from_data({1, 5, 2, 4, 3, 3, 9, 8, 0, 0, 7, 7, 0, 6, 7, 7}, {1, 1, 4, 4}, kF64)
                 .requires_grad_();
  const Tensor y = max_pool2d(x, {2});
  EXPECT_EQ(values(y), (V{5, 9, 6, 7}));
  y.backward(from_data({1, 2, 3, 4}, {1, 1, 2, 2}, kF64));
  // Of equal elements the first takes the gradient.
  EXPECT_EQ(values(x.grad()), (V{0, 1, 0, 0, 0, 0, 2, 0, 0, 0, 4, 0, 0, 3, 0, 0}));
}

TEST(MaxPool2d, NaNWinsAndPaddingNever) {
  const double nan = std::nan(""), low = -std::numeric_limits<double>::infinity();
  const Tensor y = max_pool2d(from_data({nan, 1, -5, low}, {1, 1, 2, 2}, kF64), {2}, {1}, {1});
  const V v = values(y);
  EXPECT_TRUE(std::isnan(v[0]) && std::isnan(v[1]) && std::isnan(v[4]));
  EXPECT_EQ(v[2], 1);
  EXPECT_EQ(v[6], -5);
  EXPECT_EQ(v[8], low);
}

TEST(MaxPool2d, AWindowInThePaddingAltogether) {
  Tensor x = ones({1, 1, 1, 1}, kF64).requires_grad_();
  const Tensor y = max_pool2d(x, {2}, {1}, {1}, {2});
  EXPECT_EQ(values(y), (V{-std::numeric_limits<double>::infinity()}));
  y.sum().backward();
  EXPECT_EQ(values(x.grad()), (V{0}));
}

TEST(AvgPool2d, CountsPaddingUnlessTold) {
  const Tensor x = ones({1, 1, 3, 3}, kF64);
  EXPECT_EQ(values(avg_pool2d(x, {2}, {2}, {1})), (V{0.25, 0.5, 0.5, 1}));
  EXPECT_EQ(values(avg_pool2d(x, {2}, {2}, {1}, false, false)), (V{1, 1, 1, 1}));
  // With ceil_mode the last windows stand out of the input and count what is inside.
  EXPECT_EQ(values(avg_pool2d(x, {2}, {2}, {0}, true)), (V{1, 1, 1, 1}));
}

TEST(AvgPool2d, SpreadsItsGradient) {
  Tensor x = zeros({1, 1, 3, 3}, kF64).requires_grad_();
  avg_pool2d(x, {2}, {1}).backward(from_data({4, 8, 12, 16}, {1, 1, 2, 2}, kF64));
  EXPECT_EQ(values(x.grad()), (V{1, 3, 2, 4, 10, 6, 3, 7, 4}));
}

TEST(Pooling, LayoutsAgree) {
  manual_seed(1);
  for (DType dtype : {kF64, kF32, kF16, kBF16}) {
    Tensor x = randn({2, 3, 9, 11}).to(dtype).requires_grad_();
    Tensor last = channels_last(x.detach()).requires_grad_();
    for (int kind = 0; kind < 3; ++kind) {
      auto pool = [&](const Tensor& t) {
        if (kind == 0) return max_pool2d(t, {3, 2}, {2, 3}, {1, 1}, {1, 2}, true);
        return avg_pool2d(t, {3, 2}, {2, 3}, {1, 1}, kind == 1, kind == 1);
      };
      const Tensor a = pool(x), b = pool(last);
      EXPECT_TRUE(b.is_channels_last());
      EXPECT_EQ(values(a), values(b));
      const Tensors ga = grad({(a * a).sum()}, {x}), gb = grad({(b * b).sum()}, {last});
      EXPECT_EQ(values(ga[0]), values(gb[0]));
    }
  }
}

TEST(Pooling, SecondGradients) {
  manual_seed(2);
  Tensor x = randn({1, 2, 6, 6}, kF64).requires_grad_();
  for (bool average : {false, true}) {
    auto pool = [&](const Tensor& t) { return average ? avg_pool2d(t, {2}) : max_pool2d(t, {2}); };
    const Tensor y = pool(x);
    const Tensor g = grad({(y * y * y).sum()}, {x}, {.create_graph = true})[0];
    const Tensor second = grad({g.sum()}, {x})[0];
    // Each y hands its gradient 3y² on with weights that sum to one: g.sum() is the sum of 3y².
    const Tensor y2 = pool(x);
    const Tensor direct = grad({(3.0 * y2 * y2).sum()}, {x})[0];
    EXPECT_EQ(second.shape(), x.shape());
    for (int64_t i = 0; i < x.numel(); ++i) {
      EXPECT_NEAR(second.contiguous().data<double>()[i], direct.contiguous().data<double>()[i],
                  1e-12);
    }
  }
}

TEST(Pooling, Errors) {
  const Tensor x = zeros({1, 1, 4, 4});
  EXPECT_THROW(max_pool2d(x, {0}), ValueError);
  EXPECT_THROW(max_pool2d(x, {2}, {2}, {2}), ValueError);
  EXPECT_THROW(max_pool2d(x, {5}), ShapeError);
  EXPECT_THROW(max_pool2d(x, {2, 2, 2}), ValueError);
  EXPECT_THROW(avg_pool2d(x.to(kI32), {2}), DtypeError);
  EXPECT_THROW(avg_pool2d(zeros({4, 4}), {2}), ShapeError);
  EXPECT_EQ(max_pool2d(zeros({3, 4, 4}), {2}).shape(), (Dims{3, 2, 2}));
  EXPECT_EQ(max_pool2d(zeros({0, 3, 4, 4}), {2}).shape(), (Dims{0, 3, 2, 2}));
}

}  // namespace
}  // namespace entasis
