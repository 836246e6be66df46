#include <entasis/nn/activation.h>

#include <entasis/ops/shape.h>
#include <entasis/ops/softmax.h>

namespace entasis::nn {

Tensor ReLU::forward(const Tensor& input) { return relu(input, call_place()); }
Tensor Sigmoid::forward(const Tensor& input) { return sigmoid(input, call_place()); }
Tensor Tanh::forward(const Tensor& input) { return tanh(input, call_place()); }
Tensor GELU::forward(const Tensor& input) { return gelu(input, approximate_, call_place()); }
Tensor LeakyReLU::forward(const Tensor& input) {
  return leaky_relu(input, negative_slope_, call_place());
}
Tensor ELU::forward(const Tensor& input) { return elu(input, alpha_, call_place()); }
Tensor SELU::forward(const Tensor& input) { return selu(input, call_place()); }
Tensor SiLU::forward(const Tensor& input) { return silu(input, call_place()); }
Tensor Mish::forward(const Tensor& input) { return mish(input, call_place()); }
Tensor Softplus::forward(const Tensor& input) {
  return softplus(input, beta_, threshold_, call_place());
}
Tensor Softsign::forward(const Tensor& input) { return softsign(input, call_place()); }
Tensor Softmax::forward(const Tensor& input) { return softmax(input, dim_, call_place()); }
Tensor LogSoftmax::forward(const Tensor& input) { return log_softmax(input, dim_, call_place()); }
Tensor Flatten::forward(const Tensor& input) {
  return flatten(input, start_dim_, end_dim_, call_place());
}

}  // namespace entasis::nn
