// Activations as modules, and Flatten: functions of one tensor without state, for Sequential.
#pragma once

#include <entasis/nn/module.h>
#include <entasis/ops/activation.h>
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
  Approximate approximate() const { return approximate_; }

 private:
  Approximate approximate_;
};

class ENTASIS_API LeakyReLU : public Module {
 public:
  explicit LeakyReLU(double negative_slope = 0.01) : negative_slope_(negative_slope) {}
  Tensor forward(const Tensor& input) override;

 private:
  double negative_slope_;
};

class ENTASIS_API ELU : public Module {
 public:
  explicit ELU(double alpha = 1.0) : alpha_(alpha) {}
  Tensor forward(const Tensor& input) override;

 private:
  double alpha_;
};

class ENTASIS_API SELU : public Module {
 public:
  Tensor forward(const Tensor& input) override;
};

class ENTASIS_API SiLU : public Module {
 public:
  Tensor forward(const Tensor& input) override;
};

class ENTASIS_API Mish : public Module {
 public:
  Tensor forward(const Tensor& input) override;
};

class ENTASIS_API Softplus : public Module {
 public:
  explicit Softplus(double beta = 1.0, double threshold = 20.0)
      : beta_(beta), threshold_(threshold) {}
  Tensor forward(const Tensor& input) override;

 private:
  double beta_, threshold_;
};

class ENTASIS_API Softsign : public Module {
 public:
  Tensor forward(const Tensor& input) override;
};

class ENTASIS_API Softmax : public Module {
 public:
  explicit Softmax(int64_t dim) : dim_(dim) {}
  Tensor forward(const Tensor& input) override;

 private:
  int64_t dim_;
};

class ENTASIS_API LogSoftmax : public Module {
 public:
  explicit LogSoftmax(int64_t dim) : dim_(dim) {}
  Tensor forward(const Tensor& input) override;

 private:
  int64_t dim_;
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
