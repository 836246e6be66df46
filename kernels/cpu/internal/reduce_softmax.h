// The kinds of softmax and their functions for one SIMD target.
#pragma once

#include <cstdint>

#include <entasis/kernels/cpu/internal/reduce_slices.h>

namespace entasis::cpu {

enum SoftmaxKind { kSoftmax, kLogSoftmax, kSoftmaxBackward, kLogSoftmaxBackward };
inline constexpr int kSoftmaxKinds = 4;

// Operand 0 is written. Forward kinds read 1, the input; backward kinds read 1, the gradient, and
// 2, the output of the forward op. Operands do not overlap.
template <class C>
struct SoftmaxFunctions {
  // One slice of n neighbours.
  void (*along)(const SliceBlock<C>* operands, int64_t n);
  // `width` neighbouring slices of n elements each.
  void (*across)(const SliceBlock<C>* operands, int64_t n, int64_t width);
};

struct SoftmaxTarget {
  SoftmaxFunctions<float> f32[kSoftmaxKinds];
  SoftmaxFunctions<double> f64[kSoftmaxKinds];
};

}  // namespace entasis::cpu
