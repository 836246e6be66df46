// Functions of two numbers: rules and public functions.
#include <entasis/ops/binary.h>

#include <cmath>

#include <entasis/core/row.h>
#include <entasis/ops/arithmetic.h>
#include <entasis/ops/binary_internal.h>
#include <entasis/ops/exponential.h>
#include <entasis/ops/function_rules_internal.h>
#include <entasis/ops/rounding.h>

namespace entasis {

// By the distance from the origin, whose square could overflow; at the origin 0.
template <>
struct Rule<Atan2> : PointwiseRule<Atan2> {
  static constexpr SaveMask saves[] = {saves_in(0) | saves_in(1)};
  static Grads vjp(const Atan2&, const Saved& saved, Grads gy) {
    const SavedOperand y = saved.operand(0), x = saved.operand(1);
    const Tensor distance = hypot(y, x);
    const Tensor h = where(eq(distance, 0), 1, distance);
    const auto along = [&](const Operand& side) { return mul(gy[0], div(div(side, h), h)); };
    return {saved.if_needed(0, [&] { return along(x); }),
            saved.if_needed(1, [&] { return neg(along(y)); })};
  }
};

template <>
struct Rule<Hypot> : PointwiseRule<Hypot> {
  static constexpr SaveMask saves[] = {saves_in(0) | saves_out(0), saves_in(1) | saves_out(0)};
  static Grads vjp(const Hypot&, const Saved& saved, Grads gy) {
    const auto along = [&](int i) { return mul(gy[0], div(saved.in(i), saved.out(0))); };
    return {saved.if_needed(0, [&] { return along(0); }),
            saved.if_needed(1, [&] { return along(1); })};
  }
};

// The slope is the product of both signs, 0 where the size is 0.
template <>
struct Rule<Copysign> : PointwiseRule<Copysign> {
  static constexpr SaveMask saves[] = {saves_in(0) | saves_in(1), saves_nothing};
  static Grads vjp(const Copysign&, const Saved& saved, Grads gy) {
    return {saved.if_needed(0, [&] { return mul(gy[0], slope(saved)); }),
            saved.if_needed(1, [&] { return zeros_like(gy[0]); })};
  }

 private:
  static Tensor slope(const Saved& saved) {
    const Tensor own = sign(saved.in(0));
    const SavedOperand kept = saved.operand(1);  // an Operand only points to it
    const Operand other = kept;
    if (other.is_number()) return mul(own, std::copysign(1.0, other.number().to_double()));
    return mul(own, copysign(1.0, other));
  }
};

// Towards the next number all move alike.
template <class Op>
struct NeighbourRule : PointwiseRule<Op> {
  static constexpr SaveMask saves[] = {saves_nothing};
  static Grads vjp(const Op&, const Saved& saved, Grads gy) {
    return {gy[0], saved.if_needed(1, [&] { return zeros_like(gy[0]); })};
  }
};
template <>
struct Rule<Nextafter> : NeighbourRule<Nextafter> {};
template <>
struct Rule<NextafterHalf> : NeighbourRule<NextafterHalf> {};
template <>
struct Rule<NextafterBFloat16> : NeighbourRule<NextafterBFloat16> {};

// e^a / (e^a + e^b) = sigmoid(a - b).
template <>
struct Rule<Logaddexp> : PointwiseRule<Logaddexp> {
  static constexpr SaveMask saves[] = {saves_in(0) | saves_in(1)};
  static Grads vjp(const Logaddexp&, const Saved& saved, Grads gy) {
    const SavedOperand a = saved.operand(0), b = saved.operand(1);
    return {saved.if_needed(0, [&] { return mul(gy[0], sigmoid(sub(a, b))); }),
            saved.if_needed(1, [&] { return mul(gy[0], sigmoid(sub(b, a))); })};
  }
};
template <>
struct Rule<Logaddexp2> : PointwiseRule<Logaddexp2> {
  static constexpr SaveMask saves[] = {saves_in(0) | saves_in(1)};
  static Grads vjp(const Logaddexp2&, const Saved& saved, Grads gy) {
    const SavedOperand a = saved.operand(0), b = saved.operand(1);
    const auto share = [](const Operand& own, const Operand& other) {
      return sigmoid(mul(sub(own, other), 0.69314718055994531));
    };
    return {saved.if_needed(0, [&] { return mul(gy[0], share(a, b)); }),
            saved.if_needed(1, [&] { return mul(gy[0], share(b, a)); })};
  }
};

template <>
struct Rule<Xlogy> : PointwiseRule<Xlogy> {
  static constexpr SaveMask saves[] = {saves_in(0) | saves_in(1)};
  static Grads vjp(const Xlogy&, const Saved& saved, Grads gy) {
    const SavedOperand x = saved.operand(0), y = saved.operand(1);
    return {saved.if_needed(0,
                            [&] {
                              const Tensor flat = logical_and(eq(x, 0), le_number(y));
                              return where(flat, 0, xlogy(gy[0], y));
                            }),
            saved.if_needed(1, [&] { return mul(gy[0], div(x, y)); })};
  }

 private:
  // Whether y is at most 0: a tensor, or a number that a tensor meets.
  static SavedOperand le_number(const Operand& y) {
    if (y.is_number()) return SavedOperand(Number(y.number().to_double() <= 0));
    return SavedOperand(le(y, 0));
  }
};

template <>
struct Rule<Ldexp> : PointwiseRule<Ldexp> {
  static constexpr SaveMask saves[] = {saves_in(1), saves_out(0)};
  static Grads vjp(const Ldexp&, const Saved& saved, Grads gy) {
    return {saved.if_needed(0, [&] { return ldexp(gy[0], saved.operand(1)); }),
            saved.if_needed(1, [&] { return mul(gy[0], mul(saved.out(0), 0.69314718055994531)); })};
  }
};

Tensor atan2(const Operand& input, const Operand& other, Location at) {
  return apply(Atan2{}, at, input, other);
}
Tensor hypot(const Operand& input, const Operand& other, Location at) {
  return apply(Hypot{}, at, input, other);
}
Tensor copysign(const Operand& input, const Operand& other, Location at) {
  return apply(Copysign{}, at, input, other);
}
Tensor logaddexp(const Operand& input, const Operand& other, Location at) {
  return apply(Logaddexp{}, at, input, other);
}
Tensor logaddexp2(const Operand& input, const Operand& other, Location at) {
  return apply(Logaddexp2{}, at, input, other);
}
Tensor xlogy(const Operand& input, const Operand& other, Location at) {
  return apply(Xlogy{}, at, input, other);
}
Tensor ldexp(const Operand& input, const Operand& other, Location at) {
  return apply(Ldexp{}, at, input, other);
}

namespace {

// nextafter by `run(op)`: the one of the dtype.
template <class Run>
Tensor next_by(const char* name, Location at, const Operand& input, const Operand& other, Run run) {
  const Frame frame(name, at);
  const DType dtype = input.defined() && other.defined() ? result_type(input, other) : kF32;
  if (dtype == kF16) return run(NextafterHalf{});
  if (dtype == kBF16) return run(NextafterBFloat16{});
  return run(Nextafter{});
}

}  // namespace

Tensor nextafter(const Operand& input, const Operand& other, Location at) {
  return next_by("nextafter", at, input, other,
                 [&](auto op) { return apply(op, at, input, other); });
}
Tensor nextafter_(Tensor input, const Operand& other, Location at) {
  return next_by("nextafter_", at, input, other,
                 [&](auto op) { return in_place(op, at, input, other); });
}
Tensor atan2_(Tensor input, const Operand& other, Location at) {
  return in_place(Atan2{}, at, input, other);
}
Tensor hypot_(Tensor input, const Operand& other, Location at) {
  return in_place(Hypot{}, at, input, other);
}
Tensor copysign_(Tensor input, const Operand& other, Location at) {
  return in_place(Copysign{}, at, input, other);
}
Tensor xlogy_(Tensor input, const Operand& other, Location at) {
  return in_place(Xlogy{}, at, input, other);
}
Tensor ldexp_(Tensor input, const Operand& other, Location at) {
  return in_place(Ldexp{}, at, input, other);
}

namespace {
constinit const Row rows[] = {
    row<&atan2>(
        "atan2", args("input", "other"),
        "The angle of the point (other, input) in (-pi, pi], by the signs of both, those of "
        "zeros too. The gradient at the origin is 0."),
    row<&hypot>("hypot", args("input", "other"),
                "sqrt(input^2 + other^2) without overflow. The gradient at the origin is NaN."),
    row<&copysign>(
        "copysign", args("input", "other"),
        "The size of input with the sign of other, that of zeros too. The gradient where "
        "input is 0 is 0."),
    row<&nextafter>("nextafter", args("input", "other"),
                    "The next number of the dtype after input towards other."),
    row<&logaddexp>("logaddexp", args("input", "other"),
                    "log(exp(input) + exp(other)) without overflow."),
    row<&logaddexp2>("logaddexp2", args("input", "other"),
                     "log2(2^input + 2^other) without overflow."),
    row<&xlogy>("xlogy", args("input", "other"),
                "input * log(other): 0 where input is 0, NaN where other is."),
    row<&ldexp>("ldexp", args("input", "other"),
                "input times 2 to the power of other, exactly where other is whole."),
    row<&ldexp_>("ldexp_", args("input", "other"), "ldexp in place; returns input."),
    row<&atan2_>("atan2_", args("input", "other"), "atan2 in place; returns input."),
    row<&hypot_>("hypot_", args("input", "other"), "hypot in place; returns input."),
    row<&copysign_>("copysign_", args("input", "other"), "copysign in place; returns input."),
    row<&nextafter_>("nextafter_", args("input", "other"), "nextafter in place; returns input."),
    row<&xlogy_>("xlogy_", args("input", "other"), "xlogy in place; returns input."),
};
constinit const auto ops = infos_of(BinaryOps());
}  // namespace
extern const RowList rows_binary;
constinit const RowList rows_binary{rows, ops};

}  // namespace entasis
