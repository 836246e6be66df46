// What depends on the order of elements: medians, modes, quantiles. NaN comes after all numbers.
#pragma once

#include <cstdint>
#include <optional>

#include <entasis/core/operand.h>
#include <entasis/ops/reduction.h>

namespace entasis {

// Element (n - 1) / 2 of the n in order, hence the lower of two in the middle; NaN if there is one.
// nanmedian leaves NaN out, unless there is nothing else. Of nothing NaN; integers raise
// IndexError.
ENTASIS_API Tensor median(const Tensor& input, Location at = {});
ENTASIS_API Tensor nanmedian(const Tensor& input, Location at = {});
// The same along dim, with the first place of the median (i64), where the gradient goes.
ENTASIS_API ValuesIndices median_dim(const Tensor& input, int64_t dim, bool keepdim = false,
                                     Location at = {});
ENTASIS_API ValuesIndices nanmedian_dim(const Tensor& input, int64_t dim, bool keepdim = false,
                                        Location at = {});
inline ValuesIndices median(const Tensor& input, int64_t dim, bool keepdim = false,
                            Location at = {}) {
  return median_dim(input, dim, keepdim, at);
}
inline ValuesIndices nanmedian(const Tensor& input, int64_t dim, bool keepdim = false,
                               Location at = {}) {
  return nanmedian_dim(input, dim, keepdim, at);
}
// The most frequent element along dim, of several such the smallest, and its last place (i64). NaN
// equals nothing.
ENTASIS_API ValuesIndices mode(const Tensor& input, int64_t dim = -1, bool keepdim = false,
                               Location at = {});

enum class Interpolation : uint8_t { kLinear, kLower, kHigher, kMidpoint, kNearest };
// The values at ranks q (n - 1) of the n elements in order, along dim or of all; between two
// elements as `interpolation` says. q is a number in [0, 1] (ValueError) or a tensor of such, of
// input's dtype, 0-d or 1-d, which makes the first dimension of the result. f32 and f64 only
// (DtypeError). NaN if there is one; nanquantile leaves NaN out.
ENTASIS_API Tensor quantile(const Tensor& input, const Operand& q, std::optional<int64_t> dim = {},
                            bool keepdim = false,
                            Interpolation interpolation = Interpolation::kLinear, Location at = {});
ENTASIS_API Tensor nanquantile(const Tensor& input, const Operand& q,
                               std::optional<int64_t> dim = {}, bool keepdim = false,
                               Interpolation interpolation = Interpolation::kLinear,
                               Location at = {});

}  // namespace entasis
