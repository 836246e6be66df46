// Planted bugs of barriers and shared memory.
#include <vector>

#include <entasis/kernels/cuda/internal/launch.h>

#include "device_array.h"
#include "planted.h"

namespace entasis::cuda {
namespace {

using emulation::DeviceArray;

constexpr int kThreads = 64;
constexpr int kBlocks = 3;

std::vector<float> counting(int n) {
  std::vector<float> values;
  for (int i = 0; i < n; ++i) values.push_back(static_cast<float>(i));
  return values;
}

// ---- A block reverses its elements through shared memory.

std::vector<float> reversed_blocks(int threads) {
  std::vector<float> values;
  for (int i = 0; i < kBlocks * threads; ++i) {
    values.push_back(static_cast<float>(i / threads * threads + threads - 1 - i % threads));
  }
  return values;
}

template <class Kernel>
bool reverse(Kernel kernel, size_t shared_bytes, cudaStream_t stream, int threads = kThreads) {
  DeviceArray<float> in(counting(kBlocks * threads), stream), out(kBlocks * threads, stream);
  launch(kernel, kBlocks, threads, shared_bytes, stream, in.data(), out.data());
  return out.host() == reversed_blocks(threads);
}

template <bool kBug>
__global__ void without_barrier(const float* in, float* out) {
  DYN_SHARED(float, tile);
  tile[threadIdx.x] = in[blockIdx.x * blockDim.x + threadIdx.x];
  if constexpr (!kBug) __syncthreads();
  out[blockIdx.x * blockDim.x + threadIdx.x] = tile[blockDim.x - 1 - threadIdx.x];
}

bool missing_barrier(bool bug, cudaStream_t stream) {
  const size_t bytes = kThreads * sizeof(float);
  return bug ? reverse(without_barrier<true>, bytes, stream)
             : reverse(without_barrier<false>, bytes, stream);
}

// More threads than the thread sanitizer tells apart.
bool missing_barrier_in_large_block(bool bug, cudaStream_t stream) {
  constexpr int kMost = 1024;
  return reverse(bug ? without_barrier<true> : without_barrier<false>, kMost * sizeof(float),
                 stream, kMost);
}

// The host asks for less than the kernel uses.
bool short_dynamic_shared(bool bug, cudaStream_t stream) {
  const size_t bytes = kThreads * sizeof(float);
  return reverse(without_barrier<false>, bug ? bytes - sizeof(float) : bytes, stream);
}

// A padded tile, declared without its padding.
template <bool kBug>
__global__ void through_padded_tile(const float* in, float* out) {
  constexpr int kPitch = 9;
  __shared__ float tile[8 * (kBug ? kPitch - 1 : kPitch)];
  const unsigned row = threadIdx.x / 8, column = threadIdx.x % 8;
  tile[row * kPitch + column] = in[blockIdx.x * kThreads + threadIdx.x];
  __syncthreads();
  out[blockIdx.x * kThreads + threadIdx.x] = tile[(7 - row) * kPitch + 7 - column];
}

bool static_shared_out_of_range(bool bug, cudaStream_t stream) {
  return bug ? reverse(through_padded_tile<true>, 0, stream)
             : reverse(through_padded_tile<false>, 0, stream);
}

// ---- Two sums in a row use the same shared memory.

template <bool kBug>
__device__ float block_sum(float value) {
  __shared__ float parts[2];
  for (int step = 16; step > 0; step /= 2) value += __shfl_down_sync(kFullWarp, value, step);
  if (lane_id() == 0) parts[threadIdx.x / 32] = value;
  __syncthreads();
  const float sum = parts[0] + parts[1];
  if constexpr (!kBug) __syncthreads();  // before the next call writes
  return sum;
}

template <bool kBug>
__global__ void two_sums(float* out) {
  const float first = block_sum<kBug>(1.0f);
  const float second = block_sum<kBug>(static_cast<float>(threadIdx.x));
  out[threadIdx.x] = first * 10000.0f + second;
}

bool write_after_read(bool bug, cudaStream_t stream) {
  DeviceArray<float> out(kThreads, stream);
  launch(bug ? two_sums<true> : two_sums<false>, 1, kThreads, 0, stream, out.data());
  return out.host() == std::vector<float>(kThreads, 64.0f * 10000.0f + 2016.0f);
}

// ---- Uninitialised sums

template <bool kBug>
__device__ void add_in_place(float* sums, float* out) {
  if constexpr (!kBug) sums[threadIdx.x] = 0.0f;
  for (int i = 0; i < 4; ++i) sums[threadIdx.x] += 1.0f;
  out[blockIdx.x * kThreads + threadIdx.x] = sums[threadIdx.x];
}

template <bool kBug>
__global__ void add_in_dynamic(float* out) {
  DYN_SHARED(float, sums);
  add_in_place<kBug>(sums, out);
}

template <bool kBug>
__global__ void add_in_static(float* out) {
  __shared__ float sums[kThreads];
  add_in_place<kBug>(sums, out);
}

bool uninitialised_shared(bool bug, cudaStream_t stream) {
  DeviceArray<float> out(kBlocks * kThreads, stream);
  launch(bug ? add_in_dynamic<true> : add_in_dynamic<false>, kBlocks, kThreads,
         kThreads * sizeof(float), stream, out.data());
  return out.host() == std::vector<float>(kBlocks * kThreads, 4.0f);
}

bool uninitialised_static_shared(bool bug, cudaStream_t stream) {
  DeviceArray<float> out(kThreads, stream);
  launch(bug ? add_in_static<true> : add_in_static<false>, 1, kThreads, 0, stream, out.data());
  return out.host() == std::vector<float>(kThreads, 4.0f);
}

// ---- Barriers that not all threads reach

template <bool kBug>
__global__ void barrier_in_branch(float* out) {
  DYN_SHARED(float, tile);
  tile[threadIdx.x] = 1.0f;
  if (!kBug || threadIdx.x < 32) __syncthreads();
  out[threadIdx.x] = tile[threadIdx.x ^ 1u];
  __syncthreads();
}

bool divergent_barrier(bool bug, cudaStream_t stream) {
  DeviceArray<float> out(kThreads, stream);
  launch(bug ? barrier_in_branch<true> : barrier_in_branch<false>, 1, kThreads,
         kThreads * sizeof(float), stream, out.data());
  return out.host() == std::vector<float>(kThreads, 1.0f);
}

bool too_many_threads(bool bug, cudaStream_t stream) {
  DeviceArray<float> out(2048, stream);
  launch(add_in_static<false>, bug ? 1 : 32, bug ? 2048 : kThreads, 0, stream, out.data());
  return out.host() == std::vector<float>(2048, 4.0f);
}

}  // namespace

std::vector<PlantedBug> planted_in_blocks() {
  return {{"missing_barrier", missing_barrier},
          {"missing_barrier_in_large_block", missing_barrier_in_large_block},
          {"short_dynamic_shared", short_dynamic_shared},
          {"static_shared_out_of_range", static_shared_out_of_range},
          {"write_after_read", write_after_read},
          {"uninitialised_shared", uninitialised_shared},
          {"uninitialised_static_shared", uninitialised_static_shared},
          {"divergent_barrier", divergent_barrier},
          {"too_many_threads", too_many_threads}};
}

}  // namespace entasis::cuda
