#include <entasis/kernels/cpu/internal/transpose.h>

#include <entasis/kernels/cpu/internal/simd_targets.h>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE <entasis/kernels/cpu/internal/transpose.cpp>
#include <hwy/foreach_target.h>
// After foreach_target.
#include <hwy/highway.h>

#include <entasis/kernels/cpu/internal/transpose-inl.h>

HWY_BEFORE_NAMESPACE();
namespace entasis::cpu::HWY_NAMESPACE {

template <class T>
void transpose_elements(int64_t rows, int64_t columns, const void* from, int64_t from_stride,
                        void* to, int64_t to_stride) {
  transpose(rows, columns, static_cast<const T*>(from), from_stride, static_cast<T*>(to),
            to_stride);
}

TransposeRun transpose_of(int element_bytes) {
  return element_bytes == 4   ? transpose_elements<float>
         : element_bytes == 8 ? transpose_elements<double>
                              : nullptr;
}

}  // namespace entasis::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace entasis::cpu {
namespace {

HWY_EXPORT(transpose_of);

}  // namespace

TransposeRun find_transpose(int element_bytes) {
  return HWY_DYNAMIC_DISPATCH(transpose_of)(element_bytes);
}

}  // namespace entasis::cpu
#endif  // HWY_ONCE
