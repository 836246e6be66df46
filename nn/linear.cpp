#include <entasis/nn/linear.h>

#include <entasis/nn/internal/affine.h>
#include <entasis/ops/factory.h>
#include <entasis/ops/matmul.h>

namespace entasis::nn {

Linear::Linear(int64_t in_features, int64_t out_features, LinearOptions options, Location at)
    : Linear(Frame("Linear", at), in_features, out_features, options) {}

Linear::Linear(const Frame&, int64_t in_features, int64_t out_features,
               const LinearOptions& options)
    : weight(
          parameter("weight", empty({out_features, in_features}, {options.dtype, options.device}))),
      bias(parameter("bias", options.bias ? empty({out_features}, {options.dtype, options.device})
                                          : Tensor())) {
  reset_parameters();
}

void Linear::reset_parameters(Location at) { internal::reset_affine(weight, bias, at); }

Tensor Linear::forward(const Tensor& input) { return linear(input, weight, bias, call_place()); }

}  // namespace entasis::nn
