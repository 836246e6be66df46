// Shape, dtype and strides of a result: what a rule's `infer` returns, once, for every device.
#pragma once

#include <cstdint>
#include <optional>

#include <entasis/core/dims.h>
#include <entasis/core/dtype.h>
#include <entasis/core/export.h>

namespace entasis {

// Strides of a dense row-major block; unit strides for empty sizes, as PyTorch has them.
ENTASIS_API Dims contiguous_strides(const Dims& shape);
// Strides of a dense block in NHWC order for a 4-d shape (N, C, H, W).
ENTASIS_API Dims channels_last_strides(const Dims& shape);

struct Spec {
  DType dtype = kF32;
  Dims shape;
  Dims strides;

  // A dense row-major result.
  static Spec dense(DType dtype, const Dims& shape) {
    return {dtype, shape, contiguous_strides(shape)};
  }
  bool operator==(const Spec&) const = default;
};

// Where a view looks: the same storage through other sizes, strides and offset (in elements), and
// perhaps as elements of another dtype.
struct Geometry {
  Dims shape;
  Dims strides;
  int64_t offset = 0;
  std::optional<DType> dtype = {};
};

// The common shape under broadcasting. Throws ShapeError naming both.
ENTASIS_API Dims broadcast_shapes(const Dims& a, const Dims& b);
// `dim` in [-rank, rank) as [0, rank). Throws IndexError. A 0-d tensor counts as rank 1.
ENTASIS_API int wrap_dim(int64_t dim, int rank);

}  // namespace entasis
