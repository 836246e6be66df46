// Stands in for cuBLASLt: the products of backends/cuda/blas.h by plain loops in double. What the
// library demands of a description is checked, so that a wrong one is found here too. Not
// everything is "supported", as there: f64 has no epilogues.
#include <algorithm>
#include <cmath>
#include <vector>

#include <entasis/backends/cuda/blas.h>
#include <entasis/core/error.h>

#include "host_work.h"

namespace entasis::cuda {
namespace {

void expect(bool holds, const char* what, const Gemm& g) {
  if (!holds)
    throw DeviceError(std::string("stand-in for cuBLASLt: ") + what + ": " + to_string(g));
}

void expect_sound(const Gemm& g, const GemmOperands& o) {
  expect(g.m > 0 && g.n > 0 && g.k > 0 && g.batches > 0, "empty sizes", g);
  expect(g.lda >= (g.a_transposed ? g.m : g.k), "rows of A overlap", g);
  expect(g.ldb >= (g.b_transposed ? g.k : g.n), "rows of B overlap", g);
  expect(g.ldc >= g.n, "rows of C overlap", g);
  expect(g.batches == 1 || g.c_batch_stride >= (g.m - 1) * g.ldc + g.n, "batches of C overlap", g);
  expect(o.a && o.b && o.c, "a matrix is missing", g);
  expect(g.accumulate || o.added == nullptr, "nothing is to be added", g);
  expect(has_bias(g.epilogue) == (o.bias != nullptr), "bias and epilogue do not go together", g);
  expect((aux_bytes(g) > 0) == (o.aux != nullptr), "aux and epilogue do not go together", g);
}

double gelu(double x) {
  return 0.5 * x * (1 + std::tanh(0.7978845608028654 * (x + 0.044715 * x * x * x)));
}
double gelu_derivative(double x) {
  const double t = std::tanh(0.7978845608028654 * (x + 0.044715 * x * x * x));
  return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * 0.7978845608028654 * (1 + 0.134145 * x * x);
}

bool adds_bias(Epilogue e) {
  return e == Epilogue::kBias || e == Epilogue::kReluBias || e == Epilogue::kGeluBias ||
         e == Epilogue::kReluBiasKeep || e == Epilogue::kGeluBiasKeep;
}
bool is_relu(Epilogue e) {
  return e == Epilogue::kRelu || e == Epilogue::kReluBias || e == Epilogue::kReluKeep ||
         e == Epilogue::kReluBiasKeep;
}
bool is_gelu(Epilogue e) {
  return e == Epilogue::kGelu || e == Epilogue::kGeluBias || e == Epilogue::kGeluKeep ||
         e == Epilogue::kGeluBiasKeep;
}
bool is_gradient(Epilogue e) {
  return e == Epilogue::kReluGrad || e == Epilogue::kReluGradBias || e == Epilogue::kGeluGrad ||
         e == Epilogue::kGeluGradBias;
}

// Element (i, j) of the product on its way to C.
double finish(const Gemm& g, const GemmOperands& o, int64_t row, int64_t j, double value) {
  const Epilogue e = g.epilogue;
  const int64_t at = row * aux_stride(g) + j;  // `row` counts through all batches
  auto* const bits = static_cast<uint8_t*>(o.aux);
  if (adds_bias(e)) value += load(o.bias, j, g.dtype);
  if (is_gradient(e)) {
    if (keeps_argument(e)) return value * gelu_derivative(load(o.aux, at, g.dtype));
    return bits[at / 8] >> (at % 8) & 1 ? value : 0;
  }
  if (keeps_argument(e)) store(o.aux, at, g.dtype, value);
  if (keeps_mask(e)) {
    bits[at / 8] = uint8_t((bits[at / 8] & ~(1 << at % 8)) | (value > 0) << at % 8);
  }
  if (is_relu(e)) return value > 0 || value != value ? value : 0;
  return is_gelu(e) ? gelu(value) : value;
}

void multiply(const Gemm& g, const GemmOperands& o) {
  const auto a = [&](int64_t batch, int64_t i, int64_t p) {
    return load(o.a, batch * g.a_batch_stride + (g.a_transposed ? p * g.lda + i : i * g.lda + p),
                g.dtype);
  };
  const auto b = [&](int64_t batch, int64_t p, int64_t j) {
    return load(o.b, batch * g.b_batch_stride + (g.b_transposed ? j * g.ldb + p : p * g.ldb + j),
                g.dtype);
  };
  std::vector<double> sums;  // for a bias that is written
  if (g.epilogue == Epilogue::kRowSumsA) {
    sums.assign(size_t(g.m), 0);
    for (int64_t i = 0; i < g.m; ++i) {
      for (int64_t p = 0; p < g.k; ++p) sums[size_t(i)] += a(0, i, p);
    }
  } else if (has_bias(g.epilogue) && !adds_bias(g.epilogue)) {
    sums.assign(size_t(g.n), 0);
  }
  if (g.epilogue == Epilogue::kColumnSumsB) {
    for (int64_t p = 0; p < g.k; ++p) {
      for (int64_t j = 0; j < g.n; ++j) sums[size_t(j)] += b(0, p, j);
    }
  }
  for (int64_t batch = 0; batch < g.batches; ++batch) {
    for (int64_t i = 0; i < g.m; ++i) {
      for (int64_t j = 0; j < g.n; ++j) {
        const int64_t at = batch * g.c_batch_stride + i * g.ldc + j;
        double sum = g.accumulate ? load(o.added ? o.added : o.c, at, g.dtype) : 0;
        for (int64_t p = 0; p < g.k; ++p) sum += a(batch, i, p) * b(batch, p, j);
        const double value = finish(g, o, batch * g.m + i, j, sum);
        if (is_gradient(g.epilogue) && !sums.empty()) sums[size_t(j)] += value;
        store(o.c, at, g.dtype, value);
      }
    }
  }
  for (size_t i = 0; i < sums.size(); ++i) store(o.bias, int64_t(i), g.dtype, sums[i]);
}

}  // namespace

bool try_gemm(const Gemm& g, const GemmOperands& operands, StreamId stream) {
  expect_sound(g, operands);
  if (g.dtype == kF64 && g.epilogue != Epilogue::kNone) return false;
  queue_on_host(stream, [g, operands] { multiply(g, operands); });
  return true;
}

void gemm(const Gemm& g, const GemmOperands& operands, StreamId stream) {
  if (!try_gemm(g, operands, stream)) {
    throw DeviceError("the stand-in for cuBLASLt has no algorithm for this: " + to_string(g));
  }
}

std::string blas_version() { return "stand-in"; }

}  // namespace entasis::cuda
