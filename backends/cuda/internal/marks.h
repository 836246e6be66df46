// Events in several streams, to be asked later: has what was queued there by then been done?
#pragma once

#include <utility>
#include <vector>

#include <cuda_runtime_api.h>

#include <entasis/backends/cuda/error.h>
#include <entasis/backends/cuda/internal/capture_mode.h>
#include <entasis/backends/cuda/streams.h>

namespace entasis::cuda {

// Its calls want a RelaxedCapture where the thread may be capturing.
class Marks {
 public:
  Marks() = default;
  Marks(Marks&&) = default;
  Marks& operator=(Marks&&) = default;

  // Marks what is queued on the stream now. A stream that is being captured needs no mark: it was
  // idle when the capture began, and what is captured does not run.
  void add(StreamId stream) {
    const int device = device_of(stream);
    const cudaStream_t handle = handle_of(stream);
    use_device(device);
    if (is_captured(handle)) return;
    cudaEvent_t event = take_event(device);
    check(cudaEventRecord(event, handle), "cudaEventRecord");
    events_.emplace_back(device, event);
  }

  bool empty() const { return events_.empty(); }

  // Whether all of it is done.
  bool passed() {
    while (!events_.empty()) {
      const auto [device, event] = events_.back();
      const cudaError_t status = cudaEventQuery(event);
      if (status == cudaErrorNotReady) {
        cudaGetLastError();
        return false;
      }
      check(status, "cudaEventQuery");
      return_event(device, event);
      events_.pop_back();
    }
    return true;
  }

  void wait() {
    for (const auto& [device, event] : events_) {
      check(cudaEventSynchronize(event), "cudaEventSynchronize");
    }
  }

 private:
  std::vector<std::pair<int, cudaEvent_t>> events_;
};

}  // namespace entasis::cuda
