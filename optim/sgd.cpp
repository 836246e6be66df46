#include <entasis/optim/sgd.h>

#include <entasis/core/autograd.h>
#include <entasis/core/error.h>
#include <entasis/ops/factory.h>
#include <entasis/ops/update.h>
#include <entasis/optim/internal/check.h>

namespace entasis::optim {

void SGDOptions::check(Location at) const {
  internal::check_not_negative("SGD", "lr", lr, at);
  internal::check_not_negative("SGD", "momentum", momentum, at);
  internal::check_not_negative("SGD", "weight_decay", weight_decay, at);
  if (nesterov && (momentum == 0 || dampening != 0)) {
    throw ValueError("SGD: nesterov needs a momentum and no dampening", at);
  }
}

SGD::SGD(const Tensors& parameters, SGDOptions options, Location at)
    : SGD(std::vector<ParameterGroup<SGDOptions>>{{parameters, options}}, at) {}

SGD::SGD(const std::vector<ParameterGroup<SGDOptions>>& groups, Location at)
    : GroupedOptimizer({"SGD", {"momentum_buffer", nullptr}, false}, groups, at) {}

void SGD::step(Location at) {
  const NoGrad no_grad;
  for (size_t group = 0; group < groups(); ++group) {
    const std::vector<size_t> all = to_step(group, options(group).capturable, at);
    step_some(group, all, false, at);
    if (options(group).momentum != 0) step_some(group, all, true, at);
  }
}

// Steps those of `all` that have a velocity, or, as `first`, gives one to those that have none.
// Without momentum there are no velocities, and all are stepped at once.
void SGD::step_some(size_t group, const std::vector<size_t>& all, bool first, Location at) {
  const SGDOptions& o = options(group);
  Tensors stepped, gradients, velocities;
  std::vector<size_t> indices;
  for (const size_t i : all) {
    const Tensor& parameter = parameters()[i];
    if (o.momentum != 0) {
      const Tensor& velocity = state(i).tensors[0];
      if (velocity.defined() == first) continue;
      if (first) check_may_make_state(i, at);
      velocities.push_back(first ? empty_like(parameter, {}, {}, false, at) : velocity);
      indices.push_back(i);
    }
    stepped.push_back(parameter);
    gradients.push_back(parameter.grad());
  }
  if (stepped.empty()) return;
  const SgdHyper hyper{o.lr, o.momentum, o.dampening, o.weight_decay, o.nesterov};
  if (o.capturable) {
    sgd_step_(stepped, gradients, velocities, hyper, first, lr_on_device(group, at), at);
  } else {
    sgd_step_(stepped, gradients, velocities, hyper, first, at);
  }
  // Only now: had the step thrown, they would hold nothing.
  for (size_t k = 0; k < indices.size(); ++k) state(indices[k]).tensors[0] = velocities[k];
}

}  // namespace entasis::optim
