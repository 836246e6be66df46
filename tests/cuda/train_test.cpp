// Training on the device: the loss follows the CPU's, the same seed gives the same bits, and a
// captured step does what the eager one does.
#include <cmath>
#include <functional>
#include <vector>

#include <entasis/core/cuda_graph.h>
#include <entasis/core/generator.h>
#include <entasis/models/lenet.h>
#include <entasis/optim/adam.h>
#include <entasis/optim/sgd.h>

#include "device.h"

namespace entasis {
namespace {

constexpr int kSteps = 12;

struct Batch {
  Tensor images, labels;
};
std::vector<Batch> batches(Device device) {
  manual_seed(11);
  std::vector<Batch> all;
  for (int i = 0; i < kSteps; ++i) {
    all.push_back({rand({6, 1, 8, 8}).to(device), randint(0, 10, {6}).to(device)});
  }
  return all;
}

// Losses of a few steps, and the last weights, as one list.
std::vector<double> train(Device device, bool adam) {
  manual_seed(3);
  models::LeNet network({.height = 8, .width = 8, .dropout = 0});
  network.to(device);
  optim::SGD sgd(network.parameters(), {.lr = 0.05, .momentum = 0.9});
  optim::AdamW adamw(network.parameters(), {.lr = 1e-3});
  optim::Optimizer& optimizer = adam ? static_cast<optim::Optimizer&>(adamw) : sgd;
  std::vector<double> seen;
  for (const Batch& batch : batches(device)) {
    optimizer.zero_grad();
    const Tensor loss = cross_entropy(network(batch.images), batch.labels);
    loss.backward();
    optimizer.step();
    seen.push_back(loss.item());
  }
  for (const Tensor& parameter : network.parameters()) {
    seen.push_back(sum(parameter.detach()).item());
  }
  return seen;
}

class CudaTraining : public CudaTest {};

void expect_follows(const std::vector<double>& cuda, const std::vector<double>& cpu) {
  ASSERT_EQ(cuda.size(), cpu.size());
  for (size_t i = 0; i < cpu.size(); ++i) {
    EXPECT_NEAR(cuda[i], cpu[i], 2e-5 * (1 + std::abs(cpu[i]))) << "entry " << i;
  }
}

TEST_F(CudaTraining, FollowsTheCpuWithMomentum) {
  expect_follows(train(kCuda, false), train(kCPU, false));
}
TEST_F(CudaTraining, FollowsTheCpuWithAdamW) {
  expect_follows(train(kCuda, true), train(kCPU, true));
}
TEST_F(CudaTraining, TheSameSeedGivesTheSameBits) {
  EXPECT_EQ(train(kCuda, false), train(kCuda, false));
  EXPECT_EQ(train(kCuda, true), train(kCuda, true));
}

// A whole step, forward, backward and optimizer, captured once and replayed.
TEST_F(CudaTraining, ACapturedStepDoesWhatTheEagerOneDoes) {
  const auto run = [](bool captured) {
    manual_seed(5);
    models::LeNet network({.height = 8, .width = 8, .dropout = 0.25});
    network.to(kCuda);
    optim::SGD optimizer(network.parameters(),
                         {.lr = 0.05, .momentum = 0.9, .capturable = captured});
    const std::vector<Batch> all = batches(kCuda);
    Tensor images = clone(all[0].images), labels = clone(all[0].labels), loss;
    const auto step = [&] {
      optimizer.zero_grad();
      loss = cross_entropy(network(images), labels);
      loss.backward();
      optimizer.step();
    };
    std::vector<double> seen;
    CudaGraph graph;
    for (size_t i = 0; i < all.size(); ++i) {
      images.copy_(all[i].images);
      labels.copy_(all[i].labels);
      if (!captured || i < 2) {  // the first steps make the momentum buffers
        step();
      } else {
        if (!graph.captured()) graph.capture(step);
        graph.replay();
      }
      seen.push_back(loss.item());
    }
    return seen;
  };
  EXPECT_EQ(run(true), run(false));
}

}  // namespace
}  // namespace entasis
