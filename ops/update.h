// Optimizer steps. The fused forms change all tensors of a list in place, in one pass over each and
// one call for all; the plain forms return new tensors and write nothing.
#pragma once

#include <array>

#include <entasis/core/operand.h>

namespace entasis {

struct SgdHyper {
  double lr = 1e-3, momentum = 0, dampening = 0, weight_decay = 0;
  bool nesterov = false;
  bool operator==(const SgdHyper&) const = default;
};
// g += weight_decay p; v = momentum v + (1 - dampening) g (first step: v = g); g = nesterov ?
// g + momentum v : v; p -= lr g. As torch.optim.SGD. Without momentum `velocities` is empty;
// `first_step` sets v = g.
ENTASIS_API void sgd_step_(const Tensors& parameters, const Tensors& gradients,
                           const Tensors& velocities, const SgdHyper& hyper, bool first_step,
                           Location at = {});
// The same with the learning rate in a 0-d tensor, read when the step runs: for a step captured in
// a graph. It lies on the parameters' device; on the CPU it is read at the call. hyper.lr does not
// count.
ENTASIS_API void sgd_step_(const Tensors& parameters, const Tensors& gradients,
                           const Tensors& velocities, const SgdHyper& hyper, bool first_step,
                           const Tensor& lr, Location at = {});

struct AdamHyper {
  double lr = 1e-3, beta1 = 0.9, beta2 = 0.999, eps = 1e-8, weight_decay = 0;
  bool decoupled = false;  // AdamW (Loshchilov & Hutter 2019) instead of Adam with L2
  bool operator==(const AdamHyper&) const = default;
};
// One step of Adam (Kingma & Ba 2015, arXiv:1412.6980), or of AdamW; `step` counts from 1. m and v
// are the first and second moments.
ENTASIS_API void adam_step_(const Tensors& parameters, const Tensors& gradients, const Tensors& m,
                            const Tensors& v, const AdamHyper& hyper, int64_t step,
                            Location at = {});
// The same with learning rate and step number in 0-d tensors, read when the step runs: for a step
// captured in a graph. They lie on the parameters' device; on the CPU they are read at the call.
// hyper.lr does not count, and nothing checks that the step number is at least 1.
ENTASIS_API void adam_step_(const Tensors& parameters, const Tensors& gradients, const Tensors& m,
                            const Tensors& v, const AdamHyper& hyper, const Tensor& lr,
                            const Tensor& step, Location at = {});

// ---- Plain forms: new tensors, same formulas.
ENTASIS_API Tensor sgd_update(const Tensor& parameter, const Tensor& gradient, double lr,
                              Location at = {});
struct SgdMomentumResult {
  Tensor parameter, velocity;
  std::array<Tensor, 2> values() const { return {parameter, velocity}; }
};
ENTASIS_API SgdMomentumResult sgd_momentum_update(const Tensor& parameter, const Tensor& gradient,
                                                  const Tensor& velocity, double lr,
                                                  double momentum, Location at = {});
struct AdamResult {
  Tensor parameter, m, v;
  std::array<Tensor, 3> values() const { return {parameter, m, v}; }
};
ENTASIS_API AdamResult adam_update(const Tensor& parameter, const Tensor& gradient, const Tensor& m,
                                   const Tensor& v, double learning_rate = 1e-3, double beta1 = 0.9,
                                   double beta2 = 0.999, double epsilon = 1e-8,
                                   int64_t timestep = 1, Location at = {});
ENTASIS_API AdamResult adamw_update(const Tensor& parameter, const Tensor& gradient,
                                    const Tensor& m, const Tensor& v, double learning_rate = 1e-3,
                                    double beta1 = 0.9, double beta2 = 0.999, double epsilon = 1e-8,
                                    double weight_decay = 0.01, int64_t timestep = 1,
                                    Location at = {});

}  // namespace entasis
