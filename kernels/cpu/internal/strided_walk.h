// Walks the elements of several operands of one shape, whatever their strides, as few long runs.
// Dimensions that lie behind one another in every operand are joined, so dense operands are one
// run.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include <entasis/core/dims.h>

namespace entasis::cpu {

enum class WalkOrder {
  kMemory,    // by ascending address of operand 0: dimensions sorted by its strides
  kRowMajor,  // by index, the last dimension fastest
};

template <int N>
class StridedWalk {
 public:
  using Offsets = std::array<int64_t, size_t(N)>;

  StridedWalk(WalkOrder order, const Dims& shape,
              const std::array<const Dims*, size_t(N)>& strides) {
    int dims[kMaxDims];
    int count = 0;
    for (int i = 0; i < shape.size(); ++i) {
      numel_ *= shape[i];
      if (shape[i] == 1) continue;
      int k = count++;
      if (order == WalkOrder::kMemory) {
        for (; k > 0 && (*strides[0])[dims[k - 1]] < (*strides[0])[i]; --k) dims[k] = dims[k - 1];
      }
      dims[k] = i;
    }
    for (int k = 0; k < count; ++k) append(shape[dims[k]], dims[k], strides);
    if (rank_ == 0) sizes_[rank_++] = 1;
  }

  int64_t numel() const { return numel_; }
  // Whether operand k is one run of neighbours.
  bool is_contiguous(int k) const {
    return rank_ == 1 && (sizes_[0] == 1 || strides_[0][size_t(k)] == 1);
  }
  // The step of operand k within a run.
  int64_t step(int k) const { return strides_[size_t(rank_ - 1)][size_t(k)]; }

  // Where element i of the walk lies in each operand.
  Offsets at(int64_t i) const {
    Offsets offsets{};
    for (size_t d = size_t(rank_ - 1); d > 0; --d) {
      const int64_t index = i % sizes_[d];
      i /= sizes_[d];
      for (size_t k = 0; k < N; ++k) offsets[k] += index * strides_[d][k];
    }
    for (size_t k = 0; k < N; ++k) offsets[k] += i * strides_[0][k];
    return offsets;
  }

  // Calls body(offsets, count) for the runs that make up the elements [begin, end) of the walk.
  // Element j of a run is at offsets[k] + j * step(k).
  template <class Body>
  void runs(int64_t begin, int64_t end, Body&& body) const {
    if (begin >= end) return;
    std::array<int64_t, kMaxDims> index{};
    Offsets offsets{};
    int64_t rest = begin;
    for (int d = rank_ - 1; d >= 0; --d) {
      index[size_t(d)] = rest % sizes_[size_t(d)];
      rest /= sizes_[size_t(d)];
      for (size_t k = 0; k < N; ++k) offsets[k] += index[size_t(d)] * strides_[size_t(d)][k];
    }
    const size_t last = size_t(rank_ - 1);
    for (int64_t at = begin; at < end;) {
      const int64_t count = std::min(sizes_[last] - index[last], end - at);
      body(static_cast<const Offsets&>(offsets), count);
      at += count;
      index[last] += count;
      for (size_t k = 0; k < N; ++k) offsets[k] += count * strides_[last][k];
      // Carry into the slower dimensions.
      for (size_t d = last; d > 0 && index[d] == sizes_[d]; --d) {
        index[d] = 0;
        ++index[d - 1];
        for (size_t k = 0; k < N; ++k) {
          offsets[k] += strides_[d - 1][k] - sizes_[d] * strides_[d][k];
        }
      }
    }
  }

 private:
  void append(int64_t size, int dim, const std::array<const Dims*, size_t(N)>& strides) {
    bool joins = rank_ > 0;
    for (size_t k = 0; k < N && joins; ++k) {
      joins = strides_[size_t(rank_ - 1)][k] == size * (*strides[k])[dim];
    }
    const int place = joins ? rank_ - 1 : rank_++;
    sizes_[size_t(place)] = joins ? sizes_[size_t(place)] * size : size;
    for (size_t k = 0; k < N; ++k) strides_[size_t(place)][k] = (*strides[k])[dim];
  }

  int rank_ = 0;
  int64_t numel_ = 1;
  std::array<int64_t, kMaxDims> sizes_{};
  std::array<Offsets, kMaxDims> strides_{};
};

}  // namespace entasis::cpu
