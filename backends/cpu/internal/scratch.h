// Per-thread scratch memory for kernels: packed operands, padded rows, tiles. Kept by the thread
// between uses, so that asking for it costs a few nanoseconds.
#pragma once

#include <cstddef>
#include <cstdint>

namespace entasis::cpu {

// `bytes` of uninitialised memory, aligned to 64 bytes, for as long as the object lives. Objects of
// one thread must end in the reverse order of their creation, as local variables do. Other threads
// may use the memory meanwhile. Throws OutOfMemoryError.
class Scratch {
 public:
  explicit Scratch(size_t bytes);
  ~Scratch();
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  template <class T>
  T* as() const {
    return static_cast<T*>(data_);
  }

 private:
  void* data_;
  size_t bytes_;
};

}  // namespace entasis::cpu
