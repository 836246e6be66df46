// Initialisers: bounds, moments and spread of their draws against the formulas.
#include <entasis/nn/init.h>

#include <cmath>
#include <string>

#include <gtest/gtest.h>

#include <entasis/core/error.h>
#include <entasis/core/generator.h>
#include <entasis/ops/factory.h>
#include <entasis/ops/methods.h>

namespace entasis::nn::init {
namespace {

// 60 outputs, 40 inputs, 5 x 5: fan_in 1000, fan_out 1500, 60,000 elements.
Tensor kernel() { return empty({60, 40, 5, 5}, {kF64}); }

double average(const Tensor& t) { return t.mean().item(); }
double deviation(const Tensor& t) { return std::sqrt(t.var().item()); }
double largest(const Tensor& t) { return t.amax().item(); }
double smallest(const Tensor& t) { return -(-t).amax().item(); }

// Uniform in ±bound: no element outside, the extremes within a thousandth of it (they miss that
// with probability exp(-30)), the mean within five of its standard deviations.
void expect_uniform(const Tensor& t, double bound) {
  EXPECT_LE(largest(t), bound);
  EXPECT_GE(smallest(t), -bound);
  EXPECT_GT(largest(t), 0.999 * bound);
  EXPECT_LT(smallest(t), -0.999 * bound);
  EXPECT_NEAR(average(t), 0, 5 * bound / std::sqrt(3.0 * double(t.numel())));
  EXPECT_NEAR(deviation(t), bound / std::sqrt(3.0), 0.01 * bound);
}

// The standard deviation of a sample of n lies within five times std / sqrt(2 n).
void expect_normal(const Tensor& t, double std) {
  const double n = double(t.numel());
  EXPECT_NEAR(average(t), 0, 5 * std / std::sqrt(n));
  EXPECT_NEAR(deviation(t), std, 5 * std / std::sqrt(2 * n));
  EXPECT_GT(largest(t), 3 * std);  // no uniform distribution
}

class InitTest : public ::testing::Test {
 protected:
  void SetUp() override { manual_seed(7); }
};

TEST_F(InitTest, Fans) {
  EXPECT_EQ(fans_of(kernel()).in, 1000);
  EXPECT_EQ(fans_of(kernel()).out, 1500);
  EXPECT_EQ(fans_of(empty({3, 4})).in, 4);
  EXPECT_EQ(fans_of(empty({3, 4})).out, 3);
  try {
    fans_of(empty({3}));
    FAIL();
  } catch (const ShapeError& error) {
    EXPECT_EQ(std::string(error.what()),
              "fan_in and fan_out need at least 2 dimensions, the shape is [3] — init_test.cpp:" +
                  std::to_string(__LINE__ - 5));
  }
}

TEST_F(InitTest, Gains) {
  EXPECT_EQ(gain_of(Nonlinearity::kLinear), 1);
  EXPECT_EQ(gain_of(Nonlinearity::kSigmoid), 1);
  EXPECT_EQ(gain_of(Nonlinearity::kTanh), 5.0 / 3);
  EXPECT_EQ(gain_of(Nonlinearity::kReLU), std::sqrt(2.0));
  EXPECT_EQ(gain_of(Nonlinearity::kLeakyReLU), std::sqrt(2 / 1.0001));
  EXPECT_EQ(gain_of(Nonlinearity::kLeakyReLU, 1), 1);
  EXPECT_EQ(gain_of(Nonlinearity::kSELU), 0.75);
}

TEST_F(InitTest, Kaiming) {
  expect_uniform(kaiming_uniform_(kernel()), std::sqrt(6.0 / 1000));
  expect_uniform(kaiming_uniform_(kernel(), {.a = std::sqrt(5.0)}), std::sqrt(1.0 / 1000));
  expect_uniform(kaiming_uniform_(kernel(), {.mode = FanMode::kFanOut}), std::sqrt(6.0 / 1500));
  expect_normal(kaiming_normal_(kernel()), std::sqrt(2.0 / 1000));
  expect_normal(
      kaiming_normal_(kernel(), {.mode = FanMode::kFanOut, .nonlinearity = Nonlinearity::kLinear}),
      std::sqrt(1.0 / 1500));
}

TEST_F(InitTest, Xavier) {
  expect_uniform(xavier_uniform_(kernel()), std::sqrt(6.0 / 2500));
  expect_uniform(xavier_uniform_(kernel(), 2), 2 * std::sqrt(6.0 / 2500));
  expect_normal(xavier_normal_(kernel(), 0.5), 0.5 * std::sqrt(2.0 / 2500));
}

TEST_F(InitTest, PlainOnes) {
  const Tensor u = init::uniform_(kernel(), 2, 3);
  EXPECT_GE(smallest(u), 2);
  EXPECT_LT(largest(u), 3);
  EXPECT_NEAR(average(u), 2.5, 0.01);
  const Tensor n = init::normal_(kernel(), -1, 2);
  EXPECT_NEAR(average(n), -1, 0.05);
  EXPECT_NEAR(deviation(n), 2, 0.05);
  EXPECT_EQ(ones_(empty({3})).sum().item(), 3);
  EXPECT_EQ(zeros_(ones({3})).sum().item(), 0);
  EXPECT_EQ(constant_(empty({3}), 2.5).sum().item(), 7.5);
}

TEST_F(InitTest, LeavesThatNeedGradientsAreFilledUnrecorded) {
  Tensor weight = empty({3, 4});
  weight.requires_grad_();
  EXPECT_TRUE(kaiming_uniform_(weight).same(weight));
  EXPECT_TRUE(weight.is_leaf() && weight.requires_grad());
}

TEST_F(InitTest, EmptyTensorsStayAsTheyAre) {
  EXPECT_EQ(kaiming_uniform_(empty({3, 0})).numel(), 0);
  EXPECT_EQ(kaiming_normal_(empty({0, 3})).numel(), 0);
  EXPECT_EQ(xavier_uniform_(empty({0, 0})).numel(), 0);
  EXPECT_EQ(xavier_normal_(empty({0, 0})).numel(), 0);
}

TEST_F(InitTest, TheSameSeedGivesTheSameDraws) {
  const Tensor a = kaiming_uniform_(kernel());
  manual_seed(7);
  const Tensor b = kaiming_uniform_(kernel());
  EXPECT_EQ((a - b).amax().item(), 0);
  EXPECT_EQ((b - a).amax().item(), 0);
}

}  // namespace
}  // namespace entasis::nn::init
