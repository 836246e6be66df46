#include <entasis/optim/adam.h>

#include <string>

#include <entasis/core/autograd.h>
#include <entasis/core/error.h>
#include <entasis/ops/arithmetic.h>
#include <entasis/ops/factory.h>
#include <entasis/ops/update.h>
#include <entasis/optim/internal/check.h>

namespace entasis::optim {
namespace {

template <class Options>
void check_options(const char* name, const Options& options, Location at) {
  internal::check_not_negative(name, "lr", options.lr, at);
  internal::check_not_negative(name, "eps", options.eps, at);
  internal::check_not_negative(name, "weight_decay", options.weight_decay, at);
  for (const double beta : options.betas) {
    if (beta >= 0 && beta < 1) continue;
    throw ValueError(
        std::string(name) + ": a beta is " + to_string(Number(beta)) + "; both must be in [0, 1)",
        at);
  }
}

}  // namespace

void AdamOptions::check(Location at) const { check_options(name, *this, at); }
void AdamWOptions::check(Location at) const { check_options(name, *this, at); }

template <class Options>
AdamFamily<Options>::AdamFamily(const std::vector<ParameterGroup<Options>>& groups, Location at)
    : GroupedOptimizer<Options>({Options::name, {"exp_avg", "exp_avg_sq"}, true}, groups, at) {}

template <class Options>
void AdamFamily<Options>::step_all(bool decoupled, Location at) {
  const NoGrad no_grad;
  for (size_t group = 0; group < this->groups(); ++group) step_group(group, decoupled, at);
}

// One fused pass for all parameters that are at the same step: as a rule all of them.
template <class Options>
void AdamFamily<Options>::step_group(size_t group, bool decoupled, Location at) {
  const Options& o = this->options(group);
  const AdamHyper hyper{o.lr, o.betas[0], o.betas[1], o.eps, o.weight_decay, decoupled};
  const std::vector<size_t> all = this->to_step(group, o.capturable, at);
  for (const size_t i : all) {
    for (Tensor& moment : this->state(i).tensors) {
      if (moment.defined()) continue;
      this->check_may_make_state(i, at);
      moment = zeros_like(this->parameters()[i], {}, {}, false, at);
    }
  }
  for (const auto& cohort : this->cohorts(all, o.capturable, at)) {
    Tensors parameters, gradients, m, v;
    for (const size_t i : cohort.parameters) {
      parameters.push_back(this->parameters()[i]);
      gradients.push_back(parameters.back().grad());
      m.push_back(this->state(i).tensors[0]);
      v.push_back(this->state(i).tensors[1]);
    }
    if (!o.capturable) {
      adam_step_(parameters, gradients, m, v, hyper, cohort.step + 1, at);
      for (const size_t i : cohort.parameters) this->state(i).step = cohort.step + 1;
      continue;
    }
    add_(cohort.counter, 1, at);
    try {
      adam_step_(parameters, gradients, m, v, hyper, this->lr_on_device(group, at), cohort.counter,
                 at);
    } catch (...) {
      add_(cohort.counter, -1, at);
      throw;
    }
  }
}

template class AdamFamily<AdamOptions>;
template class AdamFamily<AdamWOptions>;

Adam::Adam(const Tensors& parameters, AdamOptions options, Location at)
    : Adam(std::vector<ParameterGroup<AdamOptions>>{{parameters, options}}, at) {}
Adam::Adam(const std::vector<ParameterGroup<AdamOptions>>& groups, Location at)
    : AdamFamily(groups, at) {}
void Adam::step(Location at) { step_all(false, at); }

AdamW::AdamW(const Tensors& parameters, AdamWOptions options, Location at)
    : AdamW(std::vector<ParameterGroup<AdamWOptions>>{{parameters, options}}, at) {}
AdamW::AdamW(const std::vector<ParameterGroup<AdamWOptions>>& groups, Location at)
    : AdamFamily(groups, at) {}
void AdamW::step(Location at) { step_all(true, at); }

}  // namespace entasis::optim
