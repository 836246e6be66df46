// Pointwise ops: their attribute structs, which hold nothing, and what their rules and kernels agree on:
// the dtype in which an op computes. The formulas are in kernels/formulas.
#pragma once

#include <cstdint>

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
  bool orders = false;  // tells smaller from larger: wrong for u64, which is computed as i64
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
  static constexpr PointwiseTraits traits{.arity = 2};
};
struct Sub : NoAttributes {
  static constexpr const char* name = "sub";
  static constexpr PointwiseTraits traits{.arity = 2, .takes_bool = false};
};
struct Mul : NoAttributes {
  static constexpr const char* name = "mul";
  static constexpr PointwiseTraits traits{.arity = 2};
};
struct Div : NoAttributes {
  static constexpr const char* name = "div";
  static constexpr PointwiseTraits traits{.arity = 2, .compute = Compute::kFloat};
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

// Throws where PyTorch does: for bool operands of an op that has no meaning for them, for u64 where
// only the order of i64 could be had, for a number that the result's integer dtype cannot hold.
void check_pointwise(const PointwiseTraits& traits, DType computed, Inputs in);

// The part of a rule that all pointwise ops share.
template <class Op> struct PointwiseRule {
  static constexpr OpFlags flags = kPointwise;
  static Spec infer(const Op&, Inputs in) {
    const DType computed = compute_dtype(Op::traits, in);
    if (!is_floating_point(computed)) check_pointwise(Op::traits, computed, in);
    return pointwise_spec(Op::traits.gives_bool ? kBool : computed, in);
  }
};

}  // namespace entasis
