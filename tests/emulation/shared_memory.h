// A block's shared memory: uninitialised at its start, watched at its end.
#pragma once

#include <cstddef>

namespace entasis::emulation {

// Dynamic shared memory of a grid: what lies behind the first `bytes` must not be touched.
void size_shared_memory(size_t bytes);

// Fills dynamic and, where the compiler could gather it, static shared memory with ones: NaN, -1,
// a pointer to nowhere.
void spoil_shared_memory();

// False if a block has written behind its dynamic shared memory. (The address sanitizer says
// where.)
bool shared_memory_intact();

}  // namespace entasis::emulation
