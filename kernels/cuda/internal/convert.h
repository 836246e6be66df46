// Elements in memory and as kernels compute with them: half types are computed as float, bool as
// 0 or 1.
#pragma once

#include <cstdint>
#include <type_traits>

#include <entasis/core/dtype.h>
#include <entasis/kernels/cuda/internal/device.h>

namespace entasis::cuda {

using half_t = __half;
using bfloat16_t = __nv_bfloat16;

// The type that kernels compute in for elements of type M.
template <class M>
struct ComputeType {
  using type = M;
};
template <>
struct ComputeType<half_t> {
  using type = float;
};
template <>
struct ComputeType<bfloat16_t> {
  using type = float;
};
template <class M>
using Computed = typename ComputeType<M>::type;

__device__ __forceinline__ float to_float(half_t x) { return __half2float(x); }
__device__ __forceinline__ float to_float(bfloat16_t x) { return __bfloat162float(x); }
__device__ __forceinline__ float to_float(float x) { return x; }

template <class M>
inline constexpr bool is_half_type = std::is_same_v<M, half_t> || std::is_same_v<M, bfloat16_t>;

// The conversion of core/dtype.h, `convert`, for the device's types; halves are rounded by the
// hardware, which gives the same bits but for NaN.
template <class To, class From>
__device__ __forceinline__ To convert_to(From x) {
  if constexpr (std::is_same_v<To, From>) {
    return x;
  } else if constexpr (is_half_type<From>) {
    return convert_to<To>(to_float(x));
  } else if constexpr (std::is_same_v<To, half_t>) {
    return __float2half(static_cast<float>(x));
  } else if constexpr (std::is_same_v<To, bfloat16_t>) {
    return __float2bfloat16(static_cast<float>(x));
  } else if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To> &&
                       !std::is_same_v<To, bool>) {
    // As there, but without a detour through double, which most GPUs are slow in.
    const int64_t whole =
        x >= From(-0x1p63) && x < From(0x1p63) ? static_cast<int64_t>(x) : INT64_MIN;
    if constexpr (std::is_same_v<To, uint64_t>) {
      if (x >= From(0x1p63) && x < From(0x1p64)) return static_cast<uint64_t>(x);
    }
    return static_cast<To>(whole);
  } else {
    return convert<To>(x);
  }
}

// Element i of an array whose dtype is known at run time.
template <class T>
__device__ __forceinline__ T load_as(const void* from, int64_t i, DType dtype) {
  switch (dtype) {
    case kF32:
      return convert_to<T>(static_cast<const float*>(from)[i]);
    case kF64:
      return convert_to<T>(static_cast<const double*>(from)[i]);
    case kF16:
      return convert_to<T>(static_cast<const half_t*>(from)[i]);
    case kBF16:
      return convert_to<T>(static_cast<const bfloat16_t*>(from)[i]);
    case kI8:
      return convert_to<T>(static_cast<const int8_t*>(from)[i]);
    case kI16:
      return convert_to<T>(static_cast<const int16_t*>(from)[i]);
    case kI32:
      return convert_to<T>(static_cast<const int32_t*>(from)[i]);
    case kI64:
      return convert_to<T>(static_cast<const int64_t*>(from)[i]);
    case kU16:
      return convert_to<T>(static_cast<const uint16_t*>(from)[i]);
    case kU32:
      return convert_to<T>(static_cast<const uint32_t*>(from)[i]);
    case kU64:
      return convert_to<T>(static_cast<const uint64_t*>(from)[i]);
    case kU8:
      return convert_to<T>(static_cast<const uint8_t*>(from)[i]);
    default:  // a bool, whose byte need not be 0 or 1 where the memory is another program's
      return convert_to<T>(uint8_t(static_cast<const uint8_t*>(from)[i] != 0));
  }
}

template <class T>
__device__ __forceinline__ void store_as(void* to, int64_t i, DType dtype, T value) {
  switch (dtype) {
    case kF32:
      static_cast<float*>(to)[i] = convert_to<float>(value);
      break;
    case kF64:
      static_cast<double*>(to)[i] = convert_to<double>(value);
      break;
    case kF16:
      static_cast<half_t*>(to)[i] = convert_to<half_t>(value);
      break;
    case kBF16:
      static_cast<bfloat16_t*>(to)[i] = convert_to<bfloat16_t>(value);
      break;
    case kI8:
      static_cast<int8_t*>(to)[i] = convert_to<int8_t>(value);
      break;
    case kI16:
      static_cast<int16_t*>(to)[i] = convert_to<int16_t>(value);
      break;
    case kI32:
      static_cast<int32_t*>(to)[i] = convert_to<int32_t>(value);
      break;
    case kI64:
      static_cast<int64_t*>(to)[i] = convert_to<int64_t>(value);
      break;
    case kU8:
      static_cast<uint8_t*>(to)[i] = convert_to<uint8_t>(value);
      break;
    case kU16:
      static_cast<uint16_t*>(to)[i] = convert_to<uint16_t>(value);
      break;
    case kU32:
      static_cast<uint32_t*>(to)[i] = convert_to<uint32_t>(value);
      break;
    case kU64:
      static_cast<uint64_t*>(to)[i] = convert_to<uint64_t>(value);
      break;
    default:
      static_cast<uint8_t*>(to)[i] = convert_to<bool>(value);
      break;
  }
}

// ---- On the host: calls `f(TypeTag<M>())` with the device's type for the dtype.
template <class M>
struct Tag {
  using type = M;
};
template <class F>
auto dispatch_floating_point(DType dtype, const F& f) {
  switch (dtype) {
    case kF64:
      return f(Tag<double>());
    case kF16:
      return f(Tag<half_t>());
    case kBF16:
      return f(Tag<bfloat16_t>());
    default:
      return f(Tag<float>());
  }
}
template <class F>
auto dispatch_all(DType dtype, const F& f) {
  switch (dtype) {
    case kF32:
    case kF64:
    case kF16:
    case kBF16:
      return dispatch_floating_point(dtype, f);
    case kI8:
      return f(Tag<int8_t>());
    case kI16:
      return f(Tag<int16_t>());
    case kI32:
      return f(Tag<int32_t>());
    case kI64:
      return f(Tag<int64_t>());
    case kU8:
      return f(Tag<uint8_t>());
    case kU16:
      return f(Tag<uint16_t>());
    case kU32:
      return f(Tag<uint32_t>());
    case kU64:
      return f(Tag<uint64_t>());
    default:
      return f(Tag<bool>());
  }
}
// By the size of an element alone, for kernels that move it: uint8_t, uint16_t, uint32_t, uint64_t.
template <class F>
auto dispatch_bits(DType dtype, const F& f) {
  switch (size_of(dtype)) {
    case 1:
      return f(Tag<uint8_t>());
    case 2:
      return f(Tag<uint16_t>());
    case 4:
      return f(Tag<uint32_t>());
    default:
      return f(Tag<uint64_t>());
  }
}

}  // namespace entasis::cuda
