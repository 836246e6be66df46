// Attributes of the lookups. The gradients of embedding and index_select are IndexBackward.
#pragma once

#include <entasis/core/op.h>

namespace entasis {

// Inputs index, weight.
struct Embedding {
  static constexpr const char* name = "embedding";
  int64_t padding_idx;  // -1: none
  bool operator==(const Embedding&) const = default;
  void visit(auto& v) const { v("padding_idx", padding_idx); }
};
// Inputs x, index.
struct IndexSelect {
  static constexpr const char* name = "index_select";
  int64_t dim;
  bool operator==(const IndexSelect&) const = default;
  void visit(auto& v) const { v("dim", dim); }
};
// Inputs x, index.
struct Gather {
  static constexpr const char* name = "gather";
  int64_t dim;
  bool operator==(const Gather&) const = default;
  void visit(auto& v) const { v("dim", dim); }
};
// Inputs gy, index: zeros of `shape` with each element of gy added at its place along dim, repeated
// places in index order.
struct GatherBackward {
  static constexpr const char* name = "gather_backward";
  Dims shape;
  int64_t dim;
  bool operator==(const GatherBackward&) const = default;
  void visit(auto& v) const { v("shape", shape), v("dim", dim); }
};

// dim counts from the front.
Tensor gather_backward(const Tensor& gy, const Tensor& index, const Dims& shape, int64_t dim);

}  // namespace entasis
