#include <entasis/kernels/cpu/internal/convert.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <type_traits>
#include <utility>

#include <entasis/kernels/cpu/internal/convert_half.h>

namespace entasis::cpu {
namespace {

// A bool byte need not be 0 or 1, as memory from elsewhere may hold: it is read as such a number.
template <class T>
inline auto read(const T* from) {
  if constexpr (std::is_same_v<T, bool>) {
    const uint8_t byte = *reinterpret_cast<const uint8_t*>(from);
    return uint8_t(byte > 1 ? 1 : byte);
  } else {
    return *from;
  }
}

template <class To, class From>
inline To convert_element(const From* from) {
  if constexpr (std::is_same_v<To, From> && !std::is_same_v<To, bool>) {
    return *from;  // halves keep their bits
  } else {
    return convert<To>(read(from));
  }
}

// Floats to integers. Blocks whose numbers all fit an i32 take the instructions for that; what is
// outside is rare, and may mean something else (core/dtype.h).
template <class To, class From>
void truncate_adjacent(To* to, const From* from, int64_t n) {
  constexpr int64_t kBlock = 64;
  int64_t i = 0;
  for (; i + kBlock <= n; i += kBlock) {
    int outside = 0;
    for (int64_t j = i; j < i + kBlock; ++j) {
      outside |= !(from[j] >= From(-0x1p31)) | !(from[j] < From(0x1p31));
    }
    if (outside != 0) {
      for (int64_t j = i; j < i + kBlock; ++j) to[j] = convert<To>(from[j]);
    } else {
      for (int64_t j = i; j < i + kBlock; ++j) to[j] = To(int32_t(from[j]));
    }
  }
  for (; i < n; ++i) to[i] = convert<To>(from[i]);
}

using cpu::convert_adjacent;  // the pairs that have a way of their own

template <class To, class From>
void convert_adjacent(To* to, const From* from, int64_t n) {
  constexpr bool truncates =
      std::is_floating_point_v<From> && std::is_integral_v<To> && !std::is_same_v<To, bool>;
  if constexpr (std::is_same_v<To, From> && !std::is_same_v<To, bool>) {
    std::memcpy(to, from, sizeof(To) * size_t(n));
  } else if constexpr (truncates) {
    truncate_adjacent(to, from, n);
  } else {
    for (int64_t i = 0; i < n; ++i) to[i] = convert_element<To>(from + i);
  }
}

template <class To, class From>
void convert_run(void* to, int64_t to_stride, const void* from, int64_t from_stride, int64_t n) {
  To* t = static_cast<To*>(to);
  const From* f = static_cast<const From*>(from);
  if (to_stride == 1 && from_stride == 1) {
    convert_adjacent(t, f, n);
  } else if (std::is_same_v<To, From> && to_stride == 1 && from_stride == 2) {
    // A constant stride becomes shuffles of whole vectors.
    for (int64_t i = 0; i < n; ++i) t[i] = convert_element<To>(f + 2 * i);
  } else if (to_stride == 1 && from_stride == 0) {
    std::fill_n(t, n, convert_element<To>(f));
  } else {
    for (int64_t i = 0; i < n; ++i) t[i * to_stride] = convert_element<To>(f + i * from_stride);
  }
}

template <int kDType>
struct TypeAt;
template <>
struct TypeAt<int(kF32)> {
  using type = float;
};
template <>
struct TypeAt<int(kF64)> {
  using type = double;
};
template <>
struct TypeAt<int(kF16)> {
  using type = Half;
};
template <>
struct TypeAt<int(kBF16)> {
  using type = BFloat16;
};
template <>
struct TypeAt<int(kI8)> {
  using type = int8_t;
};
template <>
struct TypeAt<int(kI16)> {
  using type = int16_t;
};
template <>
struct TypeAt<int(kI32)> {
  using type = int32_t;
};
template <>
struct TypeAt<int(kI64)> {
  using type = int64_t;
};
template <>
struct TypeAt<int(kU8)> {
  using type = uint8_t;
};
template <>
struct TypeAt<int(kU16)> {
  using type = uint16_t;
};
template <>
struct TypeAt<int(kU32)> {
  using type = uint32_t;
};
template <>
struct TypeAt<int(kU64)> {
  using type = uint64_t;
};
template <>
struct TypeAt<int(kBool)> {
  using type = bool;
};

using ConvertRow = std::array<ConvertRun, kDTypes>;

template <int kTo, int... kFrom>
constexpr ConvertRow make_row(std::integer_sequence<int, kFrom...>) {
  return {&convert_run<typename TypeAt<kTo>::type, typename TypeAt<kFrom>::type>...};
}
template <int... kTo>
constexpr std::array<ConvertRow, kDTypes> make_table(std::integer_sequence<int, kTo...> all) {
  return {make_row<kTo>(all)...};
}
constexpr auto kConverters = make_table(std::make_integer_sequence<int, kDTypes>());

}  // namespace

ConvertRun find_converter(DType to, DType from) { return kConverters[size_t(to)][size_t(from)]; }

}  // namespace entasis::cpu
