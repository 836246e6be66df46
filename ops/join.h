// Joining tensors along a dimension.
#pragma once

#include <entasis/core/operand.h>

namespace entasis {

// Joins tensors whose shapes agree except along dim; dtypes promote.
ENTASIS_API Tensor cat(const Tensors& tensors, int64_t dim = 0, Location at = {});
// Joins tensors of one shape along a new dimension.
ENTASIS_API Tensor stack(const Tensors& tensors, int64_t dim = 0, Location at = {});

// cat() along the second dimension, of 1-d and 0-d tensors along the first.
ENTASIS_API Tensor hstack(const Tensors& tensors, Location at = {});
// cat() along the first dimension; 0-d and 1-d tensors count as rows.
ENTASIS_API Tensor vstack(const Tensors& tensors, Location at = {});
// cat() along the third dimension; those of fewer are [1, n, 1] and [m, n, 1].
ENTASIS_API Tensor dstack(const Tensors& tensors, Location at = {});
// cat() along the second dimension; 0-d and 1-d tensors count as columns.
ENTASIS_API Tensor column_stack(const Tensors& tensors, Location at = {});

}  // namespace entasis
