// Attributes of the ops that draw random numbers into a tensor.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <type_traits>

#include <entasis/core/generator.h>
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

// ---- What the kernels of all devices share. Halves are drawn as floats and rounded.
template <class T>
using DrawnAs =
    std::conditional_t<std::is_same_v<T, Half> || std::is_same_v<T, BFloat16>, float, T>;

// A number in [0, 1) on a grid that T holds exactly, so that nothing rounds up to 1.
template <class T>
constexpr DrawnAs<T> unit_uniform(const uint32_t* words) {
  if constexpr (std::is_same_v<T, double>) {
    return uniform_double(words[0], words[1]);
  } else if constexpr (std::is_same_v<T, float>) {
    return uniform_float(words[0]);
  } else if constexpr (std::is_same_v<T, Half>) {
    return float(words[0] >> 21) * 0x1p-11f;
  } else {
    return float(words[0] >> 24) * 0x1p-8f;
  }
}

// The largest T below `high`, or `low` where no T lies between.
template <class T>
DrawnAs<T> last_below(double low, double high) {
  using C = DrawnAs<T>;
  const C first = convert<C>(convert<T>(low));
  C last = convert<C>(convert<T>(high));
  // A half's neighbours are found by halving a float step until rounding to the half moves it.
  while (double(last) >= high && last > first) {
    C below = std::nextafter(last, first);
    for (C gap = last - below; convert<C>(convert<T>(below)) == last; gap *= 2) below = last - gap;
    last = convert<C>(convert<T>(below));
  }
  return std::max(first, last);
}

}  // namespace entasis
