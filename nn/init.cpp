#include <entasis/nn/init.h>

#include <cmath>

#include <entasis/core/autograd.h>
#include <entasis/core/error.h>
#include <entasis/ops/copy.h>
#include <entasis/ops/factory.h>

namespace entasis::nn::init {
namespace {

double kaiming_std(const Tensor& tensor, const KaimingOptions& options, Location at) {
  const Fans fans = fans_of(tensor, at);
  const int64_t fan = options.mode == FanMode::kFanIn ? fans.in : fans.out;
  return gain_of(options.nonlinearity, options.a) / std::sqrt(double(fan));
}

double xavier_std(const Tensor& tensor, double gain, Location at) {
  const Fans fans = fans_of(tensor, at);
  return gain * std::sqrt(2 / double(fans.in + fans.out));
}

// Half the width of a uniform distribution around 0 with this standard deviation.
double bound_of(double std) { return std::sqrt(3.0) * std; }

}  // namespace

Tensor uniform_(Tensor tensor, double low, double high, Location at) {
  const NoGrad no_grad;
  return entasis::uniform_(tensor, low, high, at);
}

Tensor normal_(Tensor tensor, double mean, double std, Location at) {
  const NoGrad no_grad;
  return entasis::normal_(tensor, mean, std, at);
}

Tensor constant_(Tensor tensor, double value, Location at) {
  const NoGrad no_grad;
  return entasis::fill_(tensor, value, at);
}

Tensor zeros_(Tensor tensor, Location at) { return init::constant_(tensor, 0, at); }
Tensor ones_(Tensor tensor, Location at) { return init::constant_(tensor, 1, at); }

Fans fans_of(const Tensor& tensor, Location at) {
  const Dims& shape = tensor.shape();
  if (shape.size() < 2) {
    throw ShapeError(
        "fan_in and fan_out need at least 2 dimensions, the shape is " + to_string(shape), at);
  }
  int64_t field = 1;
  for (int i = 2; i < shape.size(); ++i) field *= shape[i];
  return {shape[1] * field, shape[0] * field};
}

double gain_of(Nonlinearity nonlinearity, double negative_slope) {
  switch (nonlinearity) {
    case Nonlinearity::kTanh:
      return 5.0 / 3;
    case Nonlinearity::kReLU:
      return std::sqrt(2.0);
    case Nonlinearity::kLeakyReLU:
      return std::sqrt(2 / (1 + negative_slope * negative_slope));
    case Nonlinearity::kSELU:
      return 0.75;
    default:
      return 1;
  }
}

Tensor kaiming_uniform_(Tensor tensor, const KaimingOptions& options, Location at) {
  if (tensor.numel() == 0) return tensor;
  const double bound = bound_of(kaiming_std(tensor, options, at));
  return init::uniform_(tensor, -bound, bound, at);
}

Tensor kaiming_normal_(Tensor tensor, const KaimingOptions& options, Location at) {
  if (tensor.numel() == 0) return tensor;
  return init::normal_(tensor, 0, kaiming_std(tensor, options, at), at);
}

Tensor xavier_uniform_(Tensor tensor, double gain, Location at) {
  if (tensor.numel() == 0) return tensor;
  const double bound = bound_of(xavier_std(tensor, gain, at));
  return init::uniform_(tensor, -bound, bound, at);
}

Tensor xavier_normal_(Tensor tensor, double gain, Location at) {
  if (tensor.numel() == 0) return tensor;
  return init::normal_(tensor, 0, xavier_std(tensor, gain, at), at);
}

}  // namespace entasis::nn::init
