// Conversion between element types, for tiles and copies: one function for each pair of dtypes.
#pragma once

#include <cstdint>

#include <entasis/core/dtype.h>

namespace entasis::cpu {

// Writes n elements, converted, from `from` to `to`, which do not overlap; strides are in elements.
using ConvertRun = void (*)(void* to, int64_t to_stride, const void* from, int64_t from_stride,
                            int64_t n);

// Floats to integers truncate; other conversions are those of `convert` (core/dtype.h). Bool
// becomes 0 or 1, whatever its byte holds.
ConvertRun find_converter(DType to, DType from);

}  // namespace entasis::cpu
