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
  const int64_t grain = std::max<int64_t>(1, kGrain / std::max<int64_t>(1, length));
  parallel_for(lines.numel(), grain, [&](int64_t begin, int64_t end) {
    std::vector<float> sums(sizeof(T) == 2 ? size_t(size) : 0);
    for (int64_t line = begin; line < end; ++line) {
      const auto offsets = lines.at(line);
      const I* indices = index.data<I>() + offsets[0];
      const T* from = gy.data<T>() + offsets[1];
      T* to = out.raw_as<T>() + offsets[2];
      if constexpr (sizeof(T) == 2) {
        std::fill(sums.begin(), sums.end(), 0.0f);
        for (int64_t i = 0; i < length; ++i) {
          sums[size_t(indices[i * index_step])] += float(from[i * gy_step]);
        }
        for (int64_t i = 0; i < size; ++i) to[i * out_step] = T(sums[size_t(i)]);
      } else {
        for (int64_t i = 0; i < length; ++i) {
          to[int64_t(indices[i * index_step]) * out_step] += from[i * gy_step];
        }
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
  fill_elements(out[0], 0);
  if (in[1].numel() == 0) return;
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
