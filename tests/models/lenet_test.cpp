// LeNet: shapes, names and initial weights, and that gradients reach every parameter.
#include <entasis/models/lenet.h>

#include <cmath>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <entasis/core/error.h>
#include <entasis/core/generator.h>
#include <entasis/ops/factory.h>
#include <entasis/ops/loss.h>

namespace entasis::models {
namespace {

TEST(LeNet, LogitsForEachImage) {
  LeNet mnist;
  EXPECT_EQ(mnist(rand({3, 1, 28, 28})).shape(), (Dims{3, 10}));
  LeNet digits({.height = 8, .width = 8});
  EXPECT_EQ(digits(rand({5, 1, 8, 8})).shape(), (Dims{5, 10}));
  LeNet odd({.channels = 3, .height = 7, .width = 13, .classes = 4});
  EXPECT_EQ(odd(rand({2, 3, 7, 13})).shape(), (Dims{2, 4}));
}

TEST(LeNet, NamesAreThoseOfItsLayers) {
  std::vector<std::string> names;
  const LeNet network;
  for (const auto& [name, tensor] : network.state_dict()) names.push_back(name);
  EXPECT_EQ(names,
            (std::vector<std::string>{"conv1.weight", "conv1.bias", "conv2.weight", "conv2.bias",
                                      "fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias"}));
}

TEST(LeNet, TheSeedDecidesTheWeights) {
  const auto first_weight = [](uint64_t seed) {
    manual_seed(seed);
    const LeNet network;
    return network.conv1.weight.data<float>()[0];
  };
  EXPECT_EQ(first_weight(1), first_weight(1));
  EXPECT_NE(first_weight(1), first_weight(2));
  EXPECT_LE(std::abs(first_weight(1)), 1 / std::sqrt(25.0));
}

TEST(LeNet, GradientsReachEveryParameter) {
  manual_seed(1);
  LeNet network({.height = 8, .width = 8});
  cross_entropy(network(rand({4, 1, 8, 8})), randint(0, 10, {4})).backward();
  for (const auto& [name, parameter] : network.named_parameters()) {
    EXPECT_TRUE(parameter.grad().defined()) << name;
  }
}

TEST(LeNet, DropoutIsForTraining) {
  manual_seed(1);
  LeNet network({.height = 8, .width = 8});
  const Tensor images = rand({1, 1, 8, 8});
  const auto logit = [&] { return network(images).data<float>()[0]; };
  EXPECT_NE(logit(), logit());
  network.eval();
  EXPECT_EQ(logit(), logit());
}

TEST(LeNet, RefusesTinyImages) {
  try {
    LeNet network({.height = 3, .width = 8});
    ADD_FAILURE() << "no error";
  } catch (const ValueError& error) {
    EXPECT_NE(std::string(error.what())
                  .find("images of 3x8 are too small: expected at least 4x4 — lenet_test.cpp:"),
              std::string::npos)
        << error.what();
  }
}

}  // namespace
}  // namespace entasis::models
