// Matrix products over tensors: finds the matrices and batches in the operands' strides and hands
// them to cuBLASLt. Transposed and batched operands are taken as they are; only those whose rows
// and columns both have gaps are copied first. What follows a fully connected layer is the
// library's epilogue where it has one. Integers go through a tiled kernel of our own.
#include <algorithm>
#include <type_traits>

#include <entasis/backends/cuda/blas.h>
#include <entasis/backends/cuda/context.h>
#include <entasis/backends/cuda/devices.h>
#include <entasis/core/kernels.h>
#include <entasis/core/precision.h>
#include <entasis/kernels/cuda/internal/convert.h>
#include <entasis/kernels/cuda/internal/launch.h>
#include <entasis/kernels/cuda/internal/library_operands.h>
#include <entasis/kernels/cuda/internal/pointwise.h>
#include <entasis/ops/matmul_internal.h>

namespace entasis::cuda {
namespace {

// ---- Products as tensors show them

// [rows, columns] with any strides.
struct Matrix {
  const char* data = nullptr;
  int64_t rows = 0, columns = 0;
  int64_t row_stride = 0, column_stride = 0;

  // One of the two directions has no gaps, and the other steps over whole rows or columns.
  bool is_row_major() const {
    return (column_stride == 1 || columns == 1) && (rows == 1 || row_stride >= columns);
  }
  bool is_column_major() const {
    return (row_stride == 1 || rows == 1) && (columns == 1 || column_stride >= rows);
  }
  bool fits_blas() const { return is_row_major() || is_column_major(); }
  int64_t leading_dimension() const {
    return is_row_major() ? (rows == 1 ? columns : row_stride)
                          : (columns == 1 ? rows : column_stride);
  }
};

// Strides of one dimension of batches.
struct Batch {
  int64_t size = 1;
  int64_t a_stride = 0, b_stride = 0, c_stride = 0;
};

// C [batches.., m, n] is dense.
struct Product {
  Matrix a, b;
  char* c = nullptr;
  SmallVector<Batch, 4> batches;  // outermost first

  int64_t m() const { return a.rows; }
  int64_t n() const { return b.columns; }
  int64_t k() const { return a.columns; }
};

// What a fully connected layer's result goes through.
struct Following {
  enum Step { kNothing, kAdd, kRelu, kGelu, kGeluTanh };
  Step step = kNothing;
  Tensor other = {};     // dense: what kAdd adds
  Tensor argument = {};  // dense: what GELU was applied to, if that is to be kept
};

const char* op_of(Following::Step step) {
  constexpr const char* kNames[] = {nullptr, "add", "relu", "gelu", "gelu_tanh"};
  return kNames[step];
}

// An operand that the library cannot take, as a dense copy. Batches that are one matrix read again
// and again are copied once.
Tensor dense_copy(CudaContext& context, const Tensor& t) {
  Geometry distinct{t.shape(), t.strides(), t.storage_offset()};
  for (int d = 0; d < t.dim() - 2; ++d) {
    if (distinct.strides[d] == 0) distinct.shape[d] = 1;
  }
  const Tensor from = alias(t, distinct);
  return rearranged(context, from, Spec::dense(t.dtype(), distinct.shape));
}

// Stride of `t` along the batch dimension that is `from_right` places left of its matrix.
int64_t batch_stride(const Tensor& t, int from_right) {
  const int i = t.dim() - 3 - from_right;
  return i < 0 || t.shape()[i] == 1 ? 0 : t.strides()[i];
}

// `b` may be undefined: one for all.
void set_batches(Product& p, const Dims& out_shape, const Tensor& a, const Tensor& b) {
  int64_t c_stride = p.m() * p.n();
  SmallVector<Batch, 4> inner_first;
  for (int i = 0; i < out_shape.size() - 2; ++i) {
    const int64_t size = out_shape[out_shape.size() - 3 - i];
    inner_first.push_back(
        {size, batch_stride(a, i), b.defined() ? batch_stride(b, i) : 0, c_stride});
    c_stride *= size;
  }
  for (int i = inner_first.size() - 1; i >= 0; --i) p.batches.push_back(inner_first[i]);
}

// Drops batches of one and joins neighbours that one stride serves.
void merge_batches(Product& p) {
  SmallVector<Batch, 4> merged;
  for (const Batch& b : p.batches) {
    if (b.size == 1) continue;
    if (!merged.empty()) {
      Batch& outer = merged.back();
      if (outer.a_stride == b.size * b.a_stride && outer.b_stride == b.size * b.b_stride) {
        outer = {outer.size * b.size, b.a_stride, b.b_stride, b.c_stride};
        continue;
      }
    }
    merged.push_back(b);
  }
  p.batches = merged;
}

// Rows of A that follow each other from one batch to the next, with one B for all, are one taller
// A.
void fold_batches(Product& p) {
  while (!p.batches.empty()) {
    const Batch inner = p.batches.back();
    Matrix taller = p.a;
    if (p.m() == 1) taller.row_stride = inner.a_stride;
    taller.rows *= inner.size;
    const bool continues = p.m() == 1 || inner.a_stride == p.m() * p.a.row_stride;
    if (inner.b_stride != 0 || !continues || !taller.fits_blas()) return;
    p.a = taller;
    p.batches.pop_back();
  }
}

// ---- Floating point

// A product as calls of the library: one for each matrix outside of the largest dimension of
// batches.
struct Calls {
  Gemm gemm;
  int batch = -1;  // the dimension that each call takes as a whole
  int64_t count = 1;
};

Calls calls_of(Product& p, DType dtype) {
  fold_batches(p);
  merge_batches(p);
  Calls calls;
  Gemm& g = calls.gemm;
  g.m = p.m();
  g.n = p.n();
  g.k = p.k();
  g.lda = p.a.leading_dimension();
  g.ldb = p.b.leading_dimension();
  g.ldc = g.n;
  g.a_transposed = !p.a.is_row_major();
  g.b_transposed = !p.b.is_row_major();
  g.dtype = dtype;
  g.tf32 = g.dtype == kF32 && is_tf32_allowed();
  for (int i = 0; i < p.batches.size(); ++i) {
    calls.count *= p.batches[i].size;
    if (calls.batch < 0 || p.batches[i].size > p.batches[calls.batch].size) calls.batch = i;
  }
  if (calls.batch >= 0) {
    const Batch& batch = p.batches[calls.batch];
    calls.count /= batch.size;
    g.batches = batch.size;
    g.a_batch_stride = batch.a_stride;
    g.b_batch_stride = batch.b_stride;
    g.c_batch_stride = batch.c_stride;
  }
  return calls;
}

// The product, bias and what follows as one call; false, and nothing done, if there is none. GELU
// is the library's by its tanh formula only.
bool try_fused(CudaContext& context, const Product& p, const Calls& calls, const Tensor& out,
               const Tensor& bias, const Following& following) {
  if (calls.count != 1) return false;
  const bool adds = bias.defined();
  Gemm g = calls.gemm;
  GemmOperands o{p.a.data, p.b.data, out.raw(), adds ? bias.raw() : nullptr, nullptr, nullptr};
  switch (following.step) {
    case Following::kNothing:
    case Following::kAdd:
      g.epilogue = adds ? Epilogue::kBias : Epilogue::kNone;
      break;
    case Following::kRelu:
      g.epilogue = adds ? Epilogue::kReluBias : Epilogue::kRelu;
      break;
    case Following::kGeluTanh:
      g.epilogue = adds ? Epilogue::kGeluBias : Epilogue::kGelu;
      break;
    case Following::kGelu:
      return false;
  }
  if (following.step == Following::kAdd) {
    g.accumulate = true;
    o.added = following.other.raw();
  }
  if (following.argument.defined()) {
    g.epilogue = adds ? Epilogue::kGeluBiasKeep : Epilogue::kGeluKeep;
    if (aux_stride(g) != g.n) return false;  // the library wants gaps between rows
    o.aux = following.argument.raw();
  }
  return try_gemm(g, o, context.stream_id());
}

void run_blas(CudaContext& context, const Product& p, const Calls& calls, const Tensor& out,
              const Tensor& bias) {
  Gemm g = calls.gemm;
  if (bias.defined()) {
    fill_with_bias(context, out, bias, 1);
    g.accumulate = true;
  }
  for (int64_t call = 0; call < calls.count; ++call) {
    int64_t rest = call, a = 0, b = 0, c = 0;
    for (int i = p.batches.size() - 1; i >= 0; --i) {
      if (i == calls.batch) continue;
      const int64_t at = rest % p.batches[i].size;
      rest /= p.batches[i].size;
      a += at * p.batches[i].a_stride;
      b += at * p.batches[i].b_stride;
      c += at * p.batches[i].c_stride;
    }
    const int64_t bytes = size_of(g.dtype);
    gemm(g, {p.a.data + a * bytes, p.b.data + b * bytes, out.raw_as<char>() + c * bytes},
         context.stream_id());
  }
}

// ---- Integers

constexpr int kTile = 64;       // rows and columns of C a block computes
constexpr int kTileDepth = 16;  // of A's columns at a time
constexpr int kPerThread = 4;   // rows and columns of C a thread computes
constexpr int kThreads = (kTile / kPerThread) * (kTile / kPerThread);

// By value to the kernel.
struct IntegerProduct {
  const void *a, *b, *bias;
  void* c;
  int64_t m, n, k;
  int64_t a_row_stride, a_column_stride, b_row_stride, b_column_stride;
  int64_t row_tiles, column_tiles, tiles;  // of one product; of all
  int batch_dims;
  int64_t batch_size[kMaxDims], batch_a[kMaxDims], batch_b[kMaxDims], batch_c[kMaxDims];
};

// C = A B (+ bias) modulo 2^bits: signs do not matter, so T is unsigned, and sums are made in W, at
// least 32 bits wide.
//
// A block of 256 threads computes a tile of 64 x 64, in steps of 16 along k that go through shared
// memory (16 * 65 * 2 words of W: 8 or 17 KB); a thread keeps 4 x 4 sums in registers. Loads follow
// the operand's adjacent direction. Bytes moved: A once for every 64 columns of C, B once for every
// 64 rows, C once; 2 m n k integer operations at best. Grid: a block a tile, striding over all
// tiles of all batches.
template <class T, class W>
__global__ void __launch_bounds__(kThreads) matmul_integer_tiled(IntegerProduct p) {
  __shared__ W a_tile[kTileDepth][kTile + 1];
  __shared__ W b_tile[kTileDepth][kTile + 1];
  const int thread = int(threadIdx.x);
  const int my_row = thread / (kTile / kPerThread), my_column = thread % (kTile / kPerThread);
  for (int64_t tile = blockIdx.x; tile < p.tiles; tile += gridDim.x) {
    const T* a = static_cast<const T*>(p.a);
    const T* b = static_cast<const T*>(p.b);
    T* c = static_cast<T*>(p.c);
    const int64_t column0 = tile % p.column_tiles * kTile;
    int64_t rest = tile / p.column_tiles;
    const int64_t row0 = rest % p.row_tiles * kTile;
    rest /= p.row_tiles;
    for (int d = p.batch_dims - 1; d >= 0; --d) {
      const int64_t at = rest % p.batch_size[d];
      rest /= p.batch_size[d];
      a += at * p.batch_a[d];
      b += at * p.batch_b[d];
      c += at * p.batch_c[d];
    }
    W sum[kPerThread][kPerThread] = {};
    for (int64_t k0 = 0; k0 < p.k; k0 += kTileDepth) {
      for (int i = thread; i < kTile * kTileDepth; i += kThreads) {
        const bool by_columns = p.a_column_stride == 1;
        const int row = by_columns ? i / kTileDepth : i % kTile;
        const int depth = by_columns ? i % kTileDepth : i / kTile;
        const bool inside = row0 + row < p.m && k0 + depth < p.k;
        a_tile[depth][row] =
            inside ? W(a[(row0 + row) * p.a_row_stride + (k0 + depth) * p.a_column_stride]) : W(0);
      }
      for (int i = thread; i < kTile * kTileDepth; i += kThreads) {
        const bool by_rows = p.b_row_stride == 1 && p.b_column_stride != 1;
        const int column = by_rows ? i / kTileDepth : i % kTile;
        const int depth = by_rows ? i % kTileDepth : i / kTile;
        const bool inside = column0 + column < p.n && k0 + depth < p.k;
        b_tile[depth][column] =
            inside ? W(b[(k0 + depth) * p.b_row_stride + (column0 + column) * p.b_column_stride])
                   : W(0);
      }
      __syncthreads();
      for (int depth = 0; depth < kTileDepth; ++depth) {
        W x[kPerThread], y[kPerThread];
#pragma unroll
        for (int i = 0; i < kPerThread; ++i) {
          x[i] = a_tile[depth][my_row * kPerThread + i];
          y[i] = b_tile[depth][my_column + i * (kTile / kPerThread)];
        }
#pragma unroll
        for (int i = 0; i < kPerThread; ++i) {
#pragma unroll
          for (int j = 0; j < kPerThread; ++j) sum[i][j] += x[i] * y[j];
        }
      }
      __syncthreads();
    }
#pragma unroll
    for (int i = 0; i < kPerThread; ++i) {
#pragma unroll
      for (int j = 0; j < kPerThread; ++j) {
        const int64_t row = row0 + my_row * kPerThread + i;
        const int64_t column = column0 + my_column + j * (kTile / kPerThread);
        if (row < p.m && column < p.n) {
          W value = sum[i][j];
          if (p.bias != nullptr) value += W(static_cast<const T*>(p.bias)[column]);
          c[row * p.n + column] = T(value);
        }
      }
    }
  }
}

void run_integers(CudaContext& context, Product& p, const Tensor& out, const Tensor& bias) {
  merge_batches(p);
  IntegerProduct product{};
  product.a = p.a.data;
  product.b = p.b.data;
  product.c = p.c;
  product.bias = bias.defined() ? bias.raw() : nullptr;
  product.m = p.m();
  product.n = p.n();
  product.k = p.k();
  product.a_row_stride = p.a.row_stride;
  product.a_column_stride = p.a.column_stride;
  product.b_row_stride = p.b.row_stride;
  product.b_column_stride = p.b.column_stride;
  product.row_tiles = (p.m() + kTile - 1) / kTile;
  product.column_tiles = (p.n() + kTile - 1) / kTile;
  product.tiles = product.row_tiles * product.column_tiles;
  product.batch_dims = p.batches.size();
  for (int d = 0; d < p.batches.size(); ++d) {
    const Batch& batch = p.batches[d];
    product.tiles *= batch.size;
    product.batch_size[d] = batch.size;
    product.batch_a[d] = batch.a_stride;
    product.batch_b[d] = batch.b_stride;
    product.batch_c[d] = batch.c_stride;
  }
  const int64_t most = int64_t{32} * limits_of(context.device()).multiprocessors;
  dispatch_bits(out.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    using W = std::conditional_t<sizeof(T) == 8, uint64_t, uint32_t>;
    launch(&matmul_integer_tiled<T, W>, unsigned(std::min(product.tiles, most)), kThreads, 0,
           context.stream(), product);
  });
}

// ---- Both

Tensor dense(CudaContext& context, const Tensor& t) {
  if (!t.defined() || t.is_contiguous()) return t;
  return rearranged(context, t, Spec::dense(t.dtype(), t.shape()));
}

// Floating-point products that end in one call of the library give all at once; the others take
// what follows by the pointwise kernel of its op. `out` has elements.
void run(CudaContext& context, Product& p, const Tensor& out, const Tensor& given_bias,
         const Following& following = {}) {
  const Tensor bias = dense(context, given_bias);
  const Tensor& product = following.argument.defined() ? following.argument : out;
  p.c = product.raw_as<char>();
  if (p.k() == 0) {
    if (bias.defined()) {
      fill_with_bias(context, product, bias, 1);
    } else {
      fill_elements(product, 0, context.stream());
    }
  } else if (is_floating_point(out.dtype())) {
    const Calls calls = calls_of(p, out.dtype());
    if (try_fused(context, p, calls, out, bias, following)) return;
    run_blas(context, p, calls, product, bias);
  } else {
    run_integers(context, p, product, bias);
  }
  if (following.step == Following::kNothing) return;
  const Operand operands[] = {Operand(product), Operand(following.other)};
  const size_t count = following.other.defined() ? 2 : 1;
  run_pointwise(context, pointwise_entry(op_of(following.step)), {operands, count}, out);
}

Matrix matrix_of(const Tensor& t) {
  const int d = t.dim();
  return {t.raw_as<const char>(), t.shape()[d - 2], t.shape()[d - 1], t.strides()[d - 2],
          t.strides()[d - 1]};
}

// `t` itself where a kernel for `dtype` takes its strides.
Tensor usable(CudaContext& context, const Tensor& t) {
  const bool copies = is_floating_point(t.dtype()) && t.numel() > 0 && !matrix_of(t).fits_blas();
  return copies ? dense_copy(context, t) : t;
}

}  // namespace

void matmul(CudaContext& context, const Matmul&, Inputs in, Outputs out) {
  if (out[0].numel() == 0) return;
  const Tensor a = usable(context, in[0].tensor()), b = usable(context, in[1].tensor());
  Product p;
  p.a = matrix_of(a);
  p.b = matrix_of(b);
  set_batches(p, out[0].shape(), a, b);
  run(context, p, out[0], {});
}

namespace {

void run_linear(CudaContext& context, Inputs in, const Tensor& out, const Following& following) {
  if (out.numel() == 0) return;
  Tensor x = in[0].tensor();
  if (x.dim() == 1) x = alias(x, {{1, x.numel()}, {x.numel(), x.strides()[0]}, x.storage_offset()});
  x = usable(context, x);
  const Tensor w = usable(context, in[1].tensor());
  Product p;
  p.a = matrix_of(x);
  p.b = matrix_of(w);
  std::swap(p.b.rows, p.b.columns);
  std::swap(p.b.row_stride, p.b.column_stride);
  if (out.dim() > 2) set_batches(p, out.shape(), x, {});
  run(context, p, out, in[2].is_tensor() ? in[2].tensor() : Tensor(), following);
}

}  // namespace

void linear(CudaContext& context, const Linear&, Inputs in, Outputs out) {
  Following following;
  if (in.size() > 3) following = {Following::kAdd, dense(context, in[3].tensor())};
  run_linear(context, in, out[0], following);
}

void linear_relu(CudaContext& context, const LinearRelu&, Inputs in, Outputs out) {
  run_linear(context, in, out[0], {Following::kRelu});
}

void linear_gelu(CudaContext& context, const LinearGelu& op, Inputs in, Outputs out) {
  Following following{op.by_tanh ? Following::kGeluTanh : Following::kGelu};
  if (op.keeps_argument) following.argument = out[1];
  run_linear(context, in, out[0], following);
}

}  // namespace entasis::cuda

namespace entasis {

void register_cuda_matmul(Kernels& kernels) {
  kernels.add<&cuda::matmul>();
  kernels.add<&cuda::linear>();
  kernels.add<&cuda::linear_relu>();
  kernels.add<&cuda::linear_gelu>();
}

}  // namespace entasis
