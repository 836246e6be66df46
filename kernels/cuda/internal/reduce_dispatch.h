// From dtypes to the types that reductions are compiled for.
#pragma once

#include <type_traits>

#include <entasis/backends/cuda/context.h>
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

}  // namespace entasis::cuda
