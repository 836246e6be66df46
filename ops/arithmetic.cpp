// Arithmetic: rules, gradients and public functions. Gradients are written with public ops; where an
// input may be a number, `saved.operand` gives it back.
#include <entasis/ops/arithmetic.h>

#include <entasis/core/row.h>
#include <entasis/ops/pointwise_internal.h>

namespace entasis {

template <> struct Rule<Add> : PointwiseRule<Add> {
  static constexpr SaveMask saves[] = {saves_nothing};
  static Grads vjp(const Add&, const Saved&, Grads gy) { return {gy[0], gy[0]}; }
};

template <> struct Rule<Sub> : PointwiseRule<Sub> {
  static constexpr SaveMask saves[] = {saves_nothing};
  static Grads vjp(const Sub&, const Saved& saved, Grads gy) {
    return {gy[0], saved.if_needed(1, [&] { return mul(gy[0], -1); })};
  }
};

template <> struct Rule<Mul> : PointwiseRule<Mul> {
  static constexpr SaveMask saves[] = {saves_in(1), saves_in(0)};
  static Grads vjp(const Mul&, const Saved& saved, Grads gy) {
    return {saved.if_needed(0, [&] { return mul(gy[0], saved.operand(1)); }),
            saved.if_needed(1, [&] { return mul(gy[0], saved.operand(0)); })};
  }
};

// The quotient is kept rather than the dividend: d/db a/b = -(a/b)/b, so no square can overflow, and
// div_ can still give the gradient of its divisor.
template <> struct Rule<Div> : PointwiseRule<Div> {
  static constexpr SaveMask saves[] = {saves_in(1), saves_in(1) | saves_out(0)};
  static Grads vjp(const Div&, const Saved& saved, Grads gy) {
    return {saved.if_needed(0, [&] { return div(gy[0], saved.operand(1)); }),
            saved.if_needed(1, [&] {
              return mul(gy[0], mul(div(saved.out(0), saved.operand(1)), -1));
            })};
  }
};

// Comparisons have no gradient.
template <> struct Rule<Eq> : PointwiseRule<Eq> {};
template <> struct Rule<Ne> : PointwiseRule<Ne> {};
template <> struct Rule<Lt> : PointwiseRule<Lt> {};
template <> struct Rule<Le> : PointwiseRule<Le> {};
template <> struct Rule<Gt> : PointwiseRule<Gt> {};
template <> struct Rule<Ge> : PointwiseRule<Ge> {};

Tensor add(const Operand& input, const Operand& other, Location at) {
  return apply(Add{}, at, input, other);
}
Tensor sub(const Operand& input, const Operand& other, Location at) {
  return apply(Sub{}, at, input, other);
}
Tensor mul(const Operand& input, const Operand& other, Location at) {
  return apply(Mul{}, at, input, other);
}
Tensor div(const Operand& input, const Operand& other, Location at) {
  return apply(Div{}, at, input, other);
}

Tensor eq(const Operand& input, const Operand& other, Location at) {
  return apply(Eq{}, at, input, other);
}
Tensor ne(const Operand& input, const Operand& other, Location at) {
  return apply(Ne{}, at, input, other);
}
Tensor lt(const Operand& input, const Operand& other, Location at) {
  return apply(Lt{}, at, input, other);
}
Tensor le(const Operand& input, const Operand& other, Location at) {
  return apply(Le{}, at, input, other);
}
Tensor gt(const Operand& input, const Operand& other, Location at) {
  return apply(Gt{}, at, input, other);
}
Tensor ge(const Operand& input, const Operand& other, Location at) {
  return apply(Ge{}, at, input, other);
}

Tensor add_(Tensor input, const Operand& other, Location at) {
  apply_in_place(Add{}, at, input, other);
  return input;
}
Tensor sub_(Tensor input, const Operand& other, Location at) {
  apply_in_place(Sub{}, at, input, other);
  return input;
}
Tensor mul_(Tensor input, const Operand& other, Location at) {
  apply_in_place(Mul{}, at, input, other);
  return input;
}
Tensor div_(Tensor input, const Operand& other, Location at) {
  apply_in_place(Div{}, at, input, other);
  return input;
}

namespace {
constinit const Row rows[] = {
    row<&add>("add", args("input", "other"),
              "The sum input + other, element by element, with broadcasting and type promotion."),
    row<&sub>("sub", args("input", "other"),
              "The difference input - other, element by element. Two bool operands raise DtypeError."),
    row<&mul>("mul", args("input", "other"), "The product input * other, element by element."),
    row<&div>("div", args("input", "other"),
              "The true quotient input / other, element by element; integers give f32."),
    row<&eq>("eq", args("input", "other"), "Whether input equals other, element by element; a bool tensor."),
    row<&ne>("ne", args("input", "other"), "Whether input differs from other, element by element; a bool tensor."),
    row<&lt>("lt", args("input", "other"), "Whether input is less than other, element by element; a bool tensor."),
    row<&le>("le", args("input", "other"), "Whether input is at most other, element by element; a bool tensor."),
    row<&gt>("gt", args("input", "other"), "Whether input is greater than other, element by element; a bool tensor."),
    row<&ge>("ge", args("input", "other"), "Whether input is at least other, element by element; a bool tensor."),
    row<&add_>("add_", args("input", "other"), "Adds other to input in place and returns input."),
    row<&sub_>("sub_", args("input", "other"),
               "Subtracts other from input in place and returns input."),
    row<&mul_>("mul_", args("input", "other"),
               "Multiplies input by other in place and returns input."),
    row<&div_>("div_", args("input", "other"),
               "Divides input by other in place and returns input. Integer inputs raise DtypeError, "
               "since the quotient is floating-point."),
};
constinit OpInfo* const ops[] = {&op_info<Add>, &op_info<Sub>, &op_info<Mul>, &op_info<Div>,
                                 &op_info<Eq>, &op_info<Ne>, &op_info<Lt>, &op_info<Le>, &op_info<Gt>, &op_info<Ge>};
}  // namespace
extern const RowList rows_arithmetic;
constinit const RowList rows_arithmetic{rows, ops};

}  // namespace entasis
