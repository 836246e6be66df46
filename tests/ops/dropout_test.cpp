// Dropout: which elements it keeps, its gradients, and its limits.
#include <gtest/gtest.h>

#include <cmath>

#include <entasis/backends/cpu/parallel.h>
#include <entasis/entasis.h>
#include <entasis/tests/ops/naive.h>
#include <entasis/tests/support/errors.h>

namespace entasis {
namespace {

using naive::Values;
using naive::values_of;

DropoutResult drop(const Tensor& x, double p, uint64_t seed = 11) {
  Generator g(seed);
  const GeneratorGuard guard(g);
  return native_dropout(x, p);
}

// Rule 9: element i keeps if the uniform of word i is at least p.
TEST(Dropout, MaskIsTheUniformOfItsWord) {
  Generator g(11);
  const GeneratorGuard guard(g);
  g.reserve(5);
  constexpr int64_t n = 5003;
  const double p = 0.3;
  const auto [y, mask] = native_dropout(full({n}, 2.0), p);
  EXPECT_EQ(mask.dtype(), kBool);
  EXPECT_EQ(g.state().offset, 5u + (n + 3) / 4);
  for (int64_t i = 0; i < n; ++i) {
    const bool kept =
        double(uniform_float(philox4x32(11, 5 + uint64_t(i) / 4)[size_t(i % 4)])) >= p;
    ASSERT_EQ(mask.data<bool>()[i], kept);
    ASSERT_EQ(y.data<float>()[i], kept ? 2.0f * float(1 / (1 - p)) : 0.0f);
  }
}

TEST(Dropout, KeepsTheRightShare) {
  for (double p : {0.1, 0.5, 0.9}) {
    const double n = 1 << 20;
    const double kept = drop(ones({1 << 20}), p).mask.sum().item();
    EXPECT_NEAR(kept, n * (1 - p), 5 * std::sqrt(n * p * (1 - p)));
  }
}

TEST(Dropout, MaskIsTheSameForEveryDType) {
  const Values expected = values_of(drop(ones({1000}), 0.5).mask);
  for (DType dtype : {kF64, kF16, kBF16}) {
    const auto [y, mask] = drop(full({1000}, 3, dtype), 0.5);
    EXPECT_EQ(y.dtype(), dtype);
    EXPECT_EQ(values_of(mask), expected);
    for (int i = 0; i < 1000; ++i) ASSERT_EQ(values_of(y)[size_t(i)], expected[size_t(i)] * 6);
  }
}

TEST(Dropout, FollowsMemoryOrderInEveryLayout) {
  const Values values = naive::random_values(kF32, 24, 4, 1, 2);
  for (const naive::Layout& layout : naive::layouts(kF32, {2, 3, 4}, values)) {
    const auto [y, mask] = drop(layout.tensor, 0.5);
    EXPECT_EQ(y.strides(), mask.strides());
    const Values kept = values_of(mask), dropped = values_of(y);
    for (size_t i = 0; i < values.size(); ++i) EXPECT_EQ(dropped[i], kept[i] * values[i] * 2);
    // In memory the mask is that of a flat tensor.
    const Tensor flat = drop(ones({24}), 0.5).mask;
    for (int i = 0; i < 24; ++i)
      EXPECT_EQ(mask.data<bool>()[i], flat.data<bool>()[i]) << layout.name;
  }
}

TEST(Dropout, DoesNotDependOnThreads) {
  const int before = num_threads();
  const Tensor x = rand({50001});
  set_num_threads(1);
  const Values expected = values_of(drop(x, 0.4).output);
  for (int threads : {2, 7}) {
    set_num_threads(threads);
    EXPECT_EQ(values_of(drop(x, 0.4).output), expected);
  }
  set_num_threads(before);
}

TEST(Dropout, Limits) {
  const Tensor x = ones({100});
  EXPECT_TRUE(dropout(x, 0.5, false).same(x));
  EXPECT_TRUE(dropout(x, 0).same(x));
  EXPECT_EQ(values_of(native_dropout(x, 0).output), values_of(x));
  EXPECT_EQ(values_of(native_dropout(x, 0).mask), values_of(x));
  EXPECT_EQ(values_of(dropout(x, 1)), values_of(zeros({100})));
  EXPECT_EQ(dropout(zeros({0, 3}), 0.5).shape(), (Dims{0, 3}));
  EXPECT_EQ(dropout(zeros({2, 3}, kMeta), 0.5).shape(), (Dims{2, 3}));
  // What is dropped is 0, whatever it was.
  for (double v : values_of(dropout(full({100}, INFINITY), 0.5)))
    EXPECT_TRUE(v == 0 || std::isinf(v));
  EXPECT_EQ(values_of(dropout(full({50}, NAN), 1)), values_of(zeros({50})));
}

TEST(Dropout, GradientGoesThroughTheMask) {
  Tensor x = rand({3, 50}, kF64).requires_grad_();
  const auto [y, mask] = drop(x, 0.25);
  EXPECT_FALSE(mask.requires_grad());
  const Tensor gy = rand({50, 3}, kF64).t();  // in another order than the mask
  const Tensor gx = grad({y}, {x}, {.grad_outputs = {gy}})[0];
  const Values g = values_of(gy), kept = values_of(mask);
  Values expected;
  for (size_t i = 0; i < g.size(); ++i) expected.push_back(kept[i] * (g[i] * (1 / 0.75)));
  EXPECT_EQ(values_of(gx), expected);
}

TEST(Dropout, SecondGradient) {
  Tensor x = rand({20}, kF64).requires_grad_();
  const auto [y, mask] = drop(x, 0.5);
  const Tensor g = grad({(y * y * y).sum()}, {x}, {.create_graph = true})[0];
  g.sum().backward();
  // d2/dx2 of (2 m x)^3 = 48 m x
  for (int i = 0; i < 20; ++i) {
    EXPECT_NEAR(x.grad().data<double>()[i], mask.data<bool>()[i] * 48 * x.data<double>()[i], 1e-12);
  }
}

TEST(Dropout, GradientAtOneIsZero) {
  Tensor x = ones({10}).requires_grad_();
  dropout(x, 1).sum().backward();
  EXPECT_EQ(values_of(x.grad()), values_of(zeros({10})));
}

TEST(Dropout, HalvesHaveGradients) {
  for (DType dtype : {kF16, kBF16, kF32}) {
    Tensor x = ones({100}, dtype).requires_grad_();
    const auto [y, mask] = drop(x, 0.5);
    y.sum().backward();
    for (int i = 0; i < 100; ++i) {
      EXPECT_EQ(values_of(x.grad())[size_t(i)], values_of(mask)[size_t(i)] * 2);
    }
  }
}

TEST(Dropout, Errors) {
  const Tensor x = ones({2});
  expect_error<ValueError>([&] { dropout(x, 1.5); },
                           "dropout: native_dropout: p must be from 0 to 1, it is 1.5");
  expect_error<ValueError>([&] { dropout(x, -0.1, false); },
                           "dropout: p must be from 0 to 1, it is -0.1");
  expect_error<ValueError>([&] { native_dropout(x, NAN); },
                           "native_dropout: p must be from 0 to 1, it is nan");
  expect_error<DtypeError>([] { native_dropout(arange(3), 0.5); },
                           "native_dropout: needs a floating-point input, it is i64");
}

}  // namespace
}  // namespace entasis
