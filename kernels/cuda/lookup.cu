// Lookups along one dimension. embedding and index_select copy whole slices (read_slices.cu);
// gather moves single elements, and its gradient adds them back line by line: a line is all
// elements that differ along dim only.
//
// gather: a thread moves four elements, a block apart; n indices and elements read, n elements
// written. ceil(n / 1024) blocks of 256 threads.
//
// add_short_lines, for up to 8 indices a line: a thread for each index looks at the others of its
// line; the first of equal ones adds up what goes to their place, in index order. Reads hit the
// cache but for the first. ceil(n / 256) blocks of 256 threads.
//
// Longer lines: the places are sorted (sort.cu) and each place's elements summed (sum_runs.cu).
#include <algorithm>
#include <bit>

#include <entasis/backends/cuda/context.h>
#include <entasis/core/kernels.h>
#include <entasis/kernels/cuda/internal/copy_elements.h>
#include <entasis/kernels/cuda/internal/grid.h>
#include <entasis/kernels/cuda/internal/index_slices.h>
#include <entasis/kernels/cuda/internal/launch.h>
#include <entasis/kernels/cuda/internal/scratch.h>
#include <entasis/kernels/cuda/internal/sort.h>
#include <entasis/kernels/cuda/internal/sum_runs.h>
#include <entasis/ops/indexing_internal.h>
#include <entasis/ops/lookup_internal.h>

namespace entasis::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int kPerThread = 4;
constexpr int64_t kShortLine = 8;

size_t embedding_scratch(const Embedding&, Inputs in, Outputs out) {
  return read_slices_scratch(in.first(1), out[0]);
}
size_t index_select_scratch(const IndexSelect&, Inputs in, Outputs out) {
  return read_slices_scratch(in.subspan(1), out[0]);
}

// ---- Gather

// The walk is over the index, and where its elements would come from if they were 0.
template <class I>
struct GatherArgs {
  Walk<2, I> walk;
  IndexedDim dim;  // the factor is the input's stride
  IndexCheck check;
};

template <class Word, class I>
__global__ void __launch_bounds__(kThreads)
    gather_words(const Word* __restrict__ from, Word* __restrict__ to,
                 const __grid_constant__ GatherArgs<I> args, I n) {
  const I first = I(blockIdx.x) * (kThreads * kPerThread) + threadIdx.x;
  Word word[kPerThread];
#pragma unroll
  for (int u = 0; u < kPerThread; ++u) {
    const I i = first + u * kThreads;
    if (i >= n) break;
    int64_t offset[2];
    args.walk.offsets(i, offset);
    const int64_t place = check_place(args.check, int64_t(i), load_index(args.dim, offset[0]),
                                      Negative::kRaises, args.dim);
    word[u] = place < 0 ? Word(0) : from[offset[1] + place * args.dim.factor];
  }
#pragma unroll
  for (int u = 0; u < kPerThread; ++u) {
    const I i = first + u * kThreads;
    if (i >= n) return;
    to[i] = word[u];
  }
}

IndexedDim indexed_dim(const Operand& index, int dim, int64_t size, int64_t factor) {
  IndexedDim d;
  d.dim = dim;
  d.data = index.tensor().raw();
  d.wide = index.dtype() == kI64;
  d.size = size;
  d.factor = factor;
  return d;
}

// ---- Its gradient

// The walk is over the index: gy, and the place in the output but for dim.
template <class I>
struct ScatterArgs {
  Walk<3, I> walk;  // index, gy, output
  IndexedDim dim;   // the factor is the output's stride
  IndexCheck check;
};

// Line l's elements are those of the walk, which leaves out dim, plus j times the steps.
template <class M, class I>
__global__ void __launch_bounds__(kThreads)
    add_short_lines(const M* __restrict__ gy, M* __restrict__ out,
                    const __grid_constant__ ScatterArgs<I> args, int64_t index_step,
                    int64_t gy_step, int length, I n) {
  const I thread = I(blockIdx.x) * kThreads + threadIdx.x;
  if (thread >= n) return;
  // Neighbours take neighbouring lines.
  const I lines = n / I(length);
  const int mine = static_cast<int>(thread / lines);
  int64_t offset[3];
  args.walk.offsets(thread - I(mine) * lines, offset);
  auto index_at = [&](int j) { return load_index(args.dim, offset[0] + j * index_step); };
  const int64_t index = index_at(mine);
  for (int j = 0; j < mine; ++j) {
    if (index_at(j) == index) return;  // theirs
  }
  const int64_t place =
      check_place(args.check, int64_t(thread), index, Negative::kRaises, args.dim);
  if (place < 0) return;
  Computed<M> sum = 0;
  for (int j = mine; j < length; ++j) {
    if (index_at(j) == index) sum += convert_to<Computed<M>>(gy[offset[1] + j * gy_step]);
  }
  out[offset[2] + place * args.dim.factor] = convert_to<M>(sum);
}

// For each index its element's place in the output, `nowhere` if it is wrong, and in gy.
template <class Index>
__global__ void __launch_bounds__(kThreads)
    find_elements(const __grid_constant__ ScatterArgs<Index> args, Index n, Index nowhere,
                  Index* __restrict__ places, Index* __restrict__ numbers) {
  const Index i = Index(blockIdx.x) * kThreads + threadIdx.x;
  if (i >= n) return;
  int64_t offset[3];
  args.walk.offsets(i, offset);
  const int64_t place = check_place(args.check, int64_t(i), load_index(args.dim, offset[0]),
                                    Negative::kRaises, args.dim);
  places[i] = place < 0 ? nowhere : static_cast<Index>(offset[2] + place * args.dim.factor);
  numbers[i] = static_cast<Index>(offset[1]);
}

int64_t reach_of(const Operand& t) {
  int64_t reach = 1;
  for (int d = 0; d < t.dim(); ++d) reach += (t.size(d) - 1) * t.strides()[d];
  return reach;
}

// The largest number that the kernels for long lines count to.
int64_t most_of(Inputs in, const Tensor& out) {
  return std::max({in[1].numel() * 2, out.numel() + 1, reach_of(in[0])});
}

template <class Index>
struct ScatterScratch {
  SortArrays<Index> arrays;
  void* partial;

  ScatterScratch(ScratchPlan& plan, int64_t n, DType dtype) {
    for (int i = 0; i < 2; ++i) {
      arrays.keys[i] = plan.take<Index>(n);
      arrays.values[i] = plan.take<Index>(n);
    }
    arrays.counts = plan.take<Index>(sort_counts(n));
    partial = plan.take<char>(sum_runs_scratch(n, 1, 1, dtype));
  }
};

size_t gather_backward_scratch(const GatherBackward& op, Inputs in, Outputs out) {
  if (in[1].numel() == 0 || in[1].size(int(op.dim)) <= kShortLine) return 0;
  return dispatch_index_type(most_of(in, out[0]), [&](auto tag) {
    ScratchPlan plan;
    ScatterScratch<typename decltype(tag)::type>(plan, in[1].numel(), out[0].dtype());
    return plan.bytes();
  });
}

// Sizes or strides with that of `dim` replaced.
Dims replaced(Dims dims, int dim, int64_t by) {
  dims[dim] = by;
  return dims;
}

void scatter_short(CudaContext& context, int dim, Inputs in, const Tensor& out) {
  const Operand &gy = in[0], &index = in[1];
  const int64_t n = index.numel();
  const Dims out_strides = out.strides();
  const Space<3> space(WalkOrder::kRowMajor, replaced(index.shape(), dim, 1),
                       {&index.strides(), &gy.strides(), &out_strides});
  dispatch_index_type(n, [&](auto index_tag) {
    dispatch_floating_point(out.dtype(), [&](auto tag) {
      using I = typename decltype(index_tag)::type;
      using M = typename decltype(tag)::type;
      const ScatterArgs<I> args{space.template walk<I>(),
                                indexed_dim(index, dim, out.shape()[dim], out.strides()[dim]),
                                context.index_check()};
      launch(&add_short_lines<M, I>, blocks_for(n, kThreads), dim3(kThreads), 0, context.stream(),
             gy.tensor().raw_as<const M>(), out.raw_as<M>(), args, index.strides()[dim],
             gy.strides()[dim], int(index.size(dim)), I(n));
    });
  });
}

void scatter_sorted(CudaContext& context, int dim, Inputs in, const Tensor& out) {
  const Operand &gy = in[0], &index = in[1];
  const int64_t n = index.numel();
  const Dims base_strides = replaced(out.strides(), dim, 0);
  const Space<3> space(WalkOrder::kRowMajor, index.shape(),
                       {&index.strides(), &gy.strides(), &base_strides});
  dispatch_index_type(most_of(in, out), [&](auto tag) {
    using Index = typename decltype(tag)::type;
    ScratchPlan plan(context.scratch<void>());
    const ScatterScratch<Index> scratch(plan, n, out.dtype());
    const ScatterArgs<Index> args{space.template walk<Index>(),
                                  indexed_dim(index, dim, out.shape()[dim], out.strides()[dim]),
                                  context.index_check()};
    launch(&find_elements<Index>, blocks_for(n, kThreads), dim3(kThreads), 0, context.stream(),
           args, Index(n), Index(out.numel()), scratch.arrays.keys[0], scratch.arrays.values[0]);
    const int at =
        sort_pairs(scratch.arrays, n, std::bit_width(uint64_t(out.numel())), context.stream());
    SortedSlices<Index> slices;
    slices.places = scratch.arrays.keys[at];
    slices.numbers = scratch.arrays.values[at];
    slices.n = n;
    slices.range = out.numel();
    sum_runs(slices, out.dtype(), gy.tensor().raw(), out.raw(), scratch.partial, context.stream());
  });
}

}  // namespace

void embedding(CudaContext& context, const Embedding&, Inputs in, Outputs out) {
  read_slices(context, in[1].tensor(), in.first(1), 0, Negative::kRaises, kSkipNothing, out[0]);
}

void index_select(CudaContext& context, const IndexSelect& op, Inputs in, Outputs out) {
  read_slices(context, in[0].tensor(), in.subspan(1), wrap_dim(op.dim, in[0].dim()),
              Negative::kRaises, kSkipNothing, out[0]);
}

void gather(CudaContext& context, const Gather& op, Inputs in, Outputs out) {
  const Operand &input = in[0], &index = in[1];
  const int64_t n = index.numel();
  if (n == 0) return;
  const int dim = wrap_dim(op.dim, input.dim());
  const Dims base_strides = replaced(input.strides(), dim, 0);
  const Space<2> space(WalkOrder::kRowMajor, index.shape(), {&index.strides(), &base_strides});
  dispatch_index_type(n, [&](auto index_tag) {
    dispatch_bits(input.dtype(), [&](auto tag) {
      using I = typename decltype(index_tag)::type;
      using Word = typename decltype(tag)::type;
      const GatherArgs<I> args{space.template walk<I>(),
                               indexed_dim(index, dim, input.size(dim), input.strides()[dim]),
                               context.index_check()};
      launch(&gather_words<Word, I>, blocks_for(n, kThreads * kPerThread), dim3(kThreads), 0,
             context.stream(), input.tensor().raw_as<const Word>(), out[0].raw_as<Word>(), args,
             I(n));
    });
  });
}

void gather_backward(CudaContext& context, const GatherBackward& op, Inputs in, Outputs out) {
  fill_elements(out[0], 0, context.stream());
  if (in[1].numel() == 0) return;
  const int dim = int(op.dim);
  if (in[1].size(dim) <= kShortLine) {
    scatter_short(context, dim, in, out[0]);
  } else {
    scatter_sorted(context, dim, in, out[0]);
  }
}

}  // namespace entasis::cuda

namespace entasis {

void register_cuda_lookup(Kernels& kernels) {
  kernels.add_with_scratch<&cuda::embedding, &cuda::embedding_scratch>();
  kernels.add_with_scratch<&cuda::index_select, &cuda::index_select_scratch>();
  kernels.add<&cuda::gather>();
  kernels.add_with_scratch<&cuda::gather_backward, &cuda::gather_backward_scratch>();
}

}  // namespace entasis
