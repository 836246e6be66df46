// Ops of power.h.
#pragma once

#include <entasis/ops/pointwise_internal.h>

namespace entasis {

struct Pow : NoAttributes {
  static constexpr const char* name = "pow";
  static constexpr PointwiseTraits traits{
      .arity = 2, .takes_bool = false, .orders = true, .heavy = true};
};

}  // namespace entasis
