// log, log2, log10 and log1p for float and double lanes.
// Method: x = 2^e·(1 + f) with 1 + f in [sqrt(1/2), sqrt(2)), log x = e·ln 2 + log(1 + f), with a
// minimax polynomial in f (float) or the series of atanh in f/(2 + f) (double).

#if defined(ENTASIS_KERNELS_CPU_INTERNAL_SIMD_LOG_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ENTASIS_KERNELS_CPU_INTERNAL_SIMD_LOG_H_
#undef ENTASIS_KERNELS_CPU_INTERNAL_SIMD_LOG_H_
#else
#define ENTASIS_KERNELS_CPU_INTERNAL_SIMD_LOG_H_
#endif

#include <entasis/kernels/cpu/internal/simd_float.h>

HWY_BEFORE_NAMESPACE();
namespace entasis {
namespace HWY_NAMESPACE {
namespace detail {

// log(1 + f) + addend for f in [sqrt(1/2) - 1, sqrt(2) - 1].
template <class D>
HWY_INLINE Lane<D> log1p_series(Lane<D> f, Lane<D> addend) {
  using V = Lane<D>;
  if constexpr (sizeof(hn::TFromD<D>) == 4) {
    // log(1 + f) = f - f²/2 + f³·p(f), relative error 2^-27.3
    const V p = polynomial(f, {0x1.555554p-2, -0x1.000228p-2, 0x1.99a02p-3, -0x1.547216p-3,
                               0x1.22d8cep-3, -0x1.0d8618p-3, 0x1.0560ecp-3, -0x1.38b81ap-4});
    return mul_add(mul_add(p, f, V(-0.5)), f * f, addend) + f;
  } else {
    // With s = f/(2 + f), z = s²: log(1 + f) = 2·atanh(s) = f - (f²/2 - s·(f²/2 + z·l(z))),
    // relative error 2^-59.
    const V s = f / (V(2) + f);
    const V z = s * s;
    const V l = polynomial(
        z, {0x1.5555555555593p-1, 0x1.999999997fb0bp-2, 0x1.249249421042dp-2, 0x1.c71c51f389176p-3,
            0x1.746642d52162fp-3, 0x1.39a1621bb875ep-3, 0x1.2f086a2c00cbbp-3});
    const V half_square = V(0.5) * f * f;
    return f - (half_square - mul_add(s, mul_add(z, l, half_square), addend));
  }
}

// e·log_b 2 + log_b(1 + f) for an integer e: the base's log_b 2 in two parts, the product of the
// first with e exact, and log_b e.
struct NaturalBase {
  template <class D>
  static HWY_INLINE Lane<D> of(Lane<D> e, Lane<D> f) {
    using V = Lane<D>;
    const V small = log1p_series(f, e * V(Format<D>::kLn2Low));
    return mul_add(e, V(Format<D>::kLn2High), small);
  }
};
struct BaseTwo {
  template <class D>
  static HWY_INLINE Lane<D> of(Lane<D> e, Lane<D> f) {
    using V = Lane<D>;
    return mul_add(log1p_series(f, V(0)), V(0x1.71547652b82fep+0), e);
  }
};
struct BaseTen {
  template <class D>
  static HWY_INLINE Lane<D> of(Lane<D> e, Lane<D> f) {
    using V = Lane<D>;
    constexpr bool is_float = sizeof(hn::TFromD<D>) == 4;
    const V high(is_float ? 0x1.344p-2 : 0x1.34413509p-2);
    const V low(is_float ? 0x1.3509f8p-18 : 0x1.ef3fde623e256p-35);
    const V small = mul_add(log1p_series(f, V(0)), V(0x1.bcb7b1526e50ep-2), e * low);
    return mul_add(e, high, small);
  }
};

// The logarithm of positive normal x.
template <class Base, class D>
HWY_INLINE Lane<D> log_normal(Lane<D> x) {
  const Binary<D> parts = split_binary(x);
  return Base::of(parts.exponent, parts.significand - Lane<D>(1));
}

// The logarithm of any x; the lanes that `log_normal` serves come out as there.
template <class Base, class D>
HWY_NOINLINE Lane<D> log_any(Lane<D> x) {
  using V = Lane<D>;
  using Limits = std::numeric_limits<hn::TFromD<D>>;
  const V infinity(Limits::infinity());
  const LaneMask<D> subnormal = x < V(Limits::min());
  const V scaled = select(subnormal, x * V(Format<D>::kTwoToMantissa), x);
  const LaneMask<D> usable = (x > V(0)) & (x < infinity);
  const Binary<D> parts = split_binary(select(usable, scaled, V(1)));
  const V exponent = parts.exponent - select(subnormal, V(Format<D>::kMantissa), V(0));
  const V result = Base::of(exponent, parts.significand - V(1));
  // infinity and NaN give themselves, 0 gives -infinity, what is below gives NaN
  const V other = select(x == V(0), -infinity, select(x < V(0), V(Limits::quiet_NaN()), x));
  return select(usable, result, other);
}

template <class Base, class D>
HWY_INLINE Lane<D> log_in(Lane<D> x) {
  using V = Lane<D>;
  using Limits = std::numeric_limits<hn::TFromD<D>>;
  if (HWY_LIKELY(all_true((x >= V(Limits::min())) & (x <= V(Limits::max()))))) {
    return log_normal<Base>(x);
  }
  return log_any<Base>(x);
}

}  // namespace detail

// log x. Float: 1 ulp; double: 1 ulp. Subnormal arguments are taken at their value.
template <class D>
HWY_INLINE Lane<D> log(Lane<D> x) {
  return detail::log_in<detail::NaturalBase>(x);
}

// log2 x, exact for powers of two. Float: 2 ulp; double: 2 ulp.
template <class D>
HWY_INLINE Lane<D> log2(Lane<D> x) {
  return detail::log_in<detail::BaseTwo>(x);
}

// log10 x. Float: 2 ulp; double: 2 ulp.
template <class D>
HWY_INLINE Lane<D> log10(Lane<D> x) {
  return detail::log_in<detail::BaseTen>(x);
}

// log(1 + x). Float: 2 ulp; double: 2 ulp.
// 1 + x = 2^e·(1 + f) with f = 2^-e·x + (2^-e - 1), where only the last sum rounds; for e = 0 f is
// x.
template <class D>
HWY_INLINE Lane<D> log1p(Lane<D> x) {
  using V = Lane<D>;
  using F = detail::Format<D>;
  const V one_plus_x = V(1) + x;
  const auto biased = detail::split_binary(one_plus_x);
  const auto inverse = hn::Sub(detail::set_bits(D(), 2 * F::kBias), biased.biased);
  const V scale = detail::from_bits(D(), hn::ShiftLeft<F::kMantissa>(inverse));  // 2^-e
  const V f = mul_add(x, scale, scale - V(1));
  const V result = select(abs(x) < V(1e-30), x, detail::NaturalBase::of(biased.exponent, f));
  // Below 2^100 the scale is a normal number; above, 1 adds nothing to x.
  const LaneMask<D> ordinary = (x > V(-1)) & (x < V(0x1p+100));
  if (HWY_LIKELY(all_true(ordinary))) return result;
  return select(ordinary, result, detail::log_any<detail::NaturalBase>(one_plus_x));
}

}  // namespace HWY_NAMESPACE
}  // namespace entasis
HWY_AFTER_NAMESPACE();

#endif  // ENTASIS_KERNELS_CPU_INTERNAL_SIMD_LOG_H_
