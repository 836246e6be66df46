// Accesses of 16 bytes: the widest that one thread makes, and what it takes to use the whole
// bandwidth.
#pragma once

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

// `from` and `to` lie on multiples of 16 bytes.
template <class T>
__device__ __forceinline__ Vec<T> load_vec(const T* from) {
#ifndef __CUDACC__
  emulation::expect_aligned(from, 16);
#endif
  return *reinterpret_cast<const Vec<T>*>(from);
}
template <class T>
__device__ __forceinline__ void store_vec(T* to, const Vec<T>& values) {
#ifndef __CUDACC__
  emulation::expect_aligned(to, 16);
#endif
  *reinterpret_cast<Vec<T>*>(to) = values;
}

}  // namespace entasis::cuda
