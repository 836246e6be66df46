// Attributes of the view ops and of the op that undoes a slice, and what the files of ops that
// change shapes share.
#pragma once

#include <string>

#include <entasis/core/op.h>

namespace entasis {

struct Reshape {
  static constexpr const char* name = "reshape";
  Dims shape;
  bool operator==(const Reshape&) const = default;
  void visit(auto& v) const { v("shape", shape); }
};
struct Transpose {
  static constexpr const char* name = "transpose";
  int64_t dim0, dim1;
  bool operator==(const Transpose&) const = default;
  void visit(auto& v) const { v("dim0", dim0), v("dim1", dim1); }
};
struct Permute {
  static constexpr const char* name = "permute";
  Dims dims;
  bool operator==(const Permute&) const = default;
  void visit(auto& v) const { v("dims", dims); }
};
struct Expand {
  static constexpr const char* name = "expand";
  Dims shape;
  bool operator==(const Expand&) const = default;
  void visit(auto& v) const { v("shape", shape); }
};
// Bounds as the user gave them.
struct SliceView {
  static constexpr const char* name = "slice";
  int64_t dim, start, end, step;
  bool operator==(const SliceView&) const = default;
  void visit(auto& v) const { v("dim", dim), v("start", start), v("end", end), v("step", step); }
};
struct Select {
  static constexpr const char* name = "select";
  int64_t dim, index;
  bool operator==(const Select&) const = default;
  void visit(auto& v) const { v("dim", dim), v("index", index); }
};
struct Squeeze {
  static constexpr const char* name = "squeeze";
  Dims dim;  // empty: every size of 1
  bool operator==(const Squeeze&) const = default;
  void visit(auto& v) const { v("dim", dim); }
};
struct Unsqueeze {
  static constexpr const char* name = "unsqueeze";
  int64_t dim;
  bool operator==(const Unsqueeze&) const = default;
  void visit(auto& v) const { v("dim", dim); }
};
// Zeros of `shape` with the input at start, start + step, … along dim.
struct SliceBackward {
  static constexpr const char* name = "slice_backward";
  Dims shape;
  int64_t dim, start, step;
  bool operator==(const SliceBackward&) const = default;
  void visit(auto& v) const {
    v("shape", shape), v("dim", dim), v("start", start), v("step", step);
  }
};

// ---- Shared

inline Geometry geometry_of(const Operand& in) {
  return {in.shape(), in.strides(), in.tensor().storage_offset()};
}

// `dim` for ops that need a dimension to work on. Throws IndexError.
inline int wrap_existing_dim(int64_t dim, const Operand& in) {
  if (in.dim() == 0) throw IndexError("a 0-d tensor has no dimension " + std::to_string(dim));
  return wrap_dim(dim, in.dim());
}

// Fills in a size of -1 and checks that the shape holds the input's elements. Throws ShapeError.
Dims resolve_shape(const Tensor& input, const Dims& shape);

// The view under such a shape. Throws ShapeError where the strides have none.
Tensor reshape_view(const Tensor& input, const Dims& shape, Location at);

// Whether the strides speak for NHWC: each is no less than those further in would fill. PyTorch's
// rule, by which strides that fit both orders, and tensors without elements, speak for NCHW.
bool suggests_channels_last(const Tensor& t);

}  // namespace entasis
