// Tensors of all pairs, of all choices, of all powers; matrices along a diagonal. Composites of
// other ops.
#pragma once

#include <optional>

#include <entasis/core/operand.h>

namespace entasis {

enum class Indexing : uint8_t { kIj, kXy };
// For 0-d and 1-d tensors of n0, n1, … elements a view each of shape [n0, n1, …], in which tensor i
// varies along dimension i; kXy exchanges the first two dimensions, as columns and rows of an
// image.
ENTASIS_API Tensors meshgrid(const Tensors& tensors, Indexing indexing = Indexing::kIj,
                             Location at = {});
// The rows of all tuples with one element of each 1-d tensor, the last varying fastest; of one
// tensor itself.
ENTASIS_API Tensor cartesian_prod(const Tensors& tensors, Location at = {});
// The choices of r elements of a 1-d tensor as rows, in order of their positions; an element may be
// chosen again with_replacement.
ENTASIS_API Tensor combinations(const Tensor& input, int64_t r = 2, bool with_replacement = false,
                                Location at = {});
// The matrices one below and right of another, zeros elsewhere; vectors count as rows. Dtypes
// promote.
ENTASIS_API Tensor block_diag(const Tensors& tensors, Location at = {});
// The powers N-1 … 0 (or 0 … N-1 if increasing) of a vector's elements as columns; N defaults to
// their number. Integers become i64.
ENTASIS_API Tensor vander(const Tensor& x, std::optional<int64_t> N = {}, bool increasing = false,
                          Location at = {});

}  // namespace entasis
