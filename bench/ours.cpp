// Entasis's side of the workloads.
#include <entasis/entasis.h>

#include "rows.h"

namespace entasis::bench {
namespace {

template <class State>
constexpr BenchWork work(const char* name) {
  return {name, []() -> void* { return new State; },
          [](void* state) { static_cast<State*>(state)->run(); },
          [](void* state) { delete static_cast<State*>(state); }};
}

struct Add {
  Tensor a = ones({1}), b = ones({1});
  void run() {
    for (int i = 0; i < kDispatchCalls; ++i) add(a, b);
  }
};

struct AddGrad : Add {
  AddGrad() { a.requires_grad_(); }
};

// The chain is built outside of what is timed, once for each run.
struct ChainBackward {
  Tensor x = ones({1}).requires_grad_(), y;
  ChainBackward() { build(); }
  void build() {
    y = x;
    for (int i = 0; i < kChainLength; ++i) y = add(y, 1.0);
  }
  void run() { y.backward({}, true); }
};

struct Mlp : nn::Module {
  nn::Sub<nn::Linear> fc1{*this, "fc1", 784, 256};
  nn::Sub<nn::Linear> fc2{*this, "fc2", 256, 10};
  Tensor forward(const Tensor& x) override { return fc2(relu(fc1(x))); }
};

struct Lenet : nn::Module {
  nn::Sub<nn::Conv2d> conv1{*this, "conv1", 1, 6, 5, {.padding = 2}};
  nn::Sub<nn::Conv2d> conv2{*this, "conv2", 6, 16, 5};
  nn::Sub<nn::Linear> fc1{*this, "fc1", 400, 120};
  nn::Sub<nn::Linear> fc2{*this, "fc2", 120, 84};
  nn::Sub<nn::Linear> fc3{*this, "fc3", 84, 10};
  Tensor forward(const Tensor& x) override {
    Tensor h = max_pool2d(relu(conv1(x)), {2, 2});
    h = max_pool2d(relu(conv2(h)), {2, 2});
    return fc3(relu(fc2(relu(fc1(flatten(h, 1))))));
  }
};

template <class Model>
struct Step {
  Model model;
  optim::SGD optimizer{model.parameters(), {.lr = 0.01, .momentum = 0.9}};
  Tensor x, target;
  Step(const Dims& shape) {
    manual_seed(1);
    x = rand(shape);
    target = randint(0, 10, {shape[0]});
  }
  void run() {
    optimizer.zero_grad();
    cross_entropy(model(x), target).backward();
    optimizer.step();
  }
};
struct MlpStep : Step<Mlp> {
  MlpStep() : Step({kMlpBatch, 784}) {}
};
struct LenetStep : Step<Lenet> {
  LenetStep() : Step({kLenetBatch, 1, 28, 28}) {}
};

constexpr BenchWork kWorks[] = {
    work<Add>("add_1"),        work<AddGrad>("add_1_grad"),   work<ChainBackward>("chain_backward"),
    work<MlpStep>("mlp_step"), work<LenetStep>("lenet_step"),
};

}  // namespace

std::span<const BenchWork> our_works() { return kWorks; }

}  // namespace entasis::bench
