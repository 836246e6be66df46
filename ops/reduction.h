// Reductions over any dimensions; an empty `dim` means all of them. Sums of f32 are accurate to
// 1e-6 relative over 10^8 elements (vector accumulators over fixed chunks, joined by a fixed tree),
// and the same bits for any number of threads. f16 and bf16 accumulate in f32.
#pragma once

#include <optional>

#include <entasis/core/operand.h>

namespace entasis {

// Integers and bool sum in i64.
ENTASIS_API Tensor sum(const Tensor& input, const Dims& dim = {}, bool keepdim = false,
                       std::optional<DType> dtype = {}, Location at = {});
// Floating-point only, unless `dtype` is. The mean of nothing is NaN.
ENTASIS_API Tensor mean(const Tensor& input, const Dims& dim = {}, bool keepdim = false,
                        std::optional<DType> dtype = {}, Location at = {});
// The largest element; NaN if any is. Equal elements share the gradient evenly. Throws IndexError
// for a reduction over no elements.
ENTASIS_API Tensor amax(const Tensor& input, const Dims& dim = {}, bool keepdim = false,
                        Location at = {});
// Index (i64) of the first largest element, along dim or in the flattened tensor; NaN counts as the
// largest.
ENTASIS_API Tensor argmax(const Tensor& input, std::optional<int64_t> dim = {},
                          bool keepdim = false, Location at = {});
// Sum of squared deviations from the mean, divided by max(0, n - correction). Two passes, stable.
ENTASIS_API Tensor var(const Tensor& input, const Dims& dim = {}, double correction = 1,
                       bool keepdim = false, Location at = {});
// Sums broadcast dimensions away: the reverse of broadcasting `shape` to input's shape.
ENTASIS_API Tensor sum_to(const Tensor& input, const Dims& shape, Location at = {});

}  // namespace entasis
