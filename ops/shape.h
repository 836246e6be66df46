// Views: the same elements under another shape. They share storage with their input; writing one
// shows in the other. reshape and flatten copy where no view exists.
#pragma once

#include <entasis/core/operand.h>

namespace entasis {

// One size may be -1: it is inferred.
ENTASIS_API Tensor reshape(const Tensor& input, const Dims& shape, Location at = {});
ENTASIS_API Tensor flatten(const Tensor& input, int64_t start_dim = 0, int64_t end_dim = -1,
                           Location at = {});
ENTASIS_API Tensor transpose(const Tensor& input, int64_t dim0, int64_t dim1, Location at = {});
ENTASIS_API Tensor permute(const Tensor& input, const Dims& dims, Location at = {});
// Sizes of 1 repeat without memory; -1 keeps a size.
ENTASIS_API Tensor expand(const Tensor& input, const Dims& shape, Location at = {});
// Elements start, start + step, … below end along dim; bounds are clamped and may be negative, as
// in Python. step >= 1 (ValueError).
ENTASIS_API Tensor slice(const Tensor& input, int64_t dim, int64_t start, int64_t end,
                         int64_t step = 1, Location at = {});
// `length` elements from start; out of range raises IndexError.
ENTASIS_API Tensor narrow(const Tensor& input, int64_t dim, int64_t start, int64_t length,
                          Location at = {});
// One index along dim, which disappears. Throws IndexError.
ENTASIS_API Tensor select(const Tensor& input, int64_t dim, int64_t index, Location at = {});
// Drops sizes of 1: all of them, or those of `dim`.
ENTASIS_API Tensor squeeze(const Tensor& input, const Dims& dim = {}, Location at = {});
ENTASIS_API Tensor unsqueeze(const Tensor& input, int64_t dim, Location at = {});

}  // namespace entasis
