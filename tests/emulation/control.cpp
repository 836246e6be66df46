#include "control.h"

#include "modules.h"
#include "runtime.h"

namespace entasis::emulation {

std::string last_failure() {
  Runtime& r = runtime();
  const std::lock_guard lock(r.mutex);
  return r.failure;
}

void reset() {
  Runtime& r = runtime();
  const std::lock_guard lock(r.mutex);
  r.forget_work();
  for (const auto& stream : r.streams) {
    stream->capture = nullptr;
    stream->frontier.clear();
  }
  r.captures.clear();
  r.sticky = cudaSuccess;
  r.failure.clear();
  r.call_faults.clear();
  r.work_fault.reset();
  r.calls.clear();
  r.launched.clear();
  r.read_environment();
  r.fixed_order.reset();
  r.follow_order();
  this_thread() = {};
}

void set_device_count(int count) {
  Runtime& r = runtime();
  const std::lock_guard lock(r.mutex);
  r.device_count = count;
}

void set_driver_version(int version) {
  Runtime& r = runtime();
  const std::lock_guard lock(r.mutex);
  r.driver_version = version;
}

void set_device_memory(size_t bytes) {
  Runtime& r = runtime();
  const std::lock_guard lock(r.mutex);
  r.device_bytes = bytes;
}

void set_order(Order order) {
  Runtime& r = runtime();
  const std::lock_guard lock(r.mutex);
  r.fixed_order = order;
  r.follow_order();
}

void fail_call(const char* function, cudaError_t error, int skip) {
  Runtime& r = runtime();
  const std::lock_guard lock(r.mutex);
  r.call_faults[function] = {skip, error};
}

void fail_work(cudaError_t error, int skip) {
  Runtime& r = runtime();
  const std::lock_guard lock(r.mutex);
  r.work_fault = {skip, error};
}

int64_t calls(const char* function) {
  Runtime& r = runtime();
  const std::lock_guard lock(r.mutex);
  const auto found = r.calls.find(function);
  return found == r.calls.end() ? 0 : found->second;
}

std::vector<std::string> launched_kernels() {
  Runtime& r = runtime();
  const std::lock_guard lock(r.mutex);
  std::vector<std::string> names;
  for (const void* kernel : r.launched) names.emplace_back(function_name(kernel));
  return names;
}

int64_t pending_work() {
  Runtime& r = runtime();
  const std::lock_guard lock(r.mutex);
  int64_t count = 0;
  for (const auto& stream : r.streams) count += static_cast<int64_t>(stream->queue.size());
  return count;
}

MemoryUse memory_use() {
  Runtime& r = runtime();
  const std::lock_guard lock(r.mutex);
  MemoryUse use{};
  for (const auto& [address, block] : r.memory) {
    const bool pinned = block.device < 0;
    (pinned ? use.pinned_blocks : use.device_blocks) += 1;
    (pinned ? use.pinned_bytes : use.device_bytes) += static_cast<int64_t>(block.bytes);
  }
  return use;
}

}  // namespace entasis::emulation
