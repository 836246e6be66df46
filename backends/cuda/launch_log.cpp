#include <entasis/backends/cuda/launch_log.h>

#include <array>
#include <atomic>
#include <deque>
#include <mutex>
#include <sstream>
#include <utility>
#include <vector>

#include <entasis/backends/cuda/error.h>
#include <entasis/backends/cuda/limits.h>
#include <entasis/core/error.h>

namespace entasis::cuda {
namespace {

constexpr uint32_t kRing = 4096;
// Numbers at and above this are of captured ops.
constexpr uint32_t kFirstCaptured = 0x8000'0000u;

// Written by the thread that runs an op, read by whoever reports an error.
struct Entry {
  std::atomic<const char*> op, file, module, gradient_of;
  std::atomic<int> line;

  void set(const OpNote& note) {
    op.store(note.op, std::memory_order_relaxed);
    file.store(note.at.file, std::memory_order_relaxed);
    line.store(note.at.line, std::memory_order_relaxed);
    module.store(note.module, std::memory_order_relaxed);
    gradient_of.store(note.gradient_of, std::memory_order_relaxed);
  }
  OpNote get() const {
    OpNote note;
    note.op = op.load(std::memory_order_relaxed);
    note.at = Location(file.load(std::memory_order_relaxed), line.load(std::memory_order_relaxed));
    note.module = module.load(std::memory_order_relaxed);
    note.gradient_of = gradient_of.load(std::memory_order_relaxed);
    return note;
  }
};

struct GraphLog {
  uint32_t first = 0;  // number of its first op
  std::deque<OpNote> ops;
};

struct DeviceLog {
  std::array<Entry, kRing> ring{};
  std::atomic<uint32_t> next{0};      // number of the next op
  std::atomic<uint32_t> finished{0};  // ops below this are done

  std::mutex mutex;  // of all below
  FaultRecord* record = nullptr;
  uint32_t* flag = nullptr;
  std::vector<GraphLog*> graphs;
  uint32_t next_captured = kFirstCaptured;
};

DeviceLog& log_of(int device) {
  static auto* logs = new std::array<DeviceLog, kMaxDevices>;  // errors may come while statics die
  return (*logs)[size_t(device)];
}

struct ThreadLog {
  int device = 0;
  uint32_t number = 0;
  GraphLog* graph = nullptr;  // while this thread captures
};
thread_local ThreadLog thread_log;

OpNote note_of(DeviceLog& log, uint32_t number) {
  if (number < kFirstCaptured) return log.ring[number % kRing].get();
  for (const GraphLog* graph : log.graphs) {
    if (number >= graph->first && number - graph->first < graph->ops.size()) {
      return graph->ops[number - graph->first];
    }
  }
  return {"a captured op", Location("unknown", 0), nullptr, nullptr};
}

void empty_record(DeviceLog& log) {
  const FaultRecord empty;
  check(cudaMemcpy(log.record, &empty, sizeof empty, cudaMemcpyHostToDevice), "cudaMemcpy");
}

void make_record(DeviceLog& log) {
  check(cudaMalloc(reinterpret_cast<void**>(&log.record), sizeof(FaultRecord)), "cudaMalloc");
  empty_record(log);
  check(cudaHostAlloc(reinterpret_cast<void**>(&log.flag), sizeof(uint32_t), cudaHostAllocMapped),
        "cudaHostAlloc");
  *log.flag = 0;
}

template <class E>
[[noreturn]] void throw_at(std::string text, const OpNote& note) {
  E error(std::move(text));
  place_as_noted(error, note);
  throw error;
}

}  // namespace

void log_op(int device, const OpNote& note) {
  DeviceLog& log = log_of(device);
  ThreadLog& mine = thread_log;
  mine.device = device;
  if (mine.graph != nullptr) [[unlikely]] {
    const std::lock_guard lock(log.mutex);
    mine.number = mine.graph->first + uint32_t(mine.graph->ops.size());
    mine.graph->ops.push_back(note);
    log.next_captured = mine.number + 1;
    return;
  }
  const uint32_t number = log.next.fetch_add(1, std::memory_order_relaxed) % kFirstCaptured;
  mine.number = number;
  log.ring[number % kRing].set(note);
}

OpNote last_op() {
  const ThreadLog& mine = thread_log;
  if (mine.graph != nullptr) return mine.graph->ops.empty() ? OpNote{} : mine.graph->ops.back();
  return log_of(mine.device).ring[mine.number % kRing].get();
}

IndexCheck index_check(int device) {
  DeviceLog& log = log_of(device);
  const std::lock_guard lock(log.mutex);
  if (log.record == nullptr) make_record(log);
  return {log.record, log.flag, thread_log.number};
}

void throw_reported(int device) {
  DeviceLog& log = log_of(device);
  const std::lock_guard lock(log.mutex);
  if (log.flag == nullptr || *static_cast<volatile uint32_t*>(log.flag) == 0) return;
  // Nothing may write the record while it is read and emptied.
  check(cudaDeviceSynchronize(), "cudaDeviceSynchronize");
  FaultRecord found;
  check(cudaMemcpy(&found, log.record, sizeof found, cudaMemcpyDeviceToHost), "cudaMemcpy");
  empty_record(log);
  *static_cast<volatile uint32_t*>(log.flag) = 0;
  if (found.first == FaultRecord().first) return;
  const OpNote note = note_of(log, uint32_t(found.first >> 32));
  const Fault& fault = found.fault;
  if (fault.demand != nullptr) {
    std::ostringstream text;
    text << fault.demand << ", an element is " << fault.value;
    throw_at<ValueError>(text.str(), note);
  }
  throw_at<IndexError>("index " + std::to_string(fault.index) + " at position " +
                           std::to_string(found.first & 0xffff'ffffu) +
                           " is out of range for dimension " + std::to_string(fault.dim) +
                           " of size " + std::to_string(fault.size),
                       note);
}

void mark_finished(int device) {
  DeviceLog& log = log_of(device);
  log.finished.store(log.next.load(std::memory_order_relaxed), std::memory_order_relaxed);
}

std::string suspects() {
  const ThreadLog& mine = thread_log;
  DeviceLog& log = log_of(mine.device);
  const uint32_t last = log.next.load(std::memory_order_relaxed);
  const uint32_t count = last - log.finished.load(std::memory_order_relaxed);
  if (count == 0) return "no op was under way";
  const auto name = [&](uint32_t number) {
    const OpNote note = log.ring[number % kRing].get();
    return std::string(note.op) + " (" + to_string(note.at) + ")";
  };
  if (kSynchronizeEachLaunch || count == 1) return "the op that failed is " + name(last - 1);
  const uint32_t shown = count < kRing ? count : kRing;
  return "one of the " + std::to_string(count) +
         " ops since the device was last waited for, from " + name(last - shown) + " to " +
         name(last - 1) + "; ENTASIS_SYNC=1 tells which";
}

void begin_graph_log(int device) {
  DeviceLog& log = log_of(device);
  const std::lock_guard lock(log.mutex);
  auto* graph = new GraphLog;
  graph->first = log.next_captured;
  log.graphs.push_back(graph);
  thread_log.graph = graph;
}

void* end_graph_log(int) {
  void* graph = thread_log.graph;
  thread_log.graph = nullptr;
  return graph;
}

void forget_graph_log(void* graph) noexcept {
  if (graph == nullptr) return;
  for (int device = 0; device < kMaxDevices; ++device) {
    DeviceLog& log = log_of(device);
    const std::lock_guard lock(log.mutex);
    std::erase(log.graphs, static_cast<GraphLog*>(graph));
  }
  delete static_cast<GraphLog*>(graph);
}

}  // namespace entasis::cuda
