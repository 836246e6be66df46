// Pointwise ops: their attribute structs, which hold nothing, and what their rules and kernels
// agree on: the dtype in which an op computes. The formulas are in kernels/formulas.
#pragma once

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

// What an op says about itself. Operands before `first_value` take no part in promotion.
struct PointwiseTraits {
  int arity;
  Compute compute = Compute::kPromoted;
  bool gives_bool = false;
  int first_value = 0;
  bool takes_bool = true;
  bool orders = false;   // tells smaller from larger: wrong for u64, which is computed as i64
  bool modular = false;  // wraps, so that a negative number means something to unsigned dtypes
};

inline DType compute_dtype(const PointwiseTraits& traits, Inputs in) {
  const DType dtype = result_type(in.subspan(size_t(traits.first_value)));
  return traits.compute == Compute::kFloat && !is_floating_point(dtype) ? kF32 : dtype;
}

// Attributes of an op without attributes.
struct NoAttributes {
  bool operator==(const NoAttributes&) const = default;
};

// Arithmetic
struct Add : NoAttributes {
  static constexpr const char* name = "add";
  static constexpr PointwiseTraits traits{.arity = 2, .modular = true};
};
struct Sub : NoAttributes {
  static constexpr const char* name = "sub";
  static constexpr PointwiseTraits traits{.arity = 2, .takes_bool = false, .modular = true};
};
struct Mul : NoAttributes {
  static constexpr const char* name = "mul";
  static constexpr PointwiseTraits traits{.arity = 2, .modular = true};
};
struct Div : NoAttributes {
  static constexpr const char* name = "div";
  static constexpr PointwiseTraits traits{.arity = 2, .compute = Compute::kFloat};
};
struct Neg : NoAttributes {
  static constexpr const char* name = "neg";
  static constexpr PointwiseTraits traits{.arity = 1, .takes_bool = false};
};
struct Abs : NoAttributes {
  static constexpr const char* name = "abs";
  static constexpr PointwiseTraits traits{.arity = 1, .takes_bool = false, .orders = true};
};
struct Pow : NoAttributes {
  static constexpr const char* name = "pow";
  static constexpr PointwiseTraits traits{.arity = 2, .takes_bool = false, .orders = true};
};

// Selection
struct Maximum : NoAttributes {
  static constexpr const char* name = "maximum";
  static constexpr PointwiseTraits traits{.arity = 2, .orders = true};
};
struct Minimum : NoAttributes {
  static constexpr const char* name = "minimum";
  static constexpr PointwiseTraits traits{.arity = 2, .orders = true};
};
struct Clamp : NoAttributes {  // input 1 is the lower limit, input 2 the upper one
  static constexpr const char* name = "clamp";
  static constexpr const char* formula = "clamp_between";
  static constexpr PointwiseTraits traits{.arity = 3, .takes_bool = false, .orders = true};
};
struct ClampMin : NoAttributes {
  static constexpr const char* name = "clamp_min";
  static constexpr const char* formula = "maximum";
  static constexpr PointwiseTraits traits{.arity = 2, .takes_bool = false, .orders = true};
};
struct ClampMax : NoAttributes {
  static constexpr const char* name = "clamp_max";
  static constexpr const char* formula = "minimum";
  static constexpr PointwiseTraits traits{.arity = 2, .takes_bool = false, .orders = true};
};
struct Where : NoAttributes {  // input 0 is the condition, a bool tensor
  static constexpr const char* name = "where";
  static constexpr PointwiseTraits traits{.arity = 3, .first_value = 1};
};

// Comparisons
struct Eq : NoAttributes {
  static constexpr const char* name = "eq";
  static constexpr PointwiseTraits traits{.arity = 2, .gives_bool = true};
};
struct Ne : NoAttributes {
  static constexpr const char* name = "ne";
  static constexpr PointwiseTraits traits{.arity = 2, .gives_bool = true};
};
struct Lt : NoAttributes {
  static constexpr const char* name = "lt";
  static constexpr PointwiseTraits traits{.arity = 2, .gives_bool = true, .orders = true};
};
struct Le : NoAttributes {
  static constexpr const char* name = "le";
  static constexpr PointwiseTraits traits{.arity = 2, .gives_bool = true, .orders = true};
};
struct Gt : NoAttributes {
  static constexpr const char* name = "gt";
  static constexpr PointwiseTraits traits{.arity = 2, .gives_bool = true, .orders = true};
};
struct Ge : NoAttributes {
  static constexpr const char* name = "ge";
  static constexpr PointwiseTraits traits{.arity = 2, .gives_bool = true, .orders = true};
};

// Functions of one tensor
struct Exp : NoAttributes {
  static constexpr const char* name = "exp";
  static constexpr PointwiseTraits traits{.arity = 1, .compute = Compute::kFloat};
};
struct Log : NoAttributes {
  static constexpr const char* name = "log";
  static constexpr PointwiseTraits traits{.arity = 1, .compute = Compute::kFloat};
};
struct Sqrt : NoAttributes {
  static constexpr const char* name = "sqrt";
  static constexpr PointwiseTraits traits{.arity = 1, .compute = Compute::kFloat};
};
struct Tanh : NoAttributes {
  static constexpr const char* name = "tanh";
  static constexpr PointwiseTraits traits{.arity = 1, .compute = Compute::kFloat};
};
struct Sigmoid : NoAttributes {
  static constexpr const char* name = "sigmoid";
  static constexpr PointwiseTraits traits{.arity = 1, .compute = Compute::kFloat};
};
struct Softsign : NoAttributes {
  static constexpr const char* name = "softsign";
  static constexpr PointwiseTraits traits{.arity = 1, .compute = Compute::kFloat};
};
struct Silu : NoAttributes {
  static constexpr const char* name = "silu";
  static constexpr PointwiseTraits traits{.arity = 1, .compute = Compute::kFloat};
};
struct Mish : NoAttributes {
  static constexpr const char* name = "mish";
  static constexpr PointwiseTraits traits{.arity = 1, .compute = Compute::kFloat};
};
struct Gelu : NoAttributes {
  static constexpr const char* name = "gelu";
  static constexpr PointwiseTraits traits{.arity = 1, .compute = Compute::kFloat};
};
struct GeluTanh : NoAttributes {
  static constexpr const char* name = "gelu_tanh";
  static constexpr PointwiseTraits traits{.arity = 1, .compute = Compute::kFloat};
};
struct Erf : NoAttributes {
  static constexpr const char* name = "erf";
  static constexpr PointwiseTraits traits{.arity = 1, .compute = Compute::kFloat};
};
struct ErfGaussian : NoAttributes {
  static constexpr const char* name = "erf_gaussian";
  static constexpr PointwiseTraits traits{.arity = 1, .compute = Compute::kFloat};
};
struct Relu : NoAttributes {
  static constexpr const char* name = "relu";
  static constexpr PointwiseTraits traits{.arity = 1, .takes_bool = false, .orders = true};
};

// Their gradients: of the output's gradient and the input, or the output where that is cheaper
struct AbsBackward : NoAttributes {
  static constexpr const char* name = "abs_backward";
  static constexpr PointwiseTraits traits{.arity = 2, .compute = Compute::kFloat};
};
struct SqrtBackward : NoAttributes {
  static constexpr const char* name = "sqrt_backward";
  static constexpr PointwiseTraits traits{.arity = 2, .compute = Compute::kFloat};
};
struct TanhBackward : NoAttributes {
  static constexpr const char* name = "tanh_backward";
  static constexpr PointwiseTraits traits{.arity = 2, .compute = Compute::kFloat};
};
struct SigmoidBackward : NoAttributes {
  static constexpr const char* name = "sigmoid_backward";
  static constexpr PointwiseTraits traits{.arity = 2, .compute = Compute::kFloat};
};
struct ReluBackward : NoAttributes {
  static constexpr const char* name = "relu_backward";
  static constexpr PointwiseTraits traits{.arity = 2, .compute = Compute::kFloat};
};
struct SoftsignBackward : NoAttributes {
  static constexpr const char* name = "softsign_backward";
  static constexpr PointwiseTraits traits{.arity = 2, .compute = Compute::kFloat};
};
struct SiluBackward : NoAttributes {
  static constexpr const char* name = "silu_backward";
  static constexpr PointwiseTraits traits{.arity = 2, .compute = Compute::kFloat};
};
struct MishBackward : NoAttributes {
  static constexpr const char* name = "mish_backward";
  static constexpr PointwiseTraits traits{.arity = 2, .compute = Compute::kFloat};
};
struct GeluBackward : NoAttributes {
  static constexpr const char* name = "gelu_backward";
  static constexpr PointwiseTraits traits{.arity = 2, .compute = Compute::kFloat};
};
struct GeluTanhBackward : NoAttributes {
  static constexpr const char* name = "gelu_tanh_backward";
  static constexpr PointwiseTraits traits{.arity = 2, .compute = Compute::kFloat};
};

// Throws where PyTorch does: for bool operands of an op that has no meaning for them, for u64 where
// only the order of i64 could be had, for a number that the result's integer dtype cannot hold.
void check_pointwise(const PointwiseTraits& traits, DType computed, Inputs in);
// Throws ValueError if a tensor of this dtype cannot be filled with the number: a float outside of
// an integer's range. Negative integers wrap into unsigned ones, as in PyTorch.
void check_fill(const Number& number, DType dtype);

// The text of a formula; empty for a primitive, which every machine brings along.
consteval const char* formula_text(std::string_view name) {
  for (const FormulaText& formula : kFormulaTexts) {
    if (name == formula.name) return formula.text;
  }
  for (std::string_view primitive : {"abs", "exp", "log", "sqrt", "tanh", "sigmoid", "erf",
                                     "erf_gaussian", "pow", "maximum", "minimum"}) {
    if (name == primitive) return "";
  }
  throw "no such file in kernels/formulas, and no primitive";
}

// The function that computes an op: of the op's name unless the op says otherwise.
template <class Op>
consteval Formula formula_of() {
  if constexpr (requires { Op::formula; }) {
    return {Op::formula, formula_text(Op::formula), Op::traits.arity};
  } else {
    return {Op::name, formula_text(Op::name), Op::traits.arity};
  }
}

// The part of a rule that all pointwise ops share.
template <class Op>
struct PointwiseRule {
  static constexpr OpFlags flags = kPointwise;
  static constexpr Formula formula = formula_of<Op>();
  static Spec infer(const Op&, Inputs in) {
    const DType computed = compute_dtype(Op::traits, in);
    if (!is_floating_point(computed)) check_pointwise(Op::traits, computed, in);
    return pointwise_spec(Op::traits.gives_bool ? kBool : computed, in);
  }
};

}  // namespace entasis
