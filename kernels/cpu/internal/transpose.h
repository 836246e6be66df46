// Transposed copies of matrices.
#pragma once

#include <cstdint>

namespace entasis::cpu {

// to[r * to_stride + c] = from[r + c * from_stride] for elements of 4 and of 8 bytes, whose bits
// are moved as they are; strides are in elements. Null for other sizes.
using TransposeRun = void (*)(int64_t rows, int64_t columns, const void* from, int64_t from_stride,
                              void* to, int64_t to_stride);
TransposeRun find_transpose(int element_bytes);

}  // namespace entasis::cpu
