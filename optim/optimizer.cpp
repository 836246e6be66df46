#include <entasis/optim/optimizer.h>

#include <algorithm>
#include <set>

#include <entasis/core/autograd.h>
#include <entasis/core/cuda_graph.h>
#include <entasis/core/error.h>
#include <entasis/ops/copy.h>
#include <entasis/ops/factory.h>

namespace entasis::optim {
namespace {

std::string parameter_key(size_t parameter, const char* name) {
  return std::to_string(parameter) + "." + name;
}

std::string group_key(size_t group, const std::string& name) {
  return "groups." + std::to_string(group) + "." + name;
}

}  // namespace

Optimizer::~Optimizer() = default;

void Optimizer::add_group(const Tensors& parameters, Location at) {
  if (parameters.empty()) throw ValueError("an optimizer needs at least one parameter", at);
  for (const Tensor& parameter : parameters) {
    const std::string name = "parameter " + std::to_string(parameters_.size());
    if (!parameter.defined()) throw ValueError(name + " is an undefined tensor", at);
    if (!parameter.is_leaf()) {
      throw ValueError(name + " is the result of an op; only leaves can be optimized", at);
    }
    if (!is_floating_point(parameter.dtype())) {
      throw DtypeError(name + " is " + name_of(parameter.dtype()) +
                           "; only floating-point tensors can be optimized",
                       at);
    }
    for (size_t i = 0; i < parameters_.size(); ++i) {
      if (parameters_[i].same(parameter)) {
        throw ValueError(name + " is the same tensor as parameter " + std::to_string(i), at);
      }
    }
    parameters_.push_back(parameter);
    states_.emplace_back();
  }
  group_ends_.push_back(parameters_.size());
  lrs_.emplace_back();
}

void Optimizer::zero_grad() {
  for (Tensor& parameter : parameters_) parameter.zero_grad();
}

// ---- Learning rate

double Optimizer::lr(size_t group, Location at) const {
  if (group >= groups()) {
    throw IndexError(
        "group " + std::to_string(group) + " does not exist; there are " + std::to_string(groups()),
        at);
  }
  return numbers(group).at("lr");
}

void Optimizer::set_lr(double lr, Location at) {
  change_numbers(std::vector<Numbers>(groups(), {{"lr", lr}}), at);
}

void Optimizer::set_group_lr(size_t group, double lr, Location at) {
  this->lr(group, at);  // that it exists
  std::vector<Numbers> changes(groups());
  changes[group] = {{"lr", lr}};
  change_numbers(changes, at);
}

// Learning rates that lie on a device follow.
void Optimizer::change_numbers(const std::vector<Numbers>& changes, Location at) {
  for (size_t group = 0; group < groups(); ++group) {
    if (lrs_[group].defined() && is_capturing(lrs_[group].device())) {
      throw DeviceError(std::string(kind_.name) +
                            ": a learning rate cannot be set while a graph is captured, since each "
                            "replay would set it again",
                        at);
    }
  }
  set_numbers(changes, at);
  const NoGrad no_grad;
  for (size_t group = 0; group < groups(); ++group) {
    if (lrs_[group].defined() && changes[group].count("lr")) fill_(lrs_[group], lr(group), at);
  }
}

const Tensor& Optimizer::lr_on_device(size_t group, Location at) {
  const size_t first = group_begin(group);
  Tensor& lr = lrs_[group];
  if (!lr.defined() || !(lr.device() == parameters_[first].device())) {
    check_may_make_state(first, at);
    lr = full({}, this->lr(group), {kF64, parameters_[first].device()}, at);
  }
  return lr;
}

// ---- Steps

bool Optimizer::is_captured(size_t parameter) const {
  return is_capturing(parameters_[parameter].device());
}

std::vector<size_t> Optimizer::to_step(size_t group, bool capturable, Location at) const {
  std::vector<size_t> all;
  for (size_t i = group_begin(group); i < group_end(group); ++i) {
    if (parameters_[i].grad().defined()) all.push_back(i);
  }
  if (!capturable && !all.empty() && is_captured(all[0])) {
    throw DeviceError(std::string(kind_.name) +
                          ": a step that is captured in a graph needs the option capturable; "
                          "without it all replays would take the learning rate of this one",
                      at);
  }
  return all;
}

void Optimizer::check_may_make_state(size_t parameter, Location at) const {
  if (!is_captured(parameter)) return;
  throw DeviceError(std::string(kind_.name) +
                        ": a captured step would make the state of parameter " +
                        std::to_string(parameter) +
                        " anew in each replay; take a step with the same gradients before",
                    at);
}

std::vector<Optimizer::Cohort> Optimizer::cohorts(const std::vector<size_t>& parameters,
                                                  bool capturable, Location at) {
  std::vector<Cohort> all;
  for (const size_t i : parameters) {
    const State& state = states_[i];
    const auto found = std::find_if(all.begin(), all.end(), [&](const Cohort& cohort) {
      return state.counter.defined() ? cohort.counter.same(state.counter)
                                     : !cohort.counter.defined() && cohort.step == state.step;
    });
    if (found == all.end()) {
      all.push_back({state.step, state.counter, {i}});
    } else {
      found->parameters.push_back(i);
    }
  }
  if (capturable) {
    for (Cohort& cohort : all) give_counter(cohort, at);
  }
  return all;
}

// Makes a counter for parameters that have none, or that leave others behind which share theirs.
void Optimizer::give_counter(Cohort& cohort, Location at) {
  const size_t first = cohort.parameters[0];
  if (cohort.counter.defined()) {
    const auto holders = std::count_if(states_.begin(), states_.end(), [&](const State& state) {
      return state.counter.same(cohort.counter);
    });
    if (size_t(holders) == cohort.parameters.size()) return;
    check_may_make_state(first, at);
    cohort.counter = clone(cohort.counter, at);
  } else {
    check_may_make_state(first, at);
    cohort.counter = full({}, cohort.step, {kI64, parameters_[first].device()}, at);
  }
  for (const size_t i : cohort.parameters) states_[i].counter = cohort.counter;
}

int64_t Optimizer::step_of(size_t parameter) const {
  const State& state = states_[parameter];
  return state.counter.defined() ? int64_t(state.counter.item()) : state.step;
}

// ---- State

NamedState Optimizer::state_dict() const {
  NamedState state;
  for (size_t group = 0; group < groups(); ++group) {
    for (const auto& [name, value] : numbers(group)) state.numbers[group_key(group, name)] = value;
  }
  for (size_t i = 0; i < parameters_.size(); ++i) {
    if (!states_[i].tensors[0].defined()) continue;
    if (kind_.counts_steps) state.numbers[parameter_key(i, "step")] = double(step_of(i));
    for (size_t k = 0; k < kMaxStateTensors && kind_.tensors[k]; ++k) {
      state.tensors.add(parameter_key(i, kind_.tensors[k]), states_[i].tensors[k]);
    }
  }
  return state;
}

// Reads a state into values to be set later, and lists what does not fit.
class Optimizer::Loader {
 public:
  Loader(const Optimizer& optimizer, const NamedState& state)
      : optimizer_(optimizer), state_(state) {}

  std::vector<Numbers> read_options() {
    std::vector<Numbers> groups;
    for (size_t group = 0; group < optimizer_.groups(); ++group) {
      Numbers& numbers = groups.emplace_back(optimizer_.numbers(group));
      for (auto& [name, value] : numbers) value = read_number(group_key(group, name));
    }
    return groups;
  }

  std::vector<State> read_states() {
    std::vector<State> states(optimizer_.parameters_.size());
    for (size_t i = 0; i < states.size(); ++i) {
      if (has_state(i)) states[i] = read_state(i);
    }
    return states;
  }

  void check_unexpected() {
    for (const auto& [key, value] : state_.numbers) {
      if (!read_.count(key)) misfit(key, "is unexpected");
    }
    for (const auto& [key, tensor] : state_.tensors) {
      if (!read_.count(key)) misfit(key, "is unexpected");
    }
  }

  void raise_misfits(Location at) const {
    if (misfits_.empty()) return;
    throw ValueError("load_state_dict: the state does not fit the optimizer:" + misfits_, at);
  }

 private:
  void misfit(const std::string& key, const std::string& what) {
    misfits_ += "\n  '" + key + "' " + what;
  }

  double read_number(const std::string& key) {
    read_.insert(key);
    const auto found = state_.numbers.find(key);
    if (found != state_.numbers.end()) return found->second;
    misfit(key, "is missing");
    return 0;
  }

  // Whether the state holds anything for a parameter.
  bool has_state(size_t parameter) const {
    const Kind& kind = optimizer_.kind_;
    bool any = kind.counts_steps && state_.numbers.count(parameter_key(parameter, "step"));
    for (size_t k = 0; k < kMaxStateTensors && kind.tensors[k]; ++k) {
      any |= state_.tensors.contains(parameter_key(parameter, kind.tensors[k]));
    }
    return any;
  }

  State read_state(size_t parameter) {
    const Kind& kind = optimizer_.kind_;
    State state;
    if (kind.counts_steps) {
      const std::string key = parameter_key(parameter, "step");
      const double step = read_number(key);
      constexpr double kMost = 0x1p53;  // beyond it a double is no exact count
      if (step >= 0 && step <= kMost && step == double(int64_t(step))) {
        state.step = int64_t(step);
      } else {
        misfit(key, "is " + to_string(Number(step)) + ", expected a count");
      }
    }
    for (size_t k = 0; k < kMaxStateTensors && kind.tensors[k]; ++k) {
      state.tensors[k] =
          read_tensor(parameter_key(parameter, kind.tensors[k]), optimizer_.parameters_[parameter]);
    }
    return state;
  }

  Tensor read_tensor(const std::string& key, const Tensor& parameter) {
    read_.insert(key);
    const Tensor* tensor = state_.tensors.find(key);
    if (tensor == nullptr || !tensor->defined()) {
      misfit(key, "is missing");
    } else if (!(tensor->shape() == parameter.shape())) {
      misfit(key, "has shape " + to_string(tensor->shape()) + ", the parameter has " +
                      to_string(parameter.shape()));
    } else if (tensor->dtype() != parameter.dtype()) {
      misfit(key, std::string("is ") + name_of(tensor->dtype()) + ", the parameter is " +
                      name_of(parameter.dtype()));
    } else {
      return *tensor;
    }
    return {};
  }

  const Optimizer& optimizer_;
  const NamedState& state_;
  std::set<std::string> read_;
  std::string misfits_;
};

void Optimizer::load_state_dict(const NamedState& state, Location at) {
  Loader loader(*this, state);
  const std::vector<Numbers> options = loader.read_options();
  std::vector<State> states = loader.read_states();
  loader.check_unexpected();
  loader.raise_misfits(at);

  const NoGrad no_grad;
  for (size_t i = 0; i < states.size(); ++i) {
    for (size_t k = 0; k < kMaxStateTensors; ++k) {
      Tensor& loaded = states[i].tensors[k];
      const Tensor& own = states_[i].tensors[k];
      if (!loaded.defined()) continue;
      if (own.defined() && own.device() == parameters_[i].device()) {
        copy_(own, loaded, false, at);
        loaded = own;
      } else {
        loaded = clone(to_device(loaded, parameters_[i].device(), false, at), at);
      }
    }
    states[i].counter = states_[i].counter;
  }
  change_numbers(options, at);
  states_ = std::move(states);
  set_counters(at);
}

// After a load: counters whose parameters agree take their count; the others are made anew.
void Optimizer::set_counters(Location at) {
  for (size_t i = 0; i < states_.size(); ++i) {
    const Tensor counter = states_[i].counter;
    if (!counter.defined()) continue;
    bool agree = true;
    for (const State& state : states_) {
      agree = agree && (!state.counter.same(counter) || state.step == states_[i].step);
    }
    if (agree) {
      fill_(counter, states_[i].step, at);
      continue;
    }
    for (State& state : states_) {
      if (state.counter.same(counter)) state.counter = {};
    }
  }
}

}  // namespace entasis::optim
