// Reductions on the CPU: chooses compute type, fold and converters for a dtype and runs the loops.
#include <algorithm>
#include <cstdint>
#include <type_traits>

#include <entasis/kernels/cpu/internal/simd_targets.h>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE <entasis/kernels/cpu/reduction.cpp>
#include <hwy/foreach_target.h>
// After foreach_target.
#include <hwy/highway.h>

#include <entasis/kernels/cpu/internal/reduce_fold-inl.h>

HWY_BEFORE_NAMESPACE();
namespace entasis::cpu::HWY_NAMESPACE {

const ReduceTarget& reduce_target() {
  static constexpr ReduceTarget kTarget = {
      fold_functions<SumFold, float>(),
      fold_functions<SumFold, double>(),
      fold_functions<SumFold, int64_t>(),
  };
  return kTarget;
}

}  // namespace entasis::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include <entasis/core/kernels.h>
#include <entasis/kernels/cpu/internal/reduce_loops.h>
#include <entasis/ops/reduction_internal.h>

namespace entasis::cpu {
namespace {

HWY_EXPORT(reduce_target);

const ReduceTarget& target() { return HWY_DYNAMIC_DISPATCH(reduce_target)(); }

// The type that elements of T are computed in.
template <class T>
using ComputeType =
    std::conditional_t<std::is_same_v<T, double>, double,
                       std::conditional_t<std::is_integral_v<T>, int64_t, float>>;

template <class T>
void fill(const void* from, int64_t rows, int64_t row_stride, int64_t n, int64_t stride,
          void* tile) {
  using C = ComputeType<T>;
  auto* to = static_cast<C*>(tile);
  for (int64_t r = 0; r < rows; ++r, to += n) {
    const T* row = static_cast<const T*>(from) + r * row_stride;
    if (stride == 1) {
      for (int64_t i = 0; i < n; ++i) to[i] = convert<C>(row[i]);
    } else {
      for (int64_t i = 0; i < n; ++i) to[i] = convert<C>(row[i * stride]);
    }
  }
}

ReduceInput input_of(const Tensor& in) {
  return dispatch_dtype(in.dtype(), [&]<class T>(TypeTag<T>) -> ReduceInput {
    return {in.raw(), sizeof(T), std::is_same_v<T, ComputeType<T>>, &fill<T>};
  });
}

template <class To, class A>
void put(const A* values, int64_t n, double divisor, void* data, int64_t at, int64_t stride) {
  To* to = static_cast<To*>(data) + at;
  for (int64_t i = 0; i < n; ++i) {
    if constexpr (std::is_same_v<A, double>) {
      to[i * stride] = convert<To>(values[i] / divisor);
    } else {
      to[i * stride] = convert<To>(values[i]);
    }
  }
}

// Floats come from doubles, integers from i64: rules let no other pair through.
template <class A>
ReduceOutput<A> output_of(Tensor& out, double divisor) {
  return dispatch_dtype(out.dtype(), [&]<class To>(TypeTag<To>) -> ReduceOutput<A> {
    if constexpr (std::is_integral_v<To> == std::is_integral_v<A>) {
      return {out.raw(), divisor, &put<To, A>};
    } else {
      throw_unsupported_dtype(out.dtype());
    }
  });
}

template <class C>
void reduce_as(const FoldFunctions<C>& fold, const ReducePlan& plan, const Operand& in,
               double divisor, Tensor& out) {
  Reducer<C>(plan, fold, input_of(in.tensor()), output_of<Wide<C>>(out, divisor)).run();
}

void sum_over(DimMask dims, const Operand& in, bool mean, Tensor& out) {
  const ReducePlan plan(in.shape(), in.strides(), dims);
  const double divisor = mean ? double(plan.elements) : 1.0;
  if (in.dtype() == kF64) {
    reduce_as(target().sum_f64, plan, in, divisor, out);
  } else if (is_floating_point(in.dtype())) {
    reduce_as(target().sum_f32, plan, in, divisor, out);
  } else {
    reduce_as(target().sum_i64, plan, in, divisor, out);
  }
}

}  // namespace

void sum(CpuContext&, const Sum& op, Inputs in, Outputs out) {
  sum_over(reduced_dims(op.dim, in[0].dim()), in[0], false, out[0]);
}

void mean(CpuContext&, const Mean& op, Inputs in, Outputs out) {
  sum_over(reduced_dims(op.dim, in[0].dim()), in[0], true, out[0]);
}

void sum_to(CpuContext&, const SumTo& op, Inputs in, Outputs out) {
  sum_over(summed_dims(in[0].shape(), op.shape), in[0], false, out[0]);
}

}  // namespace entasis::cpu

namespace entasis {

void register_cpu_reduction(Kernels& kernels) {
  kernels.add<&cpu::sum>();
  kernels.add<&cpu::mean>();
  kernels.add<&cpu::sum_to>();
}

}  // namespace entasis
#endif  // HWY_ONCE
