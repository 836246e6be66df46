// A vector of elements is read, turned round and written at a time.
#include <entasis/kernels/cpu/internal/reverse.h>

#include <entasis/kernels/cpu/internal/simd_targets.h>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE <entasis/kernels/cpu/internal/reverse.cpp>
#include <hwy/foreach_target.h>
// After foreach_target.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace entasis::cpu::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

template <class T>
void reverse_elements(int64_t n, const void* from_last, void* to_first) {
  const hn::ScalableTag<T> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const T* const from = static_cast<const T*>(from_last);
  T* const to = static_cast<T*>(to_first);
  if (n < lanes) {
    for (int64_t i = 0; i < n; ++i) to[i] = from[-i];
    return;
  }
  // The last vector may overlap the one before.
  const auto move = [&](int64_t i) HWY_ATTR {
    hn::StoreU(hn::Reverse(d, hn::LoadU(d, from - i - lanes + 1)), d, to + i);
  };
  for (int64_t i = 0; i + lanes < n; i += lanes) move(i);
  move(n - lanes);
}

ReverseRun reverse_of(int element_bytes) {
  return element_bytes == 4   ? reverse_elements<uint32_t>
         : element_bytes == 8 ? reverse_elements<uint64_t>
                              : nullptr;
}

}  // namespace entasis::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace entasis::cpu {
namespace {

HWY_EXPORT(reverse_of);

}  // namespace

ReverseRun find_reverse(int element_bytes) {
  return HWY_DYNAMIC_DISPATCH(reverse_of)(element_bytes);
}

}  // namespace entasis::cpu
#endif  // HWY_ONCE
