// Timing several sides of a workload fairly: in turns, in one window, medians.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "side.h"

namespace entasis::bench {

struct Comparison {
  std::vector<std::optional<double>> seconds;  // per run, of each side
  std::optional<double>
      ratio;          // median over rounds of the best peer / ours; above 1 ours is faster
  int best_peer = 0;  // its side; 0 without peers
};

struct Plan {
  int rounds = 11;
  double seconds_per_round = 0.1;  // for each side
};

// Side 0 is ours; a null side is left out. Their workload is made.
Comparison compare(const std::vector<Side*>& sides, const Plan& plan);

// Highest resident memory of this process so far, in bytes.
size_t peak_resident();

// Multiply-adds per second of one core at this moment times threads, in FLOP/s, by a loop of vector
// FMAs: the floor of what is bound by arithmetic.
double peak_flops(int threads);
// Bytes that are read and written per second by copies of 64 MiB to memory that is in use.
double copy_bandwidth(int threads);

}  // namespace entasis::bench
