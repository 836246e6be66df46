// Losses on the CPU.
//
// cross_entropy reads the input once (each row twice, from the L1 cache) and writes three numbers a
// row; its gradient is one read and one write. Rows lie along the classes; where those are not
// adjacent, vectors run across rows. Losses of rows are summed in double over fixed chunks.
#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <span>
#include <sstream>
#include <string>
#include <type_traits>
#include <vector>

#include <entasis/kernels/cpu/internal/simd_targets.h>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE <entasis/kernels/cpu/loss.cpp>
#include <hwy/foreach_target.h>
// After foreach_target.
#include <hwy/highway.h>

#include <entasis/kernels/cpu/internal/pointwise_run-inl.h>
#include <entasis/kernels/cpu/internal/reduce_cross_entropy.h>
#include <entasis/kernels/cpu/internal/reduce_lanes-inl.h>
#include <entasis/ops/loss_internal.h>

HWY_BEFORE_NAMESPACE();
namespace entasis {
namespace HWY_NAMESPACE {

constexpr auto kLosses = entries_of(LossOps());
std::span<const cpu::PointwiseEntry> loss_table() { return kLosses; }

}  // namespace HWY_NAMESPACE

namespace cpu::HWY_NAMESPACE {

// Statistics of each row: maximum, log of the sum of exp(x - maximum), and, if asked for, sum.
template <class Lanes, class C>
HWY_INLINE void row_statistics(const Lanes& x, C* max, C* log_sum, C* sum_x) {
  using V = typename Lanes::V;
  const V m = largest(x);
  typename Lanes::Sum exponentials, elements;
  for (int64_t i = 0; i < x.steps(); ++i) exponentials.add(exp(x.load(i, -HUGE_VAL) - m));
  x.put(m, max);
  x.put(log(x.join(exponentials)), log_sum);
  if (sum_x == nullptr) return;
  for (int64_t i = 0; i < x.steps(); ++i) elements.add(x.load(i, 0));
  x.put(x.join(elements), sum_x);
}

// (softmax(x) - uniform) * weight
template <class Lanes, class C>
HWY_INLINE void row_gradients(const Lanes& out, const Lanes& x, const C* max, const C* log_sum,
                              C uniform, const C* weight) {
  using V = typename Lanes::V;
  const V m = x.get(max), l = x.get(log_sum), w = x.get(weight), u(uniform);
  for (int64_t i = 0; i < x.steps(); ++i) out.store(i, (exp((x.load(i, 0) - m) - l) - u) * w);
}

template <class C>
void statistics_along(const SliceBlock<C>& x, int64_t n, int64_t, C* max, C* log_sum, C* sum_x) {
  row_statistics(AlongSlice<C>{x.data, n}, max, log_sum, sum_x);
}
template <class C>
void statistics_across(const SliceBlock<C>& x, int64_t n, int64_t width, C* max, C* log_sum,
                       C* sum_x) {
  for (int64_t c = 0; c < width; c += kVector<C>) {
    row_statistics(AcrossSlices<C>{x.data + c, x.stride, n, width - c}, max + c, log_sum + c,
                   sum_x ? sum_x + c : nullptr);
  }
}
template <class C>
void gradients_along(const SliceBlock<C>& out, const SliceBlock<C>& x, int64_t n, int64_t,
                     const C* max, const C* log_sum, C uniform, const C* weight) {
  row_gradients(AlongSlice<C>{out.data, n}, AlongSlice<C>{x.data, n}, max, log_sum, uniform,
                weight);
}
template <class C>
void gradients_across(const SliceBlock<C>& out, const SliceBlock<C>& x, int64_t n, int64_t width,
                      const C* max, const C* log_sum, C uniform, const C* weight) {
  for (int64_t c = 0; c < width; c += kVector<C>) {
    row_gradients(AcrossSlices<C>{out.data + c, out.stride, n, width - c},
                  AcrossSlices<C>{x.data + c, x.stride, n, width - c}, max + c, log_sum + c,
                  uniform, weight + c);
  }
}

template <class C>
constexpr CrossEntropyFunctions<C> cross_entropy_functions() {
  return {statistics_along<C>, statistics_across<C>, gradients_along<C>, gradients_across<C>};
}
const CrossEntropyTarget& cross_entropy_target() {
  static constexpr CrossEntropyTarget kTarget = {cross_entropy_functions<float>(),
                                                 cross_entropy_functions<double>()};
  return kTarget;
}

}  // namespace cpu::HWY_NAMESPACE
}  // namespace entasis
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include <entasis/core/kernels.h>
#include <entasis/kernels/cpu/internal/dispatch_floating.h>
#include <entasis/kernels/cpu/internal/reduce_flatten.h>

namespace entasis {
HWY_EXPORT(loss_table);

namespace cpu {
namespace {

HWY_EXPORT(cross_entropy_target);

template <class C>
const CrossEntropyFunctions<C>& functions() {
  const CrossEntropyTarget& target = HWY_DYNAMIC_DISPATCH(cross_entropy_target)();
  if constexpr (sizeof(C) == 4) {
    return target.f32;
  } else {
    return target.f64;
  }
}

constexpr int64_t kGrain = 16384;     // elements below which one thread is enough
constexpr int64_t kRowGrain = 32768;  // the same in passes over one number a row

// The classes of all rows, checked.
struct Targets {
  std::vector<int64_t> classes;  // in row-major order
  int64_t ignored;
  int64_t counted;  // rows that are not ignored

  Targets(const Tensor& target, int64_t class_count, int64_t ignore_index)
      : classes(flattened<int64_t>(target)), ignored(ignore_index) {
    const auto check = [&](int64_t begin, int64_t end) {
      int64_t count = 0;
      for (int64_t i = begin; i < end; ++i) {
        const int64_t c = classes[size_t(i)];
        if (c == ignored) continue;
        if (c < 0 || c >= class_count) {
          throw IndexError("class " + std::to_string(c) + " at position " + std::to_string(i) +
                           " is outside [0, " + std::to_string(class_count) + ")");
        }
        ++count;
      }
      return count;
    };
    counted = parallel_reduce(target.numel(), kRowGrain, int64_t{0}, check,
                              [](int64_t a, int64_t b) { return a + b; });
  }
  bool counts(int64_t row) const { return classes[size_t(row)] != ignored; }
};

void store_loss(Tensor& out, Reduction reduction, const std::vector<double>& losses,
                int64_t counted) {
  dispatch_dtype(out.dtype(), [&]<class T>(TypeTag<T>) {
    if constexpr (!std::is_integral_v<T>) {
      T* to = out.raw_as<T>();
      if (reduction == Reduction::kNone) {
        for (size_t i = 0; i < losses.size(); ++i) to[i] = convert<T>(losses[i]);
        return;
      }
      const auto add_up = [&](int64_t begin, int64_t end) {
        double sum = 0;
        for (int64_t i = begin; i < end; ++i) sum += losses[size_t(i)];
        return sum;
      };
      const double total = parallel_reduce(int64_t(losses.size()), kRowGrain, 0.0, add_up,
                                           [](double a, double b) { return a + b; });
      *to = convert<T>(reduction == Reduction::kMean ? total / double(counted) : total);
    }
  });
}

template <class C>
void cross_entropy_as(const CrossEntropy& op, const Operand& input, const Targets& targets,
                      Outputs out) {
  using Rows = Slices<C, 1, false>;
  using Blocks = typename Rows::Blocks;
  const int dim = class_dim(input.dim());
  const double smoothing = op.label_smoothing;
  const double classes = double(input.size(dim));
  C* const max = out[1].raw_as<C>();
  C* const log_sum = out[2].raw_as<C>();
  std::vector<double> losses(targets.classes.size());

  // -(1 - e) log p[target] - e mean(log p), with log p = x - max - log_sum.
  const auto loss = [&](int64_t row, C at_target, C sum_x) {
    if (!targets.counts(row)) return 0.0;
    const double m = double(max[row]);
    double distance = m - double(at_target);
    if (smoothing != 0) {
      distance = (1 - smoothing) * distance + smoothing * (m - double(sum_x) / classes);
    }
    return distance + double(log_sum[row]);
  };
  const auto class_of = [&](int64_t row) {
    return targets.counts(row) ? targets.classes[size_t(row)] : 0;
  };

  if (input.numel() > 0) {
    const CrossEntropyFunctions<C>& f = functions<C>();
    Rows({input}, dim, WalkOrder::kRowMajor)
        .run(
            kGrain,
            [&](const Blocks& x, int64_t n, int64_t row) {
              C sum_x = 0;
              f.statistics_along(x[0], n, 1, max + row, log_sum + row,
                                 smoothing != 0 ? &sum_x : nullptr);
              losses[size_t(row)] = loss(row, x[0].data[class_of(row)], sum_x);
            },
            [&](const Blocks& x, int64_t n, int64_t width, int64_t first) {
              C sum_x[kSideBySide];
              f.statistics_across(x[0], n, width, max + first, log_sum + first,
                                  smoothing != 0 ? sum_x : nullptr);
              for (int64_t i = 0; i < width; ++i) {
                const int64_t row = first + i;
                losses[size_t(row)] =
                    loss(row, x[0].data[class_of(row) * x[0].stride + i], sum_x[i]);
              }
            });
  }
  store_loss(out[0], op.reduction, losses, targets.counted);
}

// The weight of each row in the gradient.
template <class C>
std::vector<C> row_weights(const CrossEntropy& op, const Tensor& gy, const Targets& targets) {
  if (op.reduction == Reduction::kNone) return flattened<C>(gy);
  C weight = flattened<C>(gy)[0];
  if (op.reduction == Reduction::kMean) weight = C(double(weight) / double(targets.counted));
  return std::vector<C>(targets.classes.size(), weight);
}

template <class C>
void cross_entropy_backward_as(const CrossEntropy& op, Inputs in, const Targets& targets,
                               Tensor& out) {
  using Rows = Slices<C, 2>;
  using Blocks = typename Rows::Blocks;
  const int dim = class_dim(out.dim());
  const std::vector<C> weights = row_weights<C>(op, in[0].tensor(), targets);
  const C* const max = in[3].data<C>();
  const C* const log_sum = in[4].data<C>();
  const C uniform = C(op.label_smoothing / double(out.shape()[dim]));
  const C certain = C(1 - op.label_smoothing);

  // What the target adds; an ignored row is 0 whatever stands in it.
  const auto finish = [&](C* row_data, int64_t stride, int64_t n, int64_t row) {
    if (targets.counts(row)) {
      row_data[targets.classes[size_t(row)] * stride] -= certain * weights[size_t(row)];
    } else {
      for (int64_t i = 0; i < n; ++i) row_data[i * stride] = 0;
    }
  };
  const CrossEntropyFunctions<C>& f = functions<C>();
  Rows({out, in[1]}, dim, WalkOrder::kRowMajor)
      .run(
          kGrain,
          [&](const Blocks& blocks, int64_t n, int64_t row) {
            f.gradients_along(blocks[0], blocks[1], n, 1, max + row, log_sum + row, uniform,
                              &weights[size_t(row)]);
            finish(blocks[0].data, 1, n, row);
          },
          [&](const Blocks& blocks, int64_t n, int64_t width, int64_t first) {
            f.gradients_across(blocks[0], blocks[1], n, width, max + first, log_sum + first,
                               uniform, &weights[size_t(first)]);
            for (int64_t i = 0; i < width; ++i) {
              finish(blocks[0].data + i, blocks[0].stride, n, first + i);
            }
          });
}

bool has_nan(const Tensor& dense) {
  bool found = false;
  dispatch_floating(dense.dtype(), [&]<class T>(TypeTag<T>) {
    const T* values = dense.raw_as<T>();
    const auto any = [values](int64_t begin, int64_t end) {
      bool nan = false;
      for (int64_t i = begin; i < end; ++i) {
        const auto v =
            convert<std::conditional_t<std::is_same_v<T, double>, double, float>>(values[i]);
        nan |= v != v;
      }
      return nan;
    };
    found = parallel_reduce(dense.numel(), kRowGrain, false, any, std::logical_or<bool>());
  });
  return found;
}

void check_probabilities(const Tensor& input) {
  const std::vector<double> values = flattened<double>(input);
  for (size_t i = 0; i < values.size(); ++i) {
    if (values[i] >= 0 && values[i] <= 1) continue;
    std::ostringstream text;
    text << BinaryCrossEntropy::demand << ", element " << i << " is " << values[i];
    throw ValueError(text.str());
  }
}

}  // namespace

// The table's kernel. What is no probability gives NaN, so the results tell whether to look.
void binary_cross_entropy(CpuContext& context, Inputs in, Outputs out) {
  run_pointwise(context.data<PointwiseEntry>(), in, out[0]);
  if (has_nan(out[0])) check_probabilities(in[0].tensor());
}

void cross_entropy(CpuContext&, const CrossEntropy& op, Inputs in, Outputs out) {
  const Operand& input = in[0];
  const Targets targets(in[1].tensor(), input.size(class_dim(input.dim())), op.ignore_index);
  if (input.dtype() == kF64) {
    cross_entropy_as<double>(op, input, targets, out);
  } else {
    cross_entropy_as<float>(op, input, targets, out);
  }
}

void cross_entropy_backward(CpuContext&, const CrossEntropyBackward& op, Inputs in, Outputs out) {
  if (out[0].numel() == 0) return;
  const Targets targets(in[2].tensor(), out[0].shape()[class_dim(out[0].dim())],
                        op.forward.ignore_index);
  if (out[0].dtype() == kF64) {
    cross_entropy_backward_as<double>(op.forward, in, targets, out[0]);
  } else {
    cross_entropy_backward_as<float>(op.forward, in, targets, out[0]);
  }
}

}  // namespace cpu

void register_cpu_loss(Kernels& kernels) {
  kernels.add<&cpu::cross_entropy>();
  kernels.add<&cpu::cross_entropy_backward>();
  const auto table = HWY_DYNAMIC_DISPATCH(loss_table)();
  cpu::add_pointwise(kernels, table.subspan(1));
  kernels.add_from_table<&cpu::binary_cross_entropy>(table[0].name, &table[0]);
}

}  // namespace entasis
#endif  // HWY_ONCE
