// Planted bugs of addresses in device memory.
#include <cstdint>
#include <vector>

#include <entasis/kernels/cuda/internal/launch.h>

#include "device_array.h"
#include "planted.h"

namespace entasis::cuda {
namespace {

using emulation::DeviceArray;

constexpr int kThreads = 128;

// ---- Tails: the last block has threads to spare.

template <bool kBug>
__global__ void fill_with_tail(int* out, int n) {
  const int i = int(blockIdx.x * blockDim.x + threadIdx.x);
  if (i < n + (kBug ? 1 : 0)) out[i] = i;
}

bool write_past_the_end(bool bug, cudaStream_t stream) {
  const int n = 1000;
  DeviceArray<int> out(n, stream);
  launch(bug ? fill_with_tail<true> : fill_with_tail<false>, 8, kThreads, 0, stream, out.data(), n);
  return out.host()[n - 1] == n - 1;
}

template <bool kBug>
__global__ void take_larger(const int* in, int* out, int n) {
  const int i = int(blockIdx.x * blockDim.x + threadIdx.x);
  if (i >= n) return;
  const int next = i + 1 < n + (kBug ? 1 : 0) ? in[i + 1] : 0;
  out[i] = in[i] > next ? in[i] : next;
}

bool read_past_the_end(bool bug, cudaStream_t stream) {
  const int n = 1000;
  DeviceArray<int> in(std::vector<int>(n, 7), stream), out(n, stream);
  launch(bug ? take_larger<true> : take_larger<false>, 8, kThreads, 0, stream, in.data(),
         out.data(), n);
  return out.host() == std::vector<int>(n, 7);
}

// ---- 16 bytes at once, from an address that is a multiple of 4

__global__ void copy_by_four(const float* in, float* out) {
  const float4 four = __ldg(reinterpret_cast<const float4*>(in) + threadIdx.x);
  out[threadIdx.x] = four.x + four.y + four.z + four.w;
}

__global__ void copy_by_four_plainly(const float* in, float* out) {
  const float4 four = *(reinterpret_cast<const float4*>(in) + threadIdx.x);
  out[threadIdx.x] = four.x + four.y + four.z + four.w;
}

bool load_fours(void (*kernel)(const float*, float*), bool bug, cudaStream_t stream) {
  DeviceArray<float> in(std::vector<float>(36, 1.0f), stream), out(8, stream);
  launch(kernel, 1, 8, 0, stream, in.data() + (bug ? 1 : 0), out.data());
  return out.host() == std::vector<float>(8, 4.0f);
}

bool misaligned_load(bool bug, cudaStream_t stream) {
  return load_fours(copy_by_four, bug, stream);
}

bool misaligned_plain_load(bool bug, cudaStream_t stream) {
  return load_fours(copy_by_four_plainly, bug, stream);
}

// ---- Counting without atomics

template <bool kBug>
__global__ void count(int* counter) {
  if constexpr (kBug) {
    *counter = *counter + 1;
  } else {
    atomicAdd(counter, 1);
  }
}

bool missing_atomic(bool bug, cudaStream_t stream) {
  DeviceArray<int> counter({0}, stream);
  launch(bug ? count<true> : count<false>, 1, kThreads, 0, stream, counter.data());
  return counter.host()[0] == kThreads;
}

// ---- Memory that is never written, or no longer there

bool uninitialised_memory(bool bug, cudaStream_t stream) {
  DeviceArray<int> counter(1, stream);
  if (!bug) check(cudaMemsetAsync(counter.data(), 0, sizeof(int), stream), "memset");
  launch(count<false>, 1, kThreads, 0, stream, counter.data());
  return counter.host()[0] == kThreads;
}

bool kernel_after_free(bool bug, cudaStream_t stream) {
  int* dangling = nullptr;
  {
    DeviceArray<int> counter({0}, stream);
    dangling = counter.data();
    if (!bug) launch(count<false>, 1, 1, 0, stream, dangling);
  }
  if (bug) launch(count<false>, 1, 1, 0, stream, dangling);
  return true;
}

// ---- The last thread adds up what all have written, without a barrier

template <bool kBug>
__global__ void add_by_the_last(int* parts, int* counter, int* sum) {
  parts[threadIdx.x] = static_cast<int>(threadIdx.x);
  if constexpr (!kBug) __threadfence();
  if (atomicAdd(counter, 1) != static_cast<int>(blockDim.x) - 1) return;
  __threadfence();
  *sum = 0;
  for (unsigned i = 0; i < blockDim.x; ++i) *sum += parts[i];
}

bool missing_fence(bool bug, cudaStream_t stream) {
  DeviceArray<int> parts(64, stream), counter({0}, stream), sum(1, stream);
  launch(bug ? add_by_the_last<true> : add_by_the_last<false>, 1, 64, 0, stream, parts.data(),
         counter.data(), sum.data());
  return sum.host()[0] == 64 * 63 / 2;
}

// Far from any array: an index of the wrong type, say.
__global__ void take_at(const int* in, int* out, int64_t index) { *out = in[index]; }

bool far_out_of_range(bool bug, cudaStream_t stream) {
  DeviceArray<int> in(std::vector<int>(100, 7), stream), out(1, stream);
  launch(take_at, 1, 1, 0, stream, in.data(), out.data(), bug ? 5000 : 50);
  return out.host()[0] == 7;
}

bool host_reads_device_memory(bool bug, cudaStream_t stream) {
  DeviceArray<int> in({7}, stream);
  check(cudaStreamSynchronize(stream), "copy");
  return (bug ? *in.data() : in.host()[0]) == 7;
}

}  // namespace

std::vector<PlantedBug> planted_in_memory() {
  return {{"write_past_the_end", write_past_the_end},
          {"read_past_the_end", read_past_the_end},
          {"misaligned_load", misaligned_load},
          {"misaligned_plain_load", misaligned_plain_load},
          {"missing_atomic", missing_atomic},
          {"missing_fence", missing_fence},
          {"uninitialised_memory", uninitialised_memory},
          {"kernel_after_free", kernel_after_free},
          {"far_out_of_range", far_out_of_range},
          {"host_reads_device_memory", host_reads_device_memory}};
}

}  // namespace entasis::cuda
