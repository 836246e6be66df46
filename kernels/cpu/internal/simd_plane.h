// Points of the plane: atan2 and hypot for float and double lanes.

#if defined(ENTASIS_KERNELS_CPU_INTERNAL_SIMD_PLANE_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ENTASIS_KERNELS_CPU_INTERNAL_SIMD_PLANE_H_
#undef ENTASIS_KERNELS_CPU_INTERNAL_SIMD_PLANE_H_
#else
#define ENTASIS_KERNELS_CPU_INTERNAL_SIMD_PLANE_H_
#endif

#include <entasis/kernels/cpu/internal/simd_inverse_trig.h>

HWY_BEFORE_NAMESPACE();
namespace entasis {
namespace HWY_NAMESPACE {
namespace detail {

// pi/4 in two parts, of which the first times 3 is exact.
template <class D>
struct QuarterPi {
  static constexpr bool kFloat = sizeof(hn::TFromD<D>) == 4;
  static constexpr double kHigh = kFloat ? 0x1.921fb0p-1 : 0x1.921fb54442d18p-1;
  static constexpr double kLow = kFloat ? 0x1.5110b4p-23 : 0x1.1a62633145c07p-55;
};

}  // namespace detail

// The angle of the point (x, y), as C99 has it (Annex F.10.1.4): of the smaller coordinate over the
// larger, as atan, folded back by the octant. Float: 3 ulp; double: 3 ulp.
template <class D>
HWY_INLINE Lane<D> atan2(Lane<D> y, Lane<D> x) {
  using V = Lane<D>;
  using T = hn::TFromD<D>;
  const V infinity(std::numeric_limits<T>::infinity());
  const V ax = abs(x), ay = abs(y);
  const LaneMask<D> steep = ay > ax;
  const V less = select(steep, ax, ay), more = select(steep, ay, ax);
  // Two infinities or zeros have the quotient 1 or 0. Large ones are scaled: their sum is formed.
  const LaneMask<D> endless = (less == infinity) & (more == infinity);
  const V scale = select(more > V(std::numeric_limits<T>::max() / 4), V(0.125), V(1));
  const V num = select(endless, V(1), less * scale);
  const V den = select(endless | (more == V(0)), V(1), more * scale);

  const LaneMask<D> middle = num > V(0.41421356237309503) * den;
  const V t = select(middle, num - den, num) / select(middle, num + den, den);
  const V z = t * t;
  const V part = mul_add(t * z, detail::atan_tail(z), t);
  // The angle is k·pi/4 plus or minus that.
  const LaneMask<D> left = copysign(V(1), x) < V(0);
  V k = select(middle, V(1), V(0));
  k = select(steep, V(2) - k, k);
  k = select(left, V(4) - k, k);
  const V small = select(steep ^ left, -part, part);
  const V low = mul_add(k, V(detail::QuarterPi<D>::kLow), small);
  return copysign(k * V(detail::QuarterPi<D>::kHigh) + low, y);
}

// sqrt(x² + y²), infinite if either is. Float: 1 ulp, computed in double; double: 2 ulp, scaled
// where a square would leave the range.
template <class D>
HWY_INLINE Lane<D> hypot(Lane<D> x, Lane<D> y) {
  using V = Lane<D>;
  using T = hn::TFromD<D>;
  const V infinity(std::numeric_limits<T>::infinity());
  const V ax = abs(x), ay = abs(y);
  V result = infinity;
  if constexpr (sizeof(T) == 4) {
    result = detail::in_double(x, y, [](auto p, auto q) HWY_ATTR { return sqrt(p * p + q * q); });
  } else {
    const V most = select(ax > ay, ax, ay);  // or NaN, or the other is
    const LaneMask<D> large = most > V(0x1p+500), little = most < V(0x1p-450);
    const V scale = select(large, V(0x1p-600), select(little, V(0x1p+600), V(1)));
    const V back = select(large, V(0x1p+600), select(little, V(0x1p-600), V(1)));
    const V p = x * scale, q = y * scale;
    result = sqrt(p * p + q * q) * back;
  }
  return select((ax == infinity) | (ay == infinity), infinity, result);
}

}  // namespace HWY_NAMESPACE
}  // namespace entasis
HWY_AFTER_NAMESPACE();

#endif  // ENTASIS_KERNELS_CPU_INTERNAL_SIMD_PLANE_H_
