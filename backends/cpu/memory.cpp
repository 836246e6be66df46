#include <entasis/backends/cpu/memory.h>

#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <bit>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <mutex>
#include <vector>

#include <entasis/core/error.h>
#include <entasis/core/free_list_internal.h>

namespace entasis::cpu {
namespace {

constexpr size_t kAlignment = 64;
constexpr size_t kSmallest = 64;
constexpr size_t kSmallLimit = size_t{64} << 10;
constexpr int kSmallClasses = 11;  // 64 B … 64 KiB
constexpr size_t kHugePage = size_t{2} << 20;
constexpr size_t kHugeLimit = size_t{4} << 20;
constexpr size_t kThreadCacheBytes = size_t{1} << 20;  // per thread and class
constexpr int64_t kCountStep = int64_t{64} << 10;

// ---- Statistics

struct Counters {
  std::atomic<int64_t> allocated{0}, peak_allocated{0}, reserved{0}, peak_reserved{0};
  std::atomic<uint64_t> allocations{0}, hits{0};
};
constinit Counters counters;

void add_with_peak(std::atomic<int64_t>& value, std::atomic<int64_t>& peak, int64_t bytes) {
  const int64_t now = value.fetch_add(bytes, std::memory_order_relaxed) + bytes;
  int64_t highest = peak.load(std::memory_order_relaxed);
  while (now > highest && !peak.compare_exchange_weak(highest, now, std::memory_order_relaxed)) {
  }
}

// ---- The system

void* take_from_system(size_t bytes) {
  const size_t alignment = bytes >= kHugeLimit ? kHugePage : kAlignment;
  void* block = std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
  if (block == nullptr) return nullptr;
  if (bytes >= kHugeLimit) madvise(block, bytes, MADV_HUGEPAGE);
  add_with_peak(counters.reserved, counters.peak_reserved, int64_t(bytes));
  return block;
}

void give_to_system(void* block, size_t bytes) {
  counters.reserved.fetch_sub(int64_t(bytes), std::memory_order_relaxed);
  std::free(block);
}

// ---- Small blocks: lists of the thread

int small_class(size_t bytes) {
  return bytes <= kSmallest ? 0 : int(std::bit_width(bytes - 1)) - 6;
}
constexpr size_t small_bytes(int c) { return kSmallest << c; }
constexpr uint32_t max_length(int c) {
  const size_t n = kThreadCacheBytes / small_bytes(c);
  return uint32_t(n < 512 ? n : 512);
}

struct FreeBlock {
  FreeBlock* next;
};
struct FreeList {
  FreeBlock* head;
  uint32_t length;
};
struct ThreadCache {
  FreeList lists[kSmallClasses];
  int64_t uncounted_bytes;  // not yet in counters.allocated
  uint32_t uncounted_allocations, uncounted_hits;
  bool armed, closed;
};
constinit thread_local ThreadCache thread_cache __attribute__((tls_model("initial-exec"))) = {};

void count_small(int64_t bytes) {
  ThreadCache& t = thread_cache;
  t.uncounted_bytes += bytes;
  if (t.uncounted_bytes >= kCountStep || t.uncounted_bytes <= -kCountStep || t.closed) {
    add_with_peak(counters.allocated, counters.peak_allocated, t.uncounted_bytes);
    counters.allocations.fetch_add(t.uncounted_allocations, std::memory_order_relaxed);
    counters.hits.fetch_add(t.uncounted_hits, std::memory_order_relaxed);
    t.uncounted_bytes = 0;
    t.uncounted_allocations = t.uncounted_hits = 0;
  }
}

void flush_thread_lists() {
  for (int c = 0; c < kSmallClasses; ++c) {
    FreeList& list = thread_cache.lists[c];
    while (FreeBlock* block = list.head) {
      list.head = block->next;
      give_to_system(block, small_bytes(c));
    }
    list.length = 0;
  }
}

struct FlushAtExit {
  ~FlushAtExit() {
    thread_cache.closed = true;
    flush_thread_lists();
    count_small(0);
  }
};
[[gnu::noinline, gnu::cold]] void arm() {
  static thread_local FlushAtExit flush;
  (void)flush;
  thread_cache.armed = true;
}

// ---- Large blocks: one shared cache

size_t large_bytes(size_t bytes) {
  const size_t step = std::bit_floor(bytes) / 8;
  return (bytes + step - 1) / step * step;
}

struct LargeCache {
  std::mutex mutex;
  std::map<size_t, std::vector<void*>> blocks;
  size_t bytes = 0;
  size_t limit = size_t(sysconf(_SC_PHYS_PAGES)) * size_t(sysconf(_SC_PAGESIZE)) / 8;

  void* take(size_t size) {
    const std::lock_guard lock(mutex);
    const auto it = blocks.find(size);
    if (it == blocks.end() || it->second.empty()) return nullptr;
    void* block = it->second.back();
    it->second.pop_back();
    bytes -= size;
    return block;
  }
  bool keep(void* block, size_t size) {
    const std::lock_guard lock(mutex);
    if (bytes + size > limit) return false;
    blocks[size].push_back(block);
    bytes += size;
    return true;
  }
  void release() {
    const std::lock_guard lock(mutex);
    for (auto& [size, list] : blocks) {
      for (void* block : list) give_to_system(block, size);
    }
    blocks.clear();
    bytes = 0;
  }
};
// Never destroyed: tensors may die with other statics.
LargeCache& large_cache() {
  static auto* cache = new LargeCache;
  return *cache;
}

[[gnu::cold, gnu::noinline]] void* take_or_throw(size_t bytes, size_t asked) {
  if (void* block = take_from_system(bytes)) return block;
  release_cache();
  if (void* block = take_from_system(bytes)) return block;
  throw OutOfMemoryError("out of memory: " + std::to_string(asked) + " bytes were asked for\n" +
                         memory_summary(kCPU));
}

void* allocate_large(size_t bytes) {
  const size_t size = large_bytes(bytes);
  counters.allocations.fetch_add(1, std::memory_order_relaxed);
  void* block = kUseFreeLists ? large_cache().take(size) : nullptr;
  if (block) {
    counters.hits.fetch_add(1, std::memory_order_relaxed);
  } else {
    block = take_or_throw(size, bytes);
  }
  add_with_peak(counters.allocated, counters.peak_allocated, int64_t(bytes));
  return block;
}

}  // namespace

void* allocate(size_t bytes) {
  if (bytes == 0) return nullptr;
  if (bytes > kSmallLimit) return allocate_large(bytes);
  // Under sanitizers blocks have their exact size, so that a step over the end is seen.
  const int c = small_class(bytes);
  ++thread_cache.uncounted_allocations;
  if (!kUseFreeLists) {
    count_small(int64_t(bytes));
    return take_or_throw(bytes, bytes);
  }
  count_small(int64_t(bytes));
  FreeList& list = thread_cache.lists[c];
  if (FreeBlock* block = list.head) {
    list.head = block->next;
    --list.length;
    ++thread_cache.uncounted_hits;
    return block;
  }
  return take_or_throw(small_bytes(c), bytes);
}

void deallocate(void* block, size_t bytes) noexcept {
  if (block == nullptr) return;
  if (bytes > kSmallLimit) {
    counters.allocated.fetch_sub(int64_t(bytes), std::memory_order_relaxed);
    const size_t size = large_bytes(bytes);
    if (!kUseFreeLists || !large_cache().keep(block, size)) give_to_system(block, size);
    return;
  }
  count_small(-int64_t(bytes));
  if (!kUseFreeLists) {
    give_to_system(block, bytes);
    return;
  }
  const int c = small_class(bytes);
  FreeList& list = thread_cache.lists[c];
  if (thread_cache.closed || list.length >= max_length(c)) {
    give_to_system(block, small_bytes(c));
    return;
  }
  if (!thread_cache.armed) [[unlikely]]
    arm();
  list.head = new (block) FreeBlock{list.head};
  ++list.length;
}

MemoryStats memory_stats() {
  MemoryStats s;
  const int64_t allocated =
      counters.allocated.load(std::memory_order_relaxed) + thread_cache.uncounted_bytes;
  s.allocated = size_t(allocated > 0 ? allocated : 0);
  const int64_t peak = counters.peak_allocated.load(std::memory_order_relaxed);
  s.peak_allocated = size_t(peak > allocated ? peak : allocated);
  s.reserved = size_t(counters.reserved.load(std::memory_order_relaxed));
  s.peak_reserved = size_t(counters.peak_reserved.load(std::memory_order_relaxed));
  s.allocations =
      counters.allocations.load(std::memory_order_relaxed) + thread_cache.uncounted_allocations;
  s.cache_hits = counters.hits.load(std::memory_order_relaxed) + thread_cache.uncounted_hits;
  return s;
}

void reset_peak_memory() {
  counters.peak_allocated.store(counters.allocated.load());
  counters.peak_reserved.store(counters.reserved.load());
}

void release_cache() {
  flush_thread_lists();
  large_cache().release();
}

}  // namespace entasis::cpu
