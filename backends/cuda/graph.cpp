#include <entasis/backends/cuda/graph.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <cuda_runtime_api.h>

#include <entasis/backends/cuda/devices.h>
#include <entasis/backends/cuda/error.h>
#include <entasis/backends/cuda/internal/capture_mode.h>
#include <entasis/backends/cuda/launch_log.h>
#include <entasis/backends/cuda/staging.h>
#include <entasis/backends/cuda/streams.h>
#include <entasis/core/error.h>

namespace entasis::cuda {
namespace {

struct Graph {
  int device = 0;
  StreamId stream = 0;    // that it was captured on
  StreamId previous = 0;  // the thread's stream before
  PoolId pool = 0;
  void* log = nullptr;
  cudaGraph_t graph = nullptr;
  cudaGraphExec_t executable = nullptr;
  // Random numbers: seed and offset in device memory, the blocks that one run draws.
  uint64_t* cell = nullptr;
  Generator* generator = nullptr;
  uint64_t blocks = 0;
  std::vector<PinnedBlock*> pinned;  // each once
  uint64_t replayed_on = 0;          // streams

  ~Graph() {
    order_after_replays();
    for (PinnedBlock* block : pinned) drop_pinned(block);
    if (executable) cudaGraphExecDestroy(executable);
    if (graph) cudaGraphDestroy(graph);
    if (cell) cudaFree(cell);
    if (pool) allocator_of(device).release_pool(pool);
    forget_graph_log(log);
  }

  // Its memory becomes that of `stream`, so that one waits for replays that are under way
  // elsewhere.
  void order_after_replays() noexcept {
    try {
      if (replayed_on == 0 || is_captured(handle_of(stream))) return;  // it is another graph's now
      for (int i = 0; i < kMaxStreams; ++i) {
        if (replayed_on >> i & 1) order(stream, stream_id(device, i));
      }
    } catch (...) {  // the device is lost
    }
  }
};

thread_local Graph* capturing = nullptr;

// Back to the stream of before; what was captured so far becomes the graph's own.
std::unique_ptr<Graph> leave_capture() {
  std::unique_ptr<Graph> graph(std::exchange(capturing, nullptr));
  graph->log = end_graph_log(graph->device);
  allocator_of(graph->device).end_pool(graph->stream);
  set_current_stream(graph->device, graph->previous);
  return graph;
}

}  // namespace

void begin_capture(int device) {
  if (capturing) throw DeviceError("this thread captures a graph already");
  use_device(device);
  auto graph = std::make_unique<Graph>();
  graph->device = device;
  graph->previous = current_stream(device);
  graph->stream = new_stream(device, false);
  if (graph->stream == graph->previous) graph->stream = new_stream(device, false);
  handle_of(graph->stream);    // made now: making one would break the capture
  synchronize_device(device);  // a graph may depend on nothing outside of it
  check(cudaMalloc(reinterpret_cast<void**>(&graph->cell), 2 * sizeof(uint64_t)), "cudaMalloc");
  graph->pool = allocator_of(device).begin_pool(graph->stream);
  begin_graph_log(device);
  set_current_stream(device, graph->stream);
  capturing = graph.release();
  const cudaError_t error =
      cudaStreamBeginCapture(handle_of(capturing->stream), cudaStreamCaptureModeThreadLocal);
  if (error != cudaSuccess) {
    leave_capture();
    check(error, "cudaStreamBeginCapture");
  }
}

bool is_capturing(int device) { return capturing != nullptr && capturing->device == device; }

void capture_pinned(PinnedBlock* block) {
  std::vector<PinnedBlock*>& held = capturing->pinned;
  if (std::find(held.begin(), held.end(), block) != held.end()) return;
  hold_pinned(block);
  held.push_back(block);
}

void refuse_capture(const char* why) {
  if (capturing == nullptr) return;
  DeviceError error(std::string("this cannot be captured in a graph: ") + why);
  if (const OpNote note = last_op(); note.op != nullptr) place_as_noted(error, note);
  throw error;
}

void* end_capture(int device) {
  if (!is_capturing(device)) throw DeviceError("this thread captures no graph");
  cudaGraph_t captured = nullptr;
  const cudaError_t error = cudaStreamEndCapture(handle_of(capturing->stream), &captured);
  std::unique_ptr<Graph> graph = leave_capture();
  check(error, "cudaStreamEndCapture");
  graph->graph = captured;
  check(cudaGraphInstantiate(&graph->executable, graph->graph, 0), "cudaGraphInstantiate");
  return graph.release();
}

void abandon_capture(int device) noexcept {
  if (!is_capturing(device)) return;
  cudaGraph_t captured = nullptr;
  cudaStreamEndCapture(handle_of(capturing->stream), &captured);
  cudaGetLastError();
  leave_capture()->graph = captured;
}

void replay(void* handle, StreamId stream) {
  auto& graph = *static_cast<Graph*>(handle);
  if (device_of(stream) != graph.device) {
    throw DeviceError("the graph was captured on cuda:" + std::to_string(graph.device) +
                      ", the stream is of cuda:" + std::to_string(device_of(stream)));
  }
  use_device(graph.device);
  if (graph.generator) {
    const RandomState state = graph.generator->reserve(graph.blocks);
    const uint64_t cell[2] = {state.seed, state.offset};
    copy_from_host(graph.cell, cell, sizeof cell, stream);
  }
  check(cudaGraphLaunch(graph.executable, handle_of(stream)), "cudaGraphLaunch");
  graph.replayed_on |= bit_of(stream);
  for (PinnedBlock* block : graph.pinned) use_pinned(block, stream);
}

void delete_graph(void* graph) noexcept {
  if (graph == nullptr) return;
  use_device(static_cast<Graph*>(graph)->device);
  delete static_cast<Graph*>(graph);
}

RandomState draw(int device, Generator& generator, uint64_t blocks) {
  if (!is_capturing(device)) return generator.reserve(blocks);
  Graph& graph = *capturing;
  if (graph.generator != nullptr && graph.generator != &generator) {
    throw DeviceError("a graph draws random numbers from one generator only");
  }
  graph.generator = &generator;
  RandomState state;
  state.offset = graph.blocks;
  state.device_state = graph.cell;
  graph.blocks += blocks;
  return state;
}

}  // namespace entasis::cuda
