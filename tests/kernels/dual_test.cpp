// Dual numbers (kernels/formulas/dual.inc): each derivative against central differences, finite and
// right at the arguments where a careless rule gives 0·inf, and nested for second derivatives. The
// text is pasted twice: for plain double, as on CUDA, and for the vectors of every SIMD target.

#include <entasis/kernels/cpu/internal/simd_targets.h>

#include <cstddef>
#include <cstdint>

#ifndef ENTASIS_TESTS_KERNELS_DUAL_TEST_ONCE_
#define ENTASIS_TESTS_KERNELS_DUAL_TEST_ONCE_
namespace entasis::dual_test {

// Value and slope of each formula, in the order of `kFormulas`.
template <class T>
using Slope = void (*)(const T* x, T* value, T* slope, size_t count);

struct Table {
  const char* target;
  const Slope<float>* f32;
  const Slope<double>* f64;
};

}  // namespace entasis::dual_test
#endif

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE <entasis/tests/kernels/dual_test.cpp>
#include <hwy/foreach_target.h>

#include <entasis/kernels/cpu/internal/simd_math.h>

HWY_BEFORE_NAMESPACE();
namespace entasis {
namespace HWY_NAMESPACE {
namespace dual_test {

#include <entasis/kernels/formulas/primitives.inc>
#include <entasis/kernels/formulas/dual.inc>
#include <entasis/tests/kernels/dual_formulas.inc>

#define ENTASIS_SLOPE(name)                                                    \
  template <class T>                                                           \
  void slope_##name(const T* x, T* value, T* slope, size_t count) {            \
    using V = Lane<hn::ScalableTag<T>>;                                        \
    const size_t step = hn::Lanes(hn::ScalableTag<T>());                       \
    for (size_t i = 0; i < count; i += step) {                                 \
      const Dual<V> y = f_##name(Dual<V>(V::load(x + i), V(1)));               \
      y.v.store(value + i);                                                    \
      y.d.store(slope + i);                                                    \
    }                                                                          \
  }
ENTASIS_FOR_EACH_FORMULA(ENTASIS_SLOPE)
#undef ENTASIS_SLOPE

#define ENTASIS_ENTRY(name) slope_##name<T>,
template <class T>
const Slope<T>* slopes() {
  static const Slope<T> all[] = {ENTASIS_FOR_EACH_FORMULA(ENTASIS_ENTRY)};
  return all;
}
#undef ENTASIS_ENTRY

}  // namespace dual_test
}  // namespace HWY_NAMESPACE
}  // namespace entasis
HWY_AFTER_NAMESPACE();
