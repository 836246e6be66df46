// Joining and splitting: values in every layout, promotion, gradients, errors.
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

TEST(Cat, JoinsAlongEachDimension) {
  const Tensor a = arange(6).reshape({2, 3}), b = arange(6, 8).reshape({2, 1});
  EXPECT_EQ(values_of(cat({a, b}, 1)), (Values{0, 1, 2, 6, 3, 4, 5, 7}));
  EXPECT_EQ(values_of(cat({a, b}, -1)), values_of(cat({a, b}, 1)));
  EXPECT_EQ(values_of(cat({a, a})), (Values{0, 1, 2, 3, 4, 5, 0, 1, 2, 3, 4, 5}));
  EXPECT_EQ(values_of(cat({a})), values_of(a));
  EXPECT_FALSE(cat({a}).impl()->storage.get() == a.impl()->storage.get());
  EXPECT_EQ(cat({zeros({0, 3}), zeros({2, 3})}).shape(), (Dims{2, 3}));
  EXPECT_EQ(cat({zeros({2, 0}), zeros({3, 0})}).shape(), (Dims{5, 0}));
  EXPECT_EQ(cat({zeros({2, 3}, kMeta), zeros({2, 3}, kMeta)}, 1).shape(), (Dims{2, 6}));
}

TEST(Cat, MovesEveryDTypeAndLayout) {
  for (DType dtype : {kF64, kF16, kBF16, kI8, kI16, kI32, kI64, kU8, kU16, kU32, kU64, kBool}) {
    const Values values = naive::random_values(dtype, 24, 1, 0, 100);
    const Tensor plain = naive::tensor(dtype, {2, 3, 4}, values);
    for (int dim : {0, 1, 2}) {
      const Values expected = values_of(cat({plain, plain}, dim));
      for (const naive::Layout& layout : naive::layouts(dtype, {2, 3, 4}, values)) {
        const Tensor joined = cat({layout.tensor, plain}, dim);
        EXPECT_EQ(joined.dtype(), dtype);
        EXPECT_EQ(values_of(joined), expected) << layout.name;
      }
    }
    const Tensor joined = cat({plain, plain}, 1);
    EXPECT_EQ(values_of(joined.slice(1, 3, 6)), values);
  }
}

TEST(Cat, PromotesDTypes) {
  EXPECT_EQ(cat({zeros({1}, kI32), zeros({1}, kF16)}).dtype(), kF16);
  EXPECT_EQ(cat({zeros({1}, kF32), zeros({1}, kF64), zeros({1}, kI64)}).dtype(), kF64);
  EXPECT_EQ(cat({zeros({1}, kBool), zeros({1}, kU8)}).dtype(), kU8);
  EXPECT_EQ(values_of(cat({full({2}, 3), full({1}, 0.5)})), (Values{3, 3, 0.5}));
  Tensor x = ones({2}, kF32).requires_grad_(), y = ones({2}, kF64).requires_grad_();
  (cat({x, y}) * 3).sum().backward();
  EXPECT_EQ(x.grad().dtype(), kF32);
  EXPECT_EQ(y.grad().dtype(), kF64);
  EXPECT_EQ(values_of(x.grad()), (Values{3, 3}));
}

TEST(Cat, SkipsTensorsOfShapeZero) {
  const Tensor nothing = zeros({0}), x = zeros({2, 3});
  EXPECT_EQ(cat({nothing, x, nothing}, 1).shape(), (Dims{2, 3}));
  EXPECT_EQ(cat({nothing, nothing}).shape(), (Dims{0}));
  EXPECT_EQ(cat({nothing, full({2}, 1.0)}).shape(), (Dims{2}));
  EXPECT_THROW(cat({zeros({0, 1}), x}), ShapeError);
  Tensor empty = zeros({0}, kF64).requires_grad_(), full = ones({2, 2}, kF64).requires_grad_();
  cat({empty, full}, 1).sum().backward();
  EXPECT_EQ(empty.grad().shape(), (Dims{0}));
  EXPECT_EQ(values_of(full.grad()), (Values{1, 1, 1, 1}));
}

TEST(Cat, KeepsChannelsLastIfAllInputsAre) {
  const Tensor nhwc = zeros({2, 4, 5, 3}).permute({0, 3, 1, 2}), nchw = zeros({2, 3, 4, 5});
  EXPECT_TRUE(cat({nhwc, nhwc}, 1).is_channels_last());
  EXPECT_TRUE(cat({nhwc, nhwc}, 0).is_channels_last());
  EXPECT_TRUE(cat({nhwc, nchw}, 1).is_contiguous());
  EXPECT_TRUE(cat({nchw, nchw}, 1).is_contiguous());
  // One channel fits both orders, which speaks for NCHW, as in PyTorch.
  const Tensor one = zeros({2, 1, 4, 5});
  EXPECT_TRUE(cat({one, nhwc}, 1).is_contiguous());
  EXPECT_TRUE(cat({one, one}, 0).is_contiguous());
}

TEST(Cat, Errors) {
  expect_error<ValueError>([] { cat({}); }, "cat: needs at least one tensor");
  expect_error<ShapeError>(
      [] {
        cat({zeros({2, 3}), zeros({2, 4})});
      },
      "cat: input 1 has shape [2, 4] and input 0 [2, 3]; they may differ in "
      "dimension 0 only");
  expect_error<ShapeError>(
      [] {
        cat({zeros({2, 3}), zeros({2})}, 1);
      },
      "cat: input 1 has shape [2] and input 0 [2, 3]; they may differ in "
      "dimension 1 only");
  expect_error<ShapeError>(
      [] {
        cat({zeros({2}), full({}, 1.0)});
      },
      "cat: input 1 is 0-d and has no dimension to join along; stack joins "
      "such tensors");
  expect_error<IndexError>(
      [] {
        cat({zeros({2}), zeros({2})}, 1);
      },
      "cat: dim 1 is out of range for 1 dimensions (allowed: -1 to 0)");
  expect_error<ValueError>(
      [] {
        cat({zeros({2}), Tensor()});
      },
      "cat: input 1 is an undefined tensor");
  expect_error<DeviceError>(
      [] {
        cat({zeros({2}), zeros({2}, kMeta)});
      },
      "cat: inputs are on different devices: cpu and meta");
}

TEST(Cat, Gradients) {
  check_gradients([](const Tensors& x) { return cat(x, 1); },
                  {random({2, 3}, 1), random({2, 1}, 2), random({2, 2}, 3)}, "cat");
  check_gradients(
      [](const Tensors& x) {
        return cat({x[0], x[0].t()}, 0);
      },
      {random({3, 3})}, "cat of a tensor and its transpose");
}

TEST(Cat, ManyInputs) {
  Tensors parts;
  for (int i = 0; i < 1000; ++i) parts.push_back(full({1, 2}, double(i), kF64).requires_grad_());
  const Tensor joined = cat(parts);
  EXPECT_EQ(joined.shape(), (Dims{1000, 2}));
  (joined * joined).sum().backward();
  for (int i = 0; i < 1000; ++i)
    ASSERT_EQ(values_of(parts[size_t(i)].grad()), (Values{2.0 * i, 2.0 * i}));
}

TEST(Stack, JoinsAlongANewDimension) {
  const Tensor a = arange(2), b = arange(2, 4);
  EXPECT_EQ(values_of(stack({a, b})), (Values{0, 1, 2, 3}));
  EXPECT_EQ(values_of(stack({a, b}, 1)), (Values{0, 2, 1, 3}));
  EXPECT_EQ(stack({a, b}, -1).shape(), (Dims{2, 2}));
  EXPECT_EQ(stack({full({}, 1), full({}, 2)}).shape(), (Dims{2}));
  EXPECT_EQ(stack({zeros({0}), zeros({0})}).shape(), (Dims{2, 0}));
  check_gradients([](const Tensors& x) { return stack(x, 1); },
                  {random({2, 3}, 1), random({2, 3}, 2)}, "stack");
  expect_error<ShapeError>(
      [&] {
        stack({a, zeros({3})});
      },
      "stack: input 1 has shape [3], input 0 [2]");
  expect_error<ValueError>([] { stack({}); }, "stack: needs at least one tensor");
  expect_error<IndexError>([&] { stack({a}, 2); },
                           "stack: dim 2 is out of range for 2 dimensions (allowed: -2 to 1)");
}

TEST(Split, GivesViews) {
  const Tensor x = arange(10).reshape({2, 5});
  const Tensors parts = split(x, 2, 1);
  ASSERT_EQ(parts.size(), 3u);
  EXPECT_EQ(values_of(parts[0]), (Values{0, 1, 5, 6}));
  EXPECT_EQ(values_of(parts[2]), (Values{4, 9}));
  for (const Tensor& part : parts) EXPECT_EQ(part.impl()->storage.get(), x.impl()->storage.get());
  EXPECT_EQ(split(x, 100, 1).size(), 1u);
  EXPECT_EQ(split(zeros({0, 2}), 3).size(), 1u);
  EXPECT_EQ(split(zeros({0, 2}), 0)[0].shape(), (Dims{0, 2}));
  EXPECT_EQ(split(x, 1, -1).size(), 5u);
}

TEST(Split, ManyParts) {
  const Tensor x = arange(200000, kI32);
  const Tensors parts = split(x, 1);
  ASSERT_EQ(parts.size(), 200000u);
  for (int i = 0; i < 200000; i += 777) ASSERT_EQ(parts[size_t(i)].item<int>(), i);
}

TEST(Split, MissingGradientsAreZero) {
  Tensor x = random({5}).requires_grad_();
  const Tensors parts = split(x, 2);
  (parts[2] * 3).sum().backward();
  EXPECT_EQ(values_of(x.grad()), (Values{0, 0, 0, 0, 3}));
}

TEST(Split, Gradients) {
  check_gradients(
      [](const Tensors& x) {
        const Tensors p = split(x[0], 2, 1);
        return p[0] * p[1] + p[2].sum() * x[0].slice(1, 0, 2);
      },
      {random({2, 5})}, "split");
}

TEST(Split, Errors) {
  const Tensor x = zeros({4});
  expect_error<ValueError>([&] { split(x, 0); },
                           "split: split_size must be positive, it is 0 for size 4");
  expect_error<ValueError>([&] { split(x, -2); },
                           "split: split_size must be positive, it is -2 for size 4");
  expect_error<ShapeError>([] { split(full({}, 1), 1); }, "split: a 0-d tensor cannot be split");
  expect_error<IndexError>([&] { split(x, 1, 1); },
                           "split: dim 1 is out of range for 1 dimensions (allowed: -1 to 0)");
}

}  // namespace
}  // namespace entasis
