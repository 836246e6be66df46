// Lookups along one dimension. embedding and index_select copy whole slices; gather moves single
// elements, and its gradient adds them back line by line: a line is all elements that differ along
// dim only, so lines never meet and one thread can add up each in index order.
#include <algorithm>
#include <vector>

#include <entasis/backends/cpu/parallel.h>
#include <entasis/core/kernels.h>
#include <entasis/kernels/cpu/internal/copy_elements.h>
#include <entasis/kernels/cpu/internal/index_slices.h>
#include <entasis/kernels/cpu/internal/strided_walk.h>
#include <entasis/kernels/cpu/internal/words.h>
#include <entasis/ops/indexing_internal.h>
#include <entasis/ops/lookup_internal.h>

namespace entasis::cpu {
namespace {

constexpr int64_t kGrain = 16 << 10;  // elements

size_t embedding_scratch(const Embedding&, Inputs in, Outputs) {
  return read_slices_scratch(in.first(1));
}
size_t index_select_scratch(const IndexSelect&, Inputs in, Outputs) {
  return read_slices_scratch(in.subspan(1));
}

template <class Word, class I>
void gather_words(const Operand& input, int dim, const Operand& index, const Tensor& out) {
  const int64_t size = input.size(dim), stride = input.strides()[dim];
  // Where an element of the output would come from if its index were 0.
  Dims base_strides = input.strides();
  base_strides[dim] = 0;
  const StridedWalk<2> walk(WalkOrder::kRowMajor, index.shape(), {&index.strides(), &base_strides});
  const int64_t index_step = walk.step(0), base_step = walk.step(1);
  const I* indices = index.data<I>();
  const Word* from = input.data<Word>();
  Word* to = out.raw_as<Word>();
  parallel_for(walk.numel(), kGrain, [&](int64_t begin, int64_t end) {
    int64_t n = begin;
    walk.runs(begin, end, [&](const auto& offsets, int64_t count) {
      for (int64_t i = 0; i < count; ++i, ++n) {
        const int64_t at = indices[offsets[0] + i * index_step];
        if (at < 0 || at >= size) throw_bad_index(at, n, dim, size);
        to[n] = from[offsets[1] + i * base_step + at * stride];
      }
    });
  });
}

template <class I>
void gather_by_size(const Operand& input, int dim, Inputs in, const Tensor& out) {
  dispatch_word(input.dtype(),
                [&]<class Word>(TypeTag<Word>) { gather_words<Word, I>(input, dim, in[1], out); });
}

Dims without(const Dims& dims, int dim) {
  Dims rest;
  for (int i = 0; i < dims.size(); ++i) {
    if (i != dim) rest.push_back(dims[i]);
  }
  return rest;
}

// Adds from[i] to sums[indices[i]], each with its step. A sum stays in a register while the next
// index is the same, as in the gradients of running extrema: a memory cell would make each addition
// wait for the store of the one before.
template <class Sum, class T, class I>
void add_by_index(Sum* sums, int64_t sum_step, const I* indices, int64_t index_step, const T* from,
                  int64_t from_step, int64_t n) {
  if (n == 0) return;
  int64_t at = int64_t(indices[0]);
  Sum sum = sums[at * sum_step];
  for (int64_t i = 0; i < n; ++i) {
    const int64_t next = int64_t(indices[i * index_step]);
    if (next != at) {
      sums[at * sum_step] = sum;
      at = next;
      sum = sums[at * sum_step];
    }
    sum += Sum(from[i * from_step]);
  }
  sums[at * sum_step] = sum;
}

// Sums of f32 and f64 are made in place; those of halves in a float line of their own.
template <class T, class I>
void scatter_lines(const Operand& gy, int dim, const Operand& index, const Tensor& out) {
  const Dims index_strides = without(index.strides(), dim);
  const Dims gy_strides = without(gy.strides(), dim);
  const Dims out_strides = without(out.strides(), dim);
  const StridedWalk<3> lines(WalkOrder::kRowMajor, without(index.shape(), dim),
                             {&index_strides, &gy_strides, &out_strides});
  const int64_t length = index.size(dim), size = out.shape()[dim];
  const int64_t index_step = index.strides()[dim], gy_step = gy.strides()[dim];
  const int64_t out_step = out.strides()[dim];
  // A line that lies side by side is cleared when its turn comes, and then in the cache.
  const bool covers = without(index.shape(), dim) == without(out.shape(), dim);
  const bool clears = covers && out_step == 1 && sizeof(T) > 2;
  if (!clears && !(covers && sizeof(T) == 2)) fill_elements(out, 0);
  const int64_t grain = std::max<int64_t>(1, kGrain / std::max({int64_t{1}, length, size}));
  parallel_for(lines.numel(), grain, [&](int64_t begin, int64_t end) {
    std::vector<float> sums(sizeof(T) == 2 ? size_t(size) : 0);
    for (int64_t line = begin; line < end; ++line) {
      const auto offsets = lines.at(line);
      const I* indices = index.data<I>() + offsets[0];
      const T* from = gy.data<T>() + offsets[1];
      T* to = out.raw_as<T>() + offsets[2];
      if constexpr (sizeof(T) == 2) {
        std::fill(sums.begin(), sums.end(), 0.0f);
        add_by_index(sums.data(), 1, indices, index_step, from, gy_step, length);
        for (int64_t i = 0; i < size; ++i) to[i * out_step] = T(sums[size_t(i)]);
      } else {
        if (clears) std::fill_n(to, size, T(0));
        add_by_index(to, out_step, indices, index_step, from, gy_step, length);
      }
    }
  });
}

template <class T>
void scatter_by_index(const GatherBackward& op, Inputs in, const Tensor& out) {
  in[1].dtype() == kI32 ? scatter_lines<T, int32_t>(in[0], int(op.dim), in[1], out)
                        : scatter_lines<T, int64_t>(in[0], int(op.dim), in[1], out);
}

}  // namespace

void embedding(CpuContext& context, const Embedding&, Inputs in, Outputs out) {
  read_slices(in[1].tensor(), in.first(1), 0, Negative::kRaises, kSkipNothing,
              context.scratch<int64_t>(), out[0]);
}

void index_select(CpuContext& context, const IndexSelect& op, Inputs in, Outputs out) {
  read_slices(in[0].tensor(), in.subspan(1), wrap_dim(op.dim, in[0].dim()), Negative::kRaises,
              kSkipNothing, context.scratch<int64_t>(), out[0]);
}

void gather(CpuContext&, const Gather& op, Inputs in, Outputs out) {
  const int dim = wrap_dim(op.dim, in[0].dim());
  in[1].dtype() == kI32 ? gather_by_size<int32_t>(in[0], dim, in, out[0])
                        : gather_by_size<int64_t>(in[0], dim, in, out[0]);
}

void gather_backward(CpuContext&, const GatherBackward& op, Inputs in, Outputs out) {
  if (in[1].numel() == 0) return fill_elements(out[0], 0);
  switch (out[0].dtype()) {
    case kF32:
      return scatter_by_index<float>(op, in, out[0]);
    case kF64:
      return scatter_by_index<double>(op, in, out[0]);
    case kF16:
      return scatter_by_index<Half>(op, in, out[0]);
    default:
      return scatter_by_index<BFloat16>(op, in, out[0]);
  }
}

}  // namespace entasis::cpu

namespace entasis {
void register_cpu_lookup(Kernels& kernels) {
  kernels.add_with_scratch<&cpu::embedding, &cpu::embedding_scratch>();
  kernels.add_with_scratch<&cpu::index_select, &cpu::index_select_scratch>();
  kernels.add<&cpu::gather>();
  kernels.add<&cpu::gather_backward>();
}
}  // namespace entasis
