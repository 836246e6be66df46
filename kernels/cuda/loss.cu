// cross_entropy. The input is read once, as by softmax.cu (rows in the registers of lanes, rows of
// a block, slices across memory); two numbers a row are written. Each block adds up the losses of
// its rows, and a second launch, one block of 1024, adds up those in a fixed order.
#include <entasis/core/kernels.h>
#include <entasis/kernels/cuda/internal/launch.h>
#include <entasis/kernels/cuda/internal/reduce_labels.h>
#include <entasis/kernels/cuda/internal/reduce_row.h>
#include <entasis/kernels/cuda/internal/reduce_rows.h>

namespace entasis::cuda {
namespace {

struct LossPart {
  double sum;
  int64_t counted;
};
struct AddLossParts {
  __device__ __forceinline__ LossPart operator()(const LossPart& a, const LossPart& b) const {
    return {a.sum + b.sum, a.counted + b.counted};
  }
};

struct ForwardOperands {
  void* x;
  Walk<3> walk;  // of x, labels, and the number of the row
  int64_t rows, n, stride;
  Labels labels;
  double smoothing;
  void* max;  // of each row, and the logarithm of its sum, in the type of computation
  void* log_sum;
  void* each;      // the losses, or null
  DType dtype;     // of the losses
  LossPart* part;  // of each block
};

// -(1 - e) log p[label] - e mean(log p), with log p = x - max - log_sum. Writes what belongs to the
// row.
template <class C, class M>
__device__ __forceinline__ LossPart finish_row(const ForwardOperands& p, const M* x,
                                               const int64_t (&offset)[3],
                                               const Exponentials<C>& row, double sum_x) {
  const int64_t number = offset[2];
  const C log_sum = log_of(C(row.sum));
  static_cast<C*>(p.max)[number] = row.max;
  static_cast<C*>(p.log_sum)[number] = log_sum;
  const int64_t label = p.labels.of(offset[1], number, true);
  LossPart loss{0.0, label >= 0};
  if (label >= 0) {
    const double max = double(row.max);
    double distance = max - double(convert_to<C>(x[label * p.stride]));
    if (p.smoothing != 0) {
      distance = (1 - p.smoothing) * distance + p.smoothing * (max - sum_x / double(p.n));
    }
    loss.sum = distance + double(log_sum);
  }
  if (p.each != nullptr) store_real(p.each, number, p.dtype, loss.sum);
  return loss;
}

__device__ __forceinline__ void finish_block(const ForwardOperands& p, const LossPart& mine) {
  if (p.each != nullptr) return;
  const LossPart sum = block_reduce(mine, LossPart{0, 0}, AddLossParts());
  if (threadIdx.x == 0) p.part[blockIdx.x] = sum;
}

template <class M, int kVec, int kElements>
__global__ void __launch_bounds__(kRowThreads, kVec == 1 ? 1 : 2)
    cross_entropy_short(const __grid_constant__ ForwardOperands p, int width) {
  using C = Computed<M>;
  constexpr int kItems = kElements / kVec;
  const int lane = int(threadIdx.x) & (width - 1);
  const int64_t row = int64_t(blockIdx.x) * (kRowThreads / width) + int(threadIdx.x) / width;
  int64_t offset[3];
  p.walk.offsets(row < p.rows ? row : p.rows - 1, offset);
  M* const data = static_cast<M*>(p.x) + offset[0];
  const Row<M, kVec> in{data, p.stride, p.n};
  C x[kElements];
#pragma unroll
  for (int i = 0; i < kItems; ++i) {
    C item[kVec];
    in.load(lane + i * width, item, lowest<C>());
#pragma unroll
    for (int e = 0; e < kVec; ++e) x[i * kVec + e] = item[e];
  }
  const Exponentials<C> found = row_exponentials(x, width);
  double sum_x = 0;
  if (p.smoothing != 0) {
#pragma unroll
    for (int k = 0; k < kElements; ++k) {
      if (!in.has(lane + k / kVec * width, k % kVec)) x[k] = C(0);
    }
    sum_x = join_lanes(double(join_tree(x, AddUp())), width, AddUp());
  }
  LossPart mine{0, 0};
  if (lane == 0 && row < p.rows) mine = finish_row(p, data, offset, found, sum_x);
  finish_block(p, mine);
}

template <class M, int kVec>
__global__ void __launch_bounds__(kMaxRowThreads<Computed<M>>, 1)
    cross_entropy_long(const __grid_constant__ ForwardOperands p) {
  using C = Computed<M>;
  int64_t offset[3];
  p.walk.offsets(blockIdx.x, offset);
  M* const data = static_cast<M*>(p.x) + offset[0];
  const Stage<Row<M, kVec>> in{{data, p.stride, p.n}, nullptr};
  double sum_x = 0;
  const bool smooth = p.smoothing != 0;
  const Exponentials<C> found = block_exponentials<C>(in, [&](int64_t item, const C(&x)[kVec]) {
    if (!smooth) return;
    C inside[kVec];
#pragma unroll
    for (int e = 0; e < kVec; ++e) inside[e] = in.row.has(item, e) ? x[e] : C(0);
    sum_x += double(join_tree(inside, AddUp()));
  });
  if (smooth) sum_x = block_reduce(sum_x, 0.0, AddUp());
  LossPart mine{0, 0};
  if (threadIdx.x == 0) mine = finish_row(p, data, offset, found, sum_x);
  finish_block(p, mine);
}

template <class M>
__global__ void __launch_bounds__(kAcrossThreads, 2)
    cross_entropy_across(const __grid_constant__ ForwardOperands p, int tx) {
  using C = Computed<M>;
  const int64_t row = int64_t(blockIdx.x) * tx + (int(threadIdx.x) & (tx - 1));
  int64_t offset[3];
  p.walk.offsets(row < p.rows ? row : p.rows - 1, offset);
  M* const data = static_cast<M*>(p.x) + offset[0];
  const Row<M, 1> in{data, p.stride, p.n};
  const Exponentials<C> found = across_exponentials<C>(in, tx);
  double sum_x = 0;
  if (p.smoothing != 0) {
    for (int64_t i = int(threadIdx.x) / tx; i < p.n; i += kAcrossThreads / tx) {
      sum_x += double(convert_to<C>(data[i * p.stride]));
    }
    sum_x = join_across(sum_x, tx, AddUp());
  }
  LossPart mine{0, 0};
  if (int(threadIdx.x) < tx && row < p.rows) mine = finish_row(p, data, offset, found, sum_x);
  finish_block(p, mine);
}

__global__ void __launch_bounds__(1024, 1)
    add_losses(const LossPart* part, int64_t parts, void* out, DType dtype, bool mean) {
  LossPart mine{0, 0};
  for (int64_t i = threadIdx.x; i < parts; i += blockDim.x) mine = AddLossParts()(mine, part[i]);
  const LossPart sum = block_reduce(mine, LossPart{0, 0}, AddLossParts());
  if (threadIdx.x == 0) store_real(out, 0, dtype, mean ? sum.sum / double(sum.counted) : sum.sum);
}

// ---- Launches

// How rows are shared out. Follows from the operands alone, so that scratch memory is known before.
struct Cut {
  enum { kShort, kLong, kAcross } kind;
  int vec;
  bool few;   // elements of a lane
  int width;  // lanes to a row, or slices of a block
  int64_t blocks;
};
template <int K, int L>
Cut cut_forward(const RowPlan<K, L>& plan, DType dtype) {
  Cut cut{Cut::kAcross, 1, false, 1, 0};
  if (!plan.has_neighbours) {
    cut.width = slices_for(plan.rows, plan.n);
    cut.blocks = ceil_div(plan.rows, cut.width);
    return cut;
  }
  if (plan.has_vectors) cut.vec = 16 / size_of(dtype);
  const int many = dtype == kF64 ? kManyElements<double> : kManyElements<float>;
  if (fits_warp(plan.n, cut.vec, many)) {
    cut.kind = Cut::kShort;
    cut.few = fits_warp(plan.n, cut.vec, kFewElements);
    cut.width = lanes_for(plan.n, cut.vec, cut.few ? kFewElements : many);
    cut.blocks = ceil_div(plan.rows * cut.width, kRowThreads);
  } else {
    cut.kind = Cut::kLong;
    cut.blocks = plan.rows;
  }
  return cut;
}

RowPlan<1, 3> forward_plan(Inputs in) {
  const Tensor& x = in[0].tensor();
  return RowPlan<1, 3>(x.shape(), class_dim(x.dim()), size_of(x.dtype()), {Lie(x)},
                       std::array<Dims, 2>{in[1].strides(), row_major(in[1].shape())});
}

template <class M, int kVec>
void start_forward(const ForwardOperands& p, const Cut& cut, cudaStream_t stream) {
  const dim3 grid = dim3(unsigned(cut.blocks));
  if (cut.kind == Cut::kLong) {
    launch(&cross_entropy_long<M, kVec>, grid, dim3(unsigned(block_for<Computed<M>>(p.n / kVec))),
           0, stream, p);
  } else {
    launch(cut.few ? &cross_entropy_short<M, kVec, kFewElements>
                   : &cross_entropy_short<M, kVec, kManyElements<Computed<M>>>,
           grid, dim3(kRowThreads), 0, stream, p, cut.width);
  }
}

size_t scratch_of_forward(const CrossEntropy& op, Inputs in, Outputs) {
  if (op.reduction == Reduction::kNone) return 0;
  return size_t(cut_forward(forward_plan(in), in[0].dtype()).blocks) * sizeof(LossPart);
}
}  // namespace

void cross_entropy(CudaContext& context, const CrossEntropy& op, Inputs in, Outputs out) {
  const DType dtype = in[0].dtype();
  const RowPlan<1, 3> plan = forward_plan(in);
  const Cut cut = cut_forward(plan, dtype);
  const bool none = op.reduction == Reduction::kNone;
  ForwardOperands p;
  p.x = in[0].tensor().raw();
  p.walk = plan.walk;
  p.rows = plan.rows;
  p.n = plan.n;
  p.stride = plan.stride[0];
  p.labels = labels_of(context, op, in[1].tensor(), plan.n, class_dim(in[0].dim()));
  p.smoothing = op.label_smoothing;
  p.max = out[1].raw();
  p.log_sum = out[2].raw();
  p.each = none ? out[0].raw() : nullptr;
  p.dtype = out[0].dtype();
  p.part = none ? nullptr : context.scratch<LossPart>();
  if (plan.rows > 0) {
    dispatch_floating_point(dtype, [&]<class M>(Tag<M>) {
      if (cut.kind == Cut::kAcross) {
        launch(&cross_entropy_across<M>, dim3(unsigned(cut.blocks)), dim3(kAcrossThreads), 0,
               context.stream(), p, cut.width);
      } else if (cut.vec > 1) {
        start_forward<M, kVecSize<M>>(p, cut, context.stream());
      } else {
        start_forward<M, 1>(p, cut, context.stream());
      }
    });
  }
  if (none) return;
  const int64_t parts = plan.rows > 0 ? cut.blocks : 0;
  launch(&add_losses, dim3(1), dim3(unsigned(power_of_two(std::max<int64_t>(parts, 32), 1024))), 0,
         context.stream(), p.part, parts, out[0].raw(), p.dtype, op.reduction == Reduction::kMean);
}

}  // namespace entasis::cuda

namespace entasis {

void register_cuda_loss(Kernels& kernels) {
  kernels.add_with_scratch<&cuda::cross_entropy, &cuda::scratch_of_forward>();
}

}  // namespace entasis
