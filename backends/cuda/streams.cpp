#include <entasis/backends/cuda/streams.h>

#include <array>
#include <atomic>
#include <mutex>
#include <string>
#include <vector>

#include <entasis/backends/cuda/error.h>
#include <entasis/backends/cuda/launch_log.h>
#include <entasis/core/error.h>

namespace entasis::cuda {
namespace {

// Index 0 is everyone's; the next are handed out in turn, the last ones with high priority.
constexpr int kFirstHigh = kMaxStreams / 2;

struct DeviceStreams {
  std::array<std::atomic<cudaStream_t>, kMaxStreams> handles{};
  std::atomic<uint32_t> next_normal{0}, next_high{0};
  std::mutex mutex;  // of making streams, and of the events
  std::vector<cudaEvent_t> events;
};

DeviceStreams& streams_of(int device) {
  static auto* all = new std::array<DeviceStreams, kMaxDevices>;
  return (*all)[size_t(device)];
}

thread_local std::array<StreamId, kMaxDevices> thread_streams{};

cudaStream_t make_stream(int device, int index) {
  DeviceStreams& streams = streams_of(device);
  const std::lock_guard lock(streams.mutex);
  if (cudaStream_t made = streams.handles[size_t(index)].load()) return made;
  use_device(device);
  int least = 0, greatest = 0;
  check(cudaDeviceGetStreamPriorityRange(&least, &greatest), "cudaDeviceGetStreamPriorityRange");
  cudaStream_t stream = nullptr;
  check(cudaStreamCreateWithPriority(&stream, cudaStreamNonBlocking,
                                     index >= kFirstHigh ? greatest : least),
        "cudaStreamCreateWithPriority");
  streams.handles[size_t(index)].store(stream, std::memory_order_release);
  return stream;
}

}  // namespace

void use_device(int device) {
  static const int count = [] {
    int n = 0;
    check(cudaGetDeviceCount(&n), "cudaGetDeviceCount");
    return n;
  }();
  if (count == 1) return;
  // Asked, not remembered: other libraries in the process change it too.
  int current = -1;
  check(cudaGetDevice(&current), "cudaGetDevice");
  if (current != device) check(cudaSetDevice(device), "cudaSetDevice");
}

cudaStream_t handle_of(StreamId stream) {
  const int device = device_of(stream), index = index_of(stream);
  cudaStream_t handle = streams_of(device).handles[size_t(index)].load(std::memory_order_acquire);
  return handle ? handle : make_stream(device, index);
}

StreamId current_stream(int device) {
  const StreamId set = thread_streams[size_t(device)];
  return set != 0 ? set : stream_id(device, 0);
}

void set_current_stream(int device, StreamId stream) {
  if (device_of(stream) != device) {
    throw ValueError("stream " + std::to_string(stream) +
                     " is not of device cuda:" + std::to_string(device));
  }
  thread_streams[size_t(device)] = stream;
}

StreamId new_stream(int device, bool high_priority) {
  DeviceStreams& streams = streams_of(device);
  constexpr uint32_t kNormal = kFirstHigh - 1, kHigh = kMaxStreams - kFirstHigh;
  if (high_priority) return stream_id(device, kFirstHigh + int(streams.next_high++ % kHigh));
  return stream_id(device, 1 + int(streams.next_normal++ % kNormal));
}

void order(StreamId later, StreamId earlier) {
  if (later == earlier) return;
  const int device = device_of(earlier);
  use_device(device);
  cudaEvent_t event = take_event(device);
  check(cudaEventRecord(event, handle_of(earlier)), "cudaEventRecord");
  use_device(device_of(later));
  check(cudaStreamWaitEvent(handle_of(later), event, 0), "cudaStreamWaitEvent");
  return_event(device, event);  // what waits for it holds its state of now
}

void synchronize_stream(StreamId stream) {
  const int device = device_of(stream);
  use_device(device);
  check(cudaStreamSynchronize(handle_of(stream)), "cudaStreamSynchronize");
  throw_reported(device);
}

void synchronize_device(int device) {
  use_device(device);
  check(cudaDeviceSynchronize(), "cudaDeviceSynchronize");
  mark_finished(device);
  throw_reported(device);
}

bool is_idle(StreamId stream) {
  use_device(device_of(stream));
  const cudaError_t status = cudaStreamQuery(handle_of(stream));
  if (status == cudaErrorNotReady) {
    cudaGetLastError();
    return false;
  }
  check(status, "cudaStreamQuery");
  return true;
}

cudaEvent_t take_event(int device) {
  DeviceStreams& streams = streams_of(device);
  {
    const std::lock_guard lock(streams.mutex);
    if (!streams.events.empty()) {
      cudaEvent_t event = streams.events.back();
      streams.events.pop_back();
      return event;
    }
  }
  use_device(device);
  cudaEvent_t event = nullptr;
  check(cudaEventCreateWithFlags(&event, cudaEventDisableTiming), "cudaEventCreateWithFlags");
  return event;
}

void return_event(int device, cudaEvent_t event) {
  DeviceStreams& streams = streams_of(device);
  const std::lock_guard lock(streams.mutex);
  streams.events.push_back(event);
}

}  // namespace entasis::cuda
