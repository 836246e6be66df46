// Strided two-dimensional copies into rows of adjacent elements: packing and transposition.
// Compiled once for each Highway target.

#if defined(ENTASIS_KERNELS_CPU_INTERNAL_TRANSPOSE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ENTASIS_KERNELS_CPU_INTERNAL_TRANSPOSE_INL_H_
#undef ENTASIS_KERNELS_CPU_INTERNAL_TRANSPOSE_INL_H_
#else
#define ENTASIS_KERNELS_CPU_INTERNAL_TRANSPOSE_INL_H_
#endif

#include <algorithm>
#include <cstdint>

#include <hwy/highway.h>

#include <hwy/cache_control.h>
// Per-target headers.
#include <entasis/kernels/cpu/internal/copy_row-inl.h>

HWY_BEFORE_NAMESPACE();
namespace entasis::cpu::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// Block b (16 bytes) of the result is loaded from `from` + b * distance.
template <class D, class T = hn::TFromD<D>>
HWY_INLINE hn::Vec<D> load_blocks(D d, const T* from, int64_t distance) {
  constexpr size_t kBlocks = hn::MaxLanes(D()) * sizeof(T) / 16;
  if constexpr (kBlocks == 1) {
    return hn::LoadU(d, from);
  } else {
    const hn::Half<D> half;
    return hn::Combine(
        d, load_blocks(half, from + static_cast<int64_t>(kBlocks / 2) * distance, distance),
        load_blocks(half, from, distance));
  }
}

// Transposes one vector's length of source lines by one 16-byte block: to[k * to_stride + i] =
// from[i * from_stride + k] for i < Lanes, k < 16 / sizeof(T). Line i goes to lane i because every
// 16-byte block of the registers is a small transpose of its own.
template <class D>
HWY_INLINE void transpose_block(D d, const float* from, int64_t from_stride, float* to,
                                int64_t to_stride) {
  const hn::RepartitionToWide<D> pairs;
  const auto line0 = load_blocks(d, from, 4 * from_stride);
  const auto line1 = load_blocks(d, from + from_stride, 4 * from_stride);
  const auto line2 = load_blocks(d, from + 2 * from_stride, 4 * from_stride);
  const auto line3 = load_blocks(d, from + 3 * from_stride, 4 * from_stride);
  const auto low01 = hn::BitCast(pairs, hn::InterleaveLower(d, line0, line1));
  const auto low23 = hn::BitCast(pairs, hn::InterleaveLower(d, line2, line3));
  const auto high01 = hn::BitCast(pairs, hn::InterleaveUpper(d, line0, line1));
  const auto high23 = hn::BitCast(pairs, hn::InterleaveUpper(d, line2, line3));
  hn::StoreU(hn::BitCast(d, hn::InterleaveLower(pairs, low01, low23)), d, to);
  hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(pairs, low01, low23)), d, to + to_stride);
  hn::StoreU(hn::BitCast(d, hn::InterleaveLower(pairs, high01, high23)), d, to + 2 * to_stride);
  hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(pairs, high01, high23)), d, to + 3 * to_stride);
}

template <class D>
HWY_INLINE void transpose_block(D d, const double* from, int64_t from_stride, double* to,
                                int64_t to_stride) {
  const auto line0 = load_blocks(d, from, 2 * from_stride);
  const auto line1 = load_blocks(d, from + from_stride, 2 * from_stride);
  hn::StoreU(hn::InterleaveLower(d, line0, line1), d, to);
  hn::StoreU(hn::InterleaveUpper(d, line0, line1), d, to + to_stride);
}

// transpose() for at least one block of rows and one vector of columns. The last block of rows and
// the last vector of columns begin early enough to be whole.
template <class D, class T = hn::TFromD<D>>
void transpose_blocks(D d, int64_t rows, int64_t columns, const T* from, int64_t from_stride, T* to,
                      int64_t to_stride) {
  constexpr int64_t kN = static_cast<int64_t>(hn::MaxLanes(D()));
  constexpr int64_t kBlock = 16 / sizeof(T);
  constexpr int64_t kLine = 64 / sizeof(T);
  for (int64_t next_c = 0; next_c < columns; next_c += kN) {
    const int64_t c = std::min(next_c, columns - kN);
    for (int64_t next_r = 0; next_r < rows; next_r += kBlock) {
      const int64_t r = std::min(next_r, rows - kBlock);
      if (next_r % kLine == 0) {
        for (int64_t i = 0; i < kN; ++i)
          hwy::Prefetch(from + r + 2 * kLine + (c + i) * from_stride);
      }
      transpose_block(d, from + r + c * from_stride, from_stride, to + r * to_stride + c,
                      to_stride);
    }
  }
}

// to[r * to_stride + c] = from[r + c * from_stride]: reads down the source's lines, a vector's
// length of lines at a time, so that each cache line is used whole while it is in L1. Fewer lines
// make do with shorter vectors.
template <class T>
void transpose(int64_t rows, int64_t columns, const T* from, int64_t from_stride, T* to,
               int64_t to_stride) {
  const hn::ScalableTag<T> d;
  constexpr int64_t kN = static_cast<int64_t>(hn::MaxLanes(hn::ScalableTag<T>()));
  constexpr int64_t kBlock = 16 / sizeof(T);
  if (rows >= kBlock) {
    if (columns >= kN) return transpose_blocks(d, rows, columns, from, from_stride, to, to_stride);
    if constexpr (kN >= 2 * kBlock) {
      const hn::Half<decltype(d)> half;
      if (columns >= kN / 2) {
        return transpose_blocks(half, rows, columns, from, from_stride, to, to_stride);
      }
      if constexpr (kN >= 4 * kBlock) {
        const hn::Half<decltype(half)> quarter;
        if (columns >= kN / 4) {
          return transpose_blocks(quarter, rows, columns, from, from_stride, to, to_stride);
        }
      }
    }
  }
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t c = 0; c < columns; ++c) to[r * to_stride + c] = from[r + c * from_stride];
  }
}

// to[r * to_stride + c] = from[r * row_stride + c * column_stride].
template <class T>
void copy_matrix(int64_t rows, int64_t columns, const T* from, int64_t row_stride,
                 int64_t column_stride, T* to, int64_t to_stride) {
  if (column_stride == 1 && row_stride == columns && to_stride == columns) {
    copy_row(from, rows * columns, to);
  } else if (column_stride == 1) {
    for (int64_t r = 0; r < rows; ++r) {
      copy_row(from + r * row_stride, columns, to + r * to_stride);
    }
  } else if (row_stride == 1) {
    transpose(rows, columns, from, column_stride, to, to_stride);
  } else {
    for (int64_t r = 0; r < rows; ++r) {
      for (int64_t c = 0; c < columns; ++c) {
        to[r * to_stride + c] = from[r * row_stride + c * column_stride];
      }
    }
  }
}

}  // namespace entasis::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // include guard
