#include <entasis/core/cuda_graph.h>

#include <unordered_map>

#include <entasis/core/backend_internal.h>
#include <entasis/core/error.h>
#include <entasis/core/interceptor.h>
#include <entasis/core/op.h>
#include <entasis/core/op_note_internal.h>

namespace entasis {
namespace {

// Sees every op of a capture: refuses those that the host has to wait for, and notes which storages
// they touch, without keeping them alive.
class CaptureWatch final : public Interceptor {
 public:
  struct Touch {
    WeakStorage storage;
    bool writes = false;
    bool recorded = false;  // a write that entered a gradient's graph
  };

  explicit CaptureWatch(Device device) : Interceptor(Rank::kTracer), device_(device) {}

  Action before(const OpCall& call) override {
    if (call.op.flags & (kSynchronizes | kDataDependent)) {
      throw DeviceError("this cannot be captured in a graph: the host has to wait for its result");
    }
    return Action::kRun;
  }

  void after(const OpCall& call, Outputs outputs) override {
    const int n = int(call.inputs.size());
    for (int i = 0; i < n; ++i) {
      const Operand& in = call.inputs[size_t(i)];
      if (in.is_tensor()) {
        note(in.tensor(), call.op.mutates && call.op.mutates(call.attributes, i, n));
      }
    }
    for (const Tensor& out : outputs) note(out, call.op.view == nullptr);
  }

  std::unordered_map<const Storage*, Touch> touched;

 private:
  void note(const Tensor& t, bool writes) {
    if (!t.defined() || !(t.device() == device_)) return;
    const Ref<Storage>& storage = t.impl()->storage;
    Touch& touch = touched.try_emplace(storage.get(), Touch{WeakStorage(storage)}).first->second;
    touch.writes |= writes;
    touch.recorded |= writes && t.grad_fn() != nullptr;
  }

  Device device_;
};

}  // namespace

bool is_capturing(Device device) {
  const Backend* backend = find_backend(device.type);
  return backend != nullptr && backend->is_capturing(device.index);
}

CudaGraph::CudaGraph(Device device) : device_(device) { check_device(device); }
CudaGraph::~CudaGraph() { drop(); }

void CudaGraph::drop() {
  if (graph_ != nullptr) backend_of(device_.type).delete_graph(graph_);
  graph_ = nullptr;
  uses_.clear();
}

void CudaGraph::capture(Callback<void()> step, Location at) {
  drop();
  Backend& backend = backend_of(device_.type);
  CaptureWatch watch(device_);
  try {
    backend.begin_capture(device_.index);
    const InterceptorGuard guard(watch);
    step();
    graph_ = backend.end_capture(device_.index);
  } catch (Error& error) {
    backend.abandon_capture(device_.index);
    place_in_frames(error, "CudaGraph::capture", at);
    throw;
  } catch (...) {
    backend.abandon_capture(device_.index);
    throw;
  }
  for (auto& [address, touch] : watch.touched) {
    if (touch.storage.lock())
      uses_.push_back({std::move(touch.storage), touch.writes, touch.recorded});
  }
}

void CudaGraph::replay(Location at) {
  if (graph_ == nullptr) throw ValueError("CudaGraph::replay: nothing is captured", at);
  Backend& backend = backend_of(device_.type);
  const StreamId stream = backend.begin_op(device_.index, note_op("CudaGraph::replay", at));
  for (const Use& use : uses_) {
    const Ref<Storage> storage = use.storage.lock();
    if (!storage) continue;
    if (storage->last_writer != stream || (use.writes && storage->other_users != 0)) {
      backend.use_on_stream(*storage, stream, use.writes);
    }
    if (use.writes) ++storage->writes;
    if (use.recorded) ++storage->recorded_writes;
  }
  backend.replay(graph_, stream);
}

}  // namespace entasis
