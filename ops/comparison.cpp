// Comparisons: rules and public functions.
#include <entasis/ops/comparison.h>

#include <entasis/core/row.h>
#include <entasis/ops/arithmetic.h>
#include <entasis/ops/comparison_internal.h>
#include <entasis/ops/copy.h>
#include <entasis/ops/function_rules_internal.h>
#include <entasis/ops/placed_internal.h>
#include <entasis/ops/reduction.h>

namespace entasis {

template <>
struct Rule<Eq> : FlatRule<Eq> {};
template <>
struct Rule<Ne> : FlatRule<Ne> {};
template <>
struct Rule<Lt> : FlatRule<Lt> {};
template <>
struct Rule<Le> : FlatRule<Le> {};
template <>
struct Rule<Gt> : FlatRule<Gt> {};
template <>
struct Rule<Ge> : FlatRule<Ge> {};
template <>
struct Rule<IsClose> : PointwiseRule<IsClose> {};
template <>
struct Rule<IsCloseOrNan> : PointwiseRule<IsCloseOrNan> {};

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

Tensor eq_(Tensor input, const Operand& other, Location at) {
  return in_place(Eq{}, at, input, other);
}
Tensor ne_(Tensor input, const Operand& other, Location at) {
  return in_place(Ne{}, at, input, other);
}
Tensor lt_(Tensor input, const Operand& other, Location at) {
  return in_place(Lt{}, at, input, other);
}
Tensor le_(Tensor input, const Operand& other, Location at) {
  return in_place(Le{}, at, input, other);
}
Tensor gt_(Tensor input, const Operand& other, Location at) {
  return in_place(Gt{}, at, input, other);
}
Tensor ge_(Tensor input, const Operand& other, Location at) {
  return in_place(Ge{}, at, input, other);
}

Tensor not_equal(const Operand& input, const Operand& other, Location at) {
  const Frame frame("not_equal", at);
  return ne(input, other, at);
}
Tensor less(const Operand& input, const Operand& other, Location at) {
  const Frame frame("less", at);
  return lt(input, other, at);
}
Tensor less_equal(const Operand& input, const Operand& other, Location at) {
  const Frame frame("less_equal", at);
  return le(input, other, at);
}
Tensor greater(const Operand& input, const Operand& other, Location at) {
  const Frame frame("greater", at);
  return gt(input, other, at);
}
Tensor greater_equal(const Operand& input, const Operand& other, Location at) {
  const Frame frame("greater_equal", at);
  return ge(input, other, at);
}
Tensor not_equal_(Tensor input, const Operand& other, Location at) {
  const Frame frame("not_equal_", at);
  return ne_(std::move(input), other, at);
}
Tensor less_(Tensor input, const Operand& other, Location at) {
  const Frame frame("less_", at);
  return lt_(std::move(input), other, at);
}
Tensor less_equal_(Tensor input, const Operand& other, Location at) {
  const Frame frame("less_equal_", at);
  return le_(std::move(input), other, at);
}
Tensor greater_(Tensor input, const Operand& other, Location at) {
  const Frame frame("greater_", at);
  return gt_(std::move(input), other, at);
}
Tensor greater_equal_(Tensor input, const Operand& other, Location at) {
  const Frame frame("greater_equal_", at);
  return ge_(std::move(input), other, at);
}

namespace {

void check_alike(const Tensor& input, const Tensor& other) {
  check_defined(input);
  check_defined(other);
  if (input.dtype() == other.dtype()) return;
  throw DtypeError(std::string("the dtypes differ: ") + name_of(input.dtype()) + " and " +
                   name_of(other.dtype()));
}

// Integers are equal or not exactly; only how far others are apart is a matter of floats.
Tensor near_integers(const Tensor& input, const Tensor& other, double rtol, double atol) {
  const Tensor same = eq(input, other);
  if (rtol == 0 && atol == 0) return same;
  const Tensor a = to(input, kF64), b = to(other, kF64);
  return logical_or(same, le(abs(sub(a, b)), add(abs(mul(b, rtol)), atol)));
}

}  // namespace

Tensor isclose(const Tensor& input, const Tensor& other, double rtol, double atol, bool equal_nan,
               Location at) {
  return composite("isclose", at, [&] {
    check_alike(input, other);
    for (double tolerance : {rtol, atol}) {
      if (!(tolerance >= 0)) {
        throw ValueError("the tolerance " + to_string(Number(tolerance)) + " is negative");
      }
    }
    if (!is_floating_point(input.dtype())) return near_integers(input, other, rtol, atol);
    return equal_nan ? apply(IsCloseOrNan{}, at, input, other, rtol, atol)
                     : apply(IsClose{}, at, input, other, rtol, atol);
  });
}

bool allclose(const Tensor& input, const Tensor& other, double rtol, double atol, bool equal_nan,
              Location at) {
  return composite("allclose", at, [&] {
    return all(isclose(input, other, rtol, atol, equal_nan, at)).item<bool>();
  });
}

bool equal(const Tensor& input, const Tensor& other, Location at) {
  return composite("equal", at, [&] {
    check_defined(input);
    check_defined(other);
    if (!(input.shape() == other.shape())) return false;
    return all(eq(input, other)).item<bool>();
  });
}

namespace {
constinit const Row rows[] = {
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
    row<&eq_>("eq_", args("input", "other"),
              "eq in place, 0 and 1 in the dtype of input; returns input."),
    row<&ne_>("ne_", args("input", "other"),
              "ne in place, 0 and 1 in the dtype of input; returns input."),
    row<&lt_>("lt_", args("input", "other"),
              "lt in place, 0 and 1 in the dtype of input; returns input."),
    row<&le_>("le_", args("input", "other"),
              "le in place, 0 and 1 in the dtype of input; returns input."),
    row<&gt_>("gt_", args("input", "other"),
              "gt in place, 0 and 1 in the dtype of input; returns input."),
    row<&ge_>("ge_", args("input", "other"),
              "ge in place, 0 and 1 in the dtype of input; returns input."),
    row<&not_equal>("not_equal", args("input", "other"), "The same as ne: a bool tensor."),
    row<&less>("less", args("input", "other"), "The same as lt: a bool tensor."),
    row<&less_equal>("less_equal", args("input", "other"), "The same as le: a bool tensor."),
    row<&greater>("greater", args("input", "other"), "The same as gt: a bool tensor."),
    row<&greater_equal>("greater_equal", args("input", "other"), "The same as ge: a bool tensor."),
    row<&not_equal_>("not_equal_", args("input", "other"), "The same as ne_; returns input."),
    row<&less_>("less_", args("input", "other"), "The same as lt_; returns input."),
    row<&less_equal_>("less_equal_", args("input", "other"), "The same as le_; returns input."),
    row<&greater_>("greater_", args("input", "other"), "The same as gt_; returns input."),
    row<&greater_equal_>("greater_equal_", args("input", "other"),
                         "The same as ge_; returns input."),
    row<&isclose>(
        "isclose", args("input", "other", "rtol"_a = 1e-5, "atol"_a = 1e-8, "equal_nan"_a = false),
        "Whether |input - other| is at most atol + |rtol * other|, element by element; a "
        "bool tensor. Equal infinities are close, NaN to NaN only if equal_nan. Different "
        "dtypes raise DtypeError."),
    row<&allclose>(
        "allclose", args("input", "other", "rtol"_a = 1e-5, "atol"_a = 1e-8, "equal_nan"_a = false),
        "Whether all elements are close, as isclose has it; a bool. Waits for the device."),
    row<&equal>("equal", args("input", "other"),
                "Whether input and other have the same shape and equal elements; a bool. Waits for "
                "the device."),
};
constinit const auto ops = infos_of(CompareOps());
}  // namespace
extern const RowList rows_comparison;
constinit const RowList rows_comparison{rows, ops};

}  // namespace entasis
