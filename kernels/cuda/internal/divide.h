// Division by a number known at the launch: a multiplication and a shift (Granlund and Montgomery,
// "Division by invariant integers using multiplication", PLDI 1994), for dividends below 2^31.
#pragma once

#include <bit>
#include <cstdint>

#include <entasis/kernels/cuda/internal/device.h>

namespace entasis::cuda {

struct Divider {
  uint32_t divisor = 1;
  uint32_t magic = 1;
  uint32_t shift = 0;

  Divider() = default;
  // `by` lies in [1, 2^31).
  explicit Divider(uint32_t by) : divisor(by) {
    shift = by > 1 ? uint32_t(std::bit_width(by - 1)) : 0;
    magic = uint32_t(((uint64_t{1} << 32) * ((uint64_t{1} << shift) - by)) / by + 1);
  }
  __device__ __forceinline__ uint32_t quotient(uint32_t n) const {
    return (static_cast<uint32_t>((uint64_t{n} * magic) >> 32) + n) >> shift;
  }
  // The quotient; `n` becomes the remainder.
  __device__ __forceinline__ uint32_t divide(uint32_t& n) const {
    const uint32_t q = quotient(n);
    n -= q * divisor;
    return q;
  }
};

}  // namespace entasis::cuda
