// Layers: PyTorch's state keys, shapes, defaults and first values; and that each does what the
// function of its name does.
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <entasis/core/autograd.h>
#include <entasis/core/error.h>
#include <entasis/core/generator.h>
#include <entasis/nn/nn.h>
#include <entasis/ops/conv.h>
#include <entasis/ops/dropout.h>
#include <entasis/ops/factory.h>
#include <entasis/ops/lookup.h>
#include <entasis/ops/matmul.h>
#include <entasis/ops/methods.h>
#include <entasis/ops/norm.h>
#include <entasis/ops/pooling.h>
#include <entasis/ops/softmax.h>

#include <entasis/tests/support/errors.h>
#include <entasis/tests/support/same.h>

namespace entasis::nn {
namespace {

// Names, dtypes and shapes as `{k: (v.dtype, v.shape) for k, v in module.state_dict().items()}`
// gives them in PyTorch.
std::string keys(const Module& module) {
  std::string text;
  for (const auto& [name, tensor] : module.state_dict()) {
    text += name + " " + name_of(tensor.dtype()) + " " + to_string(tensor.shape()) + "\n";
  }
  return text;
}

double smallest(const Tensor& t) { return -(-t.detach()).amax().item(); }
double largest(const Tensor& t) { return t.detach().amax().item(); }

// Uniform in ±bound, judged by the extremes of many elements.
void expect_uniform(const Tensor& t, double bound) {
  EXPECT_LE(largest(t), bound);
  EXPECT_GE(smallest(t), -bound);
  EXPECT_GT(largest(t), 0.98 * bound);
  EXPECT_LT(smallest(t), -0.98 * bound);
}

class LayersTest : public ::testing::Test {
 protected:
  void SetUp() override { manual_seed(11); }
};

// ---- Linear, Conv2d

TEST_F(LayersTest, Linear) {
  Linear layer(100, 400);
  EXPECT_EQ(keys(layer), "weight f32 [400, 100]\nbias f32 [400]\n");
  expect_uniform(layer.weight, 0.1);  // 1 / sqrt(100)
  expect_uniform(layer.bias, 0.1);
  const Tensor x = randn({3, 5, 100});
  EXPECT_TRUE(same_values(layer(x), linear(x, layer.weight, layer.bias)));

  const Linear plain(3, 4, {.bias = false, .dtype = kF64});
  EXPECT_EQ(keys(plain), "weight f64 [4, 3]\n");
  EXPECT_FALSE(plain.bias.defined());
  EXPECT_EQ(keys(Linear(0, 2)), "weight f32 [2, 0]\nbias f32 [2]\n");
  EXPECT_EQ(Linear(0, 2).bias.detach().amax().item(), 0);
}

TEST_F(LayersTest, Conv2d) {
  Conv2d layer(8, 64, {5, 3}, {.stride = 2, .padding = {2, 1}, .dilation = {1, 2}, .groups = 2});
  EXPECT_EQ(keys(layer), "weight f32 [64, 4, 5, 3]\nbias f32 [64]\n");
  const double bound = 1 / std::sqrt(4.0 * 5 * 3);
  expect_uniform(layer.weight, bound);
  EXPECT_LE(largest(layer.bias), bound);
  EXPECT_GT(largest(layer.bias), 0.9 * bound);
  const Tensor x = randn({2, 8, 9, 11});
  EXPECT_TRUE(
      same_values(layer(x), conv2d(x, layer.weight, layer.bias, {2, 2}, {2, 1}, {1, 2}, 2)));
  EXPECT_EQ(keys(Conv2d(3, 6, 5, {.bias = false})), "weight f32 [6, 3, 5, 5]\n");
  expect_error<ValueError>(
      [] { Conv2d(3, 6, 5, {.groups = 2}); },
      "Conv2d: groups is 2; it must divide in_channels (3) and out_channels (6)");
  EXPECT_THROW(Conv2d(3, 6, 5, {.groups = 0}), ValueError);
}

// ---- Normalisation

TEST_F(LayersTest, BatchNorm2dBegins) {
  const BatchNorm2d layer(4);
  EXPECT_EQ(keys(layer),
            "weight f32 [4]\nbias f32 [4]\nrunning_mean f32 [4]\nrunning_var f32 [4]\n"
            "num_batches_tracked i64 []\n");
  EXPECT_TRUE(same_values(layer.weight, ones({4})));
  EXPECT_TRUE(same_values(layer.bias, zeros({4})));
  EXPECT_TRUE(same_values(layer.running_mean, zeros({4})));
  EXPECT_TRUE(same_values(layer.running_var, ones({4})));
  EXPECT_EQ(layer.num_batches_tracked.item(), 0);
  EXPECT_EQ(layer.options().momentum, 0.1);
  EXPECT_EQ(layer.options().eps, 1e-5);
  EXPECT_EQ(keys(BatchNorm2d(4, {.affine = false})),
            "running_mean f32 [4]\nrunning_var f32 [4]\nnum_batches_tracked i64 []\n");
  EXPECT_EQ(keys(BatchNorm2d(4, {.track_running_stats = false})), "weight f32 [4]\nbias f32 [4]\n");
}

TEST_F(LayersTest, BatchNorm2dTracksItsBatches) {
  BatchNorm2d layer(2, {.momentum = 0.25});
  const Tensor x = randn({3, 2, 4, 5}) * 3 + 1;
  const Tensor mean = x.mean({0, 2, 3}), var = x.var({0, 2, 3});
  const Tensor y = layer(x);
  EXPECT_NEAR(y.detach().mean().item(), 0, 1e-6);
  EXPECT_LT((layer.running_mean - mean * 0.25).amax().item(), 1e-6);
  EXPECT_LT((layer.running_var - (0.75 + var * 0.25)).amax().item(), 1e-5);
  EXPECT_EQ(layer.num_batches_tracked.item(), 1);

  layer.eval();
  const Tensor expected =
      batch_norm(x, layer.running_mean, layer.running_var, layer.weight, layer.bias, false);
  EXPECT_TRUE(same_values(layer(x), expected));
  EXPECT_EQ(layer.num_batches_tracked.item(), 1);
}

TEST_F(LayersTest, BatchNorm2dWithoutMomentumAverages) {
  BatchNorm2d layer(1, {.momentum = std::nullopt});
  double sum = 0;
  for (int batch = 1; batch <= 4; ++batch) {
    const Tensor x = randn({8, 1, 2, 2}) + batch;
    sum += x.mean().item();
    layer(x);
    EXPECT_NEAR(layer.running_mean.item(), sum / batch, 1e-5);
  }
}

TEST_F(LayersTest, BatchNorm2dWithoutStatisticsUsesTheBatchs) {
  BatchNorm2d layer(2, {.track_running_stats = false});
  layer.eval();
  const Tensor y = layer(randn({4, 2, 3, 3}) + 5);
  EXPECT_NEAR(y.detach().mean().item(), 0, 1e-6);
}

TEST_F(LayersTest, BatchNorm2dWantsFourDimensions) {
  BatchNorm2d layer(2);
  const Tensor flat = ones({3, 2});
  const std::string text = message_of<ShapeError>([&] { layer(flat); });
  const int line = __LINE__ - 1;
  EXPECT_EQ(text,
            "BatchNorm2d: the input must have 4 dimensions, its shape is [3, 2] — in model, "
            "layers_test.cpp:" +
                std::to_string(line));
}

TEST_F(LayersTest, LayerNorm) {
  LayerNorm layer(Dims{3, 4});
  EXPECT_EQ(keys(layer), "weight f32 [3, 4]\nbias f32 [3, 4]\n");
  EXPECT_TRUE(same_values(layer.weight, ones({3, 4})));
  EXPECT_TRUE(same_values(layer.bias, zeros({3, 4})));
  EXPECT_EQ(layer.options().eps, 1e-5);
  const Tensor x = randn({2, 3, 4});
  EXPECT_TRUE(same_values(layer(x), layer_norm(x, {3, 4}, layer.weight, layer.bias)));
  EXPECT_EQ(keys(LayerNorm(5, {.bias = false})), "weight f32 [5]\n");
  EXPECT_EQ(keys(LayerNorm(5, {.elementwise_affine = false})), "");
}

// ---- Embedding, dropout

TEST_F(LayersTest, Embedding) {
  Embedding layer(500, 40);
  EXPECT_EQ(keys(layer), "weight f32 [500, 40]\n");
  const Tensor weight = layer.weight.detach();
  EXPECT_NEAR(weight.mean().item(), 0, 0.04);
  EXPECT_NEAR(weight.var().item(), 1, 0.05);
  const Tensor ids = randint(0, 500, {3, 7});
  EXPECT_TRUE(same_values(layer(ids), embedding(ids, layer.weight)));
}

TEST_F(LayersTest, EmbeddingsPaddingIsZeroAndGetsNoGradient) {
  Embedding layer(5, 2, {.padding_idx = -2});
  EXPECT_EQ(layer.padding_idx(), 3);
  EXPECT_TRUE(same_values(layer.weight.detach()[3], zeros({2})));
  EXPECT_FALSE(same_values(layer.weight.detach()[2], zeros({2})));
  layer(from_data<int64_t>(std::vector<int64_t>{3, 1}, {2})).sum().backward();
  EXPECT_TRUE(same_values(layer.weight.grad()[3], zeros({2})));
  EXPECT_TRUE(same_values(layer.weight.grad()[1], ones({2})));
  expect_error<IndexError>([] { Embedding(5, 2, {.padding_idx = 5}); },
                           "Embedding: padding_idx is 5, the table has 5 rows");
}

TEST_F(LayersTest, DropoutOnlyWhileTraining) {
  Dropout layer(0.25);
  const Tensor x = ones({10'000});
  const Tensor y = layer(x);
  EXPECT_NEAR(y.mean().item(), 1, 0.05);
  EXPECT_FLOAT_EQ(float(largest(y)), 4.0f / 3);
  EXPECT_EQ(smallest(y), 0);
  layer.eval();
  EXPECT_TRUE(same_values(layer(x), x));
  expect_error<ValueError>([] { Dropout layer(1.5); }, "Dropout: p is 1.5; it must be in [0, 1]");
  EXPECT_THROW(Dropout layer(std::nan("")), ValueError);
}

// ---- Layers without state

TEST_F(LayersTest, Pooling) {
  const Tensor x = randn({2, 3, 8, 9});
  EXPECT_TRUE(same_values(MaxPool2d(2)(x), max_pool2d(x, {2, 2})));
  EXPECT_TRUE(same_values(
      MaxPool2d({3, 2}, {.stride = 1, .padding = {1, 0}, .dilation = 2, .ceil_mode = true})(x),
      max_pool2d(x, {3, 2}, {1, 1}, {1, 0}, {2, 2}, true)));
  EXPECT_TRUE(same_values(AvgPool2d(2)(x), avg_pool2d(x, {2, 2})));
  EXPECT_TRUE(same_values(
      AvgPool2d({3, 2}, {.stride = Pair(2, 1), .padding = 1, .count_include_pad = false})(x),
      avg_pool2d(x, {3, 2}, {2, 1}, {1, 1}, false, false)));
}

TEST_F(LayersTest, Activations) {
  const Tensor x = randn({2, 3, 4});
  EXPECT_TRUE(same_values(ReLU()(x), relu(x)));
  EXPECT_TRUE(same_values(Sigmoid()(x), sigmoid(x)));
  EXPECT_TRUE(same_values(Tanh()(x), tanh(x)));
  EXPECT_TRUE(same_values(GELU()(x), gelu(x)));
  EXPECT_TRUE(same_values(GELU(Approximate::kTanh)(x), gelu(x, Approximate::kTanh)));
  EXPECT_TRUE(same_values(LeakyReLU()(x), leaky_relu(x, 0.01)));
  EXPECT_TRUE(same_values(LeakyReLU(0.2)(x), leaky_relu(x, 0.2)));
  EXPECT_TRUE(same_values(ELU()(x), elu(x, 1)));
  EXPECT_TRUE(same_values(ELU(0.5)(x), elu(x, 0.5)));
  EXPECT_TRUE(same_values(SELU()(x), selu(x)));
  EXPECT_TRUE(same_values(SiLU()(x), silu(x)));
  EXPECT_TRUE(same_values(Mish()(x), mish(x)));
  EXPECT_TRUE(same_values(Softplus()(x), softplus(x, 1, 20)));
  EXPECT_TRUE(same_values(Softplus(2, 0.5)(x), softplus(x, 2, 0.5)));
  EXPECT_TRUE(same_values(Softsign()(x), softsign(x)));
  EXPECT_TRUE(same_values(ReLU6()(x), relu6(x)));
  EXPECT_TRUE(same_values(Hardsigmoid()(x), hardsigmoid(x)));
  EXPECT_TRUE(same_values(Hardswish()(x), hardswish(x)));
  EXPECT_TRUE(same_values(LogSigmoid()(x), logsigmoid(x)));
  EXPECT_TRUE(same_values(Tanhshrink()(x), tanhshrink(x)));
  EXPECT_TRUE(same_values(CELU(0.5)(x), celu(x, 0.5)));
  EXPECT_TRUE(same_values(Hardtanh()(x), hardtanh(x, -1, 1)));
  EXPECT_TRUE(same_values(Hardtanh(-0.5, 0.25)(x), hardtanh(x, -0.5, 0.25)));
  EXPECT_TRUE(same_values(Hardshrink()(x), hardshrink(x, 0.5)));
  EXPECT_TRUE(same_values(Softshrink(0.25)(x), softshrink(x, 0.25)));
  EXPECT_TRUE(same_values(Threshold(0.25, -2)(x), threshold(x, 0.25, -2)));
  EXPECT_TRUE(same_values(PReLU()(x), leaky_relu(x, 0.25)));
  PReLU channels(3, {.init = 0.5});
  EXPECT_EQ(channels.weight.shape(), Dims({3}));
  EXPECT_TRUE(channels.weight.requires_grad());
  EXPECT_TRUE(same_values(channels(x), leaky_relu(x, 0.5)));
  RReLU random(0.25, 0.75);
  const Tensor slopes = div(random(x), x);
  EXPECT_TRUE(same_values(where(gt(x, 0), 1, clamp(slopes, 0.2499, 0.7501)), slopes));
  EXPECT_FALSE(same_values(random(x), leaky_relu(x, 0.5)));
  random.eval();
  EXPECT_TRUE(same_values(random(x), leaky_relu(x, 0.5)));
  EXPECT_TRUE(same_values(GLU()(x), glu(x, -1)));
  EXPECT_TRUE(same_values(Softmin(1)(x), softmin(x, 1)));
  EXPECT_TRUE(same_values(Softmax(1)(x), softmax(x, 1)));
  EXPECT_TRUE(same_values(LogSoftmax(-1)(x), log_softmax(x, -1)));
  EXPECT_EQ(Flatten()(x).shape(), Dims({2, 12}));
  EXPECT_EQ(Flatten(0, 1)(x).shape(), Dims({6, 4}));
}

TEST_F(LayersTest, Losses) {
  const Tensor x = randn({6, 4}), y = randn({6, 4}), classes = randint(0, 4, {6});
  MSELoss mse;
  EXPECT_TRUE(same_values(mse(x, y), mse_loss(x, y)));
  EXPECT_TRUE(same_values(MSELoss(Reduction::kNone)(x, y), mse_loss(x, y, Reduction::kNone)));
  EXPECT_TRUE(same_values(L1Loss()(x, y), l1_loss(x, y)));
  EXPECT_TRUE(same_values(L1Loss(Reduction::kSum)(x, y), l1_loss(x, y, Reduction::kSum)));
  EXPECT_TRUE(same_values(SmoothL1Loss()(x, y), smooth_l1_loss(x, y)));
  EXPECT_TRUE(same_values(SmoothL1Loss(Reduction::kNone, 0.25)(x, y),
                          smooth_l1_loss(x, y, Reduction::kNone, 0.25)));
  const Tensor p = sigmoid(x), q = sigmoid(y);
  EXPECT_TRUE(same_values(BCELoss()(p, q), binary_cross_entropy(p, q)));
  EXPECT_TRUE(
      same_values(BCELoss(Reduction::kSum)(p, q), binary_cross_entropy(p, q, Reduction::kSum)));
  EXPECT_TRUE(same_values(CrossEntropyLoss()(x, classes), cross_entropy(x, classes)));
  CrossEntropyLoss smooth(
      {.ignore_index = 1, .reduction = Reduction::kSum, .label_smoothing = 0.1});
  EXPECT_TRUE(same_values(smooth(x, classes), cross_entropy(x, classes, 1, Reduction::kSum, 0.1)));
  const std::string message = message_of<ShapeError>([&] { mse(x, ones({5, 4})); });
  EXPECT_NE(message.find("layers_test.cpp:" + std::to_string(__LINE__ - 1)), std::string::npos)
      << message;
}

// ---- A whole network, with the keys that PyTorch gives it

struct LeNet : Module {
  Sub<Sequential> features{*this, "features"};
  Sub<BatchNorm2d> norm{*this, "norm", 16};
  Sub<Linear> fc1{*this, "fc1", 16 * 5 * 5, 120};
  Sub<Linear> fc2{*this, "fc2", 120, 10};
  LeNet() {
    features.add<Conv2d>(1, 6, 5, {.padding = 2}).add<ReLU>().add<MaxPool2d>(2);
    features.add<Conv2d>(6, 16, 5).add<ReLU>().add<AvgPool2d>(2);
  }
  Tensor forward(const Tensor& x) override { return fc2(relu(fc1(norm(features(x)).flatten(1)))); }
};

TEST_F(LayersTest, ANetworkHasPyTorchsKeysAndGetsItsGradients) {
  LeNet net;
  EXPECT_EQ(keys(net),
            "features.0.weight f32 [6, 1, 5, 5]\n"
            "features.0.bias f32 [6]\n"
            "features.3.weight f32 [16, 6, 5, 5]\n"
            "features.3.bias f32 [16]\n"
            "norm.weight f32 [16]\n"
            "norm.bias f32 [16]\n"
            "norm.running_mean f32 [16]\n"
            "norm.running_var f32 [16]\n"
            "norm.num_batches_tracked i64 []\n"
            "fc1.weight f32 [120, 400]\n"
            "fc1.bias f32 [120]\n"
            "fc2.weight f32 [10, 120]\n"
            "fc2.bias f32 [10]\n");
  CrossEntropyLoss loss;
  loss(net(randn({4, 1, 28, 28})), randint(0, 10, {4})).backward();
  for (const auto& [name, parameter] : net.named_parameters()) {
    ASSERT_TRUE(parameter.grad().defined()) << name;
    EXPECT_GT((parameter.grad() * parameter.grad()).sum().item(), 0) << name;
  }
  const std::string message = message_of<ShapeError>([&] { net(randn({4, 3, 28, 28})); });
  EXPECT_NE(message.find("conv2d: "), std::string::npos) << message;
  EXPECT_NE(message.find(" — in model.features.0, layers_test.cpp:"), std::string::npos) << message;
}

}  // namespace
}  // namespace entasis::nn
