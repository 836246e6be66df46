// Device code under the emulation: built-in variables, barriers, warp operations, atomics and
// arguments do what CUDA says, in every scheduling order.
#include <gtest/gtest.h>

#include <cstdint>
#include <numeric>
#include <string>
#include <vector>

#include <entasis/core/error.h>
#include <entasis/kernels/cuda/internal/launch.h>

#include "control.h"
#include "device_array.h"

namespace entasis::cuda {
namespace {

using emulation::DeviceArray;
using emulation::Order;

class Kernels : public testing::TestWithParam<Order> {
 protected:
  void SetUp() override {
    emulation::reset();
    emulation::set_order(GetParam());
    check(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "stream");
  }
  void TearDown() override {
    EXPECT_EQ(emulation::last_failure(), "");
    check(cudaStreamDestroy(stream), "stream");
    emulation::reset();
  }
  cudaStream_t stream = nullptr;
};

INSTANTIATE_TEST_SUITE_P(Orders, Kernels,
                         testing::Values(Order{Order::kAscending}, Order{Order::kDescending},
                                         Order{Order::kRandom, 1}, Order{Order::kRandom, 2},
                                         Order{Order::kRandom, 3}, Order{Order::kRandom, 4}),
                         [](const auto& info) {
                           return std::string(info.param.kind == Order::kRandom ? "seed" : "") +
                                  emulation::to_text(info.param);
                         });

// ---- Places and arguments

struct Pair {
  int first;
  double second;
};

__global__ void write_places(int* out, int64_t scale, const __grid_constant__ Pair pair) {
  const unsigned thread = threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z);
  const unsigned block = blockIdx.x + gridDim.x * (blockIdx.y + gridDim.y * blockIdx.z);
  const unsigned index = block * blockDim.x * blockDim.y * blockDim.z + thread;
  const bool lane_right = lane_id() == thread % warpSize;
  out[index] = lane_right ? int(index * scale) + pair.first + int(pair.second) : -1;
}

TEST_P(Kernels, GridsOfThreeDimensionsAndConvertedArguments) {
  DeviceArray<int> out(2 * 3 * 2 * 8 * 5 * 2, stream);
  launch(write_places, dim3(2, 3, 2), dim3(8, 5, 2), 0, stream, out.data(), 3, Pair{10, 5.5});
  const std::vector<int> got = out.host();
  for (size_t i = 0; i < got.size(); ++i) ASSERT_EQ(got[i], int(i) * 3 + 15) << i;
}

__global__ void add_one(int* counter) { ++*counter; }

TEST_P(Kernels, RunInStreamOrder) {
  DeviceArray<int> counter({0}, stream);
  for (int i = 0; i < 10; ++i) launch(add_one, 1, 1, 0, stream, counter.data());
  EXPECT_EQ(counter.host()[0], 10);
  EXPECT_EQ(emulation::launched_kernels().size(), 10u);
  EXPECT_NE(emulation::launched_kernels()[0].find("add_one"), std::string::npos);
}

// ---- Shared memory and barriers

__device__ float block_sum(float value) {
  __shared__ float parts[32];
  for (int step = 16; step > 0; step /= 2) value += __shfl_down_sync(kFullWarp, value, step);
  if (lane_id() == 0) parts[threadIdx.x / 32] = value;
  __syncthreads();
  float sum = 0;
  for (unsigned i = 0; i < blockDim.x / 32; ++i) sum += parts[i];
  __syncthreads();  // before the parts of the next call
  return sum;
}

__global__ void sum_rows(const float* in, float* out, int columns) {
  DYN_SHARED(float, row);
  for (int c = threadIdx.x; c < columns; c += blockDim.x) row[c] = in[blockIdx.x * columns + c];
  __syncthreads();
  float sum = 0;
  for (int c = threadIdx.x; c < columns; c += blockDim.x) sum += row[columns - 1 - c];
  const float total = block_sum(sum);
  const float twice = block_sum(sum) + total;
  if (threadIdx.x == 0) out[blockIdx.x] = twice;
}

TEST_P(Kernels, ReduceABlock) {
  constexpr int kRows = 7, kColumns = 1000;
  std::vector<float> in(kRows * kColumns);
  std::iota(in.begin(), in.end(), 0.0f);
  DeviceArray<float> from(in, stream), to(kRows, stream);
  launch(sum_rows, kRows, 256, kColumns * sizeof(float), stream, from.data(), to.data(), kColumns);
  const std::vector<float> got = to.host();
  for (int r = 0; r < kRows; ++r) {
    const double sum = 2.0 * kColumns * (r * kColumns + (kColumns - 1) / 2.0);
    EXPECT_NEAR(got[r], sum, 1e-6 * sum) << r;
  }
}

__global__ void count_votes(int* out) {
  const int odd = threadIdx.x % 2;
  const int counted = __syncthreads_count(threadIdx.x < 5);
  const int none = __syncthreads_or(threadIdx.x > 1000);
  const int some = __syncthreads_or(threadIdx.x == 63);
  const int all = __syncthreads_and(threadIdx.x < 64);
  const int most = __syncthreads_and(threadIdx.x != 63);
  out[threadIdx.x] = counted * 10000 + none * 1000 + some * 100 + all * 10 + most + odd * 0;
}

TEST_P(Kernels, CountAtBarriers) {
  DeviceArray<int> out(64, stream);
  launch(count_votes, 1, 64, 0, stream, out.data());
  for (const int value : out.host()) EXPECT_EQ(value, 50110);
}

// ---- Warps

__global__ void exchange(int* out) {
  const int lane = int(lane_id());
  int* const mine = out + lane * 8;
  mine[0] = __shfl_sync(kFullWarp, lane * 10, 3);
  mine[1] = __shfl_sync(kFullWarp, lane * 10, 1, 8);
  mine[2] = __shfl_xor_sync(kFullWarp, lane, 5);
  mine[3] = __shfl_down_sync(kFullWarp, lane, 2, 16);
  mine[4] = __shfl_up_sync(kFullWarp, lane, 3);
  mine[5] = int(__ballot_sync(kFullWarp, lane % 3 == 0));
  mine[6] = __any_sync(kFullWarp, lane == 9) * 2 + __all_sync(kFullWarp, lane < 31);
  mine[7] = int(__match_any_sync(kFullWarp, lane / 4));
}

TEST_P(Kernels, ShuffleAndVote) {
  DeviceArray<int> out(32 * 8, stream);
  launch(exchange, 1, 32, 0, stream, out.data());
  const std::vector<int> got = out.host();
  for (int lane = 0; lane < 32; ++lane) {
    const int* const mine = &got[lane * 8];
    EXPECT_EQ(mine[0], 30);
    EXPECT_EQ(mine[1], (lane / 8 * 8 + 1) * 10);
    EXPECT_EQ(mine[2], lane ^ 5);
    EXPECT_EQ(mine[3], lane % 16 + 2 < 16 ? lane + 2 : lane);
    EXPECT_EQ(mine[4], lane >= 3 ? lane - 3 : lane);
    EXPECT_EQ(mine[5], 0x49249249);
    EXPECT_EQ(mine[6], 2);
    EXPECT_EQ(unsigned(mine[7]), 0xfu << (lane / 4 * 4));
  }
}

__global__ void reduce_halves(int* out, double* wide) {
  const unsigned mask = lane_id() < 16 ? 0xffffu : 0xffff0000u;
  const int value = int(lane_id()) - 20;
  if (lane_id() < 16) {  // each half of the warp goes its own way
    out[lane_id()] = __reduce_min_sync(mask, value);
  } else {
    out[lane_id()] = __reduce_max_sync(mask, value) + int(__reduce_add_sync(mask, 1u));
  }
  __syncwarp();
  wide[lane_id()] = __shfl_sync(kFullWarp, lane_id() * 0.5, 31);
}

TEST_P(Kernels, HalvesOfAWarpGoTheirOwnWay) {
  DeviceArray<int> out(32, stream);
  DeviceArray<double> wide(32, stream);
  launch(reduce_halves, 1, 32, 0, stream, out.data(), wide.data());
  const std::vector<int> got = out.host();
  const std::vector<double> halves = wide.host();
  for (int lane = 0; lane < 32; ++lane) {
    EXPECT_EQ(got[lane], lane < 16 ? -20 : 11 + 16);
    EXPECT_EQ(halves[lane], 15.5);
  }
}

// ---- Atomics and half types

__global__ void tally(int* bins, unsigned long long* least, float* sum) {
  const unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
  atomicAdd(&bins[i % 3], 1);
  atomicMin(least, 1000ull - i);
  atomicAdd(sum, 0.5f);
  atomicCAS(&bins[3], -1, int(i));
}

TEST_P(Kernels, Atomics) {
  DeviceArray<int> bins({0, 0, 0, -1}, stream);
  DeviceArray<unsigned long long> least({~0ull}, stream);
  DeviceArray<float> sum({0.0f}, stream);
  launch(tally, 3, 100, 0, stream, bins.data(), least.data(), sum.data());
  EXPECT_EQ(bins.host()[0], 100);
  EXPECT_EQ(bins.host()[2], 100);
  EXPECT_NE(bins.host()[3], -1);
  EXPECT_EQ(least.host()[0], 701u);
  EXPECT_EQ(sum.host()[0], 150.0f);
}

__global__ void halves(const __half* in, __nv_bfloat16* out) {
  const float value = __half2float(in[threadIdx.x]);
  out[threadIdx.x] = __float2bfloat16(__shfl_xor_sync(kFullWarp, value, 1) * rsqrtf(4.0f));
}

TEST_P(Kernels, HalfTypes) {
  std::vector<__half> in;
  for (int i = 0; i < 32; ++i) in.push_back(__float2half(float(i)));
  DeviceArray<__half> from(in, stream);
  DeviceArray<__nv_bfloat16> to(32, stream);
  launch(halves, 1, 32, 0, stream, from.data(), to.data());
  const auto got = to.host();
  for (int i = 0; i < 32; ++i) EXPECT_EQ(__bfloat162float(got[i]), float(i ^ 1) / 2);
}

__global__ void early_exit(int* out) {
  if (threadIdx.x >= 48) return;
  __syncthreads();  // of those that are left
  out[threadIdx.x] = 1;
}

TEST_P(Kernels, BarriersDoNotWaitForThreadsThatHaveExited) {
  DeviceArray<int> out(48, stream);
  launch(early_exit, 1, 64, 0, stream, out.data());
  const std::vector<int> got = out.host();
  EXPECT_EQ(std::accumulate(got.begin(), got.end(), 0), 48);
}

}  // namespace
}  // namespace entasis::cuda
