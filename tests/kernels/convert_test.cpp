// Conversions of adjacent elements: bit for bit those of single elements, on every SIMD target.
#include <bit>
#include <cstring>
#include <vector>

#include <gtest/gtest.h>

#include <entasis/kernels/cpu/internal/convert.h>
#include <entasis/kernels/cpu/internal/convert_half.h>
#include <entasis/tests/kernels/every_target.h>

namespace entasis {
namespace {

template <class T>
class ConvertHalf : public testing::Test {};
using HalfTypes = testing::Types<Half, BFloat16>;
TYPED_TEST_SUITE(ConvertHalf, HalfTypes);

TYPED_TEST(ConvertHalf, EveryHalfToFloat) {
  std::vector<TypeParam> halves(65536);
  for (size_t i = 0; i < halves.size(); ++i) halves[i].bits = uint16_t(i);
  std::vector<float> floats(halves.size());
  on_every_target([&](int64_t) {
    cpu::convert_adjacent(floats.data(), halves.data(), int64_t(halves.size()));
    for (size_t i = 0; i < halves.size(); ++i) {
      ASSERT_EQ(std::bit_cast<uint32_t>(floats[i]), std::bit_cast<uint32_t>(float(halves[i])))
          << std::hex << i;
    }
  });
}

// Each half, the middle between it and the next, and what lies closest to both; subnormals, NaN.
TYPED_TEST(ConvertHalf, FloatsAtEveryRounding) {
  std::vector<float> floats;
  for (uint32_t i = 0; i < 65536; ++i) {
    TypeParam low, high;
    low.bits = uint16_t(i);
    high.bits = uint16_t(i + 1);
    const uint32_t a = std::bit_cast<uint32_t>(float(low)),
                   b = std::bit_cast<uint32_t>(float(high));
    const uint32_t middle = a + (b - a) / 2;
    for (uint32_t bits : {a, a - 1, a + 1, middle, middle - 1, middle + 1}) {
      floats.push_back(std::bit_cast<float>(bits));
    }
  }
  for (uint64_t bits = 0; bits < 1ull << 32; bits += 9973) {
    floats.push_back(std::bit_cast<float>(uint32_t(bits)));
  }
  std::vector<TypeParam> halves(floats.size());
  on_every_target([&](int64_t) {
    cpu::convert_adjacent(halves.data(), floats.data(), int64_t(floats.size()));
    for (size_t i = 0; i < floats.size(); ++i) {
      ASSERT_EQ(halves[i].bits, TypeParam(floats[i]).bits)
          << std::hex << std::bit_cast<uint32_t>(floats[i]);
    }
  });
}

TEST(Convert, BlocksAndSingleElementsAgree) {
  const float values[] = {0.5f,  -1.5f, 127.9f,    -128.9f, 255.5f,        3e9f,
                          -3e9f, 1e20f, -INFINITY, NAN,     2147483648.0f, 70000.5f};
  for (DType to : {kI8, kI16, kI32, kI64, kU8, kU16, kU32, kU64, kBool, kF16, kBF16, kF64}) {
    for (size_t odd = 0; odd < std::size(values); ++odd) {
      std::vector<float> from(200, 3.75f);
      from[70] = values[odd];
      std::vector<char> whole(200 * 8), single(200 * 8);
      const auto run = cpu::find_converter(to, kF32);
      run(whole.data(), 1, from.data(), 1, 200);
      for (int64_t i = 0; i < 200; ++i) {
        run(single.data() + i * size_of(to), 1, from.data() + i, 1, 1);
      }
      EXPECT_EQ(whole, single) << name_of(to) << " " << values[odd];
    }
  }
}

}  // namespace
}  // namespace entasis
