#include "host_work.h"

#include <deque>
#include <mutex>
#include <utility>

#include <entasis/backends/cuda/error.h>

namespace entasis::cuda {

void queue_on_host(StreamId stream, std::function<void()> work) {
  // Kept for good: a graph that was captured runs it again and again.
  static auto* const kept = new std::deque<std::function<void()>>;
  static std::mutex mutex;
  std::function<void()>* place;
  {
    const std::lock_guard lock(mutex);
    place = &kept->emplace_back(std::move(work));
  }
  check(cudaLaunchHostFunc(
            handle_of(stream), [](void* f) { (*static_cast<std::function<void()>*>(f))(); }, place),
        "cudaLaunchHostFunc");
  after_launch(handle_of(stream));
}

}  // namespace entasis::cuda
