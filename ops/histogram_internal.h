// Counting the elements of bins, for every device.
#pragma once

#include <type_traits>

#include <entasis/core/op.h>

namespace entasis {

// One dense input. Integers name their bin, from 0 below `bins`, and counts are i64; numbers of a
// floating-point dtype fall in one of `bins` equal parts of [low, high], and counts have their
// dtype.
struct CountBins {
  static constexpr const char* name = "count_bins";
  int64_t bins;
  double low = 0, high = 0;
  bool operator==(const CountBins&) const = default;
  void visit(auto& v) const { v("bins", bins), v("low", low), v("high", high); }
};

// The bin of x, or -1, computed in T.
template <class T>
constexpr int64_t bin_of(T x, int64_t bins, T low, T high) {
  if constexpr (std::is_integral_v<T>) {
    return static_cast<int64_t>(x);
  } else {
    if (!(x >= low && x <= high)) return -1;
    const T place = (x - low) * static_cast<T>(bins) / (high - low);
    return place < static_cast<T>(bins) ? static_cast<int64_t>(place) : bins - 1;
  }
}

}  // namespace entasis
