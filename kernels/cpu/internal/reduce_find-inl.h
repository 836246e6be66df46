// The first element of a row that equals a value, which may be NaN. Included once for each Highway
// target. Four vectors are compared at a time; reads what is before the element, and 256 bytes.

#if defined(ENTASIS_KERNELS_CPU_INTERNAL_REDUCE_FIND_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ENTASIS_KERNELS_CPU_INTERNAL_REDUCE_FIND_INL_H_
#undef ENTASIS_KERNELS_CPU_INTERNAL_REDUCE_FIND_INL_H_
#else
#define ENTASIS_KERNELS_CPU_INTERNAL_REDUCE_FIND_INL_H_
#endif

#include <cstdint>
#include <type_traits>

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace entasis::cpu::HWY_NAMESPACE {

template <class C, class Matches>
int64_t find_first(const C* row, int64_t n, C value, Matches matches) {
  namespace hn = hwy::HWY_NAMESPACE;
  const hn::ScalableTag<C> d;
  constexpr int64_t kN = static_cast<int64_t>(hn::MaxLanes(hn::ScalableTag<C>()));
  int64_t i = 0;
  for (; i + 4 * kN <= n; i += 4 * kN) {
    const auto m0 = matches(hn::LoadU(d, row + i));
    const auto m1 = matches(hn::LoadU(d, row + i + kN));
    const auto m2 = matches(hn::LoadU(d, row + i + 2 * kN));
    const auto m3 = matches(hn::LoadU(d, row + i + 3 * kN));
    if (!hn::AllFalse(d, hn::Or(hn::Or(m0, m1), hn::Or(m2, m3)))) break;
  }
  for (; i + kN <= n; i += kN) {
    const auto place = hn::FindFirstTrue(d, matches(hn::LoadU(d, row + i)));
    if (place >= 0) return i + static_cast<int64_t>(place);
  }
  while (i < n && !(row[i] == value || (value != value && row[i] != row[i]))) ++i;
  return i;
}

// Its place, or n if there is none.
template <class C>
int64_t find_in_row(const C* row, int64_t n, C value) {
  namespace hn = hwy::HWY_NAMESPACE;
  const hn::ScalableTag<C> d;
  if constexpr (std::is_floating_point_v<C>) {
    if (value != value) {
      return find_first(row, n, value, [](auto x) HWY_ATTR { return hn::IsNaN(x); });
    }
  }
  const auto wanted = hn::Set(d, value);
  return find_first(row, n, value, [wanted](auto x) HWY_ATTR { return hn::Eq(x, wanted); });
}

}  // namespace entasis::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // include guard
