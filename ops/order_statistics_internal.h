// Attributes of what depends on the order of the elements of a slice. Slices lie along the last
// dimension of row-major dense inputs.
#pragma once

#include <cstdint>

namespace entasis {

// Outputs: the elements of each slice in ascending order, NaN last, equals in the order in which
// they stood; and where each stood (i64).
struct SortSlices {
  static constexpr const char* name = "sort_slices";
  bool operator==(const SortSlices&) const = default;
  void visit(auto&) const {}
};
// Outputs: the element number (n - 1) / 2 of the n in order, and its place (i64): the first of
// equals. With `ignores_nan` of those that are not NaN, unless all are; else NaN if there is one.
struct MedianOfSlices {
  static constexpr const char* name = "median_of_slices";
  bool ignores_nan = false;
  bool operator==(const MedianOfSlices&) const = default;
  void visit(auto& v) const { v("ignores_nan", ignores_nan); }
};
// Outputs: the element that a slice has most of, of several such the smallest, and its last place
// (i64). NaN equals nothing.
struct ModeOfSlices {
  static constexpr const char* name = "mode_of_slices";
  bool operator==(const ModeOfSlices&) const = default;
  void visit(auto&) const {}
};

}  // namespace entasis
