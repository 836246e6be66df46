// What the op matrix does not see of flips, rolls and pads: how the result lies in memory, and that
// it is never the input's own.
#include <gtest/gtest.h>

#include <entasis/entasis.h>
#include <entasis/tests/ops/naive.h>
#include <entasis/tests/support/errors.h>

namespace entasis {
namespace {

using naive::Values;
using naive::values_of;

TEST(IndexMap, ResultsLieAsPyTorchsDo) {
  const Tensor nhwc = channels_last(zeros({2, 3, 4, 5})),
               turned = zeros({2, 3, 4}).permute({1, 2, 0});
  EXPECT_EQ(flip(nhwc, {1}).strides(), nhwc.strides());
  EXPECT_EQ(flip(turned, {1}).strides(), turned.strides());
  EXPECT_TRUE(roll(nhwc, {1}, {1}).is_channels_last());
  EXPECT_TRUE(roll(turned, {1}, {1}).is_contiguous());
  EXPECT_TRUE(pad(nhwc, {1, 1}).is_channels_last());
  EXPECT_TRUE(pad(nhwc, {1, 1, 1, 1}, PadMode::kReflect).is_channels_last());
  EXPECT_TRUE(pad(nhwc, {1, 1, 1, 1}, PadMode::kCircular).is_contiguous());
  EXPECT_TRUE(pad(turned, {1, 1}).is_contiguous());
  EXPECT_EQ(pad(turned, {0, 0}).strides(), turned.strides());
  EXPECT_EQ(rot90(zeros({2, 3})).strides(), (Dims{1, 3}));
}

TEST(IndexMap, NothingIsShared) {
  const Tensor x = zeros({2, 3});
  for (const Tensor& y : {flip(x, {}), roll(x, {0}), rot90(x, 0), repeat(x, {1, 1}), tile(x, {}),
                          pad(x, {0, 0}), repeat_interleave(x, 1, 0), diag(x)}) {
    EXPECT_NE(y.impl()->storage.get(), x.impl()->storage.get());
  }
}

TEST(Pad, TakesManyDimensions) {
  const Tensor x = ones({1, 1, 1, 1, 1});
  const Tensor y = pad(x, {1, 0, 0, 1, 1, 0, 0, 1, 1, 0}, PadMode::kConstant, 2);
  EXPECT_EQ(y.shape(), (Dims{2, 2, 2, 2, 2}));
  EXPECT_EQ(y.sum().item(), 63);
  EXPECT_EQ(values_of(pad(full({2}, 300, kI16).to(kU8), {1, 0}, PadMode::kConstant, 7)),
            (Values{7, 44, 44}));
}

TEST(Pad, ConstantsBecomeTheDType) {
  EXPECT_EQ(values_of(pad(arange(2), {1, 0}, PadMode::kConstant, 1.7)), (Values{1, 0, 1}));
  EXPECT_EQ(values_of(pad(zeros({1}, kBool), {1, 1}, PadMode::kConstant, 3)), (Values{1, 0, 1}));
  EXPECT_EQ(values_of(pad(zeros({1}, kBF16), {0, 1}, PadMode::kConstant, -1.5)), (Values{0, -1.5}));
}

TEST(TriangleIndices, CountRowByRow) {
  EXPECT_EQ(values_of(tril_indices(3, 3)), (Values{0, 1, 1, 2, 2, 2, 0, 0, 1, 0, 1, 2}));
  EXPECT_EQ(values_of(triu_indices(3, 4, 2)), (Values{0, 0, 1, 2, 3, 3}));
  for (const int64_t rows : {0, 1, 3, 6}) {
    for (const int64_t columns : {0, 1, 4, 5}) {
      for (int64_t offset = -8; offset < 8; ++offset) {
        const Tensor all = ones({rows, columns});
        EXPECT_EQ(values_of(tril_indices(rows, columns, offset)),
                  values_of(nonzero(tril(all, offset)).t()));
        EXPECT_EQ(values_of(triu_indices(rows, columns, offset)),
                  values_of(nonzero(triu(all, offset)).t()));
      }
    }
  }
  EXPECT_EQ(tril_indices(2, 2, INT64_MIN).shape(), (Dims{2, 0}));
  EXPECT_EQ(tril_indices(2, 2, INT64_MAX, kI32).dtype(), kI32);
  expect_error<ValueError>([] { triu_indices(-1, 2); },
                           "triu_indices: row and col must not be negative, they are -1 and 2");
  expect_error<DtypeError>([] { tril_indices(2, 2, 0, kF32); },
                           "tril_indices: indices are i64 or i32, not f32");
}

TEST(BlockDiag, OfNothing) { EXPECT_EQ(block_diag({}).shape(), (Dims{1, 0})); }

}  // namespace
}  // namespace entasis
