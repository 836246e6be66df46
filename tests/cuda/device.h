// What the tests of CUDA devices share. They run on a GPU and, in another process, on the
// emulation; without either they skip.
#pragma once

#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

#include <entasis/core/backend.h>
#include <entasis/entasis.h>

namespace entasis {

inline constexpr Device kCuda{DeviceType::kCUDA, 0};

class CudaTest : public testing::Test {
 protected:
  void SetUp() override {
    if (device_count(DeviceType::kCUDA) == 0) {
      GTEST_SKIP() << "no CUDA device: " << why_no_device(DeviceType::kCUDA);
    }
    synchronize(kCuda);
  }
};

// 0, 1, 2 … as f32 on the device.
inline Tensor ramp(int64_t n, double step = 1) { return mul(arange(n), step).to(kF32).to(kCuda); }

inline std::vector<float> to_vector(const Tensor& tensor) {
  const Tensor home = tensor.to(kCPU).contiguous();
  return {home.data<float>(), home.data<float>() + home.numel()};
}

}  // namespace entasis
