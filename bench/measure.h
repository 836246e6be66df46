// Timing two sides of a workload fairly: alternating in one window, medians, the peer timed while
// our workers sleep.
#pragma once

#include <functional>
#include <optional>
#include <vector>

namespace entasis::bench {

struct Sample {
  double median = 0, least = 0;  // seconds per run
};
struct Comparison {
  Sample ours;
  std::optional<Sample> peer;
  double ratio = 0;  // median over rounds of peer / ours; above 1 ours is faster
};

struct Plan {
  int rounds = 11;
  double seconds_per_round = 0.1;  // for each side
};

// Either side may be run any number of times. An empty `peer` is left out.
Comparison compare(const std::function<void()>& ours, const std::function<void()>& peer,
                   const Plan& plan);

// Highest resident memory of this process so far, in bytes.
size_t peak_resident();

// Multiply-adds per second of one core at this moment times threads, in FLOP/s, by a loop of vector
// FMAs: the floor of what is bound by arithmetic.
double peak_flops(int threads);

}  // namespace entasis::bench
