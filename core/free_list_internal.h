// Per-thread free lists for the library's small objects: tensor headers, storages, graph nodes.
// Bounded, flushed at thread exit, usable during static destruction, off under sanitizers (so that
// they see every lifetime).
#pragma once

#include <cstddef>

namespace entasis {

void* allocate_object(size_t bytes);
void free_object(void* object, size_t bytes) noexcept;

}  // namespace entasis
