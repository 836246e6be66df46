// The emulation's device mathematics gives what CUDA's manuals say. What is the C library's own is
// not tested here.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <vector>

#include <entasis/kernels/cuda/internal/launch.h>

#include "control.h"
#include "device_array.h"

namespace entasis::cuda {
namespace {

using emulation::DeviceArray;

// What `kernel` writes, for a kernel of one thread.
template <class T>
std::vector<T> run(void (*kernel)(T*), size_t count) {
  emulation::reset();
  DeviceArray<T> out(count, nullptr);
  launch(kernel, 1, 1, 0, nullptr, out.data());
  return out.host();
}

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

__global__ void round_to_int(int* out) {
  out[0] = __float2int_rn(2.5f);
  out[1] = __float2int_rz(-2.7f);
  out[2] = __float2int_ru(2.1f);
  out[3] = __float2int_rd(-2.1f);
  out[4] = __float2int_rn(3e9f);
  out[5] = __float2int_rn(-3e9f);
  out[6] = __float2int_rn(kNan);
  out[7] = __double2int_rn(double(kNan));
}

TEST(DeviceMath, ConversionsRoundAndSaturate) {
  constexpr int kMax = std::numeric_limits<int>::max(), kMin = std::numeric_limits<int>::min();
  EXPECT_EQ(run(round_to_int, 8), (std::vector<int>{2, -2, 3, -3, kMax, kMin, 0, kMin}));
}

__global__ void round_to_unsigned(unsigned long long* out) {
  out[0] = __float2uint_rn(-1.0f);
  out[1] = __float2uint_rz(5e9f);
  out[2] = __float2ull_rn(3.5f);
  out[3] = __float2ull_rn(kNan);
  out[4] = static_cast<unsigned long long>(__double2ll_rd(-0.5));
  out[5] = __double2ull_rn(1e300);
}

TEST(DeviceMath, ConversionsToOtherIntegers) {
  EXPECT_EQ(run(round_to_unsigned, 6),
            (std::vector<unsigned long long>{0, 0xffffffffu, 4, 1ull << 63, ~0ull, ~0ull}));
}

__global__ void handle_bits(unsigned* out) {
  out[0] = __byte_perm(0x33221100u, 0x77665544u, 0x5410);
  out[1] = __byte_perm(0x80u, 0u, 0x0008);
  out[2] = __brev(1u);
  out[3] = __funnelshift_l(0x80000000u, 0x1u, 1);
  out[4] = __funnelshift_r(0x2u, 0x1u, 1);
  out[5] = static_cast<unsigned>(__clz(0) * 1000 + __ffs(0) * 100 + __popc(0xff00u));
  out[6] = static_cast<unsigned>(__clzll(1) * 100 + __ffsll(1ll << 40));
  out[7] = __umulhi(0xffffffffu, 0xffffffffu);
  out[8] = static_cast<unsigned>(__mulhi(-1, 5));
  out[9] = static_cast<unsigned>(__umul64hi(~0ull, 3));
  out[10] = __float_as_uint(1.0f);
}

TEST(DeviceMath, Bits) {
  EXPECT_EQ(
      run(handle_bits, 11),
      (std::vector<unsigned>{0x55441100u, 0x000000ffu | 0x80808000u, 0x80000000u, 3u, 0x80000001u,
                             32008u, 6341u, 0xfffffffeu, 0xffffffffu, 2u, 0x3f800000u}));
}

__global__ void compute(double* out) {
  out[0] = rsqrtf(4.0f);
  out[1] = rsqrt(16.0);
  out[2] = sinpif(0.5f);
  out[3] = cospi(1.0);
  out[4] = normcdff(0.0f);
  out[5] = __fmaf_rn(2.0f, 3.0f, 4.0f);
  out[6] = __fdividef(1.0f, 4.0f);
  out[7] = __saturatef(-3.0f) + __saturatef(7.0f) + __saturatef(0.25f);
  out[8] = __hiloint2double(0x3ff00000, 0);
  out[9] = rcbrt(8.0);
  out[10] = __expf(0.0f) + __logf(1.0f);
}

TEST(DeviceMath, Functions) {
  EXPECT_EQ(run(compute, 11),
            (std::vector<double>{0.5, 0.25, 1, -1, 0.5, 10, 0.25, 1.25, 1, 0.5, 1}));
}

__global__ void compare(double* out) {
  out[0] = min(3, 2u);
  out[1] = max(-1ll, 5ll);
  out[2] = min(2.5f, 1.0);
  out[3] = max(kNan, 1.0f);
  out[4] = min(1.0f, kNan);
}

TEST(DeviceMath, MinAndMaxTakeTwoTypesAndPreferNumbers) {
  EXPECT_EQ(run(compare, 5), (std::vector<double>{2, 5, 1, 1, 1}));
}

}  // namespace
}  // namespace entasis::cuda
