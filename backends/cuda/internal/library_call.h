// What calls of the vendor's libraries share: their setup inside a capture, timing for tuning, and
// how they tell their version.
#pragma once

#include <algorithm>
#include <string>

#include <cuda_runtime_api.h>

#include <entasis/backends/cuda/devices.h>
#include <entasis/backends/cuda/error.h>
#include <entasis/backends/cuda/internal/capture_mode.h>
#include <entasis/backends/cuda/internal/environment.h>
#include <entasis/backends/cuda/streams.h>

namespace entasis::cuda {

// Both libraries give 90300 for 9.3.0.
inline std::string library_version(size_t version) {
  return std::to_string(version / 10000) + "." + std::to_string(version / 100 % 100) + "." +
         std::to_string(version % 100);
}

// Device memory for one call on `stream`. The next block there may be the same: work on a stream is
// in order.
class Workspace {
 public:
  Workspace(size_t bytes, StreamId stream)
      : stream_(stream),
        data_(bytes == 0 ? nullptr : allocator_of(device_of(stream)).allocate(bytes, stream)) {}
  ~Workspace() {
    if (data_ != nullptr) allocator_of(device_of(stream_)).deallocate(data_, stream_, 0);
  }
  Workspace(const Workspace&) = delete;
  Workspace& operator=(const Workspace&) = delete;
  void* data() const { return data_; }

 private:
  StreamId stream_;
  void* data_;
};

// Whether plans are chosen by time: ENTASIS_TUNE=1.
inline bool is_tuning() {
  static const bool on = switched_on("ENTASIS_TUNE");
  return on;
}
// Candidates that tuning compares.
inline constexpr int kTuningCandidates = 6;

// The shortest of a few runs of `run()`, which works on `stream`, in milliseconds.
template <class Run>
float time_of(StreamId stream, const Run& run) {
  constexpr int kRuns = 5;
  const cudaStream_t handle = handle_of(stream);
  cudaEvent_t start = nullptr, end = nullptr;
  check(cudaEventCreate(&start), "cudaEventCreate");
  check(cudaEventCreate(&end), "cudaEventCreate");
  run();  // loads the code
  float best = 0;
  for (int i = 0; i < kRuns; ++i) {
    check(cudaEventRecord(start, handle), "cudaEventRecord");
    run();
    check(cudaEventRecord(end, handle), "cudaEventRecord");
    check(cudaEventSynchronize(end), "cudaEventSynchronize");
    float milliseconds = 0;
    check(cudaEventElapsedTime(&milliseconds, start, end), "cudaEventElapsedTime");
    best = i == 0 ? milliseconds : std::min(best, milliseconds);
  }
  cudaEventDestroy(start);
  cudaEventDestroy(end);
  return best;
}

}  // namespace entasis::cuda
