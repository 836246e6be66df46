// A size for height and width: one number for both, or two.
#pragma once

#include <cstdint>

#include <entasis/core/dims.h>

namespace entasis::nn {

struct Pair {
  int64_t height, width;

  constexpr Pair(int64_t both) : height(both), width(both) {}
  constexpr Pair(int64_t height, int64_t width) : height(height), width(width) {}
  operator Dims() const { return {height, width}; }
  bool operator==(const Pair&) const = default;
};

}  // namespace entasis::nn
