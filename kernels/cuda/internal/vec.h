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

#ifdef __CUDACC__
__device__ __forceinline__ void expect_aligned(const void*) {}
#else  // a GPU fails by itself
inline void expect_aligned(const void* pointer) {
  if (!is_vec_aligned(pointer)) {
    emulation::fail("misaligned access of 16 bytes", emulation::Location::current());
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

}  // namespace entasis::cuda
