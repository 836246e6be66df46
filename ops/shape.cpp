// Views. Each is a geometry computed from the input's; each gradient is the inverse view, or a copy
// into zeros where the view left elements out.
#include <entasis/ops/shape.h>

#include <algorithm>
#include <optional>

#include <entasis/core/row.h>
#include <entasis/ops/copy.h>
#include <entasis/ops/placed_internal.h>
#include <entasis/ops/shape_internal.h>

namespace entasis {
namespace {

std::string elements_of(int64_t count) {
  return std::to_string(count) + (count == 1 ? " element" : " elements");
}

}  // namespace

Dims resolve_shape(const Tensor& input, const Dims& shape) {
  Dims resolved = shape;
  int inferred = -1;
  for (int i = 0; i < shape.size(); ++i) {
    if (shape[i] == -1) {
      if (inferred >= 0)
        throw ShapeError("only one size may be -1, the shape is " + to_string(shape));
      inferred = i;
      resolved[i] = 1;
    } else if (shape[i] < 0) {
      throw ShapeError("size " + std::to_string(shape[i]) + " in shape " + to_string(shape) +
                       "; sizes are at least 0, or -1 to be inferred");
    }
  }
  const int64_t known = count_elements(resolved);
  if (inferred >= 0) {
    if (known == 0) {
      throw ShapeError("the size of -1 cannot be inferred in " + to_string(shape) +
                       ", whose other sizes make it empty");
    }
    if (input.numel() % known == 0) {
      resolved[inferred] = input.numel() / known;
      return resolved;
    }
  } else if (known == input.numel()) {
    return resolved;
  }
  throw ShapeError(to_string(input.shape()) + " has " + elements_of(input.numel()) +
                   ", which do not fill " + to_string(shape));
}

bool suggests_channels_last(const Tensor& t) {
  if (t.dim() != 4 || t.strides()[1] == 0) return false;
  int64_t filled = 0;
  for (const int d : {1, 3, 2, 0}) {
    const int64_t size = t.shape()[d], stride = t.strides()[d];
    if (size == 0 || stride < filled || (d == 0 && filled == t.strides()[1])) return false;
    filled = size > 1 ? stride * size : stride;
  }
  return true;
}

namespace {

// The strides under which `shape` names the same elements in the same row-major order; none if that
// takes a copy. Input dimensions that are one run in memory are joined into blocks; each block must
// be filled by whole sizes of the new shape.
std::optional<Dims> view_strides(const Operand& in, const Dims& shape) {
  if (in.numel() == 0) return contiguous_strides(shape);
  Dims strides = Dims::filled(shape.size(), 1);
  int view_dim = shape.size() - 1;
  int64_t block_stride = in.dim() == 0 ? 1 : in.strides().back();
  int64_t block_size = 1, filled = 1;
  for (int i = in.dim() - 1; i >= 0; --i) {
    block_size *= in.size(i);
    const bool joined =
        i > 0 && (in.size(i - 1) == 1 || in.strides()[i - 1] == block_size * block_stride);
    if (joined) continue;
    while (view_dim >= 0 && (filled < block_size || shape[view_dim] == 1)) {
      strides[view_dim] = filled * block_stride;
      filled *= shape[view_dim--];
    }
    if (filled != block_size) return std::nullopt;
    if (i > 0) {
      block_stride = in.strides()[i - 1];
      block_size = filled = 1;
    }
  }
  return strides;
}

struct SliceBounds {
  int dim;
  int64_t start, length;
};
// Python's rules: negative bounds count from the end, all are clamped.
SliceBounds bounds_of(const SliceView& op, const Operand& in) {
  if (op.step < 1) throw ValueError("step must be at least 1, it is " + std::to_string(op.step));
  const int dim = wrap_existing_dim(op.dim, in);
  const int64_t size = in.size(dim);
  auto clamp_bound = [size](int64_t bound) {
    return bound < 0 ? std::max<int64_t>(bound + size, 0) : std::min(bound, size);
  };
  const int64_t start = clamp_bound(op.start), end = clamp_bound(op.end);
  return {dim, start, end > start ? (end - start - 1) / op.step + 1 : 0};
}

Tensor slice_backward(const Tensor& gy, const Dims& shape, const SliceBounds& bounds, int64_t step,
                      Location at = {}) {
  return apply(SliceBackward{shape, bounds.dim, bounds.start, step}, at, gy);
}

}  // namespace

template <>
struct Rule<Reshape> {
  static constexpr SaveMask saves[] = {saves_nothing};
  static Geometry view(const Reshape& op, const Operand& in) {
    const std::optional<Dims> strides = view_strides(in, op.shape);
    if (!strides) {
      throw ShapeError("shape " + to_string(in.shape()) + " with strides " +
                       to_string(in.strides()) + " has no view of shape " + to_string(op.shape));
    }
    return {op.shape, *strides, in.tensor().storage_offset()};
  }
  static Grads vjp(const Reshape&, const Saved& saved, Grads gy) {
    return {reshape(gy[0], saved.shape(0))};
  }
};

template <>
struct Rule<Transpose> {
  static constexpr SaveMask saves[] = {saves_nothing};
  static Geometry view(const Transpose& op, const Operand& in) {
    Geometry g = geometry_of(in);
    const int a = wrap_dim(op.dim0, in.dim()), b = wrap_dim(op.dim1, in.dim());
    if (in.dim() > 0) {
      std::swap(g.shape[a], g.shape[b]);
      std::swap(g.strides[a], g.strides[b]);
    }
    return g;
  }
  static Grads vjp(const Transpose& op, const Saved&, Grads gy) {
    return {transpose(gy[0], op.dim0, op.dim1)};
  }
};

template <>
struct Rule<Permute> {
  static constexpr SaveMask saves[] = {saves_nothing};
  static Geometry view(const Permute& op, const Operand& in) {
    if (op.dims.size() != in.dim()) {
      throw ShapeError("dims " + to_string(op.dims) + " do not name each dimension of shape " +
                       to_string(in.shape()) + " once");
    }
    Geometry g = geometry_of(in);
    uint32_t seen = 0;
    for (int i = 0; i < in.dim(); ++i) {
      const int from = wrap_dim(op.dims[i], in.dim());
      if (seen >> from & 1) {
        throw ShapeError("dims " + to_string(op.dims) + " name dimension " + std::to_string(from) +
                         " twice");
      }
      seen |= 1u << from;
      g.shape[i] = in.size(from);
      g.strides[i] = in.strides()[from];
    }
    return g;
  }
  static Grads vjp(const Permute& op, const Saved&, Grads gy) {
    Dims inverse = op.dims;
    for (int i = 0; i < op.dims.size(); ++i) inverse[wrap_dim(op.dims[i], op.dims.size())] = i;
    return {permute(gy[0], inverse)};
  }
};

template <>
struct Rule<Expand> {
  static constexpr SaveMask saves[] = {saves_nothing};
  static Geometry view(const Expand& op, const Operand& in) {
    const int lead = op.shape.size() - in.dim();
    if (lead < 0) {
      throw ShapeError("shape " + to_string(op.shape) + " has fewer dimensions than the input's " +
                       to_string(in.shape()));
    }
    Geometry g{op.shape, Dims::filled(op.shape.size(), 0), in.tensor().storage_offset()};
    for (int i = 0; i < op.shape.size(); ++i) {
      const bool is_new = i < lead;
      int64_t& size = g.shape[i];
      if (size == -1 && !is_new) size = in.size(i - lead);
      if (size < 0) {
        throw ShapeError("size " + std::to_string(size) + " of dimension " + std::to_string(i) +
                         " in " + to_string(op.shape) +
                         (size == -1 ? "; -1 keeps a size, and there is none here" : ""));
      }
      if (is_new) continue;
      if (size == in.size(i - lead)) {
        g.strides[i] = in.strides()[i - lead];
      } else if (in.size(i - lead) != 1) {
        throw ShapeError(to_string(in.shape()) + " does not expand to " + to_string(op.shape) +
                         ": size " + std::to_string(in.size(i - lead)) + " of dimension " +
                         std::to_string(i - lead) + " is neither 1 nor " + std::to_string(size));
      }
    }
    return g;
  }
  // The engine sums to the input's shape.
  static Grads vjp(const Expand&, const Saved&, Grads gy) { return {gy[0]}; }
};

template <>
struct Rule<SliceView> {
  static constexpr SaveMask saves[] = {saves_nothing};
  static Geometry view(const SliceView& op, const Operand& in) {
    const SliceBounds bounds = bounds_of(op, in);
    Geometry g = geometry_of(in);
    g.shape[bounds.dim] = bounds.length;
    g.offset += bounds.start * g.strides[bounds.dim];
    if (bounds.length > 1) g.strides[bounds.dim] *= op.step;
    return g;
  }
  static Grads vjp(const SliceView& op, const Saved& saved, Grads gy) {
    const Dims& shape = saved.shape(0);
    const int dim = wrap_dim(op.dim, shape.size());
    const int64_t start =
        op.start < 0 ? std::max<int64_t>(op.start + shape[dim], 0) : std::min(op.start, shape[dim]);
    return {slice_backward(gy[0], shape, {dim, start, gy[0].shape()[dim]}, op.step)};
  }
};

template <>
struct Rule<SliceBackward> {
  static constexpr SaveMask saves[] = {saves_nothing};
  static Spec infer(const SliceBackward& op, Inputs in) {
    const Spec dense = pointwise_spec(in[0].dtype(), in);
    return {in[0].dtype(), op.shape, dense_strides_like(op.shape, dense.strides)};
  }
  static Grads vjp(const SliceBackward& op, const Saved& saved, Grads gy) {
    const int64_t length = saved.shape(0)[int(op.dim)];
    const int64_t end = length == 0 ? op.start : op.start + (length - 1) * op.step + 1;
    return {slice(gy[0], op.dim, op.start, end, op.step)};
  }
};

template <>
struct Rule<Select> {
  static constexpr SaveMask saves[] = {saves_nothing};
  static Geometry view(const Select& op, const Operand& in) {
    const int dim = wrap_existing_dim(op.dim, in);
    const int64_t size = in.size(dim);
    if (op.index < -size || op.index >= size) {
      throw IndexError("index " + std::to_string(op.index) + " is out of range for dimension " +
                       std::to_string(dim) + " of size " + std::to_string(size));
    }
    Geometry g = geometry_of(in);
    g.offset += (op.index < 0 ? op.index + size : op.index) * g.strides[dim];
    g.shape.erase(dim);
    g.strides.erase(dim);
    return g;
  }
  static Grads vjp(const Select& op, const Saved& saved, Grads gy) {
    const Dims& shape = saved.shape(0);
    const int dim = wrap_dim(op.dim, shape.size());
    const int64_t index = op.index < 0 ? op.index + shape[dim] : op.index;
    return {slice_backward(unsqueeze(gy[0], dim), shape, {dim, index, 1}, 1)};
  }
};

template <>
struct Rule<Squeeze> {
  static constexpr SaveMask saves[] = {saves_nothing};
  static Geometry view(const Squeeze& op, const Operand& in) {
    uint32_t asked = op.dim.empty() ? ~0u : 0u;
    for (int64_t d : op.dim) {
      const uint32_t bit = 1u << wrap_dim(d, in.dim());
      if (asked & bit) throw ValueError("dim " + to_string(op.dim) + " names a dimension twice");
      asked |= bit;
    }
    Geometry g{{}, {}, in.tensor().storage_offset()};
    for (int i = 0; i < in.dim(); ++i) {
      if ((asked >> i & 1) && in.size(i) == 1) continue;
      g.shape.push_back(in.size(i));
      g.strides.push_back(in.strides()[i]);
    }
    return g;
  }
  static Grads vjp(const Squeeze&, const Saved& saved, Grads gy) {
    return {reshape(gy[0], saved.shape(0))};
  }
};

template <>
struct Rule<Unsqueeze> {
  static constexpr SaveMask saves[] = {saves_nothing};
  static Geometry view(const Unsqueeze& op, const Operand& in) {
    const int dim = wrap_dim(op.dim, in.dim() + 1);
    Geometry g = geometry_of(in);
    const int64_t stride = dim < in.dim() ? in.size(dim) * in.strides()[dim] : 1;
    g.shape.insert(dim, 1);
    g.strides.insert(dim, stride);
    return g;
  }
  static Grads vjp(const Unsqueeze& op, const Saved& saved, Grads gy) {
    return {squeeze(gy[0], {wrap_dim(op.dim, saved.shape(0).size() + 1)})};
  }
};

Tensor reshape_view(const Tensor& input, const Dims& shape, Location at) {
  return apply(Reshape{shape}, at, input);
}

Tensor reshape(const Tensor& input, const Dims& shape, Location at) {
  const Dims resolved = placed("reshape", at, [&] { return resolve_shape(input, shape); });
  if (view_strides(input, resolved)) return apply(Reshape{resolved}, at, input);
  const Frame frame("reshape", at);
  return apply(Reshape{resolved}, at, contiguous(input, at));
}

Tensor flatten(const Tensor& input, int64_t start_dim, int64_t end_dim, Location at) {
  const Dims shape = placed("flatten", at, [&] {
    const int first = wrap_dim(start_dim, input.dim()), last = wrap_dim(end_dim, input.dim());
    if (first > last) {
      throw ValueError("start_dim " + std::to_string(start_dim) + " comes after end_dim " +
                       std::to_string(end_dim) + " in shape " + to_string(input.shape()));
    }
    Dims joined, result;
    for (int i = first; i <= last && i < input.dim(); ++i) joined.push_back(input.shape()[i]);
    for (int i = 0; i < first; ++i) result.push_back(input.shape()[i]);
    result.push_back(count_elements(joined));
    for (int i = last + 1; i < input.dim(); ++i) result.push_back(input.shape()[i]);
    return result;
  });
  const Frame frame("flatten", at);
  return reshape(input, shape, at);
}

Tensor transpose(const Tensor& input, int64_t dim0, int64_t dim1, Location at) {
  return apply(Transpose{dim0, dim1}, at, input);
}
Tensor permute(const Tensor& input, const Dims& dims, Location at) {
  return apply(Permute{dims}, at, input);
}
Tensor expand(const Tensor& input, const Dims& shape, Location at) {
  return apply(Expand{shape}, at, input);
}
Tensor slice(const Tensor& input, int64_t dim, int64_t start, int64_t end, int64_t step,
             Location at) {
  return apply(SliceView{dim, start, end, step}, at, input);
}

Tensor narrow(const Tensor& input, int64_t dim, int64_t start, int64_t length, Location at) {
  const int64_t first = placed("narrow", at, [&] {
    const int wrapped = wrap_existing_dim(dim, input);
    const int64_t size = input.shape()[wrapped];
    if (start < -size || start > size || length < 0 ||
        length > size - (start < 0 ? start + size : start)) {
      throw IndexError("start " + std::to_string(start) + " and length " + std::to_string(length) +
                       " are out of range for dimension " + std::to_string(wrapped) + " of size " +
                       std::to_string(size));
    }
    return start < 0 ? start + size : start;
  });
  return apply(SliceView{dim, first, first + length, 1}, at, input);
}

Tensor select(const Tensor& input, int64_t dim, int64_t index, Location at) {
  return apply(Select{dim, index}, at, input);
}
Tensor squeeze(const Tensor& input, const Dims& dim, Location at) {
  return apply(Squeeze{dim}, at, input);
}
Tensor unsqueeze(const Tensor& input, int64_t dim, Location at) {
  return apply(Unsqueeze{dim}, at, input);
}

namespace {
constinit const Row rows[] = {
    row<&reshape>("reshape", args("input", "shape"),
                  "The elements of input, in row-major order, under another shape. One size may be "
                  "-1: it is inferred. A view where the strides allow one, else a copy."),
    row<&flatten>("flatten", args("input", "start_dim"_a = 0, "end_dim"_a = -1),
                  "Joins the dimensions from start_dim to end_dim, both included, into one. A 0-d "
                  "tensor becomes 1-d. A view where the strides allow one, else a copy."),
    row<&transpose>("transpose", args("input", "dim0", "dim1"),
                    "A view with two dimensions exchanged."),
    row<&permute>("permute", args("input", "dims"),
                  "A view whose dimension i is dimension dims[i] of input."),
    row<&expand>("expand", args("input", "shape"),
                 "A view in which sizes of 1 repeat, without memory, to the sizes of shape; new "
                 "dimensions come first, and -1 keeps a size."),
    row<&slice>(
        "slice", args("input", "dim", "start", "end", "step"_a = 1),
        "A view of the elements start, start + step, ... below end along dim. Bounds may be "
        "negative, counting from the end, and are clamped, as in Python.",
        {.torch = "", .why_no_torch = "PyTorch slices by subscript only"}),
    row<&narrow>("narrow", args("input", "dim", "start", "length"),
                 "A view of `length` elements along dim, from start. Raises IndexError where slice "
                 "would clamp."),
    row<&select>("select", args("input", "dim", "index"),
                 "A view of the slice at one index along dim, without that dimension."),
    row<&squeeze>("squeeze", args("input", "dim"_a = Dims()),
                  "A view without the dimensions of size 1: all of them, or those that dim names."),
    row<&unsqueeze>("unsqueeze", args("input", "dim"),
                    "A view with a new dimension of size 1 at position dim."),
};
constinit OpInfo* const ops[] = {
    &op_info<Reshape>, &op_info<Transpose>, &op_info<Permute>,
    &op_info<Expand>,  &op_info<SliceView>, &op_info<Select>,
    &op_info<Squeeze>, &op_info<Unsqueeze>, &op_info<SliceBackward>,
};
}  // namespace
extern const RowList rows_shape;
constinit const RowList rows_shape{rows, ops};

}  // namespace entasis
