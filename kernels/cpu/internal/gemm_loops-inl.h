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
#include <type_traits>

#include <hwy/highway.h>

#include <entasis/backends/cpu/internal/scratch.h>
#include <entasis/kernels/cpu/internal/convert_half.h>
#include <entasis/kernels/cpu/internal/gemm.h>
#include <entasis/kernels/cpu/internal/gemm_plan.h>
// Per-target headers.
#include <entasis/kernels/cpu/internal/convert_half-inl.h>
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
template <class T, class In>
bool should_pack_b(const Gemm<T, In>& g, int64_t rows, int64_t columns) {
  if (g.b_column_stride != 1 || !std::is_same_v<T, In>) return true;
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

// Depths up to which a step's rows of all tiles stay together: few enough lines for L1.
inline constexpr int64_t kShortDepth = 128;

// Half types to float: to[r * to_stride + c] = from[r * row_stride + c * column_stride].
template <class T, class In>
void widen_matrix(int64_t rows, int64_t columns, const In* from, int64_t row_stride,
                  int64_t column_stride, T* to, int64_t to_stride) {
  if (column_stride == 1) {
    for (int64_t r = 0; r < rows; ++r) {
      convert_adjacent(to + r * to_stride, from + r * row_stride, columns);
    }
  } else if (row_stride == 1) {
    // Pieces of columns are converted as they lie, and turned.
    constexpr int64_t kLines = 48, kPiece = 64, kStride = kPiece + 8;
    alignas(64) T piece[kLines * kStride];
    for (int64_t c = 0; c < columns; c += kLines) {
      const int64_t lines = std::min(kLines, columns - c);
      for (int64_t r = 0; r < rows; r += kPiece) {
        const int64_t count = std::min(kPiece, rows - r);
        for (int64_t i = 0; i < lines; ++i) {
          convert_adjacent(piece + i * kStride, from + r + (c + i) * column_stride, count);
        }
        transpose(count, lines, piece, kStride, to + r * to_stride + c, to_stride);
      }
    }
  } else {
    for (int64_t r = 0; r < rows; ++r) {
      for (int64_t c = 0; c < columns; ++c) {
        to[r * to_stride + c] = T(from[r * row_stride + c * column_stride]);
      }
    }
  }
}

// The same for both kinds of operands.
template <class T, class In>
void load_matrix(int64_t rows, int64_t columns, const In* from, int64_t row_stride,
                 int64_t column_stride, T* to, int64_t to_stride) {
  if constexpr (std::is_same_v<T, In>) {
    copy_matrix(rows, columns, from, row_stride, column_stride, to, to_stride);
  } else {
    widen_matrix(rows, columns, from, row_stride, column_stride, to, to_stride);
  }
}

// For short depths: step k goes to to[k * stride], whole rows of all tiles.
template <class T, class In>
void copy_columns_together(const In* from, int64_t from_stride, int64_t k_count, int64_t rows,
                           T* to, int64_t stride) {
  constexpr int64_t kStepsAhead = 8;
  constexpr int64_t kLine = 64 / sizeof(In);
  for (int64_t k = 0; k < k_count; ++k) {
    for (int64_t i = 0; i < rows; i += kLine) {
      hwy::Prefetch(from + (k + kStepsAhead) * from_stride + i);
    }
    load_matrix(1, rows, from + k * from_stride, 0, 1, to + k * stride, 0);
  }
}

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

// Copies `present` columns of B from `column` on into a panel of `width`, the missing ones of the
// last vector as zeros.
template <class T, class In>
void pack_panel(const Gemm<T, In>& g, int64_t k0, int64_t k_count, int64_t column, int64_t present,
                int64_t width, T* to) {
  if (present < width) {
    for (int64_t k = 0; k < k_count; ++k) {
      std::fill_n(to + k * width + present, width - present, T{0});
    }
  }
  load_matrix(k_count, present, g.b + k0 * g.b_row_stride + column * g.b_column_stride,
              g.b_row_stride, g.b_column_stride, to, width);
}

// A whole B in panels: for each stretch of k, its panels of kTileVectors vectors one after another,
// the last one narrower. `column` begins a panel.
template <class T>
int64_t packed_offset(int64_t n, int64_t k0, int64_t k_count, int64_t column) {
  return k0 * ((n + kLanes<T> - 1) / kLanes<T> * kLanes<T>)+column * k_count;
}

// Packs panels [begin, end) of all of B.
template <class T, class In>
void pack_panels(const Gemm<T, In>& g, int64_t begin, int64_t end, T* to) {
  constexpr int64_t kWidth = kTileVectors * kLanes<T>;
  const EqualCuts depths((g.k + 3) / 4, kDepth<T> / 4);
  for (int64_t d = 0; d < depths.pieces; ++d) {
    const int64_t k0 = std::min(g.k, depths.begin(d) * 4);
    const int64_t k_count = std::min(g.k, depths.begin(d + 1) * 4) - k0;
    for (int64_t p = begin; p < end; ++p) {
      const int64_t column = p * kWidth;
      const int64_t present = std::min(kWidth, g.n - column);
      const int64_t width = (present + kLanes<T> - 1) / kLanes<T> * kLanes<T>;
      pack_panel(g, k0, k_count, column, present, width,
                 to + packed_offset<T>(g.n, k0, k_count, column));
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

// The part of C given by `part`, one tile after another; k > 0. Ignores g.batch. Between runs the
// operands may move, but not change their shape.
template <class T, class In>
class TileLoops {
 public:
  TileLoops(const Gemm<T, In>& g, const GemmPart& part)
      : g_(g),
        part_(part),
        columns_(part.column_end - part.column_begin),
        depths_((g.k + 3) / 4, kDepth<T> / 4),
        depth_(std::min(g.k, (depths_.extent + depths_.pieces - 1) / depths_.pieces * 4)),
        unit_(g.packed_b != nullptr ? kTileVectors : 1),
        blocks_((columns_ + unit_ * kN - 1) / (unit_ * kN), kColumnsPerBlock<T> / (unit_ * kN)),
        block_vectors_((blocks_.extent + blocks_.pieces - 1) / blocks_.pieces * unit_),
        shape_(choose_tile(rows(), block_vectors_)),
        tiles_(rows(), shape_.rows),
        a_together_(g.a_column_stride != 1 && g.a_row_stride == 1),
        a_group_(tiles_together<T>(shape_.rows, depth_)),
        a_form_(form_of_a()),
        b_form_(form_of_b()),
        a_copy_(static_cast<size_t>(a_elements()) * sizeof(T)),
        b_copy_(static_cast<size_t>(b_elements()) * sizeof(T)) {}

  void run() {
    for (int64_t d = 0; d < depths_.pieces; ++d) {
      k0_ = std::min(g_.k, depths_.begin(d) * 4);
      k_count_ = std::min(g_.k, depths_.begin(d + 1) * 4) - k0_;
      first_depth_ = d == 0;
      last_depth_ = d + 1 == depths_.pieces;
      for (int64_t block = 0; block < blocks_.pieces; ++block) {
        block_begin_ = blocks_.begin(block) * unit_ * kN;
        block_columns_ = std::min(blocks_.begin(block + 1) * unit_ * kN, columns_) - block_begin_;
        begin_block();
        for (int64_t t = 0; t < tiles_.pieces; ++t) multiply_row_of_tiles(t);
      }
    }
  }

 private:
  static constexpr int64_t kN = kLanes<T>;
  static constexpr bool kSame = std::is_same_v<T, In>;

  enum class FormOfA {
    kInPlace,  // rows or columns are contiguous and read where they lie
    kColumns,  // columns are contiguous, and copied for a group of tiles
    kCopied,   // copied, row after row
  };
  enum class FormOfB {
    kInPlace,      // a last panel that is narrower than its vectors is copied
    kPacked,       // by the first row of tiles
    kPackedBefore  // given so
  };

  int64_t rows() const { return part_.row_end - part_.row_begin; }

  FormOfA form_of_a() const {
    if (a_together_ && !kSame) return FormOfA::kColumns;
    if (!kSame) return FormOfA::kCopied;
    if (g_.a_column_stride == 1) return FormOfA::kInPlace;
    if (!a_together_) return FormOfA::kCopied;
    // What L2 holds, with some columns on a page, needs no copy.
    const int64_t column_bytes = g_.a_column_stride * static_cast<int64_t>(sizeof(T));
    const bool near = column_bytes <= 1024 && depth_ * column_bytes <= 256 * 1024;
    return near ? FormOfA::kInPlace : FormOfA::kColumns;
  }
  FormOfB form_of_b() const {
    if (g_.packed_b != nullptr) return FormOfB::kPackedBefore;
    return should_pack_b(g_, rows(), columns_) ? FormOfB::kPacked : FormOfB::kInPlace;
  }

  bool keeps_groups_together() const { return depth_ <= kShortDepth || !kSame; }
  // Of the rows of a group: a line more than they take, so that steps do not alias.
  int64_t group_stride() const {
    constexpr int64_t kLine = 64 / sizeof(T);
    return (a_group_ * shape_.rows + 2 * kLine - 1) / kLine * kLine;
  }
  int64_t copied_row_stride() const { return depth_ + 64 / static_cast<int64_t>(sizeof(T)); }
  int64_t a_elements() const {
    if (a_form_ == FormOfA::kCopied) return kTileRows * copied_row_stride();  // lines do not alias
    if (a_form_ != FormOfA::kColumns) return 0;
    if (keeps_groups_together()) return group_stride() * depth_;
    return a_group_ * (shape_.rows * depth_ + kCopiedRows<T>);
  }
  int64_t b_elements() const {
    if (b_form_ == FormOfB::kPacked) return depth_ * block_vectors_ * kN;
    const bool has_edge = b_form_ == FormOfB::kInPlace && columns_ % kN != 0;
    return has_edge ? depth_ * shape_.vectors * kN : 0;
  }

  // What stays the same for all tiles of a block.
  void begin_block() {
    tile_ = {};
    tile_.a = &a_row_;
    tile_.k = k_count_;
    tile_.c_row_stride = g_.c_row_stride;
    tile_.accumulate = g_.accumulate || !first_depth_;
    const int64_t vectors = (block_columns_ + kN - 1) / kN;
    panels_ = EqualCuts(vectors, shape_.vectors);
    if (g_.packed_b != nullptr) panels_.pieces = (vectors + unit_ - 1) / unit_;
  }
  // The first vector of panel p, from the block's first column.
  int64_t panel_begin(int64_t p) const {
    return g_.packed_b != nullptr ? std::min(p * unit_, panels_.extent) : panels_.begin(p);
  }

  void multiply_row_of_tiles(int64_t t) {
    const int64_t begin = tiles_.begin(t), height = tiles_.begin(t + 1) - begin;
    const int64_t row = part_.row_begin + begin;
    a_row_ = place_a(t, row, height, tile_);
    if (last_depth_ && g_.row_bias != nullptr) tile_.row_bias = g_.row_bias + row;
    // The rows of the next tile come into L1 while this one's first panel is multiplied.
    const bool has_next = kSame && g_.a_column_stride == 1 && t + 1 < tiles_.pieces;
    tile_.next_a = has_next ? a_row_ + height * g_.a_row_stride : nullptr;

    const int64_t block_column = part_.column_begin + block_begin_;
    T* const c = g_.c + row * g_.c_row_stride + block_column;
    int64_t vector = 0;
    for (int64_t p = 0; p < panels_.pieces; ++p) {
      const int64_t next = panel_begin(p + 1), width = next - vector, first = vector * kN;
      vector = next;
      const int64_t column = block_column + first;
      tile_.columns = std::min(width * kN, block_columns_ - first);
      tile_.c = c + first;
      if (last_depth_ && g_.column_bias != nullptr) tile_.column_bias = g_.column_bias + column;
      const bool packing = place_b(t, first, column, width * kN, tile_);
      const auto& tiles = tile_functions<T>(packing, a_together_);
      tiles[static_cast<size_t>(height - 1)][static_cast<size_t>(width - 1)](tile_);
      tile_.next_a = nullptr;
    }
    if (last_depth_ && g_.finish.run != nullptr) {
      finish_part(g_, {row, row + height, block_column, block_column + block_columns_});
    }
  }

  // Says where tile t finds its rows of A, which are copied if need be.
  const T* place_a(int64_t t, int64_t row, int64_t height, Tile<T>& tile) {
    const In* const a = g_.a + row * g_.a_row_stride + k0_ * g_.a_column_stride;
    T* const copy = a_copy_.as<T>();
    switch (a_form_) {
      case FormOfA::kInPlace:
        tile.a_stride = a_together_ ? g_.a_column_stride : g_.a_row_stride;
        if constexpr (kSame) return a;
        break;
      case FormOfA::kCopied:
        load_matrix(height, k_count_, a, g_.a_row_stride, g_.a_column_stride, copy,
                    copied_row_stride());
        tile.a_stride = copied_row_stride();
        return copy;
      case FormOfA::kColumns:
        break;
    }
    const int64_t first = t / a_group_ * a_group_;
    if (keeps_groups_together()) {
      const int64_t row_in_group = tiles_.begin(t) - tiles_.begin(first);
      tile.a_stride = group_stride();
      if (t == first) {
        const int64_t end = tiles_.begin(std::min(first + a_group_, tiles_.pieces));
        copy_columns_together(a, g_.a_column_stride, k_count_, end - tiles_.begin(first), copy,
                              group_stride());
      }
      return copy + row_in_group;
    }
    if constexpr (kSame) {
      if (t == first) {
        copy_columns(g_, k0_, k_count_, part_.row_begin, tiles_, t,
                     std::min(a_group_, tiles_.pieces - t), copy);
      }
    }
    tile.a_stride = height;
    return copy + (tiles_.begin(t) - tiles_.begin(first)) * k_count_ + (t - first) * kCopiedRows<T>;
  }

  // Says where row t of tiles finds a panel of B, `width` columns from `first` of the block, which
  // is `column` of B. Returns whether the tile packs it.
  bool place_b(int64_t t, int64_t first, int64_t column, int64_t width, Tile<T>& tile) {
    const bool is_edge = tile.columns < width;
    tile.b_row_stride = width;
    if (b_form_ == FormOfB::kPackedBefore) {
      tile.b = g_.packed_b + packed_offset<T>(g_.n, k0_, k_count_, column);
      return false;
    }
    T* const packed = b_copy_.as<T>() + (b_form_ == FormOfB::kPacked ? first * k_count_ : 0);
    if constexpr (kSame) {
      const bool in_place = b_form_ == FormOfB::kInPlace && !is_edge;
      const bool packing =
          t == 0 && b_form_ == FormOfB::kPacked && g_.b_column_stride == 1 && !is_edge;
      if (in_place || packing) {
        tile.b = g_.b + k0_ * g_.b_row_stride + column * g_.b_column_stride;
        tile.b_row_stride = g_.b_row_stride;
        tile.packed = packed;
        return packing;
      }
    }
    if (t == 0) pack_panel(g_, k0_, k_count_, column, tile.columns, width, packed);
    tile.b = packed;
    return false;
  }

  const Gemm<T, In>& g_;
  const GemmPart part_;
  const int64_t columns_;
  const EqualCuts depths_;       // in multiples of four
  const int64_t depth_;          // of the largest
  const int64_t unit_;           // vectors that lie together
  const EqualCuts blocks_;       // in units
  const int64_t block_vectors_;  // of the largest
  const TileShape shape_;
  const EqualCuts tiles_;
  const bool a_together_;
  const int64_t a_group_;
  const FormOfA a_form_;
  const FormOfB b_form_;
  const Scratch a_copy_, b_copy_;

  int64_t k0_ = 0, k_count_ = 0;
  bool first_depth_ = true, last_depth_ = false;
  int64_t block_begin_ = 0, block_columns_ = 0;  // from the part's first column
  EqualCuts panels_{0, 1};                       // of the block's vectors
  Tile<T> tile_;
  const T* a_row_ = nullptr;  // where the tile finds A
};

template <class T, class In>
void multiply_tiles(const Gemm<T, In>& g, const GemmPart& part) {
  if (part.row_begin == part.row_end || part.column_begin == part.column_end) return;
  TileLoops<T, In>(g, part).run();
}

// Products [begin, end) of a batch, each as a whole.
template <class T, class In>
void multiply_items(const Gemm<T, In>& g, int64_t begin, int64_t end) {
  Gemm<T, In> item = g;
  TileLoops<T, In> loops(item, {0, g.m, 0, g.n});  // reads where `item` points when it runs
  for (int64_t i = begin; i < end; ++i) {
    item = g;
    select_item(item, i);
    loops.run();
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
  piece.finish = {};
  for (int64_t s = 0; s < stretches.pieces; ++s) {
    const int64_t row = part.row_begin + stretches.begin(s);
    const int64_t count = stretches.begin(s + 1) - stretches.begin(s);
    T* const c = g.c + part.column_begin * g.c_row_stride + row;
    piece.a = g.a + row * g.a_row_stride;
    if (g.row_bias != nullptr) piece.row_bias = g.row_bias + row;
    if (g.accumulate) transpose(count, columns, c, g.c_row_stride, block, stride);
    multiply_tiles(piece, {0, count, 0, columns});
    transpose(columns, count, block, stride, c, g.c_row_stride);
    finish_part(g, {part.column_begin, part.column_end, row, row + count});
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

// A vector of a line, as T.
template <class D, class T = hn::TFromD<D>>
HWY_INLINE hn::Vec<D> load_line(D d, const T* from) {
  return hn::LoadU(d, from);
}
HWY_INLINE FloatBits load_half_bits(const uint16_t* from) {
  return hn::PromoteTo(Bits(), hn::LoadU(Halves(), from));
}
template <class D>
HWY_INLINE hn::Vec<D> load_line(D d, const Half* from) {
  return hn::BitCast(d, half_to_float(load_half_bits(&from->bits)));
}
template <class D>
HWY_INLINE hn::Vec<D> load_line(D d, const BFloat16* from) {
  return hn::BitCast(d, bfloat_to_float(load_half_bits(&from->bits)));
}
// Its first `count` lanes, the others zero; nothing else is read.
template <class D, class T = hn::TFromD<D>>
HWY_INLINE hn::Vec<D> load_line_first(D d, size_t count, const T* from) {
  return load_first(d, count, from);
}
template <class D, class In>
  requires(sizeof(In) == 2)
HWY_INLINE hn::Vec<D> load_line_first(D d, size_t count, const In* from) {
  alignas(HWY_MAX_BYTES) hn::TFromD<D> lanes[hn::MaxLanes(d)] = {};
  for (size_t i = 0; i < count; ++i) lanes[i] = float(from[i]);
  return hn::Load(d, lanes);
}

// out[i] = sum over k of lines[i * line_stride + k] * x[k] for L lines. Each line is read once, as
// a stream; L of them at a time hide the latency of memory and of the multiply-adds.
template <int L, class T, class In>
void dot_lines(const In* lines, int64_t line_stride, const T* x, int64_t k, T* out) {
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
            hn::MulAdd(factor, load_line(d, lines + i * line_stride + at + j * kN), sum[i][j]);
      }
    }
  }
  // The rest as if padded with zeros.
  for (int j = 0; at < k; at += kN, ++j) {
    const size_t count = static_cast<size_t>(std::min(kN, k - at));
    const auto factor = load_first(d, count, x + at);
    for (int i = 0; i < L; ++i) {
      sum[i][j] =
          hn::MulAdd(factor, load_line_first(d, count, lines + i * line_stride + at), sum[i][j]);
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
template <class T, class In>
void multiply_dots(const Gemm<T, In>& g, const GemmPart& part, bool transposed) {
  constexpr bool kSame = std::is_same_v<T, In>;
  const In* lines = transposed ? g.b : g.a;
  const int64_t line_stride = transposed ? g.b_column_stride : g.a_row_stride;
  const int64_t begin = transposed ? part.column_begin : part.row_begin;
  const int64_t end = transposed ? part.column_end : part.row_end;
  const int64_t vectors = transposed ? g.m : g.n;
  const In* given_x = transposed ? g.a : g.b;
  int64_t x_stride = transposed ? g.a_row_stride : g.b_column_stride;
  const int64_t x_step = transposed ? g.a_column_stride : g.b_row_stride;
  const int64_t c_line_stride = transposed ? 1 : g.c_row_stride;
  const int64_t c_vector_stride = transposed ? g.c_row_stride : 1;
  const T* line_bias = transposed ? g.column_bias : g.row_bias;
  const T* vector_bias = transposed ? g.row_bias : g.column_bias;

  const bool copies_x = !kSame || x_step != 1;
  const Scratch x_copy(copies_x ? static_cast<size_t>(vectors * g.k) * sizeof(T) : 0);
  const T* x = x_copy.as<T>();
  if (copies_x) {
    load_matrix(vectors, g.k, given_x, x_stride, x_step, x_copy.as<T>(), g.k);
    x_stride = g.k;
  } else if constexpr (kSame) {
    x = given_x;
  }
  for (int64_t i = begin; i < end; i += kDotLines) {
    const int count = static_cast<int>(std::min<int64_t>(kDotLines, end - i));
    const In* const some = lines + i * line_stride;
    for (int64_t v = 0; v < vectors; ++v) {
      T dots[kDotLines];
      if (count == kDotLines) {
        dot_lines<kDotLines>(some, line_stride, x + v * x_stride, g.k, dots);
      } else {
        for (int l = 0; l < count; ++l) {
          dot_lines<1>(some + l * line_stride, line_stride, x + v * x_stride, g.k, dots + l);
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
