// Planted bugs of the host: work on streams that runs before or after it should.
#include <vector>

#include <entasis/kernels/cuda/internal/launch.h>

#include "device_array.h"
#include "planted.h"

namespace entasis::cuda {
namespace {

using emulation::DeviceArray;

constexpr int kSize = 64;
constexpr size_t kBytes = kSize * sizeof(float);

__global__ void fill(float* out, float value) { out[threadIdx.x] = value; }
__global__ void add(const float* in, float* out) { out[threadIdx.x] += in[threadIdx.x]; }

// A second stream and an event.
struct Other {
  Other() {
    check(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "stream");
    check(cudaEventCreateWithFlags(&event, cudaEventDisableTiming), "event");
  }
  ~Other() {
    (void)cudaStreamSynchronize(stream);
    (void)cudaStreamDestroy(stream);
    (void)cudaEventDestroy(event);
  }
  Other(const Other&) = delete;
  Other& operator=(const Other&) = delete;

  void wait_for(cudaStream_t first) const {
    check(cudaEventRecord(event, first), "record");
    check(cudaStreamWaitEvent(stream, event, 0), "wait");
  }

  cudaStream_t stream = nullptr;
  cudaEvent_t event = nullptr;
};

bool missing_event_wait(bool bug, cudaStream_t stream) {
  const Other other;
  DeviceArray<float> a(kSize, stream), b(kSize, other.stream);
  launch(fill, 1, kSize, 0, stream, a.data(), 2.0f);
  launch(fill, 1, kSize, 0, other.stream, b.data(), 1.0f);
  if (!bug) other.wait_for(stream);
  launch(add, 1, kSize, 0, other.stream, a.data(), b.data());
  return b.host() == std::vector<float>(kSize, 3.0f);
}

// The event is recorded before the work that it should stand for.
bool event_recorded_too_early(bool bug, cudaStream_t stream) {
  const Other other;
  DeviceArray<float> a(kSize, stream), b(kSize, other.stream);
  launch(fill, 1, kSize, 0, other.stream, b.data(), 1.0f);
  if (bug) other.wait_for(stream);
  launch(fill, 1, kSize, 0, stream, a.data(), 2.0f);
  if (!bug) other.wait_for(stream);
  launch(add, 1, kSize, 0, other.stream, a.data(), b.data());
  return b.host() == std::vector<float>(kSize, 3.0f);
}

// A pool hands out again what another stream still reads.
bool free_across_streams(bool bug, cudaStream_t stream) {
  const Other other;
  DeviceArray<float> block(kSize, stream), b(kSize, other.stream);
  launch(fill, 1, kSize, 0, stream, block.data(), 2.0f);
  launch(fill, 1, kSize, 0, other.stream, b.data(), 1.0f);
  other.wait_for(stream);
  launch(add, 1, kSize, 0, other.stream, block.data(), b.data());
  if (!bug) {  // the block goes back to the pool once its reader is done
    check(cudaEventRecord(other.event, other.stream), "record");
    check(cudaStreamWaitEvent(stream, other.event, 0), "wait");
  }
  launch(fill, 1, kSize, 0, stream, block.data(), 100.0f);
  const bool right = b.host() == std::vector<float>(kSize, 3.0f);
  check(cudaStreamSynchronize(stream), "end");
  return right;
}

bool unsynchronised_copy(bool bug, cudaStream_t stream) {
  DeviceArray<float> a(kSize, stream);
  launch(fill, 1, kSize, 0, stream, a.data(), 2.0f);
  std::vector<float> host(kSize, 0.0f);
  check(cudaMemcpyAsync(host.data(), a.data(), kBytes, cudaMemcpyDeviceToHost, stream), "copy");
  if (!bug) check(cudaStreamSynchronize(stream), "copy");
  const bool right = host == std::vector<float>(kSize, 2.0f);
  check(cudaStreamSynchronize(stream), "end");
  return right;
}

// The device reads pinned memory when it comes to the copy, not before.
bool pinned_memory_reused(bool bug, cudaStream_t stream) {
  DeviceArray<float> a(kSize, stream);
  void* memory = nullptr;
  check(cudaMallocHost(&memory, kBytes), "pinned");
  auto* const pinned = static_cast<float*>(memory);
  for (int i = 0; i < kSize; ++i) pinned[i] = 1.0f;
  check(cudaMemcpyAsync(a.data(), pinned, kBytes, cudaMemcpyHostToDevice, stream), "copy");
  if (!bug) check(cudaStreamSynchronize(stream), "copy");
  for (int i = 0; i < kSize; ++i) pinned[i] = 2.0f;
  const bool right = a.host() == std::vector<float>(kSize, 1.0f);
  check(cudaFreeHost(pinned), "pinned");
  return right;
}

// The host's copy of the result dies before the result arrives.
bool host_memory_gone(bool bug, cudaStream_t stream) {
  DeviceArray<float> a(kSize, stream);
  launch(fill, 1, kSize, 0, stream, a.data(), 2.0f);
  {
    const std::vector<float> host(kSize, 0.0f);
    check(cudaMemcpyAsync(const_cast<float*>(host.data()), a.data(), kBytes, cudaMemcpyDeviceToHost,
                          stream),
          "copy");
    if (!bug) check(cudaStreamSynchronize(stream), "copy");
  }
  check(cudaStreamSynchronize(stream), "end");
  return true;
}

}  // namespace

std::vector<PlantedBug> planted_in_streams() {
  return {{"missing_event_wait", missing_event_wait},
          {"event_recorded_too_early", event_recorded_too_early},
          {"free_across_streams", free_across_streams},
          {"unsynchronised_copy", unsynchronised_copy},
          {"pinned_memory_reused", pinned_memory_reused},
          {"host_memory_gone", host_memory_gone}};
}

}  // namespace entasis::cuda
