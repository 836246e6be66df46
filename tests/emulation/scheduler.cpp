// Runs the threads of one block after another, each on a fiber, and switches where they wait for
// each other. Which of the ready threads runs next is the order's choice. Threads that never wait
// share one fiber, so that a kernel without barriers runs as a plain loop.
//
// Built without sanitizers; see core.h.
#include "scheduler.h"

#include <cstdio>
#include <cstdlib>

#include "shared_memory.h"

namespace entasis::emulation {

const Registers* running = nullptr;
Thread threads[kMaxBlockThreads];
Warp warps[kMaxWarps];
Block block;
Thread* self = nullptr;

namespace {

Grid grid;
// Of a block's threads and the host, for the thread sanitizer.
char begin_order, end_order;

Fiber fibers[kMaxBlockThreads];
unsigned fiber_count;  // that exist
Fiber* idle[kMaxBlockThreads];
unsigned idle_count;
Fiber host;
Fiber* current_fiber;

// ---- Which thread is next

Order::Kind order_kind;
RandomChoice choice;
bool loose;                    // this block: any thread next; otherwise one warp as far as it gets
unsigned priority[kMaxWarps];  // the order of warps

void choose_priorities() {
  for (unsigned i = 0; i < block.warps; ++i) {
    priority[i] = order_kind == Order::kDescending ? block.warps - 1 - i : i;
  }
  loose = false;
  if (order_kind != Order::kRandom) return;
  loose = choice.below(2) == 1;
  for (unsigned i = block.warps; i > 1; --i) {
    const unsigned j = choice.below(i);
    const unsigned other = priority[j];
    priority[j] = priority[i - 1];
    priority[i - 1] = other;
  }
}

unsigned choose_lane(unsigned ready) {
  switch (order_kind) {
    case Order::kAscending:
      break;
    case Order::kDescending:
      return 31u - static_cast<unsigned>(__builtin_clz(ready));
    case Order::kRandom: {  // the first one from a random lane on, around
      const unsigned from = choice.below(kWarpThreads);
      const unsigned after = ready >> from << from;
      return static_cast<unsigned>(__builtin_ctz(after != 0 ? after : ready));
    }
  }
  return static_cast<unsigned>(__builtin_ctz(ready));
}

Thread* next_thread() {
  const unsigned turn = loose ? choice.below(block.warps) : 0;
  for (unsigned i = 0; i < block.warps; ++i) {
    const unsigned index = priority[(i + turn) % block.warps];
    unsigned& ready = warps[index].ready;
    if (ready == 0) continue;
    const unsigned lane = choose_lane(ready);
    ready &= ~(1u << lane);
    return &threads[index * kWarpThreads + lane];
  }
  return nullptr;
}

// ---- Switching

void become(Thread* thread) {
  self = thread;
  running = thread;
}

void fiber_main();

// Makes fibers until there are `count`.
void need_fibers(unsigned count) {
  for (; fiber_count < count; ++fiber_count) {
    create_fiber(fibers[fiber_count], fiber_count, fiber_main);
  }
}

// A fiber for a thread that begins.
Fiber* take_fiber(const Thread& thread) {
  if (fibers_are_threads()) return &fibers[thread.id];
  if (idle_count > 0) return idle[--idle_count];
  need_fibers(fiber_count + 1);
  return &fibers[fiber_count - 1];
}

// Leaves the running fiber for that of `thread`, or for the host if there is none.
void resume(Thread* thread) {
  become(thread);
  Fiber* to = &host;
  if (thread != nullptr) {
    if (thread->fiber == nullptr) thread->fiber = take_fiber(*thread);
    to = thread->fiber;
  }
  if (to == current_fiber) return;
  Fiber* const from = current_fiber;
  current_fiber = to;
  switch_fiber(*from, *to);
}

void run_thread() {
  acquire(&begin_order);
  grid.body(grid.data);
  release(&end_order);
  self->state = State::kExited;
  warp_of(*self).exited |= bit(*self);
  --block.alive;
  if (block.at_barrier > 0 && block.at_barrier == block.alive) leave_barrier();
}

// What each fiber does: run threads, and be idle between them. If the next thread is a fresh one,
// it takes the fiber that has just become idle: this one, without a switch.
void fiber_main() {
  for (;;) {
    run_thread();
    if (!fibers_are_threads()) idle[idle_count++] = current_fiber;
    resume(next_thread());
  }
}

// After a failure: some fibers stand in the middle of a thread.
void restart_fibers() {
  for (idle_count = 0; idle_count < fiber_count; ++idle_count) {
    restart_fiber(fibers[idle_count]);
    idle[idle_count] = &fibers[idle_count];
  }
}

// ---- Blocks

void start_threads(uint64_t index) {
  block.alive = block.threads;
  block.at_barrier = block.predicates = block.barriers = 0;
  for (unsigned i = 0; i < block.warps; ++i) warps[i] = Warp{};
  const dim3 size = grid.threads;
  const uint3 place = {static_cast<unsigned>(index % grid.blocks.x),
                       static_cast<unsigned>(index / grid.blocks.x % grid.blocks.y),
                       static_cast<unsigned>(index / grid.blocks.x / grid.blocks.y)};
  for (unsigned i = 0; i < block.threads; ++i) {
    Thread& thread = threads[i];
    thread.thread = {i % size.x, i / size.x % size.y, i / size.x / size.y};
    thread.block = place;
    thread.block_size = size;
    thread.grid_size = grid.blocks;
    thread.lane = i % kWarpThreads;
    thread.id = i;
    thread.fiber = nullptr;
    thread.atomic_place = nullptr;
    thread.fenced = false;
    make_ready(thread);
    thread.state = State::kFresh;
    warp_of(thread).lanes |= bit(thread);
  }
}

// No thread can run, but some are alive: they wait for others that never come.
Failure find_deadlock() {
  Failure found{};
  for (unsigned i = 0; i < block.threads; ++i) {
    const Thread& thread = threads[i];
    if (thread.state == State::kAtBarrier) {
      return {"divergent barrier: some threads of the block wait here, others never come",
              thread.at, &thread, Ending::kFailed};
    }
    if (thread.state == State::kInWarp) {
      found = {"divergent warp operation: lanes that the mask names never come", thread.at, &thread,
               Ending::kFailed};
    }
  }
  return found;
}

bool run_block(uint64_t index) {
  spoil_shared_memory();
  choose_priorities();
  start_threads(index);
  release(&begin_order);
  resume(next_thread());
  acquire(&end_order);
  become(nullptr);
  Failure& failure = block.failure;
  if (failure.ending == Ending::kRight && block.alive > 0) failure = find_deadlock();
  if (failure.ending == Ending::kRight && !shared_memory_intact()) {
    failure = {
        "write past the end of dynamic shared memory", {nullptr, 0}, nullptr, Ending::kFailed};
  }
  return failure.ending == Ending::kRight;
}

// A way through the blocks 0 ... count - 1: from `first` on in steps modulo their number.
struct BlockWalk {
  uint64_t first, step;
};

BlockWalk choose_walk(uint64_t count) {
  if (order_kind == Order::kAscending || count == 1) return {0, 1};
  if (order_kind == Order::kDescending) return {count - 1, count - 1};
  for (;;) {  // a step without a common factor with their number visits them all
    const uint64_t step = 1 + choice.below(static_cast<unsigned>(count - 1));
    uint64_t a = count, b = step;
    while (b != 0) {
      const uint64_t rest = a % b;
      a = b;
      b = rest;
    }
    if (a == 1) return {choice.below(static_cast<unsigned>(count)), step};
  }
}

void describe(const Failure& failure, char* text, size_t size) {
  char place[512] = "", thread[64] = "";
  const uint3 b = threads[0].block;
  if (failure.at.file != nullptr) {
    snprintf(place, sizeof place, ", at %s:%u", failure.at.file, failure.at.line);
  }
  if (failure.thread != nullptr) {
    const uint3 t = failure.thread->thread;
    snprintf(thread, sizeof thread, ", thread %u,%u,%u", t.x, t.y, t.z);
  }
  snprintf(text, size, "%s%s, block %u,%u,%u%s", failure.what, place, b.x, b.y, b.z, thread);
}

}  // namespace

void make_ready(Thread& thread) {
  thread.state = State::kReady;
  warp_of(thread).ready |= bit(thread);
}

void wait() {
  Thread* const me = self;
  release(&end_order);  // the host may end the block while the thread waits
  resume(next_thread());
  if (self != me) abort();
}

void memory_fence() {
  self->fenced = true;
  if (self->atomic_place != nullptr) acquire(self->atomic_place);
}

void meet_atomically(const void* place) {
  self->atomic_place = static_cast<char*>(const_cast<void*>(place));
  if (self->fenced) release(self->atomic_place);
  self->fenced = false;
}

void fail(const Failure& failure) {
  block.failure = failure;
  release(&end_order);
  resume(nullptr);
  abort();
}

void fail(const char* what, Location at, Ending ending) { fail({what, at, self, ending}); }

Ending run_grid(const Grid& launched, const Order& order, char* failure, size_t failure_size) {
  grid = launched;
  order_kind = order.kind;
  choice.state = order.seed;
  block.threads = grid.threads.x * grid.threads.y * grid.threads.z;
  block.warps = (block.threads + kWarpThreads - 1) / kWarpThreads;
  block.failure = {};
  adopt_host(host);
  current_fiber = &host;
  // The thread sanitizer orders what a thread has done before what a fiber does that it makes.
  if (fibers_are_threads()) need_fibers(block.threads);
  size_shared_memory(grid.shared_bytes);

  failure[0] = '\0';
  const uint64_t blocks = uint64_t{grid.blocks.x} * grid.blocks.y * grid.blocks.z;
  const BlockWalk walk = choose_walk(blocks);
  uint64_t index = walk.first;
  for (uint64_t i = 0; i < blocks; ++i) {
    if (!run_block(index)) {
      describe(block.failure, failure, failure_size);
      restart_fibers();
      return block.failure.ending;
    }
    index = (index + walk.step) % blocks;
  }
  return Ending::kRight;
}

}  // namespace entasis::emulation
