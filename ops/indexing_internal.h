// Attributes of reading and writing by index tensors; the gradient of reading is what all lookups
// share.
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
// What becomes of a place that several index positions name.
enum class Repeated : uint8_t {
  kTakesLast,  // it takes the last value
  kAdds,       // the values are added to what is there, in index order
  kNone,       // there is no such place: the index is of a mask
};
// In place, inputs x, values, index 0 … k-1: the reverse of IndexTensors, whose result has the
// shape of values. With kAdds both are row-major dense.
struct IndexPut {
  static constexpr const char* name = "index_put_";
  int64_t dim;
  Repeated repeated;
  bool operator==(const IndexPut&) const = default;
  void visit(auto& v) const { v("dim", dim), v("repeated", repeated); }
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
