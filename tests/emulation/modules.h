// What the emulation reads from the ELF files of the running process: where static __shared__
// variables lie, and what kernels are called.
#pragma once

#include <cstddef>

namespace entasis::emulation {

// Static __shared__ variables lie in a section of this name, so that each block can find them
// uninitialised. Its name is no C identifier, or else clang would put no red zones around them.
#define ENTASIS_EMULATION_SHARED_SECTION ".entasis.shared"

struct MemoryRange {
  unsigned char* begin;
  unsigned char* end;
};

// The sections of all loaded modules; looks again after a module has come or gone. Not for two
// threads at a time.
size_t shared_sections(const MemoryRange** ranges);

// The name of the function at `address`, as C++ writes it, or "a kernel" if its module was
// stripped. Stays valid until the next call.
const char* function_name(const void* address);

}  // namespace entasis::emulation
