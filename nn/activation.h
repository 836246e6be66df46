// Activations as modules, and Flatten: functions of one tensor without state, for Sequential.
#pragma once

#include <entasis/nn/module.h>
#include <entasis/ops/activation.h>
#include <entasis/ops/rectifier.h>
#include <entasis/ops/special.h>
#include <entasis/ops/trigonometric.h>

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

class ENTASIS_API ReLU6 : public Module {
 public:
  Tensor forward(const Tensor& input) override;
};

class ENTASIS_API Hardsigmoid : public Module {
 public:
  Tensor forward(const Tensor& input) override;
};

class ENTASIS_API Hardswish : public Module {
 public:
  Tensor forward(const Tensor& input) override;
};

class ENTASIS_API LogSigmoid : public Module {
 public:
  Tensor forward(const Tensor& input) override;
};

class ENTASIS_API Tanhshrink : public Module {
 public:
  Tensor forward(const Tensor& input) override;
};

class ENTASIS_API CELU : public Module {
 public:
  explicit CELU(double alpha = 1.0) : alpha_(alpha) {}
  Tensor forward(const Tensor& input) override;

 private:
  double alpha_;
};

class ENTASIS_API Hardtanh : public Module {
 public:
  explicit Hardtanh(double min_val = -1.0, double max_val = 1.0)
      : min_val_(min_val), max_val_(max_val) {}
  Tensor forward(const Tensor& input) override;

 private:
  double min_val_, max_val_;
};

class ENTASIS_API Hardshrink : public Module {
 public:
  explicit Hardshrink(double lambd = 0.5) : lambd_(lambd) {}
  Tensor forward(const Tensor& input) override;

 private:
  double lambd_;
};

class ENTASIS_API Softshrink : public Module {
 public:
  explicit Softshrink(double lambd = 0.5) : lambd_(lambd) {}
  Tensor forward(const Tensor& input) override;

 private:
  double lambd_;
};

class ENTASIS_API Threshold : public Module {
 public:
  Threshold(double threshold, double value) : threshold_(threshold), value_(value) {}
  Tensor forward(const Tensor& input) override;

 private:
  double threshold_, value_;
};

// leaky_relu with random slopes while training, and with their mean after eval().
class ENTASIS_API RReLU : public Module {
 public:
  explicit RReLU(double lower = 1.0 / 8, double upper = 1.0 / 3) : lower_(lower), upper_(upper) {}
  Tensor forward(const Tensor& input) override;

 private:
  double lower_, upper_;
};

struct PReLUOptions {
  double init = 0.25;
  DType dtype = kF32;
  Device device = {};
};

// leaky_relu with learnt slopes: one, or one for each channel, which begin as options.init.
class ENTASIS_API PReLU : public Module {
 public:
  using Options = PReLUOptions;
  explicit PReLU(int64_t num_parameters = 1, PReLUOptions options = {}, Location at = {});
  Tensor forward(const Tensor& input) override;

  Tensor& weight;
};

// a * sigmoid(b) of the two halves along dim.
class ENTASIS_API GLU : public Module {
 public:
  explicit GLU(int64_t dim = -1) : dim_(dim) {}
  Tensor forward(const Tensor& input) override;

 private:
  int64_t dim_;
};

class ENTASIS_API Softmin : public Module {
 public:
  explicit Softmin(int64_t dim) : dim_(dim) {}
  Tensor forward(const Tensor& input) override;

 private:
  int64_t dim_;
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
