// Copies, casts and fills: every pair of dtypes, layouts, overlapping memory, errors, threads.
#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include <entasis/backends/cpu/parallel.h>
#include <entasis/core/backend.h>
#include <entasis/ops/arithmetic.h>
#include <entasis/ops/copy.h>
#include <entasis/ops/factory.h>
#include <entasis/ops/shape.h>
#include <entasis/tests/ops/naive.h>
#include <entasis/tests/support/errors.h>

namespace entasis {
namespace {

using namespace naive;

constexpr double kInf = std::numeric_limits<double>::infinity();

// `value` rounded to `bits` of fraction with exponents from `lowest` on.
double round_to(double value, int bits, int lowest) {
  if (value == 0 || !std::isfinite(value)) return value;
  const double unit = std::ldexp(1, std::max(std::ilogb(value), lowest) - bits);
  return std::nearbyint(value / unit) * unit;
}

// What a cast of `value` gives, written without the library's conversions. Integers: of the
// truncated value modulo their range, and of the lowest i64 for what that cannot hold.
double cast_reference(DType to, double value) {
  switch (to) {
    case kF64:
      return value;
    case kF32:
      return double(float(value));
    case kF16: {
      const double rounded = round_to(double(float(value)), 10, -14);
      return std::abs(rounded) >= 65536 ? std::copysign(kInf, value) : rounded;
    }
    case kBF16:
      return round_to(double(float(value)), 7, -126);
    case kBool:
      return value != 0;
    default: {
      if (!(value >= -0x1p63 && value < (to == kU64 ? 0x1p64 : 0x1p63))) value = -0x1p63;
      const long double range = std::ldexp(1.0L, 8 * size_of(to));  // exact in 64 bits
      long double wrapped = std::fmod(std::trunc((long double)value), range);
      if (wrapped < 0) wrapped += range;
      return double(!is_unsigned(to) && wrapped >= range / 2 ? wrapped - range : wrapped);
    }
  }
}

// Numbers that `dtype` holds: small and large ones, with fractions where it has them.
Values samples(DType dtype) {
  Values values;
  for (double v :
       {0.0,          1.0,          2.0,     3.0,     100.0,      127.0,        128.0,
        200.0,        255.0,        256.0,   300.0,   1000.0,     32767.0,      32768.0,
        65504.0,      65519.0,      65520.0, 70000.0, 16777217.0, 2147483647.0, 2147483648.0,
        4294967295.0, 4294967296.0, 1e12,    0.1,     0.5,        1.5,          2.75,
        1e-5,         6e-8,         3e-8,    1e-40,   3.0001}) {
    for (double sign : {1.0, -1.0}) {
      const bool inexact = dtype == kU64 && sign < 0;  // 2^64 - v, more than a double holds
      values.push_back(cast_reference(dtype, inexact ? v : sign * v));
    }
  }
  return values;
}

class CastFrom : public testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(All, CastFrom, testing::Range(0, kDTypes),
                         [](const auto& test) { return name_of(DType(test.param)); });

TEST_P(CastFrom, EveryDType) {
  const DType from = DType(GetParam());
  const Values values = samples(from);
  const int64_t n = int64_t(values.size());
  for (int k = 0; k < kDTypes; ++k) {
    const DType to_dtype = DType(k);
    Values expected;
    for (double v : values) {
      expected.push_back(cast_reference(to_dtype, v));
    }
    for (const Layout& layout : layouts(from, {n / 2, 2}, values)) {
      const Tensor y = to(layout.tensor, to_dtype);
      EXPECT_EQ(y.dtype(), to_dtype);
      expect_close(values_of(y), expected, {}, std::string(name_of(to_dtype)) + " " + layout.name);
    }
    // Into memory that is not adjacent.
    Tensor wide = zeros({n, 3}, to_dtype);
    copy_(select(wide, 1, 1), tensor(from, {n}, values));
    expect_close(values_of(select(wide, 1, 1)), expected, {}, name_of(to_dtype));
    expect_close(values_of(select(wide, 1, 2)), Values(size_t(n), 0), {}, name_of(to_dtype));
  }
}

TEST(Cast, OfWhatAnIntegerCannotHold) {
  const Tensor x = from_data({std::nan(""), kInf, -kInf, 1e30}, {4}, kF32);
  EXPECT_EQ(values_of(to(x, kI64)), (Values(4, -0x1p63)));
  EXPECT_EQ(values_of(to(x, kI32)), (Values(4, 0)));
  EXPECT_EQ(values_of(to(x, kBool)), (Values(4, 1)));
  EXPECT_EQ(values_of(to(from_data({0x1p63, 1.5 * 0x1p63}, {2}, kF64), kU64)),
            (Values{0x1p63, 1.5 * 0x1p63}));
}

TEST(Cast, KeepsOrderOfDimensions) {
  const Tensor x = channels_last(zeros({2, 3, 4, 5}));
  EXPECT_EQ(to(x, kF16).strides(), x.strides());
  EXPECT_TRUE(to(x, kF32).same(x));
}

// ---- Copies

TEST(Clone, EveryLayout) {
  for (const Dims& shape : {Dims{}, Dims{7}, Dims{3, 5, 7}, Dims{70, 131}, Dims{2, 40, 3, 50},
                            Dims{0, 4}, Dims{2, 1, 33, 1, 35}}) {
    for (DType dtype : {kF32, kF64, kF16, kU8}) {
      const Values values = random_values(dtype, count(shape), 1);
      for (const Layout& layout : layouts(dtype, shape, values)) {
        const Tensor copy = clone(layout.tensor), rows = contiguous(layout.tensor);
        EXPECT_EQ(values_of(copy), values) << to_string(shape) << " " << layout.name;
        EXPECT_EQ(values_of(rows), values) << to_string(shape) << " " << layout.name;
        EXPECT_TRUE(rows.is_contiguous());
        EXPECT_NE(copy.impl()->storage.get(), layout.tensor.impl()->storage.get());
        // Onto every other layout.
        for (const Layout& target : layouts(dtype, shape, Values(values.size(), 0))) {
          copy_(target.tensor, layout.tensor);
          EXPECT_EQ(values_of(target.tensor), values)
              << to_string(shape) << " " << layout.name << " to " << target.name;
        }
      }
    }
  }
}

TEST(Clone, KeepsOrderOfDimensions) {
  const Tensor x = zeros({4, 6, 5});
  EXPECT_EQ(clone(transpose(x, 0, 2)).strides(), transpose(x, 0, 2).strides());
  EXPECT_EQ(clone(slice(transpose(x, 1, 2), 1, 0, 3)).strides(), (Dims{18, 1, 3}));
  EXPECT_TRUE(contiguous(x).same(x));
  EXPECT_FALSE(contiguous(transpose(x, 0, 1)).same(x));
  const Tensor image = zeros({2, 3, 4, 5}), last = channels_last(image);
  EXPECT_EQ(last.strides(), (Dims{60, 1, 15, 3}));
  EXPECT_TRUE(channels_last(last).same(last));
}

TEST(Copy, Broadcasts) {
  Tensor x = zeros({2, 3});
  EXPECT_TRUE(copy_(x, tensor(kI32, {3}, {1, 2, 3})).same(x));
  EXPECT_EQ(values_of(x), (Values{1, 2, 3, 1, 2, 3}));
  copy_(x, tensor(kF64, {2, 1}, {5, 6}));
  EXPECT_EQ(values_of(x), (Values{5, 5, 5, 6, 6, 6}));
  copy_(x, scalar_tensor(7));
  EXPECT_EQ(values_of(x), (Values(6, 7)));
  EXPECT_EQ(values_of(clone(expand(tensor(kF32, {3}, {1, 2, 3}), {2, 3}))),
            (Values{1, 2, 3, 1, 2, 3}));
}

TEST(Copy, ReadsOverlappingSourcesAsTheyWere) {
  Tensor x = tensor(kF32, {6}, {1, 2, 3, 4, 5, 6});
  copy_(slice(x, 0, 1, 6), slice(x, 0, 0, 5));
  EXPECT_EQ(values_of(x), (Values{1, 1, 2, 3, 4, 5}));
  copy_(x, x);
  EXPECT_EQ(values_of(x), (Values{1, 1, 2, 3, 4, 5}));
  Tensor square = tensor(kF32, {2, 2}, {1, 2, 3, 4});
  copy_(square, transpose(square, 0, 1));
  EXPECT_EQ(values_of(square), (Values{1, 3, 2, 4}));
}

TEST(Copy, KeepsTheBitsOfNan) {
  Tensor x = empty({2}, kF16);
  x.raw_as<uint16_t>()[0] = 0x7d01;  // signalling
  x.raw_as<uint16_t>()[1] = 0xfe02;
  const Tensor y = clone(x), z = contiguous(expand(reshape(x, {2, 1}), {2, 2}));
  EXPECT_EQ(y.raw_as<uint16_t>()[0], 0x7d01);
  EXPECT_EQ(z.raw_as<uint16_t>()[3], 0xfe02);
}

TEST(Fill, EveryDTypeAndLayout) {
  for (int k = 0; k < kDTypes; ++k) {
    const DType dtype = DType(k);
    for (const Layout& layout : layouts(dtype, {3, 70}, Values(210, 0))) {
      EXPECT_TRUE(fill_(layout.tensor, 3).same(layout.tensor));
      EXPECT_EQ(values_of(layout.tensor), Values(210, dtype == kBool ? 1 : 3)) << layout.name;
      zero_(layout.tensor);
      EXPECT_EQ(values_of(layout.tensor), Values(210, 0)) << layout.name;
    }
  }
  EXPECT_EQ(values_of(fill_(zeros({2}, kI32), 2.75)), (Values{2, 2}));
  // Only the view's elements.
  Tensor x = zeros({3, 3});
  fill_(select(x, 1, 1), 5);
  EXPECT_EQ(values_of(x), (Values{0, 5, 0, 0, 5, 0, 0, 5, 0}));
}

TEST(Copy, SameBitsForAnyNumberOfThreads) {
  const Dims shape{350, 401};
  const Tensor x = tensor(kF32, shape, random_values(kF32, count(shape), 2));
  const Tensor wide = slice(zeros({350, 802}), 1, 0, 802, 2);
  const int threads = num_threads();
  for (int n : {1, 2, 7}) {
    set_num_threads(n);
    const Tensor turned = contiguous(transpose(x, 0, 1));
    EXPECT_EQ(values_of(transpose(turned, 0, 1)), values_of(x));
    EXPECT_EQ(values_of(copy_(wide, x)), values_of(x));
    EXPECT_EQ(values_of(to(to(x, kF64), kF32)), values_of(x));
    EXPECT_EQ(values_of(fill_(wide, 2)), Values(size_t(count(shape)), 2));
  }
  set_num_threads(threads);
}

// ---- Devices

TEST(ToDevice, MetaTakesTheShape) {
  const Tensor x = transpose(zeros({2, 3}), 0, 1);
  EXPECT_TRUE(to_device(x, kCPU).same(x));
  const Tensor meta = to_device(x, kMeta);
  EXPECT_TRUE(meta.device().is_meta());
  EXPECT_EQ(meta.spec(), x.spec());
}

// Where the calls below claim to stand.
constexpr Location kHere{"user.cpp", 12};
const std::string kPlace = " — user.cpp:12";

TEST(CopyError, Messages) {
  const Tensor x = zeros({2, 3});
  expect_message<ShapeError>(
      [&] { copy_(x, zeros({4}), false, kHere); },
      "copy_: the source has shape [4] and does not broadcast to the target's "
      "[2, 3]" +
          kPlace);
  expect_message<ShapeError>(
      [&] { channels_last(x, kHere); },
      "channels_last: channels-last needs 4 dimensions, the shape is [2, 3]" + kPlace);
  expect_message<ValueError>(
      [&] {
        fill_(expand(zeros({3}), {2, 3}), 1, kHere);
      },
      "fill_: the target of shape [2, 3] and strides [0, 1] names some elements "
      "more than once; clone() it first" +
          kPlace);
  if (device_count(DeviceType::kCUDA) == 0) {
    expect_message<DeviceError>(
        [&] { to_device(x, Device(DeviceType::kCUDA), false, kHere); },
        "to_device: no cuda device: " + why_no_device(DeviceType::kCUDA) + kPlace);
  }
  expect_message<DeviceError>([&] { to_device(to_device(x, kMeta), kCPU, false, kHere); },
                              "to_device: a meta tensor has no elements to copy to cpu" + kPlace);
  expect_message<ValueError>([&] { clone(Tensor(), kHere); },
                             "clone: input 0 is an undefined tensor" + kPlace);
  expect_message<ValueError>([&] { contiguous(Tensor(), kHere); },
                             "contiguous: clone: input 0 is an undefined tensor" + kPlace);
}

}  // namespace
}  // namespace entasis
