// The caching allocator of one CUDA device.
//
// Memory comes from cudaMalloc in segments: 2 MiB for requests up to 1 MiB, 20 MiB for those up to
// 10 MiB, multiples of 2 MiB above. A segment is cut into blocks of multiples of 512 bytes; a
// request takes the smallest free block of its arena that fits (best fit) and leaves the rest free;
// a freed block is joined with its free neighbours. An arena is a stream, or a stream in a graph's
// pool: work on one stream is in order, so a block may be reused on it at once. A block that other
// streams use too waits in a list for the events that mark the end of their use.
//
// When the device has no memory left, the cached segments are given back and the call is tried
// again; then it throws OutOfMemoryError with the state of the memory and the largest live blocks.
//
// ENTASIS_POISON=1 fills blocks with NaN before they are handed out.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include <cuda_runtime_api.h>

#include <entasis/backends/cuda/internal/free_blocks.h>
#include <entasis/backends/cuda/internal/marks.h>
#include <entasis/core/backend.h>

namespace entasis::cuda {

// A pool of memory that a captured graph keeps for itself; 0 is everyone's.
using PoolId = uint64_t;

class Allocator {
 public:
  explicit Allocator(int device) : device_(device) {}
  Allocator(const Allocator&) = delete;
  Allocator& operator=(const Allocator&) = delete;

  // 512-byte aligned, usable on `stream` at once.
  void* allocate(size_t bytes, StreamId stream);
  // To be reused once the block's own stream and `users`, a mask of streams, are done with it.
  void deallocate(void* data, StreamId last_writer, uint64_t users) noexcept;

  // From now on `stream` allocates from a pool of its own, whose memory is kept until the pool is
  // released.
  PoolId begin_pool(StreamId stream);
  void end_pool(StreamId stream);
  void release_pool(PoolId pool) noexcept;

  void release_cache();
  MemoryStats stats() const;
  void reset_peak();
  std::string summary() const;

 private:
  struct Arena {
    StreamId stream = 0;
    PoolId pool = 0;
    FreeBlocks small, large;
    size_t allocated = 0, reserved = 0;
  };
  struct Pending {
    Block* block;
    Marks marks;
    PoolId graph = 0;  // the pool of a graph that uses it, which must be released before
  };

  Arena& arena_for(StreamId stream);
  Block* take(Arena& arena, size_t bytes);
  Block* grow(Arena& arena, size_t bytes);
  void* get_segment(Arena& arena, size_t bytes, size_t wanted);
  void split(Block* block, size_t bytes);
  void put_back(Block* block);
  Block* join(Block* left, Block* right);
  void finish_pending(bool wait);
  size_t free_segments(const Arena* only);
  [[noreturn]] void throw_out_of_memory(size_t bytes);
  Block* new_block();
  void delete_block(Block* block);
  std::string summary_locked() const;

  const int device_;
  mutable std::mutex mutex_;
  std::vector<std::unique_ptr<Arena>> arenas_;
  std::array<Arena*, 64> arena_of_stream_{};    // of pool 0
  std::unordered_map<StreamId, PoolId> pools_;  // streams that capture
  PoolId next_pool_ = 1;
  std::unordered_map<void*, Block*> live_;
  std::deque<Pending> pending_;
  std::deque<Block> storage_;  // of Block objects
  Block* spare_ = nullptr;     // unused ones
  MemoryStats stats_;
  size_t requested_ = 0;  // bytes asked for, in live blocks
};

}  // namespace entasis::cuda
