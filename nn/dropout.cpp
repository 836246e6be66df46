#include <entasis/nn/dropout.h>

#include <entasis/core/error.h>
#include <entasis/core/number.h>
#include <entasis/ops/dropout.h>

namespace entasis::nn {

Dropout::Dropout(double p, Location at) : p_(p) {
  if (p >= 0 && p <= 1) return;
  ValueError error("p is " + to_string(Number(p)) + "; it must be in [0, 1]");
  place_in_frames(error, "Dropout", at);
  throw error;
}

Tensor Dropout::forward(const Tensor& input) {
  return dropout(input, p_, training(), call_place());
}

}  // namespace entasis::nn
