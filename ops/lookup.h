// Reading by index tensors. Index dtypes: i64 or i32. An index outside its dimension raises
// IndexError naming value, position and size.
#pragma once

#include <optional>

#include <entasis/core/operand.h>

namespace entasis {

// Rows of weight [V, D] at input (any shape): [.., D]. padding_idx gets no gradient.
ENTASIS_API Tensor embedding(const Tensor& input, const Tensor& weight,
                             std::optional<int64_t> padding_idx = {}, Location at = {});
// out[i][j][k] = input[index[i][j][k]][j][k] for dim 0; index has input's rank and is nowhere
// larger except along dim.
ENTASIS_API Tensor gather(const Tensor& input, int64_t dim, const Tensor& index, Location at = {});
// The slices of input along dim at index (1-d).
ENTASIS_API Tensor index_select(const Tensor& input, int64_t dim, const Tensor& index,
                                Location at = {});

}  // namespace entasis
