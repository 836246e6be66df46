// The iteration space of an element-wise kernel over operands of any strides: sizes of 1 dropped,
// dimensions sorted so that the result is written as it lies in memory, neighbours merged wherever
// every operand allows it. A contiguous tensor of any rank becomes one run.
#pragma once

#include <cstdint>

#include <entasis/core/export.h>
#include <entasis/core/operand.h>

namespace entasis {

inline constexpr int kMaxLoopOperands = 5;  // the result, which is operand 0, and four inputs

struct LoopNest {
  int dims = 0;  // at least 1
  int operands = 0;
  int64_t numel = 0;
  int64_t size[kMaxDims];                      // innermost first
  int64_t stride[kMaxDims][kMaxLoopOperands];  // in elements; 0 where an operand is broadcast

  // `in` broadcasts to the shape of `out`.
  ENTASIS_API LoopNest(const Tensor& out, Inputs in);

  // The same space with one step for each block of `rows` x `columns` elements, `columns` of them
  // along the innermost dimension and `rows` along `across`; those at the end may be smaller.
  ENTASIS_API LoopNest blocked(int across, int64_t rows, int64_t columns) const;

 private:
  void sort();
  void merge();
};

}  // namespace entasis
