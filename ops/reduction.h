// Reductions over any dimensions; an empty `dim` means all of them. Sums of f32 are accurate to
// 1e-6 relative over 10^8 elements (vector accumulators over fixed chunks, joined by a fixed tree),
// and the same bits for any number of threads. f16 and bf16 accumulate in f32.
#pragma once

#include <array>
#include <optional>

#include <entasis/core/operand.h>
#include <entasis/ops/arithmetic.h>

namespace entasis {

// Integers and bool sum in i64.
ENTASIS_API Tensor sum(const Tensor& input, const Dims& dim = {}, bool keepdim = false,
                       std::optional<DType> dtype = {}, Location at = {});
// Floating-point only, unless `dtype` is. The mean of nothing is NaN.
ENTASIS_API Tensor mean(const Tensor& input, const Dims& dim = {}, bool keepdim = false,
                        std::optional<DType> dtype = {}, Location at = {});
// The largest, the smallest element; NaN if any is. Equal elements share the gradient evenly.
// Throws IndexError for a reduction over no elements.
ENTASIS_API Tensor amax(const Tensor& input, const Dims& dim = {}, bool keepdim = false,
                        Location at = {});
ENTASIS_API Tensor amin(const Tensor& input, const Dims& dim = {}, bool keepdim = false,
                        Location at = {});
struct MinMax {
  Tensor min, max;
  std::array<Tensor, 2> values() const { return {min, max}; }
};
// amin() and amax() in one call.
ENTASIS_API MinMax aminmax(const Tensor& input, std::optional<int64_t> dim = {},
                           bool keepdim = false, Location at = {});
// Index (i64) of the first largest or smallest element, along dim or in the flattened tensor; NaN
// counts as either.
ENTASIS_API Tensor argmax(const Tensor& input, std::optional<int64_t> dim = {},
                          bool keepdim = false, Location at = {});
ENTASIS_API Tensor argmin(const Tensor& input, std::optional<int64_t> dim = {},
                          bool keepdim = false, Location at = {});

// What was found along a dimension, and where (i64).
struct ValuesIndices {
  Tensor values, indices;
  std::array<Tensor, 2> list() const { return {values, indices}; }
};
// The largest element along dim and its first place; the gradient goes there.
ENTASIS_API ValuesIndices max_dim(const Tensor& input, int64_t dim, bool keepdim = false,
                                  Location at = {});
ENTASIS_API ValuesIndices min_dim(const Tensor& input, int64_t dim, bool keepdim = false,
                                  Location at = {});
// The largest of all elements, as amax.
ENTASIS_API Tensor max(const Tensor& input, Location at = {});
ENTASIS_API Tensor min(const Tensor& input, Location at = {});
// PyTorch's other forms of the name.
inline ValuesIndices max(const Tensor& input, int64_t dim, bool keepdim = false, Location at = {}) {
  return max_dim(input, dim, keepdim, at);
}
inline ValuesIndices min(const Tensor& input, int64_t dim, bool keepdim = false, Location at = {}) {
  return min_dim(input, dim, keepdim, at);
}
inline Tensor max(const Tensor& input, const Tensor& other, Location at = {}) {
  return maximum(input, other, at);
}
inline Tensor min(const Tensor& input, const Tensor& other, Location at = {}) {
  return minimum(input, other, at);
}

// Whether any element, all elements are not zero; NaN is not. bool, but u8 for u8. Of nothing:
// false, true.
ENTASIS_API Tensor any(const Tensor& input, const Dims& dim = {}, bool keepdim = false,
                       Location at = {});
ENTASIS_API Tensor all(const Tensor& input, const Dims& dim = {}, bool keepdim = false,
                       Location at = {});
// How many elements are not zero, i64.
ENTASIS_API Tensor count_nonzero(const Tensor& input, const Dims& dim = {}, Location at = {});

// sum() and mean() of the elements that are not NaN. The mean of none is NaN.
ENTASIS_API Tensor nansum(const Tensor& input, const Dims& dim = {}, bool keepdim = false,
                          std::optional<DType> dtype = {}, Location at = {});
ENTASIS_API Tensor nanmean(const Tensor& input, const Dims& dim = {}, bool keepdim = false,
                           std::optional<DType> dtype = {}, Location at = {});
// Sums broadcast dimensions away: the reverse of broadcasting `shape` to input's shape.
ENTASIS_API Tensor sum_to(const Tensor& input, const Dims& shape, Location at = {});

}  // namespace entasis
