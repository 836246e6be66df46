#include <entasis/nn/pooling.h>

#include <entasis/ops/pooling.h>

namespace entasis::nn {

Tensor MaxPool2d::forward(const Tensor& input) {
  return max_pool2d(input, kernel_size_, options_.stride.value_or(kernel_size_), options_.padding,
                    options_.dilation, options_.ceil_mode, call_place());
}

Tensor AvgPool2d::forward(const Tensor& input) {
  return avg_pool2d(input, kernel_size_, options_.stride.value_or(kernel_size_), options_.padding,
                    options_.ceil_mode, options_.count_include_pad, call_place());
}

}  // namespace entasis::nn
