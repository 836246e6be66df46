// sum_tiles: the sorted positions are cut into tiles of 32, so that no place with many slices holds
// up the others. A thread goes through a tile for its columns (16 bytes of them, or one) of an
// outer index and writes the sum of each run of equal places: to the output where the run lies in
// the tile altogether, else to the tile's two partial sums, of its first and of its last run. Bytes
// moved: gy in once, each slice that occurs in and out once. A thread for each (outer, tile,
// columns), columns fastest, 256 a block.
//
// join_tiles: a thread for each (outer, tile, columns) looks whether a run begins in the tile that
// ends in another, and adds up its partial sums, tile after tile.
//
// A sum is added to what the output holds. Signed integers are summed as unsigned ones: they wrap.
//
// So the order of every sum is that of the positions, in groups of up to 32, in every run.
#include <entasis/kernels/cuda/internal/sum_runs.h>

#include <algorithm>
#include <type_traits>

#include <entasis/kernels/cuda/internal/grid.h>
#include <entasis/kernels/cuda/internal/launch.h>
#include <entasis/kernels/cuda/internal/vec.h>
#include <entasis/kernels/cuda/internal/walk.h>

namespace entasis::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int kAhead = 4;  // slices on their way at a time

template <class Index>
struct RunShape {
  SortedSlices<Index> slices;
  DividerFor<Index> columns;  // packs of a slice
  DividerFor<Index> tiles;
  Index threads = 0;
};

// What a thread works on.
template <class Index>
struct Work {
  Index column, outer;  // the column in packs
  int64_t tile, begin, end;

  __device__ __forceinline__ Work(const RunShape<Index>& shape, Index thread) {
    column = thread;
    Index rest = shape.columns.divide(column);
    outer = shape.tiles.divide(rest);
    tile = int64_t(rest);
    begin = tile * kRunTile;
    end = begin + kRunTile < shape.slices.n ? begin + kRunTile : shape.slices.n;
  }
};

// What elements of type M are summed in.
template <class M>
using SumOf = std::conditional_t<std::is_same_v<M, bool>, uint32_t, Computed<M>>;

template <class M, int kPack>
__device__ __forceinline__ void write_sum(M* out, const SumOf<M> (&sum)[kPack]) {
  Pack<M, kPack> there = load_pack<kPack>(out);
#pragma unroll
  for (int j = 0; j < kPack; ++j) {
    there.at[j] = convert_to<M>(SumOf<M>(convert_to<SumOf<M>>(there.at[j]) + sum[j]));
  }
  store_pack<kPack>(out, there);
}

template <class Sum, int kPack>
__device__ __forceinline__ void store_sum(Sum* partial, const Sum (&sum)[kPack]) {
#pragma unroll
  for (int j = 0; j < kPack; ++j) partial[j] = sum[j];
}

// Partial sums lie as [outer, tile, first or last, inner]: where a tile's begin.
template <class Index>
__device__ __forceinline__ int64_t partial_of(const SortedSlices<Index>& s,
                                              const Work<Index>& work) {
  const int64_t tiles = (s.n + kRunTile - 1) / kRunTile;
  return (int64_t(work.outer) * tiles + work.tile) * 2 * s.inner;
}

template <class M, class Index, int kPack>
__global__ void __launch_bounds__(kThreads)
    sum_tiles(const __grid_constant__ RunShape<Index> shape, const M* __restrict__ gy,
              M* __restrict__ out, SumOf<M>* __restrict__ partial) {
  using Sum = SumOf<M>;
  const SortedSlices<Index>& s = shape.slices;
  const Index thread = Index(blockIdx.x) * kThreads + threadIdx.x;
  if (thread >= shape.threads) return;
  const Work<Index> work(shape, thread);
  const int64_t element = int64_t(work.column) * kPack;
  gy += int64_t(work.outer) * s.slices * s.inner + element;
  out += int64_t(work.outer) * s.range * s.inner + element;
  partial += partial_of(s, work) + element;

  Index place = s.places[work.begin];
  bool is_first = work.begin > 0 && s.places[work.begin - 1] == place;  // began in another tile
  Sum sum[kPack] = {};
  for (int64_t i = work.begin; i < work.end; i += kAhead) {
    Index places[kAhead] = {};
    Pack<M, kPack> slice[kAhead] = {};
#pragma unroll
    for (int u = 0; u < kAhead; ++u) {
      if (i + u >= work.end) break;
      places[u] = s.places[i + u];
      if (int64_t(places[u]) < s.range) {
        slice[u] = load_pack<kPack>(gy + int64_t(s.numbers[i + u]) * s.inner);
      }
    }
#pragma unroll
    for (int u = 0; u < kAhead; ++u) {
      if (i + u >= work.end) break;
      if (places[u] != place) {
        if (is_first) {
          store_sum(partial, sum);
        } else {
          write_sum<M>(out + int64_t(place) * s.inner, sum);
        }
        place = places[u];
        is_first = false;
#pragma unroll
        for (int j = 0; j < kPack; ++j) sum[j] = 0;
      }
      if (int64_t(place) >= s.range) return;  // sorted, so nothing else follows
#pragma unroll
      for (int j = 0; j < kPack; ++j) sum[j] = Sum(sum[j] + convert_to<Sum>(slice[u].at[j]));
    }
  }
  const bool goes_on = work.end < s.n && s.places[work.end] == place;
  if (is_first) {
    store_sum(partial, sum);
  } else if (goes_on) {
    store_sum(partial + s.inner, sum);
  } else {
    write_sum<M>(out + int64_t(place) * s.inner, sum);
  }
}

template <class M, class Index, int kPack>
__global__ void __launch_bounds__(kThreads)
    join_tiles(const __grid_constant__ RunShape<Index> shape, const SumOf<M>* __restrict__ partial,
               M* __restrict__ out) {
  using Sum = SumOf<M>;
  const SortedSlices<Index>& s = shape.slices;
  const Index thread = Index(blockIdx.x) * kThreads + threadIdx.x;
  if (thread >= shape.threads) return;
  const Work<Index> work(shape, thread);
  if (work.end == s.n) return;
  const Index place = s.places[work.end - 1];
  if (int64_t(place) >= s.range || s.places[work.end] != place) return;
  const bool began_before =
      work.begin > 0 && s.places[work.begin] == place && s.places[work.begin - 1] == place;
  if (began_before) return;
  const int64_t element = int64_t(work.column) * kPack;
  partial += partial_of(s, work) + element;
  Sum sum[kPack];
#pragma unroll
  for (int j = 0; j < kPack; ++j) sum[j] = partial[s.inner + j];
  int64_t end = work.end;
  do {
    partial += 2 * s.inner;
    end += kRunTile;
#pragma unroll
    for (int j = 0; j < kPack; ++j) sum[j] = Sum(sum[j] + partial[j]);
  } while (end < s.n && s.places[end] == place);
  write_sum<M>(out + (int64_t(work.outer) * s.range + int64_t(place)) * s.inner + element, sum);
}

template <class M, class Index, int kPack>
void launch_sums(const SortedSlices<Index>& slices, const void* gy, void* out, void* scratch,
                 cudaStream_t stream) {
  const int64_t tiles = (slices.n + kRunTile - 1) / kRunTile, columns = slices.inner / kPack;
  const int64_t threads = tiles * columns * slices.outer;
  RunShape<Index> shape;
  shape.slices = slices;
  shape.columns = DividerFor<Index>(Index(columns));
  shape.tiles = DividerFor<Index>(Index(tiles));
  shape.threads = Index(threads);
  auto* const partial = static_cast<SumOf<M>*>(scratch);
  launch(&sum_tiles<M, Index, kPack>, blocks_for(threads, kThreads), dim3(kThreads), 0, stream,
         shape, static_cast<const M*>(gy), static_cast<M*>(out), partial);
  if (tiles > 1) {
    launch(&join_tiles<M, Index, kPack>, blocks_for(threads, kThreads), dim3(kThreads), 0, stream,
           shape, partial, static_cast<M*>(out));
  }
}

// Integers by their size alone.
template <class F>
void dispatch_summed(DType dtype, const F& f) {
  if (dtype == kBool) return f(Tag<bool>());
  is_floating_point(dtype) ? dispatch_floating_point(dtype, f) : dispatch_bits(dtype, f);
}

}  // namespace

int64_t sum_runs_scratch(int64_t n, int64_t outer, int64_t inner, DType dtype) {
  const int64_t tiles = (n + kRunTile - 1) / kRunTile;
  return 2 * tiles * outer * inner * std::max(4, size_of(dtype));
}

template <class Index>
void sum_runs(const SortedSlices<Index>& slices, DType dtype, const void* gy, void* out,
              void* scratch, cudaStream_t stream) {
  if (slices.n == 0 || slices.outer == 0 || slices.inner == 0) return;
  dispatch_summed(dtype, [&](auto tag) {
    using M = typename decltype(tag)::type;
    if (slices.inner % kVecSize<M> == 0 && is_vec_aligned(gy) && is_vec_aligned(out)) {
      launch_sums<M, Index, kVecSize<M>>(slices, gy, out, scratch, stream);
    } else {
      launch_sums<M, Index, 1>(slices, gy, out, scratch, stream);
    }
  });
}

template void sum_runs<uint32_t>(const SortedSlices<uint32_t>&, DType, const void*, void*, void*,
                                 cudaStream_t);
template void sum_runs<uint64_t>(const SortedSlices<uint64_t>&, DType, const void*, void*, void*,
                                 cudaStream_t);

}  // namespace entasis::cuda
