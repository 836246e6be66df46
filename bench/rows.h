// What is measured.
#pragma once

#include <string>
#include <vector>

#include "workload.h"

namespace entasis::bench {

struct BenchRow {
  std::string name;         // of the workload
  std::string what;         // where the name does not say it
  int64_t operations;       // per run, to divide by
  double flop;              // per run; 0: not bound by arithmetic
  double bytes;             // per run, each operand moved once; 0: not bound by memory
  double most_seconds;      // target for one operation; 0: none
  double least_ratio;       // target for best peer / ours; 0: none
  bool memory;              // whether peak memory is measured
  std::string family = {};  // of the op set: gets a line in the summary
};
std::vector<BenchRow> rows();
void add_op_rows(std::vector<BenchRow>& rows);
// Rows of the library that the walk over the op set neither has nor leaves out for a reason.
std::vector<std::string> forgotten_rows();

extern const BenchPeer our_library;

// Shapes that all sides use.
inline constexpr int kDispatchCalls = 10'000;
inline constexpr int kChainLength = 100'000;
inline constexpr int kMlpBatch = 32;
inline constexpr int kLenetBatch = 64;

}  // namespace entasis::bench
