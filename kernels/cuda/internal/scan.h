// Running sums: of the threads of a block, and of rows in memory. Integers only, so that any order
// gives the same.
#pragma once

#include <cstdint>

#include <cuda_runtime_api.h>

#include <entasis/kernels/cuda/internal/device.h>
#include <entasis/kernels/cuda/internal/reduce.h>
#include <entasis/kernels/cuda/internal/shuffle.h>

namespace entasis::cuda {

// The sum of the values of all threads before this one; `total` becomes that of all. For blocks of
// whole warps. Two barriers; shared memory of one T a warp.
template <class T>
__device__ __forceinline__ T block_sum_before(T value, T& total) {
  __shared__ T part[kMaxWarps];
  const unsigned lane = threadIdx.x % kWarpSize, warp = threadIdx.x / kWarpSize;
  const unsigned warps = blockDim.x / kWarpSize;
  T sum = value;
#pragma unroll
  for (unsigned step = 1; step < kWarpSize; step *= 2) {
    const T below = shuffle_up(sum, step);
    if (lane >= step) sum += below;
  }
  if (lane == kWarpSize - 1) part[warp] = sum;
  __syncthreads();
  T before = 0;
  total = 0;
  for (unsigned w = 0; w < warps; ++w) {
    const T one = part[w];
    if (w < warp) before += one;
    total += one;
  }
  __syncthreads();  // `part` serves the next call
  return before + sum - value;
}

// Replaces each element of each of `rows` rows of `length` adjacent ones by the sum of those before
// it; totals[r] becomes the sum of row r. T is uint32_t or uint64_t.
template <class T>
void scan_rows(T* data, int64_t length, int rows, T* totals, cudaStream_t stream);

}  // namespace entasis::cuda
