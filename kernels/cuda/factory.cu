// Ops that write a pattern into a new tensor. The values are computed in i64 or f64 and rounded
// once, so every device gives the same. A thread writes an element: 256 threads a block; n elements
// written.
#include <cmath>

#include <entasis/backends/cuda/context.h>
#include <entasis/core/kernels.h>
#include <entasis/kernels/cuda/internal/convert.h>
#include <entasis/kernels/cuda/internal/copy_elements.h>
#include <entasis/kernels/cuda/internal/grid.h>
#include <entasis/kernels/cuda/internal/launch.h>
#include <entasis/ops/factory_internal.h>

namespace entasis::cuda {
namespace {

constexpr int kThreads = 256;

struct CountUp {
  uint64_t start, step;  // i * step alone may exceed 63 bits where the sum does not
  __device__ int64_t operator()(int64_t i) const {
    return static_cast<int64_t>(start + static_cast<uint64_t>(i) * step);
  }
};
struct StepUp {
  double start, step;
  __device__ double operator()(int64_t i) const { return start + static_cast<double>(i) * step; }
};
// Evenly spaced numbers, counted from the nearer end, so that both ends are exact and the sequence
// is symmetric.
struct Between {
  double start, end, step = 0;
  int64_t last;
  Between(double start, double end, int64_t count) : start(start), end(end), last(count - 1) {
    if (last <= 0) return;
    const double distance = end - start;
    step = std::isfinite(distance) ? distance / double(last)
                                   : end / double(last) - start / double(last);
  }
  __device__ double operator()(int64_t i) const {
    return i <= last / 2 ? start + static_cast<double>(i) * step
                         : end - static_cast<double>(last - i) * step;
  }
};
struct PowerBetween {
  Between exponents;
  double base;
  __device__ double operator()(int64_t i) const { return pow(base, exponents(i)); }
};
struct One {
  __device__ int64_t operator()(int64_t) const { return 1; }
};

// Element i of a row of elements `stride` apart becomes value(i).
template <class Value>
__global__ void __launch_bounds__(kThreads)
    write_sequence(void* to, DType dtype, int64_t stride, int64_t n, const Value value) {
  const int64_t i = int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (i < n) store_as(to, i * stride, dtype, value(i));
}

template <class Value>
void launch_sequence(const Tensor& to, int64_t n, int64_t stride, const Value& value,
                     cudaStream_t stream) {
  if (n == 0) return;
  launch(&write_sequence<Value>, blocks_for(n, kThreads), dim3(kThreads), 0, stream, to.raw(),
         to.dtype(), stride, n, value);
}

}  // namespace

void arange(CudaContext& context, const Arange& op, Inputs, Outputs out) {
  const Tensor& to = out[0];
  const int64_t stride = to.strides()[0];
  if (op.start.is_floating()) {
    launch_sequence(to, to.numel(), stride, StepUp{op.start.to_double(), op.step.to_double()},
                    context.stream());
  } else {
    launch_sequence(to, to.numel(), stride,
                    CountUp{uint64_t(op.start.to_int()), uint64_t(op.step.to_int())},
                    context.stream());
  }
}

void linspace(CudaContext& context, const Linspace& op, Inputs, Outputs out) {
  const int64_t count = out[0].numel();
  launch_sequence(out[0], count, out[0].strides()[0], Between(op.start, op.end, count),
                  context.stream());
}

void logspace(CudaContext& context, const Logspace& op, Inputs, Outputs out) {
  const int64_t count = out[0].numel();
  launch_sequence(out[0], count, out[0].strides()[0],
                  PowerBetween{Between(op.start, op.end, count), op.base}, context.stream());
}

// Zeros, then the diagonal.
void eye(CudaContext& context, const Eye&, Inputs, Outputs out) {
  const Tensor& to = out[0];
  fill_elements(to, 0, context.stream());
  const int64_t rows = to.shape()[0], columns = to.shape()[1];
  launch_sequence(to, rows < columns ? rows : columns, to.strides()[0] + to.strides()[1], One{},
                  context.stream());
}

}  // namespace entasis::cuda

namespace entasis {

void register_cuda_factory(Kernels& kernels) {
  kernels.add<&cuda::arange>();
  kernels.add<&cuda::linspace>();
  kernels.add<&cuda::logspace>();
  kernels.add<&cuda::eye>();
}

}  // namespace entasis
