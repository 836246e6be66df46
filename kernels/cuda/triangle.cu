// Triangles of matrices: a thread an element, 256 threads a block. Bytes moved: n/2 elements read
// and n written; in place only the zeros. Indices: a thread finds its row by bisection over the
// number of elements before a row, which has a closed form.
#include <entasis/backends/cuda/context.h>
#include <entasis/core/kernels.h>
#include <entasis/kernels/cuda/internal/grid.h>
#include <entasis/kernels/cuda/internal/launch.h>
#include <entasis/kernels/cuda/internal/walk.h>
#include <entasis/ops/triangle_internal.h>

namespace entasis::cuda {
namespace {

constexpr int kThreads = 256;

// Matrices of [rows, columns], by their elements in row-major order. Operands: result, input.
template <class I>
struct Matrices {
  Walk<2, I> walk;
  DividerFor<I> columns, rows;
  int64_t diagonal;
  bool upper;
  I n;
};

template <class Word, class I>
__global__ void __launch_bounds__(kThreads)
    keep_triangle(Word* to, const Word* from, const __grid_constant__ Matrices<I> m) {
  const I i = I(blockIdx.x) * kThreads + threadIdx.x;
  if (i >= m.n) return;
  I column = i;
  I row = m.columns.divide(column);
  m.rows.divide(row);
  const int64_t above = int64_t(column) - int64_t(row);
  const bool kept = m.upper ? above >= m.diagonal : above <= m.diagonal;
  if (kept && from == to) return;
  int64_t offset[2];
  m.walk.offsets(i, offset);
  to[offset[0]] = kept ? from[offset[1]] : Word(0);
}

template <class T>
__global__ void __launch_bounds__(kThreads)
    write_indices(T* to, int64_t count, const TriangleIndices triangle) {
  const int64_t k = int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (k >= count) return;
  int64_t row = 0, beyond = triangle.rows;  // elements before `row` <= k < those before `beyond`
  while (beyond - row > 1) {
    const int64_t middle = row + (beyond - row) / 2;
    const bool is_below =
        triangle_before(middle, triangle.columns, triangle.offset, triangle.upper) <= k;
    (is_below ? row : beyond) = middle;
  }
  to[k] = T(row);
  to[count + k] = T(triangle_row(row, triangle.columns, triangle.offset, triangle.upper).begin + k -
                    triangle_before(row, triangle.columns, triangle.offset, triangle.upper));
}

}  // namespace

void triangle(CudaContext& context, const Triangle& op, Inputs in, Outputs out) {
  const Tensor& to = out[0];
  if (to.numel() == 0) return;
  const int64_t rows = to.shape()[to.dim() - 2], columns = to.shape()[to.dim() - 1];
  const Space<2> space(WalkOrder::kRowMajor, to.shape(), {&to.strides(), &in[0].strides()});
  dispatch_index_type(to.numel(), [&](auto tag) {
    using I = typename decltype(tag)::type;
    Matrices<I> m;
    m.walk = space.walk<I>();
    m.columns = DividerFor<I>(I(columns));
    m.rows = DividerFor<I>(I(rows));
    m.diagonal = clamp_diagonal(op.diagonal, rows, columns);
    m.upper = op.upper;
    m.n = I(to.numel());
    dispatch_bits(to.dtype(), [&](auto word_tag) {
      using Word = typename decltype(word_tag)::type;
      launch(&keep_triangle<Word, I>, blocks_for(to.numel(), kThreads), dim3(kThreads), 0,
             context.stream(), to.raw_as<Word>(), in[0].data<Word>(), m);
    });
  });
}

void triangle_indices(CudaContext& context, const TriangleIndices& op, Inputs, Outputs out) {
  const int64_t count = out[0].shape()[1];
  if (count == 0) return;
  const auto write = [&](auto tag) {
    using T = typename decltype(tag)::type;
    launch(&write_indices<T>, blocks_for(count, kThreads), dim3(kThreads), 0, context.stream(),
           out[0].raw_as<T>(), count, op);
  };
  if (out[0].dtype() == kI32) {
    write(Tag<int32_t>());
  } else {
    write(Tag<int64_t>());
  }
}

}  // namespace entasis::cuda

namespace entasis {

void register_cuda_triangle(Kernels& kernels) {
  kernels.add<&cuda::triangle>();
  kernels.add<&cuda::triangle_indices>();
}

}  // namespace entasis
