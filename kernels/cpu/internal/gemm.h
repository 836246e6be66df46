// Matrix products on the CPU for float and double, and of half types in float: any strides,
// batches, bias, accumulation.
#pragma once

#include <cstdint>
#include <span>

#include <entasis/core/half.h>

namespace entasis::cpu {

// One dimension of a batch of products: how many, and the distance in elements from one to the
// next in each operand (0 repeats the operand).
struct GemmBatch {
  int64_t size;
  int64_t a_stride, b_stride, c_stride;
};

// A step behind the product, taken on some rows of C at a time while they are in the L1 cache, once
// their sums and biases are complete.
template <class T>
struct GemmFinish {
  // A PointwiseRun over C and, if there is one, `other`; null: no such step.
  void (*run)(void* out, const void* const* in, uint32_t scalars, int64_t n) = nullptr;
  const T* other = nullptr;  // lies as C does
  T* out = nullptr;          // lies as C does; null: back to C
};

// C = A B, or C += A B, plus biases. A is [m, k], B is [k, n], C is [m, n]; strides in elements.
// Elements of A and B have type In and are multiplied and added as T.
template <class T, class In = T>
struct Gemm {
  int64_t m = 0, n = 0, k = 0;
  const In* a = nullptr;
  int64_t a_row_stride = 0, a_column_stride = 1;
  const In* b = nullptr;
  int64_t b_row_stride = 0, b_column_stride = 1;
  T* c = nullptr;
  int64_t c_row_stride = 0;        // C's columns are adjacent
  const T* column_bias = nullptr;  // n values, added to every row
  const T* row_bias = nullptr;     // m values, added to every column
  bool accumulate = false;
  GemmFinish<T> finish = {};
  const T* packed_b = nullptr;            // B as pack_b() lays it, which is read instead
  std::span<const GemmBatch> batch = {};  // outermost first; empty for one product
};

// Every stride of A and B may be anything, so transposes, slices and broadcasts need no copy; C
// must not overlap them. k = 0 gives zeros (plus bias). The sum over k is cut into blocks that
// depend on k alone, and each block is one chain of fused multiply-adds in the order of k (products
// with one side of at most 4, which are sums of dot products, excepted): the same bits for any
// number of threads. Nothing is read or written outside the operands.
void gemm(const Gemm<float>& product);
void gemm(const Gemm<double>& product);
// Half types are converted while they are copied for the product, tile by tile; the bits are those
// of a product of converted operands.
void gemm(const Gemm<float, Half>& product);
void gemm(const Gemm<float, BFloat16>& product);

// The size in elements of B when packed, for a product that gains much if B was packed before it
// ran; 0 for the others. Packed or not, the bits of the product are the same.
template <class T, class In>
int64_t packed_b_size(const Gemm<T, In>& product);
// Packs B, all threads together; `to` is 64-byte aligned.
template <class T, class In>
void pack_b(const Gemm<T, In>& product, T* to);

}  // namespace entasis::cpu
