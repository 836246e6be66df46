// Attributes of reading by index tensors and of its gradient, which all lookups share.
#pragma once

#include <entasis/core/op.h>

namespace entasis {

// Inputs x, index 0 … k-1 of one shape B, which stand for the dimensions dim … dim+k-1 of x:
// [outer.., S0 .. Sk-1, inner..] becomes [outer.., B.., inner..]. Negative indices count from the
// end. Where the first index is `skip`, the result is zero.
struct IndexTensors {
  static constexpr const char* name = "index";
  int64_t dim;
  int64_t skip = -1;
  bool operator==(const IndexTensors&) const = default;
  void visit(auto& v) const { v("dim", dim), v("skip", skip); }
};
// Its gradient, inputs gy, index 0 … k-1: zeros of `shape` with each slice of gy added at its
// place, repeated places in index order.
struct IndexBackward {
  static constexpr const char* name = "index_backward";
  Dims shape;
  int64_t dim;
  int64_t skip = -1;
  bool operator==(const IndexBackward&) const = default;
  void visit(auto& v) const { v("shape", shape), v("dim", dim), v("skip", skip); }
};
// The positions of elements that are not zero, [count, rank], in row-major order.
struct Nonzero {
  static constexpr const char* name = "nonzero";
  bool operator==(const Nonzero&) const = default;
  void visit(auto&) const {}
};

inline constexpr int64_t kSkipNothing = -1;

Tensor index_tensors(const Tensor& input, std::span<const Tensor> indices, int64_t dim,
                     int64_t skip, Location at);
Tensor index_backward(const Tensor& gy, std::span<const Tensor> indices, const Dims& shape,
                      int64_t dim, int64_t skip, Location at);

// Throws DtypeError unless `index` is i64 or i32.
void check_index_dtype(const Operand& index);

}  // namespace entasis
