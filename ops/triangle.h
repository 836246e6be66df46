// Triangles of matrices, and the indices of their elements.
#pragma once

#include <entasis/core/operand.h>
#include <entasis/ops/factory.h>

namespace entasis {

// The elements on and below a diagonal of each matrix (the last two dimensions), zeros above; the
// diagonal counts from the main one upwards.
ENTASIS_API Tensor tril(const Tensor& input, int64_t diagonal = 0, Location at = {});
// The elements on and above a diagonal, zeros below.
ENTASIS_API Tensor triu(const Tensor& input, int64_t diagonal = 0, Location at = {});
ENTASIS_API Tensor tril_(Tensor input, int64_t diagonal = 0, Location at = {});
ENTASIS_API Tensor triu_(Tensor input, int64_t diagonal = 0, Location at = {});

// The rows and columns of the elements of such a triangle of a `row` x `col` matrix, in row-major
// order: [2, count], i64 unless options say i32.
ENTASIS_API Tensor tril_indices(int64_t row, int64_t col, int64_t offset = 0,
                                const TensorOptions& options = {}, Location at = {});
ENTASIS_API Tensor triu_indices(int64_t row, int64_t col, int64_t offset = 0,
                                const TensorOptions& options = {}, Location at = {});

}  // namespace entasis
