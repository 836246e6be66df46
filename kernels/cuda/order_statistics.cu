// Medians, modes and sorted slices: all slices are sorted together by the radix sort of sort.h, by
// keys whose order is that of the elements, and within equal keys by place. Keys of up to 32 bits
// carry the slice in front; wider ones are sorted first, then stably by slice. What is asked for is
// then read from the order:
//
//   write_sorted    a thread for each element;
//   find_medians    a thread for each slice, two binary searches;
//   find_modes      a block of 256 threads for each slice; the end of each run of equals looks for
//   its
//                   beginning by a binary search, the block for the longest run, of such the first.
//
// Bytes moved: those of the sort, 32 an element and pass of 8 bits (twice keys, once values, both
// written), and the result's.
#include <bit>
#include <cstdint>

#include <entasis/kernels/cuda/internal/grid.h>
#include <entasis/kernels/cuda/internal/launch.h>
#include <entasis/kernels/cuda/internal/reduce_dispatch.h>
#include <entasis/kernels/cuda/internal/scratch.h>
#include <entasis/kernels/cuda/internal/sort.h>
#include <entasis/ops/order_statistics_internal.h>

namespace entasis::cuda {
namespace {

constexpr int kThreads = 256;

// Bits of a dtype's keys.
int key_bits(DType dtype) { return size_of(dtype) == 8 ? 64 : 32; }

// What a NaN's key is: the last of all.
constexpr uint64_t nan_key(int bits) { return bits == 64 ? ~uint64_t{0} : 0xffffffffu; }

// Ordered as the elements are: the sign of a float decides what becomes of the others, negative
// zero is zero, NaN comes last.
__device__ __forceinline__ uint64_t key_of(float x) {
  if (x != x) return nan_key(32);
  uint32_t bits;
  const float plain = x + 0.0f;
  memcpy(&bits, &plain, sizeof bits);
  return bits & 0x80000000u ? ~bits : bits | 0x80000000u;
}
__device__ __forceinline__ uint64_t key_of(double x) {
  if (x != x) return nan_key(64);
  uint64_t bits;
  const double plain = x + 0.0;
  memcpy(&bits, &plain, sizeof bits);
  constexpr uint64_t kSign = uint64_t{1} << 63;
  return bits & kSign ? ~bits : bits | kSign;
}
__device__ __forceinline__ uint64_t key_at(const void* from, int64_t i, DType dtype) {
  if (dtype == kF64) return key_of(static_cast<const double*>(from)[i]);
  if (dtype == kU64) return static_cast<const uint64_t*>(from)[i];
  if (dtype == kI64) return static_cast<const uint64_t*>(from)[i] ^ uint64_t { 1 } << 63;
  if (dtype == kU32) return static_cast<const uint32_t*>(from)[i];
  if (dtype == kF32 || dtype == kF16 || dtype == kBF16)
    return key_of(load_as<float>(from, i, dtype));
  return uint32_t(load_as<int32_t>(from, i, dtype)) ^ 0x80000000u;
}

struct SliceShape {
  int64_t count;
  int64_t n;
  WideDivider by_n;
};

__global__ void __launch_bounds__(kThreads)
    make_keys(const void* from, DType dtype, int bits, const __grid_constant__ SliceShape shape,
              uint64_t* keys, uint64_t* places) {
  const int64_t i = int64_t(blockIdx.x) * kThreads + threadIdx.x;
  if (i >= shape.count * shape.n) return;
  uint64_t key = key_at(from, i, dtype);
  if (bits == 32) key |= uint64_t(shape.by_n.quotient(i)) << 32;
  keys[i] = key;
  places[i] = uint64_t(i);
}

// After the sort by 64-bit keys: by slice.
__global__ void __launch_bounds__(kThreads)
    make_slice_keys(const uint64_t* places, const __grid_constant__ SliceShape shape,
                    uint64_t* keys) {
  const int64_t i = int64_t(blockIdx.x) * kThreads + threadIdx.x;
  if (i < shape.count * shape.n) keys[i] = uint64_t(shape.by_n.quotient(int64_t(places[i])));
}

// The elements of a slice in order.
struct Ordered {
  const void* from;
  DType dtype;
  const uint64_t* places;  // in the whole tensor
  int64_t first;
  int64_t n;

  __device__ __forceinline__ uint64_t key(int64_t rank) const {
    return key_at(from, int64_t(places[first + rank]), dtype);
  }
  // The first rank below `end` whose key is not less.
  __device__ __forceinline__ int64_t lower_bound(uint64_t wanted, int64_t end) const {
    int64_t low = 0;
    while (low < end) {
      const int64_t middle = (low + end) >> 1;
      if (key(middle) < wanted) {
        low = middle + 1;
      } else {
        end = middle;
      }
    }
    return low;
  }
};

__device__ __forceinline__ void copy_element(void* to, int64_t i, const void* from, int64_t j,
                                             int size) {
  if (size == 8) static_cast<uint64_t*>(to)[i] = static_cast<const uint64_t*>(from)[j];
  if (size == 4) static_cast<uint32_t*>(to)[i] = static_cast<const uint32_t*>(from)[j];
  if (size == 2) static_cast<uint16_t*>(to)[i] = static_cast<const uint16_t*>(from)[j];
  if (size == 1) static_cast<uint8_t*>(to)[i] = static_cast<const uint8_t*>(from)[j];
}

struct Results {
  void* values;
  int64_t* places;
  int size;
};

__global__ void __launch_bounds__(kThreads)
    write_sorted(const void* from, const uint64_t* order, const __grid_constant__ SliceShape shape,
                 const __grid_constant__ Results out) {
  const int64_t i = int64_t(blockIdx.x) * kThreads + threadIdx.x;
  if (i >= shape.count * shape.n) return;
  const int64_t at = int64_t(order[i]);
  copy_element(out.values, i, from, at, out.size);
  out.places[i] = at - shape.by_n.quotient(at) * shape.n;
}

__global__ void __launch_bounds__(kThreads)
    find_medians(const void* from, DType dtype, const uint64_t* order,
                 const __grid_constant__ SliceShape shape, bool ignores_nan, int bits,
                 const __grid_constant__ Results out) {
  const int64_t slice = int64_t(blockIdx.x) * kThreads + threadIdx.x;
  if (slice >= shape.count) return;
  const Ordered in{from, dtype, order, slice * shape.n, shape.n};
  int64_t rank = (shape.n - 1) >> 1;
  const bool floats = dtype == kF32 || dtype == kF64 || dtype == kF16 || dtype == kBF16;
  if (floats && in.key(shape.n - 1) == nan_key(bits)) {
    const int64_t numbers = in.lower_bound(nan_key(bits), shape.n);
    rank = ignores_nan && numbers > 0 ? (numbers - 1) >> 1 : numbers;
  }
  const int64_t first = in.lower_bound(in.key(rank), rank);
  const int64_t at = int64_t(order[in.first + first]);
  copy_element(out.values, slice, from, at, out.size);
  out.places[slice] = at - in.first;
}

struct Run {
  int64_t length;
  int64_t last;  // rank
};
struct Longer {
  __device__ __forceinline__ Run operator()(const Run& a, const Run& b) const {
    if (a.length != b.length) return a.length > b.length ? a : b;
    return a.last < b.last ? a : b;
  }
};

__global__ void __launch_bounds__(kThreads)
    find_modes(const void* from, DType dtype, const uint64_t* order,
               const __grid_constant__ SliceShape shape, int bits,
               const __grid_constant__ Results out) {
  const int64_t slice = blockIdx.x;
  const Ordered in{from, dtype, order, slice * shape.n, shape.n};
  const bool floats = dtype == kF32 || dtype == kF64 || dtype == kF16 || dtype == kBF16;
  const Run none{0, std::numeric_limits<int64_t>::max()};
  Run best = none;
  for (int64_t rank = threadIdx.x; rank < shape.n; rank += kThreads) {
    const uint64_t key = in.key(rank);
    Run run{1, rank};
    if (!(floats && key == nan_key(bits))) {  // NaN equals nothing
      if (rank + 1 < shape.n && in.key(rank + 1) == key) continue;
      run.length = rank + 1 - in.lower_bound(key, rank);
    }
    best = Longer()(best, run);
  }
  best = block_reduce(best, none, Longer());
  if (threadIdx.x != 0) return;
  const int64_t at = int64_t(order[in.first + best.last]);
  copy_element(out.values, slice, from, at, out.size);
  out.places[slice] = at - in.first;
}

// The order of all elements, sorted slice by slice.
class SortedSlices {
 public:
  SortedSlices(const Tensor& x, void* memory) : x_(x), plan_(memory) {
    shape_.n = x.shape()[x.dim() - 1];
    shape_.count = shape_.n == 0 ? 0 : x.numel() / shape_.n;
    shape_.by_n = WideDivider(uint64_t(std::max<int64_t>(shape_.n, 1)));
    const int64_t all = std::max<int64_t>(x.numel(), 1);
    for (int side = 0; side < 2; ++side) {
      arrays_.keys[side] = plan_.take<uint64_t>(all);
      arrays_.values[side] = plan_.take<uint64_t>(all);
    }
    arrays_.counts = plan_.take<uint64_t>(sort_counts(all));
  }
  size_t bytes() const { return plan_.bytes(); }
  const SliceShape& shape() const { return shape_; }
  int bits() const { return key_bits(x_.dtype()); }

  // The order, in memory.
  const uint64_t* run(cudaStream_t stream) {
    const int64_t all = shape_.count * shape_.n;
    const dim3 blocks = blocks_for(all, kThreads);
    const int slice_bits = int(std::bit_width(uint64_t(shape_.count - 1)));
    launch(&make_keys, blocks, dim3(kThreads), 0, stream, x_.raw(), x_.dtype(), bits(), shape_,
           arrays_.keys[0], arrays_.values[0]);
    int side = sort_pairs(arrays_, all, bits() == 32 ? 32 + slice_bits : 64, stream);
    if (bits() == 32 || slice_bits == 0) return arrays_.values[side];
    if (side == 1) {
      std::swap(arrays_.keys[0], arrays_.keys[1]);
      std::swap(arrays_.values[0], arrays_.values[1]);
    }
    launch(&make_slice_keys, blocks, dim3(kThreads), 0, stream, arrays_.values[0], shape_,
           arrays_.keys[0]);
    side = sort_pairs(arrays_, all, slice_bits, stream);
    return arrays_.values[side];
  }

 private:
  const Tensor& x_;
  ScratchPlan plan_;
  SliceShape shape_;
  SortArrays<uint64_t> arrays_;
};

Results results_of(Outputs out) {
  return {out[0].raw(), out[1].raw_as<int64_t>(), size_of(out[0].dtype())};
}

template <class Op>
size_t sort_scratch(const Op&, Inputs in, Outputs) {
  return SortedSlices(in[0].tensor(), nullptr).bytes();
}

}  // namespace

void sort_slices(CudaContext& context, const SortSlices&, Inputs in, Outputs out) {
  const Tensor& x = in[0].tensor();
  if (x.numel() == 0) return;
  SortedSlices sorted(x, context.scratch<void>());
  const uint64_t* const order = sorted.run(context.stream());
  launch(&write_sorted, blocks_for(x.numel(), kThreads), dim3(kThreads), 0, context.stream(),
         x.raw(), order, sorted.shape(), results_of(out));
}

void median_of_slices(CudaContext& context, const MedianOfSlices& op, Inputs in, Outputs out) {
  const Tensor& x = in[0].tensor();
  if (x.numel() == 0) return;
  SortedSlices sorted(x, context.scratch<void>());
  const uint64_t* const order = sorted.run(context.stream());
  launch(&find_medians, blocks_for(sorted.shape().count, kThreads), dim3(kThreads), 0,
         context.stream(), x.raw(), x.dtype(), order, sorted.shape(), op.ignores_nan, sorted.bits(),
         results_of(out));
}

void mode_of_slices(CudaContext& context, const ModeOfSlices&, Inputs in, Outputs out) {
  const Tensor& x = in[0].tensor();
  if (x.numel() == 0) return;
  SortedSlices sorted(x, context.scratch<void>());
  const uint64_t* const order = sorted.run(context.stream());
  launch(&find_modes, dim3(unsigned(sorted.shape().count)), dim3(kThreads), 0, context.stream(),
         x.raw(), x.dtype(), order, sorted.shape(), sorted.bits(), results_of(out));
}

}  // namespace entasis::cuda

namespace entasis {

void register_cuda_order_statistics(Kernels& kernels) {
  using namespace cuda;
  kernels.add_with_scratch<&sort_slices, &sort_scratch<SortSlices>>();
  kernels.add_with_scratch<&median_of_slices, &sort_scratch<MedianOfSlices>>();
  kernels.add_with_scratch<&mode_of_slices, &sort_scratch<ModeOfSlices>>();
}

}  // namespace entasis
