// The op that turns repeats into indices.
#pragma once

#include <entasis/core/op.h>

namespace entasis {

// Of repeats r, i64 and dense: the index i r[i] times, i64.
struct RepeatIndices {
  static constexpr const char* name = "repeat_indices";
  bool operator==(const RepeatIndices&) const = default;
  void visit(auto&) const {}
};

// Throws ValueError.
[[noreturn]] ENTASIS_API void throw_negative_repeats();

}  // namespace entasis
