// Arithmetic: rules, gradients and public functions. Gradients are written with public ops; where
// an input may be a number, `saved.operand` gives it back.
#include <entasis/ops/arithmetic.h>

#include <array>
#include <utility>

#include <entasis/core/row.h>
#include <entasis/ops/arithmetic_internal.h>
#include <entasis/ops/division_internal.h>
#include <entasis/ops/function_rules_internal.h>
#include <entasis/ops/placed_internal.h>

namespace entasis {

template <>
struct Rule<Add> : PointwiseRule<Add> {
  static constexpr SaveMask saves[] = {saves_nothing};
  static Grads vjp(const Add&, const Saved&, Grads gy) { return {gy[0], gy[0]}; }
};

// No operand of a difference is bool.
static void check_difference(Inputs in) {
  for (const Operand& operand : in) {
    if (operand.defined() && operand.dtype() == kBool) throw DtypeError("not defined for bool");
  }
}

template <>
struct Rule<Sub> : PointwiseRule<Sub> {
  static Spec infer(const Sub& op, Inputs in) {
    check_difference(in);
    return PointwiseRule<Sub>::infer(op, in);
  }
  static constexpr SaveMask saves[] = {saves_nothing};
  static Grads vjp(const Sub&, const Saved& saved, Grads gy) {
    return {gy[0], saved.if_needed(1, [&] { return neg(gy[0]); })};
  }
};

template <>
struct Rule<Mul> : PointwiseRule<Mul> {
  static constexpr SaveMask saves[] = {saves_in(1), saves_in(0)};
  static Grads vjp(const Mul&, const Saved& saved, Grads gy) {
    return {saved.if_needed(0, [&] { return mul(gy[0], saved.operand(1)); }),
            saved.if_needed(1, [&] { return mul(gy[0], saved.operand(0)); })};
  }
};

// The quotient is kept rather than the dividend: d/db a/b = -(a/b)/b, so no square can overflow,
// and div_ can still give the gradient of its divisor.
template <>
struct Rule<Div> : PointwiseRule<Div> {
  static constexpr SaveMask saves[] = {saves_in(1), saves_in(0) | saves_in(1)};
  // By the inputs, not by the quotient: in place that may have been rounded to a coarser dtype.
  static Grads vjp(const Div&, const Saved& saved, Grads gy) {
    return {saved.if_needed(0, [&] { return div(gy[0], saved.operand(1)); }),
            saved.if_needed(1, [&] {
              const Tensor y = div(saved.operand(0), saved.operand(1));
              return neg(mul(gy[0], div(y, saved.operand(1))));
            })};
  }
};

template <>
struct Rule<Neg> : PointwiseRule<Neg> {
  static constexpr SaveMask saves[] = {saves_nothing};
  static Grads vjp(const Neg&, const Saved&, Grads gy) { return {neg(gy[0])}; }
};

template <>
struct Rule<Abs> : FromInputRule<Abs> {};

template <>
struct Rule<AddScaled> : PointwiseRule<AddScaled> {
  static constexpr SaveMask saves[] = {saves_nothing};
  static Grads vjp(const AddScaled&, const Saved& saved, Grads gy) {
    return {gy[0], saved.if_needed(1, [&] { return mul(gy[0], parameter(saved, 2)); }), Tensor()};
  }
};

template <>
struct Rule<Addcmul> : PointwiseRule<Addcmul> {
  static constexpr SaveMask saves[] = {saves_nothing, saves_in(2), saves_in(1)};
  static Grads vjp(const Addcmul&, const Saved& saved, Grads gy) {
    const auto along = [&](int other) {
      return mul(mul(gy[0], saved.in(other)), parameter(saved, 3));
    };
    return {gy[0], saved.if_needed(1, [&] { return along(2); }),
            saved.if_needed(2, [&] { return along(1); }), Tensor()};
  }
};

template <>
struct Rule<Addcdiv> : PointwiseRule<Addcdiv> {
  static constexpr SaveMask saves[] = {saves_nothing, saves_in(2), saves_in(1) | saves_in(2)};
  static Spec infer(const Addcdiv& op, Inputs in) {
    if (!is_floating_point(in[1].dtype()) && !is_floating_point(in[2].dtype())) {
      throw DtypeError(std::string("the quotient of ") + name_of(in[1].dtype()) + " and " +
                       name_of(in[2].dtype()) + " is no integer; convert one to a float");
    }
    return PointwiseRule<Addcdiv>::infer(op, in);
  }
  static Grads vjp(const Addcdiv&, const Saved& saved, Grads gy) {
    const auto along = [&] { return div(mul(gy[0], parameter(saved, 3)), saved.in(2)); };
    return {gy[0], saved.if_needed(1, along),
            saved.if_needed(2, [&] { return neg(mul(along(), div(saved.in(1), saved.in(2)))); }),
            Tensor()};
  }
};

namespace {

// a + alpha·b by `plain` where alpha is 1, else by `scaled`.
template <class Plain, class Scaled>
Tensor add_by(const char* name, Location at, const Operand& input, const Operand& other,
              const Number& alpha, Plain plain, Scaled scaled) {
  if (alpha == Number(1)) [[likely]]
    return plain();
  const Frame frame(name, at);
  if (alpha.category() != Category::kBoolean) return scaled();
  return placed(name, at, [&] {
    if (input.defined() && other.defined() && result_type(input, other) != kBool) {
      throw DtypeError("an alpha of bool scales bool only");
    }
    return alpha.to_bool() ? plain() : scaled();
  });
}

Number negative(const Number& number) {
  if (number.is_floating()) return -number.to_double();
  return int64_t(0 - uint64_t(number.to_int()));
}

}  // namespace

Tensor add(const Operand& input, const Operand& other, Number alpha, Location at) {
  return add_by(
      "add", at, input, other, alpha, [&] { return apply(Add{}, at, input, other); },
      [&] { return apply(AddScaled{}, at, input, other, alpha); });
}
Tensor add_(Tensor input, const Operand& other, Number alpha, Location at) {
  return add_by(
      "add_", at, input, other, alpha, [&] { return in_place(Add{}, at, input, other); },
      [&] { return in_place(AddScaled{}, at, input, other, alpha); });
}
Tensor sub(const Operand& input, const Operand& other, Number alpha, Location at) {
  const auto plain = [&] { return apply(Sub{}, at, input, other); };
  return add_by("sub", at, input, other, alpha, plain, [&] {
    placed("sub", at, [&] { check_difference(std::array{input, other}); });
    return apply(AddScaled{}, at, input, other, negative(alpha));
  });
}
Tensor sub_(Tensor input, const Operand& other, Number alpha, Location at) {
  const auto plain = [&] { return in_place(Sub{}, at, input, other); };
  return add_by("sub_", at, input, other, alpha, plain, [&] {
    placed("sub_", at, [&] { check_difference(std::array{Operand(input), other}); });
    return in_place(AddScaled{}, at, input, other, negative(alpha));
  });
}
Tensor rsub(const Operand& input, const Operand& other, Number alpha, Location at) {
  const Frame frame("rsub", at);
  return sub(other, input, alpha, at);
}
Tensor mul(const Operand& input, const Operand& other, Location at) {
  return apply(Mul{}, at, input, other);
}
Tensor mul_(Tensor input, const Operand& other, Location at) {
  return in_place(Mul{}, at, input, other);
}
Tensor div(const Operand& input, const Operand& other, std::optional<Rounding> rounding_mode,
           Location at) {
  if (!rounding_mode) return apply(Div{}, at, input, other);
  const Frame frame("div", at);
  return divide_rounded(input, other, *rounding_mode, at);
}
Tensor div_(Tensor input, const Operand& other, std::optional<Rounding> rounding_mode,
            Location at) {
  if (!rounding_mode) return in_place(Div{}, at, input, other);
  const Frame frame("div_", at);
  return divide_rounded_(input, other, *rounding_mode, at);
}
Tensor neg(const Tensor& input, Location at) { return apply(Neg{}, at, input); }
Tensor neg_(Tensor input, Location at) { return in_place(Neg{}, at, input); }
Tensor abs(const Tensor& input, Location at) { return apply(Abs{}, at, input); }
Tensor abs_(Tensor input, Location at) { return in_place(Abs{}, at, input); }

Tensor addcmul(const Tensor& input, const Tensor& tensor1, const Tensor& tensor2, Number value,
               Location at) {
  return apply(Addcmul{}, at, input, tensor1, tensor2, value);
}
Tensor addcmul_(Tensor input, const Tensor& tensor1, const Tensor& tensor2, Number value,
                Location at) {
  return in_place(Addcmul{}, at, input, tensor1, tensor2, value);
}
Tensor addcdiv(const Tensor& input, const Tensor& tensor1, const Tensor& tensor2, Number value,
               Location at) {
  return apply(Addcdiv{}, at, input, tensor1, tensor2, value);
}
Tensor addcdiv_(Tensor input, const Tensor& tensor1, const Tensor& tensor2, Number value,
                Location at) {
  return in_place(Addcdiv{}, at, input, tensor1, tensor2, value);
}

Tensor subtract(const Operand& input, const Operand& other, Number alpha, Location at) {
  const Frame frame("subtract", at);
  return sub(input, other, alpha, at);
}
Tensor multiply(const Operand& input, const Operand& other, Location at) {
  const Frame frame("multiply", at);
  return mul(input, other, at);
}
Tensor divide(const Operand& input, const Operand& other, std::optional<Rounding> rounding_mode,
              Location at) {
  const Frame frame("divide", at);
  return div(input, other, rounding_mode, at);
}
Tensor true_divide(const Operand& input, const Operand& other, Location at) {
  const Frame frame("true_divide", at);
  return div(input, other, at);
}
Tensor subtract_(Tensor input, const Operand& other, Number alpha, Location at) {
  const Frame frame("subtract_", at);
  return sub_(std::move(input), other, alpha, at);
}
Tensor multiply_(Tensor input, const Operand& other, Location at) {
  const Frame frame("multiply_", at);
  return mul_(std::move(input), other, at);
}
Tensor divide_(Tensor input, const Operand& other, std::optional<Rounding> rounding_mode,
               Location at) {
  const Frame frame("divide_", at);
  return div_(std::move(input), other, rounding_mode, at);
}
Tensor true_divide_(Tensor input, const Operand& other, Location at) {
  const Frame frame("true_divide_", at);
  return div_(input, other, at);
}

namespace {
using Scaled = Tensor (*)(const Operand&, const Operand&, Number, Location);
using ScaledInPlace = Tensor (*)(Tensor, const Operand&, Number, Location);
using Rounded = Tensor (*)(const Operand&, const Operand&, std::optional<Rounding>, Location);
using RoundedInPlace = Tensor (*)(Tensor, const Operand&, std::optional<Rounding>, Location);
constinit const Row rows[] = {
    row<static_cast<Scaled>(&add)>(
        "add", args("input", "other", "alpha"_a = 1),
        "The sum input + alpha * other, element by element, with broadcasting and type "
        "promotion; alpha is a number that fits the result's dtype."),
    row<static_cast<Scaled>(&sub)>(
        "sub", args("input", "other", "alpha"_a = 1),
        "The difference input - alpha * other, element by element. Two bool operands raise "
        "DtypeError."),
    row<&rsub>("rsub", args("input", "other", "alpha"_a = 1),
               "The difference other - alpha * input, element by element.", {.method = false}),
    row<&mul>("mul", args("input", "other"), "The product input * other, element by element."),
    row<static_cast<Rounded>(&div)>(
        "div", args("input", "other", "rounding_mode"_a = std::nullopt),
        "The quotient input / other, element by element: true division, of which integers "
        "give f32, or rounded by 'floor' or 'trunc' in the operands' dtype. Then integers "
        "divided by 0 raise ValueError."),
    row<&neg>("neg", args("input"), "The negative of input. Bool raises DtypeError."),
    row<&abs>("abs", args("input"),
              "The absolute value of input; the gradient at 0 is 0. Bool raises DtypeError."),
    row<&addcmul>("addcmul", args("input", "tensor1", "tensor2", "value"_a = 1),
                  "input + value * tensor1 * tensor2, element by element."),
    row<&addcdiv>(
        "addcdiv", args("input", "tensor1", "tensor2", "value"_a = 1),
        "input + value * tensor1 / tensor2, element by element. Two integer tensors raise "
        "DtypeError."),
    row<&abs_>("abs_", args("input"), "abs in place; returns input."),
    row<&neg_>("neg_", args("input"), "neg in place; returns input."),
    row<static_cast<ScaledInPlace>(&add_)>(
        "add_", args("input", "other", "alpha"_a = 1),
        "Adds alpha * other to input in place and returns input."),
    row<static_cast<ScaledInPlace>(&sub_)>(
        "sub_", args("input", "other", "alpha"_a = 1),
        "Subtracts alpha * other from input in place and returns input."),
    row<&mul_>("mul_", args("input", "other"),
               "Multiplies input by other in place and returns input."),
    row<static_cast<RoundedInPlace>(&div_)>(
        "div_", args("input", "other", "rounding_mode"_a = std::nullopt),
        "Divides input by other in place and returns input. Integer inputs raise DtypeError "
        "without a rounding mode, since the quotient is floating-point."),
    row<&addcmul_>("addcmul_", args("input", "tensor1", "tensor2", "value"_a = 1),
                   "addcmul in place; returns input."),
    row<&addcdiv_>("addcdiv_", args("input", "tensor1", "tensor2", "value"_a = 1),
                   "addcdiv in place; returns input."),
    row<&subtract>("subtract", args("input", "other", "alpha"_a = 1),
                   "The same as sub: input - alpha * other."),
    row<&multiply>("multiply", args("input", "other"), "The same as mul: input * other."),
    row<&divide>("divide", args("input", "other", "rounding_mode"_a = std::nullopt),
                 "The same as div: input / other, rounded if a rounding mode is given."),
    row<&true_divide>("true_divide", args("input", "other"),
                      "The same as div without a rounding mode: input / other."),
    row<&subtract_>("subtract_", args("input", "other", "alpha"_a = 1),
                    "The same as sub_; returns input."),
    row<&multiply_>("multiply_", args("input", "other"), "The same as mul_; returns input."),
    row<&divide_>("divide_", args("input", "other", "rounding_mode"_a = std::nullopt),
                  "The same as div_; returns input."),
    row<&true_divide_>("true_divide_", args("input", "other"),
                       "The same as div_ without a rounding mode; returns input."),
};
constinit const auto ops = infos_of(ArithmeticOps());
}  // namespace
extern const RowList rows_arithmetic;
constinit const RowList rows_arithmetic{rows, ops};

}  // namespace entasis
