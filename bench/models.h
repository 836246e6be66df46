// Networks and their training steps, for benchmarks on any device.
#pragma once

#include <entasis/entasis.h>

namespace entasis::bench {

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

// SGD with momentum on one random batch of `shape`.
template <class Model>
struct Step {
  Model model;
  optim::SGD optimizer;
  Tensor x, target;
  explicit Step(const Dims& shape, Device device = {}, bool captured = false)
      : optimizer(model.parameters(), {.lr = 0.01, .momentum = 0.9, .capturable = captured}) {
    manual_seed(1);
    model.to(device);
    x = rand(shape, device);
    target = randint(0, 10, {shape[0]}, device);
  }
  void run() {
    optimizer.zero_grad();
    cross_entropy(model(x), target).backward();
    optimizer.step();
  }
};

}  // namespace entasis::bench
