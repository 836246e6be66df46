// Where threads wait for each other: warp operations and the block's barrier, with checks that
// those who meet mean the same. Stricter than the hardware, which lets some divergent programs pass
// by luck: all must stand at the same place of the source.
//
// Built without sanitizers; see core.h.
#include "scheduler.h"

namespace entasis::emulation {
namespace {

bool same_place(const Location& a, const Location& b) {
  if (a.line != b.line) return false;
  if (a.file == b.file) return true;
  const char *x = a.file, *y = b.file;
  while (*x != '\0' && *x == *y) ++x, ++y;
  return *x == *y;
}

bool names(unsigned mask, unsigned lane) { return (mask >> lane & 1u) != 0; }

uint64_t fold(WarpOp op, uint64_t a, uint64_t b) {
  const auto x = static_cast<uint32_t>(a), y = static_cast<uint32_t>(b);
  const auto i = static_cast<int32_t>(x), j = static_cast<int32_t>(y);
  switch (op) {
    case WarpOp::kAdd:
      return x + y;
    case WarpOp::kMin:
      return x < y ? x : y;
    case WarpOp::kMax:
      return x > y ? x : y;
    case WarpOp::kMinSigned:
      return i < j ? x : y;
    case WarpOp::kMaxSigned:
      return i > j ? x : y;
    case WarpOp::kAnd:
      return x & y;
    case WarpOp::kOr:
      return x | y;
    case WarpOp::kXor:
      return x ^ y;
    default:
      return 0;
  }
}

// What lane `i` gets from a collective of the lanes in `mask`.
uint64_t combine(const Thread* lanes, unsigned mask, unsigned i) {
  const WarpOp op = lanes[i].op;
  if (op == WarpOp::kSync) return 0;
  if (op == WarpOp::kShuffle) {  // of a lane outside of the mask the value is undefined: garbage
    const auto source = static_cast<unsigned>(lanes[i].source);
    return names(mask, source) ? lanes[source].value : ~uint64_t{0};
  }
  uint64_t result = 0;
  bool first = true;
  for (unsigned j = 0; j < kWarpThreads; ++j) {
    if (!names(mask, j)) continue;
    const uint64_t value = lanes[j].value;
    switch (op) {
      case WarpOp::kBallot:
        result |= uint64_t{value != 0} << j;
        break;
      case WarpOp::kMatchAny:
      case WarpOp::kMatchAll:
        result |= uint64_t{value == lanes[i].value} << j;
        break;
      default:
        result = first ? value : fold(op, result, value);
        break;
    }
    first = false;
  }
  return op == WarpOp::kMatchAll && result != mask ? 0 : result;
}

void finish_collective(Warp& warp, Thread* lanes, unsigned mask) {
  static uint64_t results[kWarpThreads];
  for (unsigned i = 0; i < kWarpThreads; ++i) {
    if (names(mask, i)) results[i] = combine(lanes, mask, i);
  }
  warp.waiting &= ~mask;
  ++warp.rounds;
  for (unsigned i = 0; i < kWarpThreads; ++i) {
    if (!names(mask, i)) continue;
    lanes[i].value = results[i];
    make_ready(lanes[i]);
  }
}

}  // namespace

uint64_t warp_collective(WarpOp op, unsigned mask, uint64_t value, int source, Location at) {
  Thread& me = *self;
  Warp& warp = warp_of(me);
  Thread* const lanes = &me - me.lane;
  if (!names(mask, me.lane)) fail("warp operation: the mask does not name the calling lane", at);
  if ((mask & (warp.exited | ~warp.lanes)) != 0) {
    fail("warp operation: the mask names a lane that has exited or does not exist", at);
  }
  me.op = op;
  me.mask = mask;
  me.value = value;
  me.source = source;
  me.at = at;
  me.state = State::kInWarp;
  warp.waiting |= bit(me);
  // A lane that waits with a mask that does not name this one is in an operation of others first,
  // and comes here later.
  me.leader = &me;
  me.arrived = 0;
  for (unsigned others = warp.waiting & mask & ~bit(me); others != 0; others &= others - 1) {
    const Thread& other = lanes[__builtin_ctz(others)];
    if (!names(other.mask, me.lane)) continue;
    me.leader = other.leader;
    break;
  }
  Thread& leader = *me.leader;
  leader.arrived |= bit(me);
  if (leader.mask != mask) fail("warp operation: lanes pass different masks", at);
  if (leader.op != op || !same_place(leader.at, at)) {
    fail("divergent warp operation: lanes of one mask meet at different places", at);
  }
  // Of these operations only __syncwarp() orders memory.
  char* const order = op == WarpOp::kSync ? &warp.order[warp.rounds % 2] : nullptr;
  if (order != nullptr) release(order);
  if (leader.arrived == mask) finish_collective(warp, lanes, mask);
  wait();
  if (order != nullptr) acquire(order);
  return me.value;
}

unsigned block_barrier(bool predicate, Location at) {
  self->at = at;
  self->state = State::kAtBarrier;
  block.predicates += predicate ? 1 : 0;
  char* const order = &block.order[block.barriers % 2];
  release(order);
  if (++block.at_barrier == block.alive) leave_barrier();
  wait();
  acquire(order);
  return block.counted;
}

void leave_barrier() {
  block.counted = block.predicates;
  block.predicates = 0;
  block.at_barrier = 0;
  ++block.barriers;
  const Thread* first = nullptr;
  for (unsigned i = 0; i < block.threads; ++i) {
    Thread& thread = threads[i];
    if (thread.state != State::kAtBarrier) continue;
    if (first != nullptr && !same_place(first->at, thread.at)) {
      fail({"divergent barrier: other threads of the block wait at another one", thread.at, &thread,
            Ending::kFailed});
    }
    first = &thread;
    make_ready(thread);
  }
}

}  // namespace entasis::emulation
