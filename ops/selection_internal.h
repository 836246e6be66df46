// Ops of selection.h.
#pragma once

#include <entasis/ops/pointwise_internal.h>

namespace entasis {

struct Maximum : NoAttributes {
  static constexpr const char* name = "maximum";
  static constexpr PointwiseTraits traits{.arity = 2, .orders = true};
};
struct Minimum : NoAttributes {
  static constexpr const char* name = "minimum";
  static constexpr PointwiseTraits traits{.arity = 2, .orders = true};
};
struct Fmax : NoAttributes {
  static constexpr const char* name = "fmax";
  static constexpr PointwiseTraits traits{.arity = 2, .orders = true};
};
struct Fmin : NoAttributes {
  static constexpr const char* name = "fmin";
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
struct Heaviside : NoAttributes {  // inputs: x, the value at 0
  static constexpr const char* name = "heaviside";
  static constexpr PointwiseTraits traits{.arity = 2, .orders = true};
};
struct Lerp : NoAttributes {  // inputs: start, end, weight
  static constexpr const char* name = "lerp";
  static constexpr PointwiseTraits traits{.arity = 3, .compute = Compute::kFloat};
};

using SelectionOps =
    OpList<Maximum, Minimum, Fmax, Fmin, Clamp, ClampMin, ClampMax, Where, Heaviside, Lerp>;

}  // namespace entasis
