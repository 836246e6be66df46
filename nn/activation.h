// Activations as modules, and Flatten: functions of one tensor without state, for Sequential.
#pragma once

#include <entasis/nn/module.h>
#include <entasis/ops/unary.h>

namespace entasis::nn {

class ENTASIS_API ReLU : public Module {
 public:
  Tensor forward(const Tensor& input) override;
};

class ENTASIS_API Sigmoid : public Module {
 public:
  Tensor forward(const Tensor& input) override;
};

class ENTASIS_API Tanh : public Module {
 public:
  Tensor forward(const Tensor& input) override;
};

class ENTASIS_API GELU : public Module {
 public:
  explicit GELU(Approximate approximate = Approximate::kNone) : approximate_(approximate) {}
  Tensor forward(const Tensor& input) override;

 private:
  Approximate approximate_;
};

// Joins the dimensions from start_dim to end_dim; by default all but the batch's.
class ENTASIS_API Flatten : public Module {
 public:
  explicit Flatten(int64_t start_dim = 1, int64_t end_dim = -1)
      : start_dim_(start_dim), end_dim_(end_dim) {}
  Tensor forward(const Tensor& input) override;

 private:
  int64_t start_dim_, end_dim_;
};

}  // namespace entasis::nn
