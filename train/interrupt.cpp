// The signal handler touches one lock-free flag and calls only what POSIX allows in a handler.
// A second signal falls back to the default action, in case the step at hand never ends.
#include <entasis/train/interrupt.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>

#include <entasis/core/error.h>
#include <entasis/train/internal/live_line.h>

namespace entasis::train {
namespace {

constexpr std::array<int, 2> kSignals{SIGINT, SIGTERM};

std::atomic<int> received{0};
std::atomic<bool> guarded{false};
std::array<struct sigaction, kSignals.size()> before;

void handle(int signal) {
  const int saved_errno = errno;
  int none = 0;
  if (!received.compare_exchange_strong(none, signal)) {
    internal::clear_live_line();
    std::signal(signal, SIG_DFL);
    std::raise(signal);  // takes effect when the handler returns
  }
  errno = saved_errno;
}

}  // namespace

InterruptGuard::InterruptGuard() {
  if (guarded.exchange(true)) throw ValueError("InterruptGuard: there is one already");
  received = 0;
  struct sigaction action {};
  action.sa_handler = handle;
  action.sa_flags = SA_RESTART;  // a step in the middle of a read must not fail for this
  sigemptyset(&action.sa_mask);
  for (size_t i = 0; i < kSignals.size(); ++i) {
    ::sigaction(kSignals[i], nullptr, &before[i]);
    if (before[i].sa_handler != SIG_IGN) ::sigaction(kSignals[i], &action, nullptr);
  }
}

InterruptGuard::~InterruptGuard() {
  for (size_t i = 0; i < kSignals.size(); ++i) ::sigaction(kSignals[i], &before[i], nullptr);
  received = 0;
  guarded = false;
}

int InterruptGuard::signal() { return received.load(std::memory_order_relaxed); }

}  // namespace entasis::train
