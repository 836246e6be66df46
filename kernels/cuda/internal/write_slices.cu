// Writes and adds slices at the places that indices name. Where places may be named several times,
// the index positions are sorted by place (sort.cu), and slices are summed in the order of the
// positions (sum_runs.cu), or the last of each place is written.
//
// put_slices: a thread writes one word, an element or up to 16 bytes of neighbours of a slice, if
// its position is the last of its place. Bytes moved: the values that count once in and once out,
// and for each position its place and number. ceil(words / 256) blocks of 256 threads.
#include <algorithm>
#include <bit>

#include <entasis/kernels/cuda/internal/grid.h>
#include <entasis/kernels/cuda/internal/index_slices.h>
#include <entasis/kernels/cuda/internal/launch.h>
#include <entasis/kernels/cuda/internal/scratch.h>
#include <entasis/kernels/cuda/internal/sort.h>
#include <entasis/kernels/cuda/internal/sum_runs.h>
#include <entasis/kernels/cuda/internal/words.h>

namespace entasis::cuda {
namespace {

constexpr int kThreads = 256;

// The sizes of [outer, range, inner] and of the index.
struct Sizes {
  int64_t positions, outer, range, inner;

  Sizes(Inputs indices, int dim, const Dims& shape) : positions(indices[0].numel()) {
    const int end = dim + int(indices.size());
    outer = count_elements(part_of(shape, 0, dim));
    range = count_elements(part_of(shape, dim, end));
    inner = count_elements(part_of(shape, end, shape.size()));
  }
  // The largest number that a kernel counts to.
  int64_t most(Repeated repeated) const {
    const int64_t slices = repeated == Repeated::kAdds ? positions / kRunTile + 1
                                                       : positions;  // that threads go through
    return std::max({positions, range + 1, slices * outer * inner});
  }
};

template <class I>
struct Scratch {
  SortArrays<I> arrays = {};
  void* partial = nullptr;

  Scratch(ScratchPlan& plan, const Sizes& sizes, Repeated repeated, DType dtype) {
    arrays.keys[0] = plan.take<I>(sizes.positions);
    if (repeated == Repeated::kNone) return;
    arrays.keys[1] = plan.take<I>(sizes.positions);
    for (I*& values : arrays.values) values = plan.take<I>(sizes.positions);
    arrays.counts = plan.take<I>(sort_counts(sizes.positions));
    if (repeated != Repeated::kAdds) return;
    partial = plan.take<char>(sum_runs_scratch(sizes.positions, sizes.outer, sizes.inner, dtype));
  }
};

// How [outer, range, inner] of the target and [outer, positions, inner] of the values lie.
template <class I>
struct PutArgs {
  DividerFor<I> columns, positions;  // words of a slice; slices of an outer index
  Walk<2, I> outer, inner;           // target, values
  Walk<1, I> indexed;                // of the target
  Walk<1, I> values;
  I words, count, range;
};

// Places are sorted, and `numbers` says whose they are; without numbers, all are apart.
template <class Word, class I>
__global__ void __launch_bounds__(kThreads)
    put_slices(const __grid_constant__ PutArgs<I> args, const I* __restrict__ places,
               const I* __restrict__ numbers, const Word* __restrict__ from,
               Word* __restrict__ to) {
  I column = I(blockIdx.x) * kThreads + threadIdx.x;
  if (column >= args.words) return;
  I position = args.columns.divide(column);
  const I outer = args.positions.divide(position);
  const I place = places[position];
  if (place >= args.range) return;  // a wrong index, which is reported
  I number = position;
  if (numbers != nullptr) {
    if (position + 1 < args.count && places[position + 1] == place) return;
    number = numbers[position];
  }
  int64_t out[2], in[2];
  args.outer.offsets(outer, out);
  args.inner.offsets(column, in);
  to[out[0] + args.indexed.offset(place) + in[0]] =
      from[out[1] + args.values.offset(number) + in[1]];
}

bool are_multiples(const Dims& strides, const Dims& shape, int64_t each) {
  for (int d = 0; d < shape.size(); ++d) {
    if (shape[d] > 1 && strides[d] % each != 0) return false;
  }
  return true;
}

Dims divided(const Dims& strides, const Dims& shape, int64_t by) {
  Dims result;
  for (int d = 0; d < shape.size(); ++d) result.push_back(shape[d] > 1 ? strides[d] / by : 0);
  return result;
}

template <class I>
void put_places(const Tensor& values, int dim, int indices, const Sizes& sizes, const I* places,
                const I* numbers, const Tensor& out, cudaStream_t stream) {
  const int end = dim + indices, behind = out.dim() - end, values_end = values.dim() - behind;
  const Dims inner_to = part_of(out.strides(), end, out.dim());
  const Dims inner_from = part_of(values.strides(), values_end, values.dim());
  Space<2> inner(WalkOrder::kRowMajor, part_of(out.shape(), end, out.dim()),
                 {&inner_to, &inner_from});
  const Dims shape_to = part_of(out.shape(), 0, end), strides_to = part_of(out.strides(), 0, end);
  const Dims shape_from = part_of(values.shape(), 0, values_end);
  const Dims strides_from = part_of(values.strides(), 0, values_end);
  // The widest word of which slices on both sides consist.
  int word = 16;
  const int element = size_of(out.dtype());
  for (; word > element; word /= 2) {
    const int64_t each = word / element;
    if (inner.can_widen(each) && are_multiples(strides_to, shape_to, each) &&
        are_multiples(strides_from, shape_from, each) &&
        reinterpret_cast<uintptr_t>(values.raw()) % size_t(word) == 0 &&
        reinterpret_cast<uintptr_t>(out.raw()) % size_t(word) == 0) {
      break;
    }
  }
  const int64_t each = word / element;
  inner.widen(each);
  const Dims to = divided(strides_to, shape_to, each);
  const Dims from = divided(strides_from, shape_from, each);
  const Dims outer_to = part_of(to, 0, dim), outer_from = part_of(from, 0, dim);
  const Dims indexed = part_of(to, dim, end), positions = part_of(from, dim, values_end);

  PutArgs<I> args;
  args.columns = DividerFor<I>(I(inner.numel()));
  args.positions = DividerFor<I>(I(sizes.positions));
  args.outer = Space<2>(WalkOrder::kRowMajor, part_of(shape_to, 0, dim), {&outer_to, &outer_from})
                   .template walk<I>();
  args.inner = inner.template walk<I>();
  args.indexed =
      Space<1>(WalkOrder::kRowMajor, part_of(shape_to, dim, end), {&indexed}).template walk<I>();
  args.values = Space<1>(WalkOrder::kRowMajor, part_of(shape_from, dim, values_end), {&positions})
                    .template walk<I>();
  const int64_t words = values.numel() / each;
  args.words = I(words);
  args.count = I(sizes.positions);
  args.range = I(sizes.range);
  dispatch_word(word, [&](auto tag) {
    using Word = typename decltype(tag)::type;
    launch(&put_slices<Word, I>, blocks_for(words, kThreads), dim3(kThreads), 0, stream, args,
           places, numbers, values.raw_as<const Word>(), out.raw_as<Word>());
  });
}

}  // namespace

size_t write_slices_scratch(Inputs indices, int dim, Repeated repeated, const Tensor& out) {
  const Sizes sizes(indices, dim, out.shape());
  return dispatch_index_type(sizes.most(repeated), [&](auto tag) {
    ScratchPlan plan;
    Scratch<typename decltype(tag)::type>(plan, sizes, repeated, out.dtype());
    return plan.bytes();
  });
}

void write_slices(const CudaContext& context, const Tensor& values, Inputs indices, int dim,
                  Repeated repeated, int64_t skip, const Tensor& out) {
  const cudaStream_t stream = context.stream();
  const int count = int(indices.size());
  const Sizes sizes(indices, dim, out.shape());
  if (sizes.positions == 0) return;
  const Dims indexed = part_of(out.shape(), dim, dim + count);
  const Indices located(indices, dim, indexed, contiguous_strides(indexed), skip);
  dispatch_index_type(sizes.most(repeated), [&](auto tag) {
    using I = typename decltype(tag)::type;
    ScratchPlan plan(context.scratch<void>());
    const Scratch<I> scratch(plan, sizes, repeated, out.dtype());
    locate<I>(indices, located, Negative::kCountsFromEnd, I(sizes.range), scratch.arrays.keys[0],
              scratch.arrays.values[0], context.index_check(), stream);
    if (values.numel() == 0) return;
    if (repeated == Repeated::kNone) {
      put_places<I>(values, dim, count, sizes, scratch.arrays.keys[0], nullptr, out, stream);
      return;
    }
    const int at =
        sort_pairs(scratch.arrays, sizes.positions, std::bit_width(uint64_t(sizes.range)), stream);
    const I* const places = scratch.arrays.keys[at];
    const I* const numbers = scratch.arrays.values[at];
    if (repeated == Repeated::kTakesLast) {
      put_places<I>(values, dim, count, sizes, places, numbers, out, stream);
      return;
    }
    SortedSlices<I> slices;
    slices.places = places;
    slices.numbers = numbers;
    slices.n = slices.slices = sizes.positions;
    slices.outer = sizes.outer;
    slices.inner = sizes.inner;
    slices.range = sizes.range;
    sum_runs(slices, out.dtype(), values.raw(), out.raw(), scratch.partial, stream);
  });
}

}  // namespace entasis::cuda
