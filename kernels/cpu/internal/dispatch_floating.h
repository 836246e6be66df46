// Calls f with the C++ type of a floating-point dtype, for kernels whose rule lets no other
// through.
#pragma once

#include <entasis/core/dtype.h>

namespace entasis::cpu {

template <class F>
void dispatch_floating(DType dtype, F&& f) {
  switch (dtype) {
    case kF32:
      return f(TypeTag<float>{});
    case kF64:
      return f(TypeTag<double>{});
    case kF16:
      return f(TypeTag<Half>{});
    default:
      return f(TypeTag<BFloat16>{});
  }
}

}  // namespace entasis::cpu
