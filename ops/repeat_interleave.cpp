// A number of repeats is a view that repeats without memory, and a copy. A tensor of repeats is
// turned into indices, which index_select() reads by.
#include <entasis/ops/repeat_interleave.h>

#include <entasis/core/row.h>
#include <entasis/ops/copy.h>
#include <entasis/ops/copy_internal.h>
#include <entasis/ops/lookup.h>
#include <entasis/ops/placed_internal.h>
#include <entasis/ops/repeat_interleave_internal.h>
#include <entasis/ops/shape.h>
#include <entasis/ops/shape_internal.h>

namespace entasis {

void throw_negative_repeats() { throw ValueError("repeats must not be negative"); }

template <>
struct Rule<RepeatIndices> {
  static constexpr OpFlags flags = kDataDependent | kSynchronizes;
  static Spec infer(const RepeatIndices&, Inputs, Counts counts) {
    return Spec::dense(kI64, {counts[0]});
  }
};

namespace {

Tensor repeat_each(const Tensor& x, int64_t repeats, int d, Location at) {
  if (repeats < 0) throw_negative_repeats();
  int64_t size;
  if (__builtin_mul_overflow(x.shape()[d], repeats, &size)) {
    throw ShapeError("size " + std::to_string(x.shape()[d]) + " times " + std::to_string(repeats) +
                     " exceeds 2^63");
  }
  Dims shape = x.shape(), result = x.shape();
  shape.insert(d + 1, repeats);
  result[d] = size;
  const Tensor wide = expand(unsqueeze(x, d + 1, at), shape, at);
  return reshape(clone_strided(wide, contiguous_strides(shape), at), result, at);
}

Tensor indices_of(const Tensor& repeats, Location at) {
  if (!is_integer(repeats.dtype())) {
    throw DtypeError(std::string("repeats must be whole numbers, they are ") +
                     name_of(repeats.dtype()));
  }
  if (repeats.dim() > 1) {
    throw ShapeError("repeats must have at most 1 dimension, their shape is " +
                     to_string(repeats.shape()));
  }
  return apply(RepeatIndices{}, at, contiguous(to(repeats, kI64, at), at));
}

Tensor repeat_by(const Tensor& x, const Tensor& repeats, int d, Location at) {
  const int64_t size = x.shape()[d];
  Tensor each = repeats;
  if (repeats.dim() < 2 && repeats.numel() == 1) {
    each = expand(reshape(repeats, {1}, at), {size}, at);
  } else if (repeats.dim() == 1 && repeats.numel() != size) {
    throw ShapeError(std::to_string(repeats.numel()) + " repeats for size " + std::to_string(size) +
                     " of dimension " + std::to_string(d));
  }
  return index_select(x, d, indices_of(each, at), at);
}

void check_output_size(const std::optional<int64_t>& wanted, int64_t size) {
  if (wanted && *wanted != size) {
    throw ValueError("output_size is " + std::to_string(*wanted) + ", the result has size " +
                     std::to_string(size));
  }
}

}  // namespace

Tensor repeat_interleave(const Tensor& input, const Operand& repeats, std::optional<int64_t> dim,
                         std::optional<int64_t> output_size, Location at) {
  return composite("repeat_interleave", at, [&] {
    check_defined(input);
    if (!repeats.defined()) {
      const Tensor indices = to(indices_of(input, at), input.dtype(), at);
      check_output_size(output_size, indices.numel());
      return indices;
    }
    const Tensor x = dim ? input : reshape(input, {-1}, at);
    const int d = wrap_existing_dim(dim.value_or(0), x);
    if (repeats.is_number() && repeats.number().category() != Category::kInteger) {
      throw DtypeError("repeats must be whole numbers, they are " + to_string(repeats.number()));
    }
    const Tensor result = repeats.is_number() ? repeat_each(x, repeats.number().to_int(), d, at)
                                              : repeat_by(x, repeats.tensor(), d, at);
    check_output_size(output_size, result.shape()[d]);
    return result;
  });
}

namespace {
constinit const Row rows[] = {
    row<&repeat_interleave>(
        "repeat_interleave",
        args("input", "repeats"_a = std::nullopt, "dim"_a = std::nullopt,
             "output_size"_a = std::nullopt),
        "Element i along dim, or of all elements in row-major order, `repeats` or repeats[i] times "
        "in a row. A tensor of repeats waits for the device, since the shape depends on values. "
        "Without repeats input is taken for them, and the result is the indices."),
};
constinit OpInfo* const ops[] = {&op_info<RepeatIndices>};
}  // namespace
extern const RowList rows_repeat_interleave;
constinit const RowList rows_repeat_interleave{rows, ops};

}  // namespace entasis
