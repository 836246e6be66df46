// Index spaces of any strides, for kernels that go through elements in a given order: from the
// number of an element to its offset in each operand. Offsets have 64 bits; numbers have 32 where
// they fit, and are then divided by multiplication.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include <entasis/core/dims.h>
#include <entasis/kernels/cuda/internal/convert.h>
#include <entasis/kernels/cuda/internal/divide.h>
#include <entasis/kernels/cuda/internal/index_limit.h>

namespace entasis::cuda {

// Division by a number known at the launch: 32-bit dividends are below 2^31.
struct WideDivider {
  uint64_t divisor = 1;
  WideDivider() = default;
  explicit WideDivider(uint64_t by) : divisor(by) {}
  // The quotient; `n` becomes the remainder.
  __device__ __forceinline__ uint64_t divide(uint64_t& n) const {
    const uint64_t q = n / divisor;
    n -= q * divisor;
    return q;
  }
};
template <class I>
using DividerFor = std::conditional_t<sizeof(I) == 4, Divider, WideDivider>;

// Calls `f(Tag<I>())` with the type that numbers up to `most` need: uint32_t or uint64_t.
template <class F>
auto dispatch_index_type(int64_t most, const F& f) {
  return most <= index_limit() ? f(Tag<uint32_t>()) : f(Tag<uint64_t>());
}

// As kernels see it.
template <int kOperands, class I>
struct Walk {
  int dims = 1;
  DividerFor<I> size[kMaxDims];              // innermost first
  int64_t stride[kMaxDims][kOperands] = {};  // in elements

  __device__ __forceinline__ void offsets(I i, int64_t (&offset)[kOperands]) const {
#pragma unroll
    for (int k = 0; k < kOperands; ++k) offset[k] = 0;
#pragma unroll
    for (int d = 0; d < kMaxDims; ++d) {
      if (d == dims) break;
      I along = i;
      if (d + 1 < dims) i = size[d].divide(along);
#pragma unroll
      for (int k = 0; k < kOperands; ++k) offset[k] += int64_t(along) * stride[d][k];
    }
  }
  // Of the first operand.
  __device__ __forceinline__ int64_t offset(I i) const {
    int64_t all[kOperands];
    offsets(i, all);
    return all[0];
  }
};

enum class WalkOrder : uint8_t {
  kMemory,    // by ascending address of operand 0
  kRowMajor,  // by index, the last dimension fastest
};

// On the host: the dimensions, innermost first, neighbours joined where every operand allows it.
template <int kOperands>
class Space {
 public:
  Space(WalkOrder order, const Dims& shape,
        const std::array<const Dims*, size_t(kOperands)>& strides) {
    int dims[kMaxDims];
    int count = 0;
    for (int i = shape.size() - 1; i >= 0; --i) {
      numel_ *= shape[i];
      if (shape[i] == 1) continue;
      int k = count++;
      if (order == WalkOrder::kMemory) {
        for (; k > 0 && (*strides[0])[dims[k - 1]] > (*strides[0])[i]; --k) dims[k] = dims[k - 1];
      }
      dims[k] = i;
    }
    for (int k = 0; k < count; ++k) append(shape[dims[k]], dims[k], strides);
    if (dims_ == 0) size_[dims_++] = 1;
  }

  int64_t numel() const { return numel_; }
  int dims() const { return dims_; }
  int64_t size(int d) const { return size_[d]; }
  int64_t stride(int d, int k) const { return stride_[d][k]; }
  // Whether operand k is one run of neighbours.
  bool is_run(int k) const { return dims_ == 1 && (size_[0] == 1 || stride_[0][k] == 1); }

  // For numbers of type I.
  template <class I>
  Walk<kOperands, I> walk() const {
    Walk<kOperands, I> w;
    w.dims = dims_;
    for (int d = 0; d < dims_; ++d) {
      w.size[d] = DividerFor<I>(I(size_[d] > 0 ? size_[d] : 1));
      for (int k = 0; k < kOperands; ++k) w.stride[d][k] = stride_[d][k];
    }
    return w;
  }

  // Makes words of `each` neighbours the elements, where `can_widen(each)`.
  bool can_widen(int64_t each) const {
    if (size_[0] % each != 0) return false;
    for (int k = 0; k < kOperands; ++k) {
      if (stride_[0][k] != 1) return false;
      for (int d = 1; d < dims_; ++d) {
        if (stride_[d][k] % each != 0) return false;
      }
    }
    return true;
  }
  void widen(int64_t each) {
    numel_ /= each;
    size_[0] /= each;
    for (int d = 1; d < dims_; ++d) {
      for (int k = 0; k < kOperands; ++k) stride_[d][k] /= each;
    }
  }

 private:
  void append(int64_t size, int dim, const std::array<const Dims*, size_t(kOperands)>& strides) {
    bool joins = dims_ > 0;
    for (int k = 0; k < kOperands && joins; ++k) {
      joins = (*strides[size_t(k)])[dim] == size_[dims_ - 1] * stride_[dims_ - 1][k];
    }
    if (joins) {
      size_[dims_ - 1] *= size;
      return;
    }
    size_[dims_] = size;
    for (int k = 0; k < kOperands; ++k) stride_[dims_][k] = (*strides[size_t(k)])[dim];
    ++dims_;
  }

  int dims_ = 0;
  int64_t numel_ = 1;
  int64_t size_[kMaxDims] = {};
  int64_t stride_[kMaxDims][kOperands] = {};
};

}  // namespace entasis::cuda
