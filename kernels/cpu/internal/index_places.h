// From index tensors to places: one number for each index position, which says where in the indexed
// dimensions it points.
#pragma once

#include <cstdint>

#include <entasis/core/operand.h>

namespace entasis::cpu {

enum class Negative : uint8_t { kRaises, kCountsFromEnd };

inline constexpr int64_t kSkipped = -1;

// location(n) = sum over the index tensors j, which stand for the dimensions from `dim` on, of
// index_j(n) * factors[j]; kSkipped where the first index is `skip`. Throws IndexError.
void locate(Inputs indices, int dim, const Dims& sizes, const Dims& factors, Negative negative,
            int64_t skip, int64_t* locations);

// Throws the IndexError of an index outside of its dimension.
[[noreturn]] void throw_bad_index(int64_t index, int64_t position, int dim, int64_t size);

// Dimensions [begin, end).
Dims part(const Dims& dims, int begin, int end);

}  // namespace entasis::cpu
