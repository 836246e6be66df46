#include <entasis/nn/internal/affine.h>

#include <cmath>

#include <entasis/nn/init.h>

namespace entasis::nn::internal {

void reset_affine(Tensor& weight, Tensor& bias, Location at) {
  init::kaiming_uniform_(weight, {.a = std::sqrt(5.0)}, at);
  if (!bias.defined()) return;
  const int64_t fan_in = init::fans_of(weight, at).in;
  const double bound = fan_in > 0 ? 1 / std::sqrt(double(fan_in)) : 0;
  init::uniform_(bias, -bound, bound, at);
}

}  // namespace entasis::nn::internal
