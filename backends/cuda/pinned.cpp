#include <entasis/backends/cuda/pinned.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <map>
#include <mutex>
#include <unordered_map>
#include <utility>
#include <vector>

#include <cuda_runtime_api.h>

#include <entasis/backends/cuda/error.h>
#include <entasis/backends/cuda/internal/capture_mode.h>
#include <entasis/backends/cuda/internal/marks.h>
#include <entasis/backends/cuda/internal/poison.h>
#include <entasis/core/error.h>

namespace entasis::cuda {

struct PinnedBlock {
  char* data = nullptr;
  size_t bytes = 0;
  std::vector<StreamId> users;  // since it was handed out
  int graphs = 0;               // that hold it
  bool live = false;            // a tensor's
};

namespace {

constexpr size_t kSmallest = 4096;  // a page
constexpr size_t kMost = size_t{1} << 46;

size_t size_class(size_t bytes) {
  const size_t step = std::max(std::bit_floor(bytes) / 8, kSmallest);
  return (bytes + step - 1) / step * step;
}

std::string megabytes(size_t bytes) {
  char text[32];
  std::snprintf(text, sizeof text, "%.2f MiB", double(bytes) / (1 << 20));
  return text;
}

class PinnedPool {
 public:
  void* allocate(size_t bytes);
  void free(void* data);
  PinnedBlock* find(const void* data);
  void use(PinnedBlock* block, StreamId stream);
  void hold(PinnedBlock* block);
  void drop(PinnedBlock* block);
  void release_cache();
  std::string summary();

 private:
  struct Waiting {
    PinnedBlock* block;
    Marks marks;
  };

  PinnedBlock* take(size_t bytes);
  void retire(PinnedBlock* block);
  void finish_waiting(bool wait);
  void free_all();

  std::mutex mutex_;
  std::map<uintptr_t, PinnedBlock*> blocks_;  // all of them, by address
  std::unordered_map<size_t, std::vector<PinnedBlock*>> free_;
  std::vector<Waiting> waiting_;
  size_t used_ = 0, reserved_ = 0;
};

// Never destroyed: tensors may outlive statics.
PinnedPool& pool() {
  static auto* made = new PinnedPool;
  return *made;
}

void* PinnedPool::allocate(size_t bytes) {
  if (bytes == 0) return nullptr;
  if (bytes > kMost) {
    throw OutOfMemoryError("no " + megabytes(bytes) + " of pinned memory: no machine has as much");
  }
  const RelaxedCapture relaxed;
  const size_t size = size_class(bytes);
  std::unique_lock lock(mutex_);
  finish_waiting(false);
  PinnedBlock* block = take(size);
  if (block == nullptr) {
    void* data = nullptr;
    lock.unlock();
    cudaError_t error = cudaHostAlloc(&data, size, cudaHostAllocPortable);
    lock.lock();
    if (error == cudaErrorMemoryAllocation) {
      cudaGetLastError();
      finish_waiting(true);
      free_all();
      error = cudaHostAlloc(&data, size, cudaHostAllocPortable);
    }
    if (error == cudaErrorMemoryAllocation) {
      cudaGetLastError();
      throw OutOfMemoryError("no " + megabytes(bytes) +
                             " of pinned memory left; this process has " + megabytes(reserved_));
    }
    check(error, "cudaHostAlloc");
    block = new PinnedBlock{static_cast<char*>(data), size, {}, 0, false};
    blocks_.emplace(reinterpret_cast<uintptr_t>(data), block);
    reserved_ += size;
  }
  block->live = true;
  used_ += block->bytes;
  if (kPoisons) std::memset(block->data, 0xff, block->bytes);
  return block->data;
}

PinnedBlock* PinnedPool::take(size_t bytes) {
  std::vector<PinnedBlock*>& list = free_[bytes];
  if (list.empty()) return nullptr;
  PinnedBlock* block = list.back();
  list.pop_back();
  return block;
}

void PinnedPool::free(void* data) {
  const std::lock_guard lock(mutex_);
  PinnedBlock* block = blocks_.at(reinterpret_cast<uintptr_t>(data));
  block->live = false;
  used_ -= block->bytes;
  retire(block);
}

// Makes a block free that neither a tensor nor a graph has any more, once the devices are done.
void PinnedPool::retire(PinnedBlock* block) {
  if (block->live || block->graphs > 0) return;
  Marks marks;
  for (const StreamId stream : block->users) marks.add(stream);
  block->users.clear();
  if (marks.empty()) {
    free_[block->bytes].push_back(block);
  } else {
    waiting_.push_back({block, std::move(marks)});
  }
}

void PinnedPool::finish_waiting(bool wait) {
  std::erase_if(waiting_, [&](Waiting& waiting) {
    if (wait) waiting.marks.wait();
    if (!waiting.marks.passed()) return false;
    free_[waiting.block->bytes].push_back(waiting.block);
    return true;
  });
}

void PinnedPool::free_all() {
  for (auto& [bytes, list] : free_) {
    for (PinnedBlock* block : list) {
      check(cudaFreeHost(block->data), "cudaFreeHost");
      blocks_.erase(reinterpret_cast<uintptr_t>(block->data));
      reserved_ -= bytes;
      delete block;
    }
    list.clear();
  }
}

PinnedBlock* PinnedPool::find(const void* data) {
  const std::lock_guard lock(mutex_);
  const auto address = reinterpret_cast<uintptr_t>(data);
  auto next = blocks_.upper_bound(address);
  if (next == blocks_.begin()) return nullptr;
  PinnedBlock* block = std::prev(next)->second;
  const bool inside = address - reinterpret_cast<uintptr_t>(block->data) < block->bytes;
  return inside && block->live ? block : nullptr;
}

void PinnedPool::use(PinnedBlock* block, StreamId stream) {
  const std::lock_guard lock(mutex_);
  if (std::find(block->users.begin(), block->users.end(), stream) == block->users.end()) {
    block->users.push_back(stream);
  }
}

void PinnedPool::hold(PinnedBlock* block) {
  const std::lock_guard lock(mutex_);
  ++block->graphs;
}

void PinnedPool::drop(PinnedBlock* block) {
  const std::lock_guard lock(mutex_);
  --block->graphs;
  retire(block);
}

void PinnedPool::release_cache() {
  const std::lock_guard lock(mutex_);
  finish_waiting(true);
  free_all();
}

std::string PinnedPool::summary() {
  const std::lock_guard lock(mutex_);
  return "  pinned      " + megabytes(used_) + " of the host, with the cache " +
         megabytes(reserved_) + ", " + std::to_string(waiting_.size()) +
         " blocks waiting for copies\n";
}

}  // namespace

void* allocate_pinned(size_t bytes) { return pool().allocate(bytes); }
void free_pinned(void* data) noexcept {
  if (data == nullptr) return;
  try {
    pool().free(data);
  } catch (...) {  // the device is lost: the block is never used again
  }
}
PinnedBlock* find_pinned(const void* data) { return pool().find(data); }
void use_pinned(PinnedBlock* block, StreamId stream) { pool().use(block, stream); }
void hold_pinned(PinnedBlock* block) { pool().hold(block); }
void drop_pinned(PinnedBlock* block) noexcept {
  try {
    pool().drop(block);
  } catch (...) {  // as above
  }
}
void release_pinned_cache() { pool().release_cache(); }
std::string pinned_summary() { return pool().summary(); }

}  // namespace entasis::cuda
