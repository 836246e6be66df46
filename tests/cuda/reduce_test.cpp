// Reductions, softmax, losses and normalisations in the shapes that reach each of their kernels:
// the op matrix is too small for long rows, split outputs and rows beside a multiple of 16 bytes.
// The CPU is the reference.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include <entasis/core/autograd.h>

#include "device.h"

namespace entasis {
namespace {

using CudaReductions = CudaTest;
using Function = std::function<Tensors(const Tensors&)>;

// Numbers between -2 and 2, of which many are equal with few `levels`.
Tensor noise(const Dims& shape, DType dtype = kF32, int levels = 4001, uint32_t seed = 1) {
  Tensor t = empty_strided(Spec::dense(kF32, shape), kCPU);
  float* const to = t.mutable_data<float>();
  uint32_t state = seed * 2654435761u + 12345u;
  for (int64_t i = 0; i < t.numel(); ++i) {
    state = state * 1664525u + 1013904223u;
    to[i] = float((state >> 8) % uint32_t(levels)) * 4 / float(levels) - 2;
  }
  return t.to(dtype);
}

double largest(const std::vector<float>& values) {
  double most = 0;
  for (float v : values) most = std::max(most, std::fabs(double(v)));
  return most;
}

void expect_near(const Tensor& found, const Tensor& expected, double tolerance,
                 const std::string& what) {
  ASSERT_EQ(found.shape(), expected.shape()) << what;
  ASSERT_EQ(found.dtype(), expected.dtype()) << what;
  const std::vector<float> a = to_vector(found.to(kCPU).to(kF32)), b = to_vector(expected.to(kF32));
  const double bound = tolerance * std::max(1e-3, largest(b));
  for (size_t i = 0; i < a.size(); ++i) {
    if (std::isnan(a[i]) && std::isnan(b[i])) continue;
    ASSERT_NEAR(a[i], b[i], bound) << what << ", element " << i;
  }
}

// One run on the CPU, two on the device: near to the one, and equal to the bit.
void agree(const std::string& what, const Function& f, const Tensors& inputs,
           double tolerance = 2e-6) {
  const Tensors expected = f(inputs);
  Tensors there;
  for (const Tensor& t : inputs) there.push_back(t.to(kCuda));
  const Tensors found = f(there), again = f(there);
  for (size_t k = 0; k < expected.size(); ++k) {
    const std::string name = what + ", result " + std::to_string(k);
    expect_near(found[k], expected[k], tolerance, name);
    if (testing::Test::HasFatalFailure()) return;
    const Tensor one = found[k].to(kCPU).contiguous(), two = again[k].to(kCPU).contiguous();
    EXPECT_EQ(std::memcmp(one.raw(), two.raw(), size_t(one.numel() * size_of(one.dtype()))), 0)
        << name << ": other bits in another run";
  }
}

// The gradients of the sum of f(x) w for some w.
Function gradients(const std::function<Tensor(const Tensors&)>& f) {
  return [f](const Tensors& inputs) {
    Tensors leaves;
    for (const Tensor& t : inputs) {
      leaves.push_back(t.detach());
      if (is_floating_point(t.dtype())) leaves.back().requires_grad_();
    }
    const Tensor y = f(leaves);
    const Tensor w = noise(y.shape(), y.dtype(), 401, 7).to(y.device());
    y.backward(w);
    Tensors found = {y.detach()};
    for (const Tensor& t : leaves) {
      if (t.requires_grad()) found.push_back(t.grad());
    }
    return found;
  };
}

struct Reduced {
  const char* what;
  Dims shape;
  Dims dim;
};
const Reduced kReduced[] = {
    {"one long row", {1, 40003}, {1}},
    {"everything", {120, 301}, {}},
    {"few long rows", {3, 7000}, {1}},
    {"rows of a warp", {50, 300}, {1}},
    {"short rows", {70, 9}, {1}},
    {"columns by vectors", {800, 64}, {0}},
    {"columns one by one", {800, 37}, {0}},
    {"few columns", {3000, 3}, {0}},
    {"an output for a thread", {3, 33000}, {0}},
    {"channels, planes of vectors", {8, 6, 8, 8}, {0, 2, 3}},
    {"channels, odd planes", {8, 6, 7, 7}, {0, 2, 3}},
    {"in the middle", {7, 300, 24}, {1}},
};

// As it is; beside a multiple of 16 bytes; transposed.
Tensors layouts_of(const Tensor& t) {
  const int last = t.dim() - 1;
  Tensors all = {t, t.slice(last, 1, t.shape()[last])};
  if (t.shape()[0] > 1) all.push_back(t.transpose(0, last).contiguous().transpose(0, last));
  return all;
}

TEST_F(CudaReductions, SumsAgreeWithTheCpu) {
  for (const Reduced& c : kReduced) {
    for (DType dtype : {kF32, kBF16, kF64, kI64, kU8}) {
      const Tensor x = is_floating_point(dtype) ? noise(c.shape, dtype)
                                                : mul(noise(c.shape), 20).to(kI64).to(dtype);
      agree(
          std::string(c.what) + " " + name_of(dtype),
          [&](const Tensors& in) {
            Tensors sums;
            for (const Tensor& t : layouts_of(in[0])) sums.push_back(sum(t, c.dim));
            return sums;
          },
          {x}, dtype == kBF16 ? 8e-3 : 2e-6);
      if (HasFatalFailure()) return;
    }
  }
}

TEST_F(CudaReductions, SumsOfManyEqualNumbersKeepTheirDigits) {
  const int64_t n = 1 << 18;
  const Tensor x = full({n}, 0.1f).to(kF32);
  const double found = sum(x.to(kCuda)).item<double>();
  EXPECT_NEAR(found / (double(0.1f) * double(n)), 1, 1e-6);
}

TEST_F(CudaReductions, MaximaAndTheirPlacesAgreeWithTheCpu) {
  for (const Reduced& c : kReduced) {
    for (DType dtype : {kF32, kF16, kI64}) {
      // Few levels: the largest stands in many places.
      const Tensor levels = noise(c.shape, kF32, 40);
      const Tensor x = dtype == kI64 ? mul(levels, 10).to(kI64) : levels.to(dtype);
      agree(
          std::string(c.what) + " " + name_of(dtype),
          [&](const Tensors& in) {
            Tensors found;
            for (const Tensor& t : layouts_of(in[0])) {
              found.push_back(amax(t, c.dim));
              if (c.dim.size() == 1) found.push_back(argmax(t, c.dim[0]));
              if (c.dim.empty()) found.push_back(argmax(t));
            }
            return found;
          },
          {x}, 0);
      if (HasFatalFailure()) return;
    }
  }
}

TEST_F(CudaReductions, VariancesAgreeWithTheCpu) {
  for (const Reduced& c : kReduced) {
    for (double centre : {0.0, 1000.0}) {  // far from 0 differences of squares would cancel
      agree(c.what,
            [&](const Tensors& in) {
              Tensors found;
              for (const Tensor& t : layouts_of(in[0])) found.push_back(var(t, c.dim));
              return found;
            },
            {add(noise(c.shape), centre)});
      if (HasFatalFailure()) return;
    }
  }
}

TEST_F(CudaReductions, SoftmaxAgreesWithTheCpu) {
  const std::pair<Dims, int64_t> cases[] = {{{40, 5}, 1},     {{6, 100}, 1},    {{3, 801}, 1},
                                            {{3, 1600}, 1},   {{2, 70001}, 1},  {{3, 40, 33}, 1},
                                            {{700, 3, 2}, 0}, {{2, 9, 300}, -1}};
  for (const auto& [shape, dim] : cases) {
    for (DType dtype : {kF32, kF16, kF64}) {
      const int64_t d = dim;
      const Tensor x = mul(noise(shape), 4).to(dtype);
      const double tolerance = dtype == kF16 ? 2e-3 : 2e-6;
      for (const Tensor& laid : layouts_of(x)) {
        const std::string what = to_string(shape) + " " + name_of(dtype);
        agree("softmax " + what, gradients([d](const Tensors& in) { return softmax(in[0], d); }),
              {laid}, tolerance);
        agree("log_softmax " + what,
              gradients([d](const Tensors& in) { return log_softmax(in[0], d); }), {laid},
              tolerance);
        if (HasFatalFailure()) return;
      }
    }
  }
}

TEST_F(CudaReductions, CrossEntropyAgreesWithTheCpu) {
  const Dims cases[] = {{33, 5}, {6, 700}, {3, 3001}, {2, 21, 9}, {2, 3, 400}};
  for (const Dims& shape : cases) {
    Dims rows = shape;
    rows.erase(1);
    Tensor target = empty_strided(Spec::dense(kI64, rows), kCPU);
    for (int64_t i = 0; i < target.numel(); ++i) {
      target.mutable_data<int64_t>()[i] = i % 4 == 2 ? -100 : i * 7 % shape[1];
    }
    for (Reduction reduction : {Reduction::kMean, Reduction::kSum, Reduction::kNone}) {
      for (double smoothing : {0.0, 0.1}) {
        for (const Tensor& x : layouts_of(mul(noise(shape), 4))) {
          if (x.shape() != shape && shape.size() == 3) continue;  // the target would not fit
          // A row of fewer classes keeps the labels that it has.
          const Tensor labels = where(ge(target, x.shape()[1]), 0, target);
          agree("cross_entropy " + to_string(shape), gradients([&](const Tensors& in) {
                  return cross_entropy(in[0], in[1], -100, reduction, smoothing);
                }),
                {x, labels}, 4e-6);
          if (HasFatalFailure()) return;
        }
      }
    }
  }
}

void check_layer_norm(const Tensor& x) {
  const int64_t n = x.shape()[1];
  const DType dtype = x.dtype();
  const Tensor weight = noise({n}, is_half(dtype) ? kF32 : dtype, 401, 2);
  const Tensor bias = noise({n}, dtype, 401, 3);
  agree("layer_norm " + std::to_string(n) + " " + name_of(dtype),
        gradients([n](const Tensors& in) { return layer_norm(in[0], {n}, in[1], in[2]); }),
        {x, weight, bias}, is_half(dtype) ? 2e-2 : 4e-6);
}

TEST_F(CudaReductions, LayerNormAgreesWithTheCpu) {
  for (int64_t n : {6, 64, 256, 600, 1024, 1500, 4096, 8192, 8200}) {
    const int64_t rows = n < 1000 ? 37 : 3;
    for (DType dtype : {kF32, kBF16, kF64}) {
      check_layer_norm(noise({rows, n}, dtype));
      if (HasFatalFailure()) return;
    }
  }
}

TEST_F(CudaReductions, LayerNormOfOddRowsAgreesWithTheCpu) {
  for (int64_t n : {7, 300, 1100}) {
    for (const Tensor& x : layouts_of(noise({5, n}))) check_layer_norm(x);
    if (HasFatalFailure()) return;
  }
  check_layer_norm(noise({1, 60004}));  // more than shared memory holds
}

TEST_F(CudaReductions, LayerNormOverSeveralDimensionsAgreesWithTheCpu) {
  const Tensor weight = noise({6, 8}, kF32, 401, 2), bias = noise({6, 8}, kF32, 401, 3);
  const auto f = gradients([](const Tensors& in) {
    return layer_norm(in[0], {6, 8}, in[1], in[2]);
  });
  agree("dense", f, {noise({9, 6, 8}), weight, bias});
  agree("permuted", f, {noise({8, 9, 6}).permute({1, 2, 0}), weight.t().contiguous().t(), bias});
}

TEST_F(CudaReductions, BatchNormAgreesWithTheCpu) {
  const Dims cases[] = {{6, 5, 4, 4}, {6, 16, 3, 5}, {700, 20}, {700, 24}, {3, 2, 4000}};
  for (const Dims& shape : cases) {
    for (DType dtype : {kF32, kF16}) {
      for (bool training : {true, false}) {
        const int64_t channels = shape[1];
        const Tensor mean = noise({channels}, kF32, 401, 2);
        const Tensor var = add(noise({channels}, kF32, 401, 3), 3);
        const Tensor weight = noise({channels}, kF32, 401, 4),
                     bias = noise({channels}, kF32, 401, 5);
        for (const Tensor& x : layouts_of(add(noise(shape), 3).to(dtype))) {
          if (x.shape() != shape && shape.size() == 2) continue;  // other channels
          const Function f = [&](const Tensors& in) {
            const Tensor new_mean = in[3].clone(), new_var = in[4].clone();
            Tensors found = gradients([&](const Tensors& leaves) {
              return batch_norm(leaves[0], new_mean, new_var, leaves[1], leaves[2], training);
            })({in[0], in[1], in[2]});
            found.push_back(new_mean);
            found.push_back(new_var);
            return found;
          };
          agree("batch_norm " + to_string(x.shape()), f, {x, weight, bias, mean, var},
                dtype == kF16 ? 4e-3 : 4e-6);
          if (HasFatalFailure()) return;
        }
      }
    }
  }
}

}  // namespace
}  // namespace entasis
