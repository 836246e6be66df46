// What the kernels of optimizer steps are told. Learning rate and step number change from step to
// step, so they are operands, and the attributes of a training run stay the same. In the fused
// forms they may be 0-d tensors instead of numbers.
#pragma once

#include <cmath>
#include <cstdint>

#include <entasis/core/operand.h>

namespace entasis {

// Inputs: n parameters, n gradients, n velocities if momentum != 0, then lr. Writes parameters and
// velocities.
struct SgdStep {
  static constexpr const char* name = "sgd_step_";
  double momentum = 0, dampening = 0, weight_decay = 0;
  bool nesterov = false;
  bool first_step = false;
  bool operator==(const SgdStep&) const = default;
  void visit(auto& v) const {
    v("momentum", momentum);
    v("dampening", dampening);
    v("weight_decay", weight_decay);
    v("nesterov", nesterov);
    v("first_step", first_step);
  }
  int states() const { return momentum != 0 ? 1 : 0; }
};

// Inputs: n parameters, n gradients, n first moments, n second moments, then lr and step. Writes
// all but the gradients.
struct AdamStep {
  static constexpr const char* name = "adam_step_";
  double beta1 = 0.9, beta2 = 0.999, eps = 1e-8, weight_decay = 0;
  bool decoupled = false;
  bool operator==(const AdamStep&) const = default;
  void visit(auto& v) const {
    v("beta1", beta1);
    v("beta2", beta2);
    v("eps", eps);
    v("weight_decay", weight_decay);
    v("decoupled", decoupled);
  }
};

// (parameter, gradient, lr) -> parameter
struct SgdUpdate {
  static constexpr const char* name = "sgd_update";
  bool operator==(const SgdUpdate&) const = default;
};

// (parameter, gradient, velocity, lr) -> parameter, velocity
struct SgdMomentumUpdate {
  static constexpr const char* name = "sgd_momentum_update";
  double momentum = 0;
  bool operator==(const SgdMomentumUpdate&) const = default;
  void visit(auto& v) const { v("momentum", momentum); }
};

// (parameter, gradient, m, v, lr, step) -> parameter, m, v
struct AdamUpdate {
  static constexpr const char* name = "adam_update";
  AdamStep hyper;
  bool operator==(const AdamUpdate&) const = default;
  void visit(auto& v) const { hyper.visit(v); }
};

// What a learning rate or step number on the CPU is.
inline double value_of(const Operand& operand) {
  return operand.is_number() ? operand.number().to_double()
                             : operand.tensor().item_number().to_double();
}

// 1 - beta^step, the sum of an average's weights after `step` steps.
inline double bias_correction(double beta, int64_t step) {
  return 1 - std::pow(beta, double(step));
}

}  // namespace entasis
