#include <entasis/nn/activation.h>

#include <entasis/ops/factory.h>
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
Tensor ReLU6::forward(const Tensor& input) { return relu6(input, call_place()); }
Tensor Hardsigmoid::forward(const Tensor& input) { return hardsigmoid(input, call_place()); }
Tensor Hardswish::forward(const Tensor& input) { return hardswish(input, call_place()); }
Tensor LogSigmoid::forward(const Tensor& input) { return logsigmoid(input, call_place()); }
Tensor Tanhshrink::forward(const Tensor& input) { return tanhshrink(input, call_place()); }
Tensor CELU::forward(const Tensor& input) { return celu(input, alpha_, call_place()); }
Tensor Hardtanh::forward(const Tensor& input) {
  return hardtanh(input, min_val_, max_val_, call_place());
}
Tensor Hardshrink::forward(const Tensor& input) { return hardshrink(input, lambd_, call_place()); }
Tensor Softshrink::forward(const Tensor& input) { return softshrink(input, lambd_, call_place()); }
Tensor Threshold::forward(const Tensor& input) {
  return threshold(input, threshold_, value_, call_place());
}
Tensor RReLU::forward(const Tensor& input) {
  return rrelu(input, lower_, upper_, training(), call_place());
}

PReLU::PReLU(int64_t num_parameters, PReLUOptions options, Location at)
    : weight(parameter(
          "weight", full({num_parameters}, options.init, {options.dtype, options.device}, at))) {}
Tensor PReLU::forward(const Tensor& input) { return prelu(input, weight, call_place()); }

Tensor GLU::forward(const Tensor& input) { return glu(input, dim_, call_place()); }
Tensor Softmin::forward(const Tensor& input) { return softmin(input, dim_, call_place()); }
Tensor Softmax::forward(const Tensor& input) { return softmax(input, dim_, call_place()); }
Tensor LogSoftmax::forward(const Tensor& input) { return log_softmax(input, dim_, call_place()); }
Tensor Flatten::forward(const Tensor& input) {
  return flatten(input, start_dim_, end_dim_, call_place());
}

}  // namespace entasis::nn
