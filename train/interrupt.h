// Ctrl-C as a request: the training loop sees it after the step at hand, saves and stops.
// No checkpoint is ever written from inside a signal handler.
#pragma once

#include <entasis/core/export.h>

namespace entasis::train {

// While an InterruptGuard lives, the first SIGINT or SIGTERM sets a flag; a second one ends the
// process as if there were no guard, after wiping away the progress line. At most one guard at a
// time; the destructor puts the old handlers back and clears the flag. A signal that is ignored, as
// under nohup, stays ignored.
class ENTASIS_API InterruptGuard {
 public:
  InterruptGuard();
  ~InterruptGuard();
  InterruptGuard(const InterruptGuard&) = delete;
  InterruptGuard& operator=(const InterruptGuard&) = delete;

  // The signal that was received, or 0. A program that stops because of it exits with 128 + signal
  // by convention.
  static int signal();
  static bool requested() { return signal() != 0; }
};

}  // namespace entasis::train
