#include <entasis/nn/loss.h>

namespace entasis::nn {

Tensor MSELoss::operator()(const Tensor& input, const Tensor& target, Location at) {
  const Call call(*this, at);
  return forward(input, target);
}

Tensor MSELoss::forward(const Tensor& input, const Tensor& target) {
  return mse_loss(input, target, reduction_, call_place());
}

Tensor L1Loss::operator()(const Tensor& input, const Tensor& target, Location at) {
  const Call call(*this, at);
  return forward(input, target);
}

Tensor L1Loss::forward(const Tensor& input, const Tensor& target) {
  return l1_loss(input, target, reduction_, call_place());
}

Tensor SmoothL1Loss::operator()(const Tensor& input, const Tensor& target, Location at) {
  const Call call(*this, at);
  return forward(input, target);
}

Tensor SmoothL1Loss::forward(const Tensor& input, const Tensor& target) {
  return smooth_l1_loss(input, target, reduction_, beta_, call_place());
}

Tensor BCELoss::operator()(const Tensor& input, const Tensor& target, Location at) {
  const Call call(*this, at);
  return forward(input, target);
}

Tensor BCELoss::forward(const Tensor& input, const Tensor& target) {
  return binary_cross_entropy(input, target, reduction_, call_place());
}

Tensor CrossEntropyLoss::operator()(const Tensor& input, const Tensor& target, Location at) {
  const Call call(*this, at);
  return forward(input, target);
}

Tensor CrossEntropyLoss::forward(const Tensor& input, const Tensor& target) {
  return cross_entropy(input, target, options_.ignore_index, options_.reduction,
                       options_.label_smoothing, call_place());
}

}  // namespace entasis::nn
