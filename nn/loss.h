// Losses as modules: `loss(output, target)`.
#pragma once

#include <entasis/nn/module.h>
#include <entasis/ops/loss.h>

namespace entasis::nn {

class ENTASIS_API MSELoss : public Module {
 public:
  explicit MSELoss(Reduction reduction = Reduction::kMean) : reduction_(reduction) {}
  Tensor operator()(const Tensor& input, const Tensor& target, Location at = {});
  using Module::forward;
  Tensor forward(const Tensor& input, const Tensor& target);

 private:
  Reduction reduction_;
};

class ENTASIS_API L1Loss : public Module {
 public:
  explicit L1Loss(Reduction reduction = Reduction::kMean) : reduction_(reduction) {}
  Tensor operator()(const Tensor& input, const Tensor& target, Location at = {});
  using Module::forward;
  Tensor forward(const Tensor& input, const Tensor& target);

 private:
  Reduction reduction_;
};

class ENTASIS_API SmoothL1Loss : public Module {
 public:
  explicit SmoothL1Loss(Reduction reduction = Reduction::kMean, double beta = 1.0)
      : reduction_(reduction), beta_(beta) {}
  Tensor operator()(const Tensor& input, const Tensor& target, Location at = {});
  using Module::forward;
  Tensor forward(const Tensor& input, const Tensor& target);

 private:
  Reduction reduction_;
  double beta_;
};

// Of probabilities, as binary_cross_entropy().
class ENTASIS_API BCELoss : public Module {
 public:
  explicit BCELoss(Reduction reduction = Reduction::kMean) : reduction_(reduction) {}
  Tensor operator()(const Tensor& input, const Tensor& target, Location at = {});
  using Module::forward;
  Tensor forward(const Tensor& input, const Tensor& target);

 private:
  Reduction reduction_;
};

struct CrossEntropyLossOptions {
  int64_t ignore_index = -100;
  Reduction reduction = Reduction::kMean;
  double label_smoothing = 0;
};

// Of scores before softmax and class indices, as cross_entropy().
class ENTASIS_API CrossEntropyLoss : public Module {
 public:
  using Options = CrossEntropyLossOptions;
  explicit CrossEntropyLoss(CrossEntropyLossOptions options = {}) : options_(options) {}
  Tensor operator()(const Tensor& input, const Tensor& target, Location at = {});
  using Module::forward;
  Tensor forward(const Tensor& input, const Tensor& target);

 private:
  CrossEntropyLossOptions options_;
};

}  // namespace entasis::nn
