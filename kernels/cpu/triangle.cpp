// Triangles of matrices, a row at a time: what belongs to the triangle is copied, the rest is zero.
// Bytes moved: n/2 elements read and n written; in place only the zeros.
#include <algorithm>

#include <entasis/backends/cpu/parallel.h>
#include <entasis/core/kernels.h>
#include <entasis/kernels/cpu/internal/copy_elements.h>
#include <entasis/kernels/cpu/internal/strided_walk.h>
#include <entasis/ops/triangle_internal.h>

namespace entasis::cpu {
namespace {

constexpr int64_t kGrain = 16 << 10;  // elements

// Calls f(TypeTag<Word>()) with an unsigned word of an element's size.
template <class F>
void dispatch_word(int bytes, F f) {
  switch (bytes) {
    case 1:
      return f(TypeTag<uint8_t>());
    case 2:
      return f(TypeTag<uint16_t>());
    case 4:
      return f(TypeTag<uint32_t>());
    default:
      return f(TypeTag<uint64_t>());
  }
}

// The strides of all dimensions but the last.
Dims without_last(Dims dims) {
  dims.pop_back();
  return dims;
}

template <class Word>
void set_zero(Word* row, int64_t stride, int64_t begin, int64_t end) {
  if (stride == 1) {
    std::fill(row + begin, row + end, Word(0));
  } else {
    for (int64_t i = begin; i < end; ++i) row[i * stride] = 0;
  }
}

}  // namespace

void triangle(CpuContext&, const Triangle& op, Inputs in, Outputs out) {
  const Tensor &to = out[0], &from = in[0].tensor();
  if (to.numel() == 0) return;
  const int last = to.dim() - 1;
  const int64_t rows = to.shape()[last - 1], columns = to.shape()[last];
  const int64_t diagonal = clamp_diagonal(op.diagonal, rows, columns);
  const bool in_place = from.raw() == to.raw();
  const int64_t step = to.strides()[last];
  // Other strides are better served by the copy of whole tensors, which turns blocks.
  const bool copies = !in_place && step == 1 && from.strides()[last] == 1;
  if (!in_place && !copies) copy_elements(from, to);
  const Dims to_strides = without_last(to.strides()), from_strides = without_last(from.strides());
  const StridedWalk<2> walk(WalkOrder::kRowMajor, without_last(to.shape()),
                            {&to_strides, &from_strides});
  const int64_t grain = std::max<int64_t>(1, kGrain / columns);
  dispatch_word(size_of(to.dtype()), [&]<class Word>(TypeTag<Word>) {
    parallel_for(walk.numel(), grain, [&](int64_t begin, int64_t end) {
      for (int64_t r = begin; r < end; ++r) {
        const TriangleRow kept = triangle_row(r % rows, columns, diagonal, op.upper);
        const auto offsets = walk.at(r);
        Word* row = to.raw_as<Word>() + offsets[0];
        if (copies) {
          const Word* source = from.raw_as<const Word>() + offsets[1];
          std::copy(source + kept.begin, source + kept.end, row + kept.begin);
        }
        set_zero(row, step, 0, kept.begin);
        set_zero(row, step, kept.end, columns);
      }
    });
  });
}

void triangle_indices(CpuContext&, const TriangleIndices& op, Inputs, Outputs out) {
  const int64_t count = out[0].shape()[1];
  if (count == 0) return;
  const auto write = [&]<class T>(TypeTag<T>) {
    T* to = out[0].raw_as<T>();
    const int64_t grain = std::max<int64_t>(1, kGrain / op.columns);
    parallel_for(op.rows, grain, [&](int64_t begin, int64_t end) {
      int64_t k = triangle_before(begin, op.columns, op.offset, op.upper);
      for (int64_t row = begin; row < end; ++row) {
        const TriangleRow range = triangle_row(row, op.columns, op.offset, op.upper);
        for (int64_t column = range.begin; column < range.end; ++column, ++k) {
          to[k] = T(row);
          to[count + k] = T(column);
        }
      }
    });
  };
  if (out[0].dtype() == kI32) {
    write(TypeTag<int32_t>());
  } else {
    write(TypeTag<int64_t>());
  }
}

}  // namespace entasis::cpu

namespace entasis {
void register_cpu_triangle(Kernels& kernels) {
  kernels.add<&cpu::triangle>();
  kernels.add<&cpu::triangle_indices>();
}
}  // namespace entasis
