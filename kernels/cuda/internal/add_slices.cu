// Adds slices at the places that indices name: the index positions are sorted by place (sort.cu),
// then each place's slices are summed in the order of the positions (sum_runs.cu).
#include <algorithm>
#include <bit>

#include <entasis/kernels/cuda/internal/copy_elements.h>
#include <entasis/kernels/cuda/internal/index_slices.h>
#include <entasis/kernels/cuda/internal/scratch.h>
#include <entasis/kernels/cuda/internal/sort.h>
#include <entasis/kernels/cuda/internal/sum_runs.h>

namespace entasis::cuda {
namespace {

// The sizes of [outer, range, inner] and of the index.
struct Sizes {
  int64_t positions, outer, range, inner;

  Sizes(Inputs indices, int dim, const Tensor& out) : positions(indices[0].numel()) {
    const int end = dim + int(indices.size());
    outer = count_elements(part_of(out.shape(), 0, dim));
    range = count_elements(part_of(out.shape(), dim, end));
    inner = count_elements(part_of(out.shape(), end, out.dim()));
  }
  // The largest number that a kernel counts to.
  int64_t most() const {
    return std::max({positions, range + 1, (positions / kRunTile + 1) * outer * inner});
  }
};

template <class Index>
struct Scratch {
  SortArrays<Index> arrays;
  void* partial;

  Scratch(ScratchPlan& plan, const Sizes& sizes, DType dtype) {
    for (int i = 0; i < 2; ++i) {
      arrays.keys[i] = plan.take<Index>(sizes.positions);
      arrays.values[i] = plan.take<Index>(sizes.positions);
    }
    arrays.counts = plan.take<Index>(sort_counts(sizes.positions));
    partial = plan.take<char>(sum_runs_scratch(sizes.positions, sizes.outer, sizes.inner, dtype));
  }
};

}  // namespace

size_t add_slices_scratch(Inputs indices, int dim, const Tensor& out) {
  const Sizes sizes(indices, dim, out);
  return dispatch_index_type(sizes.most(), [&](auto tag) {
    ScratchPlan plan;
    Scratch<typename decltype(tag)::type>(plan, sizes, out.dtype());
    return plan.bytes();
  });
}

void add_slices(const CudaContext& context, const Tensor& gy, Inputs indices, int dim, int64_t skip,
                const Tensor& out) {
  const cudaStream_t stream = context.stream();
  fill_elements(out, 0, stream);
  if (gy.numel() == 0) return;
  const Sizes sizes(indices, dim, out);
  const Dims indexed = part_of(out.shape(), dim, dim + int(indices.size()));
  const Indices located(indices, dim, indexed, contiguous_strides(indexed), skip);
  dispatch_index_type(sizes.most(), [&](auto tag) {
    using Index = typename decltype(tag)::type;
    ScratchPlan plan(context.scratch<void>());
    const Scratch<Index> scratch(plan, sizes, out.dtype());
    locate<Index>(indices, located, Negative::kCountsFromEnd, Index(sizes.range),
                  scratch.arrays.keys[0], scratch.arrays.values[0], context.index_check(), stream);
    const int at =
        sort_pairs(scratch.arrays, sizes.positions, std::bit_width(uint64_t(sizes.range)), stream);
    SortedSlices<Index> slices;
    slices.places = scratch.arrays.keys[at];
    slices.numbers = scratch.arrays.values[at];
    slices.n = slices.slices = sizes.positions;
    slices.outer = sizes.outer;
    slices.inner = sizes.inner;
    slices.range = sizes.range;
    sum_runs(slices, out.dtype(), gy.raw(), out.raw(), scratch.partial, stream);
  });
}

}  // namespace entasis::cuda
