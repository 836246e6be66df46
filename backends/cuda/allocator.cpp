#include <entasis/backends/cuda/allocator.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include <entasis/backends/cuda/error.h>
#include <entasis/backends/cuda/internal/capture_mode.h>
#include <entasis/backends/cuda/internal/poison.h>
#include <entasis/backends/cuda/launch_log.h>
#include <entasis/backends/cuda/streams.h>
#include <entasis/core/error.h>

namespace entasis::cuda {
namespace {

constexpr size_t kMiB = size_t{1} << 20;
constexpr size_t kSmallRequest = kMiB;
constexpr size_t kSmallSegment = 2 * kMiB;
constexpr size_t kMiddleRequest = 10 * kMiB;
constexpr size_t kMiddleSegment = 20 * kMiB;
constexpr size_t kLargeRounding = 2 * kMiB;
constexpr size_t kMost = size_t{1} << 46;  // no machine has more; keeps the sizes free of overflow

constexpr size_t round_up(size_t bytes, size_t to) { return (bytes + to - 1) / to * to; }

size_t segment_bytes(size_t bytes) {
  if (bytes <= kSmallRequest) return kSmallSegment;
  if (bytes < kMiddleRequest) return kMiddleSegment;
  return round_up(bytes, kLargeRounding);
}

std::string megabytes(size_t bytes) {
  char text[32];
  std::snprintf(text, sizeof text, "%.2f MiB", double(bytes) / double(kMiB));
  return text;
}

}  // namespace

void* Allocator::allocate(size_t bytes, StreamId stream) {
  if (bytes == 0) return nullptr;
  use_device(device_);
  const std::lock_guard lock(mutex_);
  if (bytes > kMost) throw_out_of_memory(bytes);
  Arena& arena = arena_for(stream);
  if (!pending_.empty() && pools_.empty()) finish_pending(false);
  const size_t rounded = round_up(bytes, kUnit);
  Block* block = take(arena, rounded);
  block->requested = bytes;
  block->live = true;
  block->made_by = last_op();
  arena.allocated += block->bytes;
  requested_ += bytes;
  stats_.allocated += block->bytes;
  stats_.peak_allocated = std::max(stats_.peak_allocated, stats_.allocated);
  ++stats_.allocations;
  live_.emplace(block->data, block);
  reveal(block->data, bytes, stream);
  if (kPoisons)
    check(cudaMemsetAsync(block->data, 0xff, bytes, handle_of(stream)), "cudaMemsetAsync");
  return block->data;
}

void Allocator::deallocate(void* data, StreamId last_writer, uint64_t users) noexcept {
  if (data == nullptr) return;
  const std::lock_guard lock(mutex_);
  const auto it = live_.find(data);
  if (it == live_.end()) return;
  Block* block = it->second;
  live_.erase(it);
  Arena& arena = *static_cast<Arena*>(block->arena);
  arena.allocated -= block->bytes;
  stats_.allocated -= block->bytes;
  requested_ -= block->requested;
  block->live = false;
  if (last_writer != 0) users |= bit_of(last_writer);
  users &= ~bit_of(arena.stream);
  try {
    if (users == 0 || device_is_lost()) {
      hide(block->data, block->bytes, arena.stream);
      put_back(block);
      return;
    }
    Pending pending{block, {}, 0};
    for (int i = 0; i < kMaxStreams; ++i) {
      if (!(users >> i & 1)) continue;
      const StreamId stream = stream_id(device_, i);
      if (const auto it = pools_.find(stream); it != pools_.end()) pending.graph = it->second;
      pending.marks.add(stream);
    }
    pending_.push_back(std::move(pending));
  } catch (...) {  // the device is lost: the block is never used again
  }
}

// ---- Blocks

Allocator::Arena& Allocator::arena_for(StreamId stream) {
  PoolId pool = 0;
  if (!pools_.empty()) {
    if (const auto it = pools_.find(stream); it != pools_.end()) pool = it->second;
  }
  Arena*& quick = arena_of_stream_[size_t(index_of(stream))];
  if (pool == 0 && quick != nullptr) return *quick;
  for (const auto& arena : arenas_) {
    if (arena->stream == stream && arena->pool == pool) return *arena;
  }
  Arena& made = *arenas_.emplace_back(std::make_unique<Arena>());
  made.stream = stream;
  made.pool = pool;
  if (pool == 0) quick = &made;
  return made;
}

Block* Allocator::take(Arena& arena, size_t bytes) {
  FreeBlocks& free = bytes <= kSmallRequest ? arena.small : arena.large;
  Block* block = free.find(bytes);
  if (block) {
    free.remove(block);
    ++stats_.cache_hits;
  } else {
    block = grow(arena, bytes);
  }
  // What is left of a large block is kept for large requests, so it should be worth one.
  const size_t rest = block->bytes - bytes;
  if (rest >= (block->small ? kUnit : kSmallRequest + kUnit)) split(block, bytes);
  return block;
}

void Allocator::split(Block* block, size_t bytes) {
  Block* rest = new_block();
  rest->data = block->data + bytes;
  rest->bytes = block->bytes - bytes;
  rest->arena = block->arena;
  rest->small = block->small;
  rest->left = block;
  rest->right = block->right;
  if (rest->right) rest->right->left = rest;
  block->right = rest;
  block->bytes = bytes;
  Arena& arena = *static_cast<Arena*>(block->arena);
  (block->small ? arena.small : arena.large).add(rest);
}

void Allocator::put_back(Block* block) {
  Arena& arena = *static_cast<Arena*>(block->arena);
  FreeBlocks& free = block->small ? arena.small : arena.large;
  const auto is_free = [](const Block* b) { return b && !b->live && b->requested == 0; };
  block->requested = 0;
  if (is_free(block->left)) {
    free.remove(block->left);
    block = join(block->left, block);
  }
  if (is_free(block->right)) {
    free.remove(block->right);
    block = join(block, block->right);
  }
  free.add(block);
}

Block* Allocator::join(Block* left, Block* right) {
  left->bytes += right->bytes;
  left->right = right->right;
  if (left->right) left->right->left = left;
  delete_block(right);
  return left;
}

Block* Allocator::new_block() {
  if (spare_ == nullptr) return &storage_.emplace_back();
  Block* block = spare_;
  spare_ = block->next;
  *block = Block{};
  return block;
}

void Allocator::delete_block(Block* block) {
  block->next = spare_;
  spare_ = block;
}

// ---- Segments

Block* Allocator::grow(Arena& arena, size_t bytes) {
  const size_t segment = segment_bytes(bytes);
  Block* block = new_block();
  block->data = static_cast<char*>(get_segment(arena, segment, bytes));
  block->bytes = segment;
  block->arena = &arena;
  block->small = bytes <= kSmallRequest;
  arena.reserved += segment;
  stats_.reserved += segment;
  stats_.peak_reserved = std::max(stats_.peak_reserved, stats_.reserved);
  hide(block->data, block->bytes, arena.stream);
  return block;
}

void* Allocator::get_segment(Arena& arena, size_t bytes, size_t wanted) {
  const RelaxedCapture relaxed;
  void* data = nullptr;
  cudaError_t error = cudaMalloc(&data, bytes);
  if (error == cudaErrorMemoryAllocation) {
    cudaGetLastError();
    if (pools_.empty()) finish_pending(true);
    if (free_segments(nullptr) > 0) error = cudaMalloc(&data, bytes);
  }
  if (error == cudaErrorMemoryAllocation) {
    cudaGetLastError();
    (void)arena;
    throw_out_of_memory(wanted);
  }
  check(error, "cudaMalloc");
  return data;
}

// Gives whole free segments back, of one arena or of all that belong to no graph.
size_t Allocator::free_segments(const Arena* only) {
  size_t freed = 0;
  for (const auto& arena : arenas_) {
    if (only ? arena.get() != only : arena->pool != 0) continue;
    for (FreeBlocks* free : {&arena->small, &arena->large}) {
      free->for_each([&](Block* block) {
        if (block->left || block->right) return;
        free->remove(block);
        reveal(block->data, block->bytes, arena->stream);
        cudaFree(block->data);  // waits for the device
        arena->reserved -= block->bytes;
        stats_.reserved -= block->bytes;
        freed += block->bytes;
        delete_block(block);
      });
    }
  }
  return freed;
}

void Allocator::finish_pending(bool wait) {
  for (size_t i = 0; i < pending_.size();) {
    Pending& pending = pending_[i];
    if (wait) pending.marks.wait();
    if (pending.graph != 0 || !pending.marks.passed()) {
      ++i;
      continue;
    }
    hide(pending.block->data, pending.block->bytes,
         static_cast<Arena*>(pending.block->arena)->stream);
    put_back(pending.block);
    pending_.erase(pending_.begin() + long(i));
  }
}

void Allocator::release_cache() {
  use_device(device_);
  const std::lock_guard lock(mutex_);
  if (!pools_.empty()) return;  // a capture is under way: cudaFree would break it
  finish_pending(true);
  free_segments(nullptr);
}

// ---- Pools of graphs

PoolId Allocator::begin_pool(StreamId stream) {
  const std::lock_guard lock(mutex_);
  if (!pending_.empty()) finish_pending(true);
  return pools_[stream] = next_pool_++;
}

void Allocator::end_pool(StreamId stream) {
  const std::lock_guard lock(mutex_);
  pools_.erase(stream);
}

// Its memory joins the stream's own: tensors of the capture may still be alive.
void Allocator::release_pool(PoolId pool) noexcept {
  const std::lock_guard lock(mutex_);
  for (Pending& pending : pending_) {
    if (pending.graph == pool) pending.graph = 0;
  }
  for (const auto& arena : arenas_) {
    if (arena->pool != pool) continue;
    arena->pool = 0;
    free_segments(arena.get());
  }
}

// ---- Figures

MemoryStats Allocator::stats() const {
  const std::lock_guard lock(mutex_);
  return stats_;
}

void Allocator::reset_peak() {
  const std::lock_guard lock(mutex_);
  stats_.peak_allocated = stats_.allocated;
  stats_.peak_reserved = stats_.reserved;
}

std::string Allocator::summary() const {
  const std::lock_guard lock(mutex_);
  return summary_locked();
}

std::string Allocator::summary_locked() const {
  const MemoryStats& s = stats_;
  size_t largest_free = 0;
  for (const auto& arena : arenas_) {
    const auto look = [&](const Block* b) { largest_free = std::max(largest_free, b->bytes); };
    arena->small.for_each(look);
    arena->large.for_each(look);
  }
  const size_t cached = s.reserved - s.allocated;
  char share[64];
  std::snprintf(share, sizeof share, "%.0f %%",
                cached ? 100.0 * (1.0 - double(largest_free) / double(cached)) : 0.0);
  std::string text;
  text += "  allocated   " + megabytes(s.allocated) + ", at most " + megabytes(s.peak_allocated) +
          ", asked for " + megabytes(requested_) + "\n";
  text +=
      "  reserved    " + megabytes(s.reserved) + ", at most " + megabytes(s.peak_reserved) + "\n";
  text += "  cached      " + megabytes(cached) + ", the largest free block " +
          megabytes(largest_free) + ", fragmentation " + share + "\n";
  text += "  waiting     " + std::to_string(pending_.size()) + " blocks for other streams\n";
  text += "  allocations " + std::to_string(s.allocations) + ", of them from the cache " +
          std::to_string(s.cache_hits) + "\n";
  for (const auto& arena : arenas_) {
    if (arena->reserved == 0) continue;
    text += "  stream " + std::to_string(index_of(arena->stream)) +
            (arena->pool ? " in graph pool " + std::to_string(arena->pool) : std::string()) +
            ": allocated " + megabytes(arena->allocated) + ", reserved " +
            megabytes(arena->reserved) + "\n";
  }
  return text;
}

void Allocator::throw_out_of_memory(size_t bytes) {
  size_t free = 0, total = 0;
  cudaMemGetInfo(&free, &total);
  std::string text = "no " + megabytes(bytes) + " left on cuda:" + std::to_string(device_) +
                     ", which has " + megabytes(total) + ", free " + megabytes(free) + "\n" +
                     summary_locked();
  std::vector<const Block*> blocks;
  for (const auto& [data, block] : live_) blocks.push_back(block);
  constexpr size_t kShown = 10;
  const size_t shown = std::min(kShown, blocks.size());
  std::partial_sort(blocks.begin(), blocks.begin() + long(shown), blocks.end(),
                    [](const Block* a, const Block* b) {
                      return a->requested != b->requested ? a->requested > b->requested
                                                          : a->data < b->data;
                    });
  if (shown > 0) text += "  largest live tensors:";
  for (size_t i = 0; i < shown; ++i) {
    const OpNote& note = blocks[i]->made_by;
    text += "\n    " + megabytes(blocks[i]->requested);
    if (note.op) text += std::string(" made by ") + note.op + ", " + to_string(note.at);
    if (note.module) text += std::string(" in ") + note.module;
  }
  throw OutOfMemoryError(std::move(text));
}

}  // namespace entasis::cuda
