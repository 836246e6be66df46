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
      .sum = fold_set<SumFold>(),
      .max = fold_set<MaxFold>(),
      .min = fold_set<MinFold>(),
      .nonzero = fold_set<Mapped<SumFold, IsNonzero>>(),
      .nan_sum = float_fold_set<Mapped<SumFold, ZeroForNan>>(),
      .prod = fold_set<ProdFold>(),
      .find_f32 = find_in_row<float>,
      .find_f64 = find_in_row<double>,
      .find_i64 = find_in_row<int64_t>,
  };
  return kTarget;
}

}  // namespace entasis::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include <entasis/core/kernels.h>
#include <entasis/kernels/cpu/internal/reduce.h>
#include <entasis/kernels/cpu/internal/reduce_first.h>
#include <entasis/kernels/cpu/internal/reduce_operands.h>
#include <entasis/ops/reduction_internal.h>

namespace entasis::cpu {
namespace {

HWY_EXPORT(reduce_target);

const ReduceTarget& target() { return HWY_DYNAMIC_DISPATCH(reduce_target)(); }

ReducePlan plan_over(const Operand& in, DimMask dims) { return {in.shape(), in.strides(), dims}; }

void sum_over(const FoldSet& folds, DimMask dims, const Operand& in, bool mean, Tensor& out) {
  const ReducePlan plan = plan_over(in, dims);
  with_fold_type(in.dtype(), [&]<class C>(C c) {
    Reducer<C>(plan, folds.of(c), input_of(in.tensor()),
               output_of<Wide<C>>(out, mean ? double(plan.elements) : 1.0))
        .run();
  });
}
template <class Op>
void sum_as(const FoldSet& folds, const Op& op, Inputs in, Outputs out) {
  sum_over(folds, reduced_dims(op.dim, in[0].dim()), in[0], false, out[0]);
}

// ---- Extrema

template <class Op>
void extremum(const FoldSet& folds, const Op& op, Inputs in, Outputs out) {
  const ReducePlan plan = plan_over(in[0], reduced_dims(op.dim, in[0].dim()));
  with_fold_type(in[0].dtype(), [&]<class C>(C c) {
    Reducer<C>(plan, folds.of(c), input_of(in[0].tensor(), Order::kKept),
               output_of<Wide<C>, Unshifted>(out[0]))
        .run();
  });
}

// First the extrema, then the places where they stand.
template <class Op>
void place_of_extremum(const FoldSet& folds, const Op& op, Inputs in, Tensor* values,
                       const Tensor& places) {
  const DimMask dims = reduced_dims(op.dims(), in[0].dim());
  const ReducePlan plan = plan_over(in[0], dims);
  const ReducePlan in_order(in[0].shape(), in[0].strides(), dims, true);
  with_fold_type(in[0].dtype(), [&]<class C>(C c) {
    const ReduceInput input = input_of(in[0].tensor(), Order::kKept);
    std::vector<Wide<C>> extrema(static_cast<size_t>(plan.outputs));
    Reducer<C>(plan, folds.of(c), input, output_of(extrema.data())).run();
    FirstPositions<C>(in_order, input, target().find(c), extrema.data(), places.raw_as<int64_t>())
        .run();
    if (values) output_of<Wide<C>, Unshifted>(*values).store(extrema.data(), plan.outputs, 0, 1);
  });
}

// ---- Truth: counts of what is not zero, compared with what they have to be.

struct IsPositive {
  template <class A>
  static bool finish(A count, const ReduceOutput<A>&, int64_t) {
    return count > A(0);
  }
};
struct IsEqual {
  template <class A>
  static bool finish(A count, const ReduceOutput<A>& output, int64_t) {
    return count == A(output.number);
  }
};

template <class Finish, class Op>
void count_as(const Op& op, Inputs in, Outputs out) {
  const ReducePlan plan = plan_over(in[0], reduced_dims(op.dim, in[0].dim()));
  with_fold_type(in[0].dtype(), [&]<class C>(C c) {
    const auto output = output_of<Wide<C>, Finish>(out[0], double(plan.elements));
    Reducer<C>(plan, target().nonzero.of(c), input_of(in[0].tensor()), output).run();
  });
}

}  // namespace

void reduce_maxima(const Tensor& in, DimMask dims, double* maxima) {
  const ReducePlan plan = plan_over(in, dims);
  with_fold_float(in.dtype(), [&](auto c) {
    Reducer(plan, target().max.of(c), input_of(in), output_of(maxima)).run();
  });
}

void reduce_means(const Tensor& in, DimMask dims, double* means) {
  const ReducePlan plan = plan_over(in, dims);
  with_fold_float(in.dtype(), [&](auto c) {
    const ReduceOutput<double> output = output_of(means, double(plan.elements));
    Reducer(plan, target().sum.of(c), input_of(in), output).run();
  });
}

void sum(CpuContext&, const Sum& op, Inputs in, Outputs out) { sum_as(target().sum, op, in, out); }
void mean(CpuContext&, const Mean& op, Inputs in, Outputs out) {
  sum_over(target().sum, reduced_dims(op.dim, in[0].dim()), in[0], true, out[0]);
}
void sum_to(CpuContext&, const SumTo& op, Inputs in, Outputs out) {
  sum_over(target().sum, summed_dims(in[0].shape(), op.shape), in[0], false, out[0]);
}
void nansum(CpuContext&, const NanSum& op, Inputs in, Outputs out) {
  sum_as(is_floating_point(in[0].dtype()) ? target().nan_sum : target().sum, op, in, out);
}
void prod(CpuContext&, const Prod& op, Inputs in, Outputs out) {
  sum_as(target().prod, op, in, out);
}

void amax(CpuContext&, const Amax& op, Inputs in, Outputs out) {
  extremum(target().max, op, in, out);
}
void amin(CpuContext&, const Amin& op, Inputs in, Outputs out) {
  extremum(target().min, op, in, out);
}
void argmax(CpuContext&, const Argmax& op, Inputs in, Outputs out) {
  place_of_extremum(target().max, op, in, nullptr, out[0]);
}
void argmin(CpuContext&, const Argmin& op, Inputs in, Outputs out) {
  place_of_extremum(target().min, op, in, nullptr, out[0]);
}
void max_dim(CpuContext&, const MaxDim& op, Inputs in, Outputs out) {
  place_of_extremum(target().max, op, in, &out[0], out[1]);
}
void min_dim(CpuContext&, const MinDim& op, Inputs in, Outputs out) {
  place_of_extremum(target().min, op, in, &out[0], out[1]);
}

void any(CpuContext&, const Any& op, Inputs in, Outputs out) { count_as<IsPositive>(op, in, out); }
void all(CpuContext&, const All& op, Inputs in, Outputs out) { count_as<IsEqual>(op, in, out); }
void count_nonzero(CpuContext&, const CountNonzero& op, Inputs in, Outputs out) {
  count_as<Unshifted>(op, in, out);
}

}  // namespace entasis::cpu

namespace entasis {

void register_cpu_reduction(Kernels& kernels) {
  kernels.add<&cpu::sum>();
  kernels.add<&cpu::mean>();
  kernels.add<&cpu::sum_to>();
  kernels.add<&cpu::nansum>();
  kernels.add<&cpu::prod>();
  kernels.add<&cpu::amax>();
  kernels.add<&cpu::amin>();
  kernels.add<&cpu::argmax>();
  kernels.add<&cpu::argmin>();
  kernels.add<&cpu::max_dim>();
  kernels.add<&cpu::min_dim>();
  kernels.add<&cpu::any>();
  kernels.add<&cpu::all>();
  kernels.add<&cpu::count_nonzero>();
}

}  // namespace entasis
#endif  // HWY_ONCE
