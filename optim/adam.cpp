#include <entasis/optim/adam.h>

#include <string>

#include <entasis/core/autograd.h>
#include <entasis/core/error.h>
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

void AdamOptions::check(Location at) const { check_options("Adam", *this, at); }
void AdamWOptions::check(Location at) const { check_options("AdamW", *this, at); }

template <class Options>
AdamFamily<Options>::AdamFamily(const std::vector<ParameterGroup<Options>>& groups, Location at)
    : GroupedOptimizer<Options>({{"exp_avg", "exp_avg_sq"}, true}, groups, at) {}

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
  std::vector<size_t> waiting;
  for (size_t i = this->group_begin(group); i < this->group_end(group); ++i) {
    const Tensor& parameter = this->parameters()[i];
    if (!parameter.grad().defined()) continue;
    for (Tensor& moment : this->state(i).tensors) {
      if (!moment.defined()) moment = zeros_like(parameter, at);
    }
    waiting.push_back(i);
  }
  while (!waiting.empty()) {
    const int64_t step = this->state(waiting[0]).step + 1;
    Tensors parameters, gradients, m, v;
    std::vector<size_t> stepped, later;
    for (const size_t i : waiting) {
      auto& state = this->state(i);
      (state.step + 1 == step ? stepped : later).push_back(i);
      if (state.step + 1 != step) continue;
      parameters.push_back(this->parameters()[i]);
      gradients.push_back(parameters.back().grad());
      m.push_back(state.tensors[0]);
      v.push_back(state.tensors[1]);
    }
    adam_step_(parameters, gradients, m, v, hyper, step, at);
    for (const size_t i : stepped) this->state(i).step = step;
    waiting = std::move(later);
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
