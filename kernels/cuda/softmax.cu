// softmax, log_softmax and their gradients. Bytes moved: each operand once; no scratch memory.
//
// Rows of neighbours, up to 1024 elements: a power of two of lanes takes a row, in registers,
// blocks of 256. Longer ones: a block of 256 to 1024 threads takes a row, the forward kernel finds
// maximum and sum in one pass. A copy in shared memory spares the second read; rows that do not fit
// are read twice (from the L2 cache, as a rule). Other dimensions: a block of 256 threads takes
// `tx` neighbouring slices, each with 256 / tx threads, whose parts are joined in shared memory;
// slices are read twice.
#include <entasis/backends/cuda/context.h>
#include <entasis/core/kernels.h>
#include <entasis/kernels/cuda/internal/launch.h>
#include <entasis/kernels/cuda/internal/reduce_row.h>
#include <entasis/kernels/cuda/internal/reduce_rows.h>
#include <entasis/ops/softmax_internal.h>

namespace entasis::cuda {
namespace {

// Operands: the result, and the input; or the gradient of the output, and the output.
template <int K>
struct SoftmaxOperands {
  void* data[K];
  Walk<K> walk;
  int64_t rows, n;
  int64_t stride[K];
  bool is_log;
};

template <class M, int kVec, int K>
__device__ __forceinline__ Row<M, kVec> row_of(const SoftmaxOperands<K>& p, int k,
                                               const int64_t (&offset)[K]) {
  return {static_cast<M*>(p.data[k]) + offset[k], p.stride[k], p.n};
}

// ---- What becomes of an element, once its row is known

template <class C>
struct Forward {
  bool is_log;
  C max, scale;  // 1 / sum, or log(sum)

  __device__ __forceinline__ Forward(const Exponentials<C>& row, bool log) : is_log(log) {
    max = row.max;
    scale = log ? log_of(C(row.sum)) : C(1) / C(row.sum);
  }
  __device__ __forceinline__ C operator()(C x) const {
    return is_log ? (x - max) - scale : exp_of(x - max) * scale;
  }
};

template <class C>
struct Backward {
  bool is_log;
  C sum;  // of gy, or of gy y

  // What an element adds to the sum.
  static __device__ __forceinline__ C term(bool is_log, C g, C y) { return is_log ? g : g * y; }
  __device__ __forceinline__ C operator()(C g, C y) const {
    return is_log ? g - exp_of(y) * sum : (g - sum) * y;
  }
};

// ---- Rows in the registers of `width` lanes

template <class M, int kVec, int kElements>
__global__ void __launch_bounds__(kRowThreads, kVec == 1 ? 1 : 2)
    softmax_short(const __grid_constant__ SoftmaxOperands<2> p, int width) {
  using C = Computed<M>;
  constexpr int kItems = kElements / kVec;
  const int lane = int(threadIdx.x) & (width - 1);
  const int64_t row = int64_t(blockIdx.x) * (kRowThreads / width) + int(threadIdx.x) / width;
  int64_t offset[2];
  p.walk.offsets(row < p.rows ? row : p.rows - 1, offset);
  const auto in = row_of<M, kVec>(p, 1, offset), out = row_of<M, kVec>(p, 0, offset);
  C x[kElements];
#pragma unroll
  for (int i = 0; i < kItems; ++i) {
    C item[kVec];
    in.load(lane + i * width, item, lowest<C>());
#pragma unroll
    for (int e = 0; e < kVec; ++e) x[i * kVec + e] = item[e];
  }
  const Forward<C> forward(row_exponentials(x, width), p.is_log);
  if (row >= p.rows) return;
#pragma unroll
  for (int i = 0; i < kItems; ++i) {
    C item[kVec];
#pragma unroll
    for (int e = 0; e < kVec; ++e) item[e] = forward(x[i * kVec + e]);
    out.store(lane + i * width, item);
  }
}

template <class M, int kVec, int kElements>
__global__ void __launch_bounds__(kRowThreads, kVec == 1 ? 1 : 2)
    softmax_backward_short(const __grid_constant__ SoftmaxOperands<3> p, int width) {
  using C = Computed<M>;
  constexpr int kItems = kElements / kVec;
  const int lane = int(threadIdx.x) & (width - 1);
  const int64_t row = int64_t(blockIdx.x) * (kRowThreads / width) + int(threadIdx.x) / width;
  int64_t offset[3];
  p.walk.offsets(row < p.rows ? row : p.rows - 1, offset);
  const auto g_row = row_of<M, kVec>(p, 1, offset), y_row = row_of<M, kVec>(p, 2, offset);
  const auto out = row_of<M, kVec>(p, 0, offset);
  C g[kElements], y[kElements], term[kElements];
#pragma unroll
  for (int i = 0; i < kItems; ++i) {
    C g_item[kVec], y_item[kVec];
    g_row.load(lane + i * width, g_item, C(0));
    y_row.load(lane + i * width, y_item, C(0));
#pragma unroll
    for (int e = 0; e < kVec; ++e) {
      const int k = i * kVec + e;
      g[k] = g_item[e];
      y[k] = y_item[e];
      term[k] = Backward<C>::term(p.is_log, g[k], y[k]);
    }
  }
  const double sum = join_lanes(double(join_tree(term, AddUp())), width, AddUp());
  const Backward<C> backward{p.is_log, C(sum)};
  if (row >= p.rows) return;
#pragma unroll
  for (int i = 0; i < kItems; ++i) {
    C item[kVec];
#pragma unroll
    for (int e = 0; e < kVec; ++e) item[e] = backward(g[i * kVec + e], y[i * kVec + e]);
    out.store(lane + i * width, item);
  }
}

// ---- Rows of a block; `staged` bytes of shared memory hold a row, or 0

template <class M, int kVec>
__global__ void __launch_bounds__(kMaxRowThreads<Computed<M>>, 1)
    softmax_long(const __grid_constant__ SoftmaxOperands<2> p, int64_t staged) {
  using C = Computed<M>;
  DYN_SHARED(M, copy);
  int64_t offset[2];
  p.walk.offsets(blockIdx.x, offset);
  const Stage<Row<M, kVec>> stage{row_of<M, kVec>(p, 1, offset), staged > 0 ? copy : nullptr};
  const auto out = row_of<M, kVec>(p, 0, offset);
  const Forward<C> forward(block_exponentials<C>(stage, [](int64_t, const C(&)[kVec]) {}),
                           p.is_log);
  const int64_t items = out.items();
  for (int64_t i = threadIdx.x; i < items; i += blockDim.x) {
    C x[kVec];
    stage.load(i, x, C(0));
#pragma unroll
    for (int e = 0; e < kVec; ++e) x[e] = forward(x[e]);
    out.store(i, x);
  }
}

template <class M, int kVec>
__global__ void __launch_bounds__(kMaxRowThreads<Computed<M>>, 1)
    softmax_backward_long(const __grid_constant__ SoftmaxOperands<3> p, int64_t staged) {
  using C = Computed<M>;
  constexpr int kInFlight = kItemsInFlight<C, kVec> > 1 ? kItemsInFlight<C, kVec> / 2 : 1;
  DYN_SHARED(unsigned char, copies);
  int64_t offset[3];
  p.walk.offsets(blockIdx.x, offset);
  const auto out = row_of<M, kVec>(p, 0, offset);
  M* const copy = staged > 0 ? reinterpret_cast<M*>(copies) : nullptr;
  M* const second = staged > 0 ? reinterpret_cast<M*>(copies + staged) : nullptr;
  const Stage<Row<M, kVec>> g_stage{row_of<M, kVec>(p, 1, offset), copy};
  const Stage<Row<M, kVec>> y_stage{row_of<M, kVec>(p, 2, offset), second};
  const int64_t items = out.items();
  double sum = 0;
  for (int64_t i = threadIdx.x; i < items; i += kInFlight * int64_t(blockDim.x)) {
    C g[kInFlight][kVec], y[kInFlight][kVec];
#pragma unroll
    for (int u = 0; u < kInFlight; ++u) {
      const int64_t item = i + u * int64_t(blockDim.x);
      if (item >= items) break;
      g_stage.fetch(item, g[u], C(0));
      y_stage.fetch(item, y[u], C(0));
    }
#pragma unroll
    for (int u = 0; u < kInFlight; ++u) {
      if (i + u * int64_t(blockDim.x) >= items) break;
      C term[kVec];
#pragma unroll
      for (int e = 0; e < kVec; ++e) term[e] = Backward<C>::term(p.is_log, g[u][e], y[u][e]);
      sum += double(join_tree(term, AddUp()));
    }
  }
  const Backward<C> backward{p.is_log, C(block_reduce(sum, 0.0, AddUp()))};
  for (int64_t i = threadIdx.x; i < items; i += blockDim.x) {
    C g[kVec], y[kVec];
    g_stage.load(i, g, C(0));
    y_stage.load(i, y, C(0));
#pragma unroll
    for (int e = 0; e < kVec; ++e) g[e] = backward(g[e], y[e]);
    out.store(i, g);
  }
}

// ---- Slices across memory, `tx` of them to a block

template <class M>
__global__ void __launch_bounds__(kAcrossThreads, 2)
    softmax_across(const __grid_constant__ SoftmaxOperands<2> p, int tx) {
  using C = Computed<M>;
  const int64_t slice = int64_t(blockIdx.x) * tx + (int(threadIdx.x) & (tx - 1));
  int64_t offset[2];
  p.walk.offsets(slice < p.rows ? slice : p.rows - 1, offset);
  const auto in = row_of<M, 1>(p, 1, offset), out = row_of<M, 1>(p, 0, offset);
  const Forward<C> forward(across_exponentials<C>(in, tx), p.is_log);
  if (slice >= p.rows) return;
  for (int64_t i = int(threadIdx.x) / tx; i < p.n; i += kAcrossThreads / tx) {
    C x[1];
    in.load(i, x, C(0));
    x[0] = forward(x[0]);
    out.store(i, x);
  }
}

template <class M>
__global__ void __launch_bounds__(kAcrossThreads, 2)
    softmax_backward_across(const __grid_constant__ SoftmaxOperands<3> p, int tx) {
  using C = Computed<M>;
  constexpr int kInFlight = 4;
  const int step = kAcrossThreads / tx, first = int(threadIdx.x) / tx;
  const int64_t slice = int64_t(blockIdx.x) * tx + (int(threadIdx.x) & (tx - 1));
  int64_t offset[3];
  p.walk.offsets(slice < p.rows ? slice : p.rows - 1, offset);
  const auto g_row = row_of<M, 1>(p, 1, offset), y_row = row_of<M, 1>(p, 2, offset);
  const auto out = row_of<M, 1>(p, 0, offset);
  double sum = 0;
  for (int64_t i = first; i < p.n; i += kInFlight * step) {
    C term[kInFlight];
#pragma unroll
    for (int u = 0; u < kInFlight; ++u) {
      C g[1], y[1];
      g_row.load(i + u * step, g, C(0));
      y_row.load(i + u * step, y, C(0));
      term[u] = Backward<C>::term(p.is_log, g[0], y[0]);
    }
    sum += double(join_tree(term, AddUp()));
  }
  const Backward<C> backward{p.is_log, C(join_across(sum, tx, AddUp()))};
  if (slice >= p.rows) return;
  for (int64_t i = first; i < p.n; i += step) {
    C g[1], y[1];
    g_row.load(i, g, C(0));
    y_row.load(i, y, C(0));
    g[0] = backward(g[0], y[0]);
    out.store(i, g);
  }
}

// ---- Launches

// The kernels for K operands.
template <int K, class M, int kVec, int kElements>
constexpr auto short_kernel() {
  if constexpr (K == 2)
    return &softmax_short<M, kVec, kElements>;
  else
    return &softmax_backward_short<M, kVec, kElements>;
}
template <int K, class M, int kVec>
constexpr auto long_kernel() {
  if constexpr (K == 2)
    return &softmax_long<M, kVec>;
  else
    return &softmax_backward_long<M, kVec>;
}
template <int K, class M>
constexpr auto across_kernel() {
  if constexpr (K == 2)
    return &softmax_across<M>;
  else
    return &softmax_backward_across<M>;
}

template <int K, class M, int kVec>
void run_rows(CudaContext& context, const SoftmaxOperands<K>& p) {
  if (fits_warp(p.n, kVec, kManyElements<Computed<M>>)) {
    const bool few = fits_warp(p.n, kVec, kFewElements);
    const int width = lanes_for(p.n, kVec, few ? kFewElements : kManyElements<Computed<M>>);
    launch(few ? short_kernel<K, M, kVec, kFewElements>()
               : short_kernel<K, M, kVec, kManyElements<Computed<M>>>(),
           dim3(unsigned(ceil_div(p.rows * width, kRowThreads))), dim3(kRowThreads), 0,
           context.stream(), p, width);
    return;
  }
  int64_t staged = stage_bytes(p.n, kVec, sizeof(M));
  if (!fits_shared(context.device(), staged * (K - 1))) staged = 0;
  launch(long_kernel<K, M, kVec>(), dim3(unsigned(p.rows)),
         dim3(unsigned(block_for<Computed<M>>(p.n / kVec))), size_t(staged) * (K - 1),
         context.stream(), p, staged);
}

template <int K, class M>
void run_across(CudaContext& context, const SoftmaxOperands<K>& p) {
  const int tx = slices_for(p.rows, p.n);
  launch(across_kernel<K, M>(), dim3(unsigned(ceil_div(p.rows, tx))), dim3(kAcrossThreads), 0,
         context.stream(), p, tx);
}

template <int K>
void run(CudaContext& context, int64_t dim, bool is_log,
         const std::array<const Tensor*, size_t(K)>& tensors) {
  const Tensor& out = *tensors[0];
  if (out.numel() == 0) return;
  std::array<Lie, size_t(K)> lies;
  for (size_t k = 0; k < K; ++k) lies[k] = Lie(*tensors[k]);
  const RowPlan<K> plan(out.shape(), wrap_dim(dim, out.dim()), size_of(out.dtype()), lies);
  SoftmaxOperands<K> p;
  p.walk = plan.walk;
  p.rows = plan.rows;
  p.n = plan.n;
  p.is_log = is_log;
  for (size_t k = 0; k < K; ++k) {
    p.data[k] = tensors[k]->raw();
    p.stride[k] = plan.stride[k];
  }
  dispatch_floating_point(out.dtype(), [&]<class M>(Tag<M>) {
    if (plan.has_vectors) return run_rows<K, M, kVecSize<M>>(context, p);
    if (plan.has_neighbours) return run_rows<K, M, 1>(context, p);
    run_across<K, M>(context, p);
  });
}

}  // namespace

void softmax(CudaContext& context, const Softmax& op, Inputs in, Outputs out) {
  run<2>(context, op.dim, false, {&out[0], &in[0].tensor()});
}

void log_softmax(CudaContext& context, const LogSoftmax& op, Inputs in, Outputs out) {
  run<2>(context, op.dim, true, {&out[0], &in[0].tensor()});
}

void softmax_backward(CudaContext& context, const SoftmaxBackward& op, Inputs in, Outputs out) {
  run<3>(context, op.dim, false, {&out[0], &in[0].tensor(), &in[1].tensor()});
}

void log_softmax_backward(CudaContext& context, const LogSoftmaxBackward& op, Inputs in,
                          Outputs out) {
  run<3>(context, op.dim, true, {&out[0], &in[0].tensor(), &in[1].tensor()});
}

}  // namespace entasis::cuda

namespace entasis {

void register_cuda_softmax(Kernels& kernels) {
  kernels.add<&cuda::softmax>();
  kernels.add<&cuda::log_softmax>();
  kernels.add<&cuda::softmax_backward>();
  kernels.add<&cuda::log_softmax_backward>();
}

}  // namespace entasis
