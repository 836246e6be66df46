// The loops of a matrix product around the register tile, for one thread's part of the result;
// compiled once for each Highway target. Three methods: tiles, tiles of the transposed product, and
// dot products for very thin results.
//
// Blocking (Goto & van de Geijn, "Anatomy of high-performance matrix multiplication", 2008): a
// block of B, kDepth rows by kColumnsPerBlock columns, is packed into panels as wide as a tile and
// stays in L2; a panel meets one row tile of A after another, whose rows (8 x 512 floats = 16 KB)
// stay in L1. A is read where it lies if its rows are contiguous: 8 rows fit an 8-way L1 whatever
// their distance. If its columns are (a transposed operand), the elements of a step lie side by
// side, and stretches of some tiles' height are copied together: whole cache lines, a page each. B
// is packed by the first row tile itself while it multiplies. Traffic for a part of m x n: A is
// read n / kColumnsPerBlock times, B once, C is read and written k / kDepth times.

#if defined(ENTASIS_KERNELS_CPU_INTERNAL_GEMM_LOOPS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ENTASIS_KERNELS_CPU_INTERNAL_GEMM_LOOPS_INL_H_
#undef ENTASIS_KERNELS_CPU_INTERNAL_GEMM_LOOPS_INL_H_
#else
#define ENTASIS_KERNELS_CPU_INTERNAL_GEMM_LOOPS_INL_H_
#endif

#include <algorithm>
#include <cstdint>

#include <hwy/highway.h>

#include <entasis/backends/cpu/internal/scratch.h>
#include <entasis/kernels/cpu/internal/gemm.h>
#include <entasis/kernels/cpu/internal/gemm_plan.h>
// Per-target headers.
#include <entasis/kernels/cpu/internal/gemm_tile-inl.h>
#include <entasis/kernels/cpu/internal/transpose-inl.h>

HWY_BEFORE_NAMESPACE();
namespace entasis::cpu::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

template <class T>
inline constexpr int64_t kDepth = 2048 / sizeof(T);  // k per block: 512 floats

template <class T>
inline constexpr int64_t kColumnsPerBlock = 1920 / sizeof(T);  // 480 floats: with kDepth, 0.94 MB

// Whether to copy the block of B into panels. It pays when several row tiles use it and its rows
// lie so far apart that each costs a TLB entry, or it is too large to stay in cache by itself.
template <class T>
bool should_pack_b(const Gemm<T>& g, int64_t rows, int64_t columns) {
  if (g.b_column_stride != 1) return true;
  return rows > 4 * kTileRows && (g.b_row_stride > static_cast<int64_t>(1024 / sizeof(T)) ||
                                  g.k * columns > static_cast<int64_t>(512 * 1024 / sizeof(T)));
}

// The most rows and vectors of a tile for a part of C: the shape that takes fewer tiles.
struct TileShape {
  int64_t rows, vectors;
};
inline TileShape choose_tile(int64_t rows, int64_t vectors) {
  const TileShape narrow{kTileRows, max_tile_vectors(static_cast<int>(std::min<int64_t>(rows, 3)))};
  if (kWideTileRows == 0 || rows < 3) return narrow;
  const auto tiles = [=](int64_t tile_rows, int64_t tile_vectors) {
    return ((rows + tile_rows - 1) / tile_rows) * ((vectors + tile_vectors - 1) / tile_vectors);
  };
  if (tiles(kTileRows, kTileVectors) <= tiles(kWideTileRows, kWideTileVectors)) return narrow;
  return {kWideTileRows, kWideTileVectors};
}

// Of an A whose columns are contiguous, the rows of some tiles are copied at once: whole cache
// lines, and each page is visited once.
inline constexpr int64_t kMostTilesTogether = 16;
template <class T>
int64_t tiles_together(int64_t tile_rows, int64_t depth) {
  constexpr int64_t kElements = 64 * 1024 / sizeof(T);
  return std::clamp<int64_t>(kElements / (tile_rows * depth), 4, kMostTilesTogether);
}

// What a copy moves of a tile's rows, in vectors of this kind; the next step's copy overwrites what
// is too much.
template <class T>
using CopiedTag = hn::CappedTag<T, 8>;
template <class T>
inline constexpr int64_t kCopiedLanes = static_cast<int64_t>(hn::MaxLanes(CopiedTag<T>()));
template <class T>
inline constexpr int64_t kCopiedRows =
    (kTileRows + kCopiedLanes<T> - 1) / kCopiedLanes<T> * kCopiedLanes<T>;

// Copies the rows of `count` tiles from tile `first` on: to each tile's own place, a step's rows
// after another.
template <class T>
void copy_columns(const Gemm<T>& g, int64_t k0, int64_t k_count, int64_t row_begin,
                  const EqualCuts& tiles, int64_t first, int64_t count, T* to) {
  const CopiedTag<T> d;
  constexpr int64_t kStepsAhead = 8;
  constexpr int64_t kLine = 64 / sizeof(T);
  int64_t row[kMostTilesTogether + 1];
  for (int64_t t = 0; t <= count; ++t) row[t] = row_begin + tiles.begin(first + t);
  // Where whole vectors would reach behind the matrix, single elements are copied.
  const bool whole = row[count - 1] + kCopiedRows<T> <= g.m;
  for (int64_t k = 0; k < k_count; ++k) {
    const T* const from = g.a + (k0 + k) * g.a_column_stride;
    for (int64_t i = row[0]; i < row[count]; i += kLine) {
      hwy::Prefetch(from + kStepsAhead * g.a_column_stride + i);
    }
    T* tile = to;
    for (int64_t t = 0; t < count; ++t) {
      const int64_t height = row[t + 1] - row[t];
      T* const step = tile + k * height;
      if (whole) {
#pragma GCC unroll 4
        for (int64_t i = 0; i < kCopiedRows<T>; i += kCopiedLanes<T>) {
          hn::StoreU(hn::LoadU(d, from + row[t] + i), d, step + i);
        }
      } else {
        std::copy_n(from + row[t], height, step);
      }
      tile += height * k_count + kCopiedRows<T>;
    }
  }
}

template <class T>
const auto& tile_functions(bool packing, bool together) {
  if (together) {
    return packing ? kTiles<T, RowsOfB::kStridedPacking, ColumnsOfA::kTogether>
                   : kTiles<T, RowsOfB::kStrided, ColumnsOfA::kTogether>;
  }
  return packing ? kTiles<T, RowsOfB::kStridedPacking> : kTiles<T, RowsOfB::kStrided>;
}

// The part of C given by `part`, one tile after another; k > 0. Ignores g.batch.
template <class T>
void multiply_tiles(const Gemm<T>& g, const GemmPart& part) {
  constexpr int64_t kN = kLanes<T>;
  const int64_t rows = part.row_end - part.row_begin;
  const int64_t columns = part.column_end - part.column_begin;
  if (rows == 0 || columns == 0) return;

  const EqualCuts depths((g.k + 3) / 4, kDepth<T> / 4);                       // multiples of four
  const EqualCuts blocks((columns + kN - 1) / kN, kColumnsPerBlock<T> / kN);  // in vectors
  const int64_t depth = std::min(g.k, (depths.extent + depths.pieces - 1) / depths.pieces * 4);
  const int64_t block_vectors = (blocks.extent + blocks.pieces - 1) / blocks.pieces;
  const TileShape shape = choose_tile(rows, block_vectors);
  const EqualCuts tiles(rows, shape.rows);
  const int64_t panel_vectors = shape.vectors;
  const bool together = g.a_column_stride != 1 && g.a_row_stride == 1;
  const int64_t together_count = tiles_together<T>(shape.rows, depth);
  // An A that L2 holds, with some of its columns on a page, is read where it lies.
  const int64_t a_column_bytes = g.a_column_stride * static_cast<int64_t>(sizeof(T));
  const bool pack_a = g.a_column_stride != 1 && !together;
  const bool pack_b = should_pack_b(g, rows, columns);
  const bool pack_while_multiplying = pack_b && g.b_column_stride == 1;
  const bool pack_edge = !pack_b && columns % kN != 0;  // whole vectors of B are read
  const int64_t packed_vectors = pack_b ? block_vectors : pack_edge ? panel_vectors : 0;
  const bool copy_a = together && (a_column_bytes > 1024 || depth * a_column_bytes > 256 * 1024);
  const int64_t a_packed_stride = depth + 64 / static_cast<int64_t>(sizeof(T));  // no aliasing

  const Scratch b_scratch(static_cast<size_t>(depth * packed_vectors * kN) * sizeof(T));
  const int64_t a_packed = pack_a   ? kTileRows * a_packed_stride
                           : copy_a ? together_count * (shape.rows * depth + kCopiedRows<T>)
                                    : 0;
  const Scratch a_scratch(static_cast<size_t>(a_packed) * sizeof(T));
  T* const b_packed = b_scratch.as<T>();
  T* const a_copy = a_scratch.as<T>();

  for (int64_t depth_index = 0; depth_index < depths.pieces; ++depth_index) {
    const int64_t k0 = std::min(g.k, depths.begin(depth_index) * 4);
    const int64_t k_count = std::min(g.k, depths.begin(depth_index + 1) * 4) - k0;
    const bool last_depth = depth_index + 1 == depths.pieces;

    for (int64_t block = 0; block < blocks.pieces; ++block) {
      const int64_t block_begin = blocks.begin(block);  // in vectors, from the part's first column
      const EqualCuts panels(blocks.begin(block + 1) - block_begin, panel_vectors);
      const T* const b_block =
          g.b + k0 * g.b_row_stride + (part.column_begin + block_begin * kN) * g.b_column_stride;
      const int64_t block_columns =
          std::min(blocks.begin(block + 1) * kN, columns) - block_begin * kN;

      // Copies the panel's columns, the missing ones of the last vector as zeros.
      const auto pack_panel = [&](int64_t first_vector, int64_t vectors, T* to) {
        const int64_t width = vectors * kN;
        const int64_t present = std::min(width, block_columns - first_vector * kN);
        if (present < width) {
          for (int64_t k = 0; k < k_count; ++k) {
            std::fill_n(to + k * width + present, width - present, T{0});
          }
        }
        copy_matrix(k_count, present, b_block + first_vector * kN * g.b_column_stride,
                    g.b_row_stride, g.b_column_stride, to, width);
      };

      for (int64_t t = 0; t < tiles.pieces; ++t) {
        const int64_t row = part.row_begin + tiles.begin(t);
        const int height = static_cast<int>(tiles.begin(t + 1) - tiles.begin(t));
        const T* a = g.a + row * g.a_row_stride + k0 * g.a_column_stride;

        Tile<T> tile;
        tile.k = k_count;
        tile.a_stride = g.a_row_stride;
        if (pack_a) {
          copy_matrix(height, k_count, a, g.a_row_stride, g.a_column_stride, a_copy,
                      a_packed_stride);
          a = a_copy;
          tile.a_stride = a_packed_stride;
        } else if (copy_a) {
          const int64_t first = t / together_count * together_count;
          if (t == first) {
            copy_columns(g, k0, k_count, part.row_begin, tiles, t,
                         std::min(together_count, tiles.pieces - t), a_copy);
          }
          a = a_copy + (tiles.begin(t) - tiles.begin(first)) * k_count +
              (t - first) * kCopiedRows<T>;
          tile.a_stride = height;
        } else if (together) {
          tile.a_stride = g.a_column_stride;
        }
        tile.a = &a;
        tile.c_row_stride = g.c_row_stride;
        tile.accumulate = g.accumulate || depth_index > 0;
        tile.row_bias = last_depth && g.row_bias != nullptr ? g.row_bias + row : nullptr;

        for (int64_t p = 0; p < panels.pieces; ++p) {
          const int64_t first_vector = panels.begin(p);
          const int64_t vectors = panels.begin(p + 1) - first_vector;
          const int64_t first_column = first_vector * kN;  // within the block
          const int64_t column = part.column_begin + block_begin * kN + first_column;
          tile.columns = std::min(vectors * kN, block_columns - first_column);
          const bool is_edge = tile.columns < vectors * kN;
          tile.c = g.c + row * g.c_row_stride + column;
          tile.column_bias =
              last_depth && g.column_bias != nullptr ? g.column_bias + column : nullptr;
          // The rows of the next tile come into L1 while this one's first panel is multiplied.
          tile.next_a = p == 0 && !pack_a && !together && t + 1 < tiles.pieces
                            ? a + height * g.a_row_stride
                            : nullptr;

          T* const packed = pack_b ? b_packed + first_column * k_count : b_packed;
          bool packing = false;
          if (pack_b || (pack_edge && is_edge)) {
            if (t == 0 && pack_while_multiplying && !is_edge) {
              packing = true;
            } else if (t == 0) {
              pack_panel(first_vector, vectors, packed);
            }
          }
          if (packing || (!pack_b && !(pack_edge && is_edge))) {
            tile.b = b_block + first_column;
            tile.b_row_stride = g.b_row_stride;
            tile.packed = packed;
          } else {
            tile.b = packed;
            tile.b_row_stride = vectors * kN;
          }
          const auto& functions = tile_functions<T>(packing, together);
          functions[static_cast<size_t>(height - 1)][static_cast<size_t>(vectors - 1)](tile);
        }
      }
    }
  }
}

// `g` is the transposed product, C^T = B^T A^T, but g.c and g.c_row_stride are those of C: element
// (i, j) of the product belongs at g.c[j * g.c_row_stride + i]. A stretch of rows at a time is
// computed into scratch and transposed out.
template <class T>
void multiply_tiles_transposed(const Gemm<T>& g, const GemmPart& part) {
  constexpr int64_t kElements = 64 * 1024 / sizeof(T);
  const int64_t columns = part.column_end - part.column_begin;
  const int64_t rows = part.row_end - part.row_begin;
  if (rows == 0 || columns == 0) return;
  constexpr int64_t kN = kLanes<T>;
  const int64_t stride = (columns + kN - 1) / kN * kN;
  const EqualCuts stretches(
      rows, std::max<int64_t>(kElements / stride, 4 * kTileRows) / kTileRows * kTileRows);
  const int64_t most_rows = (rows + stretches.pieces - 1) / stretches.pieces;
  const Scratch scratch(static_cast<size_t>(most_rows * stride) * sizeof(T));
  T* const block = scratch.as<T>();

  Gemm<T> piece = g;
  piece.b += part.column_begin * g.b_column_stride;
  if (g.column_bias != nullptr) piece.column_bias += part.column_begin;
  piece.c = block;
  piece.c_row_stride = stride;
  for (int64_t s = 0; s < stretches.pieces; ++s) {
    const int64_t row = part.row_begin + stretches.begin(s);
    const int64_t count = stretches.begin(s + 1) - stretches.begin(s);
    T* const c = g.c + part.column_begin * g.c_row_stride + row;
    piece.a = g.a + row * g.a_row_stride;
    if (g.row_bias != nullptr) piece.row_bias = g.row_bias + row;
    if (g.accumulate) transpose(count, columns, c, g.c_row_stride, block, stride);
    multiply_tiles(piece, {0, count, 0, columns});
    transpose(columns, count, block, stride, c, g.c_row_stride);
  }
}

// Sums over 128 bytes' worth of lanes at a time, whatever the target's vectors: so the order of
// additions is the same on all targets.
inline constexpr int kDotVectors = 128 / HWY_MAX_BYTES;
inline constexpr int kDotLines = std::max(1, 8 / kDotVectors);  // at once: eight sums under way

// The sum of all lanes, halves added to halves.
template <class D>
HWY_INLINE hn::TFromD<D> fold(D d, hn::Vec<D> v) {
  using T = hn::TFromD<D>;
  if constexpr (hn::MaxLanes(D()) * sizeof(T) > 16) {
    const hn::Half<D> half;
    return fold(half, hn::Add(hn::LowerHalf(half, v), hn::UpperHalf(half, v)));
  } else {
    alignas(16) T lanes[16 / sizeof(T)];
    hn::Store(v, d, lanes);
    if constexpr (sizeof(T) == 4) return (lanes[0] + lanes[2]) + (lanes[1] + lanes[3]);
    return lanes[0] + lanes[1];
  }
}

// out[i] = sum over k of lines[i * line_stride + k] * x[k] for L lines. Each line is read once, as
// a stream; L of them at a time hide the latency of memory and of the multiply-adds.
template <int L, class T>
void dot_lines(const T* lines, int64_t line_stride, const T* x, int64_t k, T* out) {
  const hn::ScalableTag<T> d;
  constexpr int64_t kN = kLanes<T>;
  hn::Vec<decltype(d)> sum[L][kDotVectors];
#pragma GCC unroll 16
  for (int i = 0; i < L; ++i) {
#pragma GCC unroll 16
    for (int j = 0; j < kDotVectors; ++j) sum[i][j] = hn::Zero(d);
  }

  int64_t at = 0;
  for (; at + kDotVectors * kN <= k; at += kDotVectors * kN) {
#pragma GCC unroll 16
    for (int j = 0; j < kDotVectors; ++j) {
      const auto factor = hn::LoadU(d, x + at + j * kN);
#pragma GCC unroll 16
      for (int i = 0; i < L; ++i) {
        sum[i][j] =
            hn::MulAdd(factor, hn::LoadU(d, lines + i * line_stride + at + j * kN), sum[i][j]);
      }
    }
  }
  // The rest as if padded with zeros.
  for (int j = 0; at < k; at += kN, ++j) {
    const size_t count = static_cast<size_t>(std::min(kN, k - at));
    const auto factor = load_first(d, count, x + at);
    for (int i = 0; i < L; ++i) {
      sum[i][j] = hn::MulAdd(factor, load_first(d, count, lines + i * line_stride + at), sum[i][j]);
    }
  }

  for (int i = 0; i < L; ++i) {
#pragma GCC unroll 16
    for (int width = kDotVectors / 2; width >= 1; width /= 2) {
#pragma GCC unroll 16
      for (int j = 0; j < width; ++j) sum[i][j] = hn::Add(sum[i][j], sum[i][j + width]);
    }
    out[i] = fold(d, sum[i][0]);
  }
}

// A product whose result has at most kThin columns, by dot products of A's rows (which must be
// contiguous) with B's columns; or, with `transposed`, at most kThin rows, by dot products of B's
// columns with A's rows.
template <class T>
void multiply_dots(const Gemm<T>& g, const GemmPart& part, bool transposed) {
  const T* lines = transposed ? g.b : g.a;
  const int64_t line_stride = transposed ? g.b_column_stride : g.a_row_stride;
  const int64_t begin = transposed ? part.column_begin : part.row_begin;
  const int64_t end = transposed ? part.column_end : part.row_end;
  const int64_t vectors = transposed ? g.m : g.n;
  const T* x = transposed ? g.a : g.b;
  int64_t x_stride = transposed ? g.a_row_stride : g.b_column_stride;
  const int64_t x_step = transposed ? g.a_column_stride : g.b_row_stride;
  const int64_t c_line_stride = transposed ? 1 : g.c_row_stride;
  const int64_t c_vector_stride = transposed ? g.c_row_stride : 1;
  const T* line_bias = transposed ? g.column_bias : g.row_bias;
  const T* vector_bias = transposed ? g.row_bias : g.column_bias;

  const Scratch scratch(x_step == 1 ? 0 : static_cast<size_t>(vectors * g.k) * sizeof(T));
  if (x_step != 1) {
    copy_matrix(vectors, g.k, x, x_stride, x_step, scratch.as<T>(), g.k);
    x = scratch.as<T>();
    x_stride = g.k;
  }
  for (int64_t i = begin; i < end; i += kDotLines) {
    const int count = static_cast<int>(std::min<int64_t>(kDotLines, end - i));
    for (int64_t v = 0; v < vectors; ++v) {
      T dots[kDotLines];
      if (count == kDotLines) {
        dot_lines<kDotLines>(lines + i * line_stride, line_stride, x + v * x_stride, g.k, dots);
      } else {
        for (int l = 0; l < count; ++l) {
          dot_lines<1>(lines + (i + l) * line_stride, line_stride, x + v * x_stride, g.k, dots + l);
        }
      }
      for (int l = 0; l < count; ++l) {
        T& c = g.c[(i + l) * c_line_stride + v * c_vector_stride];
        T value = g.accumulate ? c + dots[l] : dots[l];
        if (line_bias != nullptr) value += line_bias[i + l];
        if (vector_bias != nullptr) value += vector_bias[v];
        c = value;
      }
    }
  }
}

}  // namespace entasis::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // include guard
