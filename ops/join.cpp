// Joining is one op over any number of tensors; splitting is one op that makes all its views at
// once, so that their gradients meet in a single join.
#include <entasis/ops/join.h>

#include <algorithm>

#include <entasis/core/row.h>
#include <entasis/ops/copy.h>
#include <entasis/ops/factory.h>
#include <entasis/ops/join_internal.h>
#include <entasis/ops/placed_internal.h>
#include <entasis/ops/shape.h>

namespace entasis {
namespace {

constexpr int64_t kMaxParts = UINT16_MAX;  // outputs of a graph node

// The shape of the joined tensor, its size along `dim` counted up.
Dims joined_shape(Inputs in, int64_t dim) {
  Dims shape{0};
  int first = -1, wrapped = 0;
  for (int i = 0; i < int(in.size()); ++i) {
    const Dims& next = in[size_t(i)].shape();
    if (is_nothing(next)) continue;
    if (next.empty()) {
      throw ShapeError("input " + std::to_string(i) +
                       " is 0-d and has no dimension to join along; stack joins such tensors");
    }
    if (first < 0) {
      first = i;
      shape = next;
      wrapped = wrap_dim(dim, next.size());
      continue;
    }
    Dims expected = shape;
    if (next.size() == shape.size()) expected[wrapped] = next[wrapped];
    if (!(next == expected)) {
      throw ShapeError("input " + std::to_string(i) + " has shape " + to_string(next) +
                       " and input " + std::to_string(first) + " " +
                       to_string(in[size_t(first)].shape()) + "; they may differ in dimension " +
                       std::to_string(wrapped) + " only");
    }
    if (__builtin_add_overflow(shape[wrapped], next[wrapped], &shape[wrapped])) {
      throw ShapeError("the sizes along dimension " + std::to_string(wrapped) + " exceed 2^63");
    }
  }
  if (first < 0) wrap_dim(dim, 1);
  return shape;
}

// Channels-last if all inputs are, at least one of them without doubt (rule 3).
// Whether the strides speak for NHWC: each is no less than those further in would fill. PyTorch's
// rule, by which strides that fit both orders, and tensors without elements, speak for NCHW.
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

bool joins_channels_last(Inputs in) {
  bool any = false;
  for (const Operand& o : in) {
    if (is_nothing(o.shape())) continue;
    if (!suggests_channels_last(o.tensor())) return false;
    any = true;
  }
  return any;
}

int64_t parts_of(const Dims& shape, int64_t split_size, int dim) {
  const int64_t size = shape[dim];
  return size == 0 ? 1 : (size - 1) / split_size + 1;
}

}  // namespace

template <>
struct Rule<Cat> {
  static constexpr SaveMask saves[] = {saves_nothing};
  static Spec infer(const Cat& op, Inputs in) {
    const Dims shape = joined_shape(in, op.dim);
    for (const Operand& o : in) {
      if (o.dtype() != in[0].dtype()) {
        throw DtypeError(std::string("inputs are ") + name_of(in[0].dtype()) + " and " +
                         name_of(o.dtype()));
      }
    }
    Spec spec = Spec::dense(in[0].dtype(), shape);
    if (joins_channels_last(in)) spec.strides = channels_last_strides(shape);
    return spec;
  }
  static Grads vjp(const Cat& op, const Saved& saved, Grads gy) {
    const int dim = wrap_dim(op.dim, gy[0].dim());
    Grads gx;
    int64_t start = 0;
    for (int i = 0; i < saved.inputs(); ++i) {
      const Dims& shape = saved.shape(i);
      const bool nothing = is_nothing(shape);
      gx.push_back(saved.if_needed(i, [&] {
        return nothing ? zeros(shape, {gy[0].dtype(), gy[0].device()})
                       : narrow(gy[0], dim, start, shape[dim]);
      }));
      if (!nothing) start += shape[dim];
    }
    return gx;
  }
};

template <>
struct Rule<Split> {
  static constexpr SaveMask saves[] = {saves_nothing};
  static void views(const Split& op, const Operand& in, std::span<Geometry> out) {
    const int dim = int(op.dim);
    int64_t start = 0;
    for (Geometry& part : out) {
      part = {in.shape(), in.strides(), in.tensor().storage_offset() + start * in.strides()[dim]};
      part.shape[dim] = std::min(op.split_size, in.size(dim) - start);
      start += op.split_size;
    }
  }
  static Grads vjp(const Split& op, const Saved& saved, Grads gy) {
    const Tensor* any =
        std::find_if(gy.begin(), gy.end(), [](const Tensor& t) { return t.defined(); });
    Tensors parts;
    for (int k = 0; k < gy.size(); ++k) {
      Dims shape = saved.shape(0);
      shape[int(op.dim)] = std::min(op.split_size, shape[int(op.dim)] - k * op.split_size);
      parts.push_back(gy[k].defined() ? gy[k] : zeros(shape, {any->dtype(), any->device()}));
    }
    return {cat(parts, op.dim)};
  }
};

Tensor cat(const Tensors& tensors, int64_t dim, Location at) {
  if (tensors.size() == 1) return apply(Cat{dim}, at, tensors[0]);
  const Frame frame("cat", at);
  SmallVector<Operand, 8> operands;
  for (const Tensor& t : tensors) operands.push_back(t);
  const Inputs inputs(operands.data(), size_t(operands.size()));
  const DType dtype = placed("cat", at, [&] {
    if (tensors.empty()) throw ValueError("needs at least one tensor");
    for (size_t i = 0; i < tensors.size(); ++i) {
      if (!tensors[i].defined()) {
        throw ValueError("input " + std::to_string(i) + " is an undefined tensor");
      }
    }
    return result_type(inputs);
  });
  Tensors cast;  // keeps what the operands refer to
  cast.reserve(tensors.size());
  for (int i = 0; i < operands.size(); ++i) {
    if (operands[i].dtype() == dtype) continue;
    cast.push_back(to(tensors[size_t(i)], dtype, at));
    operands[i] = cast.back();
  }
  return apply_list(Cat{dim}, at, inputs);
}

Tensor stack(const Tensors& tensors, int64_t dim, Location at) {
  const Frame frame("stack", at);
  const int wrapped = placed("stack", at, [&] {
    if (tensors.empty()) throw ValueError("needs at least one tensor");
    for (size_t i = 0; i < tensors.size(); ++i) {
      if (!tensors[i].defined()) {
        throw ValueError("input " + std::to_string(i) + " is an undefined tensor");
      }
      if (!(tensors[i].shape() == tensors[0].shape())) {
        throw ShapeError("input " + std::to_string(i) + " has shape " +
                         to_string(tensors[i].shape()) + ", input 0 " +
                         to_string(tensors[0].shape()));
      }
    }
    return wrap_dim(dim, tensors[0].dim() + 1);
  });
  Tensors lifted;
  lifted.reserve(tensors.size());
  for (const Tensor& t : tensors) lifted.push_back(unsqueeze(t, wrapped, at));
  return cat(lifted, wrapped, at);
}

Tensors split(const Tensor& tensor, int64_t split_size, int64_t dim, Location at) {
  const int wrapped = placed("split", at, [&] {
    if (tensor.dim() == 0) throw ShapeError("a 0-d tensor cannot be split");
    const int d = wrap_dim(dim, tensor.dim());
    if (split_size < 0 || (split_size == 0 && tensor.shape()[d] != 0)) {
      throw ValueError("split_size must be positive, it is " + std::to_string(split_size) +
                       " for size " + std::to_string(tensor.shape()[d]));
    }
    return d;
  });
  const int64_t count = parts_of(tensor.shape(), split_size, wrapped);
  if (count > kMaxParts) {
    Tensors parts;
    for (const Tensor& group : split(tensor, split_size * kMaxParts, wrapped, at)) {
      for (Tensor& part : split(group, split_size, wrapped, at)) parts.push_back(std::move(part));
    }
    return parts;
  }
  const Split op{split_size, wrapped};
  const Operand operand(tensor);
  Tensors parts(static_cast<size_t>(count));
  apply_raw(op_info<Split>, &op, {&operand, 1}, parts, at);
  return parts;
}

namespace {
constinit const Row rows[] = {
    row<&cat>("cat", args("tensors", "dim"_a = 0),
              "Joins tensors along dim. Their shapes agree in every other dimension; dtypes "
              "promote. A tensor of shape [0] joins anything and adds nothing.",
              {.method = false}),
    row<&stack>("stack", args("tensors", "dim"_a = 0),
                "Joins tensors of one shape along a new dimension dim.", {.method = false}),
    row<&split>("split", args("tensor", "split_size", "dim"_a = 0),
                "Views of split_size elements each along dim; the last may be smaller."),
};
constinit OpInfo* const ops[] = {&op_info<Cat>, &op_info<Split>};
}  // namespace
extern const RowList rows_join;
constinit const RowList rows_join{rows, ops};

}  // namespace entasis
