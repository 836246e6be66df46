// A stable sort of (key, value) pairs by key, the same bits in every run.
#pragma once

#include <cstdint>

#include <cuda_runtime_api.h>

namespace entasis::cuda {

inline constexpr int kSortTile = 4096;   // pairs of a block
inline constexpr int kSortDigits = 256;  // values of the 8 bits that one pass sorts by

// How many numbers the sort of n pairs needs for itself.
inline int64_t sort_counts(int64_t n) {
  return kSortDigits * ((n + kSortTile - 1) / kSortTile + 1);
}

// Memory of a sort: pairs lie in arrays 0 at first; arrays 1 are as long. `counts` has room for
// sort_counts(n).
template <class Index>
struct SortArrays {
  Index* keys[2];
  Index* values[2];
  Index* counts;
};

// Sorts by the low `bits` bits of the keys; says which of the two arrays holds the result. Index,
// of keys and values, is uint32_t or uint64_t, and holds n.
template <class Index>
int sort_pairs(const SortArrays<Index>& arrays, int64_t n, int bits, cudaStream_t stream);

}  // namespace entasis::cuda
