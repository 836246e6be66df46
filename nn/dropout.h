// Dropout: zeroes elements at random while training, and is the identity after eval().
#pragma once

#include <entasis/nn/module.h>

namespace entasis::nn {

class ENTASIS_API Dropout : public Module {
 public:
  // `p` is the probability that an element becomes 0. Throws ValueError unless 0 <= p <= 1.
  explicit Dropout(double p = 0.5, Location at = {});
  Tensor forward(const Tensor& input) override;

 private:
  double p_;
};

}  // namespace entasis::nn
