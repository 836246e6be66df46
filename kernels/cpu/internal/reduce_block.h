// Moves a two-dimensional block of elements between layouts and dtypes, for kernels that compute on
// dense tiles.
#pragma once

#include <cstdint>

#include <entasis/kernels/cpu/internal/convert.h>

namespace entasis::cpu {

// Element (r, i) lies r * row_stride + i * stride elements of `size` bytes behind `data`.
struct BlockView {
  const void* data;
  int64_t size;
  int64_t row_stride;
  int64_t stride;

  const void* at(int64_t r, int64_t i) const {
    return static_cast<const char*>(data) + (r * row_stride + i * stride) * size;
  }
};

// Converts `from` to `to`, both of `rows` times n elements, in few runs, and along neighbours if
// those runs are not too short.
inline void convert_block(ConvertRun convert, const BlockView& to, const BlockView& from,
                          int64_t rows, int64_t n) {
  const auto run = [&](int64_t r, int64_t i, int64_t to_stride, int64_t from_stride,
                       int64_t count) {
    convert(const_cast<void*>(to.at(r, i)), to_stride, from.at(r, i), from_stride, count);
  };
  if (to.row_stride == n * to.stride && from.row_stride == n * from.stride) {
    run(0, 0, to.stride, from.stride, rows * n);
  } else if (rows <= n || (from.stride == 1 && n >= 8)) {
    for (int64_t r = 0; r < rows; ++r) run(r, 0, to.stride, from.stride, n);
  } else {
    for (int64_t i = 0; i < n; ++i) run(0, i, to.row_stride, from.row_stride, rows);
  }
}

}  // namespace entasis::cpu
