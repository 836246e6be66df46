// From index tensors to places: one number for each index position, which says where in the indexed
// dimensions it points, or that it points nowhere.
#pragma once

#include <cstdint>

#include <entasis/core/operand.h>
#include <entasis/kernels/cuda/internal/index_report.h>
#include <entasis/kernels/cuda/internal/walk.h>

namespace entasis::cuda {

enum class Negative : uint8_t { kRaises, kCountsFromEnd };

// A wrong or skipped index; larger than any place.
inline constexpr uint64_t kNowhere = ~uint64_t{0};

// What one index tensor stands for. An index tensor of one element on the CPU arrives as a number.
struct IndexedDim {
  const void* data = nullptr;  // null: `number` is the index
  int64_t number = 0;
  int64_t size = 0;    // of the dimension
  int64_t factor = 0;  // of an index in the place
  int dim = 0;         // its number, for errors
  bool wide = false;   // i64, else i32
};

__device__ __forceinline__ int64_t load_index(const IndexedDim& d, int64_t at) {
  if (d.data == nullptr) return d.number;
  return d.wide ? static_cast<const int64_t*>(d.data)[at] : static_cast<const int32_t*>(d.data)[at];
}

// An index in [0, size), or with kCountsFromEnd in [-size, size), as a number in [0, size); -1 for
// others.
__device__ __forceinline__ int64_t place_of(int64_t index, Negative negative, const IndexedDim& d) {
  const bool wraps = index < 0 && negative == Negative::kCountsFromEnd;
  const int64_t place = wraps ? index + d.size : index;
  return place >= 0 && place < d.size ? place : -1;
}
// The same; reports the others.
__device__ __forceinline__ int64_t check_place(const IndexCheck& check, int64_t position,
                                               int64_t index, Negative negative,
                                               const IndexedDim& d) {
  const int64_t place = place_of(index, negative, d);
  if (place < 0) report_index(check, position, index, d.size, d.dim);
  return place;
}

// The index tensors of dimensions dim, dim + 1, ... of a tensor.
struct Indices {
  IndexedDim at[kMaxDims];
  int count = 0;
  int64_t skip = -1;  // where the index is this it points nowhere
  bool dense = true;  // all are row-major dense

  // `sizes` and `factors` are those of the indexed dimensions, of which `dim` is the first.
  Indices(Inputs tensors, int dim, const Dims& sizes, const Dims& factors, int64_t skip);
};

// Writes the place of each index position, in row-major order; `nowhere` where there is none. The
// numbers of the positions, 0, 1, ..., go to `numbers` unless that is null. I is uint32_t or
// uint64_t.
template <class I>
void locate(Inputs tensors, const Indices& indices, Negative negative, I nowhere, I* places,
            I* numbers, const IndexCheck& check, cudaStream_t stream);

// Dimensions [begin, end).
Dims part_of(const Dims& dims, int begin, int end);

}  // namespace entasis::cuda
