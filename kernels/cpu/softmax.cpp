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

template <bool kLog, class Lanes>
HWY_INLINE void forward(const Lanes& a, const Lanes& out) {
  using V = typename Lanes::V;
  const V m = largest(a);
  typename Lanes::Sum sum;
  for (int64_t i = 0; i < a.steps(); ++i) {
    const V e = exp(a.load(i, -HUGE_VAL) - m);
    sum.add(e);
    if constexpr (!kLog) out.store(i, e);
  }
  const V total = a.join(sum);
  if constexpr (kLog) {
    const V log_total = log(total);
    for (int64_t i = 0; i < a.steps(); ++i) out.store(i, (a.load(i, 0) - m) - log_total);
  } else {
    const V scale = V(1) / total;
    for (int64_t i = 0; i < a.steps(); ++i) out.store(i, out.load(i, 0) * scale);
  }
}

template <bool kLog, class Lanes>
HWY_INLINE void backward(const Lanes& gy, const Lanes& y, const Lanes& out) {
  using V = typename Lanes::V;
  typename Lanes::Sum sum;
  for (int64_t i = 0; i < gy.steps(); ++i) {
    if constexpr (kLog) {
      sum.add(gy.load(i, 0));
    } else {
      sum.add_product(gy.load(i, 0), y.load(i, 0));
    }
  }
  const V s = gy.join(sum);
  for (int64_t i = 0; i < gy.steps(); ++i) {
    const V g = gy.load(i, 0), value = y.load(i, 0);
    if constexpr (kLog) {
      out.store(i, g - exp(value) * s);
    } else {
      out.store(i, (g - s) * value);
    }
  }
}

template <SoftmaxKind kKind, class Lanes>
HWY_INLINE void run_softmax(const Lanes& out, const Lanes& a, const Lanes& b) {
  if constexpr (kKind == kSoftmax || kKind == kLogSoftmax) {
    forward<kKind == kLogSoftmax>(a, out);
  } else {
    backward<kKind == kLogSoftmaxBackward>(a, b, out);
  }
}

// The forward kinds have two operands; the third is then read nowhere.
template <SoftmaxKind kKind>
inline constexpr int kLastOperand = kKind == kSoftmax || kKind == kLogSoftmax ? 1 : 2;

template <SoftmaxKind kKind, class C>
void softmax_along(const SliceBlock<C>* operands, int64_t n) {
  const auto lanes = [=](int k) HWY_ATTR { return AlongSlice<C>{operands[k].data, n}; };
  run_softmax<kKind>(lanes(0), lanes(1), lanes(kLastOperand<kKind>));
}

template <SoftmaxKind kKind, class C>
void softmax_across(const SliceBlock<C>* operands, int64_t n, int64_t width) {
  for (int64_t c = 0; c < width; c += kVector<C>) {
    const auto lanes = [=](int k) HWY_ATTR {
      return AcrossSlices<C>{operands[k].data + c, operands[k].stride, n, width - c};
    };
    run_softmax<kKind>(lanes(0), lanes(1), lanes(kLastOperand<kKind>));
  }
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
