// Ops of exponential.h.
#pragma once

#include <entasis/ops/pointwise_internal.h>

namespace entasis {

struct Exp : HeavyFloatFunction {
  static constexpr const char* name = "exp";
};
struct Log : HeavyFloatFunction {
  static constexpr const char* name = "log";
};
struct Exp2 : HeavyFloatFunction {
  static constexpr const char* name = "exp2";
};
struct Expm1 : HeavyFloatFunction {
  static constexpr const char* name = "expm1";
};
struct Log2 : HeavyFloatFunction {
  static constexpr const char* name = "log2";
};
struct Log10 : HeavyFloatFunction {
  static constexpr const char* name = "log10";
};
struct Log1p : HeavyFloatFunction {
  static constexpr const char* name = "log1p";
};
struct Sqrt : FloatFunction {
  static constexpr const char* name = "sqrt";
};
struct Rsqrt : FloatFunction {
  static constexpr const char* name = "rsqrt";
};
struct Reciprocal : FloatFunction {
  static constexpr const char* name = "reciprocal";
};
struct Square : NoAttributes {
  static constexpr const char* name = "square";
  static constexpr PointwiseTraits traits{.arity = 1, .takes_bool = false, .modular = true};
};

using ExponentialOps =
    decltype(OpList<Exp, Log>() +
             WithBackward<Exp2, Expm1, Log2, Log10, Log1p, Sqrt, Rsqrt, Reciprocal, Square>());

}  // namespace entasis
