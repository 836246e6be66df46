// From tensors to what the loops of a reduction read and write.
#pragma once

#include <cstdint>
#include <type_traits>

#include <entasis/kernels/cpu/internal/reduce_loops.h>

namespace entasis::cpu {

// Floats compute in float or double. Integers travel as i64: sums wrap alike, and order is kept but
// for u64, whose upper half would turn negative. Where order counts, u64 is shifted by 2^63.
template <class F>
decltype(auto) with_fold_type(DType dtype, F f) {
  if (dtype == kF64) return f(double{});
  if (is_floating_point(dtype)) return f(float{});
  return f(int64_t{});
}
// The same for floats.
template <class F>
decltype(auto) with_fold_float(DType dtype, F f) {
  if (dtype == kF64) return f(double{});
  return f(float{});
}

enum class Order : bool { kIgnored, kKept };

inline constexpr uint64_t kOrderShift = uint64_t{1} << 63;

inline void shift_run(void* to, int64_t to_stride, const void* from, int64_t from_stride,
                      int64_t n) {
  for (int64_t i = 0; i < n; ++i) {
    static_cast<int64_t*>(to)[i * to_stride] =
        int64_t(static_cast<const uint64_t*>(from)[i * from_stride] ^ kOrderShift);
  }
}

inline ReduceInput input_of(const Tensor& in, Order order = Order::kIgnored) {
  const DType compute_type = with_fold_type(in.dtype(), []<class C>(C) { return dtype_of<C>; });
  const bool shifts = order == Order::kKept && in.dtype() == kU64;
  return {in.raw(), size_of(in.dtype()), in.dtype() == compute_type,
          shifts ? &shift_run : find_converter(compute_type, in.dtype())};
}

// What becomes of an accumulated value on its way to the result, which has the number `i`.
struct Divided {
  template <class A>
  static A finish(A value, const ReduceOutput<A>& output, int64_t) {
    if constexpr (std::is_same_v<A, double>) return value / output.number;
    return value;
  }
};
struct Unshifted {
  template <class A>
  static A finish(A value, const ReduceOutput<A>&, int64_t) {
    return value;
  }
};

template <class To, class Finish, class A>
void put(const A* values, int64_t n, const ReduceOutput<A>& output, int64_t at, int64_t stride) {
  To* to = static_cast<To*>(output.data);
  for (int64_t i = 0; i < n; ++i, at += stride) {
    const auto value = Finish::finish(values[i], output, at);
    if constexpr (std::is_same_v<Finish, Unshifted> && std::is_same_v<To, uint64_t>) {
      to[at] = uint64_t(value) ^ kOrderShift;
    } else {
      to[at] = convert<To>(value);
    }
  }
}

// Floats come from doubles, integers from i64, bool from either: rules let no other pair through.
template <class A, class Finish = Divided>
ReduceOutput<A> output_of(const Tensor& out, double number = 1) {
  return dispatch_dtype(out.dtype(), [&]<class To>(TypeTag<To>) -> ReduceOutput<A> {
    constexpr bool kWhole = std::is_integral_v<To>;
    if constexpr (kWhole || std::is_same_v<A, double>) {
      return {out.raw(), number, &put<To, Finish, A>};
    } else {
      throw_unsupported_dtype(out.dtype());
    }
  });
}

// Results as they are accumulated, one for each output.
template <class A>
ReduceOutput<A> output_of(A* out, double divisor = 1) {
  return {out, divisor, &put<A, Divided, A>};
}

}  // namespace entasis::cpu
