// The type that lies in memory, chosen at run time among those that are computed as one type.
#pragma once

#include <type_traits>

#include <entasis/core/dtype.h>
#include <entasis/kernels/cuda/internal/convert.h>

namespace entasis::cuda {

// Calls f(T()) for elements of `dtype`, whose type of computation is C: double for f64, float for
// f32 and half types, int64_t for integers and bool.
template <class C, class F>
__device__ __forceinline__ void with_element_type(DType dtype, const F& f) {
  if constexpr (std::is_same_v<C, double>) {
    f(double());
  } else if constexpr (std::is_same_v<C, float>) {
    if (dtype == kF32) f(float());
    if (dtype == kF16) f(half_t());
    if (dtype == kBF16) f(bfloat16_t());
  } else {
    if (dtype == kI64 || dtype == kU64) f(int64_t());
    if (dtype == kI32) f(int32_t());
    if (dtype == kU32) f(uint32_t());
    if (dtype == kI16) f(int16_t());
    if (dtype == kU16) f(uint16_t());
    if (dtype == kI8) f(int8_t());
    if (dtype == kU8 || dtype == kBool) f(uint8_t());
  }
}

}  // namespace entasis::cuda
