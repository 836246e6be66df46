#include <entasis/core/loop_nest_internal.h>

#include <algorithm>
#include <cstdlib>

namespace entasis {

LoopNest::LoopNest(const Tensor& out, Inputs in)
    : operands(int(in.size()) + 1), numel(out.numel()) {
  const Dims& shape = out.shape();
  const int rank = shape.size();
  for (int d = rank - 1; d >= 0; --d) {
    if (shape[d] == 1) continue;
    size[dims] = shape[d];
    stride[dims][0] = out.strides()[d];
    for (int k = 1; k < operands; ++k) {
      const Operand& operand = in[size_t(k - 1)];
      const int own = operand.defined() ? d - (rank - operand.dim()) : -1;
      const bool broadcast = own < 0 || operand.size(own) == 1;
      stride[dims][k] = broadcast ? 0 : operand.strides()[own];
    }
    ++dims;
  }
  if (dims == 0) {  // one element
    size[0] = 1;
    stride[0][0] = 1;
    for (int k = 1; k < operands; ++k) stride[0][k] = 0;
    dims = 1;
    return;
  }
  sort();
  merge();
}

// By the result's strides, smallest first; a stable insertion sort of at most eight.
void LoopNest::sort() {
  for (int i = 1; i < dims; ++i) {
    for (int j = i; j > 0 && std::abs(stride[j][0]) < std::abs(stride[j - 1][0]); --j) {
      std::swap(size[j], size[j - 1]);
      std::swap(stride[j], stride[j - 1]);
    }
  }
}

void LoopNest::merge() {
  int last = 0;
  for (int d = 1; d < dims; ++d) {
    bool continues = true;
    for (int k = 0; k < operands; ++k) continues &= stride[d][k] == stride[last][k] * size[last];
    if (continues) {
      size[last] *= size[d];
    } else {
      ++last;
      size[last] = size[d];
      std::copy_n(stride[d], operands, stride[last]);
    }
  }
  dims = last + 1;
}

LoopNest LoopNest::blocked(int across, int64_t rows, int64_t columns) const {
  LoopNest blocks = *this;
  blocks.size[0] = (size[0] + columns - 1) / columns;
  blocks.size[across] = (size[across] + rows - 1) / rows;
  blocks.numel = 1;
  for (int d = 0; d < dims; ++d) blocks.numel *= blocks.size[d];
  for (int k = 0; k < operands; ++k) {
    blocks.stride[0][k] *= columns;
    blocks.stride[across][k] *= rows;
  }
  return blocks;
}

}  // namespace entasis
