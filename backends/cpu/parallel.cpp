// The thread pool behind parallel_for.
//
// Each job is cut into as many contiguous shares as there are threads; thread t starts with share
// t, so that one operation after another finds the same data in its cache, and then helps with the
// others' shares. A worker that wakes too late finds the gate closed and is not waited for.
#include <entasis/backends/cpu/parallel.h>

#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <exception>
#include <limits>
#include <memory>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include <entasis/backends/cpu/internal/threads.h>
#include <entasis/core/error.h>

namespace entasis {
namespace cpu {
namespace {

using Clock = std::chrono::steady_clock;

constexpr auto kSpinTime = std::chrono::microseconds(50);
constexpr size_t kCacheLine = 64;

thread_local bool t_in_parallel = false;

inline void pause_briefly() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// Spins until ready() holds, for kSpinTime at most; returns whether it holds.
template <class Ready>
bool spin_until(Ready ready) {
  constexpr int kPausesPerClockRead = 16;
  if (ready()) return true;
  const auto deadline = Clock::now() + kSpinTime;
  do {
    for (int i = 0; i < kPausesPerClockRead; ++i) {
      pause_briefly();
      if (ready()) return true;
    }
  } while (Clock::now() < deadline);
  return false;
}

class Pool {
 public:
  explicit Pool(int threads);
  ~Pool();  // only while no job runs

  int threads() const { return threads_; }
  void run(int64_t n, int64_t grain, RangeBody body, void* context);

  Pool* abandoned = nullptr;  // the parent process' pool, after a fork; kept reachable

 private:
  struct Job {
    int64_t n, grain;
    RangeBody body;
    void* context;
    int shares;
  };
  // The chunks (grains) [next, end) that nobody has taken yet, given out `step` at a time.
  struct alignas(kCacheLine) Share {
    std::atomic<int64_t> next{0};
    int64_t end = 0;
    int64_t step = 1;
  };

  static constexpr uint32_t kOpen = 1u << 31;
  static constexpr int64_t kNoFailure = std::numeric_limits<int64_t>::max();

  void worker(int index);
  void work(int first_share);
  void drain(Share& share);
  void record_failure(int64_t begin);
  bool enter();
  void leave();

  const int threads_;
  std::vector<std::thread> workers_;
  std::unique_ptr<Share[]> shares_;
  Job job_{};

  std::mutex failure_mutex_;
  std::exception_ptr failure_;                  // guarded by failure_mutex_
  std::atomic<int64_t> failed_at_{kNoFailure};  // begin of the first range known to have thrown

  alignas(kCacheLine) std::atomic<uint32_t> epoch_{0};  // counts jobs; workers sleep on it
  std::atomic<bool> stopping_{false};
  alignas(kCacheLine) std::atomic<uint32_t> gate_{0};  // kOpen | number of workers in the job
};

Pool::Pool(int threads)
    : threads_(threads), shares_(std::make_unique<Share[]>(static_cast<size_t>(threads))) {
  // Workers take no signals: a handler for Ctrl-C runs on one of the program's own threads.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  try {
    for (int i = 1; i < threads; ++i) workers_.emplace_back([this, i] { worker(i); });
  } catch (const std::system_error&) {
    // No more threads to be had: the workers that did start, or the caller alone, do the work.
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

Pool::~Pool() {
  stopping_.store(true);
  epoch_.fetch_add(1);
  epoch_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

void Pool::worker(int index) {
  pthread_setname_np(pthread_self(), "entasis");
  t_in_parallel = true;
  uint32_t seen = 0;
  for (;;) {
    const auto has_news = [&] { return epoch_.load(std::memory_order_acquire) != seen; };
    if (!spin_until(has_news)) epoch_.wait(seen, std::memory_order_acquire);
    seen = epoch_.load(std::memory_order_acquire);
    if (stopping_.load()) return;
    if (enter()) {
      work(index);
      leave();
    }
  }
}

void Pool::run(int64_t n, int64_t grain, RangeBody body, void* context) {
  const int64_t chunks = n / grain + (n % grain != 0);
  const int shares = static_cast<int>(std::min<int64_t>(threads_, chunks));
  job_ = {n, grain, body, context, shares};
  for (int i = 0; i < shares; ++i) {
    // chunks * i / shares, without overflow.
    const auto cut = [&](int64_t at) {
      return chunks / shares * at + std::min<int64_t>(chunks % shares, at);
    };
    shares_[i].next.store(cut(i), std::memory_order_relaxed);
    shares_[i].end = cut(i + 1);
    shares_[i].step = std::max<int64_t>(1, (cut(i + 1) - cut(i)) / 8);
  }

  gate_.store(kOpen, std::memory_order_release);
  epoch_.fetch_add(1);
  if (shares == threads_) {
    epoch_.notify_all();
  } else {
    for (int i = 1; i < shares; ++i) epoch_.notify_one();
  }

  t_in_parallel = true;
  work(0);
  t_in_parallel = false;

  gate_.fetch_and(~kOpen);
  const auto all_left = [&] { return gate_.load(std::memory_order_acquire) == 0; };
  if (!spin_until(all_left)) {
    // A worker was descheduled inside its range: give it this core.
    for (uint32_t inside; (inside = gate_.load(std::memory_order_acquire)) != 0;) {
      gate_.wait(inside, std::memory_order_acquire);
    }
  }

  if (failed_at_.load(std::memory_order_relaxed) != kNoFailure) {
    failed_at_.store(kNoFailure, std::memory_order_relaxed);
    std::rethrow_exception(std::exchange(failure_, nullptr));
  }
}

bool Pool::enter() {
  uint32_t gate = gate_.load(std::memory_order_relaxed);
  while (gate & kOpen) {
    if (gate_.compare_exchange_weak(gate, gate + 1, std::memory_order_acquire,
                                    std::memory_order_relaxed)) {
      return true;
    }
  }
  return false;
}

void Pool::leave() {
  if (gate_.fetch_sub(1) == 1) gate_.notify_one();  // closed, and this was the last one inside
}

void Pool::work(int first_share) {
  const int shares = job_.shares;
  for (int i = 0; i < shares; ++i) drain(shares_[(first_share + i) % shares]);
}

void Pool::drain(Share& share) {
  while (share.next.load(std::memory_order_relaxed) < share.end) {
    const int64_t first = share.next.fetch_add(share.step, std::memory_order_relaxed);
    if (first >= share.end) return;
    const int64_t last = std::min(first + share.step, share.end);
    const int64_t begin = first * job_.grain;
    const int64_t end = job_.n / job_.grain < last ? job_.n : last * job_.grain;
    // Nothing after a failed range is needed any more; all before it is, to find the first failure.
    if (begin > failed_at_.load(std::memory_order_relaxed)) continue;
    try {
      job_.body(job_.context, begin, end);
    } catch (...) {
      record_failure(begin);
    }
  }
}

void Pool::record_failure(int64_t begin) {
  const std::lock_guard lock(failure_mutex_);
  if (begin >= failed_at_.load(std::memory_order_relaxed)) return;
  failure_ = std::current_exception();
  failed_at_.store(begin, std::memory_order_relaxed);
}

std::atomic<int> g_threads{0};  // 0: not known yet

// The pool is never destroyed at exit: a worker may be asleep on it, and destructors of static
// objects may still call parallel_for. Whoever sets g_pool_busy owns g_pool until clearing it.
std::atomic<bool> g_pool_busy{false};
Pool* g_pool = nullptr;
bool g_fork_handler_set = false;

// The child of a fork has none of the workers, and whoever held the pool is gone: start afresh.
void forget_pool_in_child() {
  Pool* const parents = g_pool;
  static Pool* abandoned = nullptr;
  if (parents != nullptr) {
    parents->abandoned = abandoned;
    abandoned = parents;
  }
  g_pool = nullptr;
  g_pool_busy.store(false);
}

Pool& pool_with(int threads) {
  if (g_pool != nullptr && g_pool->threads() != threads) {
    delete g_pool;
    g_pool = nullptr;
  }
  if (!g_fork_handler_set) {
    pthread_atfork(nullptr, nullptr, forget_pool_in_child);
    g_fork_handler_set = true;
  }
  if (g_pool == nullptr) g_pool = new Pool(threads);
  return *g_pool;
}

}  // namespace

bool in_parallel() { return t_in_parallel; }

void run_ranges(int64_t n, int64_t grain, RangeBody body, void* context) {
  if (n < 0 || grain < 1) {
    throw ValueError("parallel_for: need n >= 0 and grain >= 1, got n = " + std::to_string(n) +
                     ", grain = " + std::to_string(grain));
  }
  if (n == 0) return;
  const int threads = num_threads();
  if (n <= grain || threads == 1 || t_in_parallel ||
      g_pool_busy.exchange(true, std::memory_order_acquire)) {
    body(context, 0, n);
    return;
  }
  struct Release {
    ~Release() { g_pool_busy.store(false, std::memory_order_release); }
  } release;
  pool_with(threads).run(n, grain, body, context);
}

void sleep_workers() { std::this_thread::sleep_for(4 * kSpinTime); }

}  // namespace cpu

int num_threads() {
  int threads = cpu::g_threads.load(std::memory_order_relaxed);
  if (threads == 0) {
    const int found = cpu::default_num_threads();
    if (cpu::g_threads.compare_exchange_strong(threads, found)) threads = found;
  }
  return threads;
}

void set_num_threads(int threads) {
  if (threads < 1 || threads > kMaxThreads) {
    throw ValueError("set_num_threads: threads must be from 1 to " + std::to_string(kMaxThreads) +
                     ", got " + std::to_string(threads));
  }
  cpu::g_threads.store(threads, std::memory_order_relaxed);
}

}  // namespace entasis
