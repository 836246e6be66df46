// Rows: for kernels that read a row, find something out about all of it, and write a row. A row of
// n elements of type M is cut into items of kVec, a vector of 16 bytes, at multiples of 16 bytes,
// so that its first and last item may be shorter; with kVec = 1 elements may lie any stride apart.
#pragma once

#include <cstdint>

#include <entasis/kernels/cuda/internal/convert.h>
#include <entasis/kernels/cuda/internal/reduce.h>
#include <entasis/kernels/cuda/internal/reduce_fold.h>
#include <entasis/kernels/cuda/internal/reduce_walk.h>
#include <entasis/kernels/cuda/internal/vec.h>

namespace entasis::cuda {

// Where a row lies.
template <class M, int kItem>
struct Row {
  using Memory = M;
  static constexpr int kVec = kItem;
  M* data;
  int64_t stride;  // 1 unless kVec is 1
  int64_t n;

  // Elements from the last multiple of 16 bytes to the row's first.
  __device__ __forceinline__ int shift() const {
    return kVec == 1 ? 0 : int(reinterpret_cast<uintptr_t>(data) % 16 / sizeof(M));
  }
  __device__ __forceinline__ int64_t items() const { return (n + shift() + kVec - 1) / kVec; }
  // The first element of item i; that of item 0 may be negative.
  __device__ __forceinline__ int64_t first(int64_t i) const { return i * kVec - shift(); }
  __device__ __forceinline__ bool is_whole(int64_t i) const {
    return first(i) >= 0 && first(i) + kVec <= n;
  }

  // Whether element e of item i is one of the row.
  __device__ __forceinline__ bool has(int64_t i, int e) const {
    return first(i) + e >= 0 && first(i) + e < n;
  }

  __device__ __forceinline__ Vec<M> load_whole(int64_t i) const {
    return load_vec(data + first(i));
  }
  // Item i; places outside of the row get `filler`.
  template <class C>
  __device__ __forceinline__ void load(int64_t i, C (&x)[kVec], C filler) const {
    if constexpr (kVec == 1) {
      x[0] = i < n ? convert_to<C>(data[i * stride]) : filler;
    } else if (is_whole(i)) {
      const Vec<M> loaded = load_whole(i);
#pragma unroll
      for (int e = 0; e < kVec; ++e) x[e] = convert_to<C>(loaded.at[e]);
    } else {
#pragma unroll
      for (int e = 0; e < kVec; ++e) {
        x[e] = has(i, e) ? convert_to<C>(data[first(i) + e]) : filler;
      }
    }
  }
  template <class C>
  __device__ __forceinline__ void store(int64_t i, const C (&x)[kVec]) const {
    if constexpr (kVec == 1) {
      if (i < n) data[i * stride] = convert_to<M>(x[0]);
    } else if (is_whole(i)) {
      Vec<M> packed;
#pragma unroll
      for (int e = 0; e < kVec; ++e) packed.at[e] = convert_to<M>(x[e]);
      store_vec(data + first(i), packed);
    } else {
#pragma unroll
      for (int e = 0; e < kVec; ++e) {
        if (has(i, e)) data[first(i) + e] = convert_to<M>(x[e]);
      }
    }
  }
};

// A row whose elements lie anywhere: element i where `inner` says.
template <class M>
struct ScatteredRow {
  using Memory = M;
  static constexpr int kVec = 1;
  M* data;
  const Walk<1>* inner;
  int64_t n;

  __device__ __forceinline__ int64_t items() const { return n; }
  __device__ __forceinline__ int64_t first(int64_t i) const { return i; }
  __device__ __forceinline__ bool has(int64_t i, int) const { return i < n; }
  __device__ __forceinline__ M* at(int64_t i) const {
    int64_t offset[1];
    inner->offsets(i, offset);
    return data + offset[0];
  }
  template <class C>
  __device__ __forceinline__ void load(int64_t i, C (&x)[1], C filler) const {
    x[0] = i < n ? convert_to<C>(*at(i)) : filler;
  }
  template <class C>
  __device__ __forceinline__ void store(int64_t i, const C (&x)[1]) const {
    if (i < n) *at(i) = convert_to<M>(x[0]);
  }
};

// A row's copy in shared memory, for kernels that read it more than once: each thread keeps the
// items that it reads itself, so there is nothing to wait for. Without memory it reads the row
// again.
template <class R>
struct Stage {
  using M = typename R::Memory;
  static constexpr int kVec = R::kVec;
  R row;
  M* copy;  // kVec places for each item; or null

  // Reads item i for the first time.
  template <class C>
  __device__ __forceinline__ void fetch(int64_t i, C (&x)[kVec], C filler) const {
    row.load(i, x, filler);
    if (copy == nullptr) return;
    if constexpr (kVec == 1) {
      copy[i] = convert_to<M>(x[0]);
    } else {
      Vec<M> packed;
#pragma unroll
      for (int e = 0; e < kVec; ++e) packed.at[e] = convert_to<M>(x[e]);
      store_vec(copy + i * kVec, packed);
    }
  }
  template <class C>
  __device__ __forceinline__ void load(int64_t i, C (&x)[kVec], C filler) const {
    if (copy == nullptr) return row.load(i, x, filler);
    if constexpr (kVec == 1) {
      x[0] = convert_to<C>(copy[i]);
    } else {
      const Vec<M> loaded = load_vec(copy + i * kVec);
#pragma unroll
      for (int e = 0; e < kVec; ++e) x[e] = convert_to<C>(loaded.at[e]);
    }
  }
};

// The join of the values of `width` lanes, a power of two of at most 32; each of them gets it.
template <class T, class Join>
__device__ __forceinline__ T join_lanes(T value, int width, Join join) {
  for (int step = width / 2; step > 0; step /= 2) value = join(value, shuffle_xor(value, step));
  return value;
}

// The join of the values of the threads of a block of kAcrossThreads that are equal modulo `tx`, a
// power of two.
inline constexpr int kAcrossThreads = 256;
template <class T, class Join>
__device__ __forceinline__ T join_across(T value, int tx, Join join) {
  __shared__ __align__(16) unsigned char bytes[kAcrossThreads * sizeof(T)];
  T* const part = reinterpret_cast<T*>(bytes);
  part[threadIdx.x] = value;
  __syncthreads();
  for (int half = kAcrossThreads / 2; half >= tx; half /= 2) {
    if (int(threadIdx.x) < half) {
      part[threadIdx.x] = join(part[threadIdx.x], part[int(threadIdx.x) + half]);
    }
    __syncthreads();
  }
  return part[int(threadIdx.x) & (tx - 1)];
}

// ---- Sums of exponentials, in one pass (Milakov and Gimelshein, "Online normalizer calculation
// for softmax", 2018): the largest element so far, and the sum of exp(x - that).

__device__ __forceinline__ float exp_of(float x) { return ::expf(x); }
__device__ __forceinline__ double exp_of(double x) { return ::exp(x); }
__device__ __forceinline__ float log_of(float x) { return ::logf(x); }
__device__ __forceinline__ double log_of(double x) { return ::log(x); }

template <class C>
struct Exponentials {
  C max;  // -infinity of nothing; a NaN among the elements shows in the sum
  double sum;

  static __device__ __forceinline__ Exponentials none() { return {lowest<C>(), 0.0}; }
};

// What exp() is taken relative to: infinities cancel out only where they stand among the elements.
template <class C>
__device__ __forceinline__ C finite_reference(C max) {
  return max == lowest<C>() ? C(0) : max;
}
struct LargerOrOther {  // never NaN unless both are
  template <class C>
  __device__ __forceinline__ C operator()(C a, C b) const {
    return a > b || b != b ? a : b;
  }
};

struct JoinExponentials {
  template <class C>
  __device__ __forceinline__ Exponentials<C> operator()(const Exponentials<C>& a,
                                                        const Exponentials<C>& b) const {
    const C max = LargerOrOther()(a.max, b.max), reference = finite_reference(max);
    return {max,
            a.sum * double(exp_of(a.max - reference)) + b.sum * double(exp_of(b.max - reference))};
  }
};

// Takes N elements; fillers are -infinity.
template <class C, int N>
__device__ __forceinline__ void add_exponentials(Exponentials<C>& to, const C (&x)[N]) {
  const C max = LargerOrOther()(to.max, join_tree(x, LargerOrOther()));
  const C reference = finite_reference(max);
  C e[N];
#pragma unroll
  for (int k = 0; k < N; ++k) e[k] = exp_of(x[k] - reference);
  if (max != to.max) {
    to.sum *= double(exp_of(to.max - reference));
    to.max = max;
  }
  to.sum += double(join_tree(e, AddUp()));
}

// Those of a row whose elements are spread over the registers of `width` lanes.
template <class C, int N>
__device__ __forceinline__ Exponentials<C> row_exponentials(const C (&x)[N], int width) {
  const C max = join_lanes(join_tree(x, LargerOrOther()), width, LargerOrOther());
  const C reference = finite_reference(max);
  C e[N];
#pragma unroll
  for (int k = 0; k < N; ++k) e[k] = exp_of(x[k] - reference);
  return {max, join_lanes(double(join_tree(e, AddUp())), width, AddUp())};
}
// Items of a row that a thread of a block of 1024 may have in flight beside others: as many as
// registers have room for.
template <class C, int kVec>
inline constexpr int kItemsInFlight = sizeof(C) == 8 ? 1
                                      : kVec >= 8    ? 2
                                                     : 4;

// The most threads of a block that shares a row.
template <class C>
inline constexpr int kMaxRowThreads = sizeof(C) == 8 ? 512 : 1024;

// Those of a row that the block shares, which is fetched. `also` is
// called with every item and its elements; fillers are -infinity.
template <class C, class R, class Also>
__device__ __forceinline__ Exponentials<C> block_exponentials(const Stage<R>& stage,
                                                              const Also& also) {
  constexpr int kVec = R::kVec;
  constexpr int kInFlight = kItemsInFlight<C, kVec>;
  const int64_t items = stage.row.items();
  Exponentials<C> mine = Exponentials<C>::none();
  for (int64_t i = threadIdx.x; i < items; i += kInFlight * int64_t(blockDim.x)) {
    C x[kInFlight][kVec];
#pragma unroll
    for (int u = 0; u < kInFlight; ++u) {
      const int64_t item = i + u * int64_t(blockDim.x);
      if (item < items) stage.fetch(item, x[u], lowest<C>());
    }
#pragma unroll
    for (int u = 0; u < kInFlight; ++u) {
      if (i + u * int64_t(blockDim.x) >= items) break;
      add_exponentials(mine, x[u]);
      also(i + u * int64_t(blockDim.x), x[u]);
    }
  }
  return block_reduce(mine, Exponentials<C>::none(), JoinExponentials());
}

// Those of a slice across memory that 256 / tx threads of the block share; see join_across().
template <class C, class M>
__device__ __forceinline__ Exponentials<C> across_exponentials(const Row<M, 1>& slice, int tx) {
  constexpr int kInFlight = 4;
  const int step = kAcrossThreads / tx;
  Exponentials<C> mine = Exponentials<C>::none();
  for (int64_t i = int(threadIdx.x) / tx; i < slice.n; i += kInFlight * step) {
    C x[kInFlight];
#pragma unroll
    for (int u = 0; u < kInFlight; ++u) {
      C one[1];
      slice.load(i + u * step, one, lowest<C>());
      x[u] = one[0];
    }
    add_exponentials(mine, x);
  }
  return join_across(mine, tx, JoinExponentials());
}

}  // namespace entasis::cuda
