// Questions about single elements: rules and public functions.
#include <entasis/ops/predicate.h>

#include <entasis/core/row.h>
#include <entasis/ops/predicate_internal.h>

namespace entasis {

template <>
struct Rule<IsNan> : PointwiseRule<IsNan> {};
template <>
struct Rule<IsInf> : PointwiseRule<IsInf> {};
template <>
struct Rule<IsFinite> : PointwiseRule<IsFinite> {};
template <>
struct Rule<IsPosInf> : PointwiseRule<IsPosInf> {};
template <>
struct Rule<IsNegInf> : PointwiseRule<IsNegInf> {};
template <>
struct Rule<SignBit> : PointwiseRule<SignBit> {};
template <>
struct Rule<LogicalNot> : FlatRule<LogicalNot> {};

template <>
struct Rule<BitwiseNot> : PointwiseRule<BitwiseNot> {
  static Spec infer(const BitwiseNot& op, Inputs in) {
    if (is_floating_point(in[0].dtype())) {
      throw DtypeError(std::string("not defined for ") + name_of(in[0].dtype()));
    }
    return PointwiseRule<BitwiseNot>::infer(op, in);
  }
};

namespace {
bool is_bool(const Tensor& input) { return input.defined() && input.dtype() == kBool; }
}  // namespace

Tensor isnan(const Tensor& input, Location at) { return apply(IsNan{}, at, input); }
Tensor isinf(const Tensor& input, Location at) { return apply(IsInf{}, at, input); }
Tensor isfinite(const Tensor& input, Location at) { return apply(IsFinite{}, at, input); }
Tensor isposinf(const Tensor& input, Location at) { return apply(IsPosInf{}, at, input); }
Tensor isneginf(const Tensor& input, Location at) { return apply(IsNegInf{}, at, input); }
Tensor signbit(const Tensor& input, Location at) { return apply(SignBit{}, at, input); }
Tensor logical_not(const Tensor& input, Location at) { return apply(LogicalNot{}, at, input); }
Tensor bitwise_not(const Tensor& input, Location at) {
  const Frame frame("bitwise_not", at);
  return is_bool(input) ? apply(LogicalNot{}, at, input) : apply(BitwiseNot{}, at, input);
}

Tensor logical_not_(Tensor input, Location at) {
  apply_in_place(LogicalNot{}, at, input);
  return input;
}
Tensor bitwise_not_(Tensor input, Location at) {
  const Frame frame("bitwise_not_", at);
  if (is_bool(input)) {
    apply_in_place(LogicalNot{}, at, input);
  } else {
    apply_in_place(BitwiseNot{}, at, input);
  }
  return input;
}

namespace {
constinit const Row rows[] = {
    row<&isnan>("isnan", args("input"), "Whether each element is NaN; a bool tensor."),
    row<&isinf>("isinf", args("input"),
                "Whether each element is infinite, of either sign; a bool tensor."),
    row<&isfinite>("isfinite", args("input"),
                   "Whether each element is neither infinite nor NaN; a bool tensor."),
    row<&isposinf>("isposinf", args("input"), "Whether each element is +inf; a bool tensor."),
    row<&isneginf>("isneginf", args("input"), "Whether each element is -inf; a bool tensor."),
    row<&signbit>(
        "signbit", args("input"),
        "Whether the sign of each element is set, that of -0 and NaN too; a bool tensor."),
    row<&logical_not>("logical_not", args("input"), "Whether each element is 0; a bool tensor."),
    row<&bitwise_not>("bitwise_not", args("input"),
                      "All bits of integers turned; of bool: not. Floating-point inputs raise "
                      "DtypeError."),
    row<&logical_not_>("logical_not_", args("input"),
                       "logical_not in place, 0 and 1 in the dtype of input; returns input."),
    row<&bitwise_not_>("bitwise_not_", args("input"), "bitwise_not in place; returns input."),
};
constinit const auto ops = infos_of(PredicateOps());
}  // namespace
extern const RowList rows_predicate;
constinit const RowList rows_predicate{rows, ops};

}  // namespace entasis
