// Arithmetic: rules, gradients and public functions. Gradients are written with public ops; where
// an input may be a number, `saved.operand` gives it back.
#include <entasis/ops/arithmetic.h>

#include <cmath>

#include <entasis/core/row.h>
#include <entasis/ops/copy.h>
#include <entasis/ops/exponential.h>
#include <entasis/ops/factory.h>
#include <entasis/ops/function_rules_internal.h>
#include <entasis/ops/placed_internal.h>

namespace entasis {

template <>
struct Rule<Add> : PointwiseRule<Add> {
  static constexpr SaveMask saves[] = {saves_nothing};
  static Grads vjp(const Add&, const Saved&, Grads gy) { return {gy[0], gy[0]}; }
};

template <>
struct Rule<Sub> : PointwiseRule<Sub> {
  static Spec infer(const Sub& op, Inputs in) {
    for (const Operand& operand : in) {
      if (operand.dtype() == kBool) throw DtypeError("not defined for bool");
    }
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

// d/dx x^e = e·x^(e-1), which is 0 for e = 0 whatever x is; d/de x^e = x^e·log x, which is 0 where
// 0 is raised to a power that is not negative. Both as in PyTorch.
template <>
struct Rule<Pow> : PointwiseRule<Pow> {
  static constexpr SaveMask saves[] = {saves_in(0) | saves_in(1),
                                       saves_in(0) | saves_in(1) | saves_out(0)};
  static Spec infer(const Pow& op, Inputs in) {
    Spec spec = PointwiseRule<Pow>::infer(op, in);
    if (is_integer(spec.dtype) && in[1].is_number() && in[1].number().to_int() < 0) {
      throw ValueError("an integer to the negative power " + to_string(in[1].number()) +
                       " is no integer");
    }
    return spec;
  }
  static Grads vjp(const Pow&, const Saved& saved, Grads gy) {
    return {saved.if_needed(0, [&] { return along_base(saved, gy[0]); }),
            saved.if_needed(1, [&] { return along_exponent(saved, gy[0]); })};
  }

 private:
  // In the result's dtype: that of the base may be coarser.
  static Tensor along_base(const Saved& saved, const Tensor& gy) {
    const Tensor x = to(saved.in(0), gy.dtype());
    const Edge& exponent = saved.node().edges[1];
    if (exponent.is_number) {
      const double e = exponent.number.to_double();
      if (e == 0) return zeros_like(gy);
      if (e == 1) return gy;
      return mul(gy, mul(pow(x, e - 1), e));
    }
    // Only 0^0 needs care: elsewhere a factor of 0 does it.
    const Tensor e = to(saved.in(1), gy.dtype());
    const Tensor base = where(mul(eq(x, 0), eq(e, 0)), 1, x);
    return mul(gy, mul(pow(base, sub(e, 1)), e));
  }
  static Tensor along_exponent(const Saved& saved, const Tensor& gy) {
    const Tensor y = saved.out(0), e = saved.in(1);
    const Edge& base = saved.node().edges[0];
    if (base.is_number) {
      const double x = base.number.to_double();
      const Tensor slope = mul(y, std::log(x));
      return mul(gy, x == 0 ? where(ge(e, 0), 0, slope) : slope);
    }
    const Tensor x = to(saved.in(0), gy.dtype());
    const Tensor flat = mul(eq(x, 0), ge(e, 0));
    return mul(gy, mul(y, log(where(flat, 1, x))));
  }
};

// Where an input wins it has the whole gradient, where both are equal half of it. NaN wins.
template <class Op, auto loses>
struct ExtremumRule : PointwiseRule<Op> {
  static constexpr SaveMask saves[] = {saves_in(0) | saves_in(1), saves_in(0) | saves_in(1)};
  static Grads vjp(const Op&, const Saved& saved, Grads gy) {
    const SavedOperand a = saved.operand(0), b = saved.operand(1);
    const Tensor shared = where(eq(a, b), mul(gy[0], 0.5), gy[0]);
    return {saved.if_needed(0, [&] { return where(loses(a, b, {}), 0, shared); }),
            saved.if_needed(1, [&] { return where(loses(b, a, {}), 0, shared); })};
  }
};
template <>
struct Rule<Maximum> : ExtremumRule<Maximum, &lt> {};
template <>
struct Rule<Minimum> : ExtremumRule<Minimum, &gt> {};

// The gradient passes to the input between the limits and at them, else to the limit that holds;
// the upper one does where they cross.
template <>
struct Rule<Clamp> : PointwiseRule<Clamp> {
  static constexpr SaveMask saves[] = {saves_in(0) | saves_in(1) | saves_in(2)};
  static Grads vjp(const Clamp&, const Saved& saved, Grads gy) {
    const Tensor x = saved.in(0);
    const SavedOperand low = saved.operand(1), high = saved.operand(2);
    return {saved.if_needed(0, [&] { return where(mul(ge(x, low), le(x, high)), gy[0], 0); }),
            saved.if_needed(1, [&] { return where(mul(lt(low, high), lt(x, low)), gy[0], 0); }),
            saved.if_needed(
                2, [&] { return where(gt(x, high), gy[0], where(lt(high, low), gy[0], 0)); })};
  }
};
template <class Op, auto inside, auto outside>
struct OneLimitRule : PointwiseRule<Op> {
  static constexpr SaveMask saves[] = {saves_in(0) | saves_in(1)};
  static Grads vjp(const Op&, const Saved& saved, Grads gy) {
    const Tensor x = saved.in(0);
    const SavedOperand limit = saved.operand(1);
    return {saved.if_needed(0, [&] { return where(inside(x, limit, {}), gy[0], 0); }),
            saved.if_needed(1, [&] { return where(outside(x, limit, {}), gy[0], 0); })};
  }
};
template <>
struct Rule<ClampMin> : OneLimitRule<ClampMin, &ge, &lt> {};
template <>
struct Rule<ClampMax> : OneLimitRule<ClampMax, &le, &gt> {};

template <>
struct Rule<Where> : PointwiseRule<Where> {
  static constexpr SaveMask saves[] = {saves_nothing, saves_in(0), saves_in(0)};
  static Spec infer(const Where& op, Inputs in) {
    if (in[0].dtype() != kBool) {
      throw DtypeError(std::string("the condition is ") + name_of(in[0].dtype()) + ", not bool");
    }
    return PointwiseRule<Where>::infer(op, in);
  }
  static Grads vjp(const Where&, const Saved& saved, Grads gy) {
    return {Tensor(), saved.if_needed(1, [&] { return where(saved.in(0), gy[0], 0); }),
            saved.if_needed(2, [&] { return where(saved.in(0), 0, gy[0]); })};
  }
};

// Comparisons have no gradient.
template <>
struct Rule<Eq> : PointwiseRule<Eq> {};
template <>
struct Rule<Ne> : PointwiseRule<Ne> {};
template <>
struct Rule<Lt> : PointwiseRule<Lt> {};
template <>
struct Rule<Le> : PointwiseRule<Le> {};
template <>
struct Rule<Gt> : PointwiseRule<Gt> {};
template <>
struct Rule<Ge> : PointwiseRule<Ge> {};

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
Tensor neg(const Tensor& input, Location at) { return apply(Neg{}, at, input); }
Tensor abs(const Tensor& input, Location at) { return apply(Abs{}, at, input); }
Tensor pow(const Operand& input, const Operand& exponent, Location at) {
  return apply(Pow{}, at, input, exponent);
}
Tensor maximum(const Operand& input, const Operand& other, Location at) {
  return apply(Maximum{}, at, input, other);
}
Tensor minimum(const Operand& input, const Operand& other, Location at) {
  return apply(Minimum{}, at, input, other);
}

namespace {

// clamp by `run(op, limits…)`.
template <class Run>
Tensor clamp_by(const char* name, const std::optional<Operand>& min,
                const std::optional<Operand>& max, Location at, Run run) {
  const Frame frame(name, at);
  if (min && max) return run(Clamp{}, *min, *max);
  if (min) return run(ClampMin{}, *min);
  if (max) return run(ClampMax{}, *max);
  return placed(name, at, []() -> Tensor { throw ValueError("needs min or max"); });
}

}  // namespace

Tensor clamp(const Tensor& input, std::optional<Operand> min, std::optional<Operand> max,
             Location at) {
  return clamp_by("clamp", min, max, at,
                  [&](auto op, auto... limits) { return apply(op, at, input, limits...); });
}
Tensor clamp_min(const Tensor& input, const Operand& min, Location at) {
  return apply(ClampMin{}, at, input, min);
}
Tensor clamp_max(const Tensor& input, const Operand& max, Location at) {
  return apply(ClampMax{}, at, input, max);
}

Tensor where(const Tensor& condition, const Operand& input, const Operand& other, Location at) {
  return apply(Where{}, at, condition, input, other);
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

Tensor abs_(Tensor input, Location at) { return in_place(Abs{}, at, input); }
Tensor neg_(Tensor input, Location at) { return in_place(Neg{}, at, input); }
Tensor clamp_(Tensor input, std::optional<Operand> min, std::optional<Operand> max, Location at) {
  return clamp_by("clamp_", min, max, at,
                  [&](auto op, auto... limits) { return in_place(op, at, input, limits...); });
}
Tensor clamp_min_(Tensor input, const Operand& min, Location at) {
  return in_place(ClampMin{}, at, input, min);
}
Tensor clamp_max_(Tensor input, const Operand& max, Location at) {
  return in_place(ClampMax{}, at, input, max);
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
    row<&sub>(
        "sub", args("input", "other"),
        "The difference input - other, element by element. Two bool operands raise DtypeError."),
    row<&mul>("mul", args("input", "other"), "The product input * other, element by element."),
    row<&div>("div", args("input", "other"),
              "The true quotient input / other, element by element; integers give f32."),
    row<&neg>("neg", args("input"), "The negative of input. Bool raises DtypeError."),
    row<&abs>("abs", args("input"),
              "The absolute value of input; the gradient at 0 is 0. Bool raises DtypeError."),
    row<&pow>(
        "pow", args("input", "exponent"),
        "input to the power of exponent, element by element. Integers wrap; an exponent that is "
        "a negative number raises ValueError for them."),
    row<&maximum>("maximum", args("input", "other"),
                  "The larger of input and other, element by element; NaN if either is. Equal "
                  "elements share the gradient half and half."),
    row<&minimum>("minimum", args("input", "other"),
                  "The smaller of input and other, element by element; NaN if either is. Equal "
                  "elements share the gradient half and half."),
    row<&clamp>("clamp", args("input", "min"_a = std::nullopt, "max"_a = std::nullopt),
                "input limited to [min, max], numbers or tensors, of which at least one must be "
                "given; NaN stays. The gradient is 1 between the limits and at them."),
    row<&clamp_min>("clamp_min", args("input", "min"),
                    "input, or min where it is less; min is a number or a tensor. NaN stays."),
    row<&clamp_max>("clamp_max", args("input", "max"),
                    "input, or max where it is more; max is a number or a tensor. NaN stays."),
    row<&where>("where", args("condition", "input", "other"),
                "input where condition, a bool tensor, holds, and other elsewhere."),
    row<&eq>("eq", args("input", "other"),
             "Whether input equals other, element by element; a bool tensor."),
    row<&ne>("ne", args("input", "other"),
             "Whether input differs from other, element by element; a bool tensor."),
    row<&lt>("lt", args("input", "other"),
             "Whether input is less than other, element by element; a bool tensor."),
    row<&le>("le", args("input", "other"),
             "Whether input is at most other, element by element; a bool tensor."),
    row<&gt>("gt", args("input", "other"),
             "Whether input is greater than other, element by element; a bool tensor."),
    row<&ge>("ge", args("input", "other"),
             "Whether input is at least other, element by element; a bool tensor."),
    row<&abs_>("abs_", args("input"), "abs in place; returns input."),
    row<&neg_>("neg_", args("input"), "neg in place; returns input."),
    row<&clamp_>("clamp_", args("input", "min"_a = std::nullopt, "max"_a = std::nullopt),
                 "clamp in place; returns input."),
    row<&clamp_min_>("clamp_min_", args("input", "min"), "clamp_min in place; returns input."),
    row<&clamp_max_>("clamp_max_", args("input", "max"), "clamp_max in place; returns input."),
    row<&add_>("add_", args("input", "other"), "Adds other to input in place and returns input."),
    row<&sub_>("sub_", args("input", "other"),
               "Subtracts other from input in place and returns input."),
    row<&mul_>("mul_", args("input", "other"),
               "Multiplies input by other in place and returns input."),
    row<&div_>(
        "div_", args("input", "other"),
        "Divides input by other in place and returns input. Integer inputs raise DtypeError, "
        "since the quotient is floating-point."),
};
constinit const auto ops = infos_of(ArithmeticOps() + OpList<Pow>() + CompareOps());
}  // namespace
extern const RowList rows_arithmetic;
constinit const RowList rows_arithmetic{rows, ops};

}  // namespace entasis
