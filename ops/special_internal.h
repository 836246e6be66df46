// Ops of special.h.
#pragma once

#include <entasis/ops/pointwise_internal.h>

namespace entasis {

struct Sigmoid : HeavyFloatFunction {
  static constexpr const char* name = "sigmoid";
};
struct Logit : HeavyFloatFunction {
  static constexpr const char* name = "logit";
};
struct ClampedLogit : NoAttributes {  // inputs: x, eps
  static constexpr const char* name = "clamped_logit";
  static constexpr PointwiseTraits traits{.arity = 2, .compute = Compute::kFloat, .heavy = true};
};
struct Erf : HeavyFloatFunction {
  static constexpr const char* name = "erf";
};
// 2/sqrt(pi)·exp(-x²), the slope of erf.
struct ErfGaussian : HeavyFloatFunction {
  static constexpr const char* name = "erf_gaussian";
};

struct Erfc : HeavyFloatFunction {
  static constexpr const char* name = "erfc";
};
struct Erfinv : HeavyFloatFunction {
  static constexpr const char* name = "erfinv";
};
struct Lgamma : HeavyFloatFunction {
  static constexpr const char* name = "lgamma";
};
struct Digamma : HeavyFloatFunction {
  static constexpr const char* name = "digamma";
};
// The derivatives of digamma.
struct Trigamma : HeavyFloatFunction {
  static constexpr const char* name = "trigamma";
};
struct Tetragamma : HeavyFloatFunction {
  static constexpr const char* name = "tetragamma";
};

using SpecialOps =
    decltype(OpList<Tetragamma>() + WithBackward<Sigmoid, Logit, ClampedLogit, Erf, ErfGaussian,
                                                 Erfc, Erfinv, Lgamma, Digamma, Trigamma>());

}  // namespace entasis
