// Matrix products: choice of the method, cut into parts for the threads, dispatch to the target.
#include <entasis/kernels/cpu/internal/gemm.h>

#include <algorithm>
#include <cstdint>
#include <type_traits>

#include <entasis/backends/cpu/internal/scratch.h>
#include <entasis/backends/cpu/parallel.h>
#include <entasis/kernels/cpu/internal/gemm_plan.h>
#include <entasis/kernels/cpu/internal/simd_targets.h>
#include <entasis/kernels/cpu/internal/target_functions.h>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE <entasis/kernels/cpu/internal/gemm.cpp>
#include <hwy/foreach_target.h>
// After foreach_target.
#include <hwy/highway.h>

#include <entasis/kernels/cpu/internal/gemm_loops-inl.h>

HWY_BEFORE_NAMESPACE();
namespace entasis::cpu::HWY_NAMESPACE {

template <class T, class In = T>
constexpr GemmFunctions<T, In> gemm_functions() {
  return {kTileRows,
          kLanes<T>,
          multiply_tiles<T, In>,
          multiply_items<T, In>,
          std::is_same_v<T, In> ? multiply_tiles_transposed<T> : nullptr,
          multiply_dots<T, In>,
          kTileVectors * kLanes<T>,
          pack_panels<T, In>,
          transpose<T>};
}

const GemmTarget& gemm_target() {
  static constexpr GemmTarget kTarget = {gemm_functions<float>(), gemm_functions<double>(),
                                         gemm_functions<float, Half>(),
                                         gemm_functions<float, BFloat16>()};
  return kTarget;
}

}  // namespace entasis::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace entasis::cpu {
namespace {

HWY_EXPORT(gemm_target);

template <class T, class In>
const GemmFunctions<T, In>& functions() {
  const GemmTarget& target = HWY_DYNAMIC_DISPATCH(gemm_target)();
  if constexpr (std::is_same_v<In, Half>) {
    return target.f16;
  } else if constexpr (std::is_same_v<In, BFloat16>) {
    return target.bf16;
  } else {
    return functions_for<T>(target);
  }
}

constexpr int64_t kThin = 4;             // rows or columns of a product made of dot products
constexpr int64_t kLeastDotLength = 32;  // shorter ones are dearer than a tile
// Multiply-adds under which a second thread costs more than it saves.
constexpr int64_t kSerialWork = 128 * 1024;

int64_t round_up(int64_t value, int64_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

template <class T, class In>
GemmMethod choose_method(const Gemm<T, In>& g, const GemmFunctions<T, In>& target, bool batched) {
  if (g.k >= kLeastDotLength) {
    if (g.n <= kThin && g.a_column_stride == 1) return GemmMethod::kDots;
    if (g.m <= kThin && g.b_row_stride == 1) return GemmMethod::kTransposedDots;
  }
  if (batched || !std::is_same_v<T, In> || (g.b_column_stride == 1 && g.a_row_stride != 1))
    return GemmMethod::kTiles;
  // In vector multiply-adds; moving an element to its transposed place costs about 0.6 of one.
  constexpr double kMove = 0.6;
  const double m = static_cast<double>(g.m), n = static_cast<double>(g.n);
  const double k = static_cast<double>(g.k);
  const double n_vectors = static_cast<double>(round_up(g.n, target.lanes) / target.lanes);
  const double m_vectors = static_cast<double>(round_up(g.m, target.lanes) / target.lanes);
  const double straight = m * n_vectors * k + (g.b_column_stride != 1 ? kMove * n * k : 0);
  const double transposed =
      n * m_vectors * k + (g.a_row_stride != 1 ? kMove * m * k : 0) + kMove * m * n;
  return transposed < 0.95 * straight ? GemmMethod::kTransposedTiles : GemmMethod::kTiles;
}

// A grid of parts, one for each thread: whole tiles high and whole vectors wide. Of all ways to
// divide the threads between rows and columns, the one whose largest part takes least, when a
// multiply-add of a vector counts 1, packing a vector of B 4, of a B that is transposed on the way
// 10, and reading an element of A 1/4.
struct Grid {
  int64_t rows = 1, columns = 1;
};

Grid choose_grid(int64_t m, int64_t n, bool transposes_b, int64_t tile_rows, int64_t lanes,
                 int threads) {
  const int64_t tiles = (m + tile_rows - 1) / tile_rows;
  const int64_t vectors = (n + lanes - 1) / lanes;
  Grid best;
  double least = 0;
  for (int64_t columns = 1; columns <= std::min<int64_t>(threads, vectors); ++columns) {
    const int64_t rows = std::min<int64_t>(threads / columns, tiles);
    const double part_rows = static_cast<double>((tiles + rows - 1) / rows * tile_rows);
    const double part_vectors = static_cast<double>((vectors + columns - 1) / columns);
    const double cost =
        part_rows * part_vectors + (transposes_b ? 10 : 4) * part_vectors + 0.25 * part_rows;
    if (columns == 1 || cost < least) {
      least = cost;
      best = {rows, columns};
    }
  }
  return best;
}

GemmPart part_of(const Grid& grid, int64_t index, int64_t m, int64_t n, int64_t tile_rows,
                 int64_t lanes) {
  const int64_t tiles = (m + tile_rows - 1) / tile_rows;
  const int64_t vectors = (n + lanes - 1) / lanes;
  const int64_t row = index / grid.columns, column = index % grid.columns;
  return {std::min(m, tiles * row / grid.rows * tile_rows),
          std::min(m, tiles * (row + 1) / grid.rows * tile_rows),
          std::min(n, vectors * column / grid.columns * lanes),
          std::min(n, vectors * (column + 1) / grid.columns * lanes)};
}

template <class T, class In>
void run_part(const Gemm<T, In>& g, GemmMethod method, const GemmFunctions<T, In>& target,
              const GemmPart& part) {
  switch (method) {
    case GemmMethod::kTiles:
      return target.tiles(g, part);
    case GemmMethod::kTransposedTiles:
      if constexpr (std::is_same_v<T, In>) target.transposed_tiles(g, part);
      return;
    case GemmMethod::kDots:
    case GemmMethod::kTransposedDots:
      target.dots(g, part, method == GemmMethod::kTransposedDots);
      return finish_part(g, part);
  }
}

template <class T, class In>
int64_t packed_size(const Gemm<T, In>& g, const GemmFunctions<T, In>& target) {
  return g.k * round_up(g.n, target.lanes);
}

// One product on many threads: they pack B together, each panel once, and then take rectangles of
// C. Fewer threads pack what they need each for themselves, without waiting for one another.
constexpr int kMostPrivatePackers = 16;
template <class T, class In>
bool shares_b(const Gemm<T, In>& g, GemmMethod method, const GemmFunctions<T, In>& target,
              int threads) {
  return method == GemmMethod::kTiles && threads > kMostPrivatePackers &&
         g.m > 8 * target.tile_rows && g.m * g.n * g.k >= 64 * kSerialWork;
}
template <class T, class In>
void pack_panels(const Gemm<T, In>& g, const GemmFunctions<T, In>& target, T* to) {
  const int64_t panels = (g.n + target.panel_columns - 1) / target.panel_columns;
  parallel_for(panels, 1,
               [&](int64_t begin, int64_t end) { target.pack_panels(g, begin, end, to); });
}
// One product whose B is packed.
template <class T, class In>
void run_packed(const Gemm<T, In>& g, const GemmFunctions<T, In>& target, int threads) {
  const Grid grid = choose_grid(g.m, g.n, false, target.tile_rows, target.panel_columns, threads);
  parallel_for(grid.rows * grid.columns, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      target.tiles(g, part_of(grid, i, g.m, g.n, target.tile_rows, target.panel_columns));
    }
  });
}
template <class T, class In>
void run_sharing_b(const Gemm<T, In>& g, const GemmFunctions<T, In>& target, int threads) {
  const Scratch scratch(static_cast<size_t>(packed_size(g, target)) * sizeof(T));
  pack_panels(g, target, scratch.as<T>());
  Gemm<T, In> packed = g;
  packed.packed_b = scratch.as<T>();
  run_packed(packed, target, threads);
}

template <class T, class In>
void run_items(const Gemm<T, In>& g, GemmMethod method, const GemmFunctions<T, In>& target,
               int64_t begin, int64_t end) {
  if (method == GemmMethod::kTiles) return target.items(g, begin, end);
  for (int64_t i = begin; i < end; ++i) {
    Gemm<T, In> item = g;
    select_item(item, i);
    run_part(item, method, target, {0, g.m, 0, g.n});
  }
}

// Runs `items` products of one shape, or parts of them, on all threads.
template <class T, class In>
void run(const Gemm<T, In>& g, GemmMethod method, const GemmFunctions<T, In>& target,
         int64_t items) {
  const int64_t work = g.m * g.n * g.k;
  const int threads = work * items < kSerialWork ? 1 : available_threads();
  if (threads == 1) return run_items(g, method, target, 0, items);

  if (items == 1 && shares_b(g, method, target, threads)) {
    return run_sharing_b(g, target, threads);
  }
  // Many items: one each. Few: each is cut into parts for all threads, no part too small.
  Grid grid;
  if (items < 4 * threads) {
    const int64_t parts = std::clamp<int64_t>(2 * work / kSerialWork, 1, threads);
    grid = choose_grid(g.m, g.n, g.b_column_stride != 1, target.tile_rows, target.lanes,
                       static_cast<int>(parts));
  }
  const int64_t parts = grid.rows * grid.columns;
  if (parts == 1) {
    const int64_t grain = std::max<int64_t>(1, kSerialWork / 4 / std::max<int64_t>(1, work));
    return parallel_for(items, grain, [&](int64_t begin, int64_t end) {
      run_items(g, method, target, begin, end);
    });
  }
  parallel_for(items * parts, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      Gemm<T, In> item = g;
      select_item(item, i / parts);
      run_part(item, method, target,
               part_of(grid, i % parts, g.m, g.n, target.tile_rows, target.lanes));
    }
  });
}

// The transposed product, C^T = B^T A^T, from an unbatched one. A^T must have contiguous rows: if A
// has not contiguous columns it is transposed into scratch first.
template <class T>
void run_transposed(const Gemm<T>& g, const GemmFunctions<T>& target) {
  Gemm<T> t = g;
  t.m = g.n;
  t.n = g.m;
  t.a = g.b;
  t.a_row_stride = g.b_column_stride;
  t.a_column_stride = g.b_row_stride;
  t.column_bias = g.row_bias;
  t.row_bias = g.column_bias;
  t.b = g.a;
  t.b_row_stride = g.a_column_stride;
  t.b_column_stride = 1;
  if (g.a_row_stride == 1) return run(t, GemmMethod::kTransposedTiles, target, 1);

  const int64_t stride = round_up(g.m, target.lanes);
  const Scratch scratch(static_cast<size_t>(g.k * stride) * sizeof(T));
  T* const a_transposed = scratch.as<T>();
  constexpr int64_t kElementsPerRange = 16 * 1024;
  const int64_t grain = round_up(std::max<int64_t>(1, kElementsPerRange / stride), 16);
  parallel_for(g.k, grain, [&](int64_t begin, int64_t end) {
    if (g.a_column_stride == 1) {
      target.transpose(end - begin, g.m, g.a + begin, g.a_row_stride, a_transposed + begin * stride,
                       stride);
    } else {
      for (int64_t p = begin; p < end; ++p) {
        for (int64_t i = 0; i < g.m; ++i) {
          a_transposed[p * stride + i] = g.a[i * g.a_row_stride + p * g.a_column_stride];
        }
      }
    }
    for (int64_t p = begin; p < end; ++p) {
      std::fill_n(a_transposed + p * stride + g.m, stride - g.m, T{0});
    }
  });
  t.b = a_transposed;
  t.b_row_stride = stride;
  run(t, GemmMethod::kTransposedTiles, target, 1);
}

// k = 0: sums of nothing. A and B may be null.
template <class T, class In>
void add_biases_only(const Gemm<T, In>& g, int64_t items) {
  for (int64_t index = 0; index < items; ++index) {
    Gemm<T, In> item = g;
    select_item(item, index);
    T* c = item.c;
    for (int64_t i = 0; i < g.m; ++i, c += g.c_row_stride) {
      for (int64_t j = 0; j < g.n; ++j) {
        T value = g.accumulate ? c[j] : T{0};
        if (g.column_bias != nullptr) value += g.column_bias[j];
        if (g.row_bias != nullptr) value += g.row_bias[i];
        c[j] = value;
      }
    }
    finish_part(item, {0, g.m, 0, g.n});
  }
}

template <class T, class In>
void multiply(Gemm<T, In> g) {
  if (g.m == 0 || g.n == 0) return;
  int64_t items = 1;
  for (const GemmBatch& dim : g.batch) items *= dim.size;
  if (items == 0) return;
  if (g.k == 0) return add_biases_only(g, items);

  // A batch of one B and of A's rows that continue each other is one tall product.
  while (!g.batch.empty() && g.row_bias == nullptr) {
    const GemmBatch& dim = g.batch.back();
    if (dim.size > 1) {
      if (dim.b_stride != 0) break;
      if (g.m > 1 &&
          (dim.a_stride != g.m * g.a_row_stride || dim.c_stride != g.m * g.c_row_stride)) {
        break;
      }
      if (g.m == 1) {
        g.a_row_stride = dim.a_stride;
        g.c_row_stride = dim.c_stride;
      }
      g.m *= dim.size;
      items /= dim.size;
    }
    g.batch = g.batch.first(g.batch.size() - 1);
  }

  // The stride of a dimension of one element is free: take what the fast paths look for.
  if (g.k == 1) g.a_column_stride = g.b_row_stride = 1;
  if (g.n == 1) g.b_column_stride = 1;
  const GemmFunctions<T, In>& target = functions<T, In>();
  if (g.packed_b != nullptr) {
    const int threads = g.m * g.n * g.k < kSerialWork ? 1 : available_threads();
    return run_packed(g, target, threads);
  }
  const GemmMethod method = choose_method(g, target, items > 1);
  if constexpr (std::is_same_v<T, In>) {
    if (method == GemmMethod::kTransposedTiles) return run_transposed(g, target);
  }
  run(g, method, target, items);
}

// With few rows packing, or turning, B is a large part of the work; a small B is near anyway.
constexpr int64_t kMostRowsForPacking = 256;
constexpr int64_t kLeastPacked = 32 * 1024;

}  // namespace

template <class T, class In>
int64_t packed_b_size(const Gemm<T, In>& g) {
  const bool gains = g.batch.empty() && g.m > kThin && g.m <= kMostRowsForPacking && g.n > kThin &&
                     g.k * g.n >= kLeastPacked;
  return gains ? packed_size(g, functions<T, In>()) : 0;
}
template <class T, class In>
void pack_b(const Gemm<T, In>& g, T* to) {
  pack_panels(g, functions<T, In>(), to);
}
template int64_t packed_b_size(const Gemm<float>&);
template int64_t packed_b_size(const Gemm<double>&);
template int64_t packed_b_size(const Gemm<float, Half>&);
template int64_t packed_b_size(const Gemm<float, BFloat16>&);
template void pack_b(const Gemm<float>&, float*);
template void pack_b(const Gemm<double>&, double*);
template void pack_b(const Gemm<float, Half>&, float*);
template void pack_b(const Gemm<float, BFloat16>&, float*);

void gemm(const Gemm<float>& product) { multiply(product); }
void gemm(const Gemm<double>& product) { multiply(product); }
void gemm(const Gemm<float, Half>& product) { multiply(product); }
void gemm(const Gemm<float, BFloat16>& product) { multiply(product); }

}  // namespace entasis::cpu
#endif  // HWY_ONCE
