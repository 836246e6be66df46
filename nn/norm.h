// BatchNorm2d and LayerNorm.
#pragma once

#include <optional>

#include <entasis/nn/module.h>

namespace entasis::nn {

struct BatchNorm2dOptions {
  double eps = 1e-5;
  // Share of the new batch in the running statistics; without a value each batch weighs the same.
  std::optional<double> momentum = 0.1;
  bool affine = true;               // has weight and bias
  bool track_running_stats = true;  // has running statistics; otherwise eval() uses the batch's too
  DType dtype = kF32;
  Device device = {};
};

// input [N, num_features, H, W], normalised for each channel as batch_norm(): by the batch's
// statistics in training, by the running ones after eval(). weight begins as 1, bias as 0,
// running_mean as 0, running_var as 1, num_batches_tracked (i64) counts from 0.
class ENTASIS_API BatchNorm2d : public Module {
 public:
  using Options = BatchNorm2dOptions;
  explicit BatchNorm2d(int64_t num_features, BatchNorm2dOptions options = {}, Location at = {});

  // Throws ShapeError unless the input has 4 dimensions.
  Tensor forward(const Tensor& input) override;
  void reset_running_stats(Location at = {});
  void reset_parameters(Location at = {});  // the running statistics too
  const BatchNorm2dOptions& options() const { return options_; }

  Tensor& weight;
  Tensor& bias;
  Tensor& running_mean;
  Tensor& running_var;
  Tensor& num_batches_tracked;

 private:
  BatchNorm2d(const Frame&, int64_t num_features, const BatchNorm2dOptions& options);

  BatchNorm2dOptions options_;
};

struct LayerNormOptions {
  double eps = 1e-5;
  bool elementwise_affine = true;  // has weight
  bool bias = true;                // and bias
  DType dtype = kF32;
  Device device = {};
};

// Normalises over the last dimensions, whose sizes are normalized_shape, as layer_norm(). weight
// begins as 1, bias as 0.
class ENTASIS_API LayerNorm : public Module {
 public:
  using Options = LayerNormOptions;
  explicit LayerNorm(int64_t normalized_size, LayerNormOptions options = {}, Location at = {});
  explicit LayerNorm(const Dims& normalized_shape, LayerNormOptions options = {}, Location at = {});

  Tensor forward(const Tensor& input) override;
  void reset_parameters(Location at = {});
  const LayerNormOptions& options() const { return options_; }

  Tensor& weight;
  Tensor& bias;

 private:
  LayerNorm(const Frame&, const Dims& normalized_shape, const LayerNormOptions& options);

  Dims normalized_shape_;
  LayerNormOptions options_;
};

}  // namespace entasis::nn
