// Counts of bins. count_elements: a block counts its share of the elements in shared memory, by
// atomic additions of integers, whose order does not show, and adds its counts to those of all;
// where the bins are too many for that, elements are counted in global memory at once. Blocks of
// 256 threads, 16 elements a thread, at most 1024 blocks, which go on in strides of the grid.
// write_counts turns the counts into the result's dtype. Bytes moved: the input once.
#include <algorithm>

#include <entasis/backends/cuda/context.h>
#include <entasis/backends/cuda/error.h>
#include <entasis/core/kernels.h>
#include <entasis/kernels/cuda/internal/convert.h>
#include <entasis/kernels/cuda/internal/grid.h>
#include <entasis/kernels/cuda/internal/launch.h>
#include <entasis/ops/histogram_internal.h>

namespace entasis::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int kPerThread = 16;
constexpr int64_t kMostBlocks = 1024;
constexpr int64_t kSharedBins = 4096;

using Count = unsigned long long;  // what atomicAdd takes

template <class M>
using Compared = std::conditional_t<std::is_same_v<M, bool>, uint8_t, Computed<M>>;

template <class M>
struct Bins {
  int64_t count;
  Compared<M> low, high;
  __device__ __forceinline__ int64_t of(M x) const {
    return bin_of(convert_to<Compared<M>>(x), count, low, high);
  }
};

template <class M, bool kShared>
__global__ void __launch_bounds__(kThreads)
    count_elements(const M* __restrict__ from, int64_t n, const Bins<M> bins,
                   Count* __restrict__ counts) {
  __shared__ uint32_t own[kShared ? kSharedBins : 1];
  if constexpr (kShared) {
    for (int64_t bin = threadIdx.x; bin < bins.count; bin += kThreads) own[bin] = 0;
    __syncthreads();
  }
  const int64_t step = int64_t{gridDim.x} * kThreads;
  for (int64_t i = int64_t{blockIdx.x} * kThreads + threadIdx.x; i < n; i += step) {
    const int64_t bin = bins.of(from[i]);
    if (bin < 0) continue;
    if constexpr (kShared) {
      atomicAdd(&own[bin], 1u);
    } else {
      atomicAdd(&counts[bin], Count{1});
    }
  }
  if constexpr (kShared) {
    __syncthreads();
    for (int64_t bin = threadIdx.x; bin < bins.count; bin += kThreads) {
      if (own[bin] != 0) atomicAdd(&counts[bin], Count{own[bin]});
    }
  }
}

template <class M>
__global__ void __launch_bounds__(kThreads)
    write_counts(const Count* __restrict__ counts, M* __restrict__ out, int64_t n) {
  const int64_t i = int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (i < n) out[i] = convert_to<M>(static_cast<uint64_t>(counts[i]));
}

size_t count_bins_scratch(const CountBins& op, Inputs, Outputs) {
  return size_t(op.bins) * sizeof(Count);
}

}  // namespace

void count_bins(CudaContext& context, const CountBins& op, Inputs in, Outputs out) {
  const int64_t n = in[0].numel();
  if (op.bins == 0) return;
  const cudaStream_t stream = context.stream();
  Count* const counts = context.scratch<Count>();
  check(cudaMemsetAsync(counts, 0, size_t(op.bins) * sizeof(Count), stream), "cudaMemsetAsync");
  const dim3 blocks(unsigned(std::clamp<int64_t>(n / (kThreads * kPerThread), 1, kMostBlocks)));
  dispatch_all(in[0].dtype(), [&](auto tag) {
    using M = typename decltype(tag)::type;
    const Bins<M> bins{op.bins, static_cast<Compared<M>>(op.low),
                       static_cast<Compared<M>>(op.high)};
    const auto kernel =
        op.bins <= kSharedBins ? &count_elements<M, true> : &count_elements<M, false>;
    launch(kernel, blocks, dim3(kThreads), 0, stream, in[0].data<M>(), n, bins, counts);
  });
  dispatch_all(out[0].dtype(), [&](auto tag) {
    using M = typename decltype(tag)::type;
    launch(&write_counts<M>, blocks_for(op.bins, kThreads), dim3(kThreads), 0, stream, counts,
           out[0].raw_as<M>(), op.bins);
  });
}

}  // namespace entasis::cuda

namespace entasis {
void register_cuda_histogram(Kernels& kernels) {
  kernels.add_with_scratch<&cuda::count_bins, &cuda::count_bins_scratch>();
}
}  // namespace entasis
