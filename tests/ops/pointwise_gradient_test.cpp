// Gradients of pointwise ops: first, second and third ones against finite differences in f64, the
// rules at kinks and ties, large arguments, in-place forms.
#include <cmath>
#include <functional>
#include <limits>

#include <gtest/gtest.h>

#include <entasis/core/autograd.h>
#include <entasis/ops/activation.h>
#include <entasis/ops/arithmetic.h>
#include <entasis/ops/copy.h>
#include <entasis/ops/exponential.h>
#include <entasis/ops/factory.h>
#include <entasis/ops/rectifier.h>
#include <entasis/ops/reduction.h>
#include <entasis/ops/shape.h>
#include <entasis/ops/special.h>
#include <entasis/ops/trigonometric.h>
#include <entasis/tests/ops/naive.h>

namespace entasis {
namespace {

using namespace naive;

constexpr double kInf = std::numeric_limits<double>::infinity();

using Function = std::function<Tensor(const Tensors&)>;

// The gradients of `f` (its result weighted by fixed numbers) at `inputs`; zeros where it has none.
Tensors gradients(const Function& f, const Tensors& inputs) {
  const Tensor y = f(inputs);
  const Tensor weights = tensor(kF64, y.shape(), random_values(kF64, y.numel(), 99, 0.5, 2));
  GradOptions options;
  options.create_graph = true;
  options.allow_unused = true;
  Tensors g =
      y.requires_grad() ? grad({sum(mul(y, weights))}, inputs, options) : Tensors(inputs.size());
  for (size_t i = 0; i < g.size(); ++i) {
    if (!g[i].defined()) g[i] = zeros_like(inputs[i]);
  }
  return g;
}

Tensors leaves(const std::vector<Dims>& shapes, const std::vector<Values>& values) {
  Tensors inputs;
  for (size_t i = 0; i < shapes.size(); ++i) {
    inputs.push_back(tensor(kF64, shapes[i], values[i]).requires_grad_());
  }
  return inputs;
}

// Compares gradients() with central differences of `f`, and, `order` times, those of the gradients.
void check_gradients(const std::string& name, const Function& f, const std::vector<Dims>& shapes,
                     const std::vector<Values>& values, int order) {
  constexpr double kStep = 1e-5;
  const Tensors inputs = leaves(shapes, values);
  const Tensors g = gradients(f, inputs);
  const Tensor y = f(inputs).detach();
  const Values weights = random_values(kF64, y.numel(), 99, 0.5, 2);
  for (size_t i = 0; i < inputs.size(); ++i) {
    ASSERT_EQ(g[i].shape(), shapes[i]) << name;
    const Values actual = values_of(g[i]);
    for (size_t k = 0; k < values[i].size(); ++k) {
      double expected = 0;
      for (double sign : {1.0, -1.0}) {
        std::vector<Values> moved = values;
        moved[i][k] += sign * kStep;
        const Values result = values_of(f(leaves(shapes, moved)));
        for (size_t r = 0; r < result.size(); ++r) expected += sign * weights[r] * result[r];
      }
      expected /= 2 * kStep;
      EXPECT_NEAR(actual[k], expected, 1e-7 * std::max(1.0, std::abs(expected)))
          << name << ", gradient of input " << i << ", element " << k;
    }
  }
  if (order > 1) {
    const Function next = [&](const Tensors& x) {
      Tensor total;
      for (const Tensor& gradient : gradients(f, x)) {
        const Tensor weight =
            tensor(kF64, gradient.shape(), random_values(kF64, gradient.numel(), 98, 0.5, 2));
        const Tensor part = sum(mul(gradient, weight));
        total = total.defined() ? add(total, part) : part;
      }
      return total;
    };
    check_gradients(name + "'", next, shapes, values, order - 1);
  }
}

const Values kPoints = {-2.3, -0.7, 0.4, 1.3, 2.6, 0.05};
const Values kPositive = {0.3, 0.7, 1.2, 2.1, 3.3, 0.9};

TEST(PointwiseGradient, FunctionsOfOneTensor) {
  const std::pair<const char*, Tensor (*)(const Tensor&)> anywhere[] = {
      {"neg", [](const Tensor& x) { return neg(x); }},
      {"abs", [](const Tensor& x) { return mul(abs(x), x); }},
      {"exp", [](const Tensor& x) { return exp(x); }},
      {"tanh", [](const Tensor& x) { return tanh(x); }},
      {"sigmoid", [](const Tensor& x) { return sigmoid(x); }},
      {"relu", [](const Tensor& x) { return relu(x); }},
      {"silu", [](const Tensor& x) { return silu(x); }},
      {"gelu", [](const Tensor& x) { return gelu(x); }},
      {"gelu_tanh", [](const Tensor& x) { return gelu(x, Approximate::kTanh); }},
      {"mish", [](const Tensor& x) { return mish(x); }},
      {"leaky_relu", [](const Tensor& x) { return mul(leaky_relu(x, 0.2), x); }},
      {"leaky_relu, folded", [](const Tensor& x) { return mul(leaky_relu(x, -0.2), x); }},
      {"elu", [](const Tensor& x) { return elu(x, 0.7); }},
      {"elu, folded", [](const Tensor& x) { return elu(x, -0.7); }},
      {"elu_", [](const Tensor& x) { return elu_(mul(x, 1), 0.7); }},
      {"selu", [](const Tensor& x) { return selu(x); }},
      {"selu_", [](const Tensor& x) { return selu_(mul(x, 1)); }},
      {"softplus", [](const Tensor& x) { return softplus(x, 0.7); }},
      {"clamp", [](const Tensor& x) { return mul(clamp(x, -1, 2), x); }},
      {"clamp below", [](const Tensor& x) { return mul(clamp(x, -1), x); }},
      {"clamp above", [](const Tensor& x) { return mul(clamp(x, {}, 2), x); }},
      {"square", [](const Tensor& x) { return pow(x, 2); }},
      {"cube", [](const Tensor& x) { return pow(x, 3); }},
      {"inverse cube", [](const Tensor& x) { return pow(add(mul(x, x), 1), -3); }},
      {"two to", [](const Tensor& x) { return pow(2, x); }},
      {"number over", [](const Tensor& x) { return div(3, add(mul(x, x), 1)); }},
      {"larger of number", [](const Tensor& x) { return mul(maximum(x, 0.5), x); }},
      {"to f64", [](const Tensor& x) { return mul(to(x, kF64), x); }},
      {"clone", [](const Tensor& x) { return mul(clone(x), x); }},
  };
  for (const auto& [name, f] : anywhere) {
    const auto op = f;
    check_gradients(
        name, [op](const Tensors& x) { return op(x[0]); }, {{2, 3}}, {kPoints}, 3);
  }
  check_gradients(
      "log", [](const Tensors& x) { return log(x[0]); }, {{6}}, {kPositive}, 3);
  check_gradients(
      "sqrt", [](const Tensors& x) { return sqrt(x[0]); }, {{6}}, {kPositive}, 3);
}

TEST(PointwiseGradient, FunctionsOfTwoTensors) {
  const std::pair<const char*, Tensor (*)(const Operand&, const Operand&)> functions[] = {
      {"add", [](const Operand& a, const Operand& b) { return add(a, b); }},
      {"sub", [](const Operand& a, const Operand& b) { return sub(a, b); }},
      {"mul", [](const Operand& a, const Operand& b) { return mul(a, b); }},
      {"div", [](const Operand& a, const Operand& b) { return div(a, b); }},
      {"pow", [](const Operand& a, const Operand& b) { return pow(a, b); }},
      {"maximum", [](const Operand& a, const Operand& b) { return maximum(a, b); }},
      {"minimum", [](const Operand& a, const Operand& b) { return minimum(a, b); }},
      {"where", [](const Operand& a, const Operand& b) { return where(gt(a, b), mul(a, b), b); }},
  };
  for (const auto& [name, f] : functions) {
    const auto op = f;
    const Function function = [op](const Tensors& x) { return op(x[0], x[1]); };
    check_gradients(name, function, {{2, 3}, {2, 3}}, {kPositive, {1.5, 0.2, 0.8, 2.5, 3, 1}}, 2);
    // Broadcast both ways: the engine sums.
    check_gradients(name, function, {{2, 1}, {3}}, {{0.7, 1.9}, {0.4, 1.1, 2.2}}, 2);
    check_gradients(name, function, {{2, 3}, {}}, {kPositive, {1.6}}, 2);
  }
}

Tensor leaf(const Values& values, DType dtype = kF64) {
  return tensor(dtype, {int64_t(values.size())}, values).requires_grad_();
}
Values gradient_of(const Tensor& y, const Tensor& x) {
  return values_of(grad({y}, {x}, {.grad_outputs = {ones_like(y)}})[0]);
}

TEST(PointwiseGradient, KinksAndTies) {
  const Tensor x = leaf({-1, 0, 1, 2});
  EXPECT_EQ(gradient_of(relu(x), x), (Values{0, 0, 1, 1}));
  EXPECT_EQ(gradient_of(abs(x), x), (Values{-1, 0, 1, 1}));
  EXPECT_EQ(gradient_of(leaky_relu(x, 0.25), x), (Values{0.25, 0.25, 1, 1}));
  EXPECT_EQ(gradient_of(leaky_relu(x, -0.25), x), (Values{-0.25, -0.25, 1, 1}));
  EXPECT_EQ(gradient_of(leaky_relu(x, 0), x), (Values{0, 0, 1, 1}));
  EXPECT_EQ(gradient_of(elu(add(x, 1), 0.5), x), (Values{0.5, 1, 1, 1}));
  EXPECT_EQ(gradient_of(softplus(x, 1, 1), x)[3], 1);
  EXPECT_EQ(gradient_of(clamp(x, 0, 1), x), (Values{0, 1, 1, 0}));
  EXPECT_EQ(gradient_of(clamp(x, 0), x), (Values{0, 1, 1, 1}));
  EXPECT_EQ(gradient_of(clamp(x, {}, 1), x), (Values{1, 1, 1, 0}));
  EXPECT_EQ(gradient_of(maximum(x, 1), x), (Values{0, 0, 0.5, 1}));
  EXPECT_EQ(gradient_of(minimum(1, x), x), (Values{1, 1, 0.5, 0}));
  EXPECT_EQ(gradient_of(maximum(x, x), x), (Values{1, 1, 1, 1}));
  const Tensor y = leaf({-1, 1, 0, 2});
  const Tensors g = grad({maximum(x, y)}, {x, y}, {.grad_outputs = {ones_like(x)}});
  EXPECT_EQ(values_of(g[0]), (Values{0.5, 0, 1, 0.5}));
  EXPECT_EQ(values_of(g[1]), (Values{0.5, 1, 0, 0.5}));
}

TEST(PointwiseGradient, PowAtZeroAndBelow) {
  const Tensor x = leaf({0, 0, 0, -2, -2}), e = leaf({0, 1, 2, 2, 3});
  const Tensors g = grad({pow(x, e)}, {x, e}, {.grad_outputs = {ones_like(x)}});
  EXPECT_EQ(values_of(g[0]), (Values{0, 1, 0, -4, 12}));
  const Values along = values_of(g[1]);
  EXPECT_EQ(Values(along.begin(), along.begin() + 3), (Values{0, 0, 0}));
  EXPECT_TRUE(std::isnan(along[3]) && std::isnan(along[4]));  // the logarithm of a negative number
  EXPECT_EQ(gradient_of(pow(x, 0), x), (Values(5, 0)));
  EXPECT_EQ(gradient_of(pow(x, 1), x), (Values(5, 1)));
  EXPECT_EQ(gradient_of(pow(x, 2), x), (Values{0, 0, 0, -4, -4}));
  const Tensor positive = leaf({0, 1, 3});
  EXPECT_EQ(gradient_of(pow(0, positive), positive), (Values{0, 0, 0}));
  EXPECT_EQ(gradient_of(pow(1, positive), positive), (Values{0, 0, 0}));
}

// No 0 times infinity where the derivative is finite, in f32 as in f64, for two orders.
TEST(PointwiseGradient, LargeArguments) {
  struct Case {
    const char* name;
    Tensor (*op)(const Tensor&);
    double above;  // the slope at large arguments; below it is 0
  };
  const Case cases[] = {
      {"tanh", [](const Tensor& x) { return tanh(x); }, 0},
      {"sigmoid", [](const Tensor& x) { return sigmoid(x); }, 0},
      {"relu", [](const Tensor& x) { return relu(x); }, 1},
      {"silu", [](const Tensor& x) { return silu(x); }, 1},
      {"gelu", [](const Tensor& x) { return gelu(x); }, 1},
      {"gelu_tanh", [](const Tensor& x) { return gelu(x, Approximate::kTanh); }, 1},
      {"mish", [](const Tensor& x) { return mish(x); }, 1},
      {"elu", [](const Tensor& x) { return elu(x); }, 1},
      {"softplus", [](const Tensor& x) { return softplus(x); }, 1},
      {"softplus without threshold", [](const Tensor& x) { return softplus(x, 1, kInf); }, 1},
  };
  for (DType dtype : {kF32, kF64}) {
    for (double v : {88.0, 1e4, 1e15, kInf}) {
      for (const Case& c : cases) {
        for (double sign : {1.0, -1.0}) {
          const Tensor x = leaf({sign * v}, dtype);
          GradOptions options;
          options.create_graph = true;
          const Tensor first = grad({c.op(x)}, {x}, options)[0];
          const double expected = sign > 0 ? c.above : 0;
          EXPECT_NEAR(first.item(), expected, 1e-30) << c.name << "' at " << sign * v;
          options.allow_unused = true;
          const Tensor second = grad({first}, {x}, options)[0];
          const double value = second.defined() ? second.item() : 0;
          EXPECT_NEAR(value, 0, 1e-30) << c.name << "'' at " << sign * v;
        }
      }
    }
  }
}

TEST(PointwiseGradient, TakesTheDTypeOfItsInput) {
  const Tensor half = leaf({1, 2}, kF16), single = leaf({3, 4}, kF32);
  const Tensors g =
      grad({mul(half, single)}, {half, single}, {.grad_outputs = {tensor(kF32, {2}, {1, 1})}});
  EXPECT_EQ(g[0].dtype(), kF16);
  EXPECT_EQ(g[1].dtype(), kF32);
  EXPECT_EQ(values_of(g[0]), (Values{3, 4}));
  EXPECT_EQ(values_of(g[1]), (Values{1, 2}));
  EXPECT_FALSE(to(single, kI32).requires_grad());
  const Tensor cast = to(half, kF64);
  EXPECT_EQ(grad({sum(cast)}, {half})[0].dtype(), kF16);
}

TEST(PointwiseGradient, ThroughInPlaceOps) {
  const Tensor x = leaf({0.5, 1.5});
  const Tensor factor = leaf({2, 3});
  Tensor h = mul(x, 2);
  mul_(h, factor);
  add_(h, 1);
  div_(h, 4);
  exp_(h);
  const Tensors g = grad({h}, {x}, {.grad_outputs = {ones_like(h)}});
  for (int i = 0; i < 2; ++i) {
    const double a = values_of(x)[size_t(i)], b = values_of(factor)[size_t(i)];
    const double expected = std::exp((2 * a * b + 1) / 4) * 2 * b / 4;
    EXPECT_NEAR(values_of(g[0])[size_t(i)], expected, 1e-12);
  }
  const std::pair<Tensor (*)(const Tensor&), Tensor (*)(const Tensor&)> pairs[] = {
      {[](const Tensor& t) { return relu(t); }, [](const Tensor& t) { return relu_(t); }},
      {[](const Tensor& t) { return tanh(t); }, [](const Tensor& t) { return tanh_(t); }},
      {[](const Tensor& t) { return sqrt(t); }, [](const Tensor& t) { return sqrt_(t); }},
      {[](const Tensor& t) { return sigmoid(t); }, [](const Tensor& t) { return sigmoid_(t); }},
  };
  for (const auto& [apart, in_place] : pairs) {
    EXPECT_EQ(gradient_of(in_place(mul(x, 1)), x), gradient_of(apart(mul(x, 1)), x));
  }
  const std::pair<Tensor (*)(const Tensor&), Tensor (*)(const Tensor&)> bent[] = {
      {[](const Tensor& t) { return abs(t); }, [](const Tensor& t) { return abs_(t); }},
      {[](const Tensor& t) { return leaky_relu(t); },
       [](const Tensor& t) { return leaky_relu_(t); }},
      {[](const Tensor& t) { return leaky_relu(t, -0.5); },
       [](const Tensor& t) { return leaky_relu_(t, -0.5); }},
      {[](const Tensor& t) { return elu(t, -0.5); }, [](const Tensor& t) { return elu_(t, -0.5); }},
  };
  for (const auto& [apart, in_place] : bent) {
    EXPECT_EQ(gradient_of(in_place(sub(x, 1)), x), gradient_of(apart(sub(x, 1)), x));
  }
  // What a gradient needs must not be overwritten.
  const Tensor overwritten = add_(exp_(mul(x, 1)), 1);
  EXPECT_THROW(gradient_of(overwritten, x), AutogradError);
  // The gradients of divisor and factor need what the target was: it is kept.
  Tensor q = mul(x, 1);
  div_(q, factor);
  EXPECT_NEAR(gradient_of(q, factor)[0], -0.5 / 4, 1e-12);
  Tensor p = mul(x, 1);
  mul_(p, factor);
  EXPECT_NEAR(gradient_of(p, factor)[0], 0.5, 1e-12);
}

TEST(PointwiseGradient, OfACopy) {
  const Tensor x = leaf({1, 2, 3}), y = leaf({5});
  Tensor h = mul(x, 2);
  copy_(h, y);
  const Tensor z = sum(mul(h, x));
  const Tensors g = grad({z}, {x, y});
  EXPECT_EQ(values_of(g[0]), (Values{5, 5, 5}));
  EXPECT_EQ(values_of(g[1]), (Values{6}));
  Tensor f = mul(x, 2);
  fill_(f, 4);
  EXPECT_EQ(values_of(grad({sum(mul(f, x))}, {x})[0]), (Values{4, 4, 4}));
  const Tensor turned = leaf(Values(6, 1));
  const Tensor last = contiguous(transpose(reshape(turned, {2, 3}), 0, 1));
  const Tensor weights = tensor(kF64, {3, 2}, {1, 2, 3, 4, 5, 6});
  EXPECT_EQ(values_of(grad({sum(mul(last, weights))}, {turned})[0]), (Values{1, 3, 5, 2, 4, 6}));
}

}  // namespace
}  // namespace entasis
