// Conv2d: two-dimensional convolution.
#pragma once

#include <entasis/nn/module.h>
#include <entasis/nn/pair.h>

namespace entasis::nn {

struct Conv2dOptions {
  Pair stride = 1;
  Pair padding = 0;
  Pair dilation = 1;
  int64_t groups = 1;
  bool bias = true;
  DType dtype = kF32;
  Device device = {};
};

// input [N, in_channels, H, W] -> [N, out_channels, H', W'], as conv2d(). weight [out_channels,
// in_channels / groups, kernel height, kernel width] and bias [out_channels] begin uniform in
// ±1/sqrt(fan_in). Throws ValueError unless groups divides both numbers of channels.
class ENTASIS_API Conv2d : public Module {
 public:
  using Options = Conv2dOptions;
  Conv2d(int64_t in_channels, int64_t out_channels, Pair kernel_size, Conv2dOptions options = {},
         Location at = {});

  Tensor forward(const Tensor& input) override;
  // Draws weight and bias anew.
  void reset_parameters(Location at = {});
  const Conv2dOptions& options() const { return options_; }

  Tensor& weight;
  Tensor& bias;  // undefined without bias

 private:
  Conv2d(const Frame&, int64_t in_channels, int64_t out_channels, Pair kernel_size,
         const Conv2dOptions& options);

  Conv2dOptions options_;
};

}  // namespace entasis::nn
