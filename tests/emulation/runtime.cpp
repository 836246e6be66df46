#include "runtime.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "device_memory.h"
#include "last_words.h"

namespace entasis::emulation {

Runtime& runtime() {
  static Runtime& instance = *[] {
    auto* const made = new Runtime;
    made->read_environment();
    made->follow_order();
    return made;
  }();
  return instance;
}

ThreadState& this_thread() {
  static thread_local ThreadState state;
  return state;
}

// ---- The machine

void Runtime::read_environment() {
  device_count = 1;
  driver_version = CUDART_VERSION;
  device_bytes = size_t{4} << 30;
  if (const char* const text = std::getenv("ENTASIS_EMULATION_DEVICES")) {
    device_count = std::atoi(text);
  }
  if (const char* const text = std::getenv("ENTASIS_EMULATION_DRIVER")) {
    driver_version = std::atoi(text);
  }
  if (const char* const text = std::getenv("ENTASIS_EMULATION_MEMORY")) {
    device_bytes = std::strtoull(text, nullptr, 10);
  }
}

cudaError_t Runtime::machine_error() const {
  // Minor versions of a driver serve all runtimes of their major version.
  if (driver_version / 1000 < CUDART_VERSION / 1000) return cudaErrorInsufficientDriver;
  return device_count == 0 ? cudaErrorNoDevice : cudaSuccess;
}

void Runtime::follow_order() {
  const Order wanted = fixed_order ? *fixed_order : current_order();
  const char* const named = std::getenv("ENTASIS_EMULATION_CASE");
  const char* const wanted_case = named != nullptr ? named : "";
  const bool same =
      wanted.kind == order.kind && wanted.seed == order.seed && test_case == wanted_case;
  if (same && choice.state != 0) return;
  order = wanted;
  note_order(to_text(order));
  test_case = wanted_case;
  choice.state = order.seed * 2 + 1;
  constexpr unsigned kEagerness[] = {0, 0, 1, 4};
  eagerness = order.kind == Order::kRandom ? kEagerness[choice.below(4)] : 0;
}

// ---- Handles

CUstream_st* Runtime::default_stream(int device) {
  for (const auto& stream : streams) {
    if (stream->device == device) return stream.get();
  }
  streams.push_back(std::make_unique<CUstream_st>());
  streams.back()->device = device;
  return streams.back().get();
}

CUstream_st* Runtime::find(cudaStream_t stream) {
  CUstream_st* const legacy = default_stream(this_thread().device);
  if (stream == nullptr || stream == cudaStreamLegacy || stream == cudaStreamPerThread) {
    return legacy;
  }
  for (const auto& s : streams) {
    if (s.get() == stream && !s->destroyed) return s.get();
  }
  return nullptr;
}

CUevent_st* Runtime::find(cudaEvent_t event) {
  for (const auto& e : events) {
    if (e.get() == event) return e.get();
  }
  return nullptr;
}

// ---- Work

Ticket Runtime::submit(CUstream_st& stream, std::function<void()> run, std::vector<Ticket> after) {
  // The default stream and the blocking ones of its device wait for each other.
  CUstream_st* const legacy = default_stream(stream.device);
  const bool blocking = (stream.flags & cudaStreamNonBlocking) == 0;
  if (&stream == legacy) {
    for (const auto& other : streams) {
      const bool waits = other.get() != legacy && other->device == stream.device &&
                         (other->flags & cudaStreamNonBlocking) == 0;
      if (waits && other->last) after.push_back(other->last);
    }
  } else if (blocking && legacy->last) {
    after.push_back(legacy->last);
  }
  std::erase_if(after, [](const Ticket& ticket) { return ticket->yes; });
  auto done = std::make_shared<Done>();
  stream.queue.push_back({std::move(run), std::move(after), done});
  stream.last = done;
  return done;
}

bool Runtime::advance(const CUstream_st* first) {
  const DeviceAccess access;
  std::vector<CUstream_st*> able;
  for (const auto& stream : streams) {
    if (stream->queue.empty()) continue;
    const std::vector<Ticket>& after = stream->queue.front().after;
    if (std::all_of(after.begin(), after.end(), [](const Ticket& t) { return t->yes; })) {
      able.push_back(stream.get());
    }
  }
  if (able.empty()) return false;
  CUstream_st* stream = able.front();
  if (order.kind == Order::kDescending) stream = able.back();
  if (order.kind == Order::kRandom) {
    const auto preferred = std::find(able.begin(), able.end(), first);
    stream = preferred != able.end() ? *preferred
                                     : able[choice.below(static_cast<unsigned>(able.size()))];
  }

  const Work work = std::move(stream->queue.front());
  stream->queue.pop_front();
  try {
    if (work_fault && work.run) {
      if (work_fault->skip-- == 0) {
        const cudaError_t error = work_fault->error;
        work_fault.reset();
        throw WorkFailure(error, "a fault that the test ordered");
      }
    }
    if (work.run) work.run();
  } catch (const WorkFailure& failed) {
    sticky = failed.error;
    record_failure(failed.what());
    forget_work();
  }
  *work.done = {true, std::chrono::steady_clock::now()};
  std::erase_if(streams, [](const auto& s) { return s->destroyed && s->queue.empty(); });
  return true;
}

cudaError_t Runtime::run_until(const CUstream_st* stream, const std::function<bool()>& ready) {
  const DeviceAccess access;
  // Half of the times the streams race; otherwise this one wins, so that what it should have waited
  // for has not run.
  const CUstream_st* const first =
      order.kind == Order::kRandom && choice.below(2) == 0 ? stream : nullptr;
  while (sticky == cudaSuccess && !ready()) {
    if (!advance(first)) {
      sticky = cudaErrorUnknown;
      record_failure("streams wait for each other");
      forget_work();
    }
  }
  return sticky;
}

cudaError_t Runtime::run_stream(CUstream_st& stream) {
  const Ticket last = stream.last;
  return run_until(&stream, [&] { return last == nullptr || last->yes; });
}

cudaError_t Runtime::run_device(int device) {
  return run_until(nullptr, [&] {
    return std::all_of(streams.begin(), streams.end(), [&](const auto& stream) {
      return stream->device != device || stream->queue.empty();
    });
  });
}

void Runtime::record_failure(const std::string& what) {
  failure = what;
  std::fprintf(stderr, "CUDA emulation: %s\n", what.c_str());
  print_order();
}

void Runtime::forget_work() {
  for (const auto& stream : streams) {
    for (const Work& work : stream->queue) work.done->yes = true;
    stream->queue.clear();
  }
  std::erase_if(streams, [](const auto& stream) { return stream->destroyed; });
}

// ---- Calls

cudaError_t begin_call(const char* name, unsigned call) {
  Runtime& r = runtime();
  ++r.calls[name];
  if (const auto fault = r.call_faults.find(name); fault != r.call_faults.end()) {
    if (fault->second.skip-- == 0) {
      const cudaError_t error = fault->second.error;
      r.call_faults.erase(fault);
      return error;
    }
  }
  if ((call & kUsesDevice) == 0) return cudaSuccess;
  if (const cudaError_t error = r.machine_error()) return error;
  if (r.sticky != cudaSuccess) return r.sticky;
  if ((call & kUnsafeInCapture) != 0 && r.break_captures()) {
    return cudaErrorStreamCaptureUnsupported;
  }
  r.follow_order();
  // Sometimes the device is faster than the host.
  if (r.choice.below(8) < r.eagerness) r.advance();
  return r.sticky;
}

}  // namespace entasis::emulation
