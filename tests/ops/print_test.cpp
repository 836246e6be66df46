// The text of tensors, to the letter. The format, which is PyTorch's with our names:
//  - elements of one width, rows broken at the line width, slices apart by blank lines;
//  - whole floats as "3.", others with four digits; scientific where magnitudes span more than
//  1000,
//    reach 1e8 or fall below 1e-4;
//  - large tensors show three elements at each end of a dimension;
//  - what the elements do not show follows: shape of an empty one, dtype, device, gradient.
#include <gtest/gtest.h>

#include <cmath>
#include <sstream>

#include <entasis/entasis.h>
#include <entasis/tests/ops/naive.h>

namespace entasis {
namespace {

TEST(Print, Floats) {
  EXPECT_EQ(to_string(from_data({1, 2.5, -3}, {3})), "tensor([ 1.0000,  2.5000, -3.0000])");
  EXPECT_EQ(to_string(from_data({1, 2, -30}, {3})), "tensor([  1.,   2., -30.])");
  EXPECT_EQ(to_string(from_data({0, 0}, {2})), "tensor([0., 0.])");
  EXPECT_EQ(to_string(from_data({1.5, 2.25, 3.125, 4.0625}, {2, 2})),
            "tensor([[1.5000, 2.2500],\n"
            "        [3.1250, 4.0625]])");
}

TEST(Print, ScientificWhereTheRangeAsksForIt) {
  EXPECT_EQ(to_string(from_data({1e-5, 1}, {2})), "tensor([1.0000e-05, 1.0000e+00])");
  EXPECT_EQ(to_string(from_data({0.5, 1000}, {2})), "tensor([5.0000e-01, 1.0000e+03])");
  EXPECT_EQ(to_string(from_data({1.5, 1000}, {2})), "tensor([   1.5000, 1000.0000])");
  EXPECT_EQ(to_string(from_data({2e8}, {1})), "tensor([2.0000e+08])");
  EXPECT_EQ(to_string(from_data({1e8}, {1})), "tensor([100000000.])");
  EXPECT_EQ(to_string(from_data({-2e-5}, {1})), "tensor([-2.0000e-05])");
  EXPECT_EQ(to_string(from_data({1e300}, {1}, kF64)), "tensor([1.0000e+300], dtype=f64)");
}

TEST(Print, NanAndInfinity) {
  EXPECT_EQ(to_string(from_data({NAN, 1.5, INFINITY}, {3})), "tensor([   nan, 1.5000,    inf])");
  EXPECT_EQ(to_string(from_data({1, -INFINITY}, {2})), "tensor([  1., -inf])");
  EXPECT_EQ(to_string(from_data({NAN}, {1})), "tensor([nan])");
}

TEST(Print, IntegersAndBool) {
  EXPECT_EQ(to_string(from_data(std::vector<int64_t>{1, -20, 300}, {3})),
            "tensor([  1, -20, 300])");
  EXPECT_EQ(to_string(from_data(std::vector<int64_t>{INT64_MIN, INT64_MAX}, {2})),
            "tensor([-9223372036854775808,  9223372036854775807])");
  EXPECT_EQ(to_string(from_data(std::vector<uint64_t>{UINT64_MAX}, {1})),
            "tensor([18446744073709551615], dtype=u64)");
  EXPECT_EQ(to_string(full({2}, 7, kI32)), "tensor([7, 7], dtype=i32)");
  EXPECT_EQ(to_string(full({2}, 65, kI8)), "tensor([65, 65], dtype=i8)");
  EXPECT_EQ(to_string(eye(2, {}, kBool)),
            "tensor([[ true, false],\n"
            "        [false,  true]])");
}

TEST(Print, ZeroDimensional) {
  EXPECT_EQ(to_string(full({}, 2.5)), "tensor(2.5000)");
  EXPECT_EQ(to_string(full({}, 3)), "tensor(3)");
  EXPECT_EQ(to_string(full({}, true)), "tensor(true)");
}

TEST(Print, NamesWhatTheElementsDoNotShow) {
  EXPECT_EQ(to_string(zeros({1}, kF16)), "tensor([0.], dtype=f16)");
  EXPECT_EQ(to_string(zeros({0})), "tensor([])");
  EXPECT_EQ(to_string(zeros({0}, kI64)), "tensor([], dtype=i64)");
  EXPECT_EQ(to_string(zeros({2, 0}, kF64)), "tensor([], shape=[2, 0], dtype=f64)");
  EXPECT_EQ(to_string(zeros({2, 3}, kMeta)), "tensor(..., shape=[2, 3], device=meta)");
  EXPECT_EQ(to_string(zeros({}, TensorOptions(kI64, kMeta))),
            "tensor(..., shape=[], dtype=i64, device=meta)");
  EXPECT_EQ(to_string(Tensor()), "tensor(undefined)");
  const Tensor x = ones({1}).requires_grad_();
  EXPECT_EQ(to_string(x), "tensor([1.], requires_grad=true)");
  EXPECT_EQ(to_string(x.reshape({1, 1})), "tensor([[1.]], grad_fn=reshape)");
}

TEST(Print, SlicesOfHigherRank) {
  EXPECT_EQ(to_string(arange(8).reshape({2, 2, 2})),
            "tensor([[[0, 1],\n"
            "         [2, 3]],\n"
            "\n"
            "        [[4, 5],\n"
            "         [6, 7]]])");
  EXPECT_EQ(to_string(zeros({1, 1, 1, 1})), "tensor([[[[0.]]]])");
}

TEST(Print, FollowsStrides) {
  EXPECT_EQ(to_string(arange(6).reshape({2, 3}).t().slice(0, 0, 3, 2)),
            "tensor([[0, 3],\n"
            "        [2, 5]])");
}

TEST(Print, BreaksLongRows) {
  EXPECT_EQ(to_string(arange(30)),
            "tensor([ 0,  1,  2,  3,  4,  5,  6,  7,  8,  9, 10, 11, 12, 13, 14, 15, 16, 17,\n"
            "        18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29])");
  EXPECT_EQ(to_string(arange(3), {.line_width = 1}),
            "tensor([0,\n"
            "        1,\n"
            "        2])");
  // What follows starts a line of its own where it does not fit.
  EXPECT_EQ(to_string(arange(4, kI32), {.line_width = 24}),
            "tensor([0, 1, 2, 3],\n"
            "       dtype=i32)");
}

TEST(Print, SummarisesLargeTensors) {
  EXPECT_EQ(to_string(arange(1001)), "tensor([   0,    1,    2, ...,  998,  999, 1000])");
  EXPECT_EQ(to_string(arange(1000)).find("..."), std::string::npos);
  EXPECT_EQ(to_string(arange(100).reshape({10, 10}), {.threshold = 50, .edge_items = 2}),
            "tensor([[ 0,  1, ...,  8,  9],\n"
            "        [10, 11, ..., 18, 19],\n"
            "        ...,\n"
            "        [80, 81, ..., 88, 89],\n"
            "        [90, 91, ..., 98, 99]])");
  EXPECT_EQ(to_string(arange(16).reshape({2, 8}), {.threshold = 5}),
            "tensor([[ 0,  1,  2, ...,  5,  6,  7],\n"
            "        [ 8,  9, 10, ..., 13, 14, 15]])");
  // Elements that are not shown do not shape the format.
  Tensor x = zeros({2000});
  x.slice(0, 1000, 1001).fill_(1e20);
  EXPECT_EQ(to_string(x), "tensor([0., 0., 0., ..., 0., 0., 0.])");
  EXPECT_EQ(to_string(arange(9), {.threshold = 5, .edge_items = 0}), "tensor([...])");
}

TEST(Print, Precision) {
  EXPECT_EQ(to_string(from_data({0.123456789}, {1}, kF64), {.precision = 8}),
            "tensor([0.12345679], dtype=f64)");
  EXPECT_EQ(to_string(from_data({0.5}, {1}), {.precision = 0}), "tensor([0])");
}

TEST(Print, Streams) {
  std::ostringstream out;
  out << full({}, 3) << ", " << zeros({1});
  EXPECT_EQ(out.str(), "tensor(3), tensor([0.])");
}

}  // namespace
}  // namespace entasis
