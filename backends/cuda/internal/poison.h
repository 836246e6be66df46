// Marks of memory that nobody may touch: NaN patterns for everyone who asks, AddressSanitizer's in
// the emulated build.
#pragma once

#include <cstddef>

#include <entasis/core/storage.h>

namespace entasis::cuda {

// ENTASIS_POISON=1: fresh blocks are filled with NaN.
extern const bool kPoisons;

#if defined(ENTASIS_CUDA_EMULATED)
// Take effect in the order of the stream, since work that was queued before may still touch the
// memory.
void hide(void* data, size_t bytes, StreamId stream);
void reveal(void* data, size_t bytes, StreamId stream);
#else
inline void hide(void*, size_t, StreamId) {}
inline void reveal(void*, size_t, StreamId) {}
#endif

}  // namespace entasis::cuda
