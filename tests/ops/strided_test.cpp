// Views by strides: what they see, what writing through them shows, gradients where they overlap,
// errors where they leave the storage.
#include <gtest/gtest.h>

#include <entasis/entasis.h>
#include <entasis/tests/ops/gradient_check.h>
#include <entasis/tests/ops/naive.h>
#include <entasis/tests/support/errors.h>

namespace entasis {
namespace {

using naive::Values;
using naive::values_of;

Tensor random(const Dims& shape, uint32_t seed = 1) {
  return naive::tensor(kF64, shape, naive::random_values(kF64, count_elements(shape), seed, -1, 1));
}

TEST(AsStrided, SeesTheStorage) {
  const Tensor x = arange(6);
  EXPECT_EQ(values_of(x.as_strided({2, 2}, {1, 2})), (Values{0, 2, 1, 3}));
  EXPECT_EQ(values_of(x.as_strided({3}, {1}, 3)), (Values{3, 4, 5}));
  const Tensor tail = x.slice(0, 4, 6);
  EXPECT_EQ(values_of(tail.as_strided({2}, {1})), (Values{4, 5}));
  EXPECT_EQ(values_of(tail.as_strided({2}, {1}, 0)), (Values{0, 1}));
  Tensor column = x.as_strided({2}, {3});
  column.fill_(9);
  EXPECT_EQ(values_of(x), (Values{9, 1, 2, 9, 4, 5}));
  EXPECT_EQ(x.as_strided({0}, {1}, 100).numel(), 0);
}

TEST(AsStrided, GradientsAreSumsOverTheStorage) {
  const auto check = [](const char* name, auto view) {
    check_gradients([view](const Tensors& x) { return view(x[0]); }, {random({6})}, name);
  };
  check("apart", [](const Tensor& x) { return x.as_strided({2, 2}, {1, 3}, 1); });
  check("overlapping", [](const Tensor& x) { return x.as_strided({4, 3}, {1, 1}); });
  check("repeated", [](const Tensor& x) { return x.as_strided({3, 2}, {0, 4}, 1); });
  check("of a view", [](const Tensor& x) {
    return x.reshape({2, 3}).t().slice(0, 1, 3).as_strided({2, 2}, {1, 3}, 1);
  });
}

// What autograd cannot know by differences: elements beside the input carry nothing, and an input
// that names an element several times shares its gradient.
TEST(AsStrided, GradientsBesideTheInputAreDropped) {
  Tensor x = random({6}).requires_grad_();
  x.slice(0, 2, 4).as_strided({6}, {1}, 0).sum().backward();
  EXPECT_EQ(values_of(x.grad()), (Values{0, 0, 1, 1, 0, 0}));
  x.zero_grad();
  x.reshape({6, 1}).expand({6, 2}).as_strided({6}, {1}).sum().backward();
  EXPECT_EQ(values_of(x.grad()), (Values{1, 1, 1, 1, 1, 1}));
}

TEST(AsStrided, Errors) {
  const Tensor x = zeros({2, 3});
  expect_error<ShapeError>([&] { x.as_strided({4}, {2}); },
                           "as_strided: a view of shape [4], strides [2] at offset 0 leaves the "
                           "storage of 6 elements");
  EXPECT_THROW(x.as_strided({2}, {INT64_MAX}), ShapeError);
  EXPECT_THROW(x.as_strided({-2}, {1}), ShapeError);
  EXPECT_THROW(x.as_strided({2}, {1}, INT64_MAX), ShapeError);
  EXPECT_THROW(as_strided(Tensor(), {2}, {1}), ValueError);
}

TEST(Unfold, GradientsOfOverlappingWindows) {
  for (const int64_t size : {1, 2, 3, 5}) {
    for (const int64_t step : {1, 2, 3, 7}) {
      check_gradients([=](const Tensors& x) { return x[0].unfold(1, size, step); },
                      {random({2, 7})}, "size " + std::to_string(size));
    }
  }
}

TEST(Diagonal, WritesThrough) {
  const Tensor x = zeros({3, 3});
  Tensor above = x.diagonal(1);
  above.fill_(2);
  EXPECT_EQ(values_of(x), (Values{0, 2, 0, 0, 0, 2, 0, 0, 0}));
}

TEST(ViewDType, TakesBitsForAnother) {
  const Tensor x = from_data({1.0, -2.0}, {2}, kF32);
  EXPECT_EQ(values_of(x.view(kI32)), (Values{1065353216, -1073741824}));
  EXPECT_EQ(values_of(x.view(kU16)), (Values{0, 16256, 0, 49152}));
  EXPECT_EQ(x.view(kF64).shape(), (Dims{1}));
  const Tensor matrix = zeros({2, 4}).t();
  EXPECT_EQ(matrix.view(kI32).strides(), matrix.strides());
  EXPECT_THROW(matrix.view(kI16), ShapeError);
  EXPECT_EQ(zeros({3, 4}).view(kI8).shape(), (Dims{3, 16}));
  EXPECT_EQ(zeros({6}).slice(0, 2, 6).view(kF64).storage_offset(), 1);
  EXPECT_THROW(zeros({5}).slice(0, 1, 5).view(kF64), ShapeError);
  EXPECT_THROW(zeros({2, 3}).slice(1, 0, 2).view(kF64), ShapeError);
  EXPECT_THROW(x.view(DType::kC64), DtypeError);
  EXPECT_FALSE(zeros({2}).requires_grad_().view(kF16).requires_grad());
}

}  // namespace
}  // namespace entasis
