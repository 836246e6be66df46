// Attributes of ops on triangles, and the arithmetic of their shape, for every device.
#pragma once

#include <algorithm>

#include <entasis/core/op.h>

namespace entasis {

// Elements with column - row <= diagonal stay, or with column - row >= diagonal if `upper`.
struct Triangle {
  static constexpr const char* name = "triangle";
  int64_t diagonal;
  bool upper;
  bool operator==(const Triangle&) const = default;
  void visit(auto& v) const { v("diagonal", diagonal), v("upper", upper); }
};
// Fills its target, [2, count], with the rows and columns of the elements of a triangle.
struct TriangleIndices {
  static constexpr const char* name = "triangle_indices";
  int64_t rows, columns, offset;
  bool upper;
  bool operator==(const TriangleIndices&) const = default;
  void visit(auto& v) const {
    v("rows", rows), v("columns", columns), v("offset", offset), v("upper", upper);
  }
};

// The columns [begin, end) of a row that belong to a triangle.
struct TriangleRow {
  int64_t begin, end;
};
constexpr TriangleRow triangle_row(int64_t row, int64_t columns, int64_t diagonal, bool upper) {
  // Neither sum overflows: the diagonal lies between -rows and columns.
  const int64_t edge = row + diagonal;
  if (upper) {
    return {edge < 0 ? 0 : edge < columns ? edge : columns, columns};
  }
  return {0, edge < 0 ? 0 : edge < columns ? edge + 1 : columns};
}

// A diagonal beyond the matrix, at its edge.
constexpr int64_t clamp_diagonal(int64_t diagonal, int64_t rows, int64_t columns) {
  return diagonal < -rows ? -rows : diagonal > columns ? columns : diagonal;
}

// The sum over v < end of v clamped to [0, columns].
constexpr int64_t sum_clamped(int64_t end, int64_t columns) {
  if (end <= 0) return 0;
  if (end <= columns) return end * (end - 1) / 2;
  return columns * (columns - 1) / 2 + (end - columns) * columns;
}
// How many elements of a triangle lie in the rows before `row`.
constexpr int64_t triangle_before(int64_t row, int64_t columns, int64_t diagonal, bool upper) {
  if (upper) {
    return row * columns - (sum_clamped(row + diagonal, columns) - sum_clamped(diagonal, columns));
  }
  return sum_clamped(row + diagonal + 1, columns) - sum_clamped(diagonal + 1, columns);
}

}  // namespace entasis
