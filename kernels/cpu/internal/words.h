// Words of the size of an element, for kernels that move elements without looking at them.
#pragma once

#include <cstdint>

#include <entasis/core/dtype.h>

namespace entasis::cpu {

// Calls `f(TypeTag<Word>{})` with an unsigned type of 1, 2, 4 or 8 bytes.
template <class F>
void dispatch_word(DType dtype, F f) {
  switch (size_of(dtype)) {
    case 1:
      return f(TypeTag<uint8_t>{});
    case 2:
      return f(TypeTag<uint16_t>{});
    case 4:
      return f(TypeTag<uint32_t>{});
    default:
      return f(TypeTag<uint64_t>{});
  }
}

}  // namespace entasis::cpu
