// Built without sanitizers; see core.h.
#include "shared_memory.h"

#include <sys/mman.h>

#include <cstdlib>

#include "core.h"
#include "fiber.h"
#include "modules.h"

namespace entasis::emulation {
namespace {

constexpr size_t kGuardBytes = 1024;
constexpr unsigned char kGuardByte = 0xa5;

unsigned char* memory;
size_t bytes_of_grid;

// Not memset(), which the sanitizers watch, nor a loop that the compiler would make memset() of.
void fill(unsigned char* begin, size_t size, unsigned char byte) {
#ifdef __x86_64__
  asm volatile("rep stosb" : "+D"(begin), "+c"(size) : "a"(byte) : "memory");
#else
  for (volatile unsigned char* p = begin; size > 0; --size) *p++ = byte;
#endif
}

}  // namespace

void size_shared_memory(size_t bytes) {
  constexpr size_t kAll = kMaxSharedBytes + kGuardBytes;
  if (memory == nullptr) {
    void* const mapped =
        mmap(nullptr, kAll, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapped == MAP_FAILED) abort();
    memory = static_cast<unsigned char*>(mapped);
  }
  bytes_of_grid = bytes;
  allow_memory(memory, kAll);
  fill(memory + bytes, kGuardBytes, kGuardByte);
  forbid_memory(memory + bytes, kAll - bytes);
}

void spoil_shared_memory() {
  const MemoryRange* sections = nullptr;
  const size_t count = shared_sections(&sections);
  for (size_t i = 0; i < count; ++i) {
    fill(sections[i].begin, static_cast<size_t>(sections[i].end - sections[i].begin), 0xff);
  }
  fill(memory, bytes_of_grid, 0xff);
}

bool shared_memory_intact() {
  for (size_t i = 0; i < kGuardBytes; ++i) {
    if (memory[bytes_of_grid + i] != kGuardByte) return false;
  }
  return true;
}

void* dynamic_shared() { return memory; }

}  // namespace entasis::emulation
