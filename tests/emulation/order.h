// In which order the emulation runs what a GPU would run at once: threads of a block, blocks of a
// grid, streams of a device. A wrong program may be right in one order and wrong in another.
#pragma once

#include <cstdint>

namespace entasis::emulation {

struct Order {
  enum Kind : uint8_t { kAscending, kDescending, kRandom };

  Kind kind = kAscending;
  uint64_t seed = 0;  // of kRandom
};

// The order of the running test, as ENTASIS_EMULATION_ORDER says (ascending, descending or a
// number, the seed of random choices) or, without it, picked from a hash of the test case, which
// its listener leaves in ENTASIS_EMULATION_CASE, and of the commit. So a case meets another order
// as the project moves on, but the same one whenever the same commit is tested.
Order current_order();

// The value of ENTASIS_EMULATION_ORDER that gives `order`; the text stays valid until the next call
// in the same thread.
const char* to_text(const Order& order);

// Numbers for random orders (Knuth's 64-bit linear congruential generator, high bits). Everything
// is inline and free of the standard library, so that the scheduler can use it.
struct RandomChoice {
  uint64_t state;

  // One of 0 ... n - 1.
  __attribute__((always_inline)) unsigned below(unsigned n) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return static_cast<unsigned>(((state >> 32) * n) >> 32);
  }
};

}  // namespace entasis::emulation
