// What every kernel file includes: CUDA's device language, from nvcc or, where a host compiler
// builds the kernels for the tests, from the emulation (tests/emulation). No other header of the
// product knows of the two.
#pragma once

#ifdef __CUDACC__
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_runtime.h>
#else
#include <cuda_emulation.h>
#endif

// Declares `name`, a pointer to the block's dynamic shared memory, 16-byte aligned. Every kernel
// sees the same bytes, whatever T it takes them for.
#ifdef __CUDACC__
#define DYN_SHARED(T, name)                                               \
  extern __shared__ __align__(16) unsigned char entasis_dynamic_shared[]; \
  T* const name = reinterpret_cast<T*>(entasis_dynamic_shared)
#else
#define DYN_SHARED(T, name) T* const name = static_cast<T*>(::entasis::emulation::dynamic_shared())
#endif

namespace entasis::cuda {

inline constexpr unsigned kWarpSize = 32;
inline constexpr unsigned kFullWarp = 0xffffffffu;  // the mask of all lanes

// The calling thread's place in its warp, for blocks of any number of dimensions.
__device__ __forceinline__ unsigned lane_id() {
#ifdef __CUDACC__
  unsigned lane;
  asm("mov.u32 %0, %%laneid;" : "=r"(lane));
  return lane;
#else
  return ::entasis::emulation::running->lane;
#endif
}

// Wide accesses need aligned addresses: the device ends a kernel without, the emulation does so
// here.
__device__ __forceinline__ void check_aligned([[maybe_unused]] const void* address,
                                              [[maybe_unused]] unsigned bytes) {
#ifndef __CUDACC__
  ::entasis::emulation::check_aligned(address, bytes);
#endif
}

}  // namespace entasis::cuda
