#include <entasis/backends/cuda/foreign.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <utility>
#include <vector>

#include <entasis/backends/cuda/error.h>
#include <entasis/backends/cuda/internal/capture_mode.h>
#include <entasis/backends/cuda/internal/marks.h>
#include <entasis/backends/cuda/limits.h>
#include <entasis/backends/cuda/streams.h>

namespace entasis::cuda {
namespace {

struct Borrowed {
  Storage::Deleter deleter;
  void* context;
  void* data;
  Marks marks;
};

// What waits to be given back.
struct Waiting {
  std::mutex mutex;
  std::vector<Borrowed> borrowed;
  std::atomic<bool> any{false};
};
// Never destroyed: tensors may outlive statics.
Waiting& waiting() {
  static auto* made = new Waiting;
  return *made;
}

}  // namespace

void order_foreign(cudaStream_t later, int device, uint64_t users) {
  use_device(device);
  for (int i = 0; i < kMaxStreams; ++i) {
    if (!(users >> i & 1)) continue;
    const cudaStream_t handle = handle_of(stream_id(device, i));
    if (handle == later) continue;
    cudaEvent_t event = take_event(device);
    check(cudaEventRecord(event, handle), "cudaEventRecord");
    check(cudaStreamWaitEvent(later, event, 0), "cudaStreamWaitEvent");
    return_event(device, event);  // what waits for it holds its state of now
  }
}

void order_after_foreign(StreamId later, cudaStream_t earlier) {
  const int device = device_of(later);
  const cudaStream_t handle = handle_of(later);
  if (handle == earlier) return;
  use_device(device);
  cudaEvent_t event = take_event(device);
  check(cudaEventRecord(event, earlier), "cudaEventRecord");
  if (!is_captured(handle)) {
    check(cudaStreamWaitEvent(handle, event, 0), "cudaStreamWaitEvent");
  } else {  // a graph cannot wait for what is not in it
    const RelaxedCapture relaxed;
    check(cudaEventSynchronize(event), "cudaEventSynchronize");
  }
  return_event(device, event);
}

void give_back_when_done(Storage::Deleter deleter, void* context, void* data, int device,
                         uint64_t users) noexcept {
  try {
    const RelaxedCapture relaxed;
    Marks marks;
    for (int i = 0; i < kMaxStreams; ++i) {
      if (users >> i & 1) marks.add(stream_id(device, i));
    }
    if (!marks.passed()) {
      Waiting& w = waiting();
      const std::lock_guard lock(w.mutex);
      w.borrowed.push_back({deleter, context, data, std::move(marks)});
      w.any.store(true, std::memory_order_relaxed);
      return;
    }
  } catch (...) {  // the device is lost: nobody uses anything any more
  }
  deleter(context, data);
}

void give_back_due() noexcept {
  Waiting& w = waiting();
  if (!w.any.load(std::memory_order_relaxed)) return;
  std::vector<Borrowed> due;
  try {
    const RelaxedCapture relaxed;
    const std::lock_guard lock(w.mutex);
    const auto first_due = std::stable_partition(w.borrowed.begin(), w.borrowed.end(),
                                                 [](Borrowed& b) { return !b.marks.passed(); });
    std::move(first_due, w.borrowed.end(), std::back_inserter(due));
    w.borrowed.erase(first_due, w.borrowed.end());
    w.any.store(!w.borrowed.empty(), std::memory_order_relaxed);
  } catch (...) {  // the device is lost: they wait for ever, and the process is about to end
  }
  for (const Borrowed& b : due) b.deleter(b.context, b.data);
}

}  // namespace entasis::cuda
