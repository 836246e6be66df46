#include <entasis/kernels/cpu/internal/loop_nest.h>

namespace entasis::cpu {

LoopCursor::LoopCursor(const LoopNest& nest, int64_t begin) : nest_(nest), index_(), offset_() {
  for (int d = 0; d < nest.dims && begin > 0; ++d) {
    index_[d] = begin % nest.size[d];
    begin /= nest.size[d];
    for (int k = 0; k < nest.operands; ++k) offset_[k] += index_[d] * nest.stride[d][k];
  }
}

void LoopCursor::next_row() {
  for (int d = 0; d < nest_.dims; ++d) {
    if (d > 0) {
      ++index_[d];
      for (int k = 0; k < nest_.operands; ++k) offset_[k] += nest_.stride[d][k];
    }
    if (index_[d] < nest_.size[d]) return;
    for (int k = 0; k < nest_.operands; ++k) offset_[k] -= nest_.size[d] * nest_.stride[d][k];
    index_[d] = 0;
  }
}

}  // namespace entasis::cpu
