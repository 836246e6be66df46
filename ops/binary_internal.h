// Ops of binary.h.
#pragma once

#include <entasis/ops/pointwise_internal.h>

namespace entasis {

struct Atan2 : HeavyBinaryFunction {
  static constexpr const char* name = "atan2";
};
struct Hypot : HeavyBinaryFunction {
  static constexpr const char* name = "hypot";
};
struct Copysign : BinaryFunction {
  static constexpr const char* name = "copysign";
};
struct Nextafter : BinaryFunction {
  static constexpr const char* name = "nextafter";
};
struct NextafterHalf : BinaryFunction {
  static constexpr const char* name = "nextafter_float16";
};
struct NextafterBFloat16 : BinaryFunction {
  static constexpr const char* name = "nextafter_bfloat16";
};
struct Logaddexp : HeavyBinaryFunction {
  static constexpr const char* name = "logaddexp";
};
struct Logaddexp2 : HeavyBinaryFunction {
  static constexpr const char* name = "logaddexp2";
};
struct Xlogy : HeavyBinaryFunction {
  static constexpr const char* name = "xlogy";
};
struct Ldexp : HeavyBinaryFunction {
  static constexpr const char* name = "ldexp";
};

using BinaryOps = OpList<Atan2, Hypot, Copysign, Nextafter, NextafterHalf, NextafterBFloat16,
                         Logaddexp, Logaddexp2, Xlogy, Ldexp>;

}  // namespace entasis
