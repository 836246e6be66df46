// Linear: the fully connected layer.
#pragma once

#include <entasis/nn/module.h>

namespace entasis::nn {

struct LinearOptions {
  bool bias = true;
  DType dtype = kF32;
  Device device = {};
};

// input [.., in_features] -> [.., out_features]: input · weight transposed + bias. weight
// [out_features, in_features] and bias [out_features] begin uniform in ±1/sqrt(in_features).
class ENTASIS_API Linear : public Module {
 public:
  using Options = LinearOptions;
  Linear(int64_t in_features, int64_t out_features, LinearOptions options = {}, Location at = {});

  Tensor forward(const Tensor& input) override;
  // Draws weight and bias anew.
  void reset_parameters(Location at = {});

  Tensor& weight;
  Tensor& bias;  // undefined without bias

 private:
  Linear(const Frame&, int64_t in_features, int64_t out_features, const LinearOptions& options);
};

}  // namespace entasis::nn
