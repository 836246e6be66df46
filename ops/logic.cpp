// Logic of truth values and of bits: rules and public functions.
#include <entasis/ops/logic.h>

#include <entasis/core/row.h>
#include <entasis/ops/function_rules_internal.h>
#include <entasis/ops/logic_internal.h>

namespace entasis {

template <>
struct Rule<LogicalAnd> : FlatRule<LogicalAnd> {};
template <>
struct Rule<LogicalOr> : FlatRule<LogicalOr> {};
template <>
struct Rule<LogicalXor> : FlatRule<LogicalXor> {};
template <>
struct Rule<BitwiseAnd> : PointwiseRule<BitwiseAnd> {};
template <>
struct Rule<BitwiseOr> : PointwiseRule<BitwiseOr> {};
template <>
struct Rule<BitwiseXor> : PointwiseRule<BitwiseXor> {};
template <>
struct Rule<BitwiseLeftShift> : PointwiseRule<BitwiseLeftShift> {};
template <>
struct Rule<BitwiseRightShift> : PointwiseRule<BitwiseRightShift> {};

namespace {
// Of truth values the bits are what logical functions see; a byte from elsewhere may have others.
bool are_bool(const Operand& input, const Operand& other) {
  return input.defined() && other.defined() && input.dtype() == kBool && other.dtype() == kBool;
}
}  // namespace

Tensor logical_and(const Operand& input, const Operand& other, Location at) {
  return apply(LogicalAnd{}, at, input, other);
}
Tensor logical_or(const Operand& input, const Operand& other, Location at) {
  return apply(LogicalOr{}, at, input, other);
}
Tensor logical_xor(const Operand& input, const Operand& other, Location at) {
  return apply(LogicalXor{}, at, input, other);
}
Tensor bitwise_and(const Operand& input, const Operand& other, Location at) {
  if (!are_bool(input, other)) return apply(BitwiseAnd{}, at, input, other);
  const Frame frame("bitwise_and", at);
  return apply(LogicalAnd{}, at, input, other);
}
Tensor bitwise_or(const Operand& input, const Operand& other, Location at) {
  if (!are_bool(input, other)) return apply(BitwiseOr{}, at, input, other);
  const Frame frame("bitwise_or", at);
  return apply(LogicalOr{}, at, input, other);
}
Tensor bitwise_xor(const Operand& input, const Operand& other, Location at) {
  if (!are_bool(input, other)) return apply(BitwiseXor{}, at, input, other);
  const Frame frame("bitwise_xor", at);
  return apply(LogicalXor{}, at, input, other);
}
Tensor bitwise_left_shift(const Operand& input, const Operand& other, Location at) {
  return apply(BitwiseLeftShift{}, at, input, other);
}
Tensor bitwise_right_shift(const Operand& input, const Operand& other, Location at) {
  return apply(BitwiseRightShift{}, at, input, other);
}

Tensor logical_and_(Tensor input, const Operand& other, Location at) {
  return in_place(LogicalAnd{}, at, input, other);
}
Tensor logical_or_(Tensor input, const Operand& other, Location at) {
  return in_place(LogicalOr{}, at, input, other);
}
Tensor logical_xor_(Tensor input, const Operand& other, Location at) {
  return in_place(LogicalXor{}, at, input, other);
}
Tensor bitwise_and_(Tensor input, const Operand& other, Location at) {
  if (!are_bool(input, other)) return in_place(BitwiseAnd{}, at, input, other);
  const Frame frame("bitwise_and_", at);
  return in_place(LogicalAnd{}, at, input, other);
}
Tensor bitwise_or_(Tensor input, const Operand& other, Location at) {
  if (!are_bool(input, other)) return in_place(BitwiseOr{}, at, input, other);
  const Frame frame("bitwise_or_", at);
  return in_place(LogicalOr{}, at, input, other);
}
Tensor bitwise_xor_(Tensor input, const Operand& other, Location at) {
  if (!are_bool(input, other)) return in_place(BitwiseXor{}, at, input, other);
  const Frame frame("bitwise_xor_", at);
  return in_place(LogicalXor{}, at, input, other);
}
Tensor bitwise_left_shift_(Tensor input, const Operand& other, Location at) {
  return in_place(BitwiseLeftShift{}, at, input, other);
}
Tensor bitwise_right_shift_(Tensor input, const Operand& other, Location at) {
  return in_place(BitwiseRightShift{}, at, input, other);
}

namespace {
constinit const Row rows[] = {
    row<&logical_and>("logical_and", args("input", "other"),
                      "Whether both elements are not 0; a bool tensor."),
    row<&logical_or>("logical_or", args("input", "other"),
                     "Whether either element is not 0; a bool tensor."),
    row<&logical_xor>("logical_xor", args("input", "other"),
                      "Whether one element and not the other is not 0; a bool tensor."),
    row<&bitwise_and>("bitwise_and", args("input", "other"),
                      "The and of the bits of integers, or of truth values. Floating-point "
                      "operands raise DtypeError."),
    row<&bitwise_or>("bitwise_or", args("input", "other"),
                     "The or of the bits of integers, or of truth values. Floating-point operands "
                     "raise DtypeError."),
    row<&bitwise_xor>("bitwise_xor", args("input", "other"),
                      "The exclusive or of the bits of integers, or of truth values. "
                      "Floating-point operands raise DtypeError."),
    row<&bitwise_left_shift>("bitwise_left_shift", args("input", "other"),
                             "The bits of integers moved to the left by other; 0 remains of "
                             "distances that are negative or reach the width."),
    row<&bitwise_right_shift>(
        "bitwise_right_shift", args("input", "other"),
        "The bits of integers moved to the right by other; 0 or, of negative numbers, -1 remains "
        "of distances that are negative or reach the width."),
    row<&logical_and_>("logical_and_", args("input", "other"),
                       "logical_and in place, 0 and 1 in the dtype of input; returns input."),
    row<&logical_or_>("logical_or_", args("input", "other"),
                      "logical_or in place, 0 and 1 in the dtype of input; returns input."),
    row<&logical_xor_>("logical_xor_", args("input", "other"),
                       "logical_xor in place, 0 and 1 in the dtype of input; returns input."),
    row<&bitwise_and_>("bitwise_and_", args("input", "other"),
                       "bitwise_and in place; returns input."),
    row<&bitwise_or_>("bitwise_or_", args("input", "other"), "bitwise_or in place; returns input."),
    row<&bitwise_xor_>("bitwise_xor_", args("input", "other"),
                       "bitwise_xor in place; returns input."),
    row<&bitwise_left_shift_>("bitwise_left_shift_", args("input", "other"),
                              "bitwise_left_shift in place; returns input."),
    row<&bitwise_right_shift_>("bitwise_right_shift_", args("input", "other"),
                               "bitwise_right_shift in place; returns input."),
};
constinit const auto ops = infos_of(LogicOps());
}  // namespace
extern const RowList rows_logic;
constinit const RowList rows_logic{rows, ops};

}  // namespace entasis
