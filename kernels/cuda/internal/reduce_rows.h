// The host's part of kernels over rows (reduce_row.h): where the rows of several tensors of one
// shape lie, and how they are shared out among threads.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include <entasis/backends/cuda/devices.h>
#include <entasis/core/tensor.h>
#include <entasis/kernels/cuda/internal/reduce_plan.h>
#include <entasis/kernels/cuda/internal/reduce_row.h>

namespace entasis::cuda {

// A tensor's memory, for finding out how it may be read.
struct Lie {
  const void* data = nullptr;
  Dims strides;

  Lie() = default;
  explicit Lie(const Tensor& t) : data(t.raw()), strides(t.strides()) {}
};

// Rows of K tensors of one shape, of which the first decides the order; `dim` goes along a row.
// Further operands, up to L, only take part in the walk over rows: statistics of each row.
template <int K, int L = K>
struct RowPlan {
  Walk<L> walk;
  int64_t rows = 1;
  int64_t n = 1;
  int64_t stride[K] = {};      // along the row
  bool has_neighbours = true;  // along the row, in all tensors (or there are no neighbours to have)
  bool has_vectors = false;    // besides, rows begin equally far behind a multiple of 16 bytes

  // `others[l]` are the strides of operand K + l without `dim`.
  RowPlan(const Dims& shape, int dim, int element_size, const std::array<Lie, size_t(K)>& tensors,
          const std::array<Dims, size_t(L - K)>& others = {}) {
    Loops<L> loops;
    for (int d = shape.size() - 1, e = d - 1; d >= 0; --d) {
      if (d == dim) {
        n = shape[d];
        for (size_t k = 0; k < K; ++k) stride[k] = tensors[k].strides[d];
        continue;
      }
      std::array<int64_t, size_t(L)> steps;
      for (size_t k = 0; k < K; ++k) steps[k] = tensors[k].strides[d];
      for (size_t l = K; l < L; ++l) steps[l] = others[l - K][e];
      --e;
      loops.add(shape[d], steps);
      rows *= shape[d];
    }
    loops.sort();
    loops.merge();
    walk = Walk<L>(loops);
    if (n == 1) std::fill_n(stride, K, int64_t{1});
    for (int64_t s : stride) has_neighbours &= s == 0 || s == 1;
    const int vec = 16 / element_size;
    has_vectors = n >= vec;
    for (size_t k = 0; k < K; ++k) {
      has_vectors &= stride[k] == 1 && misplaced(tensors[k]) == misplaced(tensors[0]);
      for (int d = 0; d < loops.count; ++d) {
        has_vectors &= (loops.stride[d][k] - loops.stride[d][0]) % vec == 0;
      }
    }
  }

 private:
  static uintptr_t misplaced(const Lie& t) { return reinterpret_cast<uintptr_t>(t.data) % 16; }
};

// ---- Rows short enough for the registers of a warp

inline constexpr int kRowThreads = 256;
// Elements of a row that a lane has room for.
inline constexpr int kFewElements = 8;
template <class C>
inline constexpr int kManyElements = sizeof(C) == 8 ? 16 : 32;

// Lanes that share a row of n elements, of which each has room for `elements` in items of `vec`.
// One item is added since the first may be short.
inline int lanes_for(int64_t n, int vec, int elements) {
  return power_of_two(ceil_div(n + (vec > 1 ? vec - 1 : 0), elements), kWarpSize);
}
// Whether 32 lanes have room for a row of n elements.
inline bool fits_warp(int64_t n, int vec, int elements) {
  return n + (vec > 1 ? vec - 1 : 0) <= int64_t{elements} * kWarpSize;
}

// ---- Rows shared by a block

template <class C>
int block_for(int64_t items) {
  return items >= 4096 ? kMaxRowThreads<C> : items >= 1024 ? 512 : 256;
}
// Bytes of shared memory for a row's items.
inline int64_t stage_bytes(int64_t n, int vec, int element_size) {
  return (n / vec + 2) * vec * element_size;
}
// Whether a block may have so many bytes, besides the kernel's own.
inline bool fits_shared(int device, int64_t bytes) {
  return bytes <= limits_of(device).max_shared_bytes - 2048;
}

// ---- Slices across memory

// Slices of n elements that a block takes, side by side: many, unless there are few long ones.
inline int slices_for(int64_t slices, int64_t n) {
  const int side_by_side = power_of_two(slices, 32);
  const int threads_each = power_of_two(ceil_div(n, 4), kAcrossThreads / side_by_side);
  return power_of_two(slices, kAcrossThreads / threads_each);
}

}  // namespace entasis::cuda
