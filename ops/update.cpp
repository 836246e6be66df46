// Optimizer steps: what fits together, and the gradients of the plain forms (so that one can
// differentiate through a step, as meta-learning does).
#include <entasis/ops/update.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string>

#include <entasis/core/op.h>
#include <entasis/core/row.h>
#include <entasis/ops/arithmetic.h>
#include <entasis/ops/exponential.h>
#include <entasis/ops/placed_internal.h>
#include <entasis/ops/rounding.h>
#include <entasis/ops/update_internal.h>

namespace entasis {

namespace {

// The tensors of a step lie in lists of equal length: parameters, gradients, states. A plain form
// has one of each, and its errors name no index.
struct Lists {
  Inputs inputs;
  int count;  // tensors in each list
  int lists;  // 2 without state
  const char* const* names;
  bool numbered;

  const Tensor& at(int list, int i) const { return inputs[size_t(list * count + i)].tensor(); }
  std::string name(int list, int i) const {
    return names[list] + (numbered ? " " + std::to_string(i) : std::string());
  }
};
constexpr const char* kSgdNames[] = {"parameter", "gradient", "velocity"};
constexpr const char* kAdamNames[] = {"parameter", "gradient", "m", "v"};
constexpr int kGradients = 1;  // the list that is only read

void check_fit(const Lists& lists) {
  const Device device = lists.at(0, 0).device();
  for (int i = 0; i < lists.count; ++i) {
    const Tensor& parameter = lists.at(0, i);
    if (!is_floating_point(parameter.dtype())) {
      throw DtypeError(lists.name(0, i) + " is " + name_of(parameter.dtype()) +
                       "; only floating-point tensors can be optimized");
    }
    if (!(parameter.device() == device)) {
      throw DeviceError(lists.name(0, i) + " is on " + to_string(parameter.device()) + ", " +
                        lists.name(0, 0) + " on " + to_string(device) +
                        "; a step is of one device");
    }
    for (int list = 1; list < lists.lists; ++list) {
      const Tensor& other = lists.at(list, i);
      if (!(other.shape() == parameter.shape())) {
        throw ShapeError(lists.name(list, i) + " has shape " + to_string(other.shape()) + ", " +
                         lists.name(0, i) + " has " + to_string(parameter.shape()));
      }
      if (other.dtype() != parameter.dtype()) {
        throw DtypeError(lists.name(list, i) + " is " + name_of(other.dtype()) + ", " +
                         lists.name(0, i) + " is " + name_of(parameter.dtype()));
      }
      if (!(other.device() == parameter.device())) {
        throw DeviceError(lists.name(list, i) + " is on " + to_string(other.device()) + ", " +
                          lists.name(0, i) + " on " + to_string(parameter.device()));
      }
    }
  }
}

// The bytes of its storage that a tensor reaches, from the first to the last.
struct Reach {
  const Storage* storage;
  int64_t first, last;
  int list, index;
};

Reach reach_of(const Tensor& t, int list, int index) {
  int64_t first = t.storage_offset(), last = first;
  for (int d = 0; d < t.dim(); ++d) {
    const int64_t reach = (t.shape()[d] - 1) * t.strides()[d];
    (reach < 0 ? first : last) += reach;
  }
  const int64_t size = size_of(t.dtype());
  return {t.impl()->storage.get(), first * size, (last + 1) * size - 1, list, index};
}

// Threads take the tensors in any order, so no tensor that is written may share memory with
// another.
void check_apart(const Lists& lists) {
  std::vector<Reach> reaches;
  reaches.reserve(size_t(lists.count * lists.lists));
  for (int list = 0; list < lists.lists; ++list) {
    for (int i = 0; i < lists.count; ++i) {
      const Tensor& t = lists.at(list, i);
      if (t.numel() == 0) continue;
      for (int d = 0; list != kGradients && d < t.dim(); ++d) {
        if (t.shape()[d] > 1 && t.strides()[d] == 0) {
          throw ValueError(lists.name(list, i) + ", of shape " + to_string(t.shape()) +
                           " and strides " + to_string(t.strides()) +
                           ", names some elements more than once");
        }
      }
      reaches.push_back(reach_of(t, list, i));
    }
  }
  std::sort(reaches.begin(), reaches.end(), [](const Reach& a, const Reach& b) {
    return a.storage != b.storage ? a.storage < b.storage : a.first < b.first;
  });
  const Reach* widest = nullptr;          // of those so far in this storage, what reaches furthest
  const Reach* widest_written = nullptr;  // the same of those that are written
  for (const Reach& reach : reaches) {
    const bool written = reach.list != kGradients;
    const Reach*& rival = written ? widest : widest_written;
    if (rival && rival->storage == reach.storage && rival->last >= reach.first) {
      throw ValueError(lists.name(reach.list, reach.index) + " shares memory with " +
                       lists.name(rival->list, rival->index) + "; a step writes each tensor once");
    }
    auto keep = [&reach](const Reach*& best) {
      if (!best || best->storage != reach.storage || best->last < reach.last) best = &reach;
    };
    keep(widest);
    if (written) keep(widest_written);
  }
}

void check_sgd(double momentum, double dampening, bool nesterov) {
  if (nesterov && (!(momentum > 0) || dampening != 0)) {
    throw ValueError("nesterov needs a momentum above 0 and no dampening; momentum is " +
                     to_string(Number(momentum)) + ", dampening " + to_string(Number(dampening)));
  }
}

// A learning rate or step number for tensors of `device`.
void check_number(const char* name, const Operand& operand, Device device) {
  if (operand.is_number()) return;
  const Device own = operand.tensor().device();
  if (!own.is_cpu() && !(own == device)) {
    throw DeviceError(std::string(name) + " is on " + to_string(own) + ", parameter 0 on " +
                      to_string(device));
  }
  if (operand.dim() != 0) {
    throw ShapeError(std::string(name) + " must be a number or a 0-d tensor, it has shape " +
                     to_string(operand.shape()));
  }
  if (operand.dtype() == kBool) throw DtypeError(std::string(name) + " is bool");
}

void check_betas(const AdamStep& hyper) {
  for (const double beta : {hyper.beta1, hyper.beta2}) {
    if (!(beta >= 0 && beta < 1)) {
      throw ValueError("beta is " + to_string(Number(beta)) + "; it must be in [0, 1)");
    }
  }
}

void check_adam(const AdamStep& hyper, const Operand& lr, const Operand& step_operand,
                Device device) {
  check_betas(hyper);
  check_number("lr", lr, device);
  check_number("step", step_operand, device);
  if (!step_operand.is_number()) return;
  const int64_t step = step_operand.number().to_int();
  if (step < 1) throw ValueError("step is " + std::to_string(step) + "; steps count from 1");
}

void check_count(const char* name, const Tensors& list, const Tensors& parameters) {
  if (list.size() == parameters.size()) return;
  throw ValueError(std::to_string(list.size()) + " " + name + " for " +
                   std::to_string(parameters.size()) + " parameters");
}

// The new values in the layout of the parameter, where that is dense.
Spec spec_of_update(Inputs in) { return pointwise_spec(in[0].dtype(), in.first(1)); }

double number_input(const Saved& saved, int i) { return saved.node().edges[i].number.to_double(); }

// The sum of two gradients either of which may be undefined.
Tensor sum_of(const Tensor& a, const Tensor& b) {
  if (!a.defined()) return b;
  return b.defined() ? add(a, b) : a;
}
Tensor scaled(const Tensor& gradient, double factor) {
  return gradient.defined() ? mul(gradient, factor) : gradient;
}

}  // namespace

// ---- Rules

template <>
struct Rule<SgdStep> {
  static std::array<Spec, 0> infer(const SgdStep& op, Inputs in) {
    check_sgd(op.momentum, op.dampening, op.nesterov);
    check_number("lr", in.back(), in[0].tensor().device());
    const int lists = 2 + op.states();
    const Lists all{in, int(in.size() - 1) / lists, lists, kSgdNames, true};
    check_fit(all);
    check_apart(all);
    return {};
  }
  static bool mutates(const SgdStep& op, int input, int inputs) {
    const int lists = 2 + op.states();
    const int count = (inputs - 1) / lists;
    return input < count * lists && input / count != kGradients;
  }
};

template <>
struct Rule<AdamStep> {
  static constexpr int kLists = 4;
  static std::array<Spec, 0> infer(const AdamStep& op, Inputs in) {
    check_adam(op, in[in.size() - 2], in.back(), in[0].tensor().device());
    const Lists all{in, int(in.size() - 2) / kLists, kLists, kAdamNames, true};
    check_fit(all);
    check_apart(all);
    return {};
  }
  static bool mutates(const AdamStep&, int input, int inputs) {
    const int count = (inputs - 2) / kLists;
    return input < count * kLists && input / count != kGradients;
  }
};

template <>
struct Rule<SgdUpdate> {
  static constexpr SaveMask saves[] = {saves_nothing};
  static Spec infer(const SgdUpdate&, Inputs in) {
    check_fit({in, 1, 2, kSgdNames, false});
    return spec_of_update(in);
  }
  static Grads vjp(const SgdUpdate&, const Saved& saved, Grads gy) {
    const double lr = number_input(saved, 2);
    return {gy[0], saved.if_needed(1, [&] { return mul(gy[0], -lr); })};
  }
};

template <>
struct Rule<SgdMomentumUpdate> {
  static constexpr SaveMask saves[] = {saves_nothing};
  static std::array<Spec, 2> infer(const SgdMomentumUpdate&, Inputs in) {
    check_fit({in, 1, 3, kSgdNames, false});
    return {spec_of_update(in), spec_of_update(in)};
  }
  static Grads vjp(const SgdMomentumUpdate& op, const Saved& saved, Grads gy) {
    const Tensor velocity = sum_of(gy[1], scaled(gy[0], -number_input(saved, 3)));
    return {gy[0], velocity, saved.if_needed(2, [&] { return scaled(velocity, op.momentum); })};
  }
};

template <>
struct Rule<AdamUpdate> {
  static constexpr SaveMask saves[] = {saves_in(0) | saves_in(1) | saves_out(1) | saves_out(2)};

  static std::array<Spec, 3> infer(const AdamUpdate& op, Inputs in) {
    check_adam(op.hyper, in[4], in[5], in[0].tensor().device());
    check_fit({in, 1, 4, kAdamNames, false});
    return {spec_of_update(in), spec_of_update(in), spec_of_update(in)};
  }

  // With d = sqrt(v') / c + eps the new parameter is decay p - s m' / d. Where v' is 0, so is every
  // gradient that went into it, and the path through v' carries nothing.
  static Grads vjp(const AdamUpdate& op, const Saved& saved, Grads gy) {
    const AdamStep& h = op.hyper;
    const double lr = number_input(saved, 4);
    const int64_t step = int64_t(number_input(saved, 5));
    const double s = lr / bias_correction(h.beta1, step);
    const double c = std::sqrt(bias_correction(h.beta2, step));
    const Tensor m = saved.out(1), v = saved.out(2);

    Tensor to_m = gy[1], to_v = gy[2];
    if (gy[0].defined()) {
      const Tensor root = sqrt(v);
      const Tensor d = root / c + h.eps;
      to_m = sum_of(to_m, gy[0] * -s / d);
      const Tensor through_v = gy[0] * (s / (2 * c)) * m / (d * d * root);
      to_v = sum_of(to_v, where(v > 0, through_v, 0));
    }
    const double l2 = h.decoupled ? 0 : h.weight_decay;
    const Tensor gradient = l2 == 0 ? saved.in(1) : saved.in(1) + l2 * saved.in(0);
    Tensor to_gradient = scaled(to_m, 1 - h.beta1);
    if (to_v.defined()) {
      to_gradient = sum_of(to_gradient, 2 * (1 - h.beta2) * gradient * to_v);
    }
    const double decay = h.decoupled ? 1 - lr * h.weight_decay : 1;
    Tensor to_parameter = decay == 1 ? gy[0] : scaled(gy[0], decay);
    if (l2 != 0) to_parameter = sum_of(to_parameter, scaled(to_gradient, l2));
    return {to_parameter, to_gradient, scaled(to_m, h.beta1), scaled(to_v, h.beta2)};
  }
};

// ---- Public functions

namespace {

std::vector<Operand> operands(std::initializer_list<const Tensors*> lists,
                              std::initializer_list<Operand> numbers) {
  std::vector<Operand> all;
  all.reserve(lists.size() * (*lists.begin())->size() + numbers.size());
  for (const Tensors* list : lists) all.insert(all.end(), list->begin(), list->end());
  all.insert(all.end(), numbers.begin(), numbers.end());
  return all;
}

}  // namespace

namespace {

void run_sgd_step(const Tensors& parameters, const Tensors& gradients, const Tensors& velocities,
                  const SgdHyper& hyper, bool first_step, const Operand& lr, Location at) {
  const SgdStep op{hyper.momentum, hyper.dampening, hyper.weight_decay, hyper.nesterov, first_step};
  placed(op.name, at, [&] {
    check_count("gradients", gradients, parameters);
    if (op.states() != 0) {
      check_count("velocities", velocities, parameters);
    } else if (!velocities.empty()) {
      throw ValueError("velocities are given, but the momentum is 0");
    }
  });
  if (parameters.empty()) return;
  apply_update(op, at, operands({&parameters, &gradients, &velocities}, {lr}));
}

void run_adam_step(const Tensors& parameters, const Tensors& gradients, const Tensors& m,
                   const Tensors& v, const AdamHyper& hyper, const Operand& lr, const Operand& step,
                   Location at) {
  const AdamStep op{hyper.beta1, hyper.beta2, hyper.eps, hyper.weight_decay, hyper.decoupled};
  placed(op.name, at, [&] {
    check_count("gradients", gradients, parameters);
    check_count("first moments", m, parameters);
    check_count("second moments", v, parameters);
  });
  if (parameters.empty()) return;
  apply_update(op, at, operands({&parameters, &gradients, &m, &v}, {lr, step}));
}

}  // namespace

void sgd_step_(const Tensors& parameters, const Tensors& gradients, const Tensors& velocities,
               const SgdHyper& hyper, bool first_step, Location at) {
  run_sgd_step(parameters, gradients, velocities, hyper, first_step, hyper.lr, at);
}
void sgd_step_(const Tensors& parameters, const Tensors& gradients, const Tensors& velocities,
               const SgdHyper& hyper, bool first_step, const Tensor& lr, Location at) {
  run_sgd_step(parameters, gradients, velocities, hyper, first_step, lr, at);
}

void adam_step_(const Tensors& parameters, const Tensors& gradients, const Tensors& m,
                const Tensors& v, const AdamHyper& hyper, int64_t step, Location at) {
  run_adam_step(parameters, gradients, m, v, hyper, hyper.lr, step, at);
}
void adam_step_(const Tensors& parameters, const Tensors& gradients, const Tensors& m,
                const Tensors& v, const AdamHyper& hyper, const Tensor& lr, const Tensor& step,
                Location at) {
  run_adam_step(parameters, gradients, m, v, hyper, lr, step, at);
}

Tensor sgd_update(const Tensor& parameter, const Tensor& gradient, double lr, Location at) {
  return apply(SgdUpdate{}, at, parameter, gradient, lr);
}

SgdMomentumResult sgd_momentum_update(const Tensor& parameter, const Tensor& gradient,
                                      const Tensor& velocity, double lr, double momentum,
                                      Location at) {
  auto [p, v] =
      apply_multiple<2>(SgdMomentumUpdate{momentum}, at, parameter, gradient, velocity, lr);
  return {p, v};
}

AdamResult adam_update(const Tensor& parameter, const Tensor& gradient, const Tensor& m,
                       const Tensor& v, double learning_rate, double beta1, double beta2,
                       double epsilon, int64_t timestep, Location at) {
  const AdamUpdate op{{beta1, beta2, epsilon, 0, false}};
  auto [new_p, new_m, new_v] =
      apply_multiple<3>(op, at, parameter, gradient, m, v, learning_rate, timestep);
  return {new_p, new_m, new_v};
}

AdamResult adamw_update(const Tensor& parameter, const Tensor& gradient, const Tensor& m,
                        const Tensor& v, double learning_rate, double beta1, double beta2,
                        double epsilon, double weight_decay, int64_t timestep, Location at) {
  const Frame frame("adamw_update", at);
  const AdamUpdate op{{beta1, beta2, epsilon, weight_decay, true}};
  auto [new_p, new_m, new_v] =
      apply_multiple<3>(op, at, parameter, gradient, m, v, learning_rate, timestep);
  return {new_p, new_m, new_v};
}

namespace {

constexpr RowOptions options(const char* results) {
  RowOptions o;
  o.torch = "";
  o.why_no_torch = "PyTorch has optimizers only as classes that change their parameters";
  o.method = false;
  o.results = results;
  return o;
}

constinit const Row rows[] = {
    row<&sgd_update>("sgd_update", args("parameter", "gradient", "lr"),
                     "One step of gradient descent as a plain function: parameter - lr * gradient, "
                     "as a new tensor.",
                     options(nullptr)),
    row<&sgd_momentum_update>(
        "sgd_momentum_update", args("parameter", "gradient", "velocity", "lr", "momentum"),
        "One step of gradient descent with momentum as a plain function: the new velocity is "
        "momentum * velocity + gradient, the new parameter is parameter - lr * new velocity. "
        "Nothing is written.",
        options("parameter velocity")),
    row<&adam_update>(
        "adam_update",
        args("parameter", "gradient", "m", "v", "learning_rate"_a = 1e-3, "beta1"_a = 0.9,
             "beta2"_a = 0.999, "epsilon"_a = 1e-8, "timestep"_a = 1),
        "One step of Adam (Kingma & Ba 2015) as a plain function: new parameter and moments from "
        "the old ones; timestep counts from 1. Nothing is written.",
        options("parameter m v")),
    row<&adamw_update>(
        "adamw_update",
        args("parameter", "gradient", "m", "v", "learning_rate"_a = 1e-3, "beta1"_a = 0.9,
             "beta2"_a = 0.999, "epsilon"_a = 1e-8, "weight_decay"_a = 0.01, "timestep"_a = 1),
        "One step of AdamW (Loshchilov & Hutter 2019) as a plain function: Adam with the weights "
        "decayed apart from the gradient. Nothing is written.",
        options("parameter m v")),
};
constinit OpInfo* const ops[] = {&op_info<SgdStep>, &op_info<AdamStep>, &op_info<SgdUpdate>,
                                 &op_info<SgdMomentumUpdate>, &op_info<AdamUpdate>};

}  // namespace

extern const RowList rows_update;
constinit const RowList rows_update{rows, ops};

}  // namespace entasis
