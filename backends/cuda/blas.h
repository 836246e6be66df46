// Matrix products by cuBLASLt. Matrices are row-major as everywhere in Entasis, or stored
// transposed; cuBLASLt's columns stay inside.
//
// Plans (layouts and the algorithm that the library's heuristic prefers) are cached by the whole
// description, device by device. Equal calls give equal bits: sums that are split over blocks are
// added in a fixed order. With ENTASIS_TUNE=1 the first few candidates are timed when a plan is
// made and the fastest is kept; which one that is may differ from run to run, and so may the bits.
//
// Usable under graph capture.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include <entasis/backends/cuda/internal/plan_cache.h>
#include <entasis/core/dtype.h>
#include <entasis/core/storage.h>

namespace entasis::cuda {

// What becomes of the product P[m, n] on its way to C.
enum class Epilogue : uint8_t {
  kNone,
  kBias,  // P + bias[n]
  kRelu,
  kReluBias,
  kGelu,  // by the tanh formula
  kGeluBias,
  // The same, and what the gradient needs of it goes to `aux`: a bit for each positive element, or
  // the argument of GELU.
  kReluKeep,
  kReluBiasKeep,
  kGeluKeep,
  kGeluBiasKeep,
  // P times the activation's derivative, from `aux`.
  kReluGrad,
  kGeluGrad,
  // And bias[n] = the sums of C's columns.
  kReluGradBias,
  kGeluGradBias,
  // P as it is, and bias[m] = the sums of A's rows, or bias[n] = the sums of B's columns.
  kRowSumsA,
  kColumnSumsB,
};

// C[m, n] = A[m, k] B[k, n], `batches` times. Element (i, j) of a matrix lies at i * ld + j, of one
// that is stored transposed at j * ld + i. Sizes are at least 1; strides are in elements.
struct Gemm {
  int64_t m = 0, n = 0, k = 0;
  int64_t batches = 1;
  int64_t lda = 0, ldb = 0, ldc = 0;
  int64_t a_batch_stride = 0, b_batch_stride = 0, c_batch_stride = 0;  // 0: one for all
  DType dtype = kF32;  // f32, f64, f16 or bf16: of all matrices and of `bias`
  Epilogue epilogue = Epilogue::kNone;
  bool a_transposed = false;
  bool b_transposed = false;
  bool accumulate = false;  // C, or another matrix, + the product
  bool tf32 = false;        // factors of f32 may be rounded to TF32
  bool operator==(const Gemm&) const = default;
};

struct GemmOperands {
  const void* a = nullptr;
  const void* b = nullptr;
  void* c = nullptr;
  void* bias = nullptr;         // read or written, as the epilogue says; dense
  void* aux = nullptr;          // aux_bytes(), 16-byte aligned
  const void* added = nullptr;  // what `accumulate` adds, which lies as C does; null: C itself
};

// False, and nothing is done, if the library has no algorithm for this: some epilogues exist for
// some dtypes only. Throws DeviceError that names sizes and status.
bool try_gemm(const Gemm& gemm, const GemmOperands& operands, StreamId stream);
// For those without an epilogue. Throws DeviceError if the library has no algorithm.
void gemm(const Gemm& gemm, const GemmOperands& operands, StreamId stream);
std::string to_string(const Gemm& gemm);
// Of the library that is loaded: "13.1.0".
std::string blas_version();

// ---- The epilogue's other operand
inline bool keeps_mask(Epilogue e) {
  return e == Epilogue::kReluKeep || e == Epilogue::kReluBiasKeep || e == Epilogue::kReluGrad ||
         e == Epilogue::kReluGradBias;
}
inline bool keeps_argument(Epilogue e) {
  return e == Epilogue::kGeluKeep || e == Epilogue::kGeluBiasKeep || e == Epilogue::kGeluGrad ||
         e == Epilogue::kGeluGradBias;
}
inline bool has_bias(Epilogue e) {
  return e == Epilogue::kBias || e == Epilogue::kReluBias || e == Epilogue::kGeluBias ||
         e == Epilogue::kReluBiasKeep || e == Epilogue::kGeluBiasKeep ||
         e == Epilogue::kReluGradBias || e == Epilogue::kGeluGradBias || e == Epilogue::kRowSumsA ||
         e == Epilogue::kColumnSumsB;
}
// Bits or elements from one row of `aux` to the next: what the library asks for.
inline int64_t aux_stride(const Gemm& g) {
  const int64_t unit = keeps_mask(g.epilogue) ? 128 : 8;
  return (g.n + unit - 1) / unit * unit;
}
inline size_t aux_bytes(const Gemm& g) {
  const int64_t places = aux_stride(g) * g.m * g.batches;
  if (keeps_mask(g.epilogue)) return size_t(places / 8);
  return keeps_argument(g.epilogue) ? size_t(places) * size_t(size_of(g.dtype)) : 0;
}

// ---- Plans
using GemmKey = PlanKey<12>;

// The power of two, at most 16, that all addresses and steps between rows and batches are multiples
// of, in bytes: kernels with wide accesses need 16.
inline int alignment_of(const Gemm& g, const GemmOperands& o) {
  const auto address = [](const void* p) { return reinterpret_cast<uintptr_t>(p); };
  const int64_t steps =
      g.lda | g.ldb | g.ldc | g.a_batch_stride | g.b_batch_stride | g.c_batch_stride;
  const uint64_t bits = address(o.a) | address(o.b) | address(o.c) | address(o.bias) |
                        address(o.added) | uint64_t(steps) * uint64_t(size_of(g.dtype)) | 16;
  return int(bits & (~bits + 1));
}
inline GemmKey key_of(const Gemm& g, int alignment) {
  const uint64_t kinds = uint64_t(g.dtype) | uint64_t(g.epilogue) << 8 |
                         uint64_t(g.a_transposed) << 16 | uint64_t(g.b_transposed) << 17 |
                         uint64_t(g.accumulate) << 18 | uint64_t(g.tf32) << 19;
  return {g.m,
          g.n,
          g.k,
          g.batches,
          g.lda,
          g.ldb,
          g.ldc,
          g.a_batch_stride,
          g.b_batch_stride,
          g.c_batch_stride,
          int64_t(kinds),
          alignment};
}

}  // namespace entasis::cuda
