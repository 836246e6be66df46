// The functions of cross_entropy for one SIMD target: on one slice of n classes that are
// neighbours, or on `width` neighbouring slices. What there is one of for each slice is an array.
#pragma once

#include <cstdint>

#include <entasis/kernels/cpu/internal/reduce_slices.h>

namespace entasis::cpu {

template <class C>
struct CrossEntropyFunctions {
  // Maximum, log of the sum of exp(x - maximum), and the sum of x unless sum_x is null.
  using Statistics = void (*)(const SliceBlock<C>& x, int64_t n, int64_t width, C* max, C* log_sum,
                              C* sum_x);
  // out = (exp(x - max - log_sum) - uniform) * weight
  using Gradients = void (*)(const SliceBlock<C>& out, const SliceBlock<C>& x, int64_t n,
                             int64_t width, const C* max, const C* log_sum, C uniform,
                             const C* weight);
  Statistics statistics_along;
  Statistics statistics_across;
  Gradients gradients_along;
  Gradients gradients_across;
};

struct CrossEntropyTarget {
  CrossEntropyFunctions<float> f32;
  CrossEntropyFunctions<double> f64;
};

}  // namespace entasis::cpu
