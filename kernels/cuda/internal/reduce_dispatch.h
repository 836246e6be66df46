// From dtypes to the types that reductions are compiled for.
#pragma once

#include <type_traits>

#include <entasis/backends/cuda/context.h>
#include <entasis/core/kernels.h>
#include <entasis/kernels/cuda/internal/reduce_plan.h>
#include <entasis/ops/reduction_internal.h>

namespace entasis::cuda {

// Floats are computed in float or double, integers and bool in i64: sums wrap alike, and order is
// kept but for u64 (see flip_of).
template <class F>
auto with_compute_float(DType dtype, const F& f) {
  if (dtype == kF64) return f(Tag<double>());
  return f(Tag<float>());
}
template <class F>
auto with_compute_type(DType dtype, const F& f) {
  if (!is_floating_point(dtype)) return f(Tag<int64_t>());
  return with_compute_float(dtype, f);
}

// The bit that u64 must change to be ordered as i64.
constexpr int64_t flip_of(DType dtype) {
  return dtype == kU64 ? std::numeric_limits<int64_t>::min() : 0;
}

// The reducers of a fold, by the types of memory that are read as vectors.
template <class Fold, class C = typename Fold::Value>
struct ReducerTypes {
  using type = Reducer<Fold, C>;
};
template <class Fold>
struct ReducerTypes<Fold, float> {
  using type = Reducer<Fold, float, half_t, bfloat16_t>;
};
template <class Fold>
using ReducerOf = typename ReducerTypes<Fold>::type;

// ---- Kernels of ops that are one reduction
//
// `Reduction::with(op, in, out, f)` calls f(reducer, fold) with what the op comes to for its
// input's dtype. From it come the kernel and its scratch memory, so that an op is such a function
// and a line of registration.

inline int64_t count_of(const Tensor& in, DimMask dims) {
  int64_t count = 1;
  for (int d = 0; d < in.dim(); ++d) {
    if (dims >> d & 1) count *= in.shape()[d];
  }
  return count;
}

template <class Op, class Reduction>
struct ReductionKernel {
  static void run(CudaContext& context, const Op& op, Inputs in, Outputs out) {
    Reduction::with(op, in, out, [&](const auto& reducer, const auto& fold) {
      reducer.run(fold, context.scratch<void>(), context.stream());
    });
  }
  static size_t scratch(const Op& op, Inputs in, Outputs out) {
    size_t bytes = 0;
    Reduction::with(op, in, out,
                    [&](const auto& reducer, const auto&) { bytes = reducer.scratch_bytes(); });
    return bytes;
  }
};

template <class Op, class Reduction>
void add_reduction(Kernels& kernels) {
  using Kernel = ReductionKernel<Op, Reduction>;
  kernels.add_with_scratch<&Kernel::run, &Kernel::scratch>();
}

}  // namespace entasis::cuda
