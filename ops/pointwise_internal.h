// What the rules and the kernels of pointwise ops agree on: the dtype in which an op computes, its
// formula (by name, from kernels/formulas), its backward op, the list of a family's ops. The
// attribute structs, which hold nothing, are in the family's own header.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include <entasis_formulas.h>

#include <entasis/core/error.h>
#include <entasis/core/op.h>

namespace entasis {

// The dtype in which an op computes, and which its result has unless it is a comparison.
enum class Compute : uint8_t {
  kPromoted,  // the operands' common dtype
  kFloat,     // the same, but f32 for integers and bool
};

// What an op says about itself. Operands before `first_value` and the last `parameters`, which are
// numbers, take no part in promotion.
struct PointwiseTraits {
  int arity;
  Compute compute = Compute::kPromoted;
  bool gives_bool = false;
  int first_value = 0;
  int parameters = 0;
  bool takes_bool = true;
  bool takes_float = true;
  bool reads_truth = false;  // asks of a byte only whether it is 0: bool is computed where it lies
  bool orders = false;       // tells smaller from larger: wrong for u64, which is computed as i64
  bool modular = false;      // wraps, so that a negative number means something to unsigned dtypes
  bool heavy = false;        // some ten instructions or more an element: worth a thread sooner
  bool straight = false;     // in pieces a straight line, whose slope has no slope
};

inline DType compute_dtype(const PointwiseTraits& traits, Inputs in) {
  const size_t first = size_t(traits.first_value);
  const DType dtype = result_type(in.subspan(first, in.size() - first - size_t(traits.parameters)));
  return traits.compute == Compute::kFloat && !is_floating_point(dtype) ? kF32 : dtype;
}

// Attributes of an op without attributes.
struct NoAttributes {
  bool operator==(const NoAttributes&) const = default;
};

// What most functions of one tensor are: f32 for integers and bool.
struct FloatFunction : NoAttributes {
  static constexpr PointwiseTraits traits{.arity = 1, .compute = Compute::kFloat};
};
struct HeavyFloatFunction : NoAttributes {
  static constexpr PointwiseTraits traits{.arity = 1, .compute = Compute::kFloat, .heavy = true};
};
// The same of two operands.
struct BinaryFunction : NoAttributes {
  static constexpr PointwiseTraits traits{.arity = 2, .compute = Compute::kFloat};
};
struct HeavyBinaryFunction : NoAttributes {
  static constexpr PointwiseTraits traits{.arity = 2, .compute = Compute::kFloat, .heavy = true};
};

// Throws where PyTorch does: for bool or floating-point operands of an op that has no meaning for
// them, for u64 where only the order of i64 could be had, for a number that the result's integer
// dtype cannot hold.
void check_pointwise(const PointwiseTraits& traits, DType computed, Inputs in);
// Throws ValueError if a tensor of this dtype cannot be filled with the number: a float outside of
// an integer's range. Negative integers wrap into unsigned ones, as in PyTorch.
void check_fill(const Number& number, DType dtype);

// ---- Formulas by name

consteval bool has_formula(std::string_view name) {
  for (const FormulaText& formula : kFormulaTexts) {
    if (name == formula.name) return true;
  }
  return false;
}
// Which one it is of kFormulaTexts.
consteval int formula_index(std::string_view name) {
  int index = 0;
  for (const FormulaText& formula : kFormulaTexts) {
    if (name == formula.name) return index;
    ++index;
  }
  throw "no such file in kernels/formulas, and no primitive";
}
// The function that computes an op: of the op's name unless the op says otherwise.
template <class Op>
consteval const char* formula_name() {
  if constexpr (requires { Op::formula; }) {
    return Op::formula;
  } else {
    return Op::name;
  }
}

// ---- Backward ops: gy times the slope of Op's function, which depends on the input or, where that
// is cheaper, on the output; parameters follow. The formula is kernels/formulas/<name>.inc, or the
// derivative of Op's own by dual numbers if there is no such file.

template <size_t length>
struct JoinedName {
  char text[length + 1] = {};
};
template <class Op>
consteval auto backward_name() {
  constexpr std::string_view head = formula_name<Op>(), tail = "_backward";
  JoinedName<head.size() + tail.size()> joined;
  for (size_t i = 0; i < head.size(); ++i) joined.text[i] = head[i];
  for (size_t i = 0; i < tail.size(); ++i) joined.text[head.size() + i] = tail[i];
  return joined;
}

template <class Op>
struct BackwardOf : NoAttributes {
  using Forward = Op;
  static constexpr auto joined = backward_name<Op>();
  static constexpr const char* name = joined.text;
  static constexpr PointwiseTraits traits{
      .arity = Op::traits.arity + 1, .compute = Compute::kFloat, .heavy = Op::traits.heavy};
};

template <class Op>
consteval Formula formula_of() {
  constexpr const char* name = formula_name<Op>();
  return {name, kFormulaTexts[formula_index(name)].text, Op::traits.arity};
}
template <class Op>
  requires requires { typename Op::Forward; }
consteval Formula formula_of() {
  if constexpr (has_formula(Op::name)) {
    return {Op::name, kFormulaTexts[formula_index(Op::name)].text, Op::traits.arity};
  } else {
    Formula formula = formula_of<typename Op::Forward>();
    formula.arity = Op::traits.arity;
    formula.is_slope = true;
    return formula;
  }
}

// ---- Families: the ops of one file, for its rows and for the kernels of every device.

template <class... Ops>
struct OpList {};
// The ops and their backward ops.
template <class... Ops>
using WithBackward = OpList<Ops..., BackwardOf<Ops>...>;

template <class... A, class... B>
consteval OpList<A..., B...> operator+(OpList<A...>, OpList<B...>) {
  return {};
}
template <class... Ops>
consteval std::array<OpInfo*, sizeof...(Ops)> infos_of(OpList<Ops...>) {
  return {&op_info<Ops>...};
}

// The part of a rule that all pointwise ops share.
template <class Op>
struct PointwiseRule {
  static constexpr OpFlags flags = kPointwise;
  static constexpr Formula formula = formula_of<Op>();
  static Spec infer(const Op&, Inputs in) {
    const DType computed = compute_dtype(Op::traits, in);
    if (!Op::traits.takes_float || !is_floating_point(computed)) {
      check_pointwise(Op::traits, computed, in);
    }
    return pointwise_spec(Op::traits.gives_bool ? kBool : computed, in);
  }
};

// The same of ops whose result is in pieces constant: in place too it has no gradient.
template <class Op>
struct FlatRule : PointwiseRule<Op> {
  static constexpr SaveMask saves[] = {saves_nothing};
  static Grads vjp(const Op&, const Saved& saved, Grads) {
    Grads none;
    none.resize(saved.inputs());
    return none;
  }
};

}  // namespace entasis
