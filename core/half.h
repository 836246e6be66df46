// The two 16-bit float types as storage: plain bits with exact conversions. Arithmetic happens in
// float; kernels convert whole vectors, these scalars serve item(), printing and references.
#pragma once

#include <bit>
#include <cstdint>

namespace entasis {

// IEEE 754 binary16: 1 sign, 5 exponent, 10 fraction bits.
struct Half {
  uint16_t bits = 0;

  Half() = default;
  // Rounds to nearest, ties to even; overflow gives infinity, subnormals are kept.
  constexpr explicit Half(float value) : bits(from_float(value)) {}
  constexpr explicit operator float() const { return to_float(bits); }
  bool operator==(const Half& other) const { return float(*this) == float(other); }

  static constexpr uint16_t from_float(float value) {
    const uint32_t f = std::bit_cast<uint32_t>(value);
    const uint32_t sign = (f >> 16) & 0x8000u;
    const uint32_t magnitude = f & 0x7fffffffu;
    if (magnitude > 0x7f800000u) return uint16_t(sign | 0x7e00u);   // NaN, quiet
    if (magnitude >= 0x47800000u) return uint16_t(sign | 0x7c00u);  // at least 2^16, infinity too
    if (magnitude < 0x38800000u) {
      // Subnormal result: adding 0.5 aligns the fraction so that its last bit weighs 2^-24, and
      // the float adder does the rounding.
      const float aligned = std::bit_cast<float>(magnitude) + 0.5f;
      return uint16_t(sign | (std::bit_cast<uint32_t>(aligned) - 0x3f000000u));
    }
    const uint32_t odd = (magnitude >> 13) & 1u;
    return uint16_t(sign | ((magnitude - 0x38000000u + 0xfffu + odd) >> 13));
  }

  static constexpr float to_float(uint16_t h) {
    const uint32_t sign = uint32_t(h & 0x8000u) << 16;
    const uint32_t magnitude = h & 0x7fffu;
    if (magnitude >= 0x7c00u)
      return std::bit_cast<float>(sign | 0x7f800000u | (magnitude << 13 & 0x7fffffu));
    if (magnitude < 0x0400u) {
      const float value = float(magnitude) * 0x1p-24f;
      return std::bit_cast<float>(sign | std::bit_cast<uint32_t>(value));
    }
    return std::bit_cast<float>(sign | ((magnitude << 13) + 0x38000000u));
  }
};

// bfloat16: the upper half of a float.
struct BFloat16 {
  uint16_t bits = 0;

  BFloat16() = default;
  // Rounds to nearest, ties to even.
  constexpr explicit BFloat16(float value) : bits(from_float(value)) {}
  constexpr explicit operator float() const { return to_float(bits); }
  bool operator==(const BFloat16& other) const { return float(*this) == float(other); }

  static constexpr uint16_t from_float(float value) {
    const uint32_t f = std::bit_cast<uint32_t>(value);
    if ((f & 0x7fffffffu) > 0x7f800000u) return uint16_t((f >> 16) | 0x0040u);  // keep NaN a NaN
    return uint16_t((f + 0x7fffu + ((f >> 16) & 1u)) >> 16);
  }
  static constexpr float to_float(uint16_t b) { return std::bit_cast<float>(uint32_t(b) << 16); }
};

static_assert(sizeof(Half) == 2 && sizeof(BFloat16) == 2);

}  // namespace entasis
