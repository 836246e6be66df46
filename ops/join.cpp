// Joining is one op over any number of tensors; stacks are views of its inputs and that op.
#include <entasis/ops/join.h>

#include <entasis/core/row.h>
#include <entasis/ops/copy.h>
#include <entasis/ops/factory.h>
#include <entasis/ops/join_internal.h>
#include <entasis/ops/placed_internal.h>
#include <entasis/ops/shape.h>
#include <entasis/ops/shape_internal.h>

namespace entasis {
namespace {

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
bool joins_channels_last(Inputs in) {
  bool any = false;
  for (const Operand& o : in) {
    if (is_nothing(o.shape())) continue;
    if (!suggests_channels_last(o.tensor())) return false;
    any = true;
  }
  return any;
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

Tensor cat(const Tensors& tensors, int64_t dim, Location at) {
  if (tensors.size() == 1) return apply(Cat{dim}, at, tensors[0]);
  const Frame frame("cat", at);
  SmallVector<Operand, 8> operands;
  for (const Tensor& t : tensors) operands.push_back(t);
  const Inputs inputs(operands.data(), size_t(operands.size()));
  const DType dtype = placed("cat", at, [&] {
    check_not_empty(tensors);
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
    check_not_empty(tensors);
    for (size_t i = 0; i < tensors.size(); ++i) {
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

namespace {

// With at least `rank` dimensions: new ones of size 1 come first, but for the third, which comes
// last (NumPy's atleast_3d).
Tensor lifted(const Tensor& t, int rank, Location at) {
  Dims shape = t.shape();
  if (rank > 0 && shape.empty()) shape.push_back(1);
  if (rank > 1 && shape.size() == 1) shape.insert(0, 1);
  if (rank > 2 && shape.size() == 2) shape.push_back(1);
  return shape.size() == t.dim() ? t : reshape(t, shape, at);
}

// The tensors as `lift` makes them, joined along `dim`.
template <class Lift>
Tensor cat_lifted(const Tensors& tensors, int dim, Location at, Lift lift) {
  Tensors parts;
  parts.reserve(tensors.size());
  for (const Tensor& t : tensors) parts.push_back(lift(t));
  return cat(parts, dim, at);
}

}  // namespace

Tensor hstack(const Tensors& tensors, Location at) {
  return composite("hstack", at, [&] {
    check_not_empty(tensors);
    return cat_lifted(tensors, tensors[0].dim() < 2 ? 0 : 1, at,
                      [at](const Tensor& t) { return lifted(t, 1, at); });
  });
}
Tensor vstack(const Tensors& tensors, Location at) {
  return composite("vstack", at, [&] {
    check_not_empty(tensors);
    return cat_lifted(tensors, 0, at, [at](const Tensor& t) { return lifted(t, 2, at); });
  });
}
Tensor dstack(const Tensors& tensors, Location at) {
  return composite("dstack", at, [&] {
    check_not_empty(tensors);
    return cat_lifted(tensors, 2, at, [at](const Tensor& t) { return lifted(t, 3, at); });
  });
}
Tensor column_stack(const Tensors& tensors, Location at) {
  return composite("column_stack", at, [&] {
    check_not_empty(tensors);
    return cat_lifted(tensors, 1, at, [at](const Tensor& t) {
      return t.dim() > 1 ? t : reshape(t, {t.numel(), 1}, at);
    });
  });
}

namespace {
constinit const Row rows[] = {
    row<&cat>("cat", args("tensors", "dim"_a = 0),
              "Joins tensors along dim. Their shapes agree in every other dimension; dtypes "
              "promote. A tensor of shape [0] joins anything and adds nothing.",
              {.method = false}),
    row<&stack>("stack", args("tensors", "dim"_a = 0),
                "Joins tensors of one shape along a new dimension dim.", {.method = false}),
    row<&hstack>("hstack", args("tensors"),
                 "Joins tensors along the second dimension, 1-d ones along the first.",
                 {.method = false}),
    row<&vstack>("vstack", args("tensors"),
                 "Joins tensors along the first dimension; 1-d ones count as rows.",
                 {.method = false}),
    row<&dstack>("dstack", args("tensors"),
                 "Joins tensors along the third dimension, which those of fewer dimensions get.",
                 {.method = false}),
    row<&column_stack>("column_stack", args("tensors"),
                       "Joins tensors along the second dimension; 1-d ones count as columns.",
                       {.method = false}),
};
constinit OpInfo* const ops[] = {&op_info<Cat>};
}  // namespace
extern const RowList rows_join;
constinit const RowList rows_join{rows, ops};

}  // namespace entasis
