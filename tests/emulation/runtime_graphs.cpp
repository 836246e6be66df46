// The fake runtime: capture of streams, and graphs.
#include <algorithm>

#include "runtime.h"

// An instantiated graph: its own copy of the nodes, which come after those of smaller index.
struct CUgraphExec_st {
  struct Node {
    std::function<void()> run;
    std::vector<size_t> after;
  };
  std::vector<Node> nodes;
};

namespace entasis::emulation {
namespace {

using Instance = std::shared_ptr<CUgraphExec_st>;

std::vector<Instance>& instances() {
  static std::vector<Instance>& all = *new std::vector<Instance>;
  return all;
}

Instance find_instance(cudaGraphExec_t handle) {
  for (const Instance& instance : instances()) {
    if (instance.get() == handle) return instance;
  }
  return nullptr;
}

// True if every node comes before the end of the origin's work.
bool all_joined(const Capture& capture) {
  std::vector<const CUgraphNode_st*> reached(capture.origin->frontier.begin(),
                                             capture.origin->frontier.end());
  for (size_t i = 0; i < reached.size(); ++i) {
    for (const CUgraphNode_st* before : reached[i]->after) {
      if (std::find(reached.begin(), reached.end(), before) == reached.end()) {
        reached.push_back(before);
      }
    }
  }
  return reached.size() == capture.graph->nodes.size();
}

// Runs the nodes in an order that suits the running test and what each comes after.
void run_graph(Runtime& r, const CUgraphExec_st& graph) {
  const size_t count = graph.nodes.size();
  std::vector<char> done(count);
  for (size_t step = 0; step < count; ++step) {
    std::vector<size_t> able;
    for (size_t i = 0; i < count; ++i) {
      const std::vector<size_t>& after = graph.nodes[i].after;
      const bool ready = std::all_of(after.begin(), after.end(), [&](size_t j) { return done[j]; });
      if (!done[i] && ready) able.push_back(i);
    }
    size_t next = able.front();
    if (r.order.kind == Order::kDescending) next = able.back();
    if (r.order.kind == Order::kRandom) {
      next = able[r.choice.below(static_cast<unsigned>(able.size()))];
    }
    graph.nodes[next].run();
    done[next] = 1;
  }
}

cudaStreamCaptureStatus status_of(const CUstream_st& stream) {
  if (stream.capture == nullptr) return cudaStreamCaptureStatusNone;
  return stream.capture->invalid ? cudaStreamCaptureStatusInvalidated
                                 : cudaStreamCaptureStatusActive;
}

}  // namespace

Capture* Runtime::find_capture(uint64_t id) {
  for (const auto& capture : captures) {
    if (capture->id == id) return capture.get();
  }
  return nullptr;
}

cudaError_t Runtime::enqueue(CUstream_st& stream, std::function<void()> run) {
  if (blocked_by_capture(stream)) return cudaErrorStreamCaptureImplicit;
  if (stream.capture == nullptr) {
    submit(stream, std::move(run));
    return cudaSuccess;
  }
  if (stream.capture->invalid) return cudaErrorStreamCaptureInvalidated;
  auto node = std::make_unique<CUgraphNode_st>();
  node->run = std::move(run);
  node->after = std::exchange(stream.frontier, {node.get()});
  stream.capture->graph->nodes.push_back(std::move(node));
  return cudaSuccess;
}

cudaError_t Runtime::join_capture(CUstream_st& waiting, const CUevent_st& awaited) {
  Capture* const joined = find_capture(awaited.capture);
  if (waiting.capture == nullptr) {
    if (joined == nullptr) return cudaErrorCapturedEvent;
    if (&waiting == default_stream(waiting.device)) return cudaErrorStreamCaptureImplicit;
    waiting.capture = joined;
    waiting.frontier = awaited.frontier;
    return cudaSuccess;
  }
  if (waiting.capture->invalid) return cudaErrorStreamCaptureInvalidated;
  if (joined == nullptr) {
    if (awaited.capture == 0 && awaited.recorded == nullptr) return cudaSuccess;
    waiting.capture->invalid = true;
    return cudaErrorStreamCaptureIsolation;
  }
  if (joined != waiting.capture) {
    waiting.capture->invalid = joined->invalid = true;
    return cudaErrorStreamCaptureMerge;
  }
  for (CUgraphNode_st* node : awaited.frontier) {
    std::vector<CUgraphNode_st*>& frontier = waiting.frontier;
    if (std::find(frontier.begin(), frontier.end(), node) == frontier.end()) {
      frontier.push_back(node);
    }
  }
  return cudaSuccess;
}

cudaError_t Runtime::refuse_capture(CUstream_st& stream) {
  if (blocked_by_capture(stream)) return cudaErrorStreamCaptureImplicit;
  if (stream.capture == nullptr) return cudaSuccess;
  stream.capture->invalid = true;
  return cudaErrorStreamCaptureUnsupported;
}

bool Runtime::break_captures() {
  const cudaStreamCaptureMode mode = this_thread().capture_mode;
  if (mode == cudaStreamCaptureModeRelaxed) return false;
  bool broken = false;
  for (const auto& capture : captures) {
    const bool own = capture->thread == &this_thread();
    const bool forbids =
        own ? capture->mode != cudaStreamCaptureModeRelaxed
            : mode == cudaStreamCaptureModeGlobal && capture->mode == cudaStreamCaptureModeGlobal;
    if (!forbids) continue;
    capture->invalid = true;
    broken = true;
  }
  return broken;
}

bool Runtime::blocked_by_capture(const CUstream_st& stream) const {
  const auto same_device = [&](const auto& s) { return s->device == stream.device; };
  const auto first = std::find_if(streams.begin(), streams.end(), same_device);
  if (first == streams.end() || first->get() != &stream) return false;  // not the default stream
  return std::any_of(streams.begin(), streams.end(), [&](const auto& s) {
    return same_device(s) && s->capture != nullptr && (s->flags & cudaStreamNonBlocking) == 0;
  });
}

extern "C" {

// ---- Capture

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode mode) {
  return api(__func__, kUsesDevice, [&](Runtime& r) {
    CUstream_st* const origin = r.find(stream);
    if (origin == nullptr) return cudaErrorInvalidResourceHandle;
    if (origin == r.default_stream(origin->device)) return cudaErrorStreamCaptureUnsupported;
    if (origin->capture != nullptr) return cudaErrorIllegalState;
    auto capture = std::make_unique<Capture>();
    capture->id = ++r.ids;
    capture->mode = mode;
    capture->origin = origin;
    capture->thread = &this_thread();
    capture->graph = std::make_unique<CUgraph_st>();
    origin->capture = capture.get();
    r.captures.push_back(std::move(capture));
    return cudaSuccess;
  });
}

cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph) {
  return api(__func__, kUsesDevice, [&](Runtime& r) {
    *graph = nullptr;
    CUstream_st* const origin = r.find(stream);
    if (origin == nullptr) return cudaErrorInvalidResourceHandle;
    Capture* const capture = origin->capture;
    if (capture == nullptr) return cudaErrorIllegalState;
    if (capture->origin != origin) {
      capture->invalid = true;
      return cudaErrorStreamCaptureUnmatched;
    }
    if (capture->thread != &this_thread() && capture->mode != cudaStreamCaptureModeRelaxed) {
      return cudaErrorStreamCaptureWrongThread;
    }
    cudaError_t error = cudaSuccess;
    if (capture->invalid) {
      error = cudaErrorStreamCaptureInvalidated;
    } else if (!all_joined(*capture)) {
      error = cudaErrorStreamCaptureUnjoined;
    } else {
      *graph = capture->graph.release();
    }
    for (const auto& s : r.streams) {
      if (s->capture != capture) continue;
      s->capture = nullptr;
      s->frontier.clear();
    }
    std::erase_if(r.captures, [&](const auto& c) { return c.get() == capture; });
    return error;
  });
}

cudaError_t cudaStreamIsCapturing(cudaStream_t stream, cudaStreamCaptureStatus* status) {
  return api(__func__, kUsesDevice, [&](Runtime& r) {
    const CUstream_st* const found = r.find(stream);
    if (found == nullptr) return cudaErrorInvalidResourceHandle;
    if (r.blocked_by_capture(*found)) return cudaErrorStreamCaptureImplicit;
    *status = status_of(*found);
    return cudaSuccess;
  });
}

cudaError_t cudaStreamGetCaptureInfo(cudaStream_t stream, cudaStreamCaptureStatus* status,
                                     unsigned long long* id, cudaGraph_t* graph,
                                     const cudaGraphNode_t** dependencies,
                                     const cudaGraphEdgeData** edges, size_t* dependency_count) {
  return api(__func__, kUsesDevice, [&](Runtime& r) {
    const CUstream_st* const found = r.find(stream);
    if (found == nullptr) return cudaErrorInvalidResourceHandle;
    if (r.blocked_by_capture(*found)) return cudaErrorStreamCaptureImplicit;
    *status = status_of(*found);
    if (*status != cudaStreamCaptureStatusActive) return cudaSuccess;
    if (id != nullptr) *id = found->capture->id;
    if (graph != nullptr) *graph = found->capture->graph.get();
    if (dependencies != nullptr) *dependencies = found->frontier.data();
    if (edges != nullptr) *edges = nullptr;
    if (dependency_count != nullptr) *dependency_count = found->frontier.size();
    return cudaSuccess;
  });
}

cudaError_t cudaThreadExchangeStreamCaptureMode(cudaStreamCaptureMode* mode) {
  return api(__func__, kPlain, [&](Runtime&) {
    std::swap(*mode, this_thread().capture_mode);
    return cudaSuccess;
  });
}

// ---- Graphs

cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  return api(__func__, kPlain, [&](Runtime&) {
    delete graph;
    return cudaSuccess;
  });
}

cudaError_t cudaGraphGetNodes(cudaGraph_t graph, cudaGraphNode_t* nodes, size_t* count) {
  return api(__func__, kPlain, [&](Runtime&) {
    if (graph == nullptr) return cudaErrorInvalidValue;
    for (size_t i = 0; nodes != nullptr && i < *count; ++i) {
      nodes[i] = i < graph->nodes.size() ? graph->nodes[i].get() : nullptr;
    }
    if (nodes == nullptr) *count = graph->nodes.size();
    return cudaSuccess;
  });
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t* instance, cudaGraph_t graph, unsigned long long) {
  return api(__func__, kUsesDevice, [&](Runtime&) {
    if (graph == nullptr) return cudaErrorInvalidValue;
    auto made = std::make_shared<CUgraphExec_st>();
    std::map<const CUgraphNode_st*, size_t> index;
    for (const auto& node : graph->nodes) {
      std::vector<size_t> after;
      for (const CUgraphNode_st* before : node->after) after.push_back(index.at(before));
      index[node.get()] = made->nodes.size();
      made->nodes.push_back({node->run, std::move(after)});
    }
    *instance = made.get();
    instances().push_back(std::move(made));
    return cudaSuccess;
  });
}

cudaError_t cudaGraphInstantiateWithFlags(cudaGraphExec_t* instance, cudaGraph_t graph,
                                          unsigned long long flags) {
  return cudaGraphInstantiate(instance, graph, flags);
}

cudaError_t cudaGraphUpload(cudaGraphExec_t instance, cudaStream_t) {
  return api(__func__, kUsesDevice, [&](Runtime&) {
    return find_instance(instance) ? cudaSuccess : cudaErrorInvalidValue;
  });
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t instance, cudaStream_t stream) {
  return api(__func__, kUsesDevice, [&](Runtime& r) {
    CUstream_st* const found = r.find(stream);
    if (found == nullptr) return cudaErrorInvalidResourceHandle;
    // Kept by the work: the instance may be destroyed before it has run.
    const auto graph = find_instance(instance);
    if (graph == nullptr) return cudaErrorInvalidValue;
    return r.enqueue(*found, [&r, graph] { run_graph(r, *graph); });
  });
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t instance) {
  return api(__func__, kPlain, [&](Runtime&) {
    if (find_instance(instance) == nullptr) return cudaErrorInvalidValue;
    std::erase_if(instances(), [&](const auto& made) { return made.get() == instance; });
    return cudaSuccess;
  });
}

}  // extern "C"

}  // namespace entasis::emulation
