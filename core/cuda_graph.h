// A step's work on a GPU, captured once and replayed: what costs is then one launch, not one a
// kernel.
//
//   CudaGraph graph;
//   graph.capture([&] {
//     optimizer.zero_grad();
//     cross_entropy(model(images), labels).backward();
//     optimizer.step();
//   });
//   for (…) { images.copy_(next_images); labels.copy_(next_labels); graph.replay(); }
//
// The closure runs once, without effect on the device: what it would launch is kept. A replay runs
// the same kernels on the same memory, so new data are copied into the tensors of before, and
// numbers that change from step to step must lie in tensors, an optimizer's by its option
// capturable. Random draws go on: each replay takes new numbers. What the host decides in the
// closure is decided once.
#pragma once

#include <utility>
#include <vector>

#include <entasis/core/callback.h>
#include <entasis/core/device.h>
#include <entasis/core/export.h>
#include <entasis/core/location.h>
#include <entasis/core/storage.h>

namespace entasis {

class ENTASIS_API CudaGraph {
 public:
  explicit CudaGraph(Device device = current_device(DeviceType::kCUDA));
  ~CudaGraph();
  CudaGraph(const CudaGraph&) = delete;
  CudaGraph& operator=(const CudaGraph&) = delete;

  // Captures what `step` does on the device. Run it a few times before, so that everything made at
  // first use is there. Throws DeviceError that names the op and line where it does what cannot be
  // captured: wait for the device, read from the host's memory or write to it (pinned memory with
  // non_blocking apart), change the stream. Whatever `step` throws leaves no capture behind.
  void capture(Callback<void()> step, Location at = {});
  // Runs the captured work once on the current stream. Throws ValueError if nothing is captured.
  void replay(Location at = {});
  bool captured() const { return graph_ != nullptr; }

 private:
  struct Use {
    WeakStorage storage;
    bool writes;
    bool recorded;
  };
  void drop();

  Device device_;
  void* graph_ = nullptr;
  std::vector<Use> uses_;  // storages from outside that the graph touches and that are still alive
};

// Whether the calling thread captures what it does on `device`.
ENTASIS_API bool is_capturing(Device device);

}  // namespace entasis
