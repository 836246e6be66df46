// The flags of entasis-train-digits.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

inline constexpr int64_t kMaxEpochs = 100'000;
inline constexpr int64_t kMaxBatchSize = 1'000'000;
inline constexpr double kMaxRate = 10;

// As they were given; what was left out is filled in later, by the data or by the run that is
// resumed.
struct CommandLine {
  std::string data;  // a folder with MNIST's files; empty: the digits that ship with Entasis
  std::string device = "auto";
  std::optional<int64_t> epochs;
  std::optional<int64_t> batch_size;
  std::optional<double> lr;
  std::optional<uint64_t> seed;
  std::optional<int> threads;
  std::string out;  // empty: by the data
  bool resume = false;
  std::string help;  // to be printed instead of training, if not empty
};

// Throws std::exception with one line that names the flag and what is wrong with it.
CommandLine parse_command_line(int argc, const char* const* argv);
