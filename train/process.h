// What the system knows about this process: the time it has taken and the memory it has held.
// Plain numbers instead of <chrono> types, which public headers do not include.
#pragma once

#include <cstdint>

#include <entasis/core/export.h>

namespace entasis::train {

// Seconds on a clock that never jumps; only differences mean anything.
ENTASIS_API double monotonic_seconds();

// The most resident memory this process has held so far (VmHWM), in bytes; -1 where the system does
// not say.
ENTASIS_API int64_t peak_memory_bytes();

}  // namespace entasis::train
