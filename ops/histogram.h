// Counting: how many elements lie in each bin.
#pragma once

#include <entasis/core/operand.h>

namespace entasis {

// How many elements of input, of a floating-point dtype, lie in each of `bins` equal parts of [min,
// max], in input's dtype; one at max is in the last bin, and what lies outside or is NaN counts
// nowhere. With min == max the range is that of the elements, which must be finite (read from the
// device); one of no width is widened by 1 on either side. Throws ValueError for a range that is
// not finite or turned round, and for bins below 1. Not differentiable.
ENTASIS_API Tensor histc(const Tensor& input, int64_t bins = 100, Number min = 0, Number max = 0,
                         Location at = {});

// How often each of 0, 1, … occurs in input, a vector of non-negative integers: i64 of size
// max(largest + 1, minlength). With weights of input's shape, the sums of the weights instead, in
// order: f32 stays, all else is summed in f64. Reads the largest element from the device. Throws
// ValueError for a negative element or minlength. Not differentiable.
ENTASIS_API Tensor bincount(const Tensor& input, const Tensor& weights = {}, int64_t minlength = 0,
                            Location at = {});

}  // namespace entasis
