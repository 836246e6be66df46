// A stack of scratch memory for each thread. It grows by whole blocks, and once empty melts several
// blocks into one, large enough for the most that was in use at once. Freed when the thread ends.
#include <entasis/backends/cpu/internal/scratch.h>

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <string>

#include <entasis/core/error.h>

namespace entasis::cpu {
namespace {

constexpr size_t kAlignment = 64;
constexpr size_t kLeastBlock = 64 * 1024;
constexpr size_t kMostKept = 32 * 1024 * 1024;  // a larger stack is given back when it gets empty

// Under AddressSanitizer every Scratch is an allocation of its own, so that overruns are seen.
#if defined(__SANITIZE_ADDRESS__)
constexpr bool kOneBlockEach = true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
constexpr bool kOneBlockEach = true;
#else
constexpr bool kOneBlockEach = false;
#endif
#else
constexpr bool kOneBlockEach = false;
#endif

void* allocate(size_t bytes) {
  void* memory = std::aligned_alloc(kAlignment, bytes);
  if (memory == nullptr) {
    throw OutOfMemoryError("no memory for " + std::to_string(bytes) + " bytes of scratch");
  }
  return memory;
}

struct alignas(kAlignment) Block {
  Block* below;
  size_t capacity;  // bytes behind this header
  size_t used;

  char* data() { return reinterpret_cast<char*>(this + 1); }
};

// Trivially destructible, so that it outlives every other thread-local and static object.
struct Arena {
  Block* top = nullptr;
  size_t in_use = 0;  // bytes, in all blocks
  size_t peak = 0;
};
thread_local constinit Arena t_arena;

void pop(Arena& arena) {
  Block* const block = arena.top;
  arena.top = block->below;
  std::free(block);
}

struct FreeAtThreadExit {
  ~FreeAtThreadExit() {
    while (t_arena.top != nullptr && t_arena.in_use == 0) pop(t_arena);
  }
};

void push_block(Arena& arena, size_t bytes) {
  static thread_local FreeAtThreadExit janitor;
  (void)janitor;
  const size_t capacity = std::max({bytes, arena.peak, kLeastBlock});
  auto* block = static_cast<Block*>(allocate(sizeof(Block) + capacity));
  *block = {arena.top, capacity, 0};
  arena.top = block;
}

}  // namespace

Scratch::Scratch(size_t bytes) {
  if (bytes > std::numeric_limits<size_t>::max() / 2) {
    throw OutOfMemoryError("scratch of " + std::to_string(bytes) + " bytes");
  }
  bytes_ = (std::max<size_t>(bytes, 1) + kAlignment - 1) / kAlignment * kAlignment;
  if constexpr (kOneBlockEach) {
    data_ = allocate(bytes_);
    return;
  }
  Arena& arena = t_arena;
  if (arena.top == nullptr || arena.top->capacity - arena.top->used < bytes_) {
    push_block(arena, bytes_);
  }
  data_ = arena.top->data() + arena.top->used;
  arena.top->used += bytes_;
  arena.in_use += bytes_;
  arena.peak = std::max(arena.peak, arena.in_use);
}

Scratch::~Scratch() {
  if constexpr (kOneBlockEach) {
    std::free(data_);
    return;
  }
  Arena& arena = t_arena;
  while (arena.top->used == 0) pop(arena);  // blocks whose users have ended before this one
  arena.top->used -= bytes_;
  arena.in_use -= bytes_;
  if (arena.in_use == 0) {
    arena.peak = std::min(arena.peak, kMostKept);
    if (arena.top->capacity < arena.peak || arena.top->capacity > kMostKept) {
      while (arena.top != nullptr) pop(arena);
    }
  }
}

}  // namespace entasis::cpu
