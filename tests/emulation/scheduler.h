// What the sources of the core share: the state of the block that runs. For scheduler.cpp and
// collectives.cpp alone; they are built without sanitizers (see core.h) and use, on fibers, nothing
// of the standard library.
#pragma once

#include "core.h"
#include "fiber.h"

namespace entasis::emulation {

inline constexpr unsigned kMaxWarps = kMaxBlockThreads / kWarpThreads;

enum class State : uint8_t { kFresh, kReady, kInWarp, kAtBarrier, kExited };

struct Thread : Registers {
  unsigned id;
  State state;
  Fiber* fiber;  // null while fresh

  // The collective it waits in.
  WarpOp op;
  unsigned mask;
  int source;
  uint64_t value;  // its own, then the result
  Location at;
  Thread* leader;    // of a warp operation: the lane that came first
  unsigned arrived;  // of a leader: the lanes that have come

  // For fences.
  char* atomic_place;  // of its last atomic operation; null: none yet
  bool fenced;         // since then
};

struct Warp {
  unsigned lanes;  // that exist
  unsigned exited;
  unsigned waiting;  // in a collective
  unsigned ready;    // to run
  unsigned rounds;   // of memory order; by turns, the thread sanitizer sees two variables
  char order[2];
};

// What went wrong, as plain facts: the text is made on the host's stack.
struct Failure {
  const char* what;
  Location at;           // file is null where there is no place
  const Thread* thread;  // null: the whole block
  Ending ending;
};

struct Block {
  unsigned threads, warps;
  unsigned alive;       // threads that have not exited
  unsigned at_barrier;  // of them
  unsigned predicates;  // of those, how many brought true
  unsigned counted;     // how many did at the last barrier
  unsigned barriers;    // so far; by turns, the thread sanitizer sees two variables
  char order[2];
  Failure failure;
};

extern Thread threads[kMaxBlockThreads];
extern Warp warps[kMaxWarps];
extern Block block;
extern Thread* self;  // the running thread

__attribute__((always_inline)) inline unsigned bit(const Thread& thread) {
  return 1u << thread.lane;
}
__attribute__((always_inline)) inline Warp& warp_of(const Thread& thread) {
  return warps[thread.id / kWarpThreads];
}

// The thread may be chosen to run.
void make_ready(Thread& thread);

// The running thread waits until another has made it ready and it is chosen.
void wait();

// Lets the threads go that wait at the block's barrier.
void leave_barrier();

// Ends the block with an error; the calling fiber is left for ever.
[[noreturn]] void fail(const Failure& failure);

}  // namespace entasis::emulation
