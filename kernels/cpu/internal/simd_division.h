// What a division leaves.
// Method: with q = trunc(fl(x / y)) the difference x - q·y is exact. Rounding is monotonic, so q is
// the true whole quotient or one more; then the difference lies in (-y, y) and is a multiple of
// ulp(y), hence a float. It is formed from the exact product q·y as a pair. That takes a q of no
// more bits than a float has; vectors with a larger one go to the C library, element by element.

#if defined(ENTASIS_KERNELS_CPU_INTERNAL_SIMD_DIVISION_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ENTASIS_KERNELS_CPU_INTERNAL_SIMD_DIVISION_H_
#undef ENTASIS_KERNELS_CPU_INTERNAL_SIMD_DIVISION_H_
#else
#define ENTASIS_KERNELS_CPU_INTERNAL_SIMD_DIVISION_H_
#endif

#include <cmath>

#include <entasis/kernels/cpu/internal/simd_float.h>

HWY_BEFORE_NAMESPACE();
namespace entasis {
namespace HWY_NAMESPACE {

// a - b·trunc(a / b), with the sign of a. Exact: floats as C99 has it (Annex F.10.7.1), integers
// with 0 for what is divided by 0.
template <class D>
HWY_INLINE Lane<D> fmod(Lane<D> a, Lane<D> b) {
  if constexpr (!kIsFloat<D>) {
    return a - a / b * b;
  } else {
    using V = Lane<D>;
    using T = hn::TFromD<D>;
    const V x = abs(a), y = abs(b);
    const V quotient = trunc(x / y);
    // Where the product is formed by halves, these may not overflow.
    constexpr T kMost = std::numeric_limits<T>::max() / (4 * detail::Format<D>::kSplitter);
    const LaneMask<D> beyond = (quotient >= V(detail::Format<D>::kTwoToMantissa)) | (x > V(kMost));
    if (HWY_UNLIKELY(!all_true(!beyond))) {
      return by_element(a, b, [](T p, T q) HWY_ATTR { return std::fmod(p, q); });
    }
    const auto product = detail::two_product(quotient, y);
    const V rest = (x - product.high) - product.low;
    const V below = select(rest < V(0), rest + y, rest);
    return copysign(select(x < y, x, below), a);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace entasis
HWY_AFTER_NAMESPACE();

#endif  // ENTASIS_KERNELS_CPU_INTERNAL_SIMD_DIVISION_H_
