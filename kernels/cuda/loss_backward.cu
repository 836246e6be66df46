// The gradient of cross_entropy. Maximum and sum of each row are known, so it is pointwise: one
// read and one write, 1 to 256 lanes to a row, blocks of 256, or slices across memory as in
// softmax.cu. For a mean, a launch of 1 to 32 blocks of 256 counts the labels first.
#include <entasis/core/kernels.h>
#include <entasis/kernels/cuda/internal/launch.h>
#include <entasis/kernels/cuda/internal/reduce_labels.h>
#include <entasis/kernels/cuda/internal/reduce_row.h>
#include <entasis/kernels/cuda/internal/reduce_rows.h>

namespace entasis::cuda {
namespace {

inline constexpr int kCountThreads = 256;
inline constexpr int kCountBlocks = 32;  // at most: one for each lane of a warp
__global__ void __launch_bounds__(kCountThreads)
    count_labels(const __grid_constant__ Labels labels, const __grid_constant__ Walk<1> walk,
                 int64_t rows, int64_t* part) {
  int64_t mine = 0;
  for (int64_t i = int64_t(blockIdx.x) * kCountThreads + threadIdx.x; i < rows;
       i += int64_t(gridDim.x) * kCountThreads) {
    int64_t at[1];
    walk.offsets(i, at);
    mine += labels.raw(at[0]) != labels.ignored;
  }
  mine = block_reduce(mine, int64_t{0}, AddUp());
  if (threadIdx.x == 0) part[blockIdx.x] = mine;
}

struct BackwardOperands {
  void* out;
  void* x;
  const void* gy;
  DType gy_dtype;
  Walk<5> walk;  // of out, x, labels, gy, and the number of the row
  int64_t rows, n, out_stride, stride;
  Labels labels;
  double uniform, certain;  // the target: e / n everywhere, and 1 - e more at the label
  const void* max;
  const void* log_sum;
  const int64_t* part;  // counts for a mean, or null
  int parts;
};

// What the gradients of a row's elements have in common.
template <class C>
struct RowSlope {
  C max, log_sum, uniform, weight, certain;
  int64_t label;  // -1: all gradients are 0

  __device__ __forceinline__ C operator()(C x, int64_t place) const {
    const C g = (exp_of((x - max) - log_sum) - uniform) * weight;
    return label < 0 ? C(0) : place == label ? g - certain * weight : g;
  }
};

// All lanes of a warp take part.
template <class C>
__device__ __forceinline__ RowSlope<C> slope_of(const BackwardOperands& p,
                                                const int64_t (&offset)[5], bool reports) {
  RowSlope<C> row;
  row.weight = load_as<C>(p.gy, offset[3], p.gy_dtype);
  if (p.part != nullptr) {
    const int64_t counted = warp_reduce(int(lane_id()) < p.parts ? p.part[lane_id()] : 0, AddUp());
    row.weight = C(double(row.weight) / double(counted));
  }
  row.max = static_cast<const C*>(p.max)[offset[4]];
  row.log_sum = static_cast<const C*>(p.log_sum)[offset[4]];
  row.uniform = C(p.uniform);
  row.certain = C(p.certain);
  row.label = p.labels.of(offset[2], offset[4], reports);
  return row;
}

template <class M, int kVec>
__global__ void __launch_bounds__(kRowThreads, sizeof(M) == 8 ? 2 : 4)
    cross_entropy_backward_rows(const __grid_constant__ BackwardOperands p, int width) {
  using C = Computed<M>;
  constexpr int kInFlight = kItemsInFlight<C, kVec>;
  const int lane = int(threadIdx.x) & (width - 1);
  const int64_t row = int64_t(blockIdx.x) * (kRowThreads / width) + int(threadIdx.x) / width;
  int64_t offset[5];
  p.walk.offsets(row < p.rows ? row : p.rows - 1, offset);
  const RowSlope<C> slope = slope_of<C>(p, offset, lane == 0 && row < p.rows);
  if (row >= p.rows) return;
  const Row<M, kVec> in{static_cast<M*>(p.x) + offset[1], p.stride, p.n};
  const Row<M, kVec> out{static_cast<M*>(p.out) + offset[0], p.out_stride, p.n};
  const int64_t items = in.items();
  for (int64_t i = lane; i < items; i += kInFlight * width) {
    C x[kInFlight][kVec];
#pragma unroll
    for (int u = 0; u < kInFlight; ++u) {
      if (i + u * width < items) in.load(i + u * width, x[u], C(0));
    }
#pragma unroll
    for (int u = 0; u < kInFlight; ++u) {
      const int64_t item = i + u * width;
      if (item >= items) break;
#pragma unroll
      for (int e = 0; e < kVec; ++e) x[u][e] = slope(x[u][e], in.first(item) + e);
      out.store(item, x[u]);
    }
  }
}

template <class M>
__global__ void __launch_bounds__(kAcrossThreads, sizeof(M) == 8 ? 2 : 4)
    cross_entropy_backward_across(const __grid_constant__ BackwardOperands p, int tx) {
  using C = Computed<M>;
  const int64_t row = int64_t(blockIdx.x) * tx + (int(threadIdx.x) & (tx - 1));
  int64_t offset[5];
  p.walk.offsets(row < p.rows ? row : p.rows - 1, offset);
  const RowSlope<C> slope = slope_of<C>(p, offset, int(threadIdx.x) < tx && row < p.rows);
  if (row >= p.rows) return;
  const M* const in = static_cast<const M*>(p.x) + offset[1];
  M* const out = static_cast<M*>(p.out) + offset[0];
#pragma unroll 4
  for (int64_t i = int(threadIdx.x) / tx; i < p.n; i += kAcrossThreads / tx) {
    out[i * p.out_stride] = convert_to<M>(slope(convert_to<C>(in[i * p.stride]), i));
  }
}

// ---- Launches

size_t scratch_of_backward(const CrossEntropyBackward& op, Inputs, Outputs) {
  return op.forward.reduction == Reduction::kMean ? kCountBlocks * sizeof(int64_t) : 0;
}

}  // namespace

void cross_entropy_backward(CudaContext& context, const CrossEntropyBackward& op, Inputs in,
                            Outputs out) {
  if (out[0].numel() == 0) return;
  const Tensor &x = in[1].tensor(), &target = in[2].tensor();
  const DType dtype = out[0].dtype();
  const Dims& rows = target.shape();
  const bool none = op.forward.reduction == Reduction::kNone;
  const Dims gy_strides = none ? in[0].strides() : Dims::filled(rows.size(), 0);
  const RowPlan<2, 5> plan(x.shape(), class_dim(x.dim()), size_of(dtype), {Lie(out[0]), Lie(x)},
                           std::array<Dims, 3>{target.strides(), gy_strides, row_major(rows)});
  BackwardOperands p;
  p.out = out[0].raw();
  p.x = x.raw();
  p.gy = in[0].tensor().raw();
  p.gy_dtype = in[0].dtype();
  p.walk = plan.walk;
  p.rows = plan.rows;
  p.n = plan.n;
  p.out_stride = plan.stride[0];
  p.stride = plan.stride[1];
  p.labels = labels_of(context, op.forward, target, plan.n, class_dim(x.dim()));
  p.uniform = op.forward.label_smoothing / double(plan.n);
  p.certain = 1 - op.forward.label_smoothing;
  p.max = in[3].tensor().raw();
  p.log_sum = in[4].tensor().raw();
  p.part = nullptr;
  p.parts = power_of_two(ceil_div(plan.rows, 4 * kCountThreads), kCountBlocks);
  if (op.forward.reduction == Reduction::kMean) {
    Loops<1> loops;
    for (int d = rows.size() - 1; d >= 0; --d)
      loops.add(rows[d], std::array<int64_t, 1>{target.strides()[d]});
    loops.sort();
    loops.merge();
    int64_t* const part = context.scratch<int64_t>();
    launch(&count_labels, dim3(unsigned(p.parts)), dim3(kCountThreads), 0, context.stream(),
           p.labels, Walk<1>(loops), plan.rows, part);
    p.part = part;
  }
  dispatch_floating_point(dtype, [&]<class M>(Tag<M>) {
    if (!plan.has_neighbours) {
      const int tx = slices_for(plan.rows, plan.n);
      launch(&cross_entropy_backward_across<M>, dim3(unsigned(ceil_div(plan.rows, tx))),
             dim3(kAcrossThreads), 0, context.stream(), p, tx);
      return;
    }
    const int vec = plan.has_vectors ? kVecSize<M> : 1;
    const int width = power_of_two(ceil_div(plan.n, 4 * vec), kRowThreads);
    launch(plan.has_vectors ? &cross_entropy_backward_rows<M, kVecSize<M>>
                            : &cross_entropy_backward_rows<M, 1>,
           dim3(unsigned(ceil_div(plan.rows * width, kRowThreads))), dim3(kRowThreads), 0,
           context.stream(), p, width);
  });
}

}  // namespace entasis::cuda

namespace entasis {

void register_cuda_loss_backward(Kernels& kernels) {
  kernels.add_with_scratch<&cuda::cross_entropy_backward, &cuda::scratch_of_backward>();
}

}  // namespace entasis
