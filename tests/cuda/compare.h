// An op on the device against the same op on the CPU.
#pragma once

#include <cstring>

#include "device.h"

namespace entasis {

// Same dtype and shape, and the same bits; a NaN is as good as another.
inline void expect_same(const Tensor& on_device, const Tensor& on_cpu) {
  ASSERT_EQ(on_device.dtype(), on_cpu.dtype());
  ASSERT_EQ(to_string(on_device.shape()), to_string(on_cpu.shape()));
  const Tensor a = contiguous(on_device.to(kCPU)), b = contiguous(on_cpu);
  const int64_t size = size_of(a.dtype());
  for (int64_t i = 0; i < a.numel(); ++i) {
    if (std::memcmp(a.raw_as<char>() + i * size, b.raw_as<char>() + i * size, size_t(size)) == 0) {
      continue;
    }
    const auto element = [i](const Tensor& t) {
      return dispatch_dtype(
          t.dtype(), [&]<class T>(TypeTag<T>) { return convert<double>(t.raw_as<const T>()[i]); });
    };
    if (element(a) != element(a) && element(b) != element(b)) continue;
    FAIL() << name_of(a.dtype()) << " " << to_string(a.shape()) << ": element " << i << " is "
           << element(a) << ", on the CPU " << element(b);
  }
}

// f(tensors...) on both.
template <class F, class... T>
void compare(const F& f, const T&... tensors) {
  expect_same(f(tensors.to(kCuda)...), f(tensors...));
}

inline constexpr DType kAllDTypes[] = {kF32, kF64, kF16, kBF16, kI8,  kI16, kI32,
                                       kI64, kU8,  kU16, kU32,  kU64, kBool};
inline constexpr DType kFloatDTypes[] = {kF32, kF64, kF16, kBF16};

// Whole numbers from -40 to 40, whose sums are exact even in bf16 if there are few.
inline Tensor whole_numbers(const Dims& shape, DType dtype = kF32) {
  return (randint(0, 81, shape) - 40).to(dtype);
}

}  // namespace entasis
