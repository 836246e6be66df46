#include <entasis/nn/norm.h>

#include <entasis/core/autograd.h>
#include <entasis/core/error.h>
#include <entasis/nn/init.h>
#include <entasis/ops/arithmetic.h>
#include <entasis/ops/factory.h>
#include <entasis/ops/norm.h>

namespace entasis::nn {
namespace {

Tensor empty_if(bool wanted, const Dims& shape, DType dtype, Device device) {
  return wanted ? empty(shape, {dtype, device}) : Tensor();
}

void set(Tensor& tensor, double value, Location at) {
  if (tensor.defined()) init::constant_(tensor, value, at);
}

}  // namespace

// ---- BatchNorm2d

BatchNorm2d::BatchNorm2d(int64_t num_features, BatchNorm2dOptions options, Location at)
    : BatchNorm2d(Frame("BatchNorm2d", at), num_features, options) {}

BatchNorm2d::BatchNorm2d(const Frame&, int64_t num_features, const BatchNorm2dOptions& o)
    : weight(parameter("weight", empty_if(o.affine, {num_features}, o.dtype, o.device))),
      bias(parameter("bias", empty_if(o.affine, {num_features}, o.dtype, o.device))),
      running_mean(buffer("running_mean",
                          empty_if(o.track_running_stats, {num_features}, o.dtype, o.device))),
      running_var(buffer("running_var",
                         empty_if(o.track_running_stats, {num_features}, o.dtype, o.device))),
      num_batches_tracked(
          buffer("num_batches_tracked", empty_if(o.track_running_stats, {}, kI64, o.device))),
      options_(o) {
  reset_parameters();
}

void BatchNorm2d::reset_running_stats(Location at) {
  set(running_mean, 0, at);
  set(running_var, 1, at);
  set(num_batches_tracked, 0, at);
}

void BatchNorm2d::reset_parameters(Location at) {
  set(weight, 1, at);
  set(bias, 0, at);
  reset_running_stats(at);
}

Tensor BatchNorm2d::forward(const Tensor& input) {
  const Location at = call_place();
  if (input.dim() != 4) {
    throw ShapeError(
        "BatchNorm2d: the input must have 4 dimensions, its shape is " + to_string(input.shape()),
        at);
  }
  const bool updates = training() && running_mean.defined();
  // Without a momentum the running statistics are the mean over all batches so far.
  double momentum = options_.momentum.value_or(0);
  if (updates && !options_.momentum) momentum = 1 / (num_batches_tracked.item(at) + 1);
  const Tensor output =
      batch_norm(input, running_mean, running_var, weight, bias,
                 training() || !running_mean.defined(), momentum, options_.eps, at);
  if (updates) {
    const NoGrad no_grad;
    add_(num_batches_tracked, 1, at);
  }
  return output;
}

// ---- LayerNorm

LayerNorm::LayerNorm(int64_t normalized_size, LayerNormOptions options, Location at)
    : LayerNorm(Dims{normalized_size}, options, at) {}

LayerNorm::LayerNorm(const Dims& normalized_shape, LayerNormOptions options, Location at)
    : LayerNorm(Frame("LayerNorm", at), normalized_shape, options) {}

LayerNorm::LayerNorm(const Frame&, const Dims& normalized_shape, const LayerNormOptions& o)
    : weight(
          parameter("weight", empty_if(o.elementwise_affine, normalized_shape, o.dtype, o.device))),
      bias(parameter(
          "bias", empty_if(o.elementwise_affine && o.bias, normalized_shape, o.dtype, o.device))),
      normalized_shape_(normalized_shape),
      options_(o) {
  reset_parameters();
}

void LayerNorm::reset_parameters(Location at) {
  set(weight, 1, at);
  set(bias, 0, at);
}

Tensor LayerNorm::forward(const Tensor& input) {
  return layer_norm(input, normalized_shape_, weight, bias, options_.eps, call_place());
}

}  // namespace entasis::nn
