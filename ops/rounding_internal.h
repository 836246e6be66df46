// Ops of rounding.h.
#pragma once

#include <entasis/ops/pointwise_internal.h>

namespace entasis {

struct RoundingFunction : NoAttributes {  // integers stay as they are
  static constexpr PointwiseTraits traits{.arity = 1, .takes_bool = false};
};
struct Floor : RoundingFunction {
  static constexpr const char* name = "floor";
};
struct Ceil : RoundingFunction {
  static constexpr const char* name = "ceil";
};
struct Round : RoundingFunction {
  static constexpr const char* name = "round";
};
struct Trunc : RoundingFunction {
  static constexpr const char* name = "trunc";
};
struct Frac : RoundingFunction {
  static constexpr const char* name = "frac";
};
// Inputs: x and a power of ten.
struct RoundToFraction : NoAttributes {
  static constexpr const char* name = "round_to_fraction";
  static constexpr PointwiseTraits traits{.arity = 2, .compute = Compute::kFloat};
};
struct RoundToMultiple : NoAttributes {
  static constexpr const char* name = "round_to_multiple";
  static constexpr PointwiseTraits traits = RoundToFraction::traits;
};
struct Sign : NoAttributes {
  static constexpr const char* name = "sign";
  static constexpr PointwiseTraits traits{.arity = 1, .orders = true};
};
// Inputs: x, and what stands for NaN, infinity and minus infinity.
struct NanToNum : NoAttributes {
  static constexpr const char* name = "nan_to_num";
  static constexpr PointwiseTraits traits{.arity = 4, .compute = Compute::kFloat};
};
struct NanToNumBackward : NoAttributes {  // inputs: the output's gradient, x
  static constexpr const char* name = "nan_to_num_backward";
  static constexpr PointwiseTraits traits{.arity = 2, .compute = Compute::kFloat};
};

using RoundingOps = OpList<Floor, Ceil, Round, Trunc, Frac, RoundToFraction, RoundToMultiple, Sign,
                           NanToNum, NanToNumBackward>;

}  // namespace entasis
