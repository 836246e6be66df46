// What the normalisations share: parameters of any float dtype, and how rows of several dimensions
// are found.
#pragma once

#include <array>
#include <cstdint>

#include <entasis/core/operand.h>
#include <entasis/kernels/cuda/internal/reduce_row.h>
#include <entasis/kernels/cuda/internal/reduce_rows.h>

namespace entasis::cuda {

// A weight or bias, or none.
struct Parameter {
  const void* data = nullptr;
  DType dtype = kF32;
  bool is_aligned = false;  // dense, at a multiple of 16 bytes
  Walk<1> walk;

  Parameter() = default;
  explicit Parameter(const Operand& t) {
    if (!t.is_tensor()) return;
    data = t.tensor().raw();
    dtype = t.dtype();
    Loops<1> loops;
    for (int d = t.dim() - 1; d >= 0; --d)
      loops.add(t.size(d), std::array<int64_t, 1>{t.strides()[d]});
    loops.merge();
    is_aligned =
        (loops.count == 0 || (loops.count == 1 && loops.stride[0][0] == 1)) && is_vec_aligned(data);
    walk = Walk<1>(loops);
  }

  // Elements j to j + kVec - 1, which exist, of a parameter that does; M is the likeliest type.
  // With kVec > 1, j is a multiple of it.
  template <class M, class C, int kVec>
  __device__ __forceinline__ void load(int64_t j, C (&x)[kVec]) const {
    if constexpr (kVec > 1) {
      if (is_aligned && dtype == dtype_in_memory<M>()) {
        const Vec<M> loaded = load_vec(static_cast<const M*>(data) + j);
#pragma unroll
        for (int e = 0; e < kVec; ++e) x[e] = convert_to<C>(loaded.at[e]);
        return;
      }
      if (is_aligned && dtype == kF32) {
        constexpr int kQuads = kVec >= 4 ? kVec / 4 : 0;
#pragma unroll
        for (int q = 0; q < kQuads; ++q) {
          const Vec<float> loaded = load_vec(static_cast<const float*>(data) + j + 4 * q);
#pragma unroll
          for (int e = 0; e < 4; ++e) x[4 * q + e] = convert_to<C>(loaded.at[e]);
        }
        if (kQuads > 0) return;
      }
    }
#pragma unroll
    for (int e = 0; e < kVec; ++e) {
      int64_t at[1];
      walk.offsets(j + e, at);
      x[e] = load_float(at[0], Tag<C>());
    }
  }

 private:
  template <class M>
  static __device__ __forceinline__ constexpr DType dtype_in_memory() {
    if constexpr (std::is_same_v<M, double>) return kF64;
    if constexpr (std::is_same_v<M, half_t>) return kF16;
    if constexpr (std::is_same_v<M, bfloat16_t>) return kBF16;
    return kF32;
  }
  template <class C>
  __device__ __forceinline__ C load_float(int64_t at, Tag<C>) const {
    if (dtype == kF64) return convert_to<C>(static_cast<const double*>(data)[at]);
    if (dtype == kF16) return convert_to<C>(static_cast<const half_t*>(data)[at]);
    if (dtype == kBF16) return convert_to<C>(static_cast<const bfloat16_t*>(data)[at]);
    return convert_to<C>(static_cast<const float*>(data)[at]);
  }
};

// The dimensions of K tensors of one shape, cut in two: rows over the first ones, in row-major
// order, and the elements of a row over the last `inner` ones.
template <int K>
struct NormRows {
  Walk<K> rows;
  Walk<1> inner[K];
  int64_t row_count = 1, n = 1;
  bool has_vectors = true;  // rows are runs of whole vectors at multiples of 16 bytes

  NormRows(const Dims& shape, int inner_dims, int element_size,
           const std::array<Lie, size_t(K)>& tensors) {
    const int lead = shape.size() - inner_dims, vec = 16 / element_size;
    Loops<K> row_loops;
    for (int d = lead - 1; d >= 0; --d) {
      std::array<int64_t, size_t(K)> steps;
      for (size_t k = 0; k < K; ++k) steps[k] = tensors[k].strides[d];
      row_loops.add(shape[d], steps);
      row_count *= shape[d];
    }
    row_loops.merge();
    rows = Walk<K>(row_loops);
    for (int d = lead; d < shape.size(); ++d) n *= shape[d];
    for (int k = 0; k < K; ++k) {
      Loops<1> loops;
      for (int d = shape.size() - 1; d >= lead; --d) {
        loops.add(shape[d], std::array<int64_t, 1>{tensors[size_t(k)].strides[d]});
      }
      loops.merge();
      inner[k] = Walk<1>(loops);
      has_vectors &= loops.count == 1 && loops.stride[0][0] == 1 && n % vec == 0 &&
                     is_vec_aligned(tensors[size_t(k)].data) && row_loops.is_multiple(k, 0, vec);
    }
  }
};

// Row `row` of operand k, as R says.
template <class R, class Operands, int K>
__device__ __forceinline__ R norm_row(const Operands& p, int k, const int64_t (&offset)[K]) {
  auto* const data = static_cast<typename R::Memory*>(p.data[k]) + offset[k];
  if constexpr (std::is_same_v<R, ScatteredRow<typename R::Memory>>) {
    return {data, &p.inner[k], p.n};
  } else {
    return {data, 1, p.n};
  }
}

}  // namespace entasis::cuda
