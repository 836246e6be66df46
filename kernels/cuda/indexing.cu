// Reading and writing by index tensors, and the positions of non-zero elements.
//
// nonzero goes over its input twice, in row-major order and in chunks of 4096 elements, one for
// each block of 256 threads: count_nonzero counts a chunk's, a running sum (scan.cu) says where
// each chunk writes, and write_nonzero finds them again, 256 at a time, and writes their indices.
// Bytes moved: the input twice, the result once. The first count goes to the host, which waits for
// it.
#include <entasis/backends/cuda/context.h>
#include <entasis/backends/cuda/graph.h>
#include <entasis/core/backend.h>
#include <entasis/core/kernels.h>
#include <entasis/core/storage.h>
#include <entasis/kernels/cuda/internal/copy_elements.h>
#include <entasis/kernels/cuda/internal/grid.h>
#include <entasis/kernels/cuda/internal/index_slices.h>
#include <entasis/kernels/cuda/internal/launch.h>
#include <entasis/kernels/cuda/internal/scan.h>
#include <entasis/kernels/cuda/internal/scratch.h>
#include <entasis/ops/indexing_internal.h>

namespace entasis::cuda {
namespace {

size_t index_scratch(const IndexTensors&, Inputs in, Outputs out) {
  return read_slices_scratch(in.subspan(1), out[0]);
}
size_t index_backward_scratch(const IndexBackward& op, Inputs in, Outputs out) {
  return write_slices_scratch(in.subspan(1), int(op.dim), Repeated::kAdds, out[0]);
}
size_t index_put_scratch(const IndexPut& op, Inputs in, Outputs out) {
  return write_slices_scratch(in.subspan(2), int(op.dim), op.repeated, out[0]);
}

// ---- Nonzero

constexpr int kThreads = 256;
constexpr int kRounds = 16;
constexpr int64_t kChunk = int64_t{kThreads} * kRounds;

// An element is zero if its bits are, but for the sign of a float: `mask` takes that out.
template <class Word>
struct Elements {
  const Word* data;
  Word mask;
  Walk<1, uint64_t> walk;
  int64_t n;

  __device__ __forceinline__ bool is_nonzero(int64_t position) const {
    return position < n && (data[walk.offset(uint64_t(position))] & mask) != 0;
  }
};

template <class Word>
__global__ void __launch_bounds__(kThreads)
    count_nonzero(const __grid_constant__ Elements<Word> elements, uint64_t* counts) {
  const int64_t first = blockIdx.x * kChunk + threadIdx.x;
  uint32_t count = 0;
#pragma unroll 4
  for (int r = 0; r < kRounds; ++r) count += elements.is_nonzero(first + r * kThreads) ? 1 : 0;
  count = block_reduce(count, 0u, Plus());
  if (threadIdx.x == 0) counts[blockIdx.x] = count;
}

// The sizes of the input, innermost first.
struct Shape {
  int rank = 0;
  int64_t size[kMaxDims];
};

template <class Word>
__global__ void __launch_bounds__(kThreads)
    write_nonzero(const __grid_constant__ Elements<Word> elements,
                  const __grid_constant__ Shape shape, const uint64_t* before, int64_t* out) {
  const int64_t first = blockIdx.x * kChunk + threadIdx.x;
  uint64_t row = before[blockIdx.x];
  for (int r = 0; r < kRounds; ++r) {
    const int64_t position = first + r * kThreads;
    const bool found = elements.is_nonzero(position);
    uint32_t count = 0;
    const uint32_t place = block_sum_before(found ? 1u : 0u, count);
    if (found) {
      int64_t* const to = out + int64_t(row + place) * shape.rank;
      int64_t rest = position;
      for (int d = 0; d < shape.rank; ++d) {
        to[shape.rank - 1 - d] = d + 1 < shape.rank ? rest % shape.size[d] : rest;
        rest /= shape.size[d];
      }
    }
    row += count;
  }
}

// Calls f(elements) for the elements as unsigned words of their size.
template <class F>
void dispatch_elements(const Operand& in, const F& f) {
  dispatch_bits(in.dtype(), [&](auto tag) {
    using Word = typename decltype(tag)::type;
    const Space<1> space(WalkOrder::kRowMajor, in.shape(), {&in.strides()});
    Elements<Word> elements;
    elements.data = in.data<Word>();
    elements.mask = Word(~Word(0));
    if (is_floating_point(in.dtype())) elements.mask = Word(elements.mask >> 1);
    elements.walk = space.template walk<uint64_t>();
    elements.n = in.numel();
    f(elements);
  });
}

// What the chunks hold before each, and behind them all of them.
struct ChunkCounts {
  Ref<Storage> memory;
  uint64_t* before;
  uint64_t* total;

  ChunkCounts(const CudaContext& context, const Operand& in) {
    const int64_t chunks = (in.numel() + kChunk - 1) / kChunk;
    memory = Storage::allocate(size_t(chunks + 1) * sizeof(uint64_t),
                               Device(DeviceType::kCUDA, context.device()));
    before = static_cast<uint64_t*>(memory->data);
    total = before + chunks;
    dispatch_elements(in, [&](const auto& elements) {
      launch(&count_nonzero<std::remove_cvref_t<decltype(elements.mask)>>,
             blocks_for(elements.n, kChunk), dim3(kThreads), 0, context.stream(), elements, before);
    });
    scan_rows(before, chunks, 1, total, context.stream());
  }
};

}  // namespace

void index_tensors(CudaContext& context, const IndexTensors& op, Inputs in, Outputs out) {
  read_slices(context, in[0].tensor(), in.subspan(1), int(op.dim), Negative::kCountsFromEnd,
              op.skip, out[0]);
}

void index_backward(CudaContext& context, const IndexBackward& op, Inputs in, Outputs out) {
  fill_elements(out[0], 0, context.stream());
  write_slices(context, in[0].tensor(), in.subspan(1), int(op.dim), Repeated::kAdds, op.skip,
               out[0]);
}

void index_put(CudaContext& context, const IndexPut& op, Inputs in, Outputs out) {
  write_slices(context, in[1].tensor(), in.subspan(2), int(op.dim), op.repeated, kSkipNothing,
               out[0]);
}

void nonzero_count(CudaContext& context, const Nonzero&, Inputs in, std::span<int64_t> counts) {
  if (in[0].numel() == 0) return;
  refuse_capture("the shape of its result depends on values");
  Backend& backend = backend_of(DeviceType::kCUDA);
  const StreamId stream = context.stream_id();
  backend.use_on_stream(*in[0].tensor().impl()->storage, stream, false);
  const ChunkCounts chunks(context, in[0]);
  backend.copy(counts.data(), Device(), chunks.total, chunks.memory->device, sizeof(int64_t),
               stream, false);
  synchronize_stream(stream);
}

void nonzero(CudaContext& context, const Nonzero&, Inputs in, Outputs out) {
  if (out[0].shape()[0] == 0 || in[0].dim() == 0) return;
  const ChunkCounts chunks(context, in[0]);
  Shape shape;
  shape.rank = in[0].dim();
  for (int d = 0; d < shape.rank; ++d) shape.size[d] = in[0].shape()[shape.rank - 1 - d];
  dispatch_elements(in[0], [&](const auto& elements) {
    launch(&write_nonzero<std::remove_cvref_t<decltype(elements.mask)>>,
           blocks_for(elements.n, kChunk), dim3(kThreads), 0, context.stream(), elements, shape,
           chunks.before, out[0].raw_as<int64_t>());
  });
}

}  // namespace entasis::cuda

namespace entasis {

void register_cuda_indexing(Kernels& kernels) {
  kernels.add_with_scratch<&cuda::index_tensors, &cuda::index_scratch>();
  kernels.add_with_scratch<&cuda::index_backward, &cuda::index_backward_scratch>();
  kernels.add_with_scratch<&cuda::index_put, &cuda::index_put_scratch>();
  kernels.add_two_phase<&cuda::nonzero, &cuda::nonzero_count>();
}

}  // namespace entasis
