// Optimizer steps in captured graphs: they count, follow the learning rate, and refuse what a
// replay would get wrong.
#include <string>
#include <vector>

#include <entasis/core/cuda_graph.h>
#include <entasis/core/error.h>
#include <entasis/optim/optim.h>
#include <entasis/tests/support/errors.h>

#include "device.h"

namespace entasis {
namespace {

using CudaOptimizer = CudaTest;

Tensor parameter(double value) {
  Tensor p = full({5}, value, {kF32, kCuda});
  p.requires_grad_();
  return p;
}

template <class F>
void expect_refused(F&& f, const std::string& why) {
  const std::string message = message_of<DeviceError>(f);
  EXPECT_NE(message.find(why), std::string::npos) << message;
  EXPECT_NE(message.find("optimizer_test.cpp:"), std::string::npos) << message;
}

// Six steps of two parameters, of which the fourth has another learning rate and the fifth goes on
// from the state before the first.
template <class O>
std::vector<float> run(typename O::Options options, bool captured) {
  const Tensors parameters{parameter(1), parameter(-2)};
  const Tensor factor = ramp(5);
  options.capturable = captured;
  O optimizer(parameters, options);
  const auto step = [&] {
    optimizer.zero_grad();
    add(sum(mul(mul(parameters[0], parameters[0]), factor)), sum(parameters[1].exp())).backward();
    optimizer.step();
  };
  step();
  const NamedState early = [&] {
    NamedState state = optimizer.state_dict();
    NamedTensors copies;
    for (const auto& [name, tensor] : state.tensors) copies.add(name, clone(tensor));
    return NamedState{copies, state.numbers};
  }();
  CudaGraph graph;
  if (captured) graph.capture(step);
  for (int i = 1; i < 6; ++i) {
    if (i == 3) optimizer.set_lr(0.02);
    if (i == 4) optimizer.load_state_dict(early);
    captured ? graph.replay() : step();
  }
  std::vector<float> all = to_vector(parameters[0].detach());
  for (const float value : to_vector(parameters[1].detach())) all.push_back(value);
  for (const auto& [name, number] : optimizer.state_dict().numbers) all.push_back(float(number));
  return all;
}

TEST_F(CudaOptimizer, CapturedStepsDoWhatEagerOnesDo) {
  const optim::SGDOptions sgd{.lr = 0.1, .momentum = 0.9, .weight_decay = 0.01};
  EXPECT_EQ(run<optim::SGD>(sgd, true), run<optim::SGD>(sgd, false));
  EXPECT_EQ(run<optim::SGD>({.lr = 0.1}, true), run<optim::SGD>({.lr = 0.1}, false));
  EXPECT_EQ(run<optim::Adam>({.lr = 0.1}, true), run<optim::Adam>({.lr = 0.1}, false));
  EXPECT_EQ(run<optim::AdamW>({.lr = 0.1}, true), run<optim::AdamW>({.lr = 0.1}, false));
}

TEST_F(CudaOptimizer, WhatAReplayWouldGetWrongIsRefused) {
  Tensor a = parameter(1), b = parameter(2);
  CudaGraph graph;
  a.set_grad(ramp(5));
  {
    optim::AdamW numbers({a});
    numbers.step();
    expect_refused([&] { graph.capture([&] { numbers.step(); }); }, "needs the option capturable");
  }
  optim::AdamW optimizer({a, b}, {.capturable = true});
  expect_refused([&] { graph.capture([&] { optimizer.step(); }); },
                 "AdamW: a captured step would make the state of parameter 0 anew");
  optimizer.step();
  expect_refused([&] { graph.capture([&] { optimizer.set_lr(0.1); }); },
                 "AdamW: a learning rate cannot be set while a graph is captured");
  EXPECT_EQ(optimizer.lr(), 1e-3);
  b.set_grad(ramp(5));
  expect_refused([&] { graph.capture([&] { optimizer.step(); }); },
                 "make the state of parameter 1 anew");
  optimizer.step();
  graph.capture([&] { optimizer.step(); });
  graph.replay();
  EXPECT_EQ(optimizer.state_dict().numbers.at("0.step"), 3);
  EXPECT_EQ(optimizer.state_dict().numbers.at("1.step"), 2);
}

TEST_F(CudaOptimizer, ASplitOfThoseSteppedTogetherIsRefused) {
  Tensor a = parameter(1), b = parameter(2);
  for (Tensor* p : {&a, &b}) p->set_grad(ramp(5));
  optim::Adam optimizer({a, b}, {.capturable = true});
  optimizer.step();
  b.zero_grad();
  CudaGraph graph;
  expect_refused([&] { graph.capture([&] { optimizer.step(); }); },
                 "make the state of parameter 0 anew");
  optimizer.step();
  graph.capture([&] { optimizer.step(); });
  graph.replay();
  EXPECT_EQ(optimizer.state_dict().numbers.at("0.step"), 3);
  EXPECT_EQ(optimizer.state_dict().numbers.at("1.step"), 1);
}

}  // namespace
}  // namespace entasis
