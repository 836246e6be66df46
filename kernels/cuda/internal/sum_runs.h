// Sums of slices that go to the same place, in a fixed order and without atomics.
#pragma once

#include <cstdint>

#include <cuda_runtime_api.h>

#include <entasis/core/dtype.h>

namespace entasis::cuda {

inline constexpr int kRunTile = 32;  // sorted positions that one thread goes through

// `n` places, sorted, and for each the slice that goes there: its number, in slices of `inner`
// elements. Of each of `outer` such inputs and outputs; an output has `range` slices.
template <class Index>
struct SortedSlices {
  const Index* places;  // `range` and above are nowhere
  const Index* numbers;
  int64_t n = 0, outer = 1, inner = 1, range = 0;
  int64_t slices = 0;  // of an input
};

// The bytes of memory that sum_runs needs for itself.
int64_t sum_runs_scratch(int64_t n, int64_t outer, int64_t inner, DType dtype);

// out[o, place, :] += the sum of gy[o, number, :] over the pairs with that place, in their order,
// of all places that occur. gy and out are dense, of one dtype; halves are summed in float,
// integers wrap, and bool is true if any is. Index is uint32_t or uint64_t.
template <class Index>
void sum_runs(const SortedSlices<Index>& slices, DType dtype, const void* gy, void* out,
              void* scratch, cudaStream_t stream);

}  // namespace entasis::cuda
