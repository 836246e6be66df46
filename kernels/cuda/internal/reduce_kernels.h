// The kernels of every reduction over some dimensions of a tensor, for any fold of reduce_fold.h.
// Each input element is read once; partial results are few. The order of all sums follows from
// shapes, strides and the place in memory alone, so the bits are the same in every run.
//
// reduce_rows: the elements of an output are neighbours (or outputs are few). A power of two of
//   threads, 1 to 32, or a block of 256, takes an output, four vectors of 16 bytes a thread in
//   flight; butterflies join them.
// reduce_columns: neighbours in memory belong to different outputs. A block of 256 threads, tx by
//   ty, takes a tile of tx vectors of neighbouring outputs; each thread goes down the tile with
//   stride ty, four rows in flight, and the ty parts are joined by a tree in shared memory.
// Where that gives too few blocks to fill a GPU, an output's elements are split over several, whose
// results go to scratch memory, and reduce_finish, a second small launch, joins them.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>

#include <entasis/kernels/cuda/internal/element_type.h>
#include <entasis/kernels/cuda/internal/launch.h>
#include <entasis/kernels/cuda/internal/reduce.h>
#include <entasis/kernels/cuda/internal/reduce_fold.h>
#include <entasis/kernels/cuda/internal/reduce_moments.h>
#include <entasis/kernels/cuda/internal/reduce_walk.h>
#include <entasis/kernels/cuda/internal/vec.h>

namespace entasis::cuda {

inline constexpr int kReduceThreads = 256;
inline constexpr int kReduceUnroll = 4;

// What the kernels read.
template <int kInputs>
struct ReduceSource {
  const void* in[kInputs];
  DType dtype[kInputs];
  Walk<kInputs + 1> kept;  // the last operand is the number of the output
  Walk<kInputs> reduced;
  int64_t outputs;
  int64_t elements;  // of an output
  int splits;        // of an output's elements
  int64_t share;     // items (rows: vectors, columns: elements) of a split
};

// How an output's elements are cut into items of kVec for reduce_rows. A run of neighbours is cut
// at multiples of 16 bytes, so that its first and last item may be shorter; other elements are cut
// by the walk, whose innermost steps are then those of a vector.
struct RowItems {
  int64_t count;  // where the elements are not a run
  bool is_run;
  int width;  // threads that share an output: 1, 2, 4, … 32, or the block
};

// How the outputs are cut into tiles for reduce_columns.
template <int kInputs>
struct ColumnTiles {
  int64_t size;                 // of the innermost loop over outputs
  int64_t stride[kInputs + 1];  // along it
  unsigned count;               // tiles along it
};

// Memory of type M; AnyOf<C> stands for every dtype that is computed in C, known at run time.
template <class C>
struct AnyOf {
  using type = C;
};

// N elements of one input, by their offsets.
template <class M, class C, int N>
__device__ __forceinline__ void gather(const void* from, DType dtype, const int64_t (&at)[N],
                                       C (&x)[N]) {
  const auto read = [&](auto tag) {
    using T = decltype(tag);
#pragma unroll
    for (int k = 0; k < N; ++k) x[k] = convert_to<C>(static_cast<const T*>(from)[at[k]]);
  };
  if constexpr (!std::is_same_v<M, AnyOf<C>>) {
    read(M());
  } else {
    with_element_type<C>(dtype, read);
  }
}

// kCount vectors of kVec neighbours of each input, or with kVec = 1 elements of any dtype: element
// e of vector u goes to [u * kVec + e].
template <class M, int kVec, int kCount, class C, int kInputs, int kN>
__device__ __forceinline__ void load_vectors(const ReduceSource<kInputs>& p,
                                             const int64_t (&at)[kCount][kInputs],
                                             C (&x)[kInputs][kN]) {
  static_assert(kN == kCount * kVec);
#pragma unroll
  for (int k = 0; k < kInputs; ++k) {
    if constexpr (kVec == 1) {
      int64_t offset[kCount];
#pragma unroll
      for (int u = 0; u < kCount; ++u) offset[u] = at[u][k];
      gather<M>(p.in[k], p.dtype[k], offset, x[k]);
    } else {
      Vec<M> loaded[kCount];
#pragma unroll
      for (int u = 0; u < kCount; ++u) {
        loaded[u] = load_vec(static_cast<const M*>(p.in[k]) + at[u][k]);
      }
#pragma unroll
      for (int u = 0; u < kCount; ++u) {
#pragma unroll
        for (int e = 0; e < kVec; ++e) x[k][u * kVec + e] = convert_to<C>(loaded[u].at[e]);
      }
    }
  }
}

template <class Fold, class M, int kVec>
__global__ void __launch_bounds__(kReduceThreads, Fold::kBlocks)
    reduce_rows(const __grid_constant__ ReduceSource<Fold::kInputs> p,
                const __grid_constant__ RowItems items, const __grid_constant__ Fold fold,
                typename Fold::Acc* partial) {
  using C = typename Fold::Value;
  using Acc = typename Fold::Acc;
  using Join = typename Fold::Join;
  constexpr int kInputs = Fold::kInputs;
  const int width = items.width;
  const int lane = int(threadIdx.x) & (width - 1);
  const int64_t units = p.outputs * p.splits;
  const int64_t unit = int64_t(blockIdx.x) * (kReduceThreads / width) + int(threadIdx.x) / width;
  const int64_t mine = unit < units ? unit : units - 1;  // all lanes take part in the joins
  // Outputs are split only where there are few.
  const int64_t output = p.splits == 1 ? mine : int64_t(unsigned(mine) / unsigned(p.splits));
  const int64_t split = mine - output * p.splits;

  int64_t base[kInputs + 1];
  p.kept.offsets(output, base);
  const int64_t number = base[kInputs];
  const bool is_run = kVec > 1 && items.is_run;
  int shift = 0;  // elements from the last multiple of 16 bytes to a run's first
  if constexpr (kVec > 1) {
    // By numbers: of an empty tensor there is no memory to point into.
    const uintptr_t row = reinterpret_cast<uintptr_t>(p.in[0]) + uintptr_t(base[0]) * sizeof(M);
    if (is_run) shift = int(row % 16 / sizeof(M));
  }
  const int64_t count = is_run ? (p.elements + shift + kVec - 1) / kVec : items.count;
  const int64_t begin = split * p.share;
  const int64_t end = begin + p.share < count ? begin + p.share : count;

  // The offsets of the first element of item i; of a run they may lie before it.
  const auto place = [&](int64_t i, int64_t(&at)[kInputs]) {
    if (is_run) {
#pragma unroll
      for (int k = 0; k < kInputs; ++k) at[k] = base[k] + (i * kVec - shift);
    } else {
      p.reduced.offsets(i, at);
#pragma unroll
      for (int k = 0; k < kInputs; ++k) at[k] += base[k];
    }
  };
  const auto is_whole = [&](int64_t i) {
    const int64_t first = i * kVec - shift;
    return !is_run || (first >= 0 && first + kVec <= p.elements);
  };

  const auto context = fold.context(number);
  Acc acc = fold.identity();
  // kCount whole items, `width` apart.
  const auto add_items = [&](auto count_tag, int64_t i) {
    constexpr int kCount = decltype(count_tag)::value;
    int64_t at[kCount][kInputs];
#pragma unroll
    for (int u = 0; u < kCount; ++u) place(i + u * width, at[u]);
    Batch<C, kInputs, kCount * kVec, kVec> batch;
    batch.first = i * kVec - shift;
    batch.step = width * kVec;
    load_vectors<M, kVec>(p, at, batch.x);
    fold.add(acc, batch, context);
  };
  // The elements that a short item of a run has.
  const auto add_short = [&](int64_t i) {
    if constexpr (kVec > 1) {
      for (int e = 0; e < kVec; ++e) {
        const int64_t j = i * kVec - shift + e;
        if (j < 0 || j >= p.elements) continue;
        Batch<C, kInputs, 1, 1> one;
#pragma unroll
        for (int k = 0; k < kInputs; ++k) {
          one.x[k][0] = convert_to<C>(static_cast<const M*>(p.in[k])[base[k] + j]);
        }
        one.first = j;
        one.step = 1;
        fold.add(acc, one, context);
      }
    }
  };
  for (int64_t i = begin + lane; i < end; i += kReduceUnroll * width) {
    const int64_t last = i + (kReduceUnroll - 1) * width;
    if (last < end && is_whole(i) && is_whole(last)) {
      add_items(std::integral_constant<int, kReduceUnroll>(), i);
      continue;
    }
    for (int64_t j = i; j <= last && j < end; j += width) {
      if (is_whole(j)) {
        add_items(std::integral_constant<int, 1>(), j);
      } else {
        add_short(j);
      }
    }
  }

  if (width > int(kWarpSize)) {
    acc = block_reduce(acc, fold.identity(), Join());
  } else {
    for (int step = width / 2; step > 0; step /= 2) acc = Join()(acc, shuffle_xor(acc, step));
  }
  if (lane != 0 || unit >= units) return;
  if (p.splits == 1) {
    fold.write(acc, number);
  } else {
    partial[number * p.splits + split] = acc;
  }
}

// blockDim is (tx, ty); see the top of the file.
template <class Fold, class M, int kVec>
__global__ void __launch_bounds__(kReduceThreads, Fold::kBlocks)
    reduce_columns(const __grid_constant__ ReduceSource<Fold::kInputs> p,
                   const __grid_constant__ ColumnTiles<Fold::kInputs> tiles,
                   const __grid_constant__ Fold fold, typename Fold::Acc* partial) {
  using C = typename Fold::Value;
  using Acc = typename Fold::Acc;
  using Join = typename Fold::Join;
  constexpr int kInputs = Fold::kInputs;
  const unsigned tile = blockIdx.x / unsigned(p.splits), split = blockIdx.x % unsigned(p.splits);
  const unsigned group = tile / tiles.count;
  const int64_t column = (int64_t(tile - group * tiles.count) * blockDim.x + threadIdx.x) * kVec;
  const bool is_inside = column < tiles.size;

  int64_t base[kInputs + 1];
  p.kept.offsets(group, base);
#pragma unroll
  for (int k = 0; k <= kInputs; ++k) base[k] += (is_inside ? column : 0) * tiles.stride[k];
  typename Fold::Context context[kVec];
  Acc acc[kVec];
#pragma unroll
  for (int e = 0; e < kVec; ++e) {
    context[e] = fold.context(base[kInputs] + e * tiles.stride[kInputs]);
    acc[e] = fold.identity();
  }

  // kCount rows, blockDim.y apart.
  const auto add_rows = [&](auto count_tag, int64_t row) {
    constexpr int kCount = decltype(count_tag)::value;
    int64_t at[kCount][kInputs];
#pragma unroll
    for (int u = 0; u < kCount; ++u) {
      p.reduced.offsets(row + u * int(blockDim.y), at[u]);
#pragma unroll
      for (int k = 0; k < kInputs; ++k) at[u][k] += base[k];
    }
    C x[kInputs][kCount * kVec];
    load_vectors<M, kVec>(p, at, x);
#pragma unroll
    for (int e = 0; e < kVec; ++e) {
      Batch<C, kInputs, kCount, 1> batch;
      batch.first = row;
      batch.step = int(blockDim.y);
#pragma unroll
      for (int u = 0; u < kCount; ++u) {
#pragma unroll
        for (int k = 0; k < kInputs; ++k) batch.x[k][u] = x[k][u * kVec + e];
      }
      fold.add(acc[e], batch, context[e]);
    }
  };
  if (is_inside) {
    const int64_t begin = split * p.share;
    const int64_t end = begin + p.share < p.elements ? begin + p.share : p.elements;
    const int step = int(blockDim.y);
    int64_t row = begin + threadIdx.y;
    for (; row + (kReduceUnroll - 1) * step < end; row += kReduceUnroll * step) {
      add_rows(std::integral_constant<int, kReduceUnroll>(), row);
    }
    for (; row < end; row += step) add_rows(std::integral_constant<int, 1>(), row);
  }

  __shared__ __align__(16) unsigned char bytes[kReduceThreads * sizeof(Acc)];
  Acc* const part = reinterpret_cast<Acc*>(bytes) + threadIdx.x;
#pragma unroll
  for (int e = 0; e < kVec; ++e) {
    part[threadIdx.y * blockDim.x] = acc[e];
    __syncthreads();
    for (unsigned half = blockDim.y / 2; half > 0; half /= 2) {
      if (threadIdx.y < half) {
        Acc& mine = part[threadIdx.y * blockDim.x];
        mine = Join()(mine, part[(threadIdx.y + half) * blockDim.x]);
      }
      __syncthreads();
    }
    if (threadIdx.y == 0) acc[e] = part[0];
  }
  if (threadIdx.y != 0 || !is_inside) return;
#pragma unroll
  for (int e = 0; e < kVec; ++e) {
    const int64_t number = base[kInputs] + e * tiles.stride[kInputs];
    if (p.splits == 1) {
      fold.write(acc[e], number);
    } else {
      partial[number * p.splits + split] = acc[e];
    }
  }
}

// Joins the parts of each output; `width` threads take one: a warp or the block.
template <class Fold>
__global__ void __launch_bounds__(kReduceThreads, Fold::kBlocks)
    reduce_finish(const typename Fold::Acc* partial, const __grid_constant__ Fold fold,
                  int64_t outputs, int splits, int width) {
  using Join = typename Fold::Join;
  const int lane = int(threadIdx.x) & (width - 1);
  const int64_t number = int64_t(blockIdx.x) * (kReduceThreads / width) + int(threadIdx.x) / width;
  typename Fold::Acc acc = fold.identity();
  if (number < outputs) {
    for (int s = lane; s < splits; s += width) acc = Join()(acc, partial[number * splits + s]);
  }
  acc = width > int(kWarpSize) ? block_reduce(acc, fold.identity(), Join())
                               : warp_reduce(acc, Join());
  if (lane == 0 && number < outputs) fold.write(acc, number);
}

}  // namespace entasis::cuda
