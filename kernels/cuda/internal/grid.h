// Sizes of launches.
#pragma once

#include <cstdint>

#include <entasis/kernels/cuda/internal/device.h>

namespace entasis::cuda {

// Blocks for `n` items, `each` of them a block.
inline dim3 blocks_for(int64_t n, int64_t each) { return dim3(unsigned((n + each - 1) / each)); }

}  // namespace entasis::cuda
