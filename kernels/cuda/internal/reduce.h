// Reductions across the threads of a warp and of a block, in a fixed order: the same bits in every
// run.
#pragma once

#include <entasis/kernels/cuda/internal/device.h>
#include <entasis/kernels/cuda/internal/shuffle.h>

namespace entasis::cuda {

inline constexpr int kMaxWarps = 32;  // of a block

// A butterfly: every lane gets the result. `combine(a, b)` is commutative to the bit. T is
// trivially copyable, of at most 16 bytes; lanes outside of `width`-sized groups do not mix.
template <int kWidth = 32, class T, class Combine>
__device__ __forceinline__ T warp_reduce(T value, Combine combine) {
#pragma unroll
  for (int step = kWidth / 2; step > 0; step /= 2) {
    value = combine(value, shuffle_xor(value, step));
  }
  return value;
}

// Every thread of a one-dimensional block of whole warps gets the result. `neutral` is what
// `combine` leaves the other operand with. Two barriers; shared memory of one T a warp.
template <class T, class Combine>
__device__ __forceinline__ T block_reduce(T value, T neutral, Combine combine) {
  __shared__ __align__(16) unsigned char bytes[kMaxWarps * sizeof(T)];
  T* const part = reinterpret_cast<T*>(bytes);
  const unsigned lane = threadIdx.x % kWarpSize, warp = threadIdx.x / kWarpSize;
  const unsigned warps = blockDim.x / kWarpSize;
  value = warp_reduce(value, combine);
  if (lane == 0) part[warp] = value;
  __syncthreads();
  value = lane < warps ? part[lane] : neutral;
  value = warp_reduce(value, combine);
  __syncthreads();  // `bytes` serves the next call
  return value;
}

struct Plus {
  template <class T>
  __device__ __forceinline__ T operator()(T a, T b) const {
    return a + b;
  }
};

}  // namespace entasis::cuda
