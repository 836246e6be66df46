// Captured work: replays, memory, random numbers, and what cannot be captured.
#include <memory>
#include <string>
#include <vector>

#include <entasis/core/autograd.h>
#include <entasis/core/cuda_graph.h>
#include <entasis/core/error.h>
#include <entasis/core/generator.h>
#include <entasis/core/stream.h>

#include "device.h"

namespace entasis {
namespace {

using CudaGraphs = CudaTest;

TEST_F(CudaGraphs, ReplaysOnNewValues) {
  Tensor x = ramp(1000), y;
  CudaGraph graph;
  graph.capture([&] { y = add(mul(x, 2), 1); });
  graph.replay();
  EXPECT_EQ(to_vector(y)[999], 1999);
  x.fill_(5);
  EXPECT_EQ(to_vector(y)[999], 1999);
  graph.replay();
  EXPECT_EQ(to_vector(y)[999], 11);
}

TEST_F(CudaGraphs, ChangesStateOnceAReplay) {
  Tensor x = ramp(10);
  CudaGraph graph;
  graph.capture([&] { x.add_(1); });
  EXPECT_EQ(to_vector(x)[0], 0);
  for (int i = 0; i < 5; ++i) graph.replay();
  EXPECT_EQ(to_vector(x)[9], 14);
}

TEST_F(CudaGraphs, ItsMemoryIsItsOwn) {
  Tensor x = ramp(1000), y;
  CudaGraph graph;
  graph.capture([&] {
    const Tensor between = mul(x, 3);
    y = add(between, 1);
  });
  // The block of `between` is free within the graph, but nobody else may get it.
  std::vector<Tensor> others;
  for (int i = 0; i < 20; ++i) others.push_back(ramp(1000, -1));
  graph.replay();
  EXPECT_EQ(to_vector(y)[999], 2998);
  for (const Tensor& t : others) ASSERT_EQ(to_vector(t)[999], -999);
}

TEST_F(CudaGraphs, KeepsWhatItReadsAndTheClosureFrees) {
  Tensor x = ramp(1000);
  auto graph = std::make_unique<CudaGraph>();
  Tensor y;
  graph->capture([&] {
    y = mul(x, 2);
    x = {};
  });
  std::vector<Tensor> others;
  for (int i = 0; i < 5; ++i) others.push_back(ramp(1000, -1));
  graph->replay();
  EXPECT_EQ(to_vector(y)[999], 1998);
  graph.reset();
  synchronize(kCuda);
  for (int i = 0; i < 5; ++i) others.push_back(ramp(1000, -1));
  for (const Tensor& t : others) ASSERT_EQ(to_vector(t)[999], -999);
}

TEST_F(CudaGraphs, ReplaysOnAnotherStreamAreOrdered) {
  Tensor x = ramp(3000), y;
  CudaGraph graph;
  graph.capture([&] { y = mul(x, 2); });
  for (int i = 0; i < 10; ++i) {
    x.fill_(i);
    {
      const StreamGuard guard{Stream(kCuda)};
      graph.replay();
    }
    ASSERT_EQ(to_vector(y)[2999], float(2 * i));
  }
}

TEST_F(CudaGraphs, ACountOfWritesGoesOn) {
  Tensor x = ramp(10);
  x.requires_grad_();
  Tensor buffer = ramp(10);
  const Tensor loss = sum(mul(x, buffer));
  CudaGraph graph;
  graph.capture([&] { buffer.mul_(2); });
  graph.replay();
  EXPECT_THROW(loss.backward(), AutogradError);  // `buffer` was saved, and has changed since
}

TEST_F(CudaGraphs, WaitingIsRefusedByNameAndLine) {
  const Tensor x = ramp(1);
  CudaGraph graph;
  int line = 0;
  try {
    graph.capture([&] {
      const Tensor y = mul(x, 2);
      line = __LINE__ + 1;
      y.item();
    });
    FAIL() << "no error";
  } catch (const DeviceError& error) {
    const std::string text = error.what();
    EXPECT_EQ(text.find("item: this cannot be captured in a graph: "), 0u) << text;
    EXPECT_NE(text.find("graph_test.cpp:" + std::to_string(line)), std::string::npos) << text;
  }
  EXPECT_FALSE(graph.captured());
  EXPECT_THROW(graph.replay(), ValueError);
  EXPECT_EQ(to_vector(add(x, 1))[0], 1);  // nothing is left of the capture
}

TEST_F(CudaGraphs, CopiesFromTheHostAndOtherStreamsAreRefused) {
  CudaGraph graph;
  const Tensor host = ones({3});
  EXPECT_THROW(graph.capture([&] { host.to(kCuda); }), DeviceError);
  EXPECT_THROW(graph.capture([&] { const StreamGuard guard{Stream(kCuda)}; }), DeviceError);
  EXPECT_EQ(to_vector(add(ramp(3), 1))[2], 3);
}

TEST_F(CudaGraphs, ExceptionsOfTheClosureLeaveNoCapture) {
  CudaGraph graph;
  EXPECT_THROW(graph.capture([&] { throw ValueError("mine"); }), ValueError);
  Tensor x = ramp(3);
  graph.capture([&] { x.add_(1); });
  graph.replay();
  EXPECT_EQ(to_vector(x)[2], 3);
}

}  // namespace
}  // namespace entasis
