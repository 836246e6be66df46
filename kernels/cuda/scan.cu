// Scans along one dimension of row-major dense tensors [outer, n, inner], in the order of the
// elements: the bits are the same in every run. A slice is cut into chunks where there are few of
// them, and then a first launch finds the chunks' totals; each chunk joins those before it, which
// lie in the L2 cache, and scans on from there.
//
// scan_rows_of: inner is 1. A block of 256 threads goes through a chunk, 1024 elements at a time: a
//   thread scans four neighbours, the block the threads' totals by shuffles.
// scan_columns_of: a thread for each slice, neighbours side by side, element by element.
//
// Bytes moved: each element is read once and its result written once; with chunks it is read twice.
// Floor: that at the device's bandwidth. Blocks: slices (or ceil(slices / 256)) times chunks.
#include <cstdint>
#include <limits>

#include <entasis/core/kernels.h>
#include <entasis/kernels/cuda/internal/element_type.h>
#include <entasis/kernels/cuda/internal/grid.h>
#include <entasis/kernels/cuda/internal/launch.h>
#include <entasis/kernels/cuda/internal/reduce_dispatch.h>
#include <entasis/kernels/cuda/internal/reduce_row.h>
#include <entasis/ops/scan_internal.h>

namespace entasis::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int kItems = 4;  // neighbours of a thread
constexpr int kTile = kThreads * kItems;
constexpr int64_t kMostChunks = 1024;
constexpr int64_t kEnoughSlices = 16384;  // side by side: as many threads as keep a device busy

// ---- What is scanned: see scan_loops.h of the CPU. Joins are associative, but not commutative. An
// exclusive scan gives an element what comes before it.

template <class C, class Join_>
struct Running {
  using Value = C;
  using Acc = Wide<C>;
  using Join = Join_;
  static constexpr int kInputs = 1;
  static constexpr bool kExclusive = false;
  static __device__ __forceinline__ Acc identity() {
    return std::is_same_v<Join, Multiply> ? Acc(1) : Acc(0);
  }
  static __device__ __forceinline__ Acc of(const C (&x)[1], int64_t) { return Acc(x[0]); }
  __device__ __forceinline__ void write(void* out, DType dtype, int64_t*, int64_t at,
                                        const Acc& acc) const {
    if constexpr (std::is_integral_v<C>) {
      store_as<int64_t>(out, at, dtype, acc);
    } else {
      store_real(out, at, dtype, acc);
    }
  }
};

// Of equals the last wins; a NaN wins over all numbers.
template <class C, class Extremum>
struct RunningExtremum {
  struct Acc {
    C value;
    int64_t place;
  };
  using Value = C;
  static constexpr int kInputs = 1;
  static constexpr bool kExclusive = false;
  int64_t flip;

  struct Join {
    __device__ __forceinline__ Acc operator()(const Acc& a, const Acc& b) const {
      const bool wins = std::is_same_v<Extremum, Larger> ? b.value >= a.value : b.value <= a.value;
      return wins || b.value != b.value ? b : a;
    }
  };
  static __device__ __forceinline__ Acc identity() { return {neutral<C>(Extremum()), 0}; }
  __device__ __forceinline__ Acc of(const C (&x)[1], int64_t i) const {
    return {flipped(x[0], flip), i};
  }
  __device__ __forceinline__ void write(void* out, DType dtype, int64_t* places, int64_t at,
                                        const Acc& acc) const {
    store_as<C>(out, at, dtype, flipped(acc.value, flip));
    places[at] = acc.place;
  }
};

// Exponentials relative to the largest element, or to 0 where that is infinite.
template <class C>
struct RunningLogSumExp {
  using Value = C;
  using Acc = Exponentials<C>;
  static constexpr int kInputs = 1;
  static constexpr bool kExclusive = false;

  static __device__ __forceinline__ C centre(C max) { return max - max != C(0) ? C(0) : max; }
  static __device__ __forceinline__ double relative_to(C to, const Acc& a) {
    return a.sum == 0 ? 0.0 : a.sum * double(exp_of(centre(a.max) - to));
  }
  struct Join {
    __device__ __forceinline__ Acc operator()(const Acc& a, const Acc& b) const {
      const C max = LargerOrOther()(a.max, b.max), to = centre(max);
      return {max, relative_to(to, a) + relative_to(to, b)};
    }
  };
  static __device__ __forceinline__ Acc identity() { return Acc::none(); }
  static __device__ __forceinline__ Acc of(const C (&x)[1], int64_t) {
    return {x[0], double(exp_of(x[0] - centre(x[0])))};
  }
  __device__ __forceinline__ void write(void* out, DType dtype, int64_t*, int64_t at,
                                        const Acc& acc) const {
    store_real(out, at, dtype, double(centre(acc.max)) + double(log_of(C(acc.sum))));
  }
};

// The product of the elements before each one; and that times what `out` holds of those on the
// other side.
template <class C, bool kTimesOther>
struct ProductBefore {
  using Value = C;
  using Acc = double;
  using Join = Multiply;
  static constexpr int kInputs = 1;
  static constexpr bool kExclusive = true;
  static __device__ __forceinline__ Acc identity() { return 1; }
  static __device__ __forceinline__ Acc of(const C (&x)[1], int64_t) { return Acc(x[0]); }
  __device__ __forceinline__ void write(void* out, DType dtype, int64_t*, int64_t at,
                                        const Acc& acc) const {
    store_real(out, at, dtype, kTimesOther ? acc * load_as<double>(out, at, dtype) : acc);
  }
};

// The map h -> factor h + offset.
template <class C>
struct Recurrence {
  struct Acc {
    double factor, offset;
  };
  using Value = C;
  static constexpr int kInputs = 2;
  static constexpr bool kExclusive = false;
  struct Join {
    __device__ __forceinline__ Acc operator()(const Acc& a, const Acc& b) const {
      return {a.factor * b.factor, b.factor * a.offset + b.offset};
    }
  };
  static __device__ __forceinline__ Acc identity() { return {1, 0}; }
  static __device__ __forceinline__ Acc of(const C (&x)[2], int64_t) { return {x[0], x[1]}; }
  __device__ __forceinline__ void write(void* out, DType dtype, int64_t*, int64_t at,
                                        const Acc& acc) const {
    store_real(out, at, dtype, acc.offset);
  }
};

// ---- How

template <int kInputs>
struct ScanOperands {
  const void* in[kInputs];
  DType in_dtype[kInputs];
  void* out;
  DType out_dtype;
  int64_t* places;
  int64_t n, inner;
  int64_t slices;
  WideDivider inner_divider;
  int64_t first, step;  // element i of a slice is number first + i step
  int64_t chunk;        // elements
  int chunks;
};

// Elements of every input at `at`; those that are not there become 0.
template <class C, int kInputs, int kCount>
__device__ __forceinline__ void load_elements(const ScanOperands<kInputs>& p,
                                              const int64_t (&at)[kCount],
                                              const bool (&is_there)[kCount],
                                              C (&x)[kCount][kInputs]) {
#pragma unroll
  for (int k = 0; k < kInputs; ++k) {
    const auto read = [&](auto tag) {
      using T = decltype(tag);
#pragma unroll
      for (int j = 0; j < kCount; ++j) {
        x[j][k] = is_there[j] ? convert_to<C>(static_cast<const T*>(p.in[k])[at[j]]) : C(0);
      }
    };
    with_element_type<C>(p.in_dtype[k], read);
  }
}

// What threads before this one have, joined in their order; `total` becomes that of all. Two
// barriers.
template <class Scan, class Acc = typename Scan::Acc>
__device__ __forceinline__ Acc joined_before(const Acc& mine, Acc& total) {
  using Join = typename Scan::Join;
  __shared__ __align__(16) unsigned char bytes[kThreads / kWarpSize * sizeof(Acc)];
  Acc* const part = reinterpret_cast<Acc*>(bytes);
  const unsigned lane = threadIdx.x % kWarpSize, warp = threadIdx.x / kWarpSize;
  Acc sum = mine;
#pragma unroll
  for (unsigned step = 1; step < kWarpSize; step *= 2) {
    const Acc below = shuffle_up(sum, step);
    if (lane >= step) sum = Join()(below, sum);
  }
  if (lane == kWarpSize - 1) part[warp] = sum;
  Acc before = shuffle_up(sum, 1);
  if (lane == 0) before = Scan::identity();
  __syncthreads();
  Acc warps_before = Scan::identity();
  total = Scan::identity();
#pragma unroll
  for (unsigned w = 0; w < kThreads / kWarpSize; ++w) {
    if (w == warp) warps_before = total;
    total = Join()(total, part[w]);
  }
  __syncthreads();  // `part` serves the next call
  return Join()(warps_before, before);
}

// With `totals_only` a chunk's total goes to `totals`; else those before it are joined.
template <class Scan>
__global__ void __launch_bounds__(kThreads, 2)
    scan_rows_of(const __grid_constant__ ScanOperands<Scan::kInputs> p, const Scan scan,
                 typename Scan::Acc* totals, bool totals_only) {
  using C = typename Scan::Value;
  using Acc = typename Scan::Acc;
  using Join = typename Scan::Join;
  const int64_t slice = blockIdx.x / unsigned(p.chunks);
  const int chunk = int(blockIdx.x % unsigned(p.chunks));
  const int64_t base = slice * p.n;
  const int64_t begin = chunk * p.chunk;
  const int64_t end = begin + p.chunk < p.n ? begin + p.chunk : p.n;
  Acc carried = Scan::identity();
  if (!totals_only && p.chunks > 1) {
    // Each thread joins neighbours, the block the threads'.
    const int share = (chunk + kThreads - 1) / kThreads;
    Acc mine = Scan::identity();
    for (int c = int(threadIdx.x) * share; c < int(threadIdx.x + 1) * share && c < chunk; ++c) {
      mine = Join()(mine, totals[slice * p.chunks + c]);
    }
    joined_before<Scan>(mine, carried);
  }
  for (int64_t i = begin; i < end; i += kTile) {
    const int64_t mine = i + int(threadIdx.x) * kItems;
    int64_t at[kItems];
    bool is_there[kItems];
#pragma unroll
    for (int j = 0; j < kItems; ++j) {
      is_there[j] = mine + j < end;
      at[j] = base + p.first + (mine + j) * p.step;
    }
    C x[kItems][Scan::kInputs];
    load_elements(p, at, is_there, x);
    Acc acc[kItems];
#pragma unroll
    for (int j = 0; j < kItems; ++j) {
      acc[j] = is_there[j] ? scan.of(x[j], mine + j) : Scan::identity();
      if (j > 0) acc[j] = Join()(acc[j - 1], acc[j]);
    }
    Acc total = Scan::identity();
    const Acc before = Join()(carried, joined_before<Scan>(acc[kItems - 1], total));
    carried = Join()(carried, total);
    if (totals_only) continue;
#pragma unroll
    for (int j = 0; j < kItems; ++j) {
      if (!is_there[j]) continue;
      Acc result = before;
      if constexpr (Scan::kExclusive) {
        if (j > 0) result = Join()(before, acc[j - 1]);
      } else {
        result = Join()(before, acc[j]);
      }
      scan.write(p.out, p.out_dtype, p.places, at[j], result);
    }
  }
  if (totals_only && threadIdx.x == 0) totals[slice * p.chunks + chunk] = carried;
}

template <class Scan>
__global__ void __launch_bounds__(kThreads, 2)
    scan_columns_of(const __grid_constant__ ScanOperands<Scan::kInputs> p, const Scan scan,
                    typename Scan::Acc* totals, bool totals_only) {
  using C = typename Scan::Value;
  using Acc = typename Scan::Acc;
  using Join = typename Scan::Join;
  const unsigned block = blockIdx.x / unsigned(p.chunks);
  const int chunk = int(blockIdx.x % unsigned(p.chunks));
  const int64_t slice = int64_t(block) * kThreads + threadIdx.x;
  if (slice >= p.slices) return;
  const int64_t outer = p.inner_divider.quotient(slice);
  const int64_t base = outer * p.n * p.inner + (slice - outer * p.inner);
  const int64_t begin = chunk * p.chunk;
  const int64_t end = begin + p.chunk < p.n ? begin + p.chunk : p.n;
  Acc acc = Scan::identity();
  if (!totals_only) {
    for (int c = 0; c < chunk; ++c) acc = Join()(acc, totals[c * p.slices + slice]);
  }
  for (int64_t i = begin; i < end; i += kItems) {
    int64_t at[kItems];
    bool is_there[kItems];
#pragma unroll
    for (int j = 0; j < kItems; ++j) {
      is_there[j] = i + j < end;
      at[j] = base + (p.first + (i + j) * p.step) * p.inner;
    }
    C x[kItems][Scan::kInputs];
    load_elements(p, at, is_there, x);
#pragma unroll
    for (int j = 0; j < kItems; ++j) {
      if (!is_there[j]) break;
      const Acc with = Join()(acc, scan.of(x[j], i + j));
      if (!totals_only) {
        scan.write(p.out, p.out_dtype, p.places, at[j], Scan::kExclusive ? acc : with);
      }
      acc = with;
    }
  }
  if (totals_only) totals[chunk * p.slices + slice] = acc;
}

template <class Scan>
struct ScanPlan {
  static constexpr int kInputs = Scan::kInputs;
  using Acc = typename Scan::Acc;

  ScanOperands<kInputs> p;
  int64_t blocks;  // of one chunk of all slices

  ScanPlan(Inputs in, Outputs out, int64_t dim, bool reverse) {
    int64_t outer = 1;
    p.n = p.inner = 1;
    const Dims& shape = out[0].shape();
    for (int d = 0; d < shape.size(); ++d) (d < dim ? outer : d == dim ? p.n : p.inner) *= shape[d];
    for (int k = 0; k < kInputs; ++k) {
      p.in[k] = in[size_t(k)].tensor().raw();
      p.in_dtype[k] = in[size_t(k)].dtype();
    }
    p.out = out[0].raw();
    p.out_dtype = out[0].dtype();
    p.places = out.size() > 1 ? out[1].raw_as<int64_t>() : nullptr;
    p.slices = outer * p.inner;
    p.first = reverse ? p.n - 1 : 0;
    p.step = reverse ? -1 : 1;
    p.inner_divider = WideDivider(uint64_t(std::max<int64_t>(p.inner, 1)));
    const bool rows = p.inner == 1;
    blocks = rows ? p.slices : ceil_div(p.slices, kThreads);
    // As many chunks as make enough blocks, or enough threads, none shorter than some tiles.
    const int64_t wanted = rows ? kReduceBlocks / std::max<int64_t>(blocks, 1)
                                : kEnoughSlices * 4 / std::max<int64_t>(p.slices, 1);
    const int64_t least = rows ? 4 * kTile : 64;
    const int64_t chunks = std::clamp<int64_t>(std::min(wanted, p.n / least), 1, kMostChunks);
    p.chunk = std::max<int64_t>(1, ceil_div(p.n, chunks));
    p.chunks = int(std::max<int64_t>(1, ceil_div(p.n, p.chunk)));
  }

  size_t scratch_bytes() const {
    return p.chunks > 1 ? size_t(p.slices) * size_t(p.chunks) * sizeof(Acc) : 0;
  }
  void run(const Scan& scan, void* scratch, cudaStream_t stream) const {
    if (p.slices * p.n == 0) return;
    Acc* const totals = static_cast<Acc*>(scratch);
    const auto kernel = p.inner == 1 ? &scan_rows_of<Scan> : &scan_columns_of<Scan>;
    const dim3 grid(unsigned(blocks * p.chunks));
    for (const bool totals_only : {true, false}) {
      if (totals_only && p.chunks == 1) continue;
      launch(kernel, grid, dim3(kThreads), 0, stream, p, scan, totals, totals_only);
    }
  }
};

// ---- Ops: `with` calls f(plan, scan).

template <class Op>
bool is_reverse(const Op& op) {
  if constexpr (requires { op.reverse; }) return op.reverse;
  return false;
}

template <class Join>
struct TotalOf {
  template <class Op, class F>
  static void with(const Op& op, Inputs in, Outputs out, const F& f) {
    with_compute_type(out[0].dtype(), [&]<class C>(Tag<C>) {
      using Scan = Running<C, Join>;
      f(ScanPlan<Scan>(in, out, op.dim, is_reverse(op)), Scan{});
    });
  }
};
template <class Extremum>
struct ExtremumOf {
  template <class Op, class F>
  static void with(const Op& op, Inputs in, Outputs out, const F& f) {
    with_compute_type(in[0].dtype(), [&]<class C>(Tag<C>) {
      using Scan = RunningExtremum<C, Extremum>;
      f(ScanPlan<Scan>(in, out, op.dim, false), Scan{flip_of(in[0].dtype())});
    });
  }
};
template <template <class> class Scan>
struct FloatScan {
  template <class Op, class F>
  static void with(const Op& op, Inputs in, Outputs out, const F& f) {
    with_compute_float(out[0].dtype(), [&]<class C>(Tag<C>) {
      f(ScanPlan<Scan<C>>(in, out, op.dim, is_reverse(op)), Scan<C>{});
    });
  }
};

// From the first element to the last, then back. The bytes of both: inputs and results twice.
template <bool kBack, class F>
void with_products(const ProductOfOthers& op, Inputs in, Outputs out, const F& f) {
  with_compute_float(out[0].dtype(), [&]<class C>(Tag<C>) {
    using Scan = ProductBefore<C, kBack>;
    f(ScanPlan<Scan>(in, out, op.dim, kBack), Scan{});
  });
}
void product_of_others(CudaContext& context, const ProductOfOthers& op, Inputs in, Outputs out) {
  const auto run = [&](const auto& plan, const auto& scan) {
    plan.run(scan, context.scratch<void>(), context.stream());
  };
  with_products<false>(op, in, out, run);
  with_products<true>(op, in, out, run);
}
size_t product_of_others_scratch(const ProductOfOthers& op, Inputs in, Outputs out) {
  size_t bytes = 0;
  with_products<true>(op, in, out,
                      [&](const auto& plan, const auto&) { bytes = plan.scratch_bytes(); });
  return bytes;
}

}  // namespace
}  // namespace entasis::cuda

namespace entasis {

void register_cuda_scan(Kernels& kernels) {
  using namespace cuda;
  add_reduction<Cumsum, TotalOf<AddUp>>(kernels);
  add_reduction<Cumprod, TotalOf<Multiply>>(kernels);
  add_reduction<Cummax, ExtremumOf<Larger>>(kernels);
  add_reduction<Cummin, ExtremumOf<Smaller>>(kernels);
  add_reduction<LogCumSumExp, FloatScan<RunningLogSumExp>>(kernels);
  add_reduction<LinearScan, FloatScan<Recurrence>>(kernels);
  kernels.add_with_scratch<&product_of_others, &product_of_others_scratch>();
}

}  // namespace entasis
