// Normalisations. Statistics are computed stably and in f32 for half types.
#pragma once

#include <array>

#include <entasis/core/operand.h>

namespace entasis {

// Over the last dims, which `normalized_shape` names: (x - mean) / sqrt(var + eps) * weight + bias
// (Ba et al. 2016, arXiv:1607.06450). weight and bias may be undefined.
ENTASIS_API Tensor layer_norm(const Tensor& input, const Dims& normalized_shape,
                              const Tensor& weight = {}, const Tensor& bias = {}, double eps = 1e-5,
                              Location at = {});

// Over all but dim 1 (Ioffe & Szegedy 2015, arXiv:1502.03167). In training the batch's statistics
// (biased variance) normalise, and running_mean and running_var, if defined, are updated in place:
// running = (1 - momentum) running + momentum batch, with the unbiased variance. Otherwise the
// running statistics normalise. Throws ValueError in training with one value per channel.
ENTASIS_API Tensor batch_norm(const Tensor& input, const Tensor& running_mean = {},
                              const Tensor& running_var = {}, const Tensor& weight = {},
                              const Tensor& bias = {}, bool training = false, double momentum = 0.1,
                              double eps = 1e-5, Location at = {});

// The same for those that keep state themselves: nothing is written, new statistics come back.
struct BatchNormResult {
  Tensor output, running_mean, running_var;
  std::array<Tensor, 3> values() const { return {output, running_mean, running_var}; }
};
ENTASIS_API BatchNormResult batch_norm_stateless(const Tensor& input,
                                                 const Tensor& running_mean = {},
                                                 const Tensor& running_var = {},
                                                 const Tensor& weight = {}, const Tensor& bias = {},
                                                 double momentum = 0.1, double eps = 1e-5,
                                                 Location at = {});

}  // namespace entasis
