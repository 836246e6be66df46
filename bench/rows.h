// The workloads, and Entasis's implementations of them.
#pragma once

#include <span>

#include "workload.h"

namespace entasis::bench {

std::span<const BenchRow> rows();
std::span<const BenchWork> our_works();

// Shapes that both sides use.
inline constexpr int kDispatchCalls = 10'000;
inline constexpr int kChainLength = 100'000;
inline constexpr int kMlpBatch = 32;
inline constexpr int kLenetBatch = 64;

}  // namespace entasis::bench
