// Attributes of the normalisations.
#pragma once

#include <cstdint>

#include <entasis/core/dims.h>

namespace entasis {

// Which of its three gradients a backward op is asked for; the others come out with no elements.
struct NormGradients {
  bool input = true;
  bool weight = true;
  bool bias = true;
  bool operator==(const NormGradients&) const = default;
  void visit(auto& v) const {
    v("input_gradient", input);
    v("weight_gradient", weight);
    v("bias_gradient", bias);
  }
};

// Inputs: input, weight, bias; the last two may be undefined. Outputs: the result, and of each row
// its mean and 1 / sqrt(var + eps), in f32 for half types.
struct LayerNorm {
  static constexpr const char* name = "layer_norm";
  Dims normalized_shape;
  double eps = 1e-5;
  bool operator==(const LayerNorm&) const = default;
  void visit(auto& v) const {
    v("normalized_shape", normalized_shape);
    v("eps", eps);
  }
};

// Inputs: the gradient of the result, input, weight, the means, the 1 / sqrt(var + eps). Outputs:
// the gradients of input, weight and bias.
struct LayerNormBackward {
  static constexpr const char* name = "layer_norm_backward";
  LayerNorm forward;
  NormGradients wanted;
  bool operator==(const LayerNormBackward&) const = default;
  void visit(auto& v) const {
    forward.visit(v);
    wanted.visit(v);
  }
};

// Inputs: input, running_mean, running_var, weight, bias; all but the first may be undefined.
// Outputs: the result, and of each channel the mean and 1 / sqrt(var + eps) that were used.
struct BatchNorm {
  static constexpr const char* name = "batch_norm";
  bool training = false;
  double momentum = 0.1;
  double eps = 1e-5;
  bool operator==(const BatchNorm&) const = default;
  void visit(auto& v) const {
    v("training", training);
    v("momentum", momentum);
    v("eps", eps);
  }
};

// As LayerNormBackward, of each channel.
struct BatchNormBackward {
  static constexpr const char* name = "batch_norm_backward";
  BatchNorm forward;
  NormGradients wanted;
  bool operator==(const BatchNormBackward&) const = default;
  void visit(auto& v) const {
    forward.visit(v);
    wanted.visit(v);
  }
};

}  // namespace entasis
