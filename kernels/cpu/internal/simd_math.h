// All math primitives of `Lane<D>` for float and double: what a formula may call. Each is written
// from IEEE operations alone, so that its bits are the same on every target with FMA; SSE4 stays
// within the stated bounds. No primitive depends on the neighbouring lanes.
//
//   simd_bits.h          shifts, gcd, step_bits
//   simd_division.h      fmod
//   simd_exp.h           exp exp2 expm1 tanh sigmoid log1p_exp erf_gaussian
//   simd_log.h           log log2 log10 log1p
//   simd_erf.h           erf erfc erfinv
//   simd_gamma.h         lgamma
//   simd_hyperbolic.h    sinh cosh asinh acosh atanh
//   simd_inverse_trig.h  asin acos atan
//   simd_plane.h         atan2 hypot
//   simd_pow.h           pow (integers too)
//   simd_trig.h          sin cos tan sinpi cospi
//
// The polynomials are weighted minimax fits of our own, their coefficients rounded one after the
// other from the lowest with a new fit of the rest after each.

#if defined(ENTASIS_KERNELS_CPU_INTERNAL_SIMD_MATH_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ENTASIS_KERNELS_CPU_INTERNAL_SIMD_MATH_H_
#undef ENTASIS_KERNELS_CPU_INTERNAL_SIMD_MATH_H_
#else
#define ENTASIS_KERNELS_CPU_INTERNAL_SIMD_MATH_H_
#endif

#include <entasis/kernels/cpu/internal/simd_bits.h>
#include <entasis/kernels/cpu/internal/simd_division.h>
#include <entasis/kernels/cpu/internal/simd_erf.h>
#include <entasis/kernels/cpu/internal/simd_exp.h>
#include <entasis/kernels/cpu/internal/simd_gamma.h>
#include <entasis/kernels/cpu/internal/simd_hyperbolic.h>
#include <entasis/kernels/cpu/internal/simd_inverse_trig.h>
#include <entasis/kernels/cpu/internal/simd_log.h>
#include <entasis/kernels/cpu/internal/simd_plane.h>
#include <entasis/kernels/cpu/internal/simd_pow.h>
#include <entasis/kernels/cpu/internal/simd_trig.h>
#include <entasis/kernels/cpu/internal/simd_value.h>

#endif  // ENTASIS_KERNELS_CPU_INTERNAL_SIMD_MATH_H_
