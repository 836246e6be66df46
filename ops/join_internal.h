// Attributes of the op that joins.
#pragma once

#include <entasis/core/op.h>

namespace entasis {

// Inputs of one dtype; those of shape [0] count for nothing.
struct Cat {
  static constexpr const char* name = "cat";
  int64_t dim;
  bool operator==(const Cat&) const = default;
  void visit(auto& v) const { v("dim", dim); }
};
// PyTorch lets a 1-d tensor without elements join anything: lists often start with one.
inline bool is_nothing(const Dims& shape) { return shape.size() == 1 && shape[0] == 0; }

}  // namespace entasis
