// The words of a draw (core/generator.h) as kernels take them: a thread makes whole blocks of four.
#pragma once

#include <cstdint>

#include <entasis/core/generator.h>
#include <entasis/kernels/cuda/internal/device.h>

namespace entasis::cuda {

class Philox {
 public:
  __device__ __forceinline__ explicit Philox(const RandomState& state)
      : seed_(state.seed), offset_(state.offset) {
    if (state.device_state != nullptr) {
      seed_ = state.device_state[0];
      offset_ += state.device_state[1];
    }
  }

  // Words 4 `block` to 4 `block` + 3 of the draw; of another subsequence for further tries.
  __device__ __forceinline__ void words(int64_t block, uint32_t (&words)[4],
                                        uint64_t subsequence = 0) const {
    const auto drawn = philox4x32(seed_, offset_ + uint64_t(block), subsequence);
#pragma unroll
    for (int i = 0; i < 4; ++i) words[i] = drawn[size_t(i)];
  }

 private:
  uint64_t seed_, offset_;
};

}  // namespace entasis::cuda
