// Copies of adjacent elements in reverse order.
#pragma once

#include <cstdint>

namespace entasis::cpu {

// to[i] = from[-i] for n elements of 4 or of 8 bytes, whose bits are moved as they are. Null for
// other sizes.
using ReverseRun = void (*)(int64_t n, const void* from, void* to);
ReverseRun find_reverse(int element_bytes);

}  // namespace entasis::cpu
