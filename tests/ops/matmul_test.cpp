// Matrix products over ranks, batches, layouts and dtypes, against naive loops.
#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

#include <entasis/core/autograd.h>
#include <entasis/core/error.h>
#include <entasis/entasis.h>

namespace entasis {
namespace {

// Sum over the inner dimension by broadcasting: shares nothing with the product's code.
Tensor naive(const Tensor& a, const Tensor& b) {
  const Tensor left = unsqueeze(a.to(kF64), -1);            // [.., n, k, 1]
  const Tensor right = unsqueeze(b.to(kF64), b.dim() - 2);  // [.., 1, k, m]
  return (left * right).sum({-2});
}

double largest_difference(const Tensor& a, const Tensor& b) {
  const Tensor d = a.detach().to(kF64) - b.detach().to(kF64);
  return d.numel() == 0 ? 0 : maximum(d, -d).amax().item();
}

struct Shapes {
  Dims a, b;
};

TEST(Matmul, RanksAndBatches) {
  const Shapes cases[] = {
      {{3, 4}, {4, 5}},          {{1, 1}, {1, 1}},       {{2, 3, 4}, {4, 5}},
      {{2, 3, 4}, {2, 4, 5}},    {{3, 4}, {2, 4, 5}},    {{2, 1, 3, 4}, {5, 4, 6}},
      {{7, 2, 3, 4}, {1, 4, 6}}, {{65, 33}, {33, 130}},  {{0, 4}, {4, 5}},
      {{3, 0}, {0, 5}},          {{2, 0, 3, 4}, {4, 5}}, {{300, 257}, {257, 3}},
  };
  manual_seed(1);
  for (const Shapes& s : cases) {
    const Tensor a = randn(s.a, kF64), b = randn(s.b, kF64);
    const Tensor y = matmul(a, b);
    EXPECT_EQ(y.shape(), naive(a, b).shape()) << to_string(s.a) << to_string(s.b);
    EXPECT_LT(largest_difference(y, naive(a, b)), 1e-12) << to_string(s.a) << to_string(s.b);
  }
}

TEST(Matmul, VectorsLoseTheirDimension) {
  manual_seed(2);
  const Tensor v = randn({4}, kF64), m = randn({4, 5}, kF64), batch = randn({2, 3, 4}, kF64);
  EXPECT_EQ(matmul(v, v).shape(), (Dims{}));
  EXPECT_NEAR(matmul(v, v).item(), (v * v).sum().item(), 1e-14);
  EXPECT_EQ(matmul(v, m).shape(), (Dims{5}));
  EXPECT_EQ(matmul(batch, v).shape(), (Dims{2, 3}));
  EXPECT_EQ(matmul(v, randn({2, 4, 5}, kF64)).shape(), (Dims{2, 5}));
}

TEST(Matmul, AnyLayoutWithoutACopy) {
  manual_seed(3);
  const Tensor wide = randn({20, 30}), a = randn({9, 12}), b = randn({12, 7});
  const Tensor operands[] = {a, randn({12, 9}).t(), wide.slice(0, 0, 18, 2).slice(1, 3, 15),
                             randn({12}).expand({9, 12}), randn({9, 1}).expand({9, 12})};
  for (const Tensor& left : operands) {
    EXPECT_LT(largest_difference(matmul(left, b), naive(left, b)), 1e-4);
    EXPECT_LT(largest_difference(matmul(b.t(), left.t()), naive(b.t(), left.t())), 1e-4);
  }
}

TEST(Matmul, Dtypes) {
  const Tensor a = arange(12, kI64).reshape({3, 4}), b = arange(8, kI64).reshape({4, 2});
  for (DType dtype : {kF32, kF64, kF16, kBF16, kI8, kI16, kI32, kI64, kU8}) {
    const Tensor y = matmul(a.to(dtype), b.to(dtype));
    EXPECT_EQ(y.dtype(), dtype);
    const Tensor expected = naive(a, b).to(kI64).to(dtype);
    EXPECT_EQ(largest_difference(y, expected), 0) << name_of(dtype);
  }
  EXPECT_THROW(matmul(a.to(kBool), b.to(kBool)), DtypeError);
}

TEST(Matmul, GradientsOfBroadcastBatches) {
  manual_seed(4);
  Tensor a = randn({2, 1, 3, 4}, kF64).requires_grad_(),
         b = randn({5, 4, 6}, kF64).requires_grad_();
  const Tensor w = randn({2, 5, 3, 6}, kF64);
  (matmul(a, b) * w).sum().backward();
  Tensor a2 = a.detach().clone().requires_grad_(), b2 = b.detach().clone().requires_grad_();
  (naive(a2, b2) * w).sum().backward();
  EXPECT_LT(largest_difference(a.grad(), a2.grad()), 1e-12);
  EXPECT_LT(largest_difference(b.grad(), b2.grad()), 1e-12);
}

TEST(Linear, IsAProductPlusBias) {
  manual_seed(5);
  for (const Dims& shape : {Dims{6}, Dims{5, 6}, Dims{2, 3, 6}, Dims{0, 6}}) {
    Tensor x = randn(shape, kF64).requires_grad_();
    Tensor w = randn({4, 6}, kF64).requires_grad_(), b = randn({4}, kF64).requires_grad_();
    const Tensor y = linear(x, w, b);
    EXPECT_LT(largest_difference(y, matmul(x, w.t()) + b), 1e-13) << to_string(shape);
    if (y.numel() == 0) continue;
    const Tensors g = grad({(y * y).sum()}, {x, w, b});
    Tensor y2 = matmul(x, w.t()) + b;
    const Tensors g2 = grad({(y2 * y2).sum()}, {x, w, b});
    for (size_t i = 0; i < 3; ++i) EXPECT_LT(largest_difference(g[i], g2[i]), 1e-12);
  }
  EXPECT_EQ(linear(zeros({2, 3, 6}), zeros({4, 6})).shape(), (Dims{2, 3, 4}));
}

// The fused layers, and the two ops each stands for.
struct Fused {
  const char* name;
  Tensor (*fused)(const Tensor& x, const Tensor& w, const Tensor& b, const Tensor& other);
  Tensor (*apart)(const Tensor& x, const Tensor& w, const Tensor& b, const Tensor& other);
};
using In4 = const Tensor&;
const Fused kFused[] = {
    {"relu", [](In4 x, In4 w, In4 b, In4) { return linear_relu(x, w, b); },
     [](In4 x, In4 w, In4 b, In4) { return relu(linear(x, w, b)); }},
    {"gelu", [](In4 x, In4 w, In4 b, In4) { return linear_gelu(x, w, b); },
     [](In4 x, In4 w, In4 b, In4) { return gelu(linear(x, w, b)); }},
    {"gelu by tanh",
     [](In4 x, In4 w, In4 b, In4) { return linear_gelu(x, w, b, Approximate::kTanh); },
     [](In4 x, In4 w, In4 b, In4) { return gelu(linear(x, w, b), Approximate::kTanh); }},
    {"add", [](In4 x, In4 w, In4 b, In4 other) { return linear_add(x, w, b, other); },
     [](In4 x, In4 w, In4 b, In4 other) { return linear(x, w, b) + other; }},
};

bool same_bits(const Tensor& a, const Tensor& b) {
  return a.shape() == b.shape() && a.dtype() == b.dtype() && ne(a, b).sum().item() == 0;
}

TEST(LinearFused, GivesTheBitsOfTheTwoOps) {
  manual_seed(6);
  for (const Fused& f : kFused) {
    for (DType dtype : {kF32, kF64}) {
      for (const auto& [m, k, n] :
           {std::array{1, 64, 70}, {9, 40, 130}, {300, 700, 20}, {64, 1030, 530}, {2, 0, 3}}) {
        SCOPED_TRACE(std::string(f.name) + " " + std::to_string(m) + "x" + std::to_string(n));
        const Tensor x = randn({m, k}, dtype), w = randn({n, k}, dtype), b = randn({n}, dtype);
        const Tensor other = randn({m, n}, dtype);
        EXPECT_TRUE(same_bits(f.fused(x, w, b, other), f.apart(x, w, b, other)));
        EXPECT_TRUE(same_bits(f.fused(x, w, {}, other), f.apart(x, w, {}, other)));
        const Tensor deep = x.reshape({m, 1, k}).expand({m, 3, k});
        const Tensor deep_other = randn({3, m, n}, dtype).transpose(0, 1);
        EXPECT_TRUE(same_bits(f.fused(deep, w, b, deep_other), f.apart(deep, w, b, deep_other)));
      }
    }
  }
  const Tensor integers = arange(12, kI64).reshape({3, 4});
  EXPECT_TRUE(same_bits(linear_relu(-integers, integers), relu(linear(-integers, integers))));
}

TEST(LinearFused, GradientsOfBothOrdersAreThoseOfTheTwoOps) {
  manual_seed(7);
  for (const Fused& f : kFused) {
    SCOPED_TRACE(f.name);
    const auto leaf = [](const Dims& shape) { return randn(shape, kF64).requires_grad_(); };
    const Tensors leaves = {leaf({5, 6}), leaf({8, 6}), leaf({8}), leaf({5, 8})};
    const Tensor direction = randn({5, 8}, kF64);
    Tensors firsts[2], seconds[2];
    for (const bool fused : {false, true}) {
      const auto op = fused ? f.fused : f.apart;
      GradOptions options;
      options.create_graph = true;
      options.allow_unused = true;
      const Tensor y = op(leaves[0], leaves[1], leaves[2], leaves[3]);
      const Tensors wanted(leaves.begin(), leaves.end() - (f.name == std::string("add") ? 0 : 1));
      firsts[fused] = grad({(y * y * direction).sum()}, wanted, options);
      Tensor total = zeros({}, kF64);
      for (const Tensor& g : firsts[fused]) total = total + (g * g).sum();
      seconds[fused] = grad({total}, wanted);
    }
    for (size_t i = 0; i < firsts[0].size(); ++i) {
      EXPECT_LT(largest_difference(firsts[0][i], firsts[1][i]), 1e-12) << i;
      EXPECT_LT(largest_difference(seconds[0][i], seconds[1][i]), 1e-10) << i;
    }
  }
}

// Weights are kept packed from their second use on; the bits must follow every change of values.
TEST(PackedWeights, FollowTheValues) {
  manual_seed(8);
  const auto fresh = [](const Tensor& x, const Tensor& w, const Tensor& b) {
    return linear(x, w.clone(), b);  // a storage that was never used before
  };
  for (DType dtype : {kF32, kF64, kF16, kBF16}) {
    SCOPED_TRACE(name_of(dtype));
    const Tensor x = randn({20, 256}).to(dtype), b = randn({192}).to(dtype);
    Tensor w = randn({192, 256}).to(dtype);
    const auto expect_right = [&](const char* when) {
      for (int use = 0; use < 3; ++use) {
        EXPECT_TRUE(same_bits(linear(x, w, b), fresh(x, w, b))) << when << ", use " << use;
      }
    };
    expect_right("at first");
    w.add_(1);
    expect_right("after an op in place");
    w.slice(0, 3, 7).mul_(-2);
    expect_right("after a change of a part");
    w.copy_(randn({192, 256}).to(dtype));
    expect_right("after a copy");
    for (const Tensor& view : {w.slice(0, 0, 160), w.slice(1, 0, 250), w.slice(0, 16, 176)}) {
      for (int use = 0; use < 3; ++use) {
        const Tensor part = x.slice(1, 0, view.size(1)), none;
        EXPECT_TRUE(same_bits(linear(part, view), fresh(part, view, none))) << use;
      }
    }
    expect_right("after its parts were used");
  }
}

TEST(PackedWeights, AreNotKeptOfMemoryThatOthersMayWrite) {
  manual_seed(9);
  const Tensor x = randn({20, 256});
  Tensor w = randn({192, 256});
  for (int use = 0; use < 3; ++use) linear(x, w);
  float* const address = w.mutable_data<float>();
  for (int use = 0; use < 3; ++use) {
    address[use] = 1000;
    EXPECT_TRUE(same_bits(linear(x, w), linear(x, w.clone())));
  }
  std::vector<float> own(192 * 256, 0.5f);
  const Tensor lent = from_blob(own.data(), kF32, {192, 256});
  for (int use = 0; use < 3; ++use) {
    own[size_t(use)] = 1000;
    EXPECT_TRUE(same_bits(linear(x, lent), linear(x, lent.clone())));
  }
}

TEST(Linear, ErrorsNameTheSizes) {
  const Tensor x = zeros({2, 6}), w = zeros({4, 5});
  try {
    linear(x, w);
    FAIL();
  } catch (const ShapeError& error) {
    EXPECT_EQ(std::string(error.what()),
              "linear: sizes differ: input is [2, 6], weight is [4, 5] (6 vs 5) — "
              "matmul_test.cpp:" +
                  std::to_string(__LINE__ - 6));
  }
  EXPECT_THROW(linear(x, zeros({4, 6}), zeros({5})), ShapeError);
  EXPECT_THROW(linear(scalar_tensor(1.0), w), ShapeError);
  EXPECT_THROW(matmul(scalar_tensor(1.0), w), ShapeError);
}

}  // namespace
}  // namespace entasis
