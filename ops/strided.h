// Views whose strides say more than an order of dimensions: diagonals, sliding windows, any strides
// at all, elements taken for another dtype; and the ops that put a diagonal into zeros.
#pragma once

#include <optional>

#include <entasis/core/operand.h>

namespace entasis {

// The diagonal of the planes of dim1 and dim2, `offset` above the main one; it becomes the last
// dimension. A view.
ENTASIS_API Tensor diagonal(const Tensor& input, int64_t offset = 0, int64_t dim1 = 0,
                            int64_t dim2 = 1, Location at = {});
// Zeros with the last dimension of `input` on that diagonal of two new dimensions.
ENTASIS_API Tensor diag_embed(const Tensor& input, int64_t offset = 0, int64_t dim1 = -2,
                              int64_t dim2 = -1, Location at = {});
// A copy of a matrix's diagonal, or the matrix that has a vector on it.
ENTASIS_API Tensor diag(const Tensor& input, int64_t diagonal = 0, Location at = {});
// The matrix that has all elements on a diagonal.
ENTASIS_API Tensor diagflat(const Tensor& input, int64_t offset = 0, Location at = {});

// The windows of `size` elements along a dimension, one every `step`; they become the last
// dimension. A view, in which windows overlap if step < size.
ENTASIS_API Tensor unfold(const Tensor& input, int64_t dimension, int64_t size, int64_t step,
                          Location at = {});
// A view of the input's storage: any sizes, strides of at least 0 and offset (by default the
// input's), in elements. Throws ShapeError if it leaves the storage.
ENTASIS_API Tensor as_strided(const Tensor& input, const Dims& size, const Dims& stride,
                              std::optional<int64_t> storage_offset = {}, Location at = {});
// The same bits taken for elements of another dtype. A dtype of another size changes the last
// dimension, which has to be dense (ShapeError). Carries no gradient.
ENTASIS_API Tensor view_dtype(const Tensor& input, DType dtype, Location at = {});

}  // namespace entasis
