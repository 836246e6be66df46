// Words of up to 16 bytes, for kernels that move elements without looking at them.
#pragma once

#include <entasis/kernels/cuda/internal/convert.h>
#include <entasis/kernels/cuda/internal/vec.h>

namespace entasis::cuda {

// Calls `f(Tag<Word>())` with a type of 1, 2, 4, 8 or 16 bytes.
template <class F>
void dispatch_word(int bytes, const F& f) {
  switch (bytes) {
    case 1:
      return f(Tag<uint8_t>());
    case 2:
      return f(Tag<uint16_t>());
    case 4:
      return f(Tag<uint32_t>());
    case 8:
      return f(Tag<uint64_t>());
    default:
      return f(Tag<Pack<uint64_t, 2>>());
  }
}

}  // namespace entasis::cuda
