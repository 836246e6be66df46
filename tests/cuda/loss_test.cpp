// What a loss refuses: told when the device is waited for, as wrong indices are (lookup_test.cpp).
#include <cmath>
#include <string>
#include <vector>

#include <entasis/core/cuda_graph.h>
#include <entasis/core/error.h>

#include "device.h"

namespace entasis {
namespace {

using CudaLoss = CudaTest;

// What waiting for the device throws.
std::string report() {
  try {
    synchronize(kCuda);
  } catch (const ValueError& error) {
    return error.what();
  }
  return "no error";
}

Tensor losses_of(const Tensor& input, int line = 7) {
  return binary_cross_entropy(input, full(input.shape(), 0.25, {input.dtype(), input.device()}),
                              Reduction::kNone, Location("train.cpp", line));
}

std::string message_of(double value, int line = 7) {
  return "binary_cross_entropy: the input must lie in [0, 1], an element is " +
         (std::isnan(value) ? "nan" : to_string(Number(value))) +
         " — train.cpp:" + std::to_string(line);
}

// Several blocks and a tail, with two wrong elements, of which the first is told.
Tensor probabilities(DType dtype, double wrong) {
  Tensor p = full({1001, 3}, 0.5);
  p.mutable_data<float>()[2999] = float(wrong);
  p.mutable_data<float>()[3002] = 7;
  return p.to(dtype);
}

TEST_F(CudaLoss, NamesWhatIsNoProbability) {
  for (const DType dtype : {kF32, kF64, kF16, kBF16}) {
    for (const double wrong : {-0.25, 1.5, double(NAN)}) {
      SCOPED_TRACE(std::string(name_of(dtype)) + " " + std::to_string(wrong));
      const Tensor p = probabilities(dtype, wrong).to(kCuda);
      const Tensor losses = losses_of(p);
      EXPECT_EQ(report(), message_of(wrong));
      EXPECT_EQ(report(), "no error");  // once; the device stays usable
      const std::vector<float> values = to_vector(losses.to(kF32));
      EXPECT_TRUE(std::isnan(values[2999]) && std::isnan(values[3002]));
      EXPECT_NEAR(values[0], std::log(2), 1e-2);

      (void)losses_of(transpose(p, 0, 1));
      EXPECT_EQ(report(), message_of(wrong));
      (void)losses_of(slice(p, 0, 0, 1001, 2));  // row 999 is left out, row 1000 is not
      EXPECT_EQ(report(), message_of(7));
      (void)binary_cross_entropy(p, zeros(p.shape(), {dtype == kF64 ? kF32 : kF64, kCuda}),
                                 Reduction::kMean, Location("train.cpp", 9));  // two dtypes
      EXPECT_EQ(report(), message_of(wrong, 9));
    }
  }
}

TEST_F(CudaLoss, TakesEveryProbability) {
  const std::vector<float> losses = to_vector(losses_of(linspace(0, 1, 4097).to(kCuda)));
  EXPECT_EQ(report(), "no error");
  EXPECT_EQ(losses.front(), 25);  // logarithms are clamped at -100
  EXPECT_EQ(losses.back(), 75);
  // The last vector of an array repeats its first element where there is nothing.
  for (int n = 1; n < 12; ++n) {
    (void)losses_of(slice(cat({full({n}, 0.5), full({16}, 2.0)}).to(kCuda), 0, 0, n));
    EXPECT_EQ(report(), "no error") << n;
  }
}

TEST_F(CudaLoss, TheFirstLossIsTold) {
  const Tensor bad = full({5}, 2.0, kCuda), worse = full({5}, -1.0, kCuda);
  (void)losses_of(bad, 1);
  (void)losses_of(worse, 2);
  EXPECT_EQ(report(), message_of(2, 1));
}

TEST_F(CudaLoss, AReplayTellsToo) {
  Tensor p = full({100}, 0.5, kCuda);
  Tensor loss;
  const auto step = [&] { loss = losses_of(p); };
  step();
  CudaGraph graph;
  graph.capture(step);
  graph.replay();
  EXPECT_EQ(report(), "no error");
  p.fill_(1.25);
  graph.replay();
  EXPECT_EQ(report(), message_of(1.25));
  p.fill_(1);
  graph.replay();
  EXPECT_EQ(report(), "no error");
}

}  // namespace
}  // namespace entasis
