// The iteration space of an element-wise kernel over operands of any strides: sizes of 1 dropped,
// dimensions sorted so that the result is written as it lies in memory, neighbours merged wherever
// every operand allows it. A contiguous tensor of any rank becomes one run.
#pragma once

#include <algorithm>
#include <cstdint>

#include <entasis/core/operand.h>

namespace entasis::cpu {

inline constexpr int kMaxLoopOperands = 5;  // the result, which is operand 0, and four inputs

struct LoopNest {
  int dims = 0;  // at least 1
  int operands = 0;
  int64_t numel = 0;
  int64_t size[kMaxDims];                      // innermost first
  int64_t stride[kMaxDims][kMaxLoopOperands];  // in elements; 0 where an operand is broadcast

  // `in` broadcasts to the shape of `out`.
  LoopNest(const Tensor& out, Inputs in);

  // The same space with one step for each block of `rows` x `columns` elements, `columns` of them
  // along the innermost dimension and `rows` along `across`; those at the end may be smaller.
  LoopNest blocked(int across, int64_t rows, int64_t columns) const;

 private:
  void sort();
  void merge();
};

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

 private:
  void next_row();

  const LoopNest& nest_;
  int64_t index_[kMaxDims];
  int64_t offset_[kMaxLoopOperands];
};

}  // namespace entasis::cpu
