// The formulas of optimizer steps for one element: parameter p, gradient g, states. The numbers are
// rounded once, from double to the type T that computes.
#pragma once

#include <cmath>

#include <entasis/core/operand.h>
#include <entasis/kernels/cuda/internal/convert.h>
#include <entasis/kernels/cuda/internal/scalar.h>

namespace entasis::cuda {

struct SgdNumbers {
  double lr, momentum, gradient_share, weight_decay;
  bool nesterov, first_step;
};
struct AdamNumbers {
  double beta1, beta2, eps, l2, decay;
  double step_size;  // lr over the first moment's bias correction
  double root;       // square root of the second moment's bias correction
};

// A learning rate or step number: by value, or in device memory.
struct StepNumber {
  double value = 0;
  const void* data = nullptr;
  DType dtype = kF64;

  explicit StepNumber(const Operand& operand) {
    if (operand.is_number()) {
      value = operand.number().to_double();
    } else {
      data = operand.tensor().raw();
      dtype = operand.dtype();
    }
  }
  __device__ __forceinline__ double load() const {
    return data != nullptr ? load_as<double>(data, 0, dtype) : value;
  }
};

// What makes the numbers of a step: on the host, or on the device if any lies there.
struct SgdMaker {
  SgdNumbers numbers;  // but for lr
  StepNumber lr;

  bool on_device() const { return lr.data != nullptr; }
  SgdNumbers make() const { return make(lr.value); }
  __device__ SgdNumbers load() const { return make(lr.load()); }

 private:
  __host__ __device__ SgdNumbers make(double lr_value) const {
    SgdNumbers made = numbers;
    made.lr = lr_value;
    return made;
  }
};
struct AdamMaker {
  double beta1, beta2, eps, weight_decay;
  bool decoupled;
  StepNumber lr, step;

  bool on_device() const { return lr.data != nullptr || step.data != nullptr; }
  AdamNumbers make() const { return make(lr.value, step.value); }
  __device__ AdamNumbers load() const { return make(lr.load(), step.load()); }

 private:
  __host__ __device__ AdamNumbers make(double lr_value, double step_value) const {
    return {beta1,
            beta2,
            eps,
            decoupled ? 0 : weight_decay,
            decoupled ? 1 - lr_value * weight_decay : 1,
            lr_value / (1 - ::pow(beta1, step_value)),
            ::sqrt(1 - ::pow(beta2, step_value))};
  }
};

// torch.optim.SGD: g += weight_decay p; v = momentum v + (1 - dampening) g, at first v = g;
// p -= lr v, with Nesterov p -= lr (g + momentum v).
template <class T>
struct SgdFormula {
  static constexpr int states = 0;
  T lr, weight_decay;
  bool decays;

  __host__ __device__ explicit SgdFormula(const SgdNumbers& c)
      : lr(T(c.lr)), weight_decay(T(c.weight_decay)), decays(c.weight_decay != 0) {}

  template <int kStates>
  __device__ __forceinline__ void step(T& p, T g, T (&)[kStates]) const {
    if (decays) g += weight_decay * p;
    p -= lr * g;
  }
};

template <class T>
struct MomentumFormula {
  static constexpr int states = 1;
  T lr, momentum, gradient_share, weight_decay;
  bool decays, nesterov, first_step;

  __host__ __device__ explicit MomentumFormula(const SgdNumbers& c)
      : lr(T(c.lr)),
        momentum(T(c.momentum)),
        gradient_share(T(c.gradient_share)),
        weight_decay(T(c.weight_decay)),
        decays(c.weight_decay != 0),
        nesterov(c.nesterov),
        first_step(c.first_step) {}

  template <int kStates>
  __device__ __forceinline__ void step(T& p, T g, T (&state)[kStates]) const {
    if (decays) g += weight_decay * p;
    T& v = state[0];
    v = first_step ? g : momentum * v + gradient_share * g;
    p -= lr * (nesterov ? g + momentum * v : v);
  }
};

// Kingma & Ba 2015 (arXiv:1412.6980), algorithm 1, with the bias corrections folded into two
// numbers; weight decay joins the gradient (l2) or shrinks the parameter (Loshchilov & Hutter
// 2019).
template <class T>
struct AdamFormula {
  static constexpr int states = 2;
  T beta1, beta2, share1, share2, eps, l2, decay, step_size, root;
  bool has_l2, has_decay;

  __host__ __device__ explicit AdamFormula(const AdamNumbers& c)
      : beta1(T(c.beta1)),
        beta2(T(c.beta2)),
        share1(T(1 - c.beta1)),
        share2(T(1 - c.beta2)),
        eps(T(c.eps)),
        l2(T(c.l2)),
        decay(T(c.decay)),
        step_size(T(c.step_size)),
        root(T(c.root)),
        has_l2(c.l2 != 0),
        has_decay(c.decay != 1) {}

  template <int kStates>
  __device__ __forceinline__ void step(T& p, T g, T (&state)[kStates]) const {
    T &m = state[0], &v = state[1];
    if (has_decay) p *= decay;
    if (has_l2) g += l2 * p;
    m = beta1 * m + share1 * g;
    v = beta2 * v + share2 * g * g;
    p -= step_size * m / (sqrt(Scalar<T>(v)).v / root + eps);
  }
};

}  // namespace entasis::cuda
