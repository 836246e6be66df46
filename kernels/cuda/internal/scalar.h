// The value type of the GPU's formulas: `Scalar<T>` is one number with the operators and functions
// that formulas use, for T in {float, double, int32_t, int64_t, uint8_t}. Integers wrap, as the
// CPU's do; their division truncates and gives 0 for a zero divisor. Floating-point functions are
// CUDA's own (CUDA C++ Programming Guide, "Mathematical Functions": single precision at most 2 ulp,
// but pow, tan, asinh, acosh and erfc 4, asin, acos, atan2, atanh, sinh, erfinv 3, lgamma 6) or
// stated here.
#pragma once

#include <cstdint>
#include <limits>
#include <type_traits>

#include <entasis/kernels/cuda/internal/device.h>

// How the texts under kernels/formulas declare their functions on this machine.
#define FORMULA __device__ __forceinline__

namespace entasis::cuda {

template <class T>
struct Scalar {
  T v;

  Scalar() = default;
  template <class C, std::enable_if_t<std::is_arithmetic_v<C>, int> = 0>
  FORMULA explicit Scalar(C constant) : v(static_cast<T>(constant)) {}

  static constexpr bool is_float = std::is_floating_point_v<T>;
  using Bits = std::conditional_t<is_float, uint32_t,
                                  std::make_unsigned_t<std::conditional_t<is_float, int, T>>>;
  // int would overflow where the type's own unsigned arithmetic wraps.
  using Wide = std::conditional_t<(sizeof(T) < 4), uint32_t, Bits>;

  friend FORMULA Scalar operator+(Scalar a, Scalar b) {
    if constexpr (is_float)
      return Scalar(a.v + b.v);
    else
      return Scalar(T(Wide(a.v) + Wide(b.v)));
  }
  friend FORMULA Scalar operator-(Scalar a, Scalar b) {
    if constexpr (is_float)
      return Scalar(a.v - b.v);
    else
      return Scalar(T(Wide(a.v) - Wide(b.v)));
  }
  friend FORMULA Scalar operator*(Scalar a, Scalar b) {
    if constexpr (is_float)
      return Scalar(a.v * b.v);
    else
      return Scalar(T(Wide(a.v) * Wide(b.v)));
  }
  friend FORMULA Scalar operator/(Scalar a, Scalar b) {
    if constexpr (is_float) {
      return Scalar(a.v / b.v);
    } else {
      if (b.v == 0) return Scalar(0);
      if constexpr (std::is_signed_v<T>) {
        if (b.v == -1) return -a;
      }
      return Scalar(T(a.v / b.v));
    }
  }
  friend FORMULA Scalar operator-(Scalar a) {
    if constexpr (is_float)
      return Scalar(-a.v);
    else
      return Scalar(T(Wide(0) - Wide(a.v)));
  }
  // Of integers.
  friend FORMULA Scalar operator&(Scalar a, Scalar b) { return Scalar(T(a.v & b.v)); }
  friend FORMULA Scalar operator|(Scalar a, Scalar b) { return Scalar(T(a.v | b.v)); }
  friend FORMULA Scalar operator^(Scalar a, Scalar b) { return Scalar(T(a.v ^ b.v)); }
  friend FORMULA bool operator==(Scalar a, Scalar b) { return a.v == b.v; }
  friend FORMULA bool operator!=(Scalar a, Scalar b) { return a.v != b.v; }
  friend FORMULA bool operator<(Scalar a, Scalar b) { return a.v < b.v; }
  friend FORMULA bool operator>(Scalar a, Scalar b) { return a.v > b.v; }
  friend FORMULA bool operator<=(Scalar a, Scalar b) { return a.v <= b.v; }
  friend FORMULA bool operator>=(Scalar a, Scalar b) { return a.v >= b.v; }

  friend FORMULA Scalar select(bool condition, Scalar yes, Scalar no) {
    return condition ? yes : no;
  }
};

// For formulas, which ask by `decltype(is_whole(x))::value`.
template <class T>
std::bool_constant<!Scalar<T>::is_float> is_whole(Scalar<T>);

template <class T>
FORMULA bool is_nan(Scalar<T> x) {
  return x.v != x.v;
}
// a·b + c, the only place where a fused multiply-add may be used.
template <class T>
FORMULA Scalar<T> mul_add(Scalar<T> a, Scalar<T> b, Scalar<T> c) {
  if constexpr (std::is_same_v<T, float>)
    return Scalar<T>(::fmaf(a.v, b.v, c.v));
  else if constexpr (std::is_same_v<T, double>)
    return Scalar<T>(::fma(a.v, b.v, c.v));
  else
    return a * b + c;
}
template <class T>
FORMULA Scalar<T> abs(Scalar<T> x) {
  if constexpr (std::is_same_v<T, float>)
    return Scalar<T>(::fabsf(x.v));
  else if constexpr (std::is_same_v<T, double>)
    return Scalar<T>(::fabs(x.v));
  else if constexpr (std::is_signed_v<T>)
    return x.v < 0 ? -x : x;
  else
    return x;
}
// NaN if either is NaN, as PyTorch's.
template <class T>
FORMULA Scalar<T> maximum(Scalar<T> a, Scalar<T> b) {
  return is_nan(a) ? a : is_nan(b) ? b : (a.v < b.v ? b : a);
}
template <class T>
FORMULA Scalar<T> minimum(Scalar<T> a, Scalar<T> b) {
  return is_nan(a) ? a : is_nan(b) ? b : (b.v < a.v ? b : a);
}
// x limited to [low, high]; NaN stays. Neither limit may be NaN.
template <class T>
FORMULA Scalar<T> clamp(Scalar<T> x, Scalar<T> low, Scalar<T> high) {
  return x.v < low.v ? low : x.v > high.v ? high : x;
}

#define ENTASIS_DEVICE_FUNCTION(name, single, full) \
  template <class T>                                \
  FORMULA Scalar<T> name(Scalar<T> x) {             \
    if constexpr (std::is_same_v<T, float>)         \
      return Scalar<T>(single(x.v));                \
    else                                            \
      return Scalar<T>(full(x.v));                  \
  }
ENTASIS_DEVICE_FUNCTION(sqrt, ::sqrtf, ::sqrt)
ENTASIS_DEVICE_FUNCTION(exp, ::expf, ::exp)
ENTASIS_DEVICE_FUNCTION(expm1, ::expm1f, ::expm1)
ENTASIS_DEVICE_FUNCTION(log, ::logf, ::log)
ENTASIS_DEVICE_FUNCTION(log1p, ::log1pf, ::log1p)
ENTASIS_DEVICE_FUNCTION(tanh, ::tanhf, ::tanh)
ENTASIS_DEVICE_FUNCTION(erf, ::erff, ::erf)
ENTASIS_DEVICE_FUNCTION(erfc, ::erfcf, ::erfc)
ENTASIS_DEVICE_FUNCTION(erfinv, ::erfinvf, ::erfinv)
ENTASIS_DEVICE_FUNCTION(lgamma, ::lgammaf, ::lgamma)
ENTASIS_DEVICE_FUNCTION(exp2, ::exp2f, ::exp2)
ENTASIS_DEVICE_FUNCTION(log2, ::log2f, ::log2)
ENTASIS_DEVICE_FUNCTION(log10, ::log10f, ::log10)
ENTASIS_DEVICE_FUNCTION(sin, ::sinf, ::sin)
ENTASIS_DEVICE_FUNCTION(cos, ::cosf, ::cos)
ENTASIS_DEVICE_FUNCTION(tan, ::tanf, ::tan)
ENTASIS_DEVICE_FUNCTION(sinpi, ::sinpif, ::sinpi)
ENTASIS_DEVICE_FUNCTION(cospi, ::cospif, ::cospi)
ENTASIS_DEVICE_FUNCTION(asin, ::asinf, ::asin)
ENTASIS_DEVICE_FUNCTION(acos, ::acosf, ::acos)
ENTASIS_DEVICE_FUNCTION(atan, ::atanf, ::atan)
ENTASIS_DEVICE_FUNCTION(sinh, ::sinhf, ::sinh)
ENTASIS_DEVICE_FUNCTION(cosh, ::coshf, ::cosh)
ENTASIS_DEVICE_FUNCTION(asinh, ::asinhf, ::asinh)
ENTASIS_DEVICE_FUNCTION(acosh, ::acoshf, ::acosh)
ENTASIS_DEVICE_FUNCTION(atanh, ::atanhf, ::atanh)
#undef ENTASIS_DEVICE_FUNCTION

// F::of(x) computed in double.
template <class F, class T>
FORMULA Scalar<T> widened(Scalar<T> x) {
  return Scalar<T>(F::of(Scalar<double>(x.v)).v);
}

// Rounding to an integer: the identity for integers. `round` takes halves to even.
#define ENTASIS_DEVICE_FUNCTION(name, single, full) \
  template <class T>                                \
  FORMULA Scalar<T> name(Scalar<T> x) {             \
    if constexpr (std::is_same_v<T, float>)         \
      return Scalar<T>(single(x.v));                \
    else if constexpr (std::is_same_v<T, double>)   \
      return Scalar<T>(full(x.v));                  \
    else                                            \
      return x;                                     \
  }
ENTASIS_DEVICE_FUNCTION(floor, ::floorf, ::floor)
ENTASIS_DEVICE_FUNCTION(ceil, ::ceilf, ::ceil)
ENTASIS_DEVICE_FUNCTION(round, ::rintf, ::rint)
ENTASIS_DEVICE_FUNCTION(trunc, ::truncf, ::trunc)
#undef ENTASIS_DEVICE_FUNCTION

template <class T>
FORMULA Scalar<T> rsqrt(Scalar<T> x) {
  return Scalar<T>(1) / sqrt(x);
}
template <class T>
FORMULA Scalar<T> copysign(Scalar<T> magnitude, Scalar<T> sign) {
  if constexpr (std::is_same_v<T, float>)
    return Scalar<T>(::copysignf(magnitude.v, sign.v));
  else if constexpr (std::is_same_v<T, double>)
    return Scalar<T>(::copysign(magnitude.v, sign.v));
  else if constexpr (std::is_signed_v<T>)
    return sign.v < T(0) ? -abs(magnitude) : abs(magnitude);
  else
    return magnitude;
}

#define ENTASIS_DEVICE_FUNCTION(name, single, full)  \
  template <class T>                                 \
  FORMULA Scalar<T> name(Scalar<T> a, Scalar<T> b) { \
    if constexpr (std::is_same_v<T, float>)          \
      return Scalar<T>(single(a.v, b.v));            \
    else                                             \
      return Scalar<T>(full(a.v, b.v));              \
  }
ENTASIS_DEVICE_FUNCTION(atan2, ::atan2f, ::atan2)
ENTASIS_DEVICE_FUNCTION(hypot, ::hypotf, ::hypot)
#undef ENTASIS_DEVICE_FUNCTION

// What division rounded towards 0 leaves, exactly.
template <class T>
FORMULA Scalar<T> fmod(Scalar<T> a, Scalar<T> b) {
  if constexpr (std::is_same_v<T, float>)
    return Scalar<T>(::fmodf(a.v, b.v));
  else if constexpr (std::is_same_v<T, double>)
    return Scalar<T>(::fmod(a.v, b.v));
  else
    return a - a / b * b;
}

// Shifts of integers: what is moved by its width or more, or by less than nothing, is moved out.
template <class T>
FORMULA Scalar<T> bitwise_left_shift(Scalar<T> a, Scalar<T> b) {
  using Wide = typename Scalar<T>::Wide;
  const auto distance = typename Scalar<T>::Bits(b.v);
  return distance < 8 * sizeof(T) ? Scalar<T>(T(Wide(a.v) << distance)) : Scalar<T>(0);
}
template <class T>
FORMULA Scalar<T> bitwise_right_shift(Scalar<T> a, Scalar<T> b) {
  const auto distance = typename Scalar<T>::Bits(b.v);
  if (distance < 8 * sizeof(T)) return Scalar<T>(T(a.v >> distance));
  return Scalar<T>(a < Scalar<T>(0) ? -1 : 0);
}

// The greatest common divisor by Euclid's algorithm; of the smallest integer and 0 it wraps.
template <class T>
FORMULA Scalar<T> gcd(Scalar<T> a, Scalar<T> b) {
  using Bits = typename Scalar<T>::Bits;
  Bits x = Bits(abs(a).v), y = Bits(abs(b).v);
  while (y != 0) {
    const Bits rest = Bits(x % y);
    x = y;
    y = rest;
  }
  return Scalar<T>(T(x));
}

// The float whose bits are `step` more, as an unsigned number, than those of x.
template <class T>
FORMULA Scalar<T> step_bits(Scalar<T> x, int step) {
  if constexpr (std::is_same_v<T, float>)
    return Scalar<T>(::__uint_as_float(::__float_as_uint(x.v) + unsigned(step)));
  else
    return Scalar<T>(::__longlong_as_double(
        static_cast<long long>(static_cast<unsigned long long>(::__double_as_longlong(x.v)) +
                               static_cast<unsigned long long>(step))));
}

// 1 / (1 + exp(-x)): the exponential may overflow to infinity, and the quotient is then 0.
template <class T>
FORMULA Scalar<T> sigmoid(Scalar<T> x) {
  return Scalar<T>(1) / (Scalar<T>(1) + exp(-x));
}
// log(1 + exp(x)) = max(x, 0) + log1p(exp(-|x|)).
template <class T>
FORMULA Scalar<T> log1p_exp(Scalar<T> x) {
  return maximum(x, Scalar<T>(0)) + log1p(exp(-abs(x)));
}
// 2/sqrt(pi) · exp(-x²), the derivative of erf. The square is split in two, since its rounding
// error alone would cost 6e-6 at the edge of underflow.
template <class T>
FORMULA Scalar<T> erf_gaussian(Scalar<T> x) {
  const Scalar<T> square = x * x;
  const Scalar<T> rest = mul_add(x, x, -square);
  const Scalar<T> value = Scalar<T>(1.12837916709551257) * exp(-square);
  return select(square.v > T(800), Scalar<T>(0), value - value * rest);
}

// x^y. Floats: C99's special cases. Integers by repeated squaring, wrapping; as in PyTorch a
// negative exponent gives 0 but for the bases 1 and -1.
template <class T>
FORMULA Scalar<T> pow(Scalar<T> x, Scalar<T> y) {
  if constexpr (std::is_same_v<T, float>) {
    return Scalar<T>(y.v == 2.0f ? x.v * x.v : ::powf(x.v, y.v));
  } else if constexpr (std::is_same_v<T, double>) {
    return Scalar<T>(y.v == 2.0 ? x.v * x.v : ::pow(x.v, y.v));
  } else {
    if constexpr (std::is_signed_v<T>) {
      if (y.v < 0) return Scalar<T>(x.v == 1 ? 1 : x.v == -1 ? ((y.v & 1) != 0 ? -1 : 1) : 0);
    }
    Scalar<T> result(1), base = x;
    for (auto n = typename Scalar<T>::Bits(y.v); n != 0; n = typename Scalar<T>::Bits(n >> 1)) {
      if ((n & 1) != 0) result = result * base;
      base = base * base;
    }
    return result;
  }
}

}  // namespace entasis::cuda
