// The gradients of layer_norm. With g = gy weight and z = (x - mean) rstd of a row of n elements:
//
//   gx = (g - sum(g)/n - z sum(g z)/n) rstd,   weight: sum over rows of gy z,   bias: of gy.
//
// Rows of whole vectors, up to 8192 elements: one launch reads gy and x once and writes gx. A warp
// (rows of up to 256 elements) or a block of 128 to 512 threads keeps a row in registers and goes
// through the rows with a stride, so that each thread always has the same columns, whose sums for
// weight and bias stay in registers too; each block writes its sums once. Other rows: a block for
// each row reads it twice; a second launch adds up columns, a block of 32 columns by 8 rows, from a
// second read. Last, add_parts joins the blocks' sums in double, a block of 32 columns by 8 parts.
#include <entasis/backends/cuda/context.h>
#include <entasis/core/kernels.h>
#include <entasis/kernels/cuda/internal/launch.h>
#include <entasis/kernels/cuda/internal/reduce_norm.h>
#include <entasis/ops/norm_internal.h>

namespace entasis::cuda {
namespace {

struct BackwardOperands {
  void* data[3];  // gx (or null), gy, x
  Walk<3> rows;
  Walk<1> inner[3];
  int64_t row_count, n;
  double inverse_n;
  Parameter weight;
  const void* mean;
  const void* rstd;
  void*
      part;  // for each block n sums for weight and n for bias, in the type of computation; or null
};

struct RowSums {
  double gradient, product;  // of g, and of g z
};
struct AddRowSums {
  __device__ __forceinline__ RowSums operator()(const RowSums& a, const RowSums& b) const {
    return {a.gradient + b.gradient, a.product + b.product};
  }
};

// ---- Rows in registers

inline constexpr int kWarpElements = 8;
template <class C>
inline constexpr int kBlockElements = sizeof(C) == 8 ? 8 : 16;

// `kThreads` share a row; a block of 256 holds 8 warps or, of kThreads, one row.
template <class M, int kThreads, int kElements>
__global__ void __launch_bounds__(kThreads == 32 ? 256 : kThreads,
                                  kThreads == 32 ? 2 : 512 / kThreads)
    layer_norm_backward_rows(const __grid_constant__ BackwardOperands p) {
  using C = Computed<M>;
  using R = Row<M, kVecSize<M>>;
  constexpr int kVec = R::kVec, kItems = kElements / kVec;
  constexpr int kGroups = kThreads == 32 ? 8 : 1;
  const int lane = int(threadIdx.x) % kThreads, group = int(threadIdx.x) / kThreads;
  C weight[kItems][kVec], along_weight[kItems][kVec], along_bias[kItems][kVec];
#pragma unroll
  for (int i = 0; i < kItems; ++i) {
#pragma unroll
    for (int e = 0; e < kVec; ++e) {
      weight[i][e] = C(1);
      along_weight[i][e] = along_bias[i][e] = C(0);
    }
    const int64_t column = (lane + i * kThreads) * kVec;
    if (p.weight.data != nullptr && column < p.n) p.weight.load<M>(column, weight[i]);
  }

  for (int64_t row = int64_t(blockIdx.x) * kGroups + group; row < p.row_count;
       row += int64_t(gridDim.x) * kGroups) {
    int64_t offset[3];
    p.rows.offsets(row, offset);
    const R gy_row = norm_row<R>(p, 1, offset), x_row = norm_row<R>(p, 2, offset);
    const C mean = static_cast<const C*>(p.mean)[row], rstd = static_cast<const C*>(p.rstd)[row];
    C g[kItems][kVec], z[kItems][kVec], sum[kItems], product_sum[kItems];
#pragma unroll
    for (int i = 0; i < kItems; ++i) {
      gy_row.load(lane + i * kThreads, g[i], C(0));
      x_row.load(lane + i * kThreads, z[i], mean);
    }
#pragma unroll
    for (int i = 0; i < kItems; ++i) {
      C product[kVec];
#pragma unroll
      for (int e = 0; e < kVec; ++e) {
        z[i][e] = (z[i][e] - mean) * rstd;
        along_weight[i][e] += g[i][e] * z[i][e];
        along_bias[i][e] += g[i][e];
        g[i][e] *= weight[i][e];
        product[e] = g[i][e] * z[i][e];
      }
      sum[i] = join_tree(g[i], AddUp());
      product_sum[i] = join_tree(product, AddUp());
    }
    if (p.data[0] == nullptr) continue;
    const RowSums mine{double(join_tree(sum, AddUp())), double(join_tree(product_sum, AddUp()))};
    RowSums sums;
    if constexpr (kThreads == 32) {
      sums = warp_reduce(mine, AddRowSums());
    } else {
      sums = block_reduce(mine, RowSums{0, 0}, AddRowSums());
    }
    const C a = C(sums.gradient * p.inverse_n), b = C(sums.product * p.inverse_n);
    const R out = norm_row<R>(p, 0, offset);
#pragma unroll
    for (int i = 0; i < kItems; ++i) {
#pragma unroll
      for (int e = 0; e < kVec; ++e) g[i][e] = (g[i][e] - a - z[i][e] * b) * rstd;
      if (out.has(lane + i * kThreads, 0)) out.store(lane + i * kThreads, g[i]);
    }
  }

  if (p.part == nullptr) return;
  // The sums of the groups, one after the other, are gathered in the block's part.
  C* const part = static_cast<C*>(p.part) + int64_t(blockIdx.x) * 2 * p.n;
  for (int turn = 0; turn < kGroups; ++turn) {
    if (group == turn) {
#pragma unroll
      for (int i = 0; i < kItems; ++i) {
        const int64_t column = (lane + i * kThreads) * kVec;
        if (column >= p.n) continue;
#pragma unroll
        for (int e = 0; e < kVec; ++e) {
          C& first = part[column + e];
          C& second = part[p.n + column + e];
          first = turn == 0 ? along_weight[i][e] : first + along_weight[i][e];
          second = turn == 0 ? along_bias[i][e] : second + along_bias[i][e];
        }
      }
    }
    if (kGroups > 1) __syncthreads();
  }
}

// ---- Rows of any kind

template <class R>
__global__ void __launch_bounds__(kRowThreads, 2)
    layer_norm_backward_long(const __grid_constant__ BackwardOperands p) {
  using M = typename R::Memory;
  using C = Computed<M>;
  constexpr int kVec = R::kVec;
  const int64_t row = blockIdx.x;
  int64_t offset[3];
  p.rows.offsets(row, offset);
  const R gy_row = norm_row<R>(p, 1, offset), x_row = norm_row<R>(p, 2, offset);
  const R out = norm_row<R>(p, 0, offset);
  const C mean = static_cast<const C*>(p.mean)[row], rstd = static_cast<const C*>(p.rstd)[row];
  const int64_t items = out.items();
  const auto load = [&](int64_t i, C(&g)[kVec], C(&z)[kVec]) {
    gy_row.load(i, g, C(0));
    x_row.load(i, z, mean);
    C weight[kVec];
    if (p.weight.data != nullptr) p.weight.load<M>(out.first(i), weight);
#pragma unroll
    for (int e = 0; e < kVec; ++e) {
      z[e] = (z[e] - mean) * rstd;
      if (p.weight.data != nullptr) g[e] *= weight[e];
    }
  };
  RowSums mine{0, 0};
  for (int64_t i = threadIdx.x; i < items; i += kRowThreads) {
    C g[kVec], z[kVec], product[kVec];
    load(i, g, z);
#pragma unroll
    for (int e = 0; e < kVec; ++e) product[e] = g[e] * z[e];
    mine.gradient += double(join_tree(g, AddUp()));
    mine.product += double(join_tree(product, AddUp()));
  }
  const RowSums sums = block_reduce(mine, RowSums{0, 0}, AddRowSums());
  const C a = C(sums.gradient * p.inverse_n), b = C(sums.product * p.inverse_n);
  for (int64_t i = threadIdx.x; i < items; i += kRowThreads) {
    C g[kVec], z[kVec];
    load(i, g, z);
#pragma unroll
    for (int e = 0; e < kVec; ++e) g[e] = (g[e] - a - z[e] * b) * rstd;
    out.store(i, g);
  }
}

// blockDim is (32, 8): columns by rows. gridDim.y blocks share the rows.
template <class M>
__global__ void __launch_bounds__(kRowThreads, 2)
    layer_norm_backward_columns(const __grid_constant__ BackwardOperands p) {
  using C = Computed<M>;
  const int64_t column = int64_t(blockIdx.x) * 32 + threadIdx.x;
  double along_weight = 0, along_bias = 0;
  if (column < p.n) {
    int64_t gy_at[1], x_at[1];
    p.inner[1].offsets(column, gy_at);
    p.inner[2].offsets(column, x_at);
    for (int64_t row = int64_t(blockIdx.y) * 8 + threadIdx.y; row < p.row_count;
         row += int64_t(gridDim.y) * 8) {
      int64_t offset[3];
      p.rows.offsets(row, offset);
      const C g = convert_to<C>(static_cast<const M*>(p.data[1])[offset[1] + gy_at[0]]);
      const C x = convert_to<C>(static_cast<const M*>(p.data[2])[offset[2] + x_at[0]]);
      const C mean = static_cast<const C*>(p.mean)[row], rstd = static_cast<const C*>(p.rstd)[row];
      along_weight += double(g * ((x - mean) * rstd));
      along_bias += double(g);
    }
  }
  __shared__ double sums[2][8][32];
  sums[0][threadIdx.y][threadIdx.x] = along_weight;
  sums[1][threadIdx.y][threadIdx.x] = along_bias;
  __syncthreads();
  if (threadIdx.y > 1 || column >= p.n) return;
  double total = 0;
  for (int y = 0; y < 8; ++y) total += sums[threadIdx.y][y][threadIdx.x];
  static_cast<C*>(p.part)[(int64_t(blockIdx.y) * 2 + threadIdx.y) * p.n + column] = C(total);
}

// ---- The sums of all blocks. blockDim is (32, 8): columns by parts; blockIdx.y: weight or bias.
template <class C>
__global__ void __launch_bounds__(kRowThreads, 4)
    add_parts(const C* part, int64_t n, int parts, void* weight, void* bias, DType dtype) {
  void* const out = blockIdx.y == 0 ? weight : bias;
  if (out == nullptr) return;
  const int64_t column = int64_t(blockIdx.x) * 32 + threadIdx.x;
  double sum = 0;
  if (column < n) {
#pragma unroll 8
    for (int i = int(threadIdx.y); i < parts; i += 8) {
      sum += double(part[(int64_t(i) * 2 + blockIdx.y) * n + column]);
    }
  }
  __shared__ double sums[8][32];
  sums[threadIdx.y][threadIdx.x] = sum;
  __syncthreads();
  if (threadIdx.y != 0 || column >= n) return;
  for (int y = 1; y < 8; ++y) sum += sums[y][threadIdx.x];
  store_real(out, column, dtype, sum);
}

// ---- Launches

// How rows are shared out. Follows from shapes and strides alone, so that scratch memory is known
// before.
struct Cut {
  int threads;    // of a row kept in registers; 0: rows of any kind
  int64_t parts;  // blocks that have sums
};
Cut cut_rows(const NormRows<3>& plan, DType dtype) {
  const bool is_double = dtype == kF64;
  const int most = is_double ? kBlockElements<double> : kBlockElements<float>;
  const int64_t rows = plan.row_count, n = plan.n;
  if (!plan.has_vectors || n > 512 * most) {
    return {0, std::min<int64_t>(ceil_div(rows, 64), 64)};
  }
  if (n <= kWarpElements * kWarpSize) return {32, std::min<int64_t>(ceil_div(rows, 8), 528)};
  const int threads = power_of_two(ceil_div(n, most), 512);
  const int block = std::max(threads, 128);
  return {block, std::min<int64_t>(rows, int64_t{264} * (512 / block))};
}

NormRows<3> plan_of(const LayerNormBackward& op, Inputs in, const Tensor& gx) {
  const Tensor &gy = in[0].tensor(), &x = in[1].tensor();
  return NormRows<3>(x.shape(), op.forward.normalized_shape.size(), size_of(x.dtype()),
                     {Lie(op.wanted.input ? gx : x), Lie(gy), Lie(x)});
}

size_t scratch_of_backward(const LayerNormBackward& op, Inputs in, Outputs out) {
  if (!op.wanted.weight && !op.wanted.bias) return 0;
  const NormRows<3> plan = plan_of(op, in, out[0]);
  const DType dtype = in[1].dtype();
  const size_t element = dtype == kF64 ? sizeof(double) : sizeof(float);
  return size_t(cut_rows(plan, dtype).parts) * 2 * size_t(plan.n) * element;
}

template <class M, int kThreads, int kElements>
void start_rows(const BackwardOperands& p, int64_t blocks, cudaStream_t stream) {
  launch(&layer_norm_backward_rows<M, kThreads, kElements>, dim3(unsigned(blocks)),
         dim3(kThreads == 32 ? 256 : kThreads), 0, stream, p);
}

template <class M>
void run_rows(const BackwardOperands& p, const Cut& cut, cudaStream_t stream) {
  constexpr int kMany = kBlockElements<Computed<M>>;
  switch (cut.threads) {
    case 32:
      return start_rows<M, 32, kWarpElements>(p, cut.parts, stream);
    case 128:
      return start_rows<M, 128, kMany>(p, cut.parts, stream);
    case 256:
      return start_rows<M, 256, kMany>(p, cut.parts, stream);
    default:
      return start_rows<M, 512, kMany>(p, cut.parts, stream);
  }
}

template <class M>
void run_any(const BackwardOperands& p, const Cut& cut, bool has_vectors, cudaStream_t stream) {
  if (p.data[0] != nullptr) {
    launch(has_vectors ? &layer_norm_backward_long<Row<M, kVecSize<M>>>
                       : &layer_norm_backward_long<ScatteredRow<M>>,
           dim3(unsigned(p.row_count)), dim3(kRowThreads), 0, stream, p);
  }
  if (p.part != nullptr) {
    launch(&layer_norm_backward_columns<M>, dim3(unsigned(ceil_div(p.n, 32)), unsigned(cut.parts)),
           dim3(32, 8), 0, stream, p);
  }
}

}  // namespace

void layer_norm_backward(CudaContext& context, const LayerNormBackward& op, Inputs in,
                         Outputs out) {
  const NormRows<3> plan = plan_of(op, in, out[0]);
  const DType dtype = in[1].dtype();
  const Cut cut = cut_rows(plan, dtype);
  const bool sums = op.wanted.weight || op.wanted.bias;
  if (plan.n == 0) return;
  BackwardOperands p;
  p.data[0] = op.wanted.input ? out[0].raw() : nullptr;
  p.data[1] = in[0].tensor().raw();
  p.data[2] = in[1].tensor().raw();
  p.rows = plan.rows;
  for (int k = 0; k < 3; ++k) p.inner[k] = plan.inner[k];
  p.row_count = plan.row_count;
  p.n = plan.n;
  p.inverse_n = 1 / double(plan.n);
  p.weight = Parameter(in[2]);
  p.mean = in[3].tensor().raw();
  p.rstd = in[4].tensor().raw();
  p.part = sums ? context.scratch<void>() : nullptr;
  dispatch_floating_point(dtype, [&]<class M>(Tag<M>) {
    using C = Computed<M>;
    if (plan.row_count > 0) {
      cut.threads > 0 ? run_rows<M>(p, cut, context.stream())
                      : run_any<M>(p, cut, plan.has_vectors, context.stream());
    }
    if (!sums) return;
    const Tensor& parameter = out[op.wanted.weight ? 1 : 2];
    launch(&add_parts<C>, dim3(unsigned(ceil_div(plan.n, 32)), 2), dim3(32, 8), 0, context.stream(),
           static_cast<const C*>(p.part), plan.n, int(cut.parts),
           op.wanted.weight ? out[1].raw() : nullptr, op.wanted.bias ? out[2].raw() : nullptr,
           parameter.dtype());
  });
}

}  // namespace entasis::cuda

namespace entasis {

void register_cuda_norm_layer_backward(Kernels& kernels) {
  kernels.add_with_scratch<&cuda::layer_norm_backward, &cuda::scratch_of_backward>();
}

}  // namespace entasis
