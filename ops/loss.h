// Losses. `reduction`: the mean (over elements, or the weight that counts), the sum, or none.
#pragma once

#include <cstdint>

#include <entasis/core/operand.h>

namespace entasis {

enum class Reduction : uint8_t { kMean, kSum, kNone };

// -log softmax(input)[target], fused through log-sum-exp. input [N, C] (or [C], or [N, C, d1, …]),
// target i64 class indices [N] (or 0-d, or [N, d1, …]). Elements whose target is ignore_index count
// neither in the sum nor in the mean. With label_smoothing e the target distribution is
// (1-e) one-hot + e/C (Szegedy et al. 2016, arXiv:1512.00567). Throws IndexError for a class
// outside [0, C).
ENTASIS_API Tensor cross_entropy(const Tensor& input, const Tensor& target,
                                 int64_t ignore_index = -100,
                                 Reduction reduction = Reduction::kMean,
                                 double label_smoothing = 0.0, Location at = {});
// (input - target)^2.
ENTASIS_API Tensor mse_loss(const Tensor& input, const Tensor& target,
                            Reduction reduction = Reduction::kMean, Location at = {});
// |input - target|; the gradient is 0 where both are equal.
ENTASIS_API Tensor l1_loss(const Tensor& input, const Tensor& target,
                           Reduction reduction = Reduction::kMean, Location at = {});
// |d| - beta/2 with d = input - target, and d^2 / (2 beta) where |d| < beta (Girshick 2015, "Fast
// R-CNN", arXiv:1504.08083). beta = 0 is l1_loss, a negative one raises ValueError.
ENTASIS_API Tensor smooth_l1_loss(const Tensor& input, const Tensor& target,
                                  Reduction reduction = Reduction::kMean, double beta = 1.0,
                                  Location at = {});
// -(t log p + (1-t) log(1-p)) for probabilities p = input; logarithms are clamped at -100, as in
// PyTorch. Throws ValueError if a probability is NaN or outside [0, 1].
ENTASIS_API Tensor binary_cross_entropy(const Tensor& input, const Tensor& target,
                                        Reduction reduction = Reduction::kMean, Location at = {});

}  // namespace entasis
