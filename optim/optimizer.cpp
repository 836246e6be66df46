#include <entasis/optim/optimizer.h>

#include <set>

#include <entasis/core/autograd.h>
#include <entasis/core/error.h>
#include <entasis/ops/copy.h>

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
  set_numbers(std::vector<Numbers>(groups(), {{"lr", lr}}), at);
}

void Optimizer::set_group_lr(size_t group, double lr, Location at) {
  this->lr(group, at);  // that it exists
  std::vector<Numbers> changes(groups());
  changes[group] = {{"lr", lr}};
  set_numbers(changes, at);
}

// ---- State

NamedState Optimizer::state_dict() const {
  NamedState state;
  for (size_t group = 0; group < groups(); ++group) {
    for (const auto& [name, value] : numbers(group)) state.numbers[group_key(group, name)] = value;
  }
  for (size_t i = 0; i < parameters_.size(); ++i) {
    if (!states_[i].tensors[0].defined()) continue;
    if (names_.counts_steps) state.numbers[parameter_key(i, "step")] = double(states_[i].step);
    for (size_t k = 0; k < kMaxStateTensors && names_.tensors[k]; ++k) {
      state.tensors.add(parameter_key(i, names_.tensors[k]), states_[i].tensors[k]);
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
    const StateNames& names = optimizer_.names_;
    bool any = names.counts_steps && state_.numbers.count(parameter_key(parameter, "step"));
    for (size_t k = 0; k < kMaxStateTensors && names.tensors[k]; ++k) {
      any |= state_.tensors.contains(parameter_key(parameter, names.tensors[k]));
    }
    return any;
  }

  State read_state(size_t parameter) {
    const StateNames& names = optimizer_.names_;
    State state;
    if (names.counts_steps) {
      const std::string key = parameter_key(parameter, "step");
      const double step = read_number(key);
      constexpr double kMost = 0x1p53;  // beyond it a double is no exact count
      if (step >= 0 && step <= kMost && step == double(int64_t(step))) {
        state.step = int64_t(step);
      } else {
        misfit(key, "is " + to_string(Number(step)) + ", expected a count");
      }
    }
    for (size_t k = 0; k < kMaxStateTensors && names.tensors[k]; ++k) {
      state.tensors[k] = read_tensor(parameter_key(parameter, names.tensors[k]),
                                     optimizer_.parameters_[parameter]);
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
    for (Tensor& tensor : states[i].tensors) {
      if (tensor.defined()) tensor = clone(to_device(tensor, parameters_[i].device(), at), at);
    }
  }
  set_numbers(options, at);
  states_ = std::move(states);
}

}  // namespace entasis::optim
