// Joining and splitting tensors along a dimension.
#pragma once

#include <entasis/core/operand.h>

namespace entasis {

// Joins tensors whose shapes agree except along dim; dtypes promote.
ENTASIS_API Tensor cat(const Tensors& tensors, int64_t dim = 0, Location at = {});
// Joins tensors of one shape along a new dimension.
ENTASIS_API Tensor stack(const Tensors& tensors, int64_t dim = 0, Location at = {});
// Views of `split_size` elements each along dim; the last may be smaller.
ENTASIS_API Tensors split(const Tensor& tensor, int64_t split_size, int64_t dim = 0,
                          Location at = {});

}  // namespace entasis
