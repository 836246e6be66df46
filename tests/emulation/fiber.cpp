// Built without sanitizers; see core.h. The sanitizers' functions are weak references, so that one
// source serves builds with and without them.
#include "fiber.h"

#include <sys/mman.h>

#include <cstdint>
#include <cstdlib>

#define ENTASIS_IF_LINKED extern "C" __attribute__((weak))
ENTASIS_IF_LINKED void __sanitizer_start_switch_fiber(void** fake_stack, const void* stack,
                                                      size_t stack_size);
ENTASIS_IF_LINKED void __sanitizer_finish_switch_fiber(void* fake_stack, const void** old_stack,
                                                       size_t* old_stack_size);
ENTASIS_IF_LINKED void __asan_poison_memory_region(const volatile void* begin, size_t size);
ENTASIS_IF_LINKED void __asan_unpoison_memory_region(const volatile void* begin, size_t size);
ENTASIS_IF_LINKED void* __tsan_create_fiber(unsigned flags);
ENTASIS_IF_LINKED void __tsan_destroy_fiber(void* fiber);
ENTASIS_IF_LINKED void* __tsan_get_current_fiber();
ENTASIS_IF_LINKED void __tsan_switch_to_fiber(void* fiber, unsigned flags);
ENTASIS_IF_LINKED void __tsan_acquire(void* variable);
ENTASIS_IF_LINKED void __tsan_release(void* variable);
#undef ENTASIS_IF_LINKED

#ifndef ENTASIS_EMULATION_USES_UCONTEXT
// Saves what a call must preserve on the old stack, and takes it from the new one.
extern "C" void entasis_switch_stack(void** from, void* to);
asm(R"(
  .text
  .globl entasis_switch_stack
  .hidden entasis_switch_stack
  .type entasis_switch_stack, @function
entasis_switch_stack:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
  .size entasis_switch_stack, . - entasis_switch_stack
)");
#endif

namespace entasis::emulation {
namespace {

constexpr size_t kStackSize = 256 * 1024;   // sanitizers make frames large
constexpr size_t kGuardSize = 64 * 1024;    // below it; a multiple of any page size
constexpr unsigned kNoSynchronisation = 1;  // for __tsan_switch_to_fiber

// The thread sanitizer tells 255 threads apart, those of the host among them; further ones take the
// places of others, and races between the two are lost. So fibers whose ids differ by this number
// are one thread to it: a prime, since kernels pair threads at rounder distances.
constexpr unsigned kThreadStates = 239;
void* thread_states[kThreadStates];

Fiber* left = nullptr;  // by the switch in progress

// The second half of a switch, on the new stack. Tells the sanitizer where the old stack lies,
// which nobody else knows of the host's.
void arrive(void* fake_stack) {
  if (__sanitizer_finish_switch_fiber == nullptr) return;
  const void* stack = nullptr;
  size_t size = 0;
  __sanitizer_finish_switch_fiber(fake_stack, &stack, &size);
  left->stack = static_cast<char*>(const_cast<void*>(stack));
  left->stack_size = size;
}

Fiber* entered = nullptr;

void begin() {
  Fiber* const self = entered;
  arrive(nullptr);
  self->entry();
  abort();
}

}  // namespace

bool fibers_are_threads() { return __tsan_create_fiber != nullptr; }

void create_fiber(Fiber& fiber, unsigned id, void (*entry)()) {
  void* const memory = mmap(nullptr, kGuardSize + kStackSize, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED || mprotect(memory, kGuardSize, PROT_NONE) != 0) abort();
  fiber.stack = static_cast<char*>(memory) + kGuardSize;
  fiber.stack_size = kStackSize;
  fiber.id = id;
  fiber.entry = entry;
  restart_fiber(fiber);
}

void restart_fiber(Fiber& fiber) {
  allow_memory(fiber.stack, fiber.stack_size);  // frames that were left behind have red zones
  fiber.fake_stack = nullptr;
  if (fibers_are_threads()) {
    void*& state = thread_states[fiber.id % kThreadStates];
    if (fiber.id < kThreadStates) {
      if (state != nullptr) __tsan_destroy_fiber(state);
      state = __tsan_create_fiber(0);
    }
    fiber.thread_state = state;
  }
#ifdef ENTASIS_EMULATION_USES_UCONTEXT
  getcontext(&fiber.context);
  fiber.context.uc_stack.ss_sp = fiber.stack;
  fiber.context.uc_stack.ss_size = fiber.stack_size;
  fiber.context.uc_link = nullptr;
  makecontext(&fiber.context, begin, 0);
#else
  // As entasis_switch_stack leaves a stack: six registers, the address to return to and, for
  // begin() to find the stack aligned as after a call, a caller that is none.
  void** top = reinterpret_cast<void**>(fiber.stack + fiber.stack_size);
  *--top = nullptr;
  *--top = reinterpret_cast<void*>(begin);
  for (int i = 0; i < 6; ++i) *--top = nullptr;
  fiber.stack_pointer = top;
#endif
}

void adopt_host(Fiber& fiber) {
  fiber.fake_stack = nullptr;
  if (fibers_are_threads()) fiber.thread_state = __tsan_get_current_fiber();
}

void switch_fiber(Fiber& from, Fiber& to) {
  left = &from;
  entered = &to;
  if (__sanitizer_start_switch_fiber != nullptr) {
    __sanitizer_start_switch_fiber(&from.fake_stack, to.stack, to.stack_size);
  }
  if (fibers_are_threads() && to.thread_state != from.thread_state) {
    __tsan_switch_to_fiber(to.thread_state, kNoSynchronisation);
  }
#ifdef ENTASIS_EMULATION_USES_UCONTEXT
  swapcontext(&from.context, &to.context);
#else
  entasis_switch_stack(&from.stack_pointer, to.stack_pointer);
#endif
  arrive(from.fake_stack);
}

void forbid_memory(void* begin, size_t size) {
  if (__asan_poison_memory_region != nullptr) __asan_poison_memory_region(begin, size);
}

void allow_memory(void* begin, size_t size) {
  if (__asan_unpoison_memory_region != nullptr) __asan_unpoison_memory_region(begin, size);
}

void acquire(char* variable) {
  if (__tsan_acquire != nullptr) __tsan_acquire(variable);
}

void release(char* variable) {
  if (__tsan_release != nullptr) __tsan_release(variable);
}

}  // namespace entasis::emulation
