// Attributes of the ops that split.
#pragma once

#include <vector>

#include <entasis/core/op.h>

namespace entasis {

// Views of `sizes` elements each along dim, which they fill.
struct Split {
  static constexpr const char* name = "split";
  std::vector<int64_t> sizes;
  int64_t dim;
  bool operator==(const Split&) const = default;
  void visit(auto& v) const { v("sizes", sizes), v("dim", dim); }
};
// Views of each index along dim, without that dimension.
struct Unbind {
  static constexpr const char* name = "unbind";
  int64_t dim;
  bool operator==(const Unbind&) const = default;
  void visit(auto& v) const { v("dim", dim); }
};

}  // namespace entasis
