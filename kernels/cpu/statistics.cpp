// Variance, norms and logsumexp on the CPU: folds of reduce_fold-inl.h, and what becomes of their
// sums. Variance and logsumexp read the input twice: for the centre, the mean or the largest
// element, and for what is summed up around it.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include <entasis/kernels/cpu/internal/simd_targets.h>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE <entasis/kernels/cpu/statistics.cpp>
#include <hwy/foreach_target.h>
// After foreach_target.
#include <hwy/highway.h>

#include <entasis/kernels/cpu/internal/reduce_fold-inl.h>
#include <entasis/kernels/cpu/internal/simd_math.h>

HWY_BEFORE_NAMESPACE();
namespace entasis::cpu::HWY_NAMESPACE {

struct Power {
  template <class V>
  static HWY_INLINE V of(V x, V exponent) {
    return pow(abs(x), exponent);
  }
};
struct ExpOfDistance {
  template <class V>
  static HWY_INLINE V of(V x, V centre) {
    return exp(x - centre);
  }
};

const StatisticsTarget& statistics_target() {
  static constexpr StatisticsTarget kTarget = {
      .deviation = float_fold_set<DeviationFold>(),
      .magnitude_sum = float_fold_set<Mapped<SumFold, Magnitude>>(),
      .largest_magnitude = float_fold_set<Mapped<MaxFold, Magnitude>>(),
      .smallest_magnitude = float_fold_set<Mapped<MinFold, Magnitude>>(),
      .nonzero = float_fold_set<Mapped<SumFold, IsNonzero>>(),
      .power_sum = float_fold_set<Mapped<SumFold, Power>>(),
      .exp_sum = float_fold_set<Mapped<SumFold, ExpOfDistance>>(),
  };
  return kTarget;
}

}  // namespace entasis::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include <entasis/core/kernels.h>
#include <entasis/kernels/cpu/internal/reduce.h>
#include <entasis/kernels/cpu/internal/reduce_operands.h>
#include <entasis/ops/statistics_internal.h>

namespace entasis::cpu {
namespace {

HWY_EXPORT(statistics_target);

const StatisticsTarget& target() { return HWY_DYNAMIC_DISPATCH(statistics_target)(); }

void run(const FoldSet& folds, const ReducePlan& plan, const Tensor& in,
         const ReduceOutput<double>& out, const double* centre = nullptr) {
  with_fold_float(in.dtype(),
                  [&](auto c) { Reducer(plan, folds.of(c), input_of(in), out, centre).run(); });
}

ReducePlan plan_of(const Operand& in, const Dims& dim) {
  return {in.shape(), in.strides(), reduced_dims(dim, in.dim())};
}

// ---- Variance

struct RootOfDivided {
  static double finish(double value, const ReduceOutput<double>& output, int64_t) {
    return std::sqrt(value / output.number);
  }
};

// The means go to out[1] if there is one.
template <class Finish>
void variance(const OverDimsCorrected& op, Inputs in, Outputs out) {
  const Tensor& x = in[0].tensor();
  const ReducePlan plan = plan_of(in[0], op.dim);
  std::vector<double> means(static_cast<size_t>(plan.outputs));
  reduce_means(x, reduced_dims(op.dim, x.dim()), means.data());
  const double divisor = std::max(0.0, double(plan.elements) - op.correction);
  run(target().deviation, plan, x, output_of<double, Finish>(out[0], divisor), means.data());
  if (out.size() > 1) output_of<double>(out[1]).store(means.data(), plan.outputs, 0, 1);
}

// ---- Norms

struct Root {
  static double finish(double value, const ReduceOutput<double>&, int64_t) {
    return std::sqrt(value);
  }
};
struct RootOfPower {
  static double finish(double value, const ReduceOutput<double>& output, int64_t) {
    return std::pow(value, 1 / output.number);
  }
};

// ---- logsumexp

// Infinite centres would give NaN; around 0 the sum is right.
struct LogAroundCentre {
  static double finish(double sum, const ReduceOutput<double>& output, int64_t i) {
    return std::log(sum) + output.of_each[i];
  }
};

}  // namespace

void reduce_deviations(const Tensor& in, DimMask dims, const double* centres, double* sums) {
  run(target().deviation, ReducePlan(in.shape(), in.strides(), dims), in, output_of(sums), centres);
}

void var(CpuContext&, const Var& op, Inputs in, Outputs out) { variance<Divided>(op, in, out); }
void std_(CpuContext&, const Std& op, Inputs in, Outputs out) {
  variance<RootOfDivided>(op, in, out);
}
void var_mean(CpuContext&, const VarMean& op, Inputs in, Outputs out) {
  variance<Divided>(op, in, out);
}
void std_mean(CpuContext&, const StdMean& op, Inputs in, Outputs out) {
  variance<RootOfDivided>(op, in, out);
}

void vector_norm(CpuContext&, const VectorNorm& op, Inputs in, Outputs out) {
  const Tensor& x = in[0].tensor();
  const ReducePlan plan = plan_of(in[0], op.dim);
  switch (norm_kind(op.ord)) {
    case NormKind::kCount:
      return run(target().nonzero, plan, x, output_of<double>(out[0]));
    case NormKind::kSum:
      return run(target().magnitude_sum, plan, x, output_of<double>(out[0]));
    case NormKind::kSquares:
      return run(target().deviation, plan, x, output_of<double, Root>(out[0]));
    case NormKind::kLargest:
      return run(target().largest_magnitude, plan, x, output_of<double>(out[0]));
    case NormKind::kSmallest:
      return run(target().smallest_magnitude, plan, x, output_of<double>(out[0]));
    case NormKind::kPowers: {
      const std::vector<double> exponents(static_cast<size_t>(plan.outputs), op.ord);
      return run(target().power_sum, plan, x, output_of<double, RootOfPower>(out[0], op.ord),
                 exponents.data());
    }
  }
}

void logsumexp(CpuContext&, const LogSumExp& op, Inputs in, Outputs out) {
  const Tensor& x = in[0].tensor();
  const ReducePlan plan = plan_of(in[0], op.dim);
  std::vector<double> centres(static_cast<size_t>(plan.outputs));
  reduce_maxima(x, reduced_dims(op.dim, x.dim()), centres.data());
  for (double& centre : centres) centre = std::isinf(centre) ? 0 : centre;
  ReduceOutput<double> output = output_of<double, LogAroundCentre>(out[0]);
  output.of_each = centres.data();
  run(target().exp_sum, plan, x, output, centres.data());
}

}  // namespace entasis::cpu

namespace entasis {

void register_cpu_statistics(Kernels& kernels) {
  kernels.add<&cpu::var>();
  kernels.add<&cpu::std_>();
  kernels.add<&cpu::var_mean>();
  kernels.add<&cpu::std_mean>();
  kernels.add<&cpu::vector_norm>();
  kernels.add<&cpu::logsumexp>();
}

}  // namespace entasis
#endif  // HWY_ONCE
