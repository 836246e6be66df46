// The CUDA devices as a backend.
#include <entasis/backends/cuda/backend.h>

#include <unistd.h>

#include <atomic>
#include <string>

#include <pthread.h>

#include <cuda_runtime_api.h>

#include <entasis/backends/cuda/devices.h>
#include <entasis/backends/cuda/error.h>
#include <entasis/backends/cuda/foreign.h>
#include <entasis/backends/cuda/graph.h>
#include <entasis/backends/cuda/launch_log.h>
#include <entasis/backends/cuda/pinned.h>
#include <entasis/backends/cuda/staging.h>
#include <entasis/backends/cuda/streams.h>
#include <entasis/core/backend.h>
#include <entasis/core/error.h>

namespace entasis::cuda {
namespace {

std::atomic<bool> forked{false};

cudaEvent_t event_of(void* event) { return static_cast<cudaEvent_t>(event); }

class CudaBackend final : public Backend {
 public:
  int device_count() const override { return cuda::device_count(); }
  DeviceProperties properties(int device) const override;
  DeviceMemory device_memory(int device) const override;
  std::vector<std::pair<std::string, std::string>> versions() const override {
    return cuda::versions();
  }

  void* allocate(size_t bytes, int device, StreamId stream) override {
    give_back_due();
    return allocator_of(device).allocate(bytes, stream);
  }
  void deallocate(void* data, size_t, int device, StreamId last_writer,
                  uint64_t users) noexcept override {
    allocator_of(device).deallocate(data, last_writer, users);
  }
  void copy(void* to, Device to_device, const void* from, Device from_device, size_t bytes,
            StreamId stream, bool non_blocking) override;
  void fill_zero(void* data, size_t bytes, int device, StreamId stream) override {
    if (bytes == 0) return;
    use_device(device);
    check(cudaMemsetAsync(data, 0, bytes, handle_of(stream)), "cudaMemsetAsync");
  }

  void* allocate_pinned(size_t bytes) override { return cuda::allocate_pinned(bytes); }
  void deallocate_pinned(void* data) noexcept override { free_pinned(data); }

  StreamId begin_op(int device, const OpNote& note) override {
    if (forked.load(std::memory_order_relaxed)) [[unlikely]] {
      throw DeviceError(
          "CUDA cannot be used in a process that was forked after its first use; start new "
          "processes instead, or fork before");
    }
    use_device(device);
    log_op(device, note);
    return cuda::current_stream(device);
  }
  StreamId current_stream(int device) const override { return cuda::current_stream(device); }
  void set_current_stream(int device, StreamId stream) override {
    refuse_capture("it goes to another stream");
    cuda::set_current_stream(device, stream);
  }
  StreamId new_stream(int device, bool high_priority) override {
    return cuda::new_stream(device, high_priority);
  }
  void order_streams(StreamId later, StreamId earlier) override { order(later, earlier); }
  void use_on_stream(Storage& storage, StreamId stream, bool writes) override;
  void synchronize_stream(StreamId stream) override {
    refuse_capture("it waits for the device");
    cuda::synchronize_stream(stream);
    give_back_due();
  }
  void synchronize(int device) override {
    refuse_capture("it waits for the device");
    synchronize_device(device);
    give_back_due();
  }
  bool is_idle(StreamId stream) override { return cuda::is_idle(stream); }

  void* new_event(int device, bool with_time) override {
    use_device(device);
    cudaEvent_t event = nullptr;
    check(cudaEventCreateWithFlags(&event, with_time ? cudaEventDefault : cudaEventDisableTiming),
          "cudaEventCreateWithFlags");
    return event;
  }
  void delete_event(void* event) noexcept override { cudaEventDestroy(event_of(event)); }
  void record_event(void* event, StreamId stream) override {
    use_device(device_of(stream));
    check(cudaEventRecord(event_of(event), handle_of(stream)), "cudaEventRecord");
  }
  void wait_event(void* event, StreamId stream) override {
    use_device(device_of(stream));
    check(cudaStreamWaitEvent(handle_of(stream), event_of(event), 0), "cudaStreamWaitEvent");
  }
  bool query_event(void* event) override {
    const cudaError_t status = cudaEventQuery(event_of(event));
    if (status == cudaErrorNotReady) {
      cudaGetLastError();
      return false;
    }
    check(status, "cudaEventQuery");
    return true;
  }
  void synchronize_event(void* event) override {
    refuse_capture("it waits for the device");
    check(cudaEventSynchronize(event_of(event)), "cudaEventSynchronize");
  }
  float milliseconds_between(void* start, void* end) override {
    float milliseconds = 0;
    check(cudaEventElapsedTime(&milliseconds, event_of(start), event_of(end)),
          "cudaEventElapsedTime");
    return milliseconds;
  }

  uintptr_t native_stream(StreamId stream) override {
    return reinterpret_cast<uintptr_t>(handle_of(stream));
  }
  void hand_over(Storage& storage, uintptr_t native_stream) override;
  void take_over(Storage& storage, uintptr_t native_stream) override;
  void give_back(Storage::Deleter deleter, void* context, void* data, int device,
                 StreamId last_writer, uint64_t other_users) noexcept override {
    give_back_when_done(deleter, context, data, device, other_users | bit_of(last_writer));
    give_back_due();
  }

  void begin_capture(int device) override { cuda::begin_capture(device); }
  bool is_capturing(int device) const override { return cuda::is_capturing(device); }
  void* end_capture(int device) override { return cuda::end_capture(device); }
  void abandon_capture(int device) noexcept override { cuda::abandon_capture(device); }
  void replay(void* graph, StreamId stream) override { cuda::replay(graph, stream); }
  void delete_graph(void* graph) noexcept override { cuda::delete_graph(graph); }
  RandomState draw(int device, Generator& generator, uint64_t blocks) override {
    return cuda::draw(device, generator, blocks);
  }

  MemoryStats memory_stats(int device) const override { return allocator_of(device).stats(); }
  void reset_peak_memory(int device) override { allocator_of(device).reset_peak(); }
  void release_cache(int device) override {
    give_back_due();
    allocator_of(device).release_cache();
    release_pinned_cache();
  }
  std::string memory_summary(int device) const override {
    return allocator_of(device).summary() + pinned_summary();
  }
};

DeviceProperties CudaBackend::properties(int device) const {
  cudaDeviceProp found;
  check(cudaGetDeviceProperties(&found, device), "cudaGetDeviceProperties");
  DeviceProperties p;
  p.name = found.name;
  p.memory_bytes = found.totalGlobalMem;
  p.compute_units = found.multiProcessorCount;
  p.instruction_set = "sm_" + std::to_string(limits_of(device).compute_capability);
  p.major = found.major;
  p.minor = found.minor;
  p.l2_cache_bytes = size_t(found.l2CacheSize);
  p.shared_bytes_per_block = found.sharedMemPerBlockOptin;
  return p;
}

DeviceMemory CudaBackend::device_memory(int device) const {
  use_device(device);
  DeviceMemory memory;
  check(cudaMemGetInfo(&memory.free, &memory.total), "cudaMemGetInfo");
  return memory;
}

constexpr const char* kWaitsForACopy =
    "the host waits for the copy; copy into pinned memory with non_blocking";

// Notes who uses the block, which a tensor holds as yet.
void copy_pinned(void* to, const void* from, size_t bytes, cudaMemcpyKind kind, PinnedBlock* block,
                 StreamId stream) {
  use_device(device_of(stream));
  check(cudaMemcpyAsync(to, from, bytes, kind, handle_of(stream)), "cudaMemcpyAsync");
  if (is_capturing(device_of(stream))) {
    capture_pinned(block);
  } else {
    use_pinned(block, stream);
  }
}

void CudaBackend::copy(void* to, Device to_device, const void* from, Device from_device,
                       size_t bytes, StreamId stream, bool non_blocking) {
  if (bytes == 0) return;
  if (from_device.is_cpu()) {
    if (PinnedBlock* block = non_blocking ? find_pinned(from) : nullptr) {
      return copy_pinned(to, from, bytes, cudaMemcpyHostToDevice, block, stream);
    }
    refuse_capture(
        "the host's memory is read now, not at each replay; pin it and copy with non_blocking");
    return copy_from_host(to, from, bytes, stream);
  }
  use_device(device_of(stream));
  if (to_device.is_cpu()) {
    if (PinnedBlock* block = find_pinned(to)) {
      if (!non_blocking) refuse_capture(kWaitsForACopy);
      return copy_pinned(to, from, bytes, cudaMemcpyDeviceToHost, block, stream);
    }
    refuse_capture(kWaitsForACopy);
    check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToHost, handle_of(stream)),
          "cudaMemcpyAsync");
  } else if (to_device == from_device) {
    check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice, handle_of(stream)),
          "cudaMemcpyAsync");
  } else {
    const StreamId other = cuda::current_stream(
        device_of(stream) == to_device.index ? from_device.index : to_device.index);
    order(stream, other);
    check(
        cudaMemcpyPeerAsync(to, to_device.index, from, from_device.index, bytes, handle_of(stream)),
        "cudaMemcpyPeerAsync");
    order(other, stream);
  }
}

void CudaBackend::use_on_stream(Storage& storage, StreamId stream, bool writes) {
  // Another device's stream has no place in the mask. What a capture meets was finished before it
  // began, and whoever replays it orders itself.
  const int device = device_of(stream);
  if (storage.last_writer != 0 && device_of(storage.last_writer) == device &&
      !is_capturing(device)) {
    // A reader in the mask has waited for the last write; a new write also waits for what the last
    // writer has read since.
    if (writes || !(storage.other_users & bit_of(stream))) order(stream, storage.last_writer);
    for (int i = 0; writes && i < kMaxStreams; ++i) {
      if (storage.other_users >> i & 1) order(stream, stream_id(device, i));
    }
  }
  if (writes) {
    storage.last_writer = stream;
    storage.other_users = 0;
  } else if (storage.last_writer != stream) {
    storage.other_users |= bit_of(stream);
  }
}

void CudaBackend::hand_over(Storage& storage, uintptr_t native_stream) {
  refuse_capture("another library takes the memory");
  order_foreign(reinterpret_cast<cudaStream_t>(native_stream), storage.device.index,
                storage.other_users | bit_of(storage.last_writer));
}

// As a write of the current stream: whatever comes next is ordered after it.
void CudaBackend::take_over(Storage& storage, uintptr_t native_stream) {
  const StreamId stream = cuda::current_stream(storage.device.index);
  use_on_stream(storage, stream, true);
  order_after_foreign(stream, reinterpret_cast<cudaStream_t>(native_stream));
}

}  // namespace

const char* register_backend() {
  static std::string why;
  why = find_devices();
  if (!why.empty()) return why.c_str();
  pthread_atfork(nullptr, nullptr, [] { forked = true; });
  static auto* backend = new CudaBackend;  // never destroyed: tensors may outlive statics
  entasis::register_backend(DeviceType::kCUDA, backend);
  return nullptr;
}

}  // namespace entasis::cuda
