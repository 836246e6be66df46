// Data parallelism on the CPU: parallel_for and parallel_reduce over one process-wide thread pool,
// and the number of threads. Work is cut only at multiples of a grain that the caller fixes, so a
// result never depends on how many threads there are or on which of them ran what.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>
#include <vector>

#include <entasis/core/export.h>

namespace entasis {

// The most threads that set_num_threads accepts.
inline constexpr int kMaxThreads = 1024;

// How many threads share the work of one operation, the calling thread included. Before the first
// set_num_threads: the environment variable ENTASIS_NUM_THREADS, else the CPUs that the affinity
// mask allows, at most the cgroup's CPU quota rounded up. Throws ValueError if the variable is not
// a whole number from 1 to kMaxThreads.
ENTASIS_API int num_threads();

// Applies to the whole process, from the next operation on. Throws ValueError unless
// 1 <= threads <= kMaxThreads.
ENTASIS_API void set_num_threads(int threads);

namespace cpu {

using RangeBody = void (*)(void* context, int64_t begin, int64_t end);

// The one function behind parallel_for. Throws ValueError if n < 0 or grain < 1.
ENTASIS_API void run_ranges(int64_t n, int64_t grain, RangeBody body, void* context);

// True on a thread that is running a range of a parallel_for; a nested one runs serially.
ENTASIS_API bool in_parallel();

// How many threads a parallel_for started here would use: 1 if nested, else num_threads().
inline int available_threads() { return in_parallel() ? 1 : num_threads(); }

// Returns when the pool's workers are asleep (they spin for at most 50 us after their last work):
// so that a program timed next, ours or a peer's, has the cores to itself.
ENTASIS_API void sleep_workers();

}  // namespace cpu

// A grain of parallel_for: one range up to `serial`, where one thread is as fast; beyond it small
// ones, so that threads get equal shares.
inline int64_t grain_beyond(int64_t serial, int64_t n, int64_t grain) {
  const int64_t chosen = n <= serial ? n : grain;
  return chosen > 1 ? chosen : 1;
}

// Calls fn(begin, end) on disjoint ranges that together cover [0, n), several at once. Each range
// begins at a multiple of `grain` and ends at one or at n; how many grains a range holds is
// unspecified. One call fn(0, n) if n <= grain, with one thread, inside another parallel_for, or
// while another user thread has the pool.
//
// If fn throws, every range before the failing one still runs, later ones may not, and the caller
// gets the exception of the first failing range.
template <class Fn>
void parallel_for(int64_t n, int64_t grain, Fn&& fn) {
  if (n > 0 && n <= grain) {
    fn(int64_t{0}, n);
    return;
  }
  using Body = std::remove_reference_t<Fn>;
  cpu::run_ranges(
      n, grain,
      [](void* body, int64_t begin, int64_t end) { (*static_cast<Body*>(body))(begin, end); },
      const_cast<void*>(static_cast<const void*>(&fn)));
}

// Reduces [0, n): each chunk of exactly `grain` elements (the last may be shorter) becomes
// chunk_fn(begin, end), and the chunks' values are joined by a fixed binary tree of
// combine(left, right), left being the lower indices. Hence the same bits for any number of
// threads. `identity` is the result for n == 0. T must be copyable.
template <class T, class ChunkFn, class Combine>
T parallel_reduce(int64_t n, int64_t grain, const T& identity, ChunkFn&& chunk_fn,
                  Combine&& combine) {
  if (n > 0 && n <= grain) return chunk_fn(int64_t{0}, n);

  struct Slot {  // keeps vector<bool>'s shared words away
    T value;
  };
  const int64_t chunks = n > 0 && grain > 0 ? n / grain + (n % grain != 0) : 0;
  std::vector<Slot> slots(static_cast<size_t>(chunks), Slot{identity});
  parallel_for(n, grain, [&](int64_t begin, int64_t end) {
    for (int64_t at = begin; at < end;) {
      const int64_t stop = end - at > grain ? at + grain : end;
      slots[static_cast<size_t>(at / grain)].value = chunk_fn(at, stop);
      at = stop;
    }
  });
  if (chunks == 0) return identity;

  const size_t count = slots.size();
  for (size_t width = 1; width < count; width *= 2) {
    for (size_t i = 0; i + width < count; i += 2 * width) {
      slots[i].value = combine(std::move(slots[i].value), std::move(slots[i + width].value));
    }
  }
  return std::move(slots[0].value);
}

}  // namespace entasis
