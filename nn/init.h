// Initialisers: they overwrite a tensor, unrecorded, with draws of the current generator, and
// return it. fan_in and fan_out are the inputs and outputs that one unit sees: sizes 1 and 0 of the
// tensor, times the product of all further sizes. A tensor without elements stays as it is.
#pragma once

#include <cstdint>

#include <entasis/core/tensor.h>

namespace entasis::nn::init {

ENTASIS_API Tensor uniform_(Tensor tensor, double low = 0, double high = 1, Location at = {});
ENTASIS_API Tensor normal_(Tensor tensor, double mean = 0, double std = 1, Location at = {});
ENTASIS_API Tensor constant_(Tensor tensor, double value, Location at = {});
ENTASIS_API Tensor zeros_(Tensor tensor, Location at = {});
ENTASIS_API Tensor ones_(Tensor tensor, Location at = {});

struct Fans {
  int64_t in, out;
};
// Throws ShapeError for fewer than two dimensions.
ENTASIS_API Fans fans_of(const Tensor& tensor, Location at = {});

// Which of the two keeps its variance through the layer: the signal (kFanIn) or its gradient.
enum class FanMode : uint8_t { kFanIn, kFanOut };
// What follows the layer.
enum class Nonlinearity : uint8_t { kLinear, kSigmoid, kTanh, kReLU, kLeakyReLU, kSELU };

// The factor by which weights grow to make up for a nonlinearity, as torch.nn.init.calculate_gain:
// 1 for linear and sigmoid, 5/3 for tanh, sqrt(2) for relu, sqrt(2 / (1 + slope^2)) for leaky relu
// of that negative slope, 3/4 for selu.
ENTASIS_API double gain_of(Nonlinearity nonlinearity, double negative_slope = 0.01);

struct KaimingOptions {
  double a = 0;  // negative slope of a leaky relu
  FanMode mode = FanMode::kFanIn;
  Nonlinearity nonlinearity = Nonlinearity::kLeakyReLU;
};
// He et al. 2015 (arXiv:1502.01852), equation 14: standard deviation gain / sqrt(fan); uniform in
// ±sqrt(3) of that.
ENTASIS_API Tensor kaiming_uniform_(Tensor tensor, const KaimingOptions& options = {},
                                    Location at = {});
ENTASIS_API Tensor kaiming_normal_(Tensor tensor, const KaimingOptions& options = {},
                                   Location at = {});
// Glorot & Bengio 2010, equation 16: standard deviation gain sqrt(2 / (fan_in + fan_out)); uniform
// in ±sqrt(3) of that.
ENTASIS_API Tensor xavier_uniform_(Tensor tensor, double gain = 1, Location at = {});
ENTASIS_API Tensor xavier_normal_(Tensor tensor, double gain = 1, Location at = {});

}  // namespace entasis::nn::init
