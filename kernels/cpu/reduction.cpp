// Reductions on the CPU: chooses compute type, fold and converters for a dtype and runs the loops.
#include <algorithm>
#include <cstdint>
#include <type_traits>
#include <vector>

#include <entasis/kernels/cpu/internal/simd_targets.h>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE <entasis/kernels/cpu/reduction.cpp>
#include <hwy/foreach_target.h>
// After foreach_target.
#include <hwy/highway.h>

#include <entasis/kernels/cpu/internal/reduce_find-inl.h>
#include <entasis/kernels/cpu/internal/reduce_fold-inl.h>

HWY_BEFORE_NAMESPACE();
namespace entasis::cpu::HWY_NAMESPACE {

const ReduceTarget& reduce_target() {
  static constexpr ReduceTarget kTarget = {
      fold_functions<SumFold, float>(),
      fold_functions<SumFold, double>(),
      fold_functions<SumFold, int64_t>(),
      fold_functions<MaxFold, float>(),
      fold_functions<MaxFold, double>(),
      fold_functions<MaxFold, int64_t>(),
      fold_functions<DeviationFold, float>(),
      fold_functions<DeviationFold, double>(),
      find_in_row<float>,
      find_in_row<double>,
      find_in_row<int64_t>,
  };
  return kTarget;
}

}  // namespace entasis::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include <entasis/core/kernels.h>
#include <entasis/kernels/cpu/internal/reduce.h>
#include <entasis/kernels/cpu/internal/reduce_first.h>
#include <entasis/kernels/cpu/internal/reduce_loops.h>
#include <entasis/ops/reduction_internal.h>

namespace entasis::cpu {
namespace {

HWY_EXPORT(reduce_target);

const ReduceTarget& target() { return HWY_DYNAMIC_DISPATCH(reduce_target)(); }

// Floats compute in float or double. Integers travel as i64: sums wrap alike, and order is kept but
// for u64, whose upper half would turn negative. Where order counts, u64 is shifted by 2^63.
template <class F>
decltype(auto) with_fold_type(DType dtype, F f) {
  if (dtype == kF64) return f(double{});
  if (is_floating_point(dtype)) return f(float{});
  return f(int64_t{});
}

constexpr uint64_t kShift = uint64_t{1} << 63;

void shift_run(void* to, int64_t to_stride, const void* from, int64_t from_stride, int64_t n) {
  for (int64_t i = 0; i < n; ++i) {
    static_cast<int64_t*>(to)[i * to_stride] =
        int64_t(static_cast<const uint64_t*>(from)[i * from_stride] ^ kShift);
  }
}

enum class Order : bool { kIgnored, kKept };

ReduceInput input_of(const Tensor& in, Order order = Order::kIgnored) {
  const DType compute_type = with_fold_type(in.dtype(), []<class C>(C) { return dtype_of<C>; });
  const bool shifts = order == Order::kKept && in.dtype() == kU64;
  return {in.raw(), size_of(in.dtype()), in.dtype() == compute_type,
          shifts ? &shift_run : find_converter(compute_type, in.dtype())};
}

template <class To, Order kOrder, class A>
void put(const A* values, int64_t n, double divisor, void* data, int64_t at, int64_t stride) {
  To* to = static_cast<To*>(data) + at;
  for (int64_t i = 0; i < n; ++i) {
    if constexpr (std::is_same_v<A, double>) {
      to[i * stride] = convert<To>(values[i] / divisor);
    } else if constexpr (kOrder == Order::kKept && std::is_same_v<To, uint64_t>) {
      to[i * stride] = uint64_t(values[i]) ^ kShift;
    } else {
      to[i * stride] = convert<To>(values[i]);
    }
  }
}

// Floats come from doubles, integers from i64: rules let no other pair through.
template <class A, Order kOrder = Order::kIgnored>
ReduceOutput<A> output_of(const Tensor& out, double divisor) {
  return dispatch_dtype(out.dtype(), [&]<class To>(TypeTag<To>) -> ReduceOutput<A> {
    if constexpr (std::is_integral_v<To> == std::is_integral_v<A>) {
      return {out.raw(), divisor, &put<To, kOrder, A>};
    } else {
      throw_unsupported_dtype(out.dtype());
    }
  });
}

// Results as they are accumulated, one for each output.
template <class A>
ReduceOutput<A> output_of(A* out, double divisor) {
  return {out, divisor, &put<A, Order::kIgnored, A>};
}

const FoldFunctions<float>& sum_fold(float) { return target().sum_f32; }
const FoldFunctions<double>& sum_fold(double) { return target().sum_f64; }
const FoldFunctions<int64_t>& sum_fold(int64_t) { return target().sum_i64; }
const FoldFunctions<float>& max_fold(float) { return target().max_f32; }
const FoldFunctions<double>& max_fold(double) { return target().max_f64; }
const FoldFunctions<int64_t>& max_fold(int64_t) { return target().max_i64; }

FindFunction<float> find_function(float) { return target().find_f32; }
FindFunction<double> find_function(double) { return target().find_f64; }
FindFunction<int64_t> find_function(int64_t) { return target().find_i64; }

void sum_over(DimMask dims, const Operand& in, bool mean, Tensor& out) {
  const ReducePlan plan(in.shape(), in.strides(), dims);
  with_fold_type(in.dtype(), [&]<class C>(C c) {
    Reducer<C>(plan, sum_fold(c), input_of(in.tensor()),
               output_of<Wide<C>>(out, mean ? double(plan.elements) : 1.0))
        .run();
  });
}

}  // namespace

void reduce_means(const Tensor& in, DimMask dims, double* means) {
  const ReducePlan plan(in.shape(), in.strides(), dims);
  const auto run = [&](const auto& fold) {
    const ReduceInput input = input_of(in);
    const ReduceOutput<double> output = output_of(means, double(plan.elements));
    Reducer(plan, fold, input, output).run();
  };
  in.dtype() == kF64 ? run(target().sum_f64) : run(target().sum_f32);
}

void reduce_deviations(const Tensor& in, DimMask dims, const double* centres, double* sums) {
  const ReducePlan plan(in.shape(), in.strides(), dims);
  const auto run = [&](const auto& fold) {
    const ReduceInput input = input_of(in);
    const ReduceOutput<double> output = output_of(sums, 1.0);
    Reducer(plan, fold, input, output, centres).run();
  };
  in.dtype() == kF64 ? run(target().deviation_f64) : run(target().deviation_f32);
}

void sum(CpuContext&, const Sum& op, Inputs in, Outputs out) {
  sum_over(reduced_dims(op.dim, in[0].dim()), in[0], false, out[0]);
}

void mean(CpuContext&, const Mean& op, Inputs in, Outputs out) {
  sum_over(reduced_dims(op.dim, in[0].dim()), in[0], true, out[0]);
}

void amax(CpuContext&, const Amax& op, Inputs in, Outputs out) {
  const ReducePlan plan(in[0].shape(), in[0].strides(), reduced_dims(op.dim, in[0].dim()));
  with_fold_type(in[0].dtype(), [&]<class C>(C c) {
    Reducer<C>(plan, max_fold(c), input_of(in[0].tensor(), Order::kKept),
               output_of<Wide<C>, Order::kKept>(out[0], 1.0))
        .run();
  });
}

// First the maxima, then the places where they stand.
void argmax(CpuContext&, const Argmax& op, Inputs in, Outputs out) {
  const DimMask dims = reduced_dims(op.dims(), in[0].dim());
  const ReducePlan plan(in[0].shape(), in[0].strides(), dims);
  const ReducePlan in_order(in[0].shape(), in[0].strides(), dims, true);
  with_fold_type(in[0].dtype(), [&]<class C>(C c) {
    const ReduceInput input = input_of(in[0].tensor(), Order::kKept);
    std::vector<Wide<C>> maxima(static_cast<size_t>(plan.outputs));
    Reducer<C>(plan, max_fold(c), input, output_of(maxima.data(), 1.0)).run();
    FirstPositions<C>(in_order, input, find_function(c), maxima.data(), out[0].raw_as<int64_t>())
        .run();
  });
}

void var(CpuContext&, const Var& op, Inputs in, Outputs out) {
  const Tensor& x = in[0].tensor();
  const DimMask dims = reduced_dims(op.dim, x.dim());
  const ReducePlan plan(x.shape(), x.strides(), dims);
  std::vector<double> means(static_cast<size_t>(plan.outputs));
  reduce_means(x, dims, means.data());
  const double divisor = std::max(0.0, double(plan.elements) - op.correction);
  const auto run = [&](const auto& fold) {
    Reducer(plan, fold, input_of(x), output_of<double>(out[0], divisor), means.data()).run();
  };
  x.dtype() == kF64 ? run(target().deviation_f64) : run(target().deviation_f32);
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
  kernels.add<&cpu::amax>();
  kernels.add<&cpu::argmax>();
  kernels.add<&cpu::var>();
}

}  // namespace entasis
#endif  // HWY_ONCE
