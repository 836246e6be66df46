// Ops of trigonometric.h.
#pragma once

#include <entasis/ops/pointwise_internal.h>

namespace entasis {

struct Sin : HeavyFloatFunction {
  static constexpr const char* name = "sin";
};
struct Cos : HeavyFloatFunction {
  static constexpr const char* name = "cos";
};
struct Tan : HeavyFloatFunction {
  static constexpr const char* name = "tan";
};
struct Asin : HeavyFloatFunction {
  static constexpr const char* name = "asin";
};
struct Acos : HeavyFloatFunction {
  static constexpr const char* name = "acos";
};
struct Atan : HeavyFloatFunction {
  static constexpr const char* name = "atan";
};
struct Sinh : HeavyFloatFunction {
  static constexpr const char* name = "sinh";
};
struct Cosh : HeavyFloatFunction {
  static constexpr const char* name = "cosh";
};
struct Tanh : HeavyFloatFunction {
  static constexpr const char* name = "tanh";
};
struct Asinh : HeavyFloatFunction {
  static constexpr const char* name = "asinh";
};
struct Acosh : HeavyFloatFunction {
  static constexpr const char* name = "acosh";
};
struct Atanh : HeavyFloatFunction {
  static constexpr const char* name = "atanh";
};
struct Sinc : HeavyFloatFunction {
  static constexpr const char* name = "sinc";
};
struct Deg2rad : FloatFunction {
  static constexpr const char* name = "deg2rad";
};
struct Rad2deg : FloatFunction {
  static constexpr const char* name = "rad2deg";
};

using TrigonometricOps =
    decltype(OpList<Deg2rad, Rad2deg>() + WithBackward<Sin, Cos, Tan, Asin, Acos, Atan, Sinh, Cosh,
                                                       Tanh, Asinh, Acosh, Atanh, Sinc>());

}  // namespace entasis
