// Copies and zeros for rows of feature maps, which are short: no call, whole vectors. Compiled once
// for each Highway target.

#if defined(ENTASIS_KERNELS_CPU_INTERNAL_COPY_ROW_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ENTASIS_KERNELS_CPU_INTERNAL_COPY_ROW_INL_H_
#undef ENTASIS_KERNELS_CPU_INTERNAL_COPY_ROW_INL_H_
#else
#define ENTASIS_KERNELS_CPU_INTERNAL_COPY_ROW_INL_H_
#endif

#include <algorithm>
#include <cstdint>
#include <cstring>

#include <hwy/highway.h>

// Per-target headers.
#include <entasis/kernels/cpu/internal/gemm_tile-inl.h>

HWY_BEFORE_NAMESPACE();
namespace entasis::cpu::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// Copies `count` adjacent elements. The last vector of a row may overlap the one before.
template <class T>
HWY_INLINE void copy_row(const T* from, int64_t count, T* to) {
  const hn::ScalableTag<T> d;
  constexpr int64_t kN = kLanes<T>;
  constexpr int64_t kLong = 1024 / sizeof(T);  // a call is worth it
  if (count >= kLong) {
    std::memcpy(to, from, static_cast<size_t>(count) * sizeof(T));
  } else if (count >= kN) {
    for (int64_t i = 0; i + kN < count; i += kN) hn::StoreU(hn::LoadU(d, from + i), d, to + i);
    hn::StoreU(hn::LoadU(d, from + count - kN), d, to + count - kN);
  } else if (count > 0) {
    const size_t lanes = static_cast<size_t>(count);
    store_first(load_first(d, lanes, from), d, lanes, to);
  }
}

// Sets `count` adjacent elements to zero.
template <class T>
HWY_INLINE void zero_row(int64_t count, T* to) {
  const hn::ScalableTag<T> d;
  constexpr int64_t kN = kLanes<T>;
  int64_t i = 0;
  for (; i + kN <= count; i += kN) hn::StoreU(hn::Zero(d), d, to + i);
  if (i < count) store_first(hn::Zero(d), d, static_cast<size_t>(count - i), to + i);
}

}  // namespace entasis::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // include guard
