// Attributes of views by strides, and of the op that undoes them.
#pragma once

#include <entasis/core/op.h>

namespace entasis {

struct Diagonal {
  static constexpr const char* name = "diagonal";
  int64_t offset, dim1, dim2;
  bool operator==(const Diagonal&) const = default;
  void visit(auto& v) const { v("offset", offset), v("dim1", dim1), v("dim2", dim2); }
};
struct Unfold {
  static constexpr const char* name = "unfold";
  int64_t dimension, size, step;
  bool operator==(const Unfold&) const = default;
  void visit(auto& v) const { v("dimension", dimension), v("size", size), v("step", step); }
};
// What the input's own strides and offset were, the gradient has to know.
struct AsStrided {
  static constexpr const char* name = "as_strided";
  Dims size, stride;
  int64_t offset;
  Dims input_stride;
  int64_t input_offset;
  bool operator==(const AsStrided&) const = default;
  void visit(auto& v) const { v("size", size), v("stride", stride), v("storage_offset", offset); }
};
struct ViewDType {
  static constexpr const char* name = "view_dtype";
  DType dtype;
  bool operator==(const ViewDType&) const = default;
  void visit(auto& v) const { v("dtype", dtype); }
};
// Zeros of `shape`, row-major, with the input's elements at these strides from `offset`, at which
// no two of them meet.
struct Embed {
  static constexpr const char* name = "embed";
  Dims shape, stride;
  int64_t offset;
  bool operator==(const Embed&) const = default;
  void visit(auto& v) const { v("shape", shape), v("stride", stride), v("offset", offset); }
};

// What a change in place through a view does to the base (rule 1), as a function of both: inputs x,
// dense with the strides `input_stride`, and src; a copy of x with src at these strides from
// `offset` on, counted from x's first element. No two elements of src meet.
struct ViewUpdate {
  static constexpr const char* name = "view_update";
  Dims size, stride;
  int64_t offset;
  Dims input_stride;
  bool operator==(const ViewUpdate&) const = default;
  void visit(auto& v) const { v("size", size), v("stride", stride), v("storage_offset", offset); }
};

}  // namespace entasis
