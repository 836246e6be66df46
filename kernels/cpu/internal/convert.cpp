#include <entasis/kernels/cpu/internal/convert.h>

#include <array>
#include <cstring>
#include <type_traits>
#include <utility>

namespace entasis::cpu {
namespace {

// Reads a bool byte that need not be 0 or 1, as memory from elsewhere may hold.
template <class T>
inline T read(const T* from) {
  if constexpr (std::is_same_v<T, bool>) {
    uint8_t byte;
    std::memcpy(&byte, from, 1);
    return byte != 0;
  } else {
    return *from;
  }
}

template <class To, class From>
inline To convert_element(const From* from) {
  if constexpr (std::is_same_v<To, From>) {
    return read(from);  // halves keep their bits
  } else {
    return convert<To>(read(from));
  }
}

template <class To, class From>
void convert_run(void* to, int64_t to_stride, const void* from, int64_t from_stride, int64_t n) {
  To* t = static_cast<To*>(to);
  const From* f = static_cast<const From*>(from);
  if (to_stride == 1 && from_stride == 1) {
    if constexpr (std::is_same_v<To, From> && !std::is_same_v<To, bool>) {
      std::memcpy(t, f, sizeof(To) * size_t(n));
    } else {
      for (int64_t i = 0; i < n; ++i) t[i] = convert_element<To>(f + i);
    }
    return;
  }
  for (int64_t i = 0; i < n; ++i) t[i * to_stride] = convert_element<To>(f + i * from_stride);
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
