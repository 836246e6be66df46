// softmax, log_softmax and their gradients on the CPU.
//
// Along a row of neighbours vectors run along it; along any other dimension they run across as many
// neighbouring rows as there are lanes. Three passes over a row, which stays in the L1 or L2 cache:
// maximum, sum of exponentials (in double), scaling. Memory sees one read and one write. Operands
// that are halves or not adjacent pass through scratch memory.
#include <array>
#include <cmath>
#include <cstdint>

#include <entasis/kernels/cpu/internal/simd_targets.h>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE <entasis/kernels/cpu/softmax.cpp>
#include <hwy/foreach_target.h>
// After foreach_target.
#include <hwy/highway.h>

#include <entasis/kernels/cpu/internal/reduce_lanes-inl.h>
#include <entasis/kernels/cpu/internal/reduce_softmax.h>
#include <entasis/kernels/cpu/internal/simd_exp.h>
#include <entasis/kernels/cpu/internal/simd_log.h>

HWY_BEFORE_NAMESPACE();
namespace entasis::cpu::HWY_NAMESPACE {

// What the passes keep of one column of vectors.
template <bool kLog, class Lanes>
struct Forward {
  using V = typename Lanes::V;
  Lanes out, a;
  V m{-HUGE_VAL};
  V factor{0};
  typename Lanes::Sum sum{};

  // A NaN may be lost in the maximum; the sum of exponentials brings it back.
  HWY_INLINE void look(int64_t i) { m = hn::Max(m.v, a.load(i, -HUGE_VAL).v); }
  HWY_INLINE void looked() { m = a.join_max(m); }
  HWY_INLINE void add(int64_t i) {
    const V e = exp(a.load(i, -HUGE_VAL) - m);
    sum.add(e);
    if constexpr (!kLog) out.store(i, e);
  }
  HWY_INLINE void added() {
    const V total = a.join(sum);
    factor = kLog ? log(total) : V(1) / total;
  }
  HWY_INLINE void write(int64_t i) const {
    if constexpr (kLog) {
      out.store(i, (a.load(i, 0) - m) - factor);
    } else {
      out.store(i, out.load(i, 0) * factor);
    }
  }
};

template <bool kLog, class Lanes>
struct Backward {
  using V = typename Lanes::V;
  Lanes out, gy, y;
  V s{0};
  typename Lanes::Sum sum{};

  HWY_INLINE void add(int64_t i) {
    if constexpr (kLog) {
      sum.add(gy.load(i, 0));
    } else {
      sum.add_product(gy.load(i, 0), y.load(i, 0));
    }
  }
  HWY_INLINE void added() { s = gy.join(sum); }
  HWY_INLINE void write(int64_t i) const {
    const V g = gy.load(i, 0), value = y.load(i, 0);
    if constexpr (kLog) {
      out.store(i, g - exp(value) * s);
    } else {
      out.store(i, (g - s) * value);
    }
  }
};

template <SoftmaxKind kKind>
inline constexpr bool kIsForward = kKind == kSoftmax || kKind == kLogSoftmax;

// The passes over columns side by side, which a step reads together.
template <class Column, size_t K>
HWY_INLINE void run_columns(std::array<Column, K> columns, int64_t steps) {
  if constexpr (requires(Column c) { c.look(0); }) {
    for (int64_t i = 0; i < steps; ++i) {
      for (Column& column : columns) column.look(i);
    }
    for (Column& column : columns) column.looked();
  }
  for (int64_t i = 0; i < steps; ++i) {
    for (Column& column : columns) column.add(i);
  }
  for (Column& column : columns) column.added();
  for (int64_t i = 0; i < steps; ++i) {
    for (Column& column : columns) column.write(i);
  }
}

// `lanes(k)` is operand k of a column.
template <SoftmaxKind kKind, class MakeLanes>
HWY_INLINE auto column_of(MakeLanes lanes) {
  using Lanes = decltype(lanes(0));
  if constexpr (kIsForward<kKind>) {
    return Forward<kKind == kLogSoftmax, Lanes>{lanes(0), lanes(1)};
  } else {
    return Backward<kKind == kLogSoftmaxBackward, Lanes>{lanes(0), lanes(1), lanes(2)};
  }
}

template <SoftmaxKind kKind, class C>
void softmax_along(const SliceBlock<C>* operands, int64_t n) {
  const auto lanes = [=](int k) HWY_ATTR { return AlongSlice<C>{operands[k].data, n}; };
  run_columns(std::array{column_of<kKind>(lanes)}, lanes(0).steps());
}

// Four vectors at a time, so that rows are met by pages and lines that follow each other.
template <SoftmaxKind kKind, class C>
void softmax_across(const SliceBlock<C>* operands, int64_t n, int64_t width) {
  const auto column = [=](int64_t c) HWY_ATTR {
    return column_of<kKind>([=](int k) HWY_ATTR {
      return AcrossSlices<C>{operands[k].data + c, operands[k].stride, n, width - c};
    });
  };
  constexpr int64_t kStep = kVector<C>;
  int64_t c = 0;
  for (; c + 3 * kStep < width; c += 4 * kStep) {
    run_columns(
        std::array{column(c), column(c + kStep), column(c + 2 * kStep), column(c + 3 * kStep)}, n);
  }
  for (; c < width; c += kStep) run_columns(std::array{column(c)}, n);
}

template <SoftmaxKind kKind, class C>
constexpr SoftmaxFunctions<C> functions() {
  return {softmax_along<kKind, C>, softmax_across<kKind, C>};
}

const SoftmaxTarget& softmax_target() {
  static constexpr SoftmaxTarget kTarget = {
      {functions<kSoftmax, float>(), functions<kLogSoftmax, float>(),
       functions<kSoftmaxBackward, float>(), functions<kLogSoftmaxBackward, float>()},
      {functions<kSoftmax, double>(), functions<kLogSoftmax, double>(),
       functions<kSoftmaxBackward, double>(), functions<kLogSoftmaxBackward, double>()}};
  return kTarget;
}

}  // namespace entasis::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include <entasis/core/kernels.h>
#include <entasis/ops/softmax_internal.h>

namespace entasis::cpu {
namespace {

HWY_EXPORT(softmax_target);

constexpr int64_t kGrain = 16384;  // elements below which one thread is enough

template <class C, int N>
void run_as(const SoftmaxFunctions<C>& functions, const std::array<Operand, size_t(N)>& operands,
            int dim) {
  using Blocks = typename Slices<C, N>::Blocks;
  Slices<C, N>(operands, dim)
      .run(
          kGrain,
          [&](const Blocks& blocks, int64_t n, int64_t) { functions.along(blocks.data(), n); },
          [&](const Blocks& blocks, int64_t n, int64_t width, int64_t) {
            functions.across(blocks.data(), n, width);
          });
}

template <int N>
void run(SoftmaxKind kind, int64_t dim, const std::array<Operand, size_t(N)>& operands) {
  const Operand& out = operands[0];
  if (out.numel() == 0) return;
  const SoftmaxTarget& target = HWY_DYNAMIC_DISPATCH(softmax_target)();
  const int d = wrap_dim(dim, out.dim());
  if (out.dtype() == kF64) {
    run_as<double, N>(target.f64[kind], operands, d);
  } else {
    run_as<float, N>(target.f32[kind], operands, d);
  }
}

}  // namespace

void softmax(CpuContext&, const Softmax& op, Inputs in, Outputs out) {
  run<2>(kSoftmax, op.dim, {out[0], in[0]});
}

void log_softmax(CpuContext&, const LogSoftmax& op, Inputs in, Outputs out) {
  run<2>(kLogSoftmax, op.dim, {out[0], in[0]});
}

void softmax_backward(CpuContext&, const SoftmaxBackward& op, Inputs in, Outputs out) {
  run<3>(kSoftmaxBackward, op.dim, {out[0], in[0], in[1]});
}

void log_softmax_backward(CpuContext&, const LogSoftmaxBackward& op, Inputs in, Outputs out) {
  run<3>(kLogSoftmaxBackward, op.dim, {out[0], in[0], in[1]});
}

}  // namespace entasis::cpu

namespace entasis {

void register_cpu_softmax(Kernels& kernels) {
  kernels.add<&cpu::softmax>();
  kernels.add<&cpu::log_softmax>();
  kernels.add<&cpu::softmax_backward>();
  kernels.add<&cpu::log_softmax_backward>();
}

}  // namespace entasis
#endif  // HWY_ONCE
