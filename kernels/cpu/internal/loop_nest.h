// A walk through the iteration space of an element-wise kernel.
#pragma once

#include <algorithm>
#include <cstdint>

#include <entasis/core/loop_nest_internal.h>

namespace entasis::cpu {

// Walks a range of the space in order, a piece of a row at a time.
class LoopCursor {
 public:
  LoopCursor(const LoopNest& nest, int64_t begin);

  // Elements left in this row.
  int64_t row_rest() const { return nest_.size[0] - index_[0]; }
  // Of operand k, in elements from its first.
  int64_t offset(int k) const { return offset_[k]; }
  int64_t index(int d) const { return index_[d]; }
  // n is at most row_rest().
  void advance(int64_t n) {
    index_[0] += n;
    for (int k = 0; k < nest_.operands; ++k) offset_[k] += n * nest_.stride[0][k];
    if (index_[0] == nest_.size[0]) next_row();
  }
  // How many whole rows of the two innermost dimensions begin here and have at most n elements:
  // they need no cursor between them.
  int64_t whole_rows(int64_t n) const {
    if (nest_.dims < 2 || index_[0] != 0) return 0;
    return std::min(nest_.size[1] - index_[1], n / nest_.size[0]);
  }
  // By as many rows.
  void advance_rows(int64_t rows) {
    index_[1] += rows - 1;
    for (int k = 0; k < nest_.operands; ++k) {
      offset_[k] += (rows - 1) * nest_.stride[1][k];
    }
    advance(nest_.size[0]);
  }

 private:
  void next_row();

  const LoopNest& nest_;
  int64_t index_[kMaxDims];
  int64_t offset_[kMaxLoopOperands];
};

}  // namespace entasis::cpu
