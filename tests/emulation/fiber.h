// Stacks to switch between, known to the address and thread sanitizers where they are linked.
#pragma once

#include <cstddef>

#if !defined(__x86_64__) || defined(ENTASIS_EMULATION_UCONTEXT)
#define ENTASIS_EMULATION_USES_UCONTEXT 1
#include <ucontext.h>
#endif

namespace entasis::emulation {

struct Fiber {
#ifdef ENTASIS_EMULATION_USES_UCONTEXT
  ucontext_t context;
#else
  void* stack_pointer;
#endif
  char* stack;  // lowest address, for the address sanitizer
  size_t stack_size;
  void* fake_stack;    // the address sanitizer's
  void* thread_state;  // the thread sanitizer's
  unsigned id;
  void (*entry)();  // never returns
};

// True under the thread sanitizer, to which two device threads must not share a stack.
bool fibers_are_threads();

// Gives a zeroed fiber its stack; `entry` begins at the first switch to it. Called in the order of
// the ids 0, 1, ...
void create_fiber(Fiber& fiber, unsigned id, void (*entry)());

// Forgets what ran on the fiber: the next switch to it begins `entry` anew. Called for all fibers
// together, in the order of their ids.
void restart_fiber(Fiber& fiber);

// Makes `fiber` stand for the calling host thread.
void adopt_host(Fiber& fiber);

// Leaves `from`, the fiber that runs, for `to`; returns when somebody switches back to `from`.
void switch_fiber(Fiber& from, Fiber& to);

// Marks bytes that must not be touched, and allows them again (address sanitizer).
void forbid_memory(void* begin, size_t size);
void allow_memory(void* begin, size_t size);

// Orders memory accesses for the thread sanitizer: what came before release(x) comes before what
// follows acquire(x).
void acquire(char* variable);
void release(char* variable);

}  // namespace entasis::emulation
