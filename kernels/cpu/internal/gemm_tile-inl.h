// The register tile behind matrix products and direct convolutions; compiled once for each Highway
// target.
//
// A tile of C, R rows by V vectors, stays in registers while the sum runs: each step loads V
// vectors of one row of B, broadcasts R elements of a column of A and does R*V multiply-adds. With
// 8 x 3 vectors of 512 bits that is 24 multiply-adds (12 cycles on two ports) for 11 loads (5.5
// cycles), and 24 + 3 + 1 of 32 registers; with 16 registers 6 x 2 leaves room for the same. 6 x 4
// is as good, and leaves less over where C is 64 or 128 columns wide.

#if defined(ENTASIS_KERNELS_CPU_INTERNAL_GEMM_TILE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ENTASIS_KERNELS_CPU_INTERNAL_GEMM_TILE_INL_H_
#undef ENTASIS_KERNELS_CPU_INTERNAL_GEMM_TILE_INL_H_
#else
#define ENTASIS_KERNELS_CPU_INTERNAL_GEMM_TILE_INL_H_
#endif

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>

#include <hwy/highway.h>

#include <hwy/cache_control.h>

HWY_BEFORE_NAMESPACE();
namespace entasis::cpu::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

#if HWY_MAX_BYTES == 64 || HWY_ARCH_ARM_A64  // targets with 32 vector registers
inline constexpr int kTileRows = 8;
inline constexpr int kTileVectors = 3;
inline constexpr int kWideTileRows = 6;
inline constexpr int kWideTileVectors = 4;
#else
inline constexpr int kTileRows = 6;
inline constexpr int kTileVectors = 2;
inline constexpr int kWideTileRows = 0;
inline constexpr int kWideTileVectors = 0;
#endif

template <class T>
inline constexpr int kLanes = HWY_MAX_BYTES / sizeof(T);

// The widest tile, in vectors, for a number of rows: one or two rows alone need more vectors to
// keep enough independent sums going.
constexpr int max_tile_vectors(int rows) {
  return rows == 1 ? 4 * kTileVectors : rows == 2 ? 2 * kTileVectors : kTileVectors;
}

// Loads the first `count` lanes, 0 <= count <= Lanes(d); the others are zero. Reads nothing else.
template <class D, class T = hn::TFromD<D>>
HWY_INLINE hn::Vec<D> load_first(D d, size_t count, const T* from) {
#if HWY_ARCH_X86 && HWY_MAX_BYTES >= 32  // masked accesses are native
  return hn::MaskedLoad(hn::FirstN(d, count), d, from);
#else
  alignas(HWY_MAX_BYTES) T lanes[hn::MaxLanes(d)] = {};
  for (size_t i = 0; i < count; ++i) lanes[i] = from[i];
  return hn::Load(d, lanes);
#endif
}

// Stores the first `count` lanes, 0 <= count <= Lanes(d), and writes nothing else.
template <class D, class T = hn::TFromD<D>>
HWY_INLINE void store_first(hn::Vec<D> v, D d, size_t count, T* to) {
#if HWY_ARCH_X86 && HWY_MAX_BYTES >= 32
  hn::BlendedStore(v, hn::FirstN(d, count), d, to);
#else
  alignas(HWY_MAX_BYTES) T lanes[hn::MaxLanes(d)];
  hn::Store(v, d, lanes);
  for (size_t i = 0; i < count; ++i) to[i] = lanes[i];
#endif
}

// Where a tile finds the elements of A that a step multiplies with a row of B.
enum class ColumnsOfA {
  kApart,    // in R rows, each of which has the elements of all steps
  kTogether  // side by side; those of the next step follow at a distance
};

// How a tile finds the next row of B.
enum class RowsOfB {
  kStrided,         // at a constant distance
  kStridedPacking,  // the same, and each row is also stored to `packed`, for the tiles below
  kListed,          // at b + b_rows[step]
};

// What one tile computes: C = sum over k of A B (+ C) (+ biases).
template <class T>
struct Tile {
  // A: the sum runs over `runs` stretches of k steps, one after another. In stretch s, row i holds
  // the k adjacent elements from a[s] + i * a_stride on; or, together, step k has the adjacent
  // elements from a[s] + k * a_stride on.
  const T* const* a = nullptr;
  int64_t runs = 1;
  int64_t k = 0;
  int64_t a_stride = 0;
  const T* next_a = nullptr;  // the rows that the next tile will read, to be prefetched; or null

  // B: whole vectors are read, also in the last columns.
  const T* b = nullptr;
  int64_t b_row_stride = 0;
  const int64_t* b_rows = nullptr;  // kListed: one offset for each of the runs * k steps
  T* packed = nullptr;              // kStridedPacking: rows of V vectors, 64-byte aligned

  T* c = nullptr;
  int64_t c_row_stride = 0;
  int64_t columns = 0;  // of C; all vectors but the last are full
  const T* column_bias = nullptr;
  const T* row_bias = nullptr;
  bool accumulate = false;
};

// Fully unrolled loops over rows and vectors keep the sums in registers.
template <int R, int V, RowsOfB kRowsOfB, ColumnsOfA kColumnsOfA, class T>
HWY_NOINLINE void compute_tile(const Tile<T>& tile) {
  const hn::ScalableTag<T> d;
  using Vec = hn::Vec<decltype(d)>;
  constexpr int kN = kLanes<T>;
  constexpr int64_t kCacheLine = 64 / sizeof(T);

  Vec sum[R][V];
#pragma GCC unroll 16
  for (int i = 0; i < R; ++i) {
#pragma GCC unroll 16
    for (int j = 0; j < V; ++j) sum[i][j] = hn::Zero(d);
  }

  const T* c_ahead = tile.c;  // the next row of C to ask for
  int c_rows_ahead = R;
  const T* b = tile.b;
  const int64_t* b_row = tile.b_rows;
  T* packed = tile.packed;
  const int64_t stride = tile.a_stride, depth = tile.k;
  for (int64_t s = 0; s < tile.runs; ++s) {
    // One pointer serves three rows (+0, +stride, +2*stride): 16 address registers are too few for
    // a pointer each.
    constexpr bool kTogether = kColumnsOfA == ColumnsOfA::kTogether;
    constexpr int kPointers = kTogether ? 1 : (R + 2) / 3;
    const T* a[kPointers];
#pragma GCC unroll 16
    for (int p = 0; p < kPointers; ++p) a[p] = tile.a[s] + 3 * p * stride;

    const auto step = [&]() HWY_ATTR __attribute__((always_inline)) {
      const T* const row = kRowsOfB == RowsOfB::kListed ? b + *b_row++ : b;
      Vec b_vectors[V];
#pragma GCC unroll 16
      for (int j = 0; j < V; ++j) b_vectors[j] = hn::LoadU(d, row + j * kN);
      if constexpr (kRowsOfB == RowsOfB::kStridedPacking) {
        constexpr int64_t kRowsAhead = 8;
#pragma GCC unroll 16
        for (int j = 0; j < V; ++j) {
          hn::Store(b_vectors[j], d, packed + j * kN);
          hwy::Prefetch(row + kRowsAhead * tile.b_row_stride + j * kN);
        }
        packed += V * kN;
      }

#pragma GCC unroll 16
      for (int i = 0; i < R; ++i) {
        const Vec factor = hn::Set(d, kTogether ? a[0][i] : a[i / 3][(i % 3) * stride]);
#pragma GCC unroll 16
        for (int j = 0; j < V; ++j) sum[i][j] = hn::MulAdd(factor, b_vectors[j], sum[i][j]);
      }
#pragma GCC unroll 16
      for (int p = 0; p < kPointers; ++p) a[p] += kTogether ? stride : 1;
      if constexpr (kRowsOfB != RowsOfB::kListed) b += tile.b_row_stride;
    };
    // A cache line of A's rows after another. Steps are unrolled, so that the end of a short sum is
    // predicted; rows of C are asked for between them, since at once they would hold up the first.
    for (int64_t k = 0; k < depth;) {
      if (kRowsOfB != RowsOfB::kListed && tile.next_a != nullptr) {
#pragma GCC unroll 16
        for (int i = 0; i < R; ++i) hwy::Prefetch(tile.next_a + i * stride + k);
      }
      const int64_t end = std::min(depth, k + kCacheLine);
      for (; k + 4 <= end; k += 4) {
        step();
        step();
        step();
        step();
      }
      for (; k < end; ++k) step();
      for (int i = 0; i < 2 && c_rows_ahead > 0; ++i, --c_rows_ahead) {
#pragma GCC unroll 16
        for (int j = 0; j < V; ++j) hwy::Prefetch(c_ahead + j * kN);
        c_ahead += tile.c_row_stride;
      }
    }
  }

  const size_t last = static_cast<size_t>(tile.columns - (V - 1) * kN);
  const auto load = [&](const T* from, int j) HWY_ATTR {
    return j == V - 1 && last != kN ? load_first(d, last, from) : hn::LoadU(d, from);
  };
  T* const c = tile.c;
  const int64_t c_row_stride = tile.c_row_stride;
  if (tile.accumulate) {
#pragma GCC unroll 16
    for (int i = 0; i < R; ++i) {
#pragma GCC unroll 16
      for (int j = 0; j < V; ++j) {
        sum[i][j] = hn::Add(load(c + i * c_row_stride + j * kN, j), sum[i][j]);
      }
    }
  }
  if (tile.column_bias != nullptr) {
#pragma GCC unroll 16
    for (int j = 0; j < V; ++j) {
      const Vec bias = load(tile.column_bias + j * kN, j);
#pragma GCC unroll 16
      for (int i = 0; i < R; ++i) sum[i][j] = hn::Add(sum[i][j], bias);
    }
  }
  if (tile.row_bias != nullptr) {
#pragma GCC unroll 16
    for (int i = 0; i < R; ++i) {
      const Vec bias = hn::Set(d, tile.row_bias[i]);
#pragma GCC unroll 16
      for (int j = 0; j < V; ++j) sum[i][j] = hn::Add(sum[i][j], bias);
    }
  }
#pragma GCC unroll 16
  for (int i = 0; i < R; ++i) {
    T* const to = c + i * c_row_stride;
#pragma GCC unroll 16
    for (int j = 0; j < V - 1; ++j) hn::StoreU(sum[i][j], d, to + j * kN);
  }
  T* const edge = c + (V - 1) * kN;
  if (last == kN) {
#pragma GCC unroll 16
    for (int i = 0; i < R; ++i) hn::StoreU(sum[i][V - 1], d, edge + i * c_row_stride);
  } else {
#pragma GCC unroll 16
    for (int i = 0; i < R; ++i) store_first(sum[i][V - 1], d, last, edge + i * c_row_stride);
  }
}

template <class T>
using TileFunction = void (*)(const Tile<T>&);

// The widths that the loops ask for, by height. Nothing is packed for the sake of one or two rows.
constexpr int widths(int rows, RowsOfB rows_of_b) {
  const int narrow = rows_of_b == RowsOfB::kStridedPacking ? kTileVectors : max_tile_vectors(rows);
  const bool wide = rows_of_b != RowsOfB::kListed && rows <= kWideTileRows;
  return wide ? std::max(narrow, kWideTileVectors) : narrow;
}

// kTiles[R - 1][V - 1]: every height and width, one function each.
template <class T, RowsOfB kRowsOfB, ColumnsOfA kColumnsOfA, int R, int... V>
constexpr auto tiles_of_height(std::integer_sequence<int, V...>) {
  std::array<TileFunction<T>, max_tile_vectors(1)> functions{};
  ((functions[V] = &compute_tile<R, V + 1, kRowsOfB, kColumnsOfA, T>), ...);
  return functions;
}

template <class T, RowsOfB kRowsOfB, ColumnsOfA kColumnsOfA, int... I>
constexpr auto all_tiles(std::integer_sequence<int, I...>) {
  return std::array<std::array<TileFunction<T>, max_tile_vectors(1)>, sizeof...(I)>{
      tiles_of_height<T, kRowsOfB, kColumnsOfA, I + 1>(
          std::make_integer_sequence<int, widths(I + 1, kRowsOfB)>{})...};
}

template <class T, RowsOfB kRowsOfB, ColumnsOfA kColumnsOfA = ColumnsOfA::kApart>
inline constexpr auto kTiles =
    all_tiles<T, kRowsOfB, kColumnsOfA>(std::make_integer_sequence<int, kTileRows>{});

// Cuts `extent` into the fewest pieces of at most `most`, as equal as can be, so that no small
// piece is left over at the end: piece i is [begin(i), begin(i + 1)), the first ones being the
// larger.
struct EqualCuts {
  EqualCuts(int64_t extent, int64_t most)
      : extent(extent),
        pieces((extent + most - 1) / most),
        least(pieces > 0 ? extent / pieces : 0),
        larger(pieces > 0 ? extent % pieces : 0) {}
  int64_t begin(int64_t i) const { return i * least + std::min(i, larger); }

  int64_t extent;
  int64_t pieces;
  int64_t least;   // size of the smaller pieces
  int64_t larger;  // how many have one more
};

}  // namespace entasis::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // include guard
