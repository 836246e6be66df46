// Walks over many dimensions on the device: from a running number to the offsets of K operands.
// Unlike strided.h it has no limit of 2^30 elements; kernels that use it compute few offsets and
// read much.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <utility>

#include <entasis/core/dims.h>
#include <entasis/kernels/cuda/internal/divide.h>
#include <entasis/kernels/cuda/internal/index_limit.h>

namespace entasis::cuda {

// Nested loops on the host, the innermost first. Strides are in elements.
template <int K>
struct Loops {
  int count = 0;
  int64_t size[kMaxDims];
  int64_t stride[kMaxDims][K];

  void add(int64_t n, const std::array<int64_t, size_t(K)>& strides) {
    if (n == 1) return;
    size[count] = n;
    for (int k = 0; k < K; ++k) stride[count][k] = strides[size_t(k)];
    ++count;
  }
  int64_t iterations() const {
    int64_t n = 1;
    for (int d = 0; d < count; ++d) n *= size[d];
    return n;
  }
  // By the strides of operand 0, so that the innermost loop walks neighbours; those that repeat
  // elements go outermost.
  void sort() {
    const auto goes_inside = [this](int a, int b) {
      const int64_t x = magnitude(stride[a][0]), y = magnitude(stride[b][0]);
      return x != 0 && (y == 0 || x < y);
    };
    for (int i = 1; i < count; ++i) {
      for (int j = i; j > 0 && goes_inside(j, j - 1); --j) {
        std::swap(size[j], size[j - 1]);
        std::swap(stride[j], stride[j - 1]);
      }
    }
  }
  // Neighbouring loops that are one longer loop for every operand become one.
  void merge() {
    int last = 0;
    for (int d = 1; d < count; ++d) {
      bool continues = true;
      for (int k = 0; k < K; ++k) continues &= stride[d][k] == stride[last][k] * size[last];
      if (continues) {
        size[last] *= size[d];
        continue;
      }
      ++last;
      size[last] = size[d];
      for (int k = 0; k < K; ++k) stride[last][k] = stride[d][k];
    }
    if (count > 0) count = last + 1;
  }
  // Whether the strides of operand k in all loops from `first` on are multiples of `n`.
  bool is_multiple(int k, int first, int64_t n) const {
    for (int d = first; d < count; ++d) {
      if (stride[d][k] % n != 0) return false;
    }
    return true;
  }
  // The loops but the innermost.
  Loops outer() const {
    Loops rest;
    for (int d = 1; d < count; ++d) {
      rest.size[d - 1] = size[d];
      for (int k = 0; k < K; ++k) rest.stride[d - 1][k] = stride[d][k];
      rest.count = d;
    }
    return rest;
  }

 private:
  static int64_t magnitude(int64_t stride) { return stride < 0 ? -stride : stride; }
};

// As Divider (divide.h), for dividends below 2^63. (A 64-bit division is a call, around which
// registers would spill.)
struct WideDivider {
  uint64_t magic = 1;
  uint32_t shift = 0;

  WideDivider() = default;
  explicit WideDivider(uint64_t by) {
    shift = by > 1 ? uint32_t(std::bit_width(by - 1)) : 0;
    __extension__ using Wide = unsigned __int128;
    magic = uint64_t((Wide((uint64_t{1} << shift) - by) << 64) / by + 1);
  }
  __device__ __forceinline__ int64_t quotient(int64_t n) const {
    const auto dividend = static_cast<unsigned long long>(n);
    return static_cast<int64_t>((__umul64hi(dividend, magic) + dividend) >> shift);
  }
};

// The same loops for the device.
template <int K>
struct Walk {
  int dims = 0;
  bool narrow = true;  // numbers fit 32 bits
  Divider divider[kMaxDims];
  WideDivider wide_divider[kMaxDims];
  int64_t size[kMaxDims] = {};
  int64_t stride[kMaxDims][K] = {};

  Walk() = default;
  explicit Walk(const Loops<K>& loops) : dims(loops.count) {
    narrow = loops.iterations() <= index_limit();
    for (int d = 0; d < dims; ++d) {
      size[d] = loops.size[d] > 0 ? loops.size[d] : 1;
      if (narrow) divider[d] = Divider(uint32_t(size[d]));
      wide_divider[d] = WideDivider(uint64_t(size[d]));
      for (int k = 0; k < K; ++k) stride[d][k] = loops.stride[d][k];
    }
  }

  __device__ __forceinline__ void offsets(int64_t i, int64_t (&offset)[K]) const {
#pragma unroll
    for (int k = 0; k < K; ++k) offset[k] = 0;
#pragma unroll
    for (int d = 0; d < kMaxDims; ++d) {
      if (d >= dims) break;
      int64_t along = i;
      if (d + 1 < dims) {
        if (narrow) {
          uint32_t rest = static_cast<uint32_t>(i);
          i = divider[d].divide(rest);
          along = rest;
        } else {
          i = wide_divider[d].quotient(i);
          along -= i * size[d];
        }
      }
#pragma unroll
      for (int k = 0; k < K; ++k) offset[k] += along * stride[d][k];
    }
  }
};

}  // namespace entasis::cuda
