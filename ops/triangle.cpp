// Triangles: one op for both, which is its own gradient, and one that fills a tensor with indices.
#include <entasis/ops/triangle.h>

#include <entasis/core/row.h>
#include <entasis/ops/factory_internal.h>
#include <entasis/ops/placed_internal.h>
#include <entasis/ops/triangle_internal.h>

namespace entasis {

template <>
struct Rule<Triangle> {
  static constexpr SaveMask saves[] = {saves_nothing};
  static constexpr OpFlags flags = kPointwise;
  static Spec infer(const Triangle&, Inputs in) {
    if (in[0].dim() < 2) {
      throw ShapeError("needs at least 2 dimensions, the shape is " + to_string(in[0].shape()));
    }
    return Spec::dense(in[0].dtype(), in[0].shape());
  }
  static Grads vjp(const Triangle& op, const Saved&, Grads gy) { return {apply(op, {}, gy[0])}; }
};

template <>
struct Rule<TriangleIndices> : FillRule<TriangleIndices> {};

namespace {

Tensor indices(const char* name, TriangleIndices op, const TensorOptions& options, Location at) {
  const Frame frame(name, at);
  const DType dtype = options.dtype.value_or(kI64);
  Tensor tensor = placed(name, at, [&] {
    if (op.rows < 0 || op.columns < 0) {
      throw ValueError("row and col must not be negative, they are " + std::to_string(op.rows) +
                       " and " + std::to_string(op.columns));
    }
    if (dtype != kI64 && dtype != kI32) {
      throw DtypeError(std::string("indices are i64 or i32, not ") + name_of(dtype));
    }
    count_elements({op.rows, op.columns});
    op.offset = clamp_diagonal(op.offset, op.rows, op.columns);
    const int64_t count =
        op.columns == 0 ? 0 : triangle_before(op.rows, op.columns, op.offset, op.upper);
    return new_tensor({2, count}, dtype, options);
  });
  apply_in_place(op, at, tensor);
  return finish(std::move(tensor), options, at);
}

}  // namespace

Tensor tril(const Tensor& input, int64_t diagonal, Location at) {
  const Frame frame("tril", at);
  return apply(Triangle{diagonal, false}, at, input);
}
Tensor triu(const Tensor& input, int64_t diagonal, Location at) {
  const Frame frame("triu", at);
  return apply(Triangle{diagonal, true}, at, input);
}
Tensor tril_(Tensor input, int64_t diagonal, Location at) {
  const Frame frame("tril_", at);
  apply_in_place(Triangle{diagonal, false}, at, input);
  return input;
}
Tensor triu_(Tensor input, int64_t diagonal, Location at) {
  const Frame frame("triu_", at);
  apply_in_place(Triangle{diagonal, true}, at, input);
  return input;
}

Tensor tril_indices(int64_t row, int64_t col, int64_t offset, const TensorOptions& options,
                    Location at) {
  return indices("tril_indices", {row, col, offset, false}, options, at);
}
Tensor triu_indices(int64_t row, int64_t col, int64_t offset, const TensorOptions& options,
                    Location at) {
  return indices("triu_indices", {row, col, offset, true}, options, at);
}

namespace {
constinit const Row rows[] = {
    row<&tril>("tril", args("input", "diagonal"_a = 0),
               "The elements on and below a diagonal of the last two dimensions, zeros above; "
               "diagonal counts from the main one upwards."),
    row<&triu>("triu", args("input", "diagonal"_a = 0),
               "The elements on and above a diagonal of the last two dimensions, zeros below; "
               "diagonal counts from the main one upwards."),
    row<&tril_>("tril_", args("input", "diagonal"_a = 0),
                "tril in place: sets the elements above a diagonal to zero."),
    row<&triu_>("triu_", args("input", "diagonal"_a = 0),
                "triu in place: sets the elements below a diagonal to zero."),
};
constinit OpInfo* const ops[] = {&op_info<Triangle>, &op_info<TriangleIndices>};
}  // namespace
extern const RowList rows_triangle;
constinit const RowList rows_triangle{rows, ops};

}  // namespace entasis
