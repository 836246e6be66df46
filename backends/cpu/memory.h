// The CPU's caching allocator: 64-byte aligned blocks, kept for the next tensor of their size.
//
// Up to 64 KiB a block's size is a power of two and lives in lists of the thread, so that a small
// tensor costs no lock. Larger sizes are rounded up to an eighth of their power of two and live in
// one shared cache, which holds at most an eighth of the machine's memory; from 4 MiB they ask for
// huge pages.
#pragma once

#include <cstddef>

#include <entasis/core/backend.h>

namespace entasis::cpu {

// Null for zero bytes. Throws OutOfMemoryError after giving the cache back in vain.
ENTASIS_API void* allocate(size_t bytes);
ENTASIS_API void deallocate(void* block, size_t bytes) noexcept;
// Counted in the sizes that were asked for; small blocks are counted in steps of 64 KiB a thread.
ENTASIS_API MemoryStats memory_stats();
ENTASIS_API void reset_peak_memory();
ENTASIS_API void release_cache();

}  // namespace entasis::cpu
