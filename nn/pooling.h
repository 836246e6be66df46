// MaxPool2d and AvgPool2d over [N, C, H, W] or [C, H, W].
#pragma once

#include <optional>

#include <entasis/nn/module.h>
#include <entasis/nn/pair.h>

namespace entasis::nn {

struct MaxPool2dOptions {
  std::optional<Pair> stride = {};  // kernel_size if not given
  Pair padding = 0;
  Pair dilation = 1;
  bool ceil_mode = false;
};

class ENTASIS_API MaxPool2d : public Module {
 public:
  using Options = MaxPool2dOptions;
  explicit MaxPool2d(Pair kernel_size, MaxPool2dOptions options = {})
      : kernel_size_(kernel_size), options_(options) {}
  Tensor forward(const Tensor& input) override;

 private:
  Pair kernel_size_;
  MaxPool2dOptions options_;
};

struct AvgPool2dOptions {
  std::optional<Pair> stride = {};  // kernel_size if not given
  Pair padding = 0;
  bool ceil_mode = false;
  bool count_include_pad = true;
};

class ENTASIS_API AvgPool2d : public Module {
 public:
  using Options = AvgPool2dOptions;
  explicit AvgPool2d(Pair kernel_size, AvgPool2dOptions options = {})
      : kernel_size_(kernel_size), options_(options) {}
  Tensor forward(const Tensor& input) override;

 private:
  Pair kernel_size_;
  AvgPool2dOptions options_;
};

}  // namespace entasis::nn
