// A small convolutional network for small images, after LeNet-5 (LeCun et al. 1998, "Gradient-based
// learning applied to document recognition"): two rounds of convolution and pooling, two linear
// layers. With today's parts: ReLU, max pooling, dropout and PyTorch's initial weights.
#pragma once

#include <cstdint>

#include <entasis/core/tensor.h>
#include <entasis/nn/conv.h>
#include <entasis/nn/dropout.h>
#include <entasis/nn/linear.h>
#include <entasis/nn/module.h>

namespace entasis::models {

struct LeNetOptions {
  int64_t channels = 1;
  int64_t height = 28;
  int64_t width = 28;
  int64_t classes = 10;
  double dropout = 0.4;  // before each linear layer
};

// Images [n, channels, height, width] to logits [n, classes]. Throws ValueError for images under
// 4x4, which two rounds of pooling would leave nothing of.
class ENTASIS_API LeNet : public nn::Module {
 public:
  using Options = LeNetOptions;
  explicit LeNet(const LeNetOptions& options = {}, Location at = {});
  Tensor forward(const Tensor& images) override;

  nn::Sub<nn::Conv2d> conv1, conv2;
  nn::Sub<nn::Dropout> dropout1;
  nn::Sub<nn::Linear> fc1;
  nn::Sub<nn::Dropout> dropout2;
  nn::Sub<nn::Linear> fc2;
};

}  // namespace entasis::models
