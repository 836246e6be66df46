// Up to where kernels count in 32 bits.
#pragma once

#include <cstdint>
#include <cstdlib>

namespace entasis::cuda {

// The most elements, and the furthest offset in elements, that 32-bit arithmetic takes: half of
// what it holds, which leaves room for a grid's last stride. Beyond it kernels count in 64 bits or
// are launched piece by piece. ENTASIS_CUDA_INDEX_LIMIT lowers it, so that tests of small tensors
// take the ways of tensors of gigabytes.
inline int64_t index_limit() {
  static const int64_t limit = [] {
    constexpr int64_t kMost = int64_t{1} << 30;
    const char* text = std::getenv("ENTASIS_CUDA_INDEX_LIMIT");
    const int64_t asked = text != nullptr ? std::atoll(text) : 0;
    return asked > 0 && asked < kMost ? asked : kMost;
  }();
  return limit;
}

}  // namespace entasis::cuda
