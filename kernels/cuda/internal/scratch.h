// Several arrays in one piece of scratch memory.
#pragma once

#include <cstddef>
#include <cstdint>

namespace entasis::cuda {

// Adds up what arrays need, each on a multiple of 64 bytes, and says where it lies; without memory
// it only adds up.
class ScratchPlan {
 public:
  explicit ScratchPlan(void* memory = nullptr) : memory_(static_cast<char*>(memory)) {}

  template <class T>
  T* take(int64_t count) {
    T* const array = memory_ ? reinterpret_cast<T*>(memory_ + bytes_) : nullptr;
    bytes_ += (size_t(count) * sizeof(T) + 63) / 64 * 64;
    return array;
  }
  size_t bytes() const { return bytes_; }

 private:
  char* memory_;
  size_t bytes_ = 0;
};

}  // namespace entasis::cuda
