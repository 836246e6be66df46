// Indices from repeats. Both phases take the running sum of the repeats (and, beside it, of those
// that are negative); the first sends the sums to the host, which waits, and in the second a thread
// an index finds its place by bisection. 256 threads a block. Bytes moved: the repeats and 16 bytes
// for each, twice; the result once.
#include <entasis/backends/cuda/context.h>
#include <entasis/backends/cuda/graph.h>
#include <entasis/core/backend.h>
#include <entasis/core/kernels.h>
#include <entasis/core/storage.h>
#include <entasis/kernels/cuda/internal/grid.h>
#include <entasis/kernels/cuda/internal/launch.h>
#include <entasis/kernels/cuda/internal/scan.h>
#include <entasis/ops/repeat_interleave_internal.h>

namespace entasis::cuda {
namespace {

constexpr int kThreads = 256;

__global__ void __launch_bounds__(kThreads)
    take_repeats(const int64_t* repeats, int64_t n, uint64_t* counts, uint64_t* negative) {
  const int64_t i = int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (i >= n) return;
  counts[i] = repeats[i] < 0 ? 0 : uint64_t(repeats[i]);
  negative[i] = repeats[i] < 0 ? 1 : 0;
}

__global__ void __launch_bounds__(kThreads)
    write_repeats(const uint64_t* before, int64_t n, int64_t* to, int64_t count) {
  const int64_t k = int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (k >= count) return;
  int64_t i = 0, beyond = n;  // before[i] <= k < before[beyond]
  while (beyond - i > 1) {
    const int64_t middle = i + (beyond - i) / 2;
    (before[middle] <= uint64_t(k) ? i : beyond) = middle;
  }
  to[k] = i;
}

// The sums of the repeats before each, and behind them those of all and how many are negative.
struct RunningSums {
  Ref<Storage> memory;
  uint64_t* before;
  uint64_t* totals;

  RunningSums(const CudaContext& context, const Operand& repeats) {
    const int64_t n = repeats.numel();
    memory = Storage::allocate(size_t(2 * n + 2) * sizeof(uint64_t),
                               Device(DeviceType::kCUDA, context.device()));
    before = static_cast<uint64_t*>(memory->data);
    totals = before + 2 * n;
    launch(&take_repeats, blocks_for(n, kThreads), dim3(kThreads), 0, context.stream(),
           repeats.data<int64_t>(), n, before, before + n);
    scan_rows(before, n, 2, totals, context.stream());
  }
};

}  // namespace

void count_repeats(CudaContext& context, const RepeatIndices&, Inputs in,
                   std::span<int64_t> counts) {
  if (in[0].numel() == 0) return;
  refuse_capture("the shape of its result depends on values");
  Backend& backend = backend_of(DeviceType::kCUDA);
  const StreamId stream = context.stream_id();
  backend.use_on_stream(*in[0].tensor().impl()->storage, stream, false);
  const RunningSums sums(context, in[0]);
  int64_t totals[2];
  backend.copy(totals, Device(), sums.totals, sums.memory->device, sizeof totals, stream, false);
  synchronize_stream(stream);
  if (totals[1] > 0) throw_negative_repeats();
  if (totals[0] < 0) throw ShapeError("the repeats add up to more than 2^63");
  counts[0] = totals[0];
}

void repeat_indices(CudaContext& context, const RepeatIndices&, Inputs in, Outputs out) {
  const int64_t count = out[0].numel();
  if (count == 0) return;
  const RunningSums sums(context, in[0]);
  launch(&write_repeats, blocks_for(count, kThreads), dim3(kThreads), 0, context.stream(),
         sums.before, in[0].numel(), out[0].raw_as<int64_t>(), count);
}

}  // namespace entasis::cuda

namespace entasis {

void register_cuda_repeat_interleave(Kernels& kernels) {
  kernels.add_two_phase<&cuda::repeat_indices, &cuda::count_repeats>();
}

}  // namespace entasis
