// Copies from ordinary host memory that return before they are done: through a pool of pinned
// memory, in pieces, so that the device's copy of one piece overlaps with the host's of the next
// and with kernels on other streams.
#pragma once

#include <cstddef>

#include <entasis/core/storage.h>

namespace entasis::cuda {

// Copies `bytes` to the device that owns `stream`, ordered on it. `from` may be reused at once.
void copy_from_host(void* to, const void* from, size_t bytes, StreamId stream);

}  // namespace entasis::cuda
