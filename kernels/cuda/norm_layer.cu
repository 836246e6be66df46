// layer_norm. Bytes moved: one read and one write; weight and bias come from the caches.
//
// Rows of up to 1024 elements: a warp takes a row, in registers, blocks of 256. Longer ones: a
// block of 256 to 1024 threads, with a copy of the row in shared memory; rows that do not fit there
// are read three times. The mean is summed in double; deviations are taken from the rounded mean,
// and what rounding left is taken out again, so nothing cancels.
#include <entasis/backends/cuda/context.h>
#include <entasis/core/kernels.h>
#include <entasis/kernels/cuda/internal/launch.h>
#include <entasis/kernels/cuda/internal/reduce_norm.h>
#include <entasis/ops/norm_internal.h>

namespace entasis::cuda {
namespace {

struct LayerNormOperands {
  void* data[2];  // output, input
  Walk<2> rows;
  Walk<1> inner[2];
  int64_t row_count, n;
  double inverse_n, eps;
  Parameter weight, bias;
  void* mean;  // of each row, and 1 / sqrt(var + eps), in the type of computation
  void* rstd;
};

struct Deviations {
  double sum, squares;  // of x - centre
};
struct AddDeviations {
  __device__ __forceinline__ Deviations operator()(const Deviations& a, const Deviations& b) const {
    return {a.sum + b.sum, a.squares + b.squares};
  }
};

// What a row is normalised by.
template <class C>
struct RowScale {
  C mean, rstd;

  __device__ __forceinline__ RowScale(C centre, const Deviations& d, const LayerNormOperands& p)
      : mean(centre) {
    const double rest = d.sum * p.inverse_n;
    const double variance = d.squares * p.inverse_n - rest * rest;
    rstd = C(::rsqrt((variance < 0 ? 0.0 : variance) + p.eps));
  }
};

// The deviations of an item's elements.
template <class R, class C>
__device__ __forceinline__ Deviations deviations_of(const R& row, int64_t item,
                                                    const C (&x)[R::kVec], C centre) {
  C distance[R::kVec], square[R::kVec];
#pragma unroll
  for (int e = 0; e < R::kVec; ++e) {
    distance[e] = row.has(item, e) ? x[e] - centre : C(0);
    square[e] = distance[e] * distance[e];
  }
  return {double(join_tree(distance, AddUp())), double(join_tree(square, AddUp()))};
}

template <class R, class C>
__device__ __forceinline__ void write_item(const LayerNormOperands& p, const R& out, int64_t item,
                                           C (&x)[R::kVec], const RowScale<C>& scale) {
  using M = typename R::Memory;
  if (!out.has(item, 0)) return;
#pragma unroll
  for (int e = 0; e < R::kVec; ++e) x[e] = (x[e] - scale.mean) * scale.rstd;
  C parameter[R::kVec];
  if (p.weight.data != nullptr) {
    p.weight.load<M>(out.first(item), parameter);
#pragma unroll
    for (int e = 0; e < R::kVec; ++e) x[e] *= parameter[e];
  }
  if (p.bias.data != nullptr) {
    p.bias.load<M>(out.first(item), parameter);
#pragma unroll
    for (int e = 0; e < R::kVec; ++e) x[e] += parameter[e];
  }
  out.store(item, x);
}

template <class C>
__device__ __forceinline__ void write_scale(const LayerNormOperands& p, int64_t row,
                                            const RowScale<C>& scale) {
  static_cast<C*>(p.mean)[row] = scale.mean;
  static_cast<C*>(p.rstd)[row] = scale.rstd;
}

template <class M, int kElements>
__global__ void __launch_bounds__(kRowThreads, 2)
    layer_norm_short(const __grid_constant__ LayerNormOperands p) {
  using C = Computed<M>;
  using R = Row<M, kVecSize<M>>;
  constexpr int kVec = R::kVec, kItems = kElements / kVec;
  const int lane = int(threadIdx.x) % int(kWarpSize);
  const int64_t number =
      int64_t(blockIdx.x) * (kRowThreads / int(kWarpSize)) + int(threadIdx.x) / int(kWarpSize);
  if (number >= p.row_count) return;  // the whole warp
  int64_t offset[2];
  p.rows.offsets(number, offset);
  const R in = norm_row<R>(p, 1, offset), out = norm_row<R>(p, 0, offset);
  C x[kItems][kVec], sum[kItems];
#pragma unroll
  for (int i = 0; i < kItems; ++i) {
    in.load(lane + i * int(kWarpSize), x[i], C(0));
    sum[i] = join_tree(x[i], AddUp());
  }
  const double total = warp_reduce(double(join_tree(sum, AddUp())), AddUp());
  const C centre = C(total * p.inverse_n);
  Deviations mine{0, 0};
#pragma unroll
  for (int i = 0; i < kItems; ++i) {
    mine = AddDeviations()(mine, deviations_of(in, lane + i * int(kWarpSize), x[i], centre));
  }
  const RowScale<C> scale(centre, warp_reduce(mine, AddDeviations()), p);
  if (lane == 0) write_scale(p, number, scale);
#pragma unroll
  for (int i = 0; i < kItems; ++i) write_item(p, out, lane + i * int(kWarpSize), x[i], scale);
}

template <class R>
__global__ void __launch_bounds__(kMaxRowThreads<Computed<typename R::Memory>>, 1)
    layer_norm_long(const __grid_constant__ LayerNormOperands p, int64_t staged) {
  using M = typename R::Memory;
  using C = Computed<M>;
  constexpr int kVec = R::kVec, kInFlight = kItemsInFlight<C, kVec>;
  DYN_SHARED(M, copy);
  int64_t offset[2];
  p.rows.offsets(blockIdx.x, offset);
  const Stage<R> stage{norm_row<R>(p, 1, offset), staged > 0 ? copy : nullptr};
  const R out = norm_row<R>(p, 0, offset);
  const int64_t items = out.items();
  double sum = 0;
  for (int64_t i = threadIdx.x; i < items; i += kInFlight * int(blockDim.x)) {
    C x[kInFlight][kVec];
#pragma unroll
    for (int u = 0; u < kInFlight; ++u) {
      if (i + u * int(blockDim.x) < items) stage.fetch(i + u * int(blockDim.x), x[u], C(0));
    }
#pragma unroll
    for (int u = 0; u < kInFlight; ++u) {
      if (i + u * int(blockDim.x) < items) sum += double(join_tree(x[u], AddUp()));
    }
  }
  const C centre = C(block_reduce(sum, 0.0, AddUp()) * p.inverse_n);
  Deviations mine{0, 0};
  for (int64_t i = threadIdx.x; i < items; i += blockDim.x) {
    C x[kVec];
    stage.load(i, x, C(0));
    mine = AddDeviations()(mine, deviations_of(stage.row, i, x, centre));
  }
  const RowScale<C> scale(centre, block_reduce(mine, Deviations{0, 0}, AddDeviations()), p);
  if (threadIdx.x == 0) write_scale(p, blockIdx.x, scale);
  for (int64_t i = threadIdx.x; i < items; i += blockDim.x) {
    C x[kVec];
    stage.load(i, x, C(0));
    write_item(p, out, i, x, scale);
  }
}

template <class R>
void run_long(CudaContext& context, const LayerNormOperands& p) {
  using M = typename R::Memory;
  int64_t staged = stage_bytes(p.n, R::kVec, sizeof(M));
  if (!fits_shared(context.device(), staged)) staged = 0;
  launch(&layer_norm_long<R>, dim3(unsigned(p.row_count)),
         dim3(unsigned(block_for<Computed<M>>(p.n / R::kVec))), size_t(staged), context.stream(), p,
         staged);
}

}  // namespace

void layer_norm(CudaContext& context, const LayerNorm& op, Inputs in, Outputs out) {
  const Tensor& x = in[0].tensor();
  const NormRows<2> plan(x.shape(), op.normalized_shape.size(), size_of(x.dtype()),
                         {Lie(out[0]), Lie(x)});
  if (plan.row_count == 0) return;
  LayerNormOperands p;
  p.data[0] = out[0].raw();
  p.data[1] = x.raw();
  p.rows = plan.rows;
  for (int k = 0; k < 2; ++k) p.inner[k] = plan.inner[k];
  p.row_count = plan.row_count;
  p.n = plan.n;
  p.inverse_n = 1 / double(plan.n);
  p.eps = op.eps;
  p.weight = Parameter(in[1]);
  p.bias = Parameter(in[2]);
  p.mean = out[1].raw();
  p.rstd = out[2].raw();
  dispatch_floating_point(x.dtype(), [&]<class M>(Tag<M>) {
    constexpr int kMany = kManyElements<Computed<M>>;
    const dim3 grid(unsigned(ceil_div(p.row_count, kRowThreads / kWarpSize)));
    if (!plan.has_vectors) {
      run_long<ScatteredRow<M>>(context, p);
    } else if (p.n <= kFewElements * kWarpSize) {
      launch(&layer_norm_short<M, kFewElements>, grid, dim3(kRowThreads), 0, context.stream(), p);
    } else if (p.n <= kMany * kWarpSize) {
      launch(&layer_norm_short<M, kMany>, grid, dim3(kRowThreads), 0, context.stream(), p);
    } else {
      run_long<Row<M, kVecSize<M>>>(context, p);
    }
  });
}

}  // namespace entasis::cuda

namespace entasis {

void register_cuda_norm_layer(Kernels& kernels) { kernels.add<&cuda::layer_norm>(); }

}  // namespace entasis
