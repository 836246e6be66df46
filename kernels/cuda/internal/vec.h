// Accesses of 16 bytes: the widest that one thread makes, and what it takes to use the whole
// bandwidth.
#pragma once

#include <cstddef>
#include <cstdint>

#include <entasis/kernels/cuda/internal/device.h>

namespace entasis::cuda {

// 16 bytes of T.
template <class T>
struct __align__(16) Vec {
  static constexpr int size = 16 / int(sizeof(T));
  T at[size];
};

template <class T>
inline constexpr int kVecSize = Vec<T>::size;

inline bool is_vec_aligned(const void* pointer) {
  return reinterpret_cast<uintptr_t>(pointer) % 16 == 0;
}

#ifdef __CUDACC__
__device__ __forceinline__ void expect_aligned(const void*, size_t = 16) {}
#else  // a GPU fails by itself
inline void expect_aligned(const void* pointer, size_t bytes = 16) {
  if (reinterpret_cast<uintptr_t>(pointer) % bytes != 0) {
    emulation::fail("misaligned access of several elements", emulation::Location::current());
  }
}
#endif

// `from` and `to` lie on multiples of 16 bytes.
template <class T>
__device__ __forceinline__ Vec<T> load_vec(const T* from) {
  expect_aligned(from);
  return *reinterpret_cast<const Vec<T>*>(from);
}
template <class T>
__device__ __forceinline__ void store_vec(T* to, const Vec<T>& values) {
  expect_aligned(to);
  *reinterpret_cast<Vec<T>*>(to) = values;
}

// N neighbours of T, N a power of two, that one access moves: at most 16 bytes.
template <class T, int N>
struct __align__(sizeof(T) * N) Pack {
  static_assert(sizeof(T) * N <= 16);
  T at[N];
};

template <class T, int N>
inline bool is_pack_aligned(const void* pointer) {
  return reinterpret_cast<uintptr_t>(pointer) % (sizeof(T) * N) == 0;
}

// `from` and `to` lie on multiples of the pack's size.
template <int N, class T>
__device__ __forceinline__ Pack<T, N> load_pack(const T* from) {
  expect_aligned(from, sizeof(T) * N);
  return *reinterpret_cast<const Pack<T, N>*>(from);
}
template <int N, class T>
__device__ __forceinline__ void store_pack(T* to, const Pack<T, N>& values) {
  expect_aligned(to, sizeof(T) * N);
  *reinterpret_cast<Pack<T, N>*>(to) = values;
}

}  // namespace entasis::cuda
