// The inside of the emulation: how a kernel's threads run on one CPU thread. A block's threads are
// fibers that switch at barriers and warp collectives; blocks run one after another.
//
// The sources behind this header (ENTASIS_EMULATION_CORE in cmake/emulation.cmake) are built
// without sanitizers: they move between stacks, which instrumented code must not see. Templates and
// inline functions that both sides use would be merged with instrumented copies, so the core uses
// none.
#pragma once

#include <cstddef>
#include <cstdint>

#include <vector_types.h>

#include "order.h"

#pragma GCC visibility push(default)  // seen from the modules that hold kernels
namespace entasis::emulation {

// A place in a kernel's source, as the default argument of what a kernel calls.
struct Location {
  const char* file;
  unsigned line;

  static constexpr Location current(const char* file = __builtin_FILE(),
                                    unsigned line = __builtin_LINE()) {
    return {file, line};
  }
};

// What the running device thread knows of itself.
struct Registers {
  uint3 thread;
  uint3 block;
  dim3 block_size;
  dim3 grid_size;
  unsigned lane;
};
extern const Registers* running;  // changes with the fiber; null in host code

// What the lanes of a warp do together. Each lane brings a value; each gets the result.
enum class WarpOp : uint8_t {
  kSync,      // nothing but memory order
  kShuffle,   // the value of lane `source`
  kBallot,    // bit i: lane i's value is not 0
  kMatchAny,  // bit i: lane i's value is the caller's
  kMatchAll,  // the mask if all values are the same, otherwise 0
  kAdd,       // reductions of 32-bit values
  kMin,
  kMax,
  kMinSigned,
  kMaxSigned,
  kAnd,
  kOr,
  kXor,
};
uint64_t warp_collective(WarpOp op, unsigned mask, uint64_t value, int source, Location at);

// __syncthreads() and its kin; the number of threads whose predicate is not 0.
unsigned block_barrier(bool predicate, Location at);

// For the thread sanitizer, by C++'s rule of fences: what a thread has done before a fence comes
// before what another does after one, if the first went on with an atomic operation on a place and
// the second met it there by its own last one. A fence speaks for the next such operation only.
void memory_fence();
void meet_atomically(const void* place);  // before each atomic operation

void* dynamic_shared();

// How a kernel ends.
enum class Ending : uint8_t { kRight, kFailed, kIllegalAddress, kMisalignedAddress };

// Ends the kernel with an error of this place; of none if its file is null.
[[noreturn]] void fail(const char* what, Location at, Ending ending = Ending::kFailed);

inline void check_aligned(const void* address, size_t bytes, Location at = Location::current()) {
  if (reinterpret_cast<uintptr_t>(address) % bytes != 0) {
    fail("misaligned access", at, Ending::kMisalignedAddress);
  }
}

// A launch, with `body(data)` to be called by each thread.
struct Grid {
  dim3 blocks;
  dim3 threads;
  size_t shared_bytes;
  void (*body)(const void* data);
  const void* data;
};

inline constexpr unsigned kWarpThreads = 32;
inline constexpr unsigned kMaxBlockThreads = 1024;
inline constexpr size_t kMaxSharedBytes = 227 * 1024;  // with the device's consent, as on sm_90

// Runs all blocks until one fails, and then says why in `failure`. Not for two host threads at a
// time.
Ending run_grid(const Grid& grid, const Order& order, char* failure, size_t failure_size);

}  // namespace entasis::emulation
#pragma GCC visibility pop
