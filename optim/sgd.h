// SGD: stochastic gradient descent, with momentum and weight decay.
#pragma once

#include <entasis/optim/optimizer.h>

namespace entasis::optim {

struct SGDOptions {
  double lr = 1e-3;
  double momentum = 0;
  double dampening = 0;
  double weight_decay = 0;
  bool nesterov = false;
  bool capturable = false;  // see Optimizer

  void visit(auto&& v) {
    v("lr", lr);
    v("momentum", momentum);
    v("dampening", dampening);
    v("weight_decay", weight_decay);
    v("nesterov", nesterov);
  }
  // Throws ValueError for a negative lr, momentum or weight_decay, and for nesterov without
  // momentum or with dampening.
  ENTASIS_API void check(Location at) const;
};

// torch.optim.SGD, as sgd_step_(): g += weight_decay p; v = momentum v + (1 - dampening) g, at a
// parameter's first step v = g; p -= lr v, or with nesterov (Sutskever et al. 2013)
// p -= lr (g + momentum v).
class ENTASIS_API SGD : public GroupedOptimizer<SGDOptions> {
 public:
  using Options = SGDOptions;
  explicit SGD(const Tensors& parameters, SGDOptions options = {}, Location at = {});
  explicit SGD(const std::vector<ParameterGroup<SGDOptions>>& groups, Location at = {});

  void step(Location at = {}) override;

 private:
  void step_some(size_t group, const std::vector<size_t>& all, bool first, Location at);
};

}  // namespace entasis::optim
