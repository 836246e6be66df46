// Optimizer: what changes parameters by their gradients.
//
//   optim::AdamW optimizer(model.parameters(), {.lr = 3e-4, .weight_decay = 0.1});
//   optimizer.zero_grad();
//   loss.backward();
//   optimizer.step();
//
// Groups of parameters may have options of their own:
//
//   optim::SGD optimizer({{weights, {.lr = 0.1, .weight_decay = 1e-4}}, {biases, {.lr = 0.2}}});
//
// A step that is captured in a graph (CudaGraph) needs the option `capturable`: learning rate and
// count of steps then lie on the parameters' device, so that each replay counts, and set_lr reaches
// the graph. Take a step before the capture; it makes what steps keep.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <entasis/core/named_tensors.h>
#include <entasis/core/tensor.h>

namespace entasis::optim {

template <class Options>
struct ParameterGroup {
  Tensors parameters;
  Options options = {};
};

class ENTASIS_API Optimizer {
 public:
  Optimizer(const Optimizer&) = delete;
  Optimizer& operator=(const Optimizer&) = delete;
  virtual ~Optimizer();

  // Changes all parameters that have a gradient, in one pass over them (one for each group).
  // Nothing is recorded.
  virtual void step(Location at = {}) = 0;
  // Drops the gradients of all parameters.
  void zero_grad();

  // All groups', in order.
  const Tensors& parameters() const { return parameters_; }
  size_t groups() const { return group_ends_.size(); }
  // The learning rate of a group. Throws IndexError for a group that does not exist.
  double lr(size_t group = 0, Location at = {}) const;
  // Sets it for all groups, or for one. Throws ValueError for a rate that is negative or no number.
  void set_lr(double lr, Location at = {});
  void set_group_lr(size_t group, double lr, Location at = {});

  // Everything that step() depends on besides parameters and gradients: the options by group
  // ("groups.0.lr"), and what is kept for each parameter that was ever stepped, by its index, in
  // PyTorch's words ("0.exp_avg", "0.step"). The tensors share memory with the optimizer.
  NamedState state_dict() const;
  // Copies such a state into this optimizer, which must have as many groups, and parameters of the
  // same shapes and dtypes. Nothing is changed unless all fits: ValueError lists what does not.
  // What the optimizer has of tensors keeps its memory, so captured steps go on from the new state
  // if all parameters were stepped equally often.
  void load_state_dict(const NamedState& state, Location at = {});

 protected:
  using Numbers = std::map<std::string, double>;
  static constexpr size_t kMaxStateTensors = 2;

  // What one parameter's steps leave behind; tensors are undefined before the first.
  struct State {
    int64_t step = 0;
    // The count of a capturable group instead, once it was stepped: 0-d i64 on the parameter's
    // device. Parameters that were stepped together ever since share it.
    Tensor counter;
    std::array<Tensor, kMaxStateTensors> tensors;
  };
  struct Kind {
    const char* name;
    std::array<const char*, kMaxStateTensors>
        tensors;  // in state dicts; null where there are fewer
    bool counts_steps;
  };

  explicit Optimizer(const Kind& kind) : kind_(kind) {}

  // Throws ValueError unless there are any and all are floating-point leaves, each given once.
  void add_group(const Tensors& parameters, Location at);
  size_t group_begin(size_t group) const { return group == 0 ? 0 : group_ends_[group - 1]; }
  size_t group_end(size_t group) const { return group_ends_[group]; }
  State& state(size_t parameter) { return states_[parameter]; }
  // The parameters of a group that have a gradient. Throws DeviceError if a graph is being captured
  // and the group is not `capturable`.
  std::vector<size_t> to_step(size_t group, bool capturable, Location at) const;
  // Throws DeviceError if a graph is being captured, since a replay would make the state anew.
  void check_may_make_state(size_t parameter, Location at) const;

  // Parameters that have been stepped equally often.
  struct Cohort {
    int64_t step;
    Tensor counter;  // of a capturable group, instead of `step`
    std::vector<size_t> parameters;
  };
  std::vector<Cohort> cohorts(const std::vector<size_t>& parameters, bool capturable, Location at);
  // A capturable group's learning rate, 0-d f64 on its parameters' device.
  const Tensor& lr_on_device(size_t group, Location at);

  // A group's options by name, and new values for some of every group's: all are set or, if one
  // does not fit (ValueError), none.
  virtual Numbers numbers(size_t group) const = 0;
  virtual void set_numbers(const std::vector<Numbers>& groups, Location at) = 0;

 private:
  class Loader;
  int64_t step_of(size_t parameter) const;
  bool is_captured(size_t parameter) const;
  void give_counter(Cohort& cohort, Location at);
  void set_counters(Location at);
  void change_numbers(const std::vector<Numbers>& groups, Location at);

  Kind kind_;
  Tensors parameters_;
  std::vector<size_t> group_ends_;
  std::vector<State> states_;
  Tensors lrs_;  // by group; undefined until a capturable one is stepped
};

// An optimizer whose groups have `Options`: a struct with `visit(v)`, which names its fields, and
// `check(at)`, which throws ValueError.
template <class Options>
class GroupedOptimizer : public Optimizer {
 protected:
  GroupedOptimizer(const Kind& kind, const std::vector<ParameterGroup<Options>>& groups,
                   Location at)
      : Optimizer(kind) {
    for (const ParameterGroup<Options>& group : groups) {
      group.options.check(at);
      add_group(group.parameters, at);
      options_.push_back(group.options);
    }
  }

  const Options& options(size_t group) const { return options_[group]; }

  Numbers numbers(size_t group) const override {
    Numbers all;
    Options copy = options_[group];
    copy.visit([&all](const char* name, auto& value) { all[name] = double(value); });
    return all;
  }
  void set_numbers(const std::vector<Numbers>& groups, Location at) override {
    std::vector<Options> changed = options_;
    for (size_t i = 0; i < changed.size(); ++i) {
      changed[i].visit([&]<class T>(const char* name, T& value) {
        if (const auto found = groups[i].find(name); found != groups[i].end()) {
          value = static_cast<T>(found->second);
        }
      });
      changed[i].check(at);
    }
    options_ = std::move(changed);
  }

 private:
  std::vector<Options> options_;
};

}  // namespace entasis::optim
