// What cross_entropy and its gradient share: class indices, and the numbers of rows.
#pragma once

#include <cstdint>

#include <entasis/backends/cuda/context.h>
#include <entasis/kernels/cuda/internal/index_report.h>
#include <entasis/ops/loss_internal.h>

namespace entasis::cuda {

// The class indices. What is wrong is reported and then treated as ignored.
struct Labels {
  const void* data;
  bool is_i64;
  int64_t ignored;
  int64_t classes;
  int dim;  // of the input, that holds the classes
  IndexCheck check;

  __device__ __forceinline__ int64_t raw(int64_t at) const {
    return is_i64 ? static_cast<const int64_t*>(data)[at] : static_cast<const int32_t*>(data)[at];
  }
  // The class of the row whose label lies at `at`, or -1 for a row that does not count. `reports`:
  // whether the calling thread is the one that speaks for the row.
  __device__ __forceinline__ int64_t of(int64_t at, int64_t row, bool reports) const {
    const int64_t label = raw(at);
    if (label == ignored) return -1;
    if (label >= 0 && label < classes) return label;
    if (reports) report_index(check, row, label, classes, dim);
    return -1;
  }
};

inline Labels labels_of(CudaContext& context, const CrossEntropy& op, const Tensor& target,
                        int64_t classes, int dim) {
  return {target.raw(), target.dtype() == kI64, op.ignore_index, classes,
          dim,          context.index_check()};
}

// Strides of a dense row-major tensor.
inline Dims row_major(const Dims& shape) {
  Dims strides = shape;
  int64_t step = 1;
  for (int d = shape.size() - 1; d >= 0; --d) {
    strides[d] = step;
    step *= shape[d];
  }
  return strides;
}

}  // namespace entasis::cuda
