// Splitting is one op that makes all its views at once, so that their gradients meet in a single
// join. The functions differ in how they choose the sizes.
#include <entasis/ops/split.h>

#include <algorithm>
#include <numeric>

#include <entasis/core/row.h>
#include <entasis/ops/factory.h>
#include <entasis/ops/join.h>
#include <entasis/ops/placed_internal.h>
#include <entasis/ops/shape.h>
#include <entasis/ops/shape_internal.h>
#include <entasis/ops/split_internal.h>

namespace entasis {
namespace {

using Sizes = std::vector<int64_t>;

constexpr size_t kMaxParts = UINT16_MAX;  // outputs of a graph node

// The gradients of the parts; zeros, of the shape that `shape_of(k)` says, for those without one.
template <class ShapeOf>
Tensors with_zeros(const Grads& gy, ShapeOf shape_of) {
  const auto any = std::find_if(gy.begin(), gy.end(), [](const Tensor& t) { return t.defined(); });
  Tensors parts;
  for (int k = 0; k < gy.size(); ++k) {
    parts.push_back(gy[k].defined() ? gy[k] : zeros(shape_of(k), {any->dtype(), any->device()}));
  }
  return parts;
}

}  // namespace

template <>
struct Rule<Split> {
  static constexpr SaveMask saves[] = {saves_nothing};
  static void views(const Split& op, const Operand& in, std::span<Geometry> out) {
    const int dim = int(op.dim);
    Geometry part = geometry_of(in);
    for (size_t k = 0; k < out.size(); ++k) {
      part.shape[dim] = op.sizes[k];
      out[k] = part;
      part.offset += op.sizes[k] * part.strides[dim];
    }
  }
  static Grads vjp(const Split& op, const Saved& saved, Grads gy) {
    return {cat(with_zeros(gy,
                           [&](int k) {
                             Dims shape = saved.shape(0);
                             shape[int(op.dim)] = op.sizes[size_t(k)];
                             return shape;
                           }),
                op.dim)};
  }
};

template <>
struct Rule<Unbind> {
  static constexpr SaveMask saves[] = {saves_nothing};
  static void views(const Unbind& op, const Operand& in, std::span<Geometry> out) {
    const int dim = int(op.dim);
    Geometry one = geometry_of(in);
    one.shape.erase(dim);
    one.strides.erase(dim);
    for (Geometry& part : out) {
      part = one;
      one.offset += in.strides()[dim];
    }
  }
  static Grads vjp(const Unbind& op, const Saved& saved, Grads gy) {
    Dims shape = saved.shape(0);
    shape.erase(int(op.dim));
    return {stack(with_zeros(gy, [&](int) { return shape; }), op.dim)};
  }
};

namespace {

template <class Op>
Tensors parts_of(const Op& op, size_t count, const Tensor& tensor, Location at) {
  const Operand operand(tensor);
  Tensors parts(count);
  if (count > 0) apply_raw(op_info<Op>, &op, {&operand, 1}, parts, at);
  return parts;
}

// Sizes that fill the dimension, which is wrapped. More than a node has outputs go in groups.
Tensors cut(const Tensor& tensor, Sizes sizes, int dim, Location at) {
  const size_t count = sizes.size();
  if (count <= kMaxParts) return parts_of(Split{std::move(sizes), dim}, count, tensor, at);
  std::vector<Sizes> groups;
  Sizes totals;
  for (size_t i = 0; i < count; i += kMaxParts) {
    const auto begin = sizes.begin() + int64_t(i);
    groups.emplace_back(begin, begin + int64_t(std::min(kMaxParts, count - i)));
    totals.push_back(std::reduce(groups.back().begin(), groups.back().end()));
  }
  Tensors parts;
  const Tensors whole = cut(tensor, totals, dim, at);
  for (size_t g = 0; g < groups.size(); ++g) {
    for (Tensor& part : cut(whole[g], groups[g], dim, at)) parts.push_back(std::move(part));
  }
  return parts;
}

// `dim` of a tensor that has dimensions. Throws ShapeError, IndexError.
int splittable_dim(const Tensor& tensor, int64_t dim) {
  check_defined(tensor);
  if (tensor.dim() == 0) throw ShapeError("a 0-d tensor cannot be split");
  return wrap_dim(dim, tensor.dim());
}

// Parts of `each` elements, the last perhaps smaller; a size of 0 is one part.
Sizes equal_sizes(int64_t size, int64_t each) {
  if (size == 0) return {0};
  Sizes sizes(size_t((size - 1) / each + 1), each);
  sizes.back() = size - each * int64_t(sizes.size() - 1);
  return sizes;
}

Sizes checked_sizes(const Sizes& sizes, int64_t size) {
  int64_t total = 0;
  bool fits = true;
  for (const int64_t s : sizes) fits &= s >= 0 && !__builtin_add_overflow(total, s, &total);
  if (!fits || total != size) {
    throw ValueError("split sizes " + to_string(sizes) +
                     " must not be negative and must add up to the dimension's size, " +
                     std::to_string(size));
  }
  return sizes;
}

Tensors split_sections(const Tensor& input, const Ints& wanted, int64_t dim, Location at) {
  const int d = splittable_dim(input, dim);
  const int64_t size = input.shape()[d];
  if (wanted.is_list()) return cut(input, checked_sizes(wanted.list(), size), d, at);
  const int64_t each = wanted.value();
  if (each < 0 || (each == 0 && size != 0)) {
    throw ValueError("split_size must be positive, it is " + std::to_string(each) + " for size " +
                     std::to_string(size));
  }
  return cut(input, equal_sizes(size, each), d, at);
}

// Cuts as Python's slices do: each part is [previous index, index), of which nothing may be left,
// or which may overlap another, so each is a view of its own.
Tensors cut_at(const Tensor& input, const Sizes& indices, int dim, Location at) {
  Tensors parts;
  int64_t start = 0;
  for (const int64_t index : indices) {
    parts.push_back(slice(input, dim, start, index, 1, at));
    start = index;
  }
  parts.push_back(slice(input, dim, start, INT64_MAX, 1, at));
  return parts;
}

Tensors split_tensor(const Tensor& input, const Ints& wanted, int64_t dim, Location at) {
  const int d = splittable_dim(input, dim);
  if (wanted.is_list()) return cut_at(input, wanted.list(), d, at);
  const int64_t size = input.shape()[d], count = wanted.value();
  if (count < 1) {
    throw ValueError("the number of sections must be positive, it is " + std::to_string(count));
  }
  Sizes sizes(size_t(count), size / count);
  for (int64_t k = 0; k < size % count; ++k) ++sizes[size_t(k)];
  return cut(input, std::move(sizes), d, at);
}

// hsplit, vsplit, dsplit.
Tensors split_along(const char* name, const Tensor& input, const Ints& wanted, int dim, int least,
                    Location at) {
  return composite(name, at, [&] {
    check_defined(input);
    if (input.dim() < least) {
      throw ShapeError("needs at least " + std::to_string(least) +
                       (least == 1 ? " dimension" : " dimensions") + ", the shape is " +
                       to_string(input.shape()));
    }
    const int64_t size = input.shape()[dim];
    if (!wanted.is_list() && (wanted.value() < 1 || size % wanted.value() != 0)) {
      throw ValueError("size " + std::to_string(size) + " of dimension " + std::to_string(dim) +
                       " does not divide into " + std::to_string(wanted.value()) + " parts");
    }
    return split_tensor(input, wanted, dim, at);
  });
}

}  // namespace

Tensors split(const Tensor& tensor, const Ints& split_size_or_sections, int64_t dim, Location at) {
  return composite("split", at,
                   [&] { return split_sections(tensor, split_size_or_sections, dim, at); });
}

Tensors split_with_sizes(const Tensor& input, const Ints& split_sizes, int64_t dim, Location at) {
  return composite("split_with_sizes", at,
                   [&] { return split_sections(input, split_sizes.list(), dim, at); });
}

Tensors chunk(const Tensor& input, int64_t chunks, int64_t dim, Location at) {
  return composite("chunk", at, [&] {
    const int d = splittable_dim(input, dim);
    if (chunks < 1) throw ValueError("chunks must be positive, it is " + std::to_string(chunks));
    const int64_t size = input.shape()[d];
    // PyTorch's: nothing is cut into as many parts as were asked for.
    if (size == 0) return cut(input, Sizes(size_t(chunks), 0), d, at);
    return cut(input, equal_sizes(size, (size - 1) / chunks + 1), d, at);
  });
}

Tensors tensor_split(const Tensor& input, const Ints& indices_or_sections, int64_t dim,
                     Location at) {
  return composite("tensor_split", at,
                   [&] { return split_tensor(input, indices_or_sections, dim, at); });
}

Tensors hsplit(const Tensor& input, const Ints& indices_or_sections, Location at) {
  const int dim = input.defined() && input.dim() == 1 ? 0 : 1;
  return split_along("hsplit", input, indices_or_sections, dim, 1, at);
}
Tensors vsplit(const Tensor& input, const Ints& indices_or_sections, Location at) {
  return split_along("vsplit", input, indices_or_sections, 0, 2, at);
}
Tensors dsplit(const Tensor& input, const Ints& indices_or_sections, Location at) {
  return split_along("dsplit", input, indices_or_sections, 2, 3, at);
}

Tensors unbind(const Tensor& input, int64_t dim, Location at) {
  return composite("unbind", at, [&] {
    check_defined(input);
    const int d = wrap_existing_dim(dim, input);
    const int64_t size = input.shape()[d];
    if (uint64_t(size) <= kMaxParts) return parts_of(Unbind{d}, size_t(size), input, at);
    Tensors parts;
    for (const Tensor& group : cut(input, equal_sizes(size, kMaxParts), d, at)) {
      for (Tensor& part : unbind(group, d, at)) parts.push_back(std::move(part));
    }
    return parts;
  });
}

namespace {
constinit const Row rows[] = {
    row<&split>("split", args("tensor", "split_size_or_sections", "dim"_a = 0),
                "Views along dim: of split_size_or_sections elements each, the last perhaps "
                "smaller, or of the sizes that a list names, which add up to the dimension's."),
    row<&split_with_sizes>("split_with_sizes", args("input", "split_sizes", "dim"_a = 0),
                           "Views of the sizes split_sizes along dim, which they fill."),
    row<&chunk>("chunk", args("input", "chunks", "dim"_a = 0),
                "At most `chunks` views of one size along dim, the last perhaps smaller."),
    row<&tensor_split>(
        "tensor_split", args("input", "indices_or_sections", "dim"_a = 0),
        "Views along dim: so many, the first ones larger by one where they cannot be equal, or "
        "those that begin and end at the indices of a list, which are clamped as in a slice."),
    row<&hsplit>("hsplit", args("input", "indices_or_sections"),
                 "tensor_split along the second dimension, of a 1-d tensor along the first; a "
                 "number of parts has to divide the size."),
    row<&vsplit>("vsplit", args("input", "indices_or_sections"),
                 "tensor_split along the first dimension of at least two; a number of parts has to "
                 "divide the size."),
    row<&dsplit>("dsplit", args("input", "indices_or_sections"),
                 "tensor_split along the third dimension; a number of parts has to divide the "
                 "size."),
    row<&unbind>("unbind", args("input", "dim"_a = 0),
                 "A view for each index along dim, without that dimension."),
};
constinit OpInfo* const ops[] = {&op_info<Split>, &op_info<Unbind>};
}  // namespace
extern const RowList rows_split;
constinit const RowList rows_split{rows, ops};

}  // namespace entasis
