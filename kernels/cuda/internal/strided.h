// The iteration space of an element-wise kernel, as its threads see it: from the number of an
// element to the offsets of all operands, in 32 bits. Larger spaces are cut on the host until they
// fit.
#pragma once

#include <cstdint>

#include <entasis/core/loop_nest_internal.h>
#include <entasis/kernels/cuda/internal/divide.h>
#include <entasis/kernels/cuda/internal/index_limit.h>

namespace entasis::cuda {

// kOperands counts the result, which is operand 0.
template <int kOperands>
struct Strides {
  int dims = 1;
  Divider size[kMaxDims];               // innermost first
  int32_t stride[kMaxDims][kOperands];  // in elements

  __device__ __forceinline__ void offsets(uint32_t i, int32_t (&offset)[kOperands]) const {
#pragma unroll
    for (int k = 0; k < kOperands; ++k) offset[k] = 0;
#pragma unroll
    for (int d = 0; d < kMaxDims; ++d) {
      if (d == dims) break;
      uint32_t along = i;
      if (d + 1 < dims) {
        i = size[d].divide(along);
      }
#pragma unroll
      for (int k = 0; k < kOperands; ++k) offset[k] += int32_t(along) * stride[d][k];
    }
  }
};

// Whether element numbers and every operand's offsets fit 32 bits.
inline bool fits_32_bits(const LoopNest& nest) {
  if (nest.numel > index_limit()) return false;
  for (int k = 0; k < nest.operands; ++k) {
    int64_t reach = 0;
    for (int d = 0; d < nest.dims; ++d) {
      const int64_t stride = nest.stride[d][k];
      reach += (nest.size[d] - 1) * (stride < 0 ? -stride : stride);
    }
    if (reach > index_limit()) return false;
  }
  return true;
}

// Calls `f(piece, offsets)` for pieces of the nest that fit 32 bits; `offsets` holds an int64_t for
// each operand, in elements.
template <class F>
void for_each_piece(LoopNest nest, const int64_t* offsets, const F& f) {
  if (fits_32_bits(nest)) return f(nest, offsets);
  int widest = 0;  // the dimension whose halving shortens the reach most
  int64_t reach = -1;
  for (int d = 0; d < nest.dims; ++d) {
    for (int k = 0; k < nest.operands; ++k) {
      const int64_t stride = nest.stride[d][k] < 0 ? -nest.stride[d][k] : nest.stride[d][k];
      const int64_t own = (nest.size[d] - 1) * (stride > 0 ? stride : 1);
      if (nest.size[d] > 1 && own > reach) {
        reach = own;
        widest = d;
      }
    }
  }
  const int64_t half = nest.size[widest] / 2, rest = nest.size[widest] - half;
  int64_t second[kMaxLoopOperands];
  for (int k = 0; k < nest.operands; ++k) second[k] = offsets[k] + half * nest.stride[widest][k];
  nest.numel = nest.numel / nest.size[widest] * half;
  nest.size[widest] = half;
  for_each_piece(nest, offsets, f);
  nest.numel = nest.numel / half * rest;
  nest.size[widest] = rest;
  for_each_piece(nest, second, f);
}

template <int kOperands>
Strides<kOperands> strides_of(const LoopNest& nest) {
  Strides<kOperands> s;
  s.dims = nest.dims;
  for (int d = 0; d < kMaxDims; ++d) {
    const bool used = d < nest.dims;
    s.size[d] = Divider(used ? uint32_t(nest.size[d]) : 1);
    for (int k = 0; k < kOperands; ++k) s.stride[d][k] = used ? int32_t(nest.stride[d][k]) : 0;
  }
  return s;
}

}  // namespace entasis::cuda
