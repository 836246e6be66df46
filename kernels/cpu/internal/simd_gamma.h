// lgamma for float and double lanes, and the way of functions that are computed in double alone.
// Method: float computes in double: a minimax polynomial for log G(x) / ((x - 1)·(x - 2)) up to 3,
// Stirling's series with a minimax rest beyond, and the reflection of arguments below 1/2. Double
// goes to the C library lane by lane.

#if defined(ENTASIS_KERNELS_CPU_INTERNAL_SIMD_GAMMA_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ENTASIS_KERNELS_CPU_INTERNAL_SIMD_GAMMA_H_
#undef ENTASIS_KERNELS_CPU_INTERNAL_SIMD_GAMMA_H_
#else
#define ENTASIS_KERNELS_CPU_INTERNAL_SIMD_GAMMA_H_
#endif

#include <entasis/kernels/cpu/internal/simd_log.h>
#include <entasis/kernels/cpu/internal/simd_trig.h>

#include <cmath>

HWY_BEFORE_NAMESPACE();
namespace entasis {
namespace HWY_NAMESPACE {

// F::of(x) computed in double, for both types.
template <class F, class D>
HWY_INLINE Lane<D> widened(Lane<D> x) {
  if constexpr (sizeof(hn::TFromD<D>) == 4) {
    return detail::in_double(x, [](auto a) HWY_ATTR { return F::of(a); });
  } else {
    return F::of(x);
  }
}

namespace detail {

// log G(y) for y >= 1/2 in double lanes, for float: relative error 2^-37.
template <class D>
HWY_INLINE Lane<D> lgamma_right(Lane<D> y) {
  using V = Lane<D>;
  const V log_y = log(y);
  // Up to 3, where the zeros are: below 1 by log G(y) = log G(y + 1) - log y.
  const LaneMask<D> below = y < V(1);
  const V v = y - select(below, V(1), V(2));
  const V p = polynomial(v, {0x1.b0ee607213751p-2, -0x1.9ae6509f69776p-4, 0x1.0e0c9dbf98ba8p-5,
                             -0x1.95ce20ca1a1a2p-7, 0x1.479772084b587p-8, -0x1.1451852889374p-9,
                             0x1.dfdebc930612bp-11, -0x1.a95217082fb59p-12, 0x1.7fdc28fa7b9cfp-13,
                             -0x1.5e1bdf5021212p-14, 0x1.34e185decf39bp-15, -0x1.18e69b59f1797p-16,
                             0x1.5c1b64c610c68p-17, -0x1.5b1e290abcfd1p-18, -0x1.01a2edf1c05f5p-23,
                             0x1.00102060dc6f6p-22, 0x1.4ecd4025c9d3bp-20, -0x1.54daf7ab895ep-21});
  const V near = v * (v + V(1)) * p + select(below, -log_y, V(0));
  const V inverse = V(1) / y;
  const V g = polynomial(inverse * inverse,
                         {0x1.55555554a0d05p-4, -0x1.6c16aa05eec33p-9, 0x1.9ffe04489287ep-11,
                          -0x1.3467a3c8ab669p-11, 0x1.7a2699d6eb466p-11, -0x1.98c592169a7ep-11});
  const V stirling = mul_add(y - V(0.5), log_y, V(0.91893853320467274) - y);
  return select(y < V(3), near, mul_add(inverse, g, stirling));
}

// log |G(x)| by log(pi / |sin(pi·x)|) - log G(1 - x) below 1/2.
template <class D>
HWY_INLINE Lane<D> lgamma_for_single(Lane<D> x) {
  using V = Lane<D>;
  const V infinity(std::numeric_limits<double>::infinity());
  const LaneMask<D> left = x < V(0.5);
  const V right = lgamma_right(select(left, V(1) - x, x));
  V result = right;
  if (HWY_UNLIKELY(!all_true(!left))) {
    const V sine = abs(wave_of_pi<false>(x, Wave::kSine));
    result = select(left, V(1.1447298858494002) - (log(sine) + right), right);
  }
  return select(abs(x) == infinity, infinity, result);
}

}  // namespace detail

// log |G(x)|, the logarithm of the gamma function: infinite at 0 and the negative integers. Float:
// 1 ulp; double: the C library's.
template <class D>
HWY_INLINE Lane<D> lgamma(Lane<D> x) {
  if constexpr (sizeof(hn::TFromD<D>) == 4) {
    return detail::in_double(x, [](auto a) HWY_ATTR { return detail::lgamma_for_single(a); });
  } else {
    return by_element(x, [](double a) HWY_ATTR {
      int sign;  // std::lgamma would write it to a global variable
      return ::lgamma_r(a, &sign);
    });
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace entasis
HWY_AFTER_NAMESPACE();

#endif  // ENTASIS_KERNELS_CPU_INTERNAL_SIMD_GAMMA_H_
