// Gradients against central differences, first and second order, in f64.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <entasis/core/autograd.h>
#include <entasis/ops/arithmetic.h>
#include <entasis/ops/methods.h>
#include <entasis/tests/ops/naive.h>

namespace entasis {

// Differentiable in those of its inputs that are f64; the others are constants.
using TensorFunction = std::function<Tensor(const Tensors&)>;

inline double* element(const Tensor& t, int64_t i) {
  int64_t offset = 0;
  for (int d = t.dim() - 1; d >= 0; --d) {
    offset += i % t.shape()[d] * t.strides()[d];
    i /= t.shape()[d];
  }
  return t.raw_as<double>() + offset;
}

// Compares the gradient of the scalar function `f` in each input with (f(x + h) - f(x - h)) / 2h.
inline void check_scalar(const std::function<Tensor()>& f, const Tensors& inputs,
                         const std::string& what) {
  GradOptions options;
  options.allow_unused = true;
  const Tensors gradients = grad({f()}, inputs, options);
  constexpr double kStep = 1e-5;
  for (size_t k = 0; k < inputs.size(); ++k) {
    naive::Values expected;
    for (int64_t i = 0; i < inputs[k].numel(); ++i) {
      double* x = element(inputs[k], i);
      const double kept = *x;
      *x = kept + kStep;
      const double above = f().item();
      *x = kept - kStep;
      const double below = f().item();
      *x = kept;
      expected.push_back((above - below) / (2 * kStep));
    }
    naive::Values actual(expected.size(), 0.0);
    if (gradients[k].defined()) {
      EXPECT_EQ(gradients[k].shape(), inputs[k].shape()) << what;
      actual = naive::values_of(gradients[k]);
    }
    naive::expect_close(actual, expected, {1e-6, 1e-6},
                        what + ", gradient of input " + std::to_string(k));
  }
}

// Random weights of a tensor's shape.
inline Tensor weights_like(const Tensor& t, uint32_t seed) {
  return naive::tensor(kF64, t.shape(), naive::random_values(kF64, t.numel(), seed, -1, 1));
}

enum class Order : uint8_t { kFirst, kSecond };

// Checks the gradient of sum(w * f(x)^2) and, up to `order`, of a weighted sum of that gradient,
// for random weights. The square makes a linear f's second gradient non-trivial.
inline void check_gradients(const TensorFunction& f, const Tensors& all, const std::string& what,
                            Order order = Order::kSecond) {
  Tensors inputs;
  for (const Tensor& t : all) {
    if (t.dtype() == kF64) inputs.push_back(t.detach().requires_grad_());
  }
  // The same memory as `inputs`, in the places of `all`.
  const auto arguments = [&] {
    Tensors result = all;
    size_t next = 0;
    for (Tensor& t : result) {
      if (t.dtype() == kF64) t = inputs[next++];
    }
    return result;
  }();
  const Tensor w = weights_like(f(arguments), 1);
  const auto loss = [&] {
    const Tensor y = f(arguments);
    return (w * y * y).sum();
  };
  check_scalar(loss, inputs, what);
  if (order == Order::kFirst) return;

  Tensors v;
  for (const Tensor& t : inputs) v.push_back(weights_like(t, uint32_t(2 + v.size())));
  const auto gradient_sum = [&] {
    GradOptions options;
    options.create_graph = true;
    const Tensors g = grad({loss()}, inputs, options);
    Tensor total = (g[0] * v[0]).sum();
    for (size_t k = 1; k < g.size(); ++k) total = total + (g[k] * v[k]).sum();
    return total;
  };
  check_scalar(gradient_sum, inputs, what + ", second order");
}

}  // namespace entasis
