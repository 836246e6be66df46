// Mathematics of device code that host compilers lack: CUDA's intrinsics, exact where the device's
// are fast approximations, and functions beyond the C library's. Those of <cmath> are the host's.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <type_traits>

// ---- min and max as device code knows them: of two floating types or two integers of one size
// (after promotion), by value.
namespace entasis::emulation {
template <class A, class B>
concept Comparable = std::is_arithmetic_v<A> && std::is_arithmetic_v<B> &&
                     std::is_floating_point_v<A> == std::is_floating_point_v<B> &&
                     (std::is_floating_point_v<A> || sizeof(+A{}) == sizeof(+B{}));
}  // namespace entasis::emulation

template <class A, class B>
  requires ::entasis::emulation::Comparable<A, B>
constexpr std::common_type_t<A, B> min(A a, B b) {
  using T = std::common_type_t<A, B>;
  if constexpr (std::is_floating_point_v<T>) {
    return T(b) != T(b) ? T(a) : T(b) < T(a) || T(a) != T(a) ? T(b) : T(a);  // a number before NaN
  } else {
    return T(b) < T(a) ? T(b) : T(a);
  }
}
template <class A, class B>
  requires ::entasis::emulation::Comparable<A, B>
constexpr std::common_type_t<A, B> max(A a, B b) {
  using T = std::common_type_t<A, B>;
  if constexpr (std::is_floating_point_v<T>) {
    return T(b) != T(b) ? T(a) : T(a) < T(b) || T(a) != T(a) ? T(b) : T(a);
  } else {
    return T(a) < T(b) ? T(b) : T(a);
  }
}

// ---- Fast functions.
inline float __expf(float x) { return std::exp(x); }
inline float __exp10f(float x) { return std::pow(10.0f, x); }
inline float __logf(float x) { return std::log(x); }
inline float __log2f(float x) { return std::log2(x); }
inline float __log10f(float x) { return std::log10(x); }
inline float __powf(float x, float y) { return std::pow(x, y); }
inline float __sinf(float x) { return std::sin(x); }
inline float __cosf(float x) { return std::cos(x); }
inline float __tanf(float x) { return std::tan(x); }
inline float __tanhf(float x) { return std::tanh(x); }
inline void __sincosf(float x, float* sine, float* cosine) {
  *sine = std::sin(x);
  *cosine = std::cos(x);
}
inline float __fdividef(float a, float b) { return a / b; }
inline float __saturatef(float x) { return x > 0.0f ? (x < 1.0f ? x : 1.0f) : 0.0f; }

// The C library's write the sign to a global variable, on which threads race.
inline float lgammaf_without_sign(float x) {
  int sign;
  return lgammaf_r(x, &sign);
}
inline double lgamma_without_sign(double x) {
  int sign;
  return lgamma_r(x, &sign);
}
#define lgammaf lgammaf_without_sign
#define lgamma lgamma_without_sign

// ---- Functions beyond the C library.
inline float rsqrtf(float x) { return 1.0f / std::sqrt(x); }
inline double rsqrt(double x) { return 1.0 / std::sqrt(x); }
inline float rcbrtf(float x) { return 1.0f / std::cbrt(x); }
inline double rcbrt(double x) { return 1.0 / std::cbrt(x); }
inline float fdividef(float a, float b) { return a / b; }
inline float normcdff(float x) { return 0.5f * std::erfc(-x * float(M_SQRT1_2)); }
inline double normcdf(double x) { return 0.5 * std::erfc(-x * M_SQRT1_2); }
inline double sinpi(double x) {
  if (std::isinf(x)) return std::nan("");
  return x == std::trunc(x) ? std::copysign(0.0, x) : std::sin(M_PI * std::remainder(x, 2.0));
}
inline double cospi(double x) {
  return std::remainder(x, 1.0) == 0.5 || std::remainder(x, 1.0) == -0.5
             ? 0.0
             : std::cos(M_PI * std::remainder(x, 2.0));
}
// The inverse of erf by Newton's method, from erfc where erf is near 1.
inline double erfinv(double x) {
  const double a = std::fabs(x);
  if (!(a < 1.0)) return a == 1.0 ? std::copysign(HUGE_VAL, x) : std::nan("");
  double y = 0.0;
  for (int k = 0; k < 100; ++k) {
    const double residual = a < 0.5 ? std::erf(y) - a : (1.0 - a) - std::erfc(y);
    const double step = residual * std::exp(y * y) * (std::sqrt(M_PI) / 2);
    y -= step / (1.0 + y * step);
    if (std::fabs(step) <= 1e-17 * y) break;
  }
  return std::copysign(y, x);
}
inline float erfinvf(float x) { return static_cast<float>(erfinv(x)); }
inline float sinpif(float x) { return static_cast<float>(sinpi(x)); }
inline float cospif(float x) { return static_cast<float>(cospi(x)); }
inline void sincospif(float x, float* sine, float* cosine) {
  *sine = sinpif(x);
  *cosine = cospif(x);
}
inline void sincospi(double x, double* sine, double* cosine) {
  *sine = sinpi(x);
  *cosine = cospi(x);
}

// ---- Arithmetic with its rounding in the name. The host rounds to nearest.
inline float __fadd_rn(float a, float b) { return a + b; }
inline float __fsub_rn(float a, float b) { return a - b; }
inline float __fmul_rn(float a, float b) { return a * b; }
inline float __fdiv_rn(float a, float b) { return a / b; }
inline float __fmaf_rn(float a, float b, float c) { return std::fma(a, b, c); }
inline float __frcp_rn(float x) { return 1.0f / x; }
inline float __fsqrt_rn(float x) { return std::sqrt(x); }
inline float __frsqrt_rn(float x) { return static_cast<float>(1.0 / std::sqrt(double{x})); }
inline double __dadd_rn(double a, double b) { return a + b; }
inline double __dsub_rn(double a, double b) { return a - b; }
inline double __dmul_rn(double a, double b) { return a * b; }
inline double __ddiv_rn(double a, double b) { return a / b; }
inline double __fma_rn(double a, double b, double c) { return std::fma(a, b, c); }
inline double __drcp_rn(double x) { return 1.0 / x; }
inline double __dsqrt_rn(double x) { return std::sqrt(x); }

// ---- Conversions. On the device those to integers saturate; NaN gives 0 or, where 64 bits are
// involved, only the highest bit (PTX, cvt).
namespace entasis::emulation {
template <class To, class From>
To to_integer(From rounded) {
  using Unsigned = std::make_unsigned_t<To>;
  constexpr int kBits = sizeof(To) * 8, kValueBits = kBits - (std::is_signed_v<To> ? 1 : 0);
  constexpr Unsigned kHighest = Unsigned(1) << (kBits - 1);
  constexpr To kLeast = std::is_signed_v<To> ? static_cast<To>(kHighest) : To(0);
  const From limit = std::ldexp(From(1), kValueBits);
  if (rounded != rounded) {
    return sizeof(From) == 8 || sizeof(To) == 8 ? static_cast<To>(kHighest) : To(0);
  }
  if (rounded >= limit) return static_cast<To>(~static_cast<Unsigned>(kLeast));
  if (rounded < static_cast<From>(kLeast)) return kLeast;
  return static_cast<To>(rounded);
}
}  // namespace entasis::emulation

#define ENTASIS_EMULATION_TO_INTEGER(name, From, To)                                              \
  inline To __##name##_rn(From x) { return ::entasis::emulation::to_integer<To>(std::rint(x)); }  \
  inline To __##name##_rz(From x) { return ::entasis::emulation::to_integer<To>(std::trunc(x)); } \
  inline To __##name##_ru(From x) { return ::entasis::emulation::to_integer<To>(std::ceil(x)); }  \
  inline To __##name##_rd(From x) { return ::entasis::emulation::to_integer<To>(std::floor(x)); }
ENTASIS_EMULATION_TO_INTEGER(float2int, float, int)
ENTASIS_EMULATION_TO_INTEGER(float2uint, float, unsigned)
ENTASIS_EMULATION_TO_INTEGER(float2ll, float, long long)
ENTASIS_EMULATION_TO_INTEGER(float2ull, float, unsigned long long)
ENTASIS_EMULATION_TO_INTEGER(double2int, double, int)
ENTASIS_EMULATION_TO_INTEGER(double2uint, double, unsigned)
ENTASIS_EMULATION_TO_INTEGER(double2ll, double, long long)
ENTASIS_EMULATION_TO_INTEGER(double2ull, double, unsigned long long)
#undef ENTASIS_EMULATION_TO_INTEGER

inline float __int2float_rn(int x) { return static_cast<float>(x); }
inline float __uint2float_rn(unsigned x) { return static_cast<float>(x); }
inline float __ll2float_rn(long long x) { return static_cast<float>(x); }
inline float __ull2float_rn(unsigned long long x) { return static_cast<float>(x); }
inline float __double2float_rn(double x) { return static_cast<float>(x); }
inline double __int2double_rn(int x) { return x; }
inline double __uint2double_rn(unsigned x) { return x; }
inline double __ll2double_rn(long long x) { return static_cast<double>(x); }
inline double __ull2double_rn(unsigned long long x) { return static_cast<double>(x); }

// ---- Bits.
inline int __float_as_int(float x) { return std::bit_cast<int>(x); }
inline unsigned __float_as_uint(float x) { return std::bit_cast<unsigned>(x); }
inline float __int_as_float(int x) { return std::bit_cast<float>(x); }
inline float __uint_as_float(unsigned x) { return std::bit_cast<float>(x); }
inline long long __double_as_longlong(double x) { return std::bit_cast<long long>(x); }
inline double __longlong_as_double(long long x) { return std::bit_cast<double>(x); }
inline int __double2loint(double x) { return static_cast<int>(std::bit_cast<uint64_t>(x)); }
inline int __double2hiint(double x) { return static_cast<int>(std::bit_cast<uint64_t>(x) >> 32); }
inline double __hiloint2double(int high, int low) {
  return std::bit_cast<double>(uint64_t{static_cast<uint32_t>(high)} << 32 |
                               static_cast<uint32_t>(low));
}

inline int __popc(unsigned x) { return std::popcount(x); }
inline int __popcll(unsigned long long x) { return std::popcount(x); }
inline int __clz(int x) { return std::countl_zero(static_cast<unsigned>(x)); }
inline int __clzll(long long x) { return std::countl_zero(static_cast<unsigned long long>(x)); }
inline int __ffs(int x) { return __builtin_ffs(x); }
inline int __ffsll(long long x) { return __builtin_ffsll(x); }
inline unsigned __brev(unsigned x) {
  unsigned reversed = 0;
  for (int i = 0; i < 32; ++i, x >>= 1) reversed = reversed << 1 | (x & 1u);
  return reversed;
}
// Four of the eight bytes of `high` and `low`, as the four low nibbles of `selector` say.
inline unsigned __byte_perm(unsigned low, unsigned high, unsigned selector) {
  const uint64_t bytes = uint64_t{high} << 32 | low;
  unsigned picked = 0;
  for (unsigned i = 0; i < 4; ++i) {
    const unsigned nibble = selector >> 4 * i & 0xfu;
    auto byte = static_cast<unsigned>(bytes >> 8 * (nibble & 7u)) & 0xffu;
    if ((nibble & 8u) != 0) byte = (byte & 0x80u) != 0 ? 0xffu : 0u;  // its sign, replicated
    picked |= byte << 8 * i;
  }
  return picked;
}
inline unsigned __funnelshift_l(unsigned low, unsigned high, unsigned shift) {
  return static_cast<unsigned>((uint64_t{high} << 32 | low) << (shift & 31u) >> 32);
}
inline unsigned __funnelshift_r(unsigned low, unsigned high, unsigned shift) {
  return static_cast<unsigned>((uint64_t{high} << 32 | low) >> (shift & 31u));
}

// ---- High halves of products.
inline int __mulhi(int a, int b) { return static_cast<int>((int64_t{a} * b) >> 32); }
inline unsigned __umulhi(unsigned a, unsigned b) {
  return static_cast<unsigned>((uint64_t{a} * b) >> 32);
}
__extension__ inline long long __mul64hi(long long a, long long b) {
  return static_cast<long long>((static_cast<__int128>(a) * b) >> 64);
}
__extension__ inline unsigned long long __umul64hi(unsigned long long a, unsigned long long b) {
  return static_cast<unsigned long long>((static_cast<unsigned __int128>(a) * b) >> 64);
}
