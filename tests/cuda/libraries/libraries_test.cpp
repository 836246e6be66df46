// cuBLASLt and cuDNN through backends/cuda/blas.h and dnn.h: every epilogue, pass and layout
// against plain sums. The plugin hides these functions, so this program holds the backend itself,
// once over CUDA's libraries and once over their stand-ins.
#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <entasis/backends/cuda/backend.h>
#include <entasis/backends/cuda/blas.h>
#include <entasis/backends/cuda/dnn.h>
#include <entasis/backends/cuda/streams.h>
#include <entasis/core/backend.h>
#include <entasis/core/error.h>
#include <entasis/core/tensor.h>

namespace entasis::cuda {
namespace {

constexpr Device kDevice{DeviceType::kCUDA, 0};
using Numbers = std::vector<double>;

class CudaLibraries : public testing::Test {
 protected:
  void SetUp() override {
    static const char* const why = register_backend();
    if (why != nullptr) GTEST_SKIP() << "no CUDA device: " << why;
  }
  static StreamId stream() { return current_stream(0); }
};

// Numbers in [-1, 1) that are exact in every dtype.
Numbers numbers(int64_t n, int64_t seed) {
  Numbers v(static_cast<size_t>(n));
  for (int64_t i = 0; i < n; ++i) v[size_t(i)] = double((i * 37 + seed * 11) % 127 - 63) / 64;
  return v;
}

Tensor upload(const Numbers& v, DType dtype) {
  const Spec spec = Spec::dense(dtype, {int64_t(v.size())});
  const Tensor host = empty_strided(spec, kCPU), device = empty_strided(spec, kDevice);
  dispatch_dtype(dtype, [&]<class T>(TypeTag<T>) {
    for (size_t i = 0; i < v.size(); ++i) host.raw_as<T>()[i] = convert<T>(v[i]);
  });
  backend_of(DeviceType::kCUDA)
      .copy(device.raw(), kDevice, host.raw(), kCPU, v.size() * size_t(size_of(dtype)),
            current_stream(0), false);
  return device;
}

Numbers download(const Tensor& device) {
  const Tensor host = empty_strided(device.spec(), kCPU);
  Backend& backend = backend_of(DeviceType::kCUDA);
  backend.copy(host.raw(), kCPU, device.raw(), kDevice,
               size_t(device.numel()) * size_t(size_of(device.dtype())), current_stream(0), false);
  backend.synchronize_stream(current_stream(0));
  Numbers v(static_cast<size_t>(host.numel()));
  dispatch_dtype(device.dtype(), [&]<class T>(TypeTag<T>) {
    for (size_t i = 0; i < v.size(); ++i) v[i] = convert<double>(host.raw_as<T>()[i]);
  });
  return v;
}

void expect_near(const Numbers& got, const Numbers& wanted, DType dtype, double terms) {
  ASSERT_EQ(got.size(), wanted.size());
  const double unit = dtype == kF64 ? 1e-15 : dtype == kF32 ? 6e-7 : dtype == kF16 ? 1e-3 : 8e-3;
  for (size_t i = 0; i < got.size(); ++i) {
    ASSERT_NEAR(got[i], wanted[i], unit * (terms + 2 * std::abs(wanted[i]))) << "element " << i;
  }
}

// ---- Products

Gemm describe(int64_t m, int64_t n, int64_t k, DType dtype, bool turn_a, bool turn_b,
              int64_t batches) {
  Gemm g;
  g.m = m;
  g.n = n;
  g.k = k;
  g.batches = batches;
  g.lda = turn_a ? m : k;
  g.ldb = turn_b ? k : n;
  g.ldc = n;
  if (batches > 1) {
    g.a_batch_stride = m * k;
    g.c_batch_stride = m * n;  // one B for all
  }
  g.dtype = dtype;
  g.a_transposed = turn_a;
  g.b_transposed = turn_b;
  return g;
}

double element_a(const Gemm& g, const Numbers& a, int64_t batch, int64_t i, int64_t p) {
  return a[size_t(batch * g.a_batch_stride + (g.a_transposed ? p * g.lda + i : i * g.lda + p))];
}
double element_b(const Gemm& g, const Numbers& b, int64_t p, int64_t j) {
  return b[size_t(g.b_transposed ? j * g.ldb + p : p * g.ldb + j)];
}
Numbers product(const Gemm& g, const Numbers& a, const Numbers& b) {
  Numbers c(size_t(g.batches * g.m * g.n));
  for (int64_t batch = 0; batch < g.batches; ++batch) {
    for (int64_t i = 0; i < g.m; ++i) {
      for (int64_t j = 0; j < g.n; ++j) {
        double& sum = c[size_t((batch * g.m + i) * g.n + j)];
        for (int64_t p = 0; p < g.k; ++p)
          sum += element_a(g, a, batch, i, p) * element_b(g, b, p, j);
      }
    }
  }
  return c;
}

double gelu(double x) {
  return 0.5 * x * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
}
double gelu_slope(double x) { return (gelu(x + 1e-6) - gelu(x - 1e-6)) / 2e-6; }

struct Outcome {
  Numbers c, bias;
  bool done;
};
Outcome run(Gemm g, Epilogue epilogue, const Numbers& a, const Numbers& b, const Numbers& c,
            const Numbers& bias, const Tensor& aux = {}) {
  g.epilogue = epilogue;
  const Tensor da = upload(a, g.dtype), db = upload(b, g.dtype), dc = upload(c, g.dtype),
               dbias = upload(bias, g.dtype);
  GemmOperands o{da.raw(), db.raw(), dc.raw(), has_bias(epilogue) ? dbias.raw() : nullptr,
                 aux.defined() ? aux.raw() : nullptr};
  const bool done = try_gemm(g, o, current_stream(0));
  return {download(dc), download(dbias), done};
}

constexpr DType kFloats[] = {kF32, kF64, kF16, kBF16};

TEST_F(CudaLibraries, ProductsOfEveryTransposeAndBatch) {
  for (const DType dtype : kFloats) {
    for (int turns = 0; turns < 4; ++turns) {
      for (const int64_t batches : {1, 3}) {
        Gemm g = describe(24, 40, 16, dtype, turns & 1, turns & 2, batches);
        SCOPED_TRACE(to_string(g));
        const Numbers a = numbers(batches * 24 * 16, 1), b = numbers(16 * 40, 2),
                      c = numbers(batches * 24 * 40, 3), wanted = product(g, a, b);
        const Outcome plain = run(g, Epilogue::kNone, a, b, c, {0});
        ASSERT_TRUE(plain.done);
        expect_near(plain.c, wanted, dtype, 4);
        g.accumulate = true;
        Numbers sum = wanted;
        for (size_t i = 0; i < sum.size(); ++i) sum[i] += c[i];
        expect_near(run(g, Epilogue::kNone, a, b, c, {0}).c, sum, dtype, 4);
      }
    }
  }
}

TEST_F(CudaLibraries, Tf32RoundsTheFactorsOnly) {
  Gemm g = describe(64, 64, 128, kF32, false, false, 1);
  g.tf32 = true;
  const Numbers a = numbers(64 * 128, 1), b = numbers(128 * 64, 2);  // exact in 10 bits
  expect_near(run(g, Epilogue::kNone, a, b, Numbers(64 * 64), {0}).c, product(g, a, b), kF32, 16);
}

TEST_F(CudaLibraries, BiasAndActivationsInOneCall) {
  for (const DType dtype : {kF32, kF16, kBF16}) {
    const Gemm g = describe(24, 40, 16, dtype, false, true, 1);
    const Numbers a = numbers(24 * 16, 1), b = numbers(16 * 40, 2), bias = numbers(40, 3),
                  c(24 * 40);
    const Numbers plain = product(g, a, b);
    struct {
      Epilogue epilogue;
      bool adds, relu, gelu;
    } const cases[] = {{Epilogue::kBias, true, false, false},
                       {Epilogue::kRelu, false, true, false},
                       {Epilogue::kReluBias, true, true, false},
                       {Epilogue::kGelu, false, false, true},
                       {Epilogue::kGeluBias, true, false, true}};
    for (const auto& which : cases) {
      SCOPED_TRACE(int(which.epilogue));
      Numbers wanted = plain;
      for (size_t i = 0; i < wanted.size(); ++i) {
        if (which.adds) wanted[i] += bias[i % 40];
        if (which.relu) wanted[i] = std::max(wanted[i], 0.0);
        if (which.gelu) wanted[i] = gelu(wanted[i]);
      }
      const Outcome got = run(g, which.epilogue, a, b, c, bias);
      EXPECT_TRUE(got.done);
      expect_near(got.c, wanted, dtype, 8);
    }
  }
}

// What a forward call keeps, a backward call of the same shape uses.
TEST_F(CudaLibraries, ActivationsAndTheirGradients) {
  for (const DType dtype : {kF16, kBF16}) {
    for (const bool relu : {true, false}) {
      for (const bool adds : {false, true}) {
        SCOPED_TRACE(std::string(name_of(dtype)) + (relu ? " relu" : " gelu") +
                     (adds ? " bias" : ""));
        const Gemm g = describe(32, 136, 16, dtype, false, false, 1);
        const Numbers a = numbers(32 * 16, 1), b = numbers(16 * 136, 2), bias = numbers(136, 3),
                      x = numbers(32 * 16, 4), y = numbers(16 * 136, 5), c(32 * 136);
        Gemm with_aux = g;
        with_aux.epilogue = relu ? Epilogue::kReluKeep : Epilogue::kGeluKeep;
        const Tensor aux = empty_strided(Spec::dense(kU8, {int64_t(aux_bytes(with_aux))}), kDevice);
        const Epilogue keep = relu ? (adds ? Epilogue::kReluBiasKeep : Epilogue::kReluKeep)
                                   : (adds ? Epilogue::kGeluBiasKeep : Epilogue::kGeluKeep);
        const Epilogue grad = relu ? (adds ? Epilogue::kReluGradBias : Epilogue::kReluGrad)
                                   : (adds ? Epilogue::kGeluGradBias : Epilogue::kGeluGrad);
        Numbers before = product(g, a, b), wanted = before;
        for (size_t i = 0; i < before.size(); ++i) {
          if (adds) before[i] += bias[i % 136];
          wanted[i] = relu ? std::max(before[i], 0.0) : gelu(before[i]);
        }
        const Outcome forward = run(g, keep, a, b, c, bias, aux);
        ASSERT_TRUE(forward.done);
        expect_near(forward.c, wanted, dtype, 8);

        Numbers slope = product(g, x, y), sums(136);
        for (size_t i = 0; i < slope.size(); ++i) {
          slope[i] *= relu ? double(before[i] > 0) : gelu_slope(before[i]);
          sums[i % 136] += slope[i];
        }
        const Outcome backward = run(g, grad, x, y, c, bias, aux);
        ASSERT_TRUE(backward.done);
        expect_near(backward.c, slope, dtype, 16);
        if (adds) expect_near(backward.bias, sums, dtype, 64);
      }
    }
  }
}

TEST_F(CudaLibraries, SumsOfAFactorBesideTheProduct) {
  for (const DType dtype : {kF16, kBF16}) {
    const Gemm g = describe(24, 40, 16, dtype, true, false, 1);  // a weight's gradient
    const Numbers a = numbers(24 * 16, 1), b = numbers(16 * 40, 2), c(24 * 40);
    Numbers rows(24), columns(40);
    for (int64_t p = 0; p < 16; ++p) {
      for (int64_t i = 0; i < 24; ++i) rows[size_t(i)] += element_a(g, a, 0, i, p);
      for (int64_t j = 0; j < 40; ++j) columns[size_t(j)] += element_b(g, b, p, j);
    }
    const Outcome of_a = run(g, Epilogue::kRowSumsA, a, b, c, Numbers(24));
    ASSERT_TRUE(of_a.done);
    expect_near(of_a.c, product(g, a, b), dtype, 8);
    expect_near(of_a.bias, rows, dtype, 8);
    const Outcome of_b = run(g, Epilogue::kColumnSumsB, a, b, c, Numbers(40));
    ASSERT_TRUE(of_b.done);
    expect_near(of_b.bias, columns, dtype, 8);
  }
}

TEST_F(CudaLibraries, EqualCallsGiveEqualBits) {
  const Gemm g = describe(8, 8, 4096, kF32, false, false, 1);  // k is split over blocks
  const Numbers a = numbers(8 * 4096, 1), b = numbers(4096 * 8, 2);
  const Numbers first = run(g, Epilogue::kNone, a, b, Numbers(64), {0}).c;
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(run(g, Epilogue::kNone, a, b, Numbers(64), {0}).c, first);
  }
}

// ---- Convolutions

Convolution some_convolution(ConvolutionPass pass, DType dtype, bool channels_last, bool groups) {
  Convolution c;
  c.input_shape = {2, 8, 9, 10};
  c.weight_shape = {16, groups ? 4 : 8, 3, 3};
  c.output_shape = {2, 16, 5, 10};
  c.stride = {2, 1};
  c.padding = {1, 1};
  c.dtype = dtype;
  c.pass = pass;
  c.channels_last = channels_last;
  return c;
}
int64_t count(const std::array<int64_t, 4>& s) { return s[0] * s[1] * s[2] * s[3]; }
size_t place(const Convolution& c, const std::array<int64_t, 4>& s, int64_t n, int64_t k, int64_t y,
             int64_t x) {
  return size_t(c.channels_last ? ((n * s[2] + y) * s[3] + x) * s[1] + k
                                : ((n * s[1] + k) * s[2] + y) * s[3] + x);
}

// What the pass computes, from the two others.
Numbers convolved(const Convolution& c, const Numbers& x, const Numbers& w, const Numbers& y) {
  Numbers gx(x.size()), gw(w.size()), out(y.size());
  const int64_t outs = c.weight_shape[0] / c.groups(), ins = c.weight_shape[1];
  for (int64_t n = 0; n < c.output_shape[0]; ++n)
    for (int64_t o = 0; o < c.output_shape[1]; ++o)
      for (int64_t p = 0; p < c.output_shape[2]; ++p)
        for (int64_t q = 0; q < c.output_shape[3]; ++q)
          for (int64_t k = 0; k < ins; ++k)
            for (int64_t r = 0; r < c.weight_shape[2]; ++r)
              for (int64_t s = 0; s < c.weight_shape[3]; ++s) {
                const int64_t row = p * c.stride[0] + r * c.dilation[0] - c.padding[0];
                const int64_t column = q * c.stride[1] + s * c.dilation[1] - c.padding[1];
                if (row < 0 || row >= c.input_shape[2]) continue;
                if (column < 0 || column >= c.input_shape[3]) continue;
                const size_t at = place(c, c.input_shape, n, o / outs * ins + k, row, column);
                const size_t tap = place(c, c.weight_shape, o, k, r, s);
                const size_t to = place(c, c.output_shape, n, o, p, q);
                out[to] += x[at] * w[tap];
                gx[at] += y[to] * w[tap];
                gw[tap] += y[to] * x[at];
              }
  return c.pass == ConvolutionPass::kForward         ? out
         : c.pass == ConvolutionPass::kInputGradient ? gx
                                                     : gw;
}

TEST_F(CudaLibraries, ConvolutionsOfEveryPassAndLayout) {
  for (const DType dtype : kFloats) {
    for (const bool channels_last : {false, true}) {
      for (const bool groups : {false, true}) {
        for (const auto pass : {ConvolutionPass::kForward, ConvolutionPass::kInputGradient,
                                ConvolutionPass::kWeightGradient}) {
          const Convolution c = some_convolution(pass, dtype, channels_last, groups);
          SCOPED_TRACE(to_string(c));
          const Numbers x = numbers(count(c.input_shape), 1), w = numbers(count(c.weight_shape), 2),
                        y = numbers(count(c.output_shape), 3);
          const Tensor dx = upload(x, dtype), dw = upload(w, dtype), dy = upload(y, dtype);
          const ConvolutionOperands o{dx.raw(), dw.raw(), dy.raw(), nullptr};
          // f64 in channels-last is nobody's favourite; the kernels then take the other layout.
          if (!try_convolve(c, o, stream()) && dtype == kF64 && channels_last) continue;
          const Tensor& result = pass == ConvolutionPass::kForward         ? dy
                                 : pass == ConvolutionPass::kInputGradient ? dx
                                                                           : dw;
          expect_near(download(result), convolved(c, x, w, y), dtype, 32);
        }
      }
    }
  }
}

TEST_F(CudaLibraries, BiasAndReluOfAConvolution) {
  for (const DType dtype : {kF16, kBF16}) {
    for (const bool channels_last : {false, true}) {
      for (const auto activation : {Activation::kNone, Activation::kRelu}) {
        Convolution c = some_convolution(ConvolutionPass::kForward, dtype, channels_last, false);
        c.bias = true;
        c.activation = activation;
        SCOPED_TRACE(to_string(c));
        const Numbers x = numbers(count(c.input_shape), 1), w = numbers(count(c.weight_shape), 2),
                      bias = numbers(16, 4);
        const Tensor dx = upload(x, dtype), dw = upload(w, dtype), db = upload(bias, dtype),
                     dy = upload(Numbers(size_t(count(c.output_shape))), dtype);
        ASSERT_TRUE(try_convolve(c, {dx.raw(), dw.raw(), dy.raw(), db.raw()}, stream()));
        Numbers wanted = convolved(c, x, w, Numbers(size_t(count(c.output_shape))));
        for (int64_t i = 0; i < int64_t(wanted.size()); ++i) {
          double& v = wanted[size_t(i)];
          v += bias[size_t(i / (channels_last ? 1 : 50) % 16)];
          if (activation == Activation::kRelu) v = std::max(v, 0.0);
        }
        expect_near(download(dy), wanted, dtype, 32);
      }
    }
  }
}

TEST_F(CudaLibraries, WhatCannotBeIsNamed) {
  Convolution c = some_convolution(ConvolutionPass::kForward, kF32, false, false);
  c.output_shape[2] = 77;
  const Tensor memory = upload(numbers(4096, 1), kF32);
  try {
    convolve(c, {memory.raw(), memory.raw(), memory.raw(), nullptr}, stream());
    FAIL() << "a description that contradicts itself was taken";
  } catch (const DeviceError& error) {
    EXPECT_NE(std::string(error.what()).find("f32 convolution of input [2, 8, 9, 10]"),
              std::string::npos)
        << error.what();
  }
}

}  // namespace
}  // namespace entasis::cuda
