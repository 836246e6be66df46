// Optimizers: whole runs against the formulas in double, which parameters are stepped, groups,
// learning rates, states and errors.
#include <entasis/optim/optim.h>

#include <cmath>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <entasis/core/autograd.h>
#include <entasis/core/error.h>
#include <entasis/ops/factory.h>
#include <entasis/ops/methods.h>
#include <entasis/tests/support/errors.h>

namespace entasis::optim {
namespace {

using Values = std::vector<double>;

std::string line(int number) { return " — optimizer_test.cpp:" + std::to_string(number); }

Tensor parameter(const Values& values, DType dtype = kF64) {
  Tensor t = from_data<double>(values, {int64_t(values.size())}, dtype);
  t.requires_grad_();
  return t;
}
Values values_of(const Tensor& t) {
  Values values;
  for (int64_t i = 0; i < t.numel(); ++i) values.push_back(t.detach()[i].item());
  return values;
}
void expect_near(const Tensor& t, const Values& expected) {
  const Values values = values_of(t);
  ASSERT_EQ(values.size(), expected.size());
  for (size_t i = 0; i < values.size(); ++i) EXPECT_NEAR(values[i], expected[i], 1e-12) << i;
}

// The gradients of a run: element i at step t.
double gradient_at(size_t i, int t) { return std::sin(3.0 * double(i) + 0.7 * t) + 0.3; }
void set_gradient(Tensor& p, int t) {
  Values g;
  for (int64_t i = 0; i < p.numel(); ++i) g.push_back(gradient_at(size_t(i), t));
  p.set_grad(from_data<double>(g, {p.numel()}, p.dtype()));
}

// ---- Runs

TEST(SGD, FollowsPyTorchsAlgorithm) {
  const SGDOptions all[] = {
      {.lr = 0.1},
      {.lr = 0.1, .weight_decay = 0.2},
      {.lr = 0.1, .momentum = 0.9},
      {.lr = 0.1, .momentum = 0.9, .dampening = 0.4},
      {.lr = 0.1, .momentum = 0.8, .nesterov = true},
      {.lr = 0.1, .momentum = 0.8, .weight_decay = 0.2, .nesterov = true},
  };
  for (const SGDOptions& o : all) {
    Values expected = {1, -2, 0.5}, buffer(3);
    Tensor p = parameter(expected);
    SGD optimizer({p}, o);
    for (int t = 0; t < 6; ++t) {
      set_gradient(p, t);
      optimizer.step();
      for (size_t i = 0; i < 3; ++i) {
        double g = gradient_at(i, t) + o.weight_decay * expected[i];
        if (o.momentum != 0) {
          buffer[i] = t == 0 ? g : o.momentum * buffer[i] + (1 - o.dampening) * g;
          g = o.nesterov ? g + o.momentum * buffer[i] : buffer[i];
        }
        expected[i] -= o.lr * g;
      }
      expect_near(p, expected);
    }
  }
}

template <class Optimizer, class Options>
void expect_adam(const Options& o, bool decoupled) {
  Values expected = {1, -2, 0.5}, m(3), v(3);
  Tensor p = parameter(expected);
  Optimizer optimizer({p}, o);
  for (int t = 1; t <= 6; ++t) {
    set_gradient(p, t);
    optimizer.step();
    for (size_t i = 0; i < 3; ++i) {
      double g = gradient_at(i, t);
      if (decoupled) {
        expected[i] -= o.lr * o.weight_decay * expected[i];
      } else {
        g += o.weight_decay * expected[i];
      }
      m[i] = o.betas[0] * m[i] + (1 - o.betas[0]) * g;
      v[i] = o.betas[1] * v[i] + (1 - o.betas[1]) * g * g;
      const double m_hat = m[i] / (1 - std::pow(o.betas[0], t));
      const double v_hat = v[i] / (1 - std::pow(o.betas[1], t));
      expected[i] -= o.lr * m_hat / (std::sqrt(v_hat) + o.eps);
    }
    expect_near(p, expected);
  }
}

TEST(Adam, FollowsPyTorchsAlgorithm) {
  expect_adam<Adam>(AdamOptions{.lr = 0.1}, false);
  expect_adam<Adam>(AdamOptions{.lr = 0.1, .betas = {0.5, 0.8}, .eps = 0.1, .weight_decay = 0.3},
                    false);
}

TEST(AdamW, FollowsPyTorchsAlgorithm) {
  expect_adam<AdamW>(AdamWOptions{.lr = 0.1}, true);
  expect_adam<AdamW>(AdamWOptions{.lr = 0.1, .betas = {0.5, 0.8}, .weight_decay = 0.3}, true);
}

TEST(Options, DefaultsArePyTorchs) {
  const SGDOptions sgd;
  EXPECT_EQ(sgd.lr, 1e-3);
  EXPECT_EQ(sgd.momentum, 0);
  EXPECT_EQ(sgd.dampening, 0);
  EXPECT_EQ(sgd.weight_decay, 0);
  EXPECT_FALSE(sgd.nesterov);
  const AdamOptions adam;
  EXPECT_EQ(adam.lr, 1e-3);
  EXPECT_EQ(adam.betas, (std::array<double, 2>{0.9, 0.999}));
  EXPECT_EQ(adam.eps, 1e-8);
  EXPECT_EQ(adam.weight_decay, 0);
  EXPECT_EQ(AdamWOptions().weight_decay, 0.01);
}

// The minimum of a quadratic bowl with curvatures 1 and 10.
template <class Optimizer, class Options>
double loss_after(int steps, const Options& options) {
  Tensor x = parameter({3, -2}, kF32);
  const Tensor curvature = from_data({1, 10}, {2});
  Optimizer optimizer({x}, options);
  for (int t = 0; t < steps; ++t) {
    optimizer.zero_grad();
    (curvature * x * x).sum().backward();
    optimizer.step();
  }
  return (curvature * x * x).sum().item();
}

TEST(Optimizers, FindAMinimum) {
  EXPECT_LT(loss_after<SGD>(200, SGDOptions{.lr = 0.02, .momentum = 0.9}), 1e-3);
  EXPECT_LT(loss_after<Adam>(300, AdamOptions{.lr = 0.1}), 1e-3);
  EXPECT_LT(loss_after<AdamW>(300, AdamWOptions{.lr = 0.1}), 1e-2);
}

// ---- What is stepped

TEST(Optimizers, ParametersWithoutAGradientStay) {
  Tensor a = parameter({1}), b = parameter({1});
  Adam optimizer({a, b}, {.lr = 0.1, .weight_decay = 1});
  set_gradient(a, 0);
  optimizer.step();
  EXPECT_NE(a.detach()[0].item(), 1);
  EXPECT_EQ(b.detach()[0].item(), 1);
  EXPECT_FALSE(optimizer.state_dict().tensors.contains("1.exp_avg"));
  optimizer.zero_grad();
  const double before = a.detach()[0].item();
  optimizer.step();
  EXPECT_EQ(a.detach()[0].item(), before);
}

TEST(Adam, CountsTheStepsOfEachParameter) {
  // b joins at the third step; it must be where it would be in an optimizer of its own.
  Tensor a = parameter({1, 2}), b = parameter({3, 4}), alone = parameter({3, 4});
  Adam both({a, b}, {.lr = 0.1}), single({alone}, {.lr = 0.1});
  for (int t = 0; t < 5; ++t) {
    set_gradient(a, t);
    if (t >= 2) set_gradient(b, t);
    both.step();
    if (t < 2) continue;
    set_gradient(alone, t);
    single.step();
  }
  EXPECT_EQ(values_of(b), values_of(alone));
  EXPECT_EQ(both.state_dict().numbers.at("0.step"), 5);
  EXPECT_EQ(both.state_dict().numbers.at("1.step"), 3);
}

// ---- Learning rate and count of steps in tensors

// Parameters of the first appear in all steps, of the second in every other, of the third late.
template <class O>
void expect_capturable_alike(typename O::Options options) {
  const auto run = [&options](bool capturable) {
    options.capturable = capturable;
    Tensors p;
    for (int i = 0; i < 3; ++i) p.push_back(parameter({1.0 + i, -2}, i == 2 ? kF32 : kF64));
    O optimizer(p, options);
    for (int t = 0; t < 8; ++t) {
      optimizer.zero_grad();
      set_gradient(p[0], t);
      if (t % 2 == 0) set_gradient(p[1], t);
      if (t > 3) set_gradient(p[2], t);
      if (t == 5) optimizer.set_lr(0.03);
      if (t == 6) optimizer.load_state_dict(optimizer.state_dict());
      optimizer.step();
    }
    Values all;
    for (const Tensor& each : p) {
      for (const double value : values_of(each)) all.push_back(value);
    }
    for (const auto& [name, number] : optimizer.state_dict().numbers) all.push_back(number);
    return all;
  };
  EXPECT_EQ(run(true), run(false));
}

TEST(Optimizers, CapturableOnesGiveTheSameBits) {
  expect_capturable_alike<SGD>({.lr = 0.1});
  expect_capturable_alike<SGD>({.lr = 0.1, .momentum = 0.9, .dampening = 0.1});
  expect_capturable_alike<Adam>({.lr = 0.1, .weight_decay = 0.1});
  expect_capturable_alike<AdamW>({.lr = 0.1});
}

TEST(Optimizers, ACapturableStepThatFailsIsNotCounted) {
  Tensor p = parameter({1, 2});
  AdamW adam({p}, {.capturable = true});
  set_gradient(p, 0);
  adam.step();
  p.impl()->shape = {1};  // as no op would do
  p.impl()->numel = 1;
  EXPECT_THROW(adam.step(), ShapeError);
  EXPECT_EQ(adam.state_dict().numbers.at("0.step"), 1);
}

TEST(SGD, AVelocityBeginsAsTheFirstGradient) {
  Tensor a = parameter({0}), b = parameter({0});
  SGD optimizer({a, b}, {.lr = 1, .momentum = 0.5, .dampening = 0.5});
  const Tensor one = ones({1}, {kF64});
  a.set_grad(one);
  optimizer.step();  // v = 1
  b.set_grad(one);
  optimizer.step();  // a: v = 0.5 + 0.5; b: v = 1
  EXPECT_EQ(values_of(a), Values{-2});
  EXPECT_EQ(values_of(b), Values{-1});
}

TEST(Optimizers, NothingIsRecorded) {
  Tensor p = parameter({1, 2});
  SGD optimizer({p}, {.lr = 0.1, .momentum = 0.9});
  set_gradient(p, 0);
  optimizer.step();
  EXPECT_TRUE(p.is_leaf() && p.requires_grad());
  EXPECT_FALSE(optimizer.state_dict().tensors.at("0.momentum_buffer").requires_grad());
  (p * p).sum().backward();  // the graph is whole
}

TEST(Optimizers, AGradientOfAnotherLayoutWillDo) {
  Tensor p = zeros({2, 3});
  p.requires_grad_();
  p.set_grad(arange(6, {kF32}).reshape({3, 2}).t());
  SGD({p}, {.lr = 1}).step();
  for (int64_t i = 0; i < 2; ++i) {
    for (int64_t j = 0; j < 3; ++j) {
      EXPECT_EQ(p.detach().index({i, j}).item(), -double(2 * j + i));
    }
  }
}

TEST(Optimizers, StepsOfAllDtypesAtOnce) {
  Tensors parameters;
  for (const DType dtype : {kF32, kF64, kF16, kBF16}) {
    parameters.push_back(parameter({1, 2}, dtype));
    parameters.back().set_grad(ones({2}, dtype));
  }
  SGD(parameters, {.lr = 0.5, .momentum = 0.9}).step();
  for (const Tensor& p : parameters) EXPECT_EQ(values_of(p), (Values{0.5, 1.5}));
}

// ---- Groups and learning rates

TEST(Optimizers, GroupsHaveOptionsOfTheirOwn) {
  Tensor a = parameter({1}), b = parameter({1}), c = parameter({1});
  SGD optimizer({{{a}, {.lr = 0.1}}, {{b, c}, {.lr = 0.2, .weight_decay = 1}}});
  EXPECT_EQ(optimizer.groups(), 2u);
  EXPECT_EQ(optimizer.parameters().size(), 3u);
  for (Tensor p : optimizer.parameters()) p.set_grad(ones({1}, {kF64}));
  optimizer.step();
  expect_near(a, {0.9});
  expect_near(b, {0.6});
  expect_near(c, {0.6});
}

TEST(Optimizers, LearningRatesCanChange) {
  Tensor a = parameter({1}), b = parameter({1});
  Adam optimizer({{{a}, {.lr = 0.1}}, {{b}, {.lr = 0.2}}});
  EXPECT_EQ(optimizer.lr(), 0.1);
  EXPECT_EQ(optimizer.lr(1), 0.2);
  optimizer.set_group_lr(1, 0.3);
  EXPECT_EQ(optimizer.lr(), 0.1);
  EXPECT_EQ(optimizer.lr(1), 0.3);
  optimizer.set_lr(0);
  EXPECT_EQ(optimizer.lr(1), 0);
  set_gradient(a, 0);
  optimizer.step();
  EXPECT_EQ(values_of(a), Values{1});
  expect_error<ValueError>([&] { optimizer.set_lr(-1); }, "Adam: lr is -1; it may not be negative");
  expect_error<ValueError>([&] { optimizer.set_lr(std::nan("")); },
                           "Adam: lr is nan; it may not be negative");
  expect_error<IndexError>([&] { optimizer.set_group_lr(2, 1); },
                           "group 2 does not exist; there are 2");
  EXPECT_EQ(optimizer.lr(), 0);
}

// ---- Errors of construction

TEST(Optimizers, RefuseBadOptions) {
  const Tensors p = {parameter({1})};
  expect_error<ValueError>([&] { SGD(p, {.momentum = -1}); },
                           "SGD: momentum is -1; it may not be negative");
  expect_error<ValueError>([&] { SGD(p, {.weight_decay = -1}); },
                           "SGD: weight_decay is -1; it may not be negative");
  expect_error<ValueError>([&] { SGD(p, {.nesterov = true}); },
                           "SGD: nesterov needs a momentum and no dampening");
  const AdamWOptions wrong_betas = {.betas = {0.9, 1}};
  expect_error<ValueError>([&] { AdamW(p, wrong_betas); },
                           "AdamW: a beta is 1; both must be in [0, 1)");
  expect_error<ValueError>([&] { Adam(p, {.eps = -1e-8}); },
                           "Adam: eps is -1e-08; it may not be negative");
}

TEST(Optimizers, RefuseBadParameters) {
  Tensor p = parameter({1});
  expect_error<ValueError>([&] { SGD optimizer(Tensors{}); },
                           "an optimizer needs at least one parameter");
  const Tensors with_undefined = {p, Tensor()};
  expect_error<ValueError>([&] { SGD optimizer(with_undefined); },
                           "parameter 1 is an undefined tensor");
  expect_error<ValueError>([&] { SGD optimizer(Tensors{p * 2}); },
                           "parameter 0 is the result of an op; only leaves can be optimized");
  expect_error<DtypeError>([&] { SGD optimizer(Tensors{ones({1}, {kI64})}); },
                           "parameter 0 is i64; only floating-point tensors can be optimized");
  const std::string twice = message_of<ValueError>([&] { SGD optimizer({{{p}, {}}, {{p}, {}}}); });
  EXPECT_EQ(twice, "parameter 1 is the same tensor as parameter 0" + line(__LINE__ - 1));
}

TEST(Optimizers, AStepNamesTheUsersLine) {
  Tensor p = parameter({1, 2});
  Adam optimizer({p});
  p.set_grad(ones({2}, {kF64}));
  {
    const NoGrad no_grad;
    p.impl()->shape = {1};  // as no op would do
    p.impl()->numel = 1;
  }
  const std::string message = message_of<ShapeError>([&] { optimizer.step(); });
  EXPECT_EQ(message,
            "adam_step_: gradient 0 has shape [2], parameter 0 has [1]" + line(__LINE__ - 2));
}

// ---- States

template <class Optimizer, class Options>
void expect_same_run_after_loading(const Options& options) {
  Tensor a = parameter({1, -2, 3}), b = parameter({0.5});
  Optimizer first({a, b}, options);
  for (int t = 0; t < 3; ++t) {
    set_gradient(a, t);
    if (t > 0) set_gradient(b, t);
    first.step();
  }
  Tensor c = parameter(values_of(a)), d = parameter(values_of(b));
  Optimizer second({c, d});
  second.load_state_dict(first.state_dict());
  EXPECT_EQ(second.lr(), first.lr());
  for (int t = 3; t < 6; ++t) {
    for (Tensor* p : {&a, &b, &c, &d}) set_gradient(*p, t);
    first.step();
    second.step();
  }
  EXPECT_EQ(values_of(a), values_of(c));
  EXPECT_EQ(values_of(b), values_of(d));
}

TEST(Optimizers, GoOnFromAState) {
  expect_same_run_after_loading<SGD>(SGDOptions{.lr = 0.1, .momentum = 0.9, .nesterov = true});
  expect_same_run_after_loading<Adam>(AdamOptions{.lr = 0.1, .weight_decay = 0.1});
  expect_same_run_after_loading<AdamW>(AdamWOptions{.lr = 0.1});
}

TEST(Optimizers, StatesUsePyTorchsWords) {
  Tensor p = parameter({1, 2});
  set_gradient(p, 0);
  AdamW adam({p});
  adam.step();
  const NamedState state = adam.state_dict();
  EXPECT_EQ(state.numbers, (std::map<std::string, double>{{"0.step", 1},
                                                          {"groups.0.betas.0", 0.9},
                                                          {"groups.0.betas.1", 0.999},
                                                          {"groups.0.eps", 1e-8},
                                                          {"groups.0.lr", 1e-3},
                                                          {"groups.0.weight_decay", 0.01}}));
  EXPECT_EQ(state.tensors.size(), 2u);
  expect_near(state.tensors.at("0.exp_avg"), {0.1 * gradient_at(0, 0), 0.1 * gradient_at(1, 0)});
  EXPECT_TRUE(state.tensors.contains("0.exp_avg_sq"));
}

TEST(Optimizers, AnOptimizerThatWasNeverSteppedHasOnlyOptions) {
  SGD optimizer({parameter({1})}, {.nesterov = false});
  EXPECT_TRUE(optimizer.state_dict().tensors.empty());
  EXPECT_EQ(optimizer.state_dict().numbers.at("groups.0.nesterov"), 0);
}

TEST(Optimizers, LoadingForgetsTheOldState) {
  Tensor p = parameter({1});
  SGD optimizer({p}, {.lr = 0.1, .momentum = 0.9});
  const NamedState fresh = optimizer.state_dict();
  set_gradient(p, 0);
  optimizer.step();
  optimizer.load_state_dict(fresh);
  EXPECT_TRUE(optimizer.state_dict().tensors.empty());
}

TEST(Optimizers, LoadedStatesAreCopies) {
  Tensor p = parameter({1});
  SGD optimizer({p}, {.lr = 0.1, .momentum = 0.9});
  NamedState state = optimizer.state_dict();
  Tensor velocity = ones({1}, {kF64});
  state.tensors.add("0.momentum_buffer", velocity);
  optimizer.load_state_dict(state);
  velocity.fill_(100);
  EXPECT_EQ(optimizer.state_dict().tensors.at("0.momentum_buffer")[0].item(), 1);
}

TEST(Optimizers, ListAllThatDoesNotFitAndChangeNothing) {
  Tensor a = parameter({1, 2}), b = parameter({3});
  Adam optimizer({a, b}, {.lr = 0.5});
  const NamedState state{{{"0.exp_avg", zeros({3}, {kF64})},
                          {"0.exp_avg_sq", zeros({2})},
                          {"1.exp_avg", zeros({1}, {kF64})},
                          {"2.exp_avg", zeros({1}, {kF64})}},
                         {{"0.step", 1.5},
                          {"groups.0.lr", 0.1},
                          {"groups.0.betas.0", 0.9},
                          {"groups.0.betas.1", 0.9},
                          {"groups.0.eps", 0},
                          {"groups.1.lr", 0.1}}};
  expect_error<ValueError>([&] { optimizer.load_state_dict(state); },
                           "load_state_dict: the state does not fit the optimizer:\n"
                           "  'groups.0.weight_decay' is missing\n"
                           "  '0.step' is 1.5, expected a count\n"
                           "  '0.exp_avg' has shape [3], the parameter has [2]\n"
                           "  '0.exp_avg_sq' is f32, the parameter is f64\n"
                           "  '1.step' is missing\n"
                           "  '1.exp_avg_sq' is missing\n"
                           "  'groups.1.lr' is unexpected\n"
                           "  '2.exp_avg' is unexpected");
  EXPECT_EQ(optimizer.lr(), 0.5);
  EXPECT_TRUE(optimizer.state_dict().tensors.empty());

  // Numbers that fit by name may still be no options.
  NamedState bad = optimizer.state_dict();
  bad.numbers["groups.0.lr"] = -1;
  bad.numbers["0.step"] = 1;
  bad.tensors = {{"0.exp_avg", zeros({2}, {kF64})}, {"0.exp_avg_sq", zeros({2}, {kF64})}};
  expect_error<ValueError>([&] { optimizer.load_state_dict(bad); },
                           "Adam: lr is -1; it may not be negative");
  EXPECT_TRUE(optimizer.state_dict().tensors.empty());
}

}  // namespace
}  // namespace entasis::optim
