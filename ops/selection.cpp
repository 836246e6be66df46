// Choices between elements: rules and public functions.
#include <entasis/ops/selection.h>

#include <entasis/core/row.h>
#include <entasis/ops/arithmetic.h>
#include <entasis/ops/copy.h>
#include <entasis/ops/factory.h>
#include <entasis/ops/function_rules_internal.h>
#include <entasis/ops/indexing.h>
#include <entasis/ops/placed_internal.h>
#include <entasis/ops/selection_internal.h>
#include <entasis/ops/shape.h>
#include <entasis/ops/split.h>

namespace entasis {

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

// The same where NaN loses: the result tells which input it is. Of two NaN the first has it all.
template <class Op>
struct NumberExtremumRule : PointwiseRule<Op> {
  static constexpr SaveMask saves[] = {saves_in(0) | saves_in(1) | saves_out(0),
                                       saves_in(0) | saves_in(1) | saves_out(0)};
  static Grads vjp(const Op&, const Saved& saved, Grads gy) {
    const SavedOperand a = saved.operand(0), b = saved.operand(1);
    const Tensor y = saved.out(0);
    const Tensor shared = where(eq(a, b), mul(gy[0], 0.5), gy[0]);
    return {saved.if_needed(0, [&] { return where(logical_or(eq(y, a), ne(y, y)), shared, 0); }),
            saved.if_needed(1, [&] { return where(eq(y, b), shared, 0); })};
  }
};
template <>
struct Rule<Fmax> : NumberExtremumRule<Fmax> {};
template <>
struct Rule<Fmin> : NumberExtremumRule<Fmin> {};

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

void check_same_dtype(const Operand& a, const Operand& b, const char* what) {
  if (a.dtype() == b.dtype()) return;
  throw DtypeError(std::string("the input is ") + name_of(a.dtype()) + ", the " + what + " " +
                   name_of(b.dtype()));
}

template <>
struct Rule<Heaviside> : PointwiseRule<Heaviside> {
  static constexpr SaveMask saves[] = {saves_nothing, saves_in(0)};
  static Spec infer(const Heaviside& op, Inputs in) {
    check_same_dtype(in[0], in[1], "values");
    return PointwiseRule<Heaviside>::infer(op, in);
  }
  static Grads vjp(const Heaviside&, const Saved& saved, Grads gy) {
    return {saved.if_needed(0, [&] { return zeros_like(gy[0]); }),
            saved.if_needed(1, [&] { return where(eq(saved.in(0), 0), gy[0], 0); })};
  }
};

template <>
struct Rule<Lerp> : PointwiseRule<Lerp> {
  static constexpr SaveMask saves[] = {saves_in(2), saves_in(2), saves_in(0) | saves_in(1)};
  static Spec infer(const Lerp& op, Inputs in) {
    if (!is_floating_point(in[0].dtype())) {
      throw DtypeError(std::string("not defined for ") + name_of(in[0].dtype()));
    }
    check_same_dtype(in[0], in[1], "end");
    if (in[2].dim() > 0) check_same_dtype(in[0], in[2], "weight");
    return PointwiseRule<Lerp>::infer(op, in);
  }
  static Grads vjp(const Lerp&, const Saved& saved, Grads gy) {
    return {saved.if_needed(0, [&] { return mul(gy[0], rest_of(saved.operand(2))); }),
            saved.if_needed(1, [&] { return mul(gy[0], saved.operand(2)); }),
            saved.if_needed(2, [&] { return mul(gy[0], sub(saved.in(1), saved.in(0))); })};
  }

 private:
  // 1 - weight.
  static SavedOperand rest_of(const Operand& weight) {
    if (weight.is_number()) return SavedOperand(Number(1 - weight.number().to_double()));
    return SavedOperand(sub(1, weight));
  }
};

Tensor maximum(const Operand& input, const Operand& other, Location at) {
  return apply(Maximum{}, at, input, other);
}
Tensor minimum(const Operand& input, const Operand& other, Location at) {
  return apply(Minimum{}, at, input, other);
}
Tensor fmax(const Operand& input, const Operand& other, Location at) {
  return apply(Fmax{}, at, input, other);
}
Tensor fmin(const Operand& input, const Operand& other, Location at) {
  return apply(Fmin{}, at, input, other);
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

Tensors where(const Tensor& condition, Location at) {
  return composite("where", at, [&] {
    check_defined(condition);
    return unbind(nonzero(condition.dim() == 0 ? reshape(condition, {1}) : condition), 1);
  });
}
Tensor heaviside(const Tensor& input, const Tensor& values, Location at) {
  return apply(Heaviside{}, at, input, values);
}
Tensor lerp(const Tensor& input, const Tensor& end, const Operand& weight, Location at) {
  return apply(Lerp{}, at, input, end, weight);
}

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
Tensor heaviside_(Tensor input, const Tensor& values, Location at) {
  return in_place(Heaviside{}, at, input, values);
}
Tensor lerp_(Tensor input, const Tensor& end, const Operand& weight, Location at) {
  return in_place(Lerp{}, at, input, end, weight);
}

namespace {
using Where3 = Tensor (*)(const Tensor&, const Operand&, const Operand&, Location);
constinit const Row rows[] = {
    row<&maximum>("maximum", args("input", "other"),
                  "The larger of input and other, element by element; NaN if either is. Equal "
                  "elements share the gradient half and half."),
    row<&minimum>("minimum", args("input", "other"),
                  "The smaller of input and other, element by element; NaN if either is. Equal "
                  "elements share the gradient half and half."),
    row<&fmax>("fmax", args("input", "other"),
               "The larger of input and other, element by element; a number before NaN. Equal "
               "elements share the gradient half and half."),
    row<&fmin>("fmin", args("input", "other"),
               "The smaller of input and other, element by element; a number before NaN. Equal "
               "elements share the gradient half and half."),
    row<&clamp>("clamp", args("input", "min"_a = std::nullopt, "max"_a = std::nullopt),
                "input limited to [min, max], numbers or tensors, of which at least one must be "
                "given; NaN stays. The gradient is 1 between the limits and at them."),
    row<&clamp_min>("clamp_min", args("input", "min"),
                    "input, or min where it is less; min is a number or a tensor. NaN stays."),
    row<&clamp_max>("clamp_max", args("input", "max"),
                    "input, or max where it is more; max is a number or a tensor. NaN stays."),
    row<static_cast<Where3>(&where)>(
        "where", args("condition", "input", "other"),
        "input where condition, a bool tensor, holds, and other elsewhere."),
    row<&heaviside>("heaviside", args("input", "values"),
                    "0 where input is negative or NaN, 1 where it is positive, and values where it "
                    "is 0; both are of one dtype. The gradient passes to values."),
    row<&lerp>(
        "lerp", args("input", "end", "weight"),
        "input + weight * (end - input), element by element; weight is a number or a tensor. "
        "Different dtypes and integers raise DtypeError."),
    row<&clamp_>("clamp_", args("input", "min"_a = std::nullopt, "max"_a = std::nullopt),
                 "clamp in place; returns input."),
    row<&clamp_min_>("clamp_min_", args("input", "min"), "clamp_min in place; returns input."),
    row<&clamp_max_>("clamp_max_", args("input", "max"), "clamp_max in place; returns input."),
    row<&heaviside_>("heaviside_", args("input", "values"), "heaviside in place; returns input."),
    row<&lerp_>("lerp_", args("input", "end", "weight"), "lerp in place; returns input."),
};
constinit const auto ops = infos_of(SelectionOps());
}  // namespace
extern const RowList rows_selection;
constinit const RowList rows_selection{rows, ops};

}  // namespace entasis
