// The state of the fake CUDA runtime, and what its sources share. Functions of the API stand in
// runtime_*.cpp, each wrapped by api(), which locks, counts, orders faults and keeps errors.
//
// Work is queued on streams and runs late: when the host waits for it, asks after it, or, in random
// orders, at any call. Streams are interleaved as the order says; only what must come before, by
// stream order and events, does. All work runs on the thread that waits, under the one lock.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <cuda_runtime_api.h>

#include "order.h"

namespace entasis::emulation {

// The end of a piece of work.
struct Done {
  bool yes = false;
  std::chrono::steady_clock::time_point at{};
};
using Ticket = std::shared_ptr<Done>;

struct Work {
  std::function<void()> run;  // may be empty
  std::vector<Ticket> after;  // what must have ended before, besides earlier work of its stream
  Ticket done;
};

// Ends the work that throws it; the device then keeps `error`.
struct WorkFailure : std::runtime_error {
  WorkFailure(cudaError_t error, const std::string& what)
      : std::runtime_error(what), error(error) {}
  cudaError_t error;
};

struct Capture;

// What device memory and pinned host memory there is.
struct MemoryBlock {
  size_t bytes = 0;
  int device = -1;  // -1: pinned host memory
  uint64_t id = 0;  // tells a block from a later one at the same address
};

}  // namespace entasis::emulation

// ---- CUDA's handles point to these.
struct CUstream_st {
  int device = 0;
  unsigned flags = 0;
  int priority = 0;
  bool destroyed = false;  // but work is left
  std::deque<entasis::emulation::Work> queue;
  entasis::emulation::Ticket last;  // its youngest work; null if there never was any

  // While it is captured.
  entasis::emulation::Capture* capture = nullptr;
  std::vector<CUgraphNode_st*> frontier;  // what the next node comes after
};

struct CUevent_st {
  int device = 0;
  unsigned flags = 0;
  entasis::emulation::Ticket recorded;  // null: never
  uint64_t capture = 0;                 // id of the capture it was last recorded in; 0: in none
  std::vector<CUgraphNode_st*> frontier;
};

struct CUgraphNode_st {
  std::function<void()> run;
  std::vector<CUgraphNode_st*> after;
};

struct CUgraph_st {
  std::vector<std::unique_ptr<CUgraphNode_st>> nodes;
};

namespace entasis::emulation {

struct Capture {
  uint64_t id = 0;
  cudaStreamCaptureMode mode = cudaStreamCaptureModeGlobal;
  cudaStream_t origin = nullptr;
  const void* thread = nullptr;  // that began it
  bool invalid = false;
  std::unique_ptr<CUgraph_st> graph;
};

// What belongs to a host thread.
struct ThreadState {
  int device = 0;
  cudaError_t last_error = cudaSuccess;
  cudaStreamCaptureMode capture_mode = cudaStreamCaptureModeGlobal;
  bool in_callback = false;  // in a host function, which may not call CUDA
};
ThreadState& this_thread();

struct Fault {
  int skip;
  cudaError_t error;
};

struct Runtime {
  std::mutex mutex;

  // The machine.
  int device_count = 1;
  int driver_version = CUDART_VERSION;
  size_t device_bytes = size_t{4} << 30;

  // Streams in order of creation; the first of each device is its default stream.
  std::vector<std::unique_ptr<CUstream_st>> streams;
  std::vector<std::unique_ptr<CUevent_st>> events;
  std::map<uintptr_t, MemoryBlock> memory;
  std::vector<std::unique_ptr<Capture>> captures;
  uint64_t ids = 0;  // of memory blocks and captures

  std::optional<Order> fixed_order;
  std::string test_case;  // that runs, as far as is known
  Order order;
  RandomChoice choice{};
  unsigned eagerness = 0;  // of random orders: of 8 calls, how many find the device at work

  cudaError_t sticky = cudaSuccess;
  std::string failure;
  std::map<std::string, Fault, std::less<>> call_faults;
  std::optional<Fault> work_fault;
  std::map<std::string, int64_t, std::less<>> calls;
  std::vector<const void*> launched;

  // ---- The machine.
  void read_environment();
  cudaError_t machine_error() const;  // no driver, driver too old, no device
  // Takes up the order of the running test, from its beginning if the test is another.
  void follow_order();

  // ---- Handles; null where there is no such thing.
  CUstream_st* find(cudaStream_t stream);
  CUevent_st* find(cudaEvent_t event);
  CUstream_st* default_stream(int device);

  // ---- Work.
  // Queues work or, on a capturing stream, makes a node of it.
  cudaError_t enqueue(CUstream_st& stream, std::function<void()> run);
  Ticket submit(CUstream_st& stream, std::function<void()> run, std::vector<Ticket> after = {});
  // Runs one piece, of `first` if that can run; false if none can.
  bool advance(const CUstream_st* first = nullptr);
  // Runs work until `ready()`, for which the host waits at `stream` (null: at no one stream). The
  // device's error, if it has one by then.
  cudaError_t run_until(const CUstream_st* stream, const std::function<bool()>& ready);
  cudaError_t run_stream(CUstream_st& stream);
  cudaError_t run_device(int device);
  void record_failure(const std::string& what);
  void forget_work();

  // ---- Memory. The block that holds all of these bytes; null: pageable, or not all in one block.
  const MemoryBlock* find_memory(const void* begin, size_t bytes) const;
  // True if the address lies in a block that ends before begin + bytes.
  bool exceeds_memory(const void* begin, size_t bytes) const;
  size_t used_bytes(int device) const;

  // ---- Capture.
  Capture* find_capture(uint64_t id);  // null once it has ended
  // What a captured event and a wait for it do: the stream joins the event's capture.
  cudaError_t join_capture(CUstream_st& waiting, const CUevent_st& awaited);
  // Refuses what a capturing stream does not take, and spoils its capture.
  cudaError_t refuse_capture(CUstream_st& stream);
  // True if this thread may not call now what might wait for the device; spoils the captures that
  // forbid it.
  bool break_captures();
  // True if a stream that the default stream waits for is being captured.
  bool blocked_by_capture(const CUstream_st& stream) const;
};

Runtime& runtime();  // lives for ever

// What api() looks after before a call.
enum Call : unsigned {
  kPlain = 0,
  kUsesDevice = 1,       // fails without one, or after an error that stuck
  kUnsafeInCapture = 2,  // forbidden while the thread's capture mode says so
};

cudaError_t begin_call(const char* name, unsigned call);

// The frame of every function of the API.
template <class Body>
cudaError_t api(const char* name, unsigned call, Body body) {
  if (this_thread().in_callback) return cudaErrorNotPermitted;  // and the lock is held
  const std::lock_guard lock(runtime().mutex);
  cudaError_t error = begin_call(name, call);
  if (error == cudaSuccess) error = body(runtime());
  if (error != cudaSuccess) this_thread().last_error = error;
  return error;
}

}  // namespace entasis::emulation
