// The same workloads on libtorch's C++ API, as a module that the runner opens if it was built.
#include <torch/torch.h>

#include <string>

#include "rows.h"

namespace {

using namespace entasis::bench;
using torch::Tensor;

template <class State>
constexpr BenchWork work(const char* name) {
  return {name, []() -> void* { return new State; },
          [](void* state) { static_cast<State*>(state)->run(); },
          [](void* state) { delete static_cast<State*>(state); }};
}

struct Add {
  Tensor a = torch::ones({1}), b = torch::ones({1});
  void run() {
    for (int i = 0; i < kDispatchCalls; ++i) torch::add(a, b);
  }
};

struct AddGrad : Add {
  AddGrad() { a.requires_grad_(true); }
};

struct ChainBackward {
  Tensor x = torch::ones({1}, torch::requires_grad()), y;
  ChainBackward() {
    y = x;
    for (int i = 0; i < kChainLength; ++i) y = torch::add(y, 1.0);
  }
  void run() { y.backward({}, true); }
};

struct Mlp : torch::nn::Module {
  torch::nn::Linear fc1{register_module("fc1", torch::nn::Linear(784, 256))};
  torch::nn::Linear fc2{register_module("fc2", torch::nn::Linear(256, 10))};
  Tensor forward(const Tensor& x) { return fc2(torch::relu(fc1(x))); }
};

struct Lenet : torch::nn::Module {
  torch::nn::Conv2d conv1{
      register_module("conv1", torch::nn::Conv2d(torch::nn::Conv2dOptions(1, 6, 5).padding(2)))};
  torch::nn::Conv2d conv2{
      register_module("conv2", torch::nn::Conv2d(torch::nn::Conv2dOptions(6, 16, 5)))};
  torch::nn::Linear fc1{register_module("fc1", torch::nn::Linear(400, 120))};
  torch::nn::Linear fc2{register_module("fc2", torch::nn::Linear(120, 84))};
  torch::nn::Linear fc3{register_module("fc3", torch::nn::Linear(84, 10))};
  Tensor forward(const Tensor& x) {
    Tensor h = torch::max_pool2d(torch::relu(conv1(x)), 2);
    h = torch::max_pool2d(torch::relu(conv2(h)), 2);
    return fc3(torch::relu(fc2(torch::relu(fc1(h.flatten(1))))));
  }
};

template <class Model>
struct Step {
  Model model;
  torch::optim::SGD optimizer{model.parameters(), torch::optim::SGDOptions(0.01).momentum(0.9)};
  Tensor x, target;
  Step(torch::IntArrayRef shape) {
    torch::manual_seed(1);
    x = torch::rand(shape);
    target = torch::randint(0, 10, {shape[0]});
  }
  void run() {
    optimizer.zero_grad();
    torch::nn::functional::cross_entropy(model.forward(x), target).backward();
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

extern "C" __attribute__((visibility("default"))) const BenchPeer bench_peer;
const BenchPeer bench_peer{"libtorch " TORCH_VERSION, [](int n) { torch::set_num_threads(n); },
                           kWorks, int(std::size(kWorks))};
