// Attributes of the ops that draw random numbers into a tensor.
#pragma once

#include <entasis/core/op.h>

namespace entasis {

// Uniform in [low, high).
struct Uniform {
  static constexpr const char* name = "uniform_";
  double low, high;
  bool operator==(const Uniform&) const = default;
  void visit(auto& v) const { v("low", low), v("high", high); }
};
struct Normal {
  static constexpr const char* name = "normal_";
  double mean, std;
  bool operator==(const Normal&) const = default;
  void visit(auto& v) const { v("mean", mean), v("std", std); }
};
// Uniform integers in [low, low + range).
struct RandInt {
  static constexpr const char* name = "randint";
  int64_t low;
  uint64_t range;
  bool operator==(const RandInt&) const = default;
  void visit(auto& v) const { v("low", low), v("range", range); }
};
// A permutation of 0 … n-1 in a 1-d target: the positions sorted by 64-bit random keys.
struct RandPerm {
  static constexpr const char* name = "randperm";
  bool operator==(const RandPerm&) const = default;
  void visit(auto&) const {}
};

}  // namespace entasis
