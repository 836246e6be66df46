// Scans: running sums, products and extrema along a dimension, and what is made of neighbours.
// Results are row-major dense. Sums and products of f32 are formed in f64, of integers and bool in
// i64, which wraps; the bits are the same for any number of threads.
#pragma once

#include <optional>

#include <entasis/core/operand.h>
#include <entasis/ops/reduction.h>

namespace entasis {

// Element i is the sum, the product, of elements 0 … i. `dtype` casts first.
ENTASIS_API Tensor cumsum(const Tensor& input, int64_t dim, std::optional<DType> dtype = {},
                          Location at = {});
ENTASIS_API Tensor cumprod(const Tensor& input, int64_t dim, std::optional<DType> dtype = {},
                           Location at = {});
// In input's own dtype; `dtype`, if given, must be that (DtypeError).
ENTASIS_API Tensor cumsum_(Tensor input, int64_t dim, std::optional<DType> dtype = {},
                           Location at = {});
ENTASIS_API Tensor cumprod_(Tensor input, int64_t dim, std::optional<DType> dtype = {},
                            Location at = {});
// The largest, the smallest of elements 0 … i, and its last place (i64). From a NaN on all are NaN.
ENTASIS_API ValuesIndices cummax(const Tensor& input, int64_t dim, Location at = {});
ENTASIS_API ValuesIndices cummin(const Tensor& input, int64_t dim, Location at = {});
// log of the running sum of exponentials, without overflow. Floating-point only.
ENTASIS_API Tensor logcumsumexp(const Tensor& input, int64_t dim, Location at = {});

// The product of all elements, or along dim; integers and bool in i64. The gradient is right where
// elements are 0, too, of any order.
ENTASIS_API Tensor prod(const Tensor& input, std::optional<int64_t> dim = {}, bool keepdim = false,
                        std::optional<DType> dtype = {}, Location at = {});

// Differences of neighbours along dim, n times over, of input with `prepend` before and `append`
// behind it. bool: whether neighbours differ.
ENTASIS_API Tensor diff(const Tensor& input, int64_t n = 1, int64_t dim = -1,
                        const Tensor& prepend = {}, const Tensor& append = {}, Location at = {});
// The integral of y along dim by the trapezoidal rule, at places x or at places dx apart; not both
// (ValueError). Integers give f32.
ENTASIS_API Tensor trapezoid(const Tensor& y, const Tensor& x = {}, double dx = 1, int64_t dim = -1,
                             Location at = {});

}  // namespace entasis
