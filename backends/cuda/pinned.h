// Pinned memory: the host's, page-locked, which devices read and write by themselves.
//
// Blocks come from cudaHostAlloc, which takes milliseconds and stops the device's other work, and
// are kept for the next request of their size class: an eighth of the power of two below. A block
// notes the streams that copies from and to it were queued on. When it is freed it waits for events
// in them, so that nobody gets a block that a device still reads or writes. One pool serves all
// devices.
#pragma once

#include <cstddef>
#include <string>

#include <entasis/core/storage.h>

namespace entasis::cuda {

struct PinnedBlock;

// Throws OutOfMemoryError. Zero bytes give null.
void* allocate_pinned(size_t bytes);
void free_pinned(void* data) noexcept;

// The live block that an address lies in; null if it lies in none.
PinnedBlock* find_pinned(const void* data);
// A copy from or to the block is queued on `stream`.
void use_pinned(PinnedBlock* block, StreamId stream);
// A captured graph copies from or to the block: until it is dropped as often as it was held, the
// block goes to nobody else.
void hold_pinned(PinnedBlock* block);
void drop_pinned(PinnedBlock* block) noexcept;

// Gives free blocks back to the system; waits for those that devices still use.
void release_pinned_cache();
std::string pinned_summary();

}  // namespace entasis::cuda
