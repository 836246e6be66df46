// Factories: values, dtypes, layouts, and what bad arguments say.
#include <gtest/gtest.h>

#include <cmath>

#include <entasis/entasis.h>
#include <entasis/tests/ops/naive.h>
#include <entasis/tests/support/errors.h>

namespace entasis {
namespace {

using naive::Values;
using naive::values_of;

constexpr DType kAllDTypes[] = {kF32, kF64, kF16, kBF16, kI8,  kI16, kI32,
                                kI64, kU8,  kU16, kU32,  kU64, kBool};

TEST(Factory, FillsEveryDType) {
  for (DType dtype : kAllDTypes) {
    SCOPED_TRACE(name_of(dtype));
    EXPECT_EQ(values_of(zeros({2, 2}, dtype)), (Values{0, 0, 0, 0}));
    EXPECT_EQ(values_of(ones({3}, dtype)), (Values{1, 1, 1}));
    EXPECT_EQ(values_of(full({2}, 1, dtype)), (Values{1, 1}));
    EXPECT_EQ(values_of(eye(2, 3, dtype)), (Values{1, 0, 0, 0, 1, 0}));
    EXPECT_EQ(zeros({2, 0, 3}, dtype).numel(), 0);
    EXPECT_EQ(empty({4}, dtype).dtype(), dtype);
  }
}

TEST(Factory, DefaultDTypes) {
  EXPECT_EQ(empty({1}).dtype(), kF32);
  EXPECT_EQ(zeros({1}).dtype(), kF32);
  EXPECT_EQ(full({1}, 3).dtype(), kI64);
  EXPECT_EQ(full({1}, 3.0).dtype(), kF32);
  EXPECT_EQ(full({1}, true).dtype(), kBool);
  EXPECT_EQ(arange(3).dtype(), kI64);
  EXPECT_EQ(arange(3.0).dtype(), kF32);
  EXPECT_EQ(arange(0, 3, 0.5).dtype(), kF32);
  EXPECT_EQ(linspace(0, 1, 2).dtype(), kF32);
  EXPECT_EQ(scalar_tensor(2).dtype(), kI64);
  EXPECT_EQ(from_data({1, 2}, {2}).dtype(), kF32);
  EXPECT_EQ(from_data(std::vector<int32_t>{1, 2}, {2}).dtype(), kI32);
}

TEST(Factory, ZeroDimensional) {
  const Tensor t = full({}, 2.5);
  EXPECT_EQ(t.dim(), 0);
  EXPECT_EQ(t.numel(), 1);
  EXPECT_EQ(t.item(), 2.5);
  EXPECT_EQ(scalar_tensor(7).item<int>(), 7);
}

TEST(Factory, RequiresGradAndDevice) {
  EXPECT_TRUE(zeros({2}, TensorOptions(kF32, kCPU, true)).requires_grad());
  EXPECT_FALSE(zeros({2}).requires_grad());
  EXPECT_TRUE(zeros({2}, kMeta).device().is_meta());
  EXPECT_EQ(arange(5, kMeta).shape(), (Dims{5}));
  const std::string text =
      "requires_grad_: only floating-point tensors have gradients, this one is i64";
  expect_error<DtypeError>([] { full({2}, 1, TensorOptions({}, kCPU, true)); }, text);
}

TEST(Arange, CountsIntegersExactly) {
  EXPECT_EQ(values_of(arange(5)), (Values{0, 1, 2, 3, 4}));
  EXPECT_EQ(values_of(arange(2, 11, 3)), (Values{2, 5, 8}));
  EXPECT_EQ(values_of(arange(2, 12, 3)), (Values{2, 5, 8, 11}));
  EXPECT_EQ(values_of(arange(5, 0, -2)), (Values{5, 3, 1}));
  EXPECT_EQ(arange(3, 3).numel(), 0);
  EXPECT_EQ(values_of(arange(3, 6, 1, kF64)), (Values{3, 4, 5}));
  const int64_t big = int64_t{1} << 62;
  EXPECT_EQ(arange(big, big + 3).data<int64_t>()[2], big + 2);
  EXPECT_EQ(arange(INT64_MIN, INT64_MAX, INT64_MAX).data<int64_t>()[2], INT64_MAX - 1);
}

// The counts are those of PyTorch: ceil((end - start) / step) in double.
TEST(Arange, CountsFloatsInDouble) {
  EXPECT_EQ(arange(0, 1, 0.1).numel(), 10);
  EXPECT_EQ(arange(0.0, 0.3, 0.1).numel(), 3);
  EXPECT_EQ(arange(1.0, 1.3, 0.1).numel(), 4);
  EXPECT_EQ(arange(0.5).numel(), 1);
  const Tensor t = arange(0, 1, 0.1, kF64);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(t.data<double>()[i], i * 0.1);
  EXPECT_EQ(values_of(arange(1.0, -1.0, -0.5)), (Values{1, 0.5, 0, -0.5}));
  EXPECT_EQ(values_of(arange(0.0, 4.0, 2.0, kI32)), (Values{0, 2}));
  EXPECT_EQ(values_of(arange(0, 2, 0.5, kF16)), (Values{0, 0.5, 1, 1.5}));
}

TEST(Arange, LongRangesAreRightAcrossThreads) {
  const Tensor t = arange(100000, kI32);
  for (int32_t i = 0; i < 100000; ++i) ASSERT_EQ(t.data<int32_t>()[i], i);
}

TEST(Arange, Errors) {
  expect_error<ValueError>([] { arange(0, 5, 0); }, "arange: the step is 0, from 0 to 5 by 0");
  expect_error<ValueError>([] { arange(0, 5, -1); },
                           "arange: the step leads away from the end, from 0 to 5 by -1");
  expect_error<ValueError>([] { arange(1.0, 0.0, 0.5); },
                           "arange: the step leads away from the end, from 1 to 0 by 0.5");
  expect_error<ValueError>([] { arange(0.0, INFINITY); },
                           "arange: the bounds must be finite, from 0 to inf by 1");
  expect_error<ValueError>([] { arange(0.0, 1e300); },
                           "arange: too many elements, from 0 to 1e+300 by 1");
  expect_error<DtypeError>([] { arange(0.5, 3, 1, kI32); },
                           "arange: 0.5 is not a whole number, the dtype is i32");
  expect_error<ValueError>([] { arange(300, kU8); }, "arange: value 299 does not fit u8");
  expect_error<DtypeError>([] { arange(2, kBool); }, "arange: dtype bool has no range of values");
  expect_error<ValueError>([] { arange(INT64_MIN, INT64_MAX); },
                           "arange: too many elements, from -9223372036854775808 to "
                           "9223372036854775807 by 1");
  expect_error<ShapeError>([] { arange(int64_t{1} << 62); },
                           "arange: shape [4611686018427387904] needs more than 2^63 bytes");
}

TEST(Linspace, EndsAreExactAndSpacingEven) {
  EXPECT_EQ(values_of(linspace(0, 1, 5)), (Values{0, 0.25, 0.5, 0.75, 1}));
  EXPECT_EQ(values_of(linspace(3, 3, 1)), (Values{3}));
  EXPECT_EQ(values_of(linspace(2, 9, 1)), (Values{2}));
  EXPECT_EQ(linspace(2, 9, 0).numel(), 0);
  EXPECT_EQ(values_of(linspace(10, -10, 5, kI32)), (Values{10, 5, 0, -5, -10}));
  const Tensor t = linspace(0.1, 0.7, 10001, kF64);
  EXPECT_EQ(t.data<double>()[0], 0.1);
  EXPECT_EQ(t.data<double>()[10000], 0.7);
  for (int i = 0; i <= 10000; ++i) {
    EXPECT_NEAR(t.data<double>()[i], 0.1 + 0.6 * i / 10000, 1e-15);
    ASSERT_TRUE(i == 0 || t.data<double>()[i] > t.data<double>()[i - 1]);
  }
  // The distance alone would overflow.
  EXPECT_EQ(values_of(linspace(-1.5e308, 1.5e308, 3, kF64)), (Values{-1.5e308, 0, 1.5e308}));
}

TEST(Linspace, Errors) {
  expect_error<ValueError>([] { linspace(0, 1, -1); },
                           "linspace: steps must not be negative, it is -1");
  expect_error<ValueError>([] { linspace(0, 300, 3, kI8); }, "linspace: value 300 does not fit i8");
  expect_error<ValueError>([] { linspace(0, NAN, 3, kI8); }, "linspace: nan does not fit i8");
}

TEST(Logspace, PowersOfTheBase) {
  EXPECT_EQ(values_of(logspace(0, 3, 4)), (Values{1, 10, 100, 1000}));
  EXPECT_EQ(values_of(logspace(3, 0, 4, 2, kF64)), (Values{8, 4, 2, 1}));
  EXPECT_EQ(values_of(logspace(0, 3, 4, -2, kI32)), (Values{1, -2, 4, -8}));
  EXPECT_EQ(values_of(logspace(1, 5, 1)), (Values{10}));
  EXPECT_EQ(logspace(0, 1, 0).shape(), (Dims{0}));
  // Integers: start and end are truncated first, the powers last.
  EXPECT_EQ(values_of(logspace(0.5, 2.5, 3, 10, kI64)), (Values{1, 10, 100}));
  EXPECT_EQ(values_of(logspace(0.1, 1, 4, 10, kI32)), (Values{1, 2, 4, 10}));
  expect_error<ValueError>([] { logspace(0, 1, -1); },
                           "logspace: steps must not be negative, it is -1");
  expect_error<DtypeError>([] { logspace(0, 1, 2, 10, kBool); },
                           "logspace: dtype bool has no range of values");
}

TEST(EmptyStrided, HasTheStridesAskedFor) {
  Tensor t = empty_strided({2, 3}, {1, 4}, kF64);
  EXPECT_EQ(t.strides(), (Dims{1, 4}));
  EXPECT_EQ(t.dtype(), kF64);
  fill_(t, 3);
  EXPECT_EQ(values_of(t), (Values{3, 3, 3, 3, 3, 3}));
  EXPECT_EQ(empty_strided({2, 3}, {0, 1}).strides(), (Dims{0, 1}));
  EXPECT_EQ(empty_strided({0, 3}, {7, 1}).strides(), (Dims{7, 1}));
  EXPECT_TRUE(empty_strided({2}, {3}, kMeta).device().is_meta());
  expect_error<ShapeError>(
      [] {
        empty_strided({2, 3}, {1});
      },
      "empty_strided: size [2, 3] and stride [1] differ in length");
  expect_error<ValueError>([] { empty_strided({2}, {-1}); },
                           "empty_strided: negative stride in [-1]");
  EXPECT_THROW(empty_strided({-2}, {1}), ShapeError);
  EXPECT_THROW(empty_strided({3}, {INT64_MAX}), ShapeError);
}

TEST(Like, TakesWhatIsNamed) {
  const Tensor t = zeros({2, 3}).t();
  const Tensor y = full_like(t, 2.5, kF64, kCPU, true);
  EXPECT_EQ(y.strides(), (Dims{1, 3}));
  EXPECT_EQ(y.dtype(), kF64);
  EXPECT_TRUE(y.requires_grad());
  EXPECT_TRUE(zeros_like(t, {}, kMeta).device().is_meta());
  EXPECT_EQ(rand_like(zeros({2}, kI32), kF32).dtype(), kF32);
  expect_error<DtypeError>([&] { ones_like(t, kI8, {}, true); },
                           "requires_grad_: only floating-point tensors have gradients, this one "
                           "is i8");
}

TEST(Like, KeepsDtypeDeviceAndDimensionOrder) {
  const Tensor t = zeros({2, 3, 4}, kF64).permute({2, 0, 1});
  for (const Tensor& like :
       {empty_like(t), zeros_like(t), ones_like(t), full_like(t, 4), rand_like(t), randn_like(t)}) {
    EXPECT_EQ(like.shape(), t.shape());
    EXPECT_EQ(like.strides(), t.strides());
    EXPECT_EQ(like.dtype(), kF64);
  }
  EXPECT_EQ(values_of(full_like(zeros({2}, kI32), 5)), (Values{5, 5}));
  // What is not dense gets a dense result.
  EXPECT_EQ(zeros_like(zeros({4, 4}).slice(1, 0, 2)).strides(), (Dims{2, 1}));
  EXPECT_EQ(zeros_like(zeros({1, 3}).expand({2, 3})).strides(), (Dims{3, 1}));
  EXPECT_TRUE(ones_like(zeros({2}, kMeta)).device().is_meta());
  EXPECT_FALSE(ones_like(zeros({2}).requires_grad_()).requires_grad());
  expect_error<ValueError>([] { zeros_like(Tensor()); },
                           "zeros_like: the input is an undefined tensor");
}

TEST(FromData, CopiesAndCasts) {
  std::vector<float> values{1, 2, 3, 4, 5, 6};
  const Tensor t = from_data(values, {2, 3});
  values[0] = 9;
  EXPECT_EQ(values_of(t), (Values{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(t.strides(), (Dims{3, 1}));
  EXPECT_EQ(from_data(values, {2, 3}, kI32).dtype(), kI32);
  EXPECT_EQ(values_of(from_data({1.75, -1.75}, {2}, kI32)), (Values{1, -1}));
  EXPECT_EQ(values_of(from_data({0.1}, {1}, kF64)), (Values{0.1}));
  EXPECT_TRUE(from_data({1}, {1}, TensorOptions(kF64, kCPU, true)).requires_grad());
  EXPECT_EQ(from_data(std::vector<float>{}, {0, 3}).shape(), (Dims{0, 3}));
  expect_error<ShapeError>([&] { from_data(values, {4}); },
                           "from_data: 6 values do not fill shape [4]");
  expect_error<ValueError>([] { from_memory(nullptr, kF32, {4}); },
                           "from_memory: the address is null");
}

TEST(FromBlob, BorrowsTheMemory) {
  float values[] = {1, 2, 3, 4, 5, 6};
  {
    Tensor t = from_blob(values, kF32, {2, 3});
    EXPECT_EQ(values_of(t), (Values{1, 2, 3, 4, 5, 6}));
    t.mutable_data<float>()[1] = 20;
    EXPECT_EQ(values[1], 20);
    EXPECT_EQ(values_of(from_blob(values, kF32, {3, 2}, Dims{1, 3})), (Values{1, 4, 20, 5, 3, 6}));
  }
  int deleted = 0;
  auto count = [](void* context, void* data) {
    EXPECT_NE(data, nullptr);
    ++*static_cast<int*>(context);
  };
  Tensor view;
  {
    const Tensor t = from_blob(values, kF32, {2, 3}, {}, count, &deleted);
    view = t[1];
  }
  EXPECT_EQ(deleted, 0);
  EXPECT_EQ(view.data<float>()[0], 4);
  view = Tensor();
  EXPECT_EQ(deleted, 1);
}

TEST(FromBlob, StridesBoundTheStorage) {
  float values[6] = {};
  // The last element that the strides reach is the sixth.
  const Tensor t = from_blob(values, kF32, {2, 2}, Dims{3, 2});
  EXPECT_EQ(t.impl()->storage->bytes, 6 * sizeof(float));
  EXPECT_EQ(from_blob(nullptr, kF32, {0}).numel(), 0);
  expect_error<ValueError>([&] { from_blob(values, kF32, {2}, Dims{-1}); },
                           "from_blob: negative stride in [-1]");
  expect_error<ShapeError>(
      [&] {
        from_blob(values, kF32, {2}, Dims{1, 1});
      },
      "from_blob: strides [1, 1] do not fit shape [2]");
  expect_error<ShapeError>(
      [&] {
        from_blob(values, kF32, {INT64_MAX, 2}, Dims{1, INT64_MAX});
      },
      "from_blob: shape [9223372036854775807, 2] has more than 2^63 elements");
  expect_error<ShapeError>(
      [&] {
        from_blob(values, kF32, {4, 2}, Dims{INT64_MAX / 2, 1});
      },
      "from_blob: strides [4611686018427387903, 1] of shape [4, 2] reach too "
      "far");
  expect_error<ValueError>([] { from_blob(nullptr, kF32, {1}); }, "from_blob: the address is null");
  char* odd = reinterpret_cast<char*>(values) + 1;
  expect_error<ValueError>([&] { from_blob(odd, kF32, {1}); },
                           "from_blob: the address is not aligned for f32");
}

TEST(Factory, ShapeErrors) {
  expect_error<ShapeError>([] { zeros({2, -1}); }, "zeros: negative size in shape [2, -1]");
  expect_error<ShapeError>(
      [] {
        ones({INT64_MAX, 2});
      },
      "ones: shape [9223372036854775807, 2] has more than 2^63 elements");
  expect_error<ShapeError>([] { eye(-1); }, "eye: negative size in shape [-1, -1]");
}

// A graph may not carry a gradient through values that were overwritten.
TEST(Factory, FillsCutTheGradientOfTheirTarget) {
  Tensor x = ones({3}, kF64).requires_grad_();
  Tensor h = x * 2;
  uniform_(h);
  Tensor y = h * x;
  y.sum().backward();
  EXPECT_EQ(values_of(x.grad()), values_of(h));
}

}  // namespace
}  // namespace entasis
