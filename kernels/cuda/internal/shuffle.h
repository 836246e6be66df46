// Shuffles of any trivially copyable value of up to 16 bytes, in words of 4.
#pragma once

#include <cstdint>
#include <cstring>
#include <type_traits>

#include <entasis/kernels/cuda/internal/device.h>

namespace entasis::cuda {

template <class T, class Shuffle>
__device__ __forceinline__ T shuffle_words(const T& value, Shuffle shuffle) {
  static_assert(std::is_trivially_copyable_v<T> && sizeof(T) <= 16);
  constexpr int kWords = (int(sizeof(T)) + 3) / 4;
  uint32_t words[kWords] = {};
  memcpy(words, &value, sizeof(T));
#pragma unroll
  for (int w = 0; w < kWords; ++w) words[w] = shuffle(words[w]);
  T result;
  memcpy(&result, words, sizeof(T));
  return result;
}

// The value of the lane whose number differs in the bits of `mask`. All lanes take part.
template <class T>
__device__ __forceinline__ T shuffle_xor(const T& value, int mask) {
  return shuffle_words(value, [mask](uint32_t w) { return __shfl_xor_sync(kFullWarp, w, mask); });
}
// The value of lane `lane`.
template <class T>
__device__ __forceinline__ T shuffle_from(const T& value, int lane) {
  return shuffle_words(value, [lane](uint32_t w) { return __shfl_sync(kFullWarp, w, lane); });
}
// The value of the lane `by` above; of the highest ones their own.
template <class T>
__device__ __forceinline__ T shuffle_down(const T& value, unsigned by) {
  return shuffle_words(value, [by](uint32_t w) { return __shfl_down_sync(kFullWarp, w, by); });
}
// The value of the lane `by` below; of the lowest ones their own.
template <class T>
__device__ __forceinline__ T shuffle_up(const T& value, unsigned by) {
  return shuffle_words(value, [by](uint32_t w) { return __shfl_up_sync(kFullWarp, w, by); });
}

}  // namespace entasis::cuda
