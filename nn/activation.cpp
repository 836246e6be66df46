#include <entasis/nn/activation.h>

#include <entasis/ops/shape.h>

namespace entasis::nn {

Tensor ReLU::forward(const Tensor& input) { return relu(input, call_place()); }
Tensor Sigmoid::forward(const Tensor& input) { return sigmoid(input, call_place()); }
Tensor Tanh::forward(const Tensor& input) { return tanh(input, call_place()); }
Tensor GELU::forward(const Tensor& input) { return gelu(input, approximate_, call_place()); }
Tensor Flatten::forward(const Tensor& input) {
  return flatten(input, start_dim_, end_dim_, call_place());
}

}  // namespace entasis::nn
