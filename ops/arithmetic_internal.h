// Ops of arithmetic.h.
#pragma once

#include <entasis/ops/pointwise_internal.h>

namespace entasis {

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
  static constexpr PointwiseTraits traits{
      .arity = 1, .takes_bool = false, .orders = true, .straight = true};
};

// Inputs: a, b and a number alpha: a + alpha·b.
struct AddScaled : NoAttributes {
  static constexpr const char* name = "add_scaled";
  static constexpr PointwiseTraits traits{.arity = 3, .parameters = 1, .modular = true};
};
// Inputs: x, a, b and a number: x + value·a·b, x + value·a/b.
struct Addcmul : NoAttributes {
  static constexpr const char* name = "addcmul";
  static constexpr PointwiseTraits traits{
      .arity = 4, .parameters = 1, .takes_bool = false, .modular = true};
};
struct Addcdiv : NoAttributes {
  static constexpr const char* name = "addcdiv";
  static constexpr PointwiseTraits traits{.arity = 4, .compute = Compute::kFloat, .parameters = 1};
};

using ArithmeticOps =
    decltype(OpList<Add, Sub, Mul, Div, Neg, AddScaled, Addcmul, Addcdiv>() + WithBackward<Abs>());

}  // namespace entasis
