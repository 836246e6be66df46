// layer_norm and batch_norm on the CPU, with their gradients.
//
// Bytes: layer_norm reads and writes once, its gradient reads two tensors and writes one (rows stay
// in the cache between the passes over them). batch_norm in training reads three times and writes
// once, its gradient reads two tensors twice and writes one. Statistics in double, two passes.
#include <entasis/kernels/cpu/internal/simd_targets.h>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE <entasis/kernels/cpu/norm.cpp>
#include <hwy/foreach_target.h>
// After foreach_target.
#include <hwy/highway.h>

#include <entasis/kernels/cpu/internal/reduce_norm-inl.h>

HWY_BEFORE_NAMESPACE();
namespace entasis::cpu::HWY_NAMESPACE {

const NormTarget& norm_target() {
  static constexpr NormTarget kTarget = {norm_functions<float>(), norm_functions<double>()};
  return kTarget;
}

}  // namespace entasis::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include <entasis/core/kernels.h>
#include <entasis/kernels/cpu/internal/reduce_batch_norm.h>
#include <entasis/kernels/cpu/internal/reduce_layer_norm.h>

namespace entasis::cpu {
namespace {

HWY_EXPORT(norm_target);

// Calls f(functions) with those of the type that `dtype` is computed in.
template <class F>
void with_functions(DType dtype, F f) {
  const NormTarget& target = HWY_DYNAMIC_DISPATCH(norm_target)();
  dtype == kF64 ? f(target.f64) : f(target.f32);
}

}  // namespace

void layer_norm(CpuContext&, const LayerNorm& op, Inputs in, Outputs out) {
  with_functions(in[0].dtype(), [&](const auto& f) { layer_norm_as(f, op, in, out); });
}

void layer_norm_backward(CpuContext&, const LayerNormBackward& op, Inputs in, Outputs out) {
  with_functions(in[1].dtype(), [&](const auto& f) { layer_norm_backward_as(f, op, in, out); });
}

void batch_norm(CpuContext&, const BatchNorm& op, Inputs in, Outputs out) {
  with_functions(in[0].dtype(), [&](const auto& f) { batch_norm_as(f, op, in, out); });
}

void batch_norm_backward(CpuContext&, const BatchNormBackward& op, Inputs in, Outputs out) {
  with_functions(in[1].dtype(), [&](const auto& f) { batch_norm_backward_as(f, op, in, out); });
}

}  // namespace entasis::cpu

namespace entasis {

void register_cpu_norm(Kernels& kernels) {
  kernels.add<&cpu::layer_norm>();
  kernels.add<&cpu::layer_norm_backward>();
  kernels.add<&cpu::batch_norm>();
  kernels.add<&cpu::batch_norm_backward>();
}

}  // namespace entasis
#endif  // HWY_ONCE
