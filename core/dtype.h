// Element types: the enum, its properties, PyTorch's promotion lattice, and dispatch to C++ types.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>

#include <entasis/core/export.h>
#include <entasis/core/half.h>

namespace entasis {

// The values are part of file formats and of the plugin interface: append only. The last four have
// a slot and no kernels yet; creating such a tensor raises.
enum class DType : uint8_t {
  kF32,
  kF64,
  kF16,
  kBF16,
  kI8,
  kI16,
  kI32,
  kI64,
  kU8,
  kU16,
  kU32,
  kU64,
  kBool,
  kC64,
  kC128,
  kF8E4M3,
  kF8E5M2,
};
using enum DType;

inline constexpr int kDTypes = 13;  // those that tensors can have today

// The categories of promotion: bool < integer < float.
enum class Category : uint8_t { kBoolean, kInteger, kFloating };

// Bytes of one element.
constexpr int size_of(DType dtype) {
  constexpr uint8_t sizes[] = {4, 8, 2, 2, 1, 2, 4, 8, 1, 2, 4, 8, 1, 8, 16, 1, 1};
  return sizes[int(dtype)];
}
constexpr Category category_of(DType dtype) {
  if (dtype == kBool) return Category::kBoolean;
  return dtype <= kBF16 || dtype > kBool ? Category::kFloating : Category::kInteger;
}
constexpr bool is_floating_point(DType dtype) { return category_of(dtype) == Category::kFloating; }
constexpr bool is_integer(DType dtype) { return category_of(dtype) == Category::kInteger; }
constexpr bool is_half(DType dtype) { return dtype == kF16 || dtype == kBF16; }
constexpr bool is_unsigned(DType dtype) { return dtype >= kU8 && dtype <= kU64; }

// "f32", "bf16", "i64", "bool" …
ENTASIS_API const char* name_of(DType dtype);
// The inverse; also understands PyTorch's names ("float32", "int64"). Throws DtypeError.
ENTASIS_API DType dtype_from_name(std::string_view name);

// The smallest dtype of PyTorch's lattice that holds both. Throws DtypeError where PyTorch has no
// answer (u16, u32, u64 with a signed integer).
ENTASIS_API DType promote_types(DType a, DType b);
// Whether PyTorch allows `from` to be stored into `to` by an in-place op: the category may not
// fall.
constexpr bool can_cast(DType from, DType to) { return category_of(from) <= category_of(to); }

// The dtype of a C++ element type.
template <class T>
struct DTypeOf;
template <>
struct DTypeOf<float> {
  static constexpr DType value = kF32;
};
template <>
struct DTypeOf<double> {
  static constexpr DType value = kF64;
};
template <>
struct DTypeOf<Half> {
  static constexpr DType value = kF16;
};
template <>
struct DTypeOf<BFloat16> {
  static constexpr DType value = kBF16;
};
template <>
struct DTypeOf<int8_t> {
  static constexpr DType value = kI8;
};
template <>
struct DTypeOf<int16_t> {
  static constexpr DType value = kI16;
};
template <>
struct DTypeOf<int32_t> {
  static constexpr DType value = kI32;
};
template <>
struct DTypeOf<int64_t> {
  static constexpr DType value = kI64;
};
template <>
struct DTypeOf<uint8_t> {
  static constexpr DType value = kU8;
};
template <>
struct DTypeOf<uint16_t> {
  static constexpr DType value = kU16;
};
template <>
struct DTypeOf<uint32_t> {
  static constexpr DType value = kU32;
};
template <>
struct DTypeOf<uint64_t> {
  static constexpr DType value = kU64;
};
template <>
struct DTypeOf<bool> {
  static constexpr DType value = kBool;
};
template <class T>
inline constexpr DType dtype_of = DTypeOf<T>::value;

template <class T>
struct TypeTag {
  using type = T;
};

[[noreturn]] ENTASIS_API void throw_unsupported_dtype(DType dtype);

// Calls `f(TypeTag<T>{})` with the C++ type of `dtype`.
template <class F>
decltype(auto) dispatch_dtype(DType dtype, F&& f) {
  switch (dtype) {
    case kF32:
      return f(TypeTag<float>{});
    case kF64:
      return f(TypeTag<double>{});
    case kF16:
      return f(TypeTag<Half>{});
    case kBF16:
      return f(TypeTag<BFloat16>{});
    case kI8:
      return f(TypeTag<int8_t>{});
    case kI16:
      return f(TypeTag<int16_t>{});
    case kI32:
      return f(TypeTag<int32_t>{});
    case kI64:
      return f(TypeTag<int64_t>{});
    case kU8:
      return f(TypeTag<uint8_t>{});
    case kU16:
      return f(TypeTag<uint16_t>{});
    case kU32:
      return f(TypeTag<uint32_t>{});
    case kU64:
      return f(TypeTag<uint64_t>{});
    case kBool:
      return f(TypeTag<bool>{});
    default:
      throw_unsupported_dtype(dtype);
  }
}

// Towards zero. What no i64 holds (NaN too) gives the lowest one, on every machine.
constexpr int64_t truncate_to_int64(double value) {
  return value >= -0x1p63 && value < 0x1p63 ? static_cast<int64_t>(value) : INT64_MIN;
}

// Converts one element; halves go through float, and float to bool means "not zero". A float on its
// way to an integer is truncated to an i64, of which the low bits are kept (u64 has the upper half
// of its range besides).
template <class To, class From>
constexpr To convert(From value) {
  if constexpr (sizeof(From) == 2 && !std::is_integral_v<From>) {
    return convert<To>(static_cast<float>(value));
  } else if constexpr (sizeof(To) == 2 && !std::is_integral_v<To>) {
    return To(static_cast<float>(value));
  } else if constexpr (std::is_same_v<To, bool>) {
    return value != From(0);
  } else if constexpr (std::is_floating_point_v<From> && std::is_same_v<To, uint64_t>) {
    return value >= From(0x1p63) && value < From(0x1p64) ? static_cast<uint64_t>(value)
                                                         : uint64_t(truncate_to_int64(value));
  } else if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To>) {
    return static_cast<To>(truncate_to_int64(value));
  } else {
    return static_cast<To>(value);
  }
}

}  // namespace entasis
