// Ops of comparison.h.
#pragma once

#include <entasis/ops/pointwise_internal.h>

namespace entasis {

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

// Inputs: a, b and the numbers rtol and atol.
struct IsClose : NoAttributes {
  static constexpr const char* name = "isclose";
  static constexpr PointwiseTraits traits{
      .arity = 4, .compute = Compute::kFloat, .gives_bool = true, .parameters = 2};
};
struct IsCloseOrNan : NoAttributes {
  static constexpr const char* name = "isclose_or_nan";
  static constexpr PointwiseTraits traits = IsClose::traits;
};

using CompareOps = OpList<Eq, Ne, Lt, Le, Gt, Ge, IsClose, IsCloseOrNan>;

}  // namespace entasis
