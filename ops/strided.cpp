// Views by strides. What a view left out of its input has no gradient: the gradient is zeros with
// the view's gradient embedded. Where a view names elements several times (overlapping windows) it
// is a sum of such, each over elements that do not meet, in a fixed order.
#include <entasis/ops/strided.h>

#include <algorithm>

#include <entasis/core/engine_internal.h>
#include <entasis/core/row.h>
#include <entasis/ops/arithmetic.h>
#include <entasis/ops/copy.h>
#include <entasis/ops/copy_internal.h>
#include <entasis/ops/factory.h>
#include <entasis/ops/indexing_internal.h>
#include <entasis/ops/placed_internal.h>
#include <entasis/ops/shape.h>
#include <entasis/ops/shape_internal.h>
#include <entasis/ops/strided_internal.h>

namespace entasis {
namespace {

// The diagonal of a tensor of this geometry.
Geometry diagonal_of(Geometry g, int64_t offset, int64_t dim1, int64_t dim2) {
  const int rank = g.shape.size();
  const int a = wrap_dim(dim1, rank), b = wrap_dim(dim2, rank);
  if (a == b) {
    throw ValueError("dim1 and dim2 name the same dimension, " + std::to_string(a) + ", of shape " +
                     to_string(g.shape));
  }
  const int64_t rows = g.shape[a], columns = g.shape[b];
  const int64_t row_step = g.strides[a], column_step = g.strides[b];
  // Far off, in either direction, nothing is left; no sum below overflows.
  offset = std::clamp(offset, -rows, columns);
  const int64_t length =
      std::min(rows + std::min<int64_t>(offset, 0), columns - std::max<int64_t>(offset, 0));
  g.shape.erase(std::max(a, b));
  g.shape.erase(std::min(a, b));
  g.strides.erase(std::max(a, b));
  g.strides.erase(std::min(a, b));
  g.shape.push_back(length);
  g.strides.push_back(row_step + column_step);
  if (length > 0) g.offset += offset < 0 ? -offset * row_step : offset * column_step;
  return g;
}

Geometry dense(const Dims& shape) { return {shape, contiguous_strides(shape)}; }

Tensor embed(const Tensor& x, const Dims& shape, const Geometry& place, Location at = {}) {
  return apply(Embed{shape, place.strides, place.offset}, at, x);
}

// Windows along dimension d of a tensor of this geometry.
Geometry windows_of(Geometry g, int d, int64_t size, int64_t step) {
  if (g.shape.empty()) {  // one element counts as one dimension
    g.shape.push_back(1);
    g.strides.push_back(1);
    Geometry windows = windows_of(g, 0, size, step);
    windows.shape.erase(0);
    windows.strides.erase(0);
    return windows;
  }
  const int64_t stride = g.strides[d];
  g.shape[d] = (g.shape[d] - size) / step + 1;
  g.strides[d] *= step;
  g.shape.push_back(size);
  g.strides.push_back(stride);
  return g;
}

// The elements of a storage between the first and the last that two views reach.
struct Reach {
  int64_t low = INT64_MAX, high = -1;
  void add(const Dims& shape, const Dims& strides, int64_t offset) {
    int64_t last = offset;
    for (int i = 0; i < shape.size(); ++i) {
      if (shape[i] == 0) return;
      last += (shape[i] - 1) * strides[i];
    }
    low = std::min(low, offset);
    high = std::max(high, last);
  }
};

// Whether strides may name an element twice: exact enough for views that nest, as all do that are
// not made to overlap.
bool may_overlap(const Dims& shape, const Dims& strides) {
  Dims order;  // of the dimensions that have steps, the shortest first
  for (int i = 0; i < shape.size(); ++i) {
    if (shape[i] == 0) return false;
    if (shape[i] == 1) continue;
    int k = order.size();
    while (k > 0 && strides[int(order[k - 1])] > strides[i]) --k;
    order.insert(k, i);
  }
  int64_t reach = 0;
  for (const int64_t i : order) {
    if (strides[int(i)] <= reach) return true;
    reach += (shape[int(i)] - 1) * strides[int(i)];
  }
  return false;
}

// `values` added into zeros of `count` elements where a view of these strides names them.
Tensor added_at(const Tensor& values, const Dims& strides, int64_t offset, int64_t count) {
  const Dims& shape = values.shape();
  if (!may_overlap(shape, strides)) return embed(values, {count}, {shape, strides, offset});
  const Tensor numbers = arange(count, TensorOptions(kI64, values.device()));
  const Tensor positions = reshape(as_strided(numbers, shape, strides, offset), {-1});
  return index_backward(reshape(values, {-1}), {&positions, 1}, {count}, 0, kSkipNothing, {});
}

}  // namespace

template <>
struct Rule<Diagonal> {
  static constexpr SaveMask saves[] = {saves_nothing};
  static Geometry view(const Diagonal& op, const Operand& in) {
    return diagonal_of(geometry_of(in), op.offset, op.dim1, op.dim2);
  }
  static Grads vjp(const Diagonal& op, const Saved& saved, Grads gy) {
    const Dims& shape = saved.shape(0);
    return {embed(gy[0], shape, diagonal_of(dense(shape), op.offset, op.dim1, op.dim2))};
  }
};

template <>
struct Rule<Unfold> {
  static constexpr SaveMask saves[] = {saves_nothing};
  static Geometry view(const Unfold& op, const Operand& in) {
    const int d = wrap_dim(op.dimension, in.dim());
    const int64_t length = in.dim() == 0 ? 1 : in.size(d);
    if (op.size < 0 || op.size > length) {
      throw ValueError("size " + std::to_string(op.size) + " is not between 0 and the size of " +
                       "dimension " + std::to_string(d) + ", " + std::to_string(length));
    }
    if (op.step < 1) throw ValueError("step must be at least 1, it is " + std::to_string(op.step));
    return windows_of(geometry_of(in), d, op.size, op.step);
  }
  // In as many parts as windows overlap: elements k step … (k+1) step of all windows do not meet.
  static Grads vjp(const Unfold& op, const Saved& saved, Grads gy) {
    const Dims& shape = saved.shape(0);
    const int d = wrap_dim(op.dimension, shape.size());
    const Geometry windows = windows_of(dense(shape), d, op.size, op.step);
    const int last = windows.shape.size() - 1;
    Tensor sum;
    for (int64_t begin = 0; begin < op.size || !sum.defined(); begin += op.step) {
      Geometry part = windows;
      part.shape[last] = std::min(op.step, op.size - begin);
      if (op.size > 0) part.offset += begin * part.strides[last];
      const Tensor share = embed(narrow(gy[0], last, begin, part.shape[last]), shape, part);
      sum = sum.defined() ? add(sum, share) : share;
    }
    return {sum};
  }
};

template <>
struct Rule<AsStrided> {
  static constexpr SaveMask saves[] = {saves_nothing};
  static Geometry view(const AsStrided& op, const Operand&) {
    return {op.size, op.stride, op.offset};
  }
  // The gradient of the part of the storage that both views reach, then the input's view of that;
  // where the input names an element several times, each has its share.
  static Grads vjp(const AsStrided& op, const Saved& saved, Grads gy) {
    const Dims& shape = saved.shape(0);
    if (count_elements(shape) == 0) return {zeros(shape, {gy[0].dtype(), gy[0].device()})};
    Reach reach;
    reach.add(op.size, op.stride, op.offset);
    reach.add(shape, op.input_stride, op.input_offset);
    const int64_t count = reach.high - reach.low + 1;
    const int64_t first = gy[0].numel() == 0 ? 0 : op.offset - reach.low;
    Tensor storage = added_at(gy[0], op.stride, first, count);
    const int64_t own = op.input_offset - reach.low;
    if (may_overlap(shape, op.input_stride)) {
      const Tensor times =
          added_at(ones(shape, {gy[0].dtype(), gy[0].device()}), op.input_stride, own, count);
      storage = div(storage, maximum(times, 1));  // no element of the input lies where it is 0
    }
    return {as_strided(storage, shape, op.input_stride, storage.storage_offset() + own)};
  }
};

template <>
struct Rule<ViewDType> {
  static Geometry view(const ViewDType& op, const Operand& in) {
    if (int(op.dtype) >= kDTypes) throw_unsupported_dtype(op.dtype);
    Geometry g = geometry_of(in);
    g.dtype = op.dtype;
    const int64_t from = size_of(in.dtype()), to = size_of(op.dtype);
    if (from == to) return g;
    const int last = in.dim() - 1;
    if (last < 0 || g.strides[last] != 1) {
      throw ShapeError(std::string("elements of ") + name_of(in.dtype()) + " become " +
                       name_of(op.dtype) + " only along a dense last dimension: the shape is " +
                       to_string(g.shape) + ", the strides " + to_string(g.strides));
    }
    if (to < from) {
      const int64_t each = from / to;
      g.shape[last] *= each;
      g.offset *= each;
      for (int i = 0; i < last; ++i) g.strides[i] *= each;
    } else {
      const int64_t each = to / from;
      bool whole = g.shape[last] % each == 0 && g.offset % each == 0;
      for (int i = 0; i < last; ++i) whole &= g.strides[i] % each == 0;
      if (!whole) {
        throw ShapeError("sizes, strides and offset must be multiples of " + std::to_string(each) +
                         " elements: the shape is " + to_string(g.shape) + ", the strides " +
                         to_string(g.strides) + ", the offset " + std::to_string(g.offset));
      }
      g.shape[last] /= each;
      g.offset /= each;
      for (int i = 0; i < last; ++i) g.strides[i] /= each;
    }
    return g;
  }
};

template <>
struct Rule<Embed> {
  static constexpr SaveMask saves[] = {saves_nothing};
  static Spec infer(const Embed& op, Inputs in) { return Spec::dense(in[0].dtype(), op.shape); }
  static Grads vjp(const Embed& op, const Saved& saved, Grads gy) {
    const Tensor whole = contiguous(gy[0]);
    return {as_strided(whole, saved.shape(0), op.stride, whole.storage_offset() + op.offset)};
  }
};

// What is written over has no gradient; the rest keeps its own.
template <>
struct Rule<ViewUpdate> {
  static constexpr SaveMask saves[] = {saves_nothing};
  static Spec infer(const ViewUpdate& op, Inputs in) {
    return {in[0].dtype(), in[0].shape(), op.input_stride};
  }
  static Grads vjp(const ViewUpdate& op, const Saved& saved, Grads gy) {
    const Tensor g =
        gy[0].strides() == op.input_stride ? gy[0] : clone_strided(gy[0], op.input_stride, {});
    return {saved.if_needed(0,
                            [&] {
                              const Tensor zero = zeros({}, {g.dtype(), g.device()});
                              return apply(op, {}, g, expand(zero, op.size));
                            }),
            saved.if_needed(1, [&] {
              return as_strided(g, op.size, op.stride, g.storage_offset() + op.offset);
            })};
  }
};

Tensor diagonal(const Tensor& input, int64_t offset, int64_t dim1, int64_t dim2, Location at) {
  return apply(Diagonal{offset, dim1, dim2}, at, input);
}

Tensor diag_embed(const Tensor& input, int64_t offset, int64_t dim1, int64_t dim2, Location at) {
  return composite("diag_embed", at, [&] {
    check_defined(input);
    if (input.dim() == 0) throw ShapeError("a 0-d tensor has no dimension to put on a diagonal");
    const int rank = input.dim() + 1;
    const int a = wrap_dim(dim1, rank), b = wrap_dim(dim2, rank);
    if (a == b) throw ValueError("dim1 and dim2 name the same dimension, " + std::to_string(a));
    int64_t size;
    if (__builtin_add_overflow(input.shape().back(), offset < 0 ? -(offset + 1) : offset, &size) ||
        __builtin_add_overflow(size, int64_t(offset < 0), &size)) {
      throw ShapeError("offset " + std::to_string(offset) + " is too large");
    }
    Dims shape = input.shape();
    shape.pop_back();
    shape.insert(std::min(a, b), size);
    shape.insert(std::max(a, b), size);
    return embed(input, shape, diagonal_of(dense(shape), offset, a, b), at);
  });
}

Tensor diag(const Tensor& input, int64_t diagonal, Location at) {
  return composite("diag", at, [&] {
    check_defined(input);
    if (input.dim() == 1) return diag_embed(input, diagonal, 0, 1, at);
    if (input.dim() == 2) return clone(entasis::diagonal(input, diagonal, 0, 1, at), at);
    throw ShapeError("needs a vector or a matrix, the shape is " + to_string(input.shape()));
  });
}

Tensor diagflat(const Tensor& input, int64_t offset, Location at) {
  return composite("diagflat", at, [&] {
    check_defined(input);
    return diag_embed(reshape(input, {-1}, at), offset, 0, 1, at);
  });
}

Tensor unfold(const Tensor& input, int64_t dimension, int64_t size, int64_t step, Location at) {
  return apply(Unfold{dimension, size, step}, at, input);
}

Tensor as_strided(const Tensor& input, const Dims& size, const Dims& stride,
                  std::optional<int64_t> storage_offset, Location at) {
  placed("as_strided", at, [&] {
    check_defined(input);
    if (size.size() != stride.size()) {
      throw ShapeError("size " + to_string(size) + " and stride " + to_string(stride) +
                       " differ in length");
    }
    const int64_t offset = storage_offset.value_or(0);
    if (offset < 0 || std::any_of(stride.begin(), stride.end(), [](int64_t s) { return s < 0; })) {
      throw ValueError("stride " + to_string(stride) + " and storage_offset " +
                       std::to_string(offset) + " must not be negative");
    }
  });
  return apply(AsStrided{size, stride, storage_offset.value_or(input.storage_offset()),
                         input.strides(), input.storage_offset()},
               at, input);
}

Tensor view_dtype(const Tensor& input, DType dtype, Location at) {
  return apply(ViewDType{dtype}, at, input);
}

// ---- For changes through views (rule 1)
namespace engine {

template <class Op>
static ViewNode node_of(const Op& op) {
  return {&op_info<Op>, Ref<Node>::adopt(op_info<Op>.make_node(&op))};
}

ViewNode view_node(const TensorImpl& base, const TensorImpl& view) {
  return node_of(AsStrided{view.shape, view.strides, view.offset, base.strides, base.offset});
}

ViewNode view_update_node(const TensorImpl& base, const TensorImpl& view) {
  return node_of(ViewUpdate{view.shape, view.strides, view.offset - base.offset, base.strides});
}

}  // namespace engine

namespace {
constinit const Row rows[] = {
    row<&diagonal>("diagonal", args("input", "offset"_a = 0, "dim1"_a = 0, "dim2"_a = 1),
                   "A view of the diagonals of the planes of dim1 and dim2, as the last dimension; "
                   "offset counts from the main diagonal upwards."),
    row<&diag_embed>("diag_embed", args("input", "offset"_a = 0, "dim1"_a = -2, "dim2"_a = -1),
                     "Zeros with the last dimension of input on a diagonal of two new dimensions, "
                     "dim1 and dim2 of the result."),
    row<&diag>("diag", args("input", "diagonal"_a = 0),
               "A copy of a diagonal of a matrix, or the square matrix with a vector on it."),
    row<&diagflat>("diagflat", args("input", "offset"_a = 0),
                   "The square matrix with all elements of input on a diagonal."),
    row<&unfold>("unfold", args("input", "dimension", "size", "step"),
                 "A view of the windows of `size` elements along a dimension, one every `step`, "
                 "with a new last dimension that goes through a window.",
                 {.torch = "Tensor.unfold"}),
    row<&as_strided>("as_strided",
                     args("input", "size", "stride", "storage_offset"_a = std::nullopt),
                     "A view of the storage of input with any sizes, strides and offset, all in "
                     "elements; raises where that leaves the storage."),
    row<&view_dtype>("view_dtype", args("input", "dtype"),
                     "The bits of input taken for elements of another dtype, whose size may "
                     "differ: then the last dimension changes. A view without a gradient.",
                     {.torch = "Tensor.view", .method = false}),
};
constinit OpInfo* const ops[] = {&op_info<Diagonal>,  &op_info<Unfold>, &op_info<AsStrided>,
                                 &op_info<ViewDType>, &op_info<Embed>,  &op_info<ViewUpdate>};
}  // namespace
extern const RowList rows_strided;
constinit const RowList rows_strided{rows, ops};

}  // namespace entasis
