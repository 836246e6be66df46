// Division with a whole quotient: rules and public functions.
#include <entasis/ops/division.h>

#include <entasis/ops/arithmetic.h>
#include <entasis/ops/division_internal.h>
#include <entasis/ops/function_rules_internal.h>

namespace entasis {

// Integers are divided by no number that is 0; kernels look at tensors.
template <class Op>
Spec infer_division(const Op& op, Inputs in) {
  const Spec spec = PointwiseRule<Op>::infer(op, in);
  if (!is_floating_point(spec.dtype) && in[1].is_number() && in[1].number().to_double() == 0) {
    throw ValueError(Division::demand);
  }
  return spec;
}

template <>
struct Rule<FloorDivide> : FlatRule<FloorDivide> {
  static Spec infer(const FloorDivide& op, Inputs in) { return infer_division(op, in); }
};
template <>
struct Rule<TruncDivide> : FlatRule<TruncDivide> {
  static Spec infer(const TruncDivide& op, Inputs in) { return infer_division(op, in); }
};

// a - b·q, where q is a step.
template <class Op, Rounding rounding>
struct RemainderRule : PointwiseRule<Op> {
  static constexpr SaveMask saves[] = {saves_nothing, saves_in(0) | saves_in(1)};
  static Spec infer(const Op& op, Inputs in) { return infer_division(op, in); }
  static Grads vjp(const Op&, const Saved& saved, Grads gy) {
    return {gy[0], saved.if_needed(1, [&] {
              return neg(mul(gy[0], div(saved.operand(0), saved.operand(1), rounding)));
            })};
  }
};
template <>
struct Rule<Remainder> : RemainderRule<Remainder, Rounding::kFloor> {};
template <>
struct Rule<Fmod> : RemainderRule<Fmod, Rounding::kTrunc> {};

template <>
struct Rule<Gcd> : PointwiseRule<Gcd> {};
template <>
struct Rule<Lcm> : PointwiseRule<Lcm> {};

Tensor divide_rounded(const Operand& input, const Operand& other, Rounding rounding, Location at) {
  return rounding == Rounding::kFloor ? apply(FloorDivide{}, at, input, other)
                                      : apply(TruncDivide{}, at, input, other);
}
Tensor divide_rounded_(const Tensor& input, const Operand& other, Rounding rounding, Location at) {
  return rounding == Rounding::kFloor ? in_place(FloorDivide{}, at, input, other)
                                      : in_place(TruncDivide{}, at, input, other);
}

Tensor floor_divide(const Operand& input, const Operand& other, Location at) {
  return apply(FloorDivide{}, at, input, other);
}
Tensor remainder(const Operand& input, const Operand& other, Location at) {
  return apply(Remainder{}, at, input, other);
}
Tensor fmod(const Operand& input, const Operand& other, Location at) {
  return apply(Fmod{}, at, input, other);
}
Tensor gcd(const Operand& input, const Operand& other, Location at) {
  return apply(Gcd{}, at, input, other);
}
Tensor lcm(const Operand& input, const Operand& other, Location at) {
  return apply(Lcm{}, at, input, other);
}

// By a frame, so that what a device finds later names them too.
Tensor floor_divide_(Tensor input, const Operand& other, Location at) {
  const Frame frame("floor_divide_", at);
  return in_place(FloorDivide{}, at, input, other);
}
Tensor remainder_(Tensor input, const Operand& other, Location at) {
  const Frame frame("remainder_", at);
  return in_place(Remainder{}, at, input, other);
}
Tensor fmod_(Tensor input, const Operand& other, Location at) {
  const Frame frame("fmod_", at);
  return in_place(Fmod{}, at, input, other);
}
Tensor gcd_(Tensor input, const Operand& other, Location at) {
  return in_place(Gcd{}, at, input, other);
}
Tensor lcm_(Tensor input, const Operand& other, Location at) {
  return in_place(Lcm{}, at, input, other);
}

namespace {
constinit const Row rows[] = {
    row<&floor_divide>(
        "floor_divide", args("input", "other"),
        "The quotient input / other rounded down, element by element, in the "
        "operands' dtype; its gradient is 0. Integers divided by 0 raise ValueError."),
    row<&remainder>("remainder", args("input", "other"),
                    "What floor division leaves, with the sign of other. Integers divided by 0 "
                    "raise ValueError."),
    row<&fmod>("fmod", args("input", "other"),
               "What division rounded towards 0 leaves, with the sign of input, exactly. Integers "
               "divided by 0 raise ValueError."),
    row<&gcd>("gcd", args("input", "other"),
              "The greatest common divisor of integers, which is not negative; 0 of 0 and 0."),
    row<&lcm>("lcm", args("input", "other"),
              "The least common multiple of integers, which is not negative unless it wraps."),
    row<&floor_divide_>("floor_divide_", args("input", "other"),
                        "floor_divide in place; returns input."),
    row<&remainder_>("remainder_", args("input", "other"), "remainder in place; returns input."),
    row<&fmod_>("fmod_", args("input", "other"), "fmod in place; returns input."),
    row<&gcd_>("gcd_", args("input", "other"), "gcd in place; returns input."),
    row<&lcm_>("lcm_", args("input", "other"), "lcm in place; returns input."),
};
constinit const auto ops = infos_of(DivisionOps() + DivisorOps());
}  // namespace
extern const RowList rows_division;
constinit const RowList rows_division{rows, ops};

}  // namespace entasis
