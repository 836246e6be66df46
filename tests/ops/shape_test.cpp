// Views: geometry, sharing, gradients of both orders, and what bad arguments say.
#include <gtest/gtest.h>

#include <entasis/entasis.h>
#include <entasis/tests/ops/gradient_check.h>
#include <entasis/tests/ops/naive.h>
#include <entasis/tests/support/errors.h>

namespace entasis {
namespace {

using naive::Values;
using naive::values_of;

bool shares(const Tensor& a, const Tensor& b) {
  return a.impl()->storage.get() == b.impl()->storage.get();
}

Tensor random(const Dims& shape, uint32_t seed = 1) {
  return naive::tensor(kF64, shape, naive::random_values(kF64, count_elements(shape), seed, -1, 1));
}

// ---- reshape

TEST(Reshape, IsAViewWhereTheStridesAllowIt) {
  const Tensor x = arange(24).reshape({2, 3, 4});
  const Tensor y = x.reshape({6, 4});
  EXPECT_TRUE(shares(x, y));
  EXPECT_EQ(y.strides(), (Dims{4, 1}));
  EXPECT_EQ(values_of(y), values_of(x));
  EXPECT_EQ(x.reshape({-1}).shape(), (Dims{24}));
  EXPECT_EQ(x.reshape({2, -1, 2}).shape(), (Dims{2, 6, 2}));
  EXPECT_EQ(x.reshape({1, 24, 1}).shape(), (Dims{1, 24, 1}));
  // One block of each transposed dimension stays a block.
  const Tensor t = x.permute({1, 0, 2});
  EXPECT_TRUE(shares(t.reshape({3, 2, 2, 2}), x));
  EXPECT_EQ(t.reshape({3, 2, 2, 2}).strides(), (Dims{4, 12, 2, 1}));
  EXPECT_TRUE(shares(t.reshape({3, 2, 4, 1}), x));
  // The same shape always is a view, even of a broadcast.
  const Tensor wide = zeros({3, 1}).expand({3, 4});
  EXPECT_TRUE(shares(wide.reshape({3, 4}), wide));
  EXPECT_EQ(wide.reshape({3, 2, 2}).strides(), (Dims{1, 0, 0}));
}

TEST(Reshape, CopiesWhereItMust) {
  const Tensor x = arange(6).reshape({2, 3});
  const Tensor y = x.t().reshape({6});
  EXPECT_FALSE(shares(x, y));
  EXPECT_EQ(values_of(y), (Values{0, 3, 1, 4, 2, 5}));
  EXPECT_FALSE(shares(x.slice(1, 0, 2).reshape({4}), x));
  EXPECT_EQ(values_of(x.slice(1, 0, 2).reshape({4})), (Values{0, 1, 3, 4}));
}

TEST(Reshape, EmptyAndZeroDimensional) {
  EXPECT_EQ(zeros({0, 3}).reshape({3, 0, 5}).shape(), (Dims{3, 0, 5}));
  EXPECT_EQ(zeros({0, 3}).reshape({-1, 3}).shape(), (Dims{0, 3}));
  EXPECT_EQ(full({}, 2).reshape({1, 1}).shape(), (Dims{1, 1}));
  EXPECT_EQ(full({1, 1}, 2).reshape({}).shape(), (Dims{}));
  EXPECT_EQ(zeros({2, 3}, kMeta).reshape({3, 2}).shape(), (Dims{3, 2}));
  EXPECT_EQ(zeros({2, 3}, kMeta).t().reshape({6}).shape(), (Dims{6}));
}

// Every reshape of every layout gives the elements in row-major order.
TEST(Reshape, AllLayouts) {
  const Values values = naive::random_values(kF32, 24);
  for (const naive::Layout& layout : naive::layouts(kF32, {2, 3, 4}, values)) {
    for (const Dims& shape :
         {Dims{24}, Dims{6, 4}, Dims{2, 12}, Dims{4, 3, 2}, Dims{2, 1, 3, 2, 2}, Dims{1, 24, 1}}) {
      const Tensor y = layout.tensor.reshape(shape);
      EXPECT_EQ(y.shape(), shape);
      EXPECT_EQ(values_of(y), values) << layout.name << " to " << to_string(shape);
    }
  }
}

TEST(Reshape, Errors) {
  const Tensor x = zeros({2, 3});
  expect_error<ShapeError>([&] { x.reshape({4}); },
                           "reshape: [2, 3] has 6 elements, which do not fill [4]");
  expect_error<ShapeError>(
      [&] {
        x.reshape({-1, 4});
      },
      "reshape: [2, 3] has 6 elements, which do not fill [-1, 4]");
  expect_error<ShapeError>(
      [&] {
        x.reshape({-1, -1});
      },
      "reshape: only one size may be -1, the shape is [-1, -1]");
  expect_error<ShapeError>(
      [&] {
        x.reshape({-2, 3});
      },
      "reshape: size -2 in shape [-2, 3]; sizes are at least 0, or -1 to be "
      "inferred");
  expect_error<ShapeError>(
      [&] {
        zeros({0}).reshape({-1, 0});
      },
      "reshape: the size of -1 cannot be inferred in [-1, 0], whose other "
      "sizes make it empty");
  expect_error<ShapeError>(
      [&] {
        x.reshape({INT64_MAX, 3});
      },
      "reshape: shape [9223372036854775807, 3] has more than 2^63 elements");
}

TEST(Flatten, JoinsDimensions) {
  const Tensor x = zeros({2, 3, 4, 5});
  EXPECT_EQ(x.flatten().shape(), (Dims{120}));
  EXPECT_EQ(x.flatten(1).shape(), (Dims{2, 60}));
  EXPECT_EQ(x.flatten(1, 2).shape(), (Dims{2, 12, 5}));
  EXPECT_EQ(x.flatten(-2, -1).shape(), (Dims{2, 3, 20}));
  EXPECT_EQ(x.flatten(2, 2).shape(), x.shape());
  EXPECT_EQ(full({}, 1).flatten().shape(), (Dims{1}));
  EXPECT_EQ(zeros({0, 3}).flatten().shape(), (Dims{0}));
  expect_error<ValueError>([&] { x.flatten(2, 1); },
                           "flatten: start_dim 2 comes after end_dim 1 in shape [2, 3, 4, 5]");
  expect_error<IndexError>([&] { x.flatten(4); },
                           "flatten: dim 4 is out of range for 4 dimensions (allowed: -4 to 3)");
}

// ---- The other views

TEST(Transpose, ExchangesDimensions) {
  const Tensor x = arange(6).reshape({2, 3});
  const Tensor y = transpose(x, 0, -1);
  EXPECT_TRUE(shares(x, y));
  EXPECT_EQ(y.shape(), (Dims{3, 2}));
  EXPECT_EQ(values_of(y), (Values{0, 3, 1, 4, 2, 5}));
  EXPECT_EQ(values_of(x.t()), values_of(y));
  EXPECT_EQ(transpose(full({}, 1), 0, -1).dim(), 0);
  EXPECT_EQ(arange(3).t().shape(), (Dims{3}));
  expect_error<IndexError>([&] { transpose(x, 0, 2); },
                           "transpose: dim 2 is out of range for 2 dimensions (allowed: -2 to 1)");
  expect_error<ShapeError>(
      [&] {
        zeros({1, 2, 3}).t();
      },
      "t: needs at most 2 dimensions, the shape is [1, 2, 3]");
}

TEST(Permute, ReordersDimensions) {
  const Tensor x = zeros({2, 3, 4});
  EXPECT_EQ(permute(x, {2, 0, -2}).shape(), (Dims{4, 2, 3}));
  EXPECT_EQ(permute(x, {2, 0, -2}).strides(), (Dims{1, 12, 4}));
  EXPECT_EQ(permute(full({}, 1), {}).dim(), 0);
  expect_error<ShapeError>(
      [&] {
        permute(x, {0, 1});
      },
      "permute: dims [0, 1] do not name each dimension of shape [2, 3, 4] "
      "once");
  expect_error<ShapeError>(
      [&] {
        permute(x, {0, 1, -2});
      },
      "permute: dims [0, 1, -2] name dimension 1 twice");
}

TEST(Expand, RepeatsWithoutMemory) {
  const Tensor x = arange(3).reshape({3, 1});
  const Tensor y = expand(x, {2, 3, 2});
  EXPECT_TRUE(shares(x, y));
  EXPECT_EQ(y.strides(), (Dims{0, 1, 0}));
  EXPECT_EQ(values_of(y), (Values{0, 0, 1, 1, 2, 2, 0, 0, 1, 1, 2, 2}));
  EXPECT_EQ(expand(x, {-1, 4}).shape(), (Dims{3, 4}));
  EXPECT_EQ(expand(full({}, 1), {2, 2}).shape(), (Dims{2, 2}));
  EXPECT_EQ(expand(zeros({1, 3}), {0, 3}).numel(), 0);
  expect_error<ShapeError>(
      [&] {
        expand(x, {2, 2});
      },
      "expand: [3, 1] does not expand to [2, 2]: size 3 of dimension 0 is "
      "neither 1 nor 2");
  expect_error<ShapeError>([&] { expand(x, {3}); },
                           "expand: shape [3] has fewer dimensions than the input's [3, 1]");
  expect_error<ShapeError>(
      [&] {
        expand(x, {-1, 3, 1});
      },
      "expand: size -1 of dimension 0 in [-1, 3, 1]; -1 keeps a size, and "
      "there is none here");
  expect_error<ShapeError>(
      [&] {
        expand(x, {-3, 1});
      },
      "expand: size -3 of dimension 0 in [-3, 1]");
}

TEST(Slice, FollowsPython) {
  const Tensor x = arange(10);
  EXPECT_TRUE(shares(x, slice(x, 0, 2, 5)));
  EXPECT_EQ(values_of(slice(x, 0, 2, 5)), (Values{2, 3, 4}));
  EXPECT_EQ(values_of(slice(x, 0, -3, 100)), (Values{7, 8, 9}));
  EXPECT_EQ(values_of(slice(x, 0, 1, -1, 3)), (Values{1, 4, 7}));
  EXPECT_EQ(values_of(slice(x, 0, 0, 10, 4)), (Values{0, 4, 8}));
  EXPECT_EQ(values_of(slice(x, 0, -100, 2)), (Values{0, 1}));
  EXPECT_EQ(slice(x, 0, 5, 2).shape(), (Dims{0}));
  EXPECT_EQ(slice(x, 0, 100, 200).shape(), (Dims{0}));
  EXPECT_EQ(slice(x, 0, 0, INT64_MAX, INT64_MAX).shape(), (Dims{1}));
  EXPECT_EQ(slice(zeros({2, 0}), 1, 0, 3).shape(), (Dims{2, 0}));
  // A slice of a slice.
  EXPECT_EQ(values_of(slice(slice(x, 0, 1, 10, 2), 0, 1, 5, 2)), (Values{3, 7}));
  expect_error<ValueError>([&] { slice(x, 0, 0, 5, 0); },
                           "slice: step must be at least 1, it is 0");
  expect_error<IndexError>([&] { slice(full({}, 1), 0, 0, 1); },
                           "slice: a 0-d tensor has no dimension 0");
}

TEST(Narrow, RaisesWhereSliceClamps) {
  const Tensor x = arange(10).reshape({2, 5});
  EXPECT_EQ(values_of(narrow(x, 1, 1, 2)), (Values{1, 2, 6, 7}));
  EXPECT_EQ(values_of(narrow(x, -1, -2, 2)), (Values{3, 4, 8, 9}));
  EXPECT_EQ(narrow(x, 1, 5, 0).shape(), (Dims{2, 0}));
  for (const auto& [start, length] : {std::pair{4, 2}, {0, -1}, {6, 0}, {-6, 1}}) {
    expect_error<IndexError>([&x, s = start, l = length] { narrow(x, 1, s, l); },
                             "narrow: start " + std::to_string(start) + " and length " +
                                 std::to_string(length) +
                                 " are out of range for dimension 1 of size 5");
  }
}

TEST(Select, DropsTheDimension) {
  const Tensor x = arange(6).reshape({2, 3});
  EXPECT_TRUE(shares(x, select(x, 0, 1)));
  EXPECT_EQ(values_of(select(x, 0, 1)), (Values{3, 4, 5}));
  EXPECT_EQ(values_of(select(x, 1, -1)), (Values{2, 5}));
  EXPECT_EQ(select(select(x, 0, 1), 0, 2).item(), 5);
  expect_error<IndexError>([&] { select(x, 0, 2); },
                           "select: index 2 is out of range for dimension 0 of size 2");
  expect_error<IndexError>([&] { select(x, 1, -4); },
                           "select: index -4 is out of range for dimension 1 of size 3");
  expect_error<IndexError>([&] { select(full({}, 1), 0, 0); },
                           "select: a 0-d tensor has no dimension 0");
}

TEST(Squeeze, DropsSizesOfOne) {
  const Tensor x = zeros({1, 3, 1, 2, 1});
  EXPECT_EQ(squeeze(x).shape(), (Dims{3, 2}));
  EXPECT_EQ(squeeze(x, {0}).shape(), (Dims{3, 1, 2, 1}));
  EXPECT_EQ(squeeze(x, {1}).shape(), x.shape());
  EXPECT_EQ(squeeze(x, {2, -1}).shape(), (Dims{1, 3, 2}));
  EXPECT_EQ(x.squeeze(-1).shape(), (Dims{1, 3, 1, 2}));
  EXPECT_EQ(squeeze(full({}, 1), {0}).dim(), 0);
  expect_error<ValueError>(
      [&] {
        squeeze(x, {0, -5});
      },
      "squeeze: dim [0, -5] names a dimension twice");
}

TEST(Unsqueeze, AddsASizeOfOne) {
  const Tensor x = zeros({2, 3});
  EXPECT_EQ(unsqueeze(x, 0).shape(), (Dims{1, 2, 3}));
  EXPECT_EQ(unsqueeze(x, -1).shape(), (Dims{2, 3, 1}));
  EXPECT_EQ(unsqueeze(x, 1).strides(), (Dims{3, 3, 1}));
  EXPECT_EQ(unsqueeze(full({}, 1), 0).shape(), (Dims{1}));
  expect_error<IndexError>([&] { unsqueeze(x, 3); },
                           "unsqueeze: dim 3 is out of range for 3 dimensions (allowed: -3 to 2)");
  expect_error<ShapeError>(
      [] {
        unsqueeze(zeros({1, 1, 1, 1, 1, 1, 1, 1}), 0);
      },
      "unsqueeze: 9 dimensions; at most 8 are supported");
}

TEST(Views, WritesShowInTheBase) {
  Tensor x = zeros({2, 3});
  x.t()[1].fill_(5);
  EXPECT_EQ(values_of(x), (Values{0, 5, 0, 0, 5, 0}));
}

TEST(Views, RunOnMeta) {
  const Tensor x = zeros({4, 6}, kMeta);
  EXPECT_EQ(x.slice(1, 0, 6, 2).t().unsqueeze(0).shape(), (Dims{1, 3, 4}));
  EXPECT_TRUE(x[1].device().is_meta());
}

// ---- Gradients

TEST(ViewGradients, OfEachView) {
  auto check = [](const char* name, const std::function<Tensor(const Tensor&)>& f) {
    check_gradients([&f](const Tensors& x) { return f(x[0]); }, {random({3, 1, 4})}, name);
  };
  check("reshape", [](const Tensor& x) { return x.reshape({4, 3}); });
  check("copying reshape", [](const Tensor& x) { return x.transpose(0, 2).reshape({-1}); });
  check("flatten", [](const Tensor& x) { return x.flatten(1); });
  check("transpose", [](const Tensor& x) { return x.transpose(0, -1); });
  check("permute", [](const Tensor& x) { return x.permute({2, 0, -2}); });
  check("expand", [](const Tensor& x) { return x.expand({2, 3, 5, 4}); });
  check("slice", [](const Tensor& x) { return x.slice(2, 1, 3); });
  check("slice with a step", [](const Tensor& x) { return x.slice(-1, -4, 100, 3); });
  check("empty slice", [](const Tensor& x) { return x.slice(2, 3, 1).sum() + x; });
  check("slice past the end", [](const Tensor& x) { return x.slice(2, 9, 12).sum() + x; });
  check("narrow", [](const Tensor& x) { return x.narrow(0, -2, 2); });
  check("select", [](const Tensor& x) { return x.select(-1, -2); });
  check("squeeze", [](const Tensor& x) { return x.squeeze(); });
  check("squeeze of one", [](const Tensor& x) { return x.squeeze(1); });
  check("squeeze of none", [](const Tensor& x) { return x.squeeze(0); });
  check("unsqueeze", [](const Tensor& x) { return x.unsqueeze(-1); });
}

TEST(ViewGradients, SlicePadsInTheOrderOfTheGradient) {
  Tensor x = random({2, 4, 3, 3}).requires_grad_();
  const Tensor gy = random({2, 3, 3, 2}).permute({0, 3, 1, 2});
  ASSERT_TRUE(gy.is_channels_last());
  const Tensor gx = grad({x.slice(1, 1, 3)}, {x}, {.grad_outputs = {gy}})[0];
  EXPECT_TRUE(gx.is_channels_last());
  EXPECT_EQ(values_of(gx.slice(1, 1, 3)), values_of(gy));
  EXPECT_EQ(values_of(gx.slice(1, 3, 4)), values_of(zeros({2, 1, 3, 3})));
}

TEST(ViewGradients, LargeSlicesAcrossThreads) {
  Tensor x = ones({300, 400}).requires_grad_();
  x.slice(0, 1, 300, 2).slice(1, 3, 400, 5).sum().backward();
  for (int64_t i = 0; i < 300; ++i) {
    for (int64_t j = 0; j < 400; ++j) {
      ASSERT_EQ(x.grad().data<float>()[i * 400 + j], i % 2 == 1 && j % 5 == 3 ? 1 : 0);
    }
  }
}

}  // namespace
}  // namespace entasis
