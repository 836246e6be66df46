// Radix sort by 8 bits at a time from the lowest on (Satish, Harris & Garland, "Designing efficient
// sorting algorithms for manycore GPUs", IPDPS 2009). A pass is three launches:
//
//   count_digits    a block counts the digits of its tile of 4096 pairs;
//   scan_rows       for each digit, how many there are in the tiles before;
//   scatter_pairs   a block finds each pair's place and writes it there.
//
// Within a tile a warp owns 512 neighbours and takes them 32 at a time: lanes with the same digit
// find each other by a match, so that the order of equal keys stays. Bytes moved in a pass: keys
// read twice, values once, both written once. ceil(n / 4096) blocks of 256 threads; 1 and 10 to 18
// KB of shared memory. Up to one tile the whole sort is a single launch of one block, the pairs
// staying in shared memory.
#include <entasis/kernels/cuda/internal/sort.h>

#include <entasis/kernels/cuda/internal/grid.h>
#include <entasis/kernels/cuda/internal/launch.h>
#include <entasis/kernels/cuda/internal/scan.h>

namespace entasis::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int kWarps = kThreads / int(kWarpSize);
constexpr int kItems = kSortTile / kThreads;  // of a thread
constexpr int kDigitBits = 8;
static_assert(kSortDigits == kThreads, "thread d looks after digit d");

// The place in its tile of a thread's item j: a warp's items are neighbours.
__device__ __forceinline__ int place_of(int j) {
  const int lane = threadIdx.x % kWarpSize, warp = threadIdx.x / kWarpSize;
  return warp * (kItems * int(kWarpSize)) + j * int(kWarpSize) + lane;
}

template <class Index>
__device__ __forceinline__ int digit_of(Index key, int shift) {
  return static_cast<int>(key >> shift) & (kSortDigits - 1);
}

// For the tile of all threads' keys: rank[j] is how many of the tile's pairs with the same digit
// lie in front of item j, and counts[w][d] becomes how many pairs with digit d lie in front of warp
// w. `count` is how many items of the tile there are. Returns how many pairs have digit
// threadIdx.x.
template <class Index>
__device__ __forceinline__ uint32_t rank_tile(const Index (&key)[kItems], int shift, int count,
                                              uint32_t (&counts)[kWarps][kSortDigits],
                                              uint32_t (&rank)[kItems]) {
  const unsigned lane = threadIdx.x % kWarpSize, warp = threadIdx.x / kWarpSize;
#pragma unroll
  for (int w = 0; w < kWarps; ++w) counts[w][threadIdx.x] = 0;
  __syncthreads();
#pragma unroll
  for (int j = 0; j < kItems; ++j) {
    const bool is_item = place_of(j) < count;
    const int digit = is_item ? digit_of(key[j], shift) : kSortDigits;
    const unsigned same = __match_any_sync(kFullWarp, digit);
    const unsigned before = same & ((1u << lane) - 1);
    rank[j] = (is_item ? counts[warp][digit] : 0) + unsigned(__popc(before));
    __syncwarp();
    if (is_item && before == 0) counts[warp][digit] += unsigned(__popc(same));
    __syncwarp();
  }
  __syncthreads();
  uint32_t sum = 0;
#pragma unroll
  for (int w = 0; w < kWarps; ++w) {
    const uint32_t one = counts[w][threadIdx.x];
    counts[w][threadIdx.x] = sum;
    sum += one;
  }
  return sum;
}

template <class Index>
__global__ void __launch_bounds__(kThreads)
    count_digits(const Index* __restrict__ keys, int64_t n, int shift, Index* counts) {
  __shared__ uint32_t count[kSortDigits];
  count[threadIdx.x] = 0;
  __syncthreads();
  const int64_t begin = int64_t{blockIdx.x} * kSortTile;
#pragma unroll 4
  for (int j = 0; j < kItems; ++j) {
    const int64_t i = begin + place_of(j);
    if (i < n) atomicAdd(&count[digit_of(keys[i], shift)], 1u);
  }
  __syncthreads();
  counts[int64_t{threadIdx.x} * gridDim.x + blockIdx.x] = count[threadIdx.x];
}

// `before[d * gridDim.x + b]`: pairs of digit d in the tiles before b; totals[d]: in all.
template <class Index>
__global__ void __launch_bounds__(kThreads)
    scatter_pairs(const Index* __restrict__ keys, const Index* __restrict__ values, int64_t n,
                  int shift, const Index* before, const Index* totals, Index* __restrict__ to_keys,
                  Index* __restrict__ to_values) {
  __shared__ uint32_t counts[kWarps][kSortDigits];
  __shared__ Index start[kSortDigits];  // of each digit's pairs of this tile
  const int64_t begin = int64_t{blockIdx.x} * kSortTile;
  const int count = n - begin < kSortTile ? static_cast<int>(n - begin) : kSortTile;
  Index key[kItems];
  uint32_t rank[kItems];
#pragma unroll
  for (int j = 0; j < kItems; ++j) key[j] = place_of(j) < count ? keys[begin + place_of(j)] : 0;
  rank_tile(key, shift, count, counts, rank);
  Index all = 0;
  const Index smaller = block_sum_before(totals[threadIdx.x], all);
  start[threadIdx.x] = smaller + before[int64_t{threadIdx.x} * gridDim.x + blockIdx.x];
  __syncthreads();
  const unsigned warp = threadIdx.x / kWarpSize;
#pragma unroll
  for (int j = 0; j < kItems; ++j) {
    if (place_of(j) >= count) continue;
    const int digit = digit_of(key[j], shift);
    const Index to = start[digit] + counts[warp][digit] + rank[j];
    to_keys[to] = key[j];
    to_values[to] = values[begin + place_of(j)];
  }
}

// All passes over one tile.
template <class Index>
__global__ void __launch_bounds__(kThreads)
    sort_tile(const Index* __restrict__ keys, const Index* __restrict__ values, int n, int bits,
              Index* __restrict__ to_keys, Index* __restrict__ to_values) {
  __shared__ uint32_t counts[kWarps][kSortDigits];
  __shared__ uint32_t start[kSortDigits];
  DYN_SHARED(Index, tile);  // keys, then values
  Index key[kItems], value[kItems];
  uint32_t rank[kItems];
#pragma unroll
  for (int j = 0; j < kItems; ++j) {
    const int i = place_of(j);
    key[j] = i < n ? keys[i] : 0;
    value[j] = i < n ? values[i] : 0;
  }
  for (int shift = 0; shift < bits; shift += kDigitBits) {
    const uint32_t mine = rank_tile(key, shift, n, counts, rank);
    uint32_t all = 0;
    start[threadIdx.x] = block_sum_before(mine, all);
    __syncthreads();
#pragma unroll
    for (int j = 0; j < kItems; ++j) {
      if (place_of(j) >= n) continue;
      const int digit = digit_of(key[j], shift);
      const uint32_t to = start[digit] + counts[threadIdx.x / kWarpSize][digit] + rank[j];
      tile[to] = key[j];
      tile[kSortTile + to] = value[j];
    }
    __syncthreads();
#pragma unroll
    for (int j = 0; j < kItems; ++j) {
      if (place_of(j) >= n) continue;
      key[j] = tile[place_of(j)];
      value[j] = tile[kSortTile + place_of(j)];
    }
  }
#pragma unroll
  for (int j = 0; j < kItems; ++j) {
    if (place_of(j) >= n) continue;
    to_keys[place_of(j)] = key[j];
    to_values[place_of(j)] = value[j];
  }
}

}  // namespace

template <class Index>
int sort_pairs(const SortArrays<Index>& arrays, int64_t n, int bits, cudaStream_t stream) {
  if (n <= 1 || bits <= 0) return 0;
  if (n <= kSortTile) {
    launch(&sort_tile<Index>, dim3(1), dim3(kThreads), 2 * kSortTile * sizeof(Index), stream,
           arrays.keys[0], arrays.values[0], int(n), bits, arrays.keys[1], arrays.values[1]);
    return 1;
  }
  const dim3 blocks = blocks_for(n, kSortTile);
  Index* const totals = arrays.counts + int64_t{kSortDigits} * blocks.x;
  int from = 0;
  for (int shift = 0; shift < bits; shift += kDigitBits, from = 1 - from) {
    launch(&count_digits<Index>, blocks, dim3(kThreads), 0, stream, arrays.keys[from], n, shift,
           arrays.counts);
    scan_rows(arrays.counts, blocks.x, kSortDigits, totals, stream);
    launch(&scatter_pairs<Index>, blocks, dim3(kThreads), 0, stream, arrays.keys[from],
           arrays.values[from], n, shift, arrays.counts, totals, arrays.keys[1 - from],
           arrays.values[1 - from]);
  }
  return from;
}

template int sort_pairs<uint32_t>(const SortArrays<uint32_t>&, int64_t, int, cudaStream_t);
template int sort_pairs<uint64_t>(const SortArrays<uint64_t>&, int64_t, int, cudaStream_t);

}  // namespace entasis::cuda
