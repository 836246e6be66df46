// What a reduction does to elements, as functions for one compute type: fold rows, fold columns,
// join partial results. The loops around them are in reduce_loops.h, the vector code in
// reduce_fold-inl.h.
#pragma once

#include <cstdint>
#include <type_traits>

namespace entasis::cpu {

// Floats are accumulated in double, integers in 64 bits.
template <class C>
using Wide = std::conditional_t<std::is_floating_point_v<C>, double, int64_t>;

// Rows and columns are dense blocks of C; `centre` (per row, per column) is read by folds that
// measure deviations and null for the others.
template <class C>
struct FoldFunctions {
  using A = Wide<C>;
  // acc[r] = acc[r] joined with the n elements of row r.
  void (*rows)(const C* from, int64_t rows, int64_t row_stride, int64_t n, const A* centre, A* acc);
  // acc[c] = acc[c] joined with the elements of column c.
  void (*columns)(const C* from, int64_t rows, int64_t row_stride, int64_t width, const A* centre,
                  A* acc);
  // into[i] = into[i] joined with from[i].
  void (*join)(A* into, const A* from, int64_t n);
  A identity;
};

// The place of the first element of a row that equals `value`, which may be NaN; n if there is
// none.
template <class C>
using FindFunction = int64_t (*)(const C* row, int64_t n, C value);

// A fold for each compute type; folds of floats alone have no i64.
struct FoldSet {
  FoldFunctions<float> f32;
  FoldFunctions<double> f64;
  FoldFunctions<int64_t> i64;

  const FoldFunctions<float>& of(float) const { return f32; }
  const FoldFunctions<double>& of(double) const { return f64; }
  const FoldFunctions<int64_t>& of(int64_t) const { return i64; }
};

struct ReduceTarget {
  FoldSet sum;
  FoldSet max;
  FoldSet min;
  FoldSet nonzero;  // counts
  FoldSet nan_sum;
  FoldSet prod;
  FindFunction<float> find_f32;
  FindFunction<double> find_f64;
  FindFunction<int64_t> find_i64;

  FindFunction<float> find(float) const { return find_f32; }
  FindFunction<double> find(double) const { return find_f64; }
  FindFunction<int64_t> find(int64_t) const { return find_i64; }
};

struct StatisticsTarget {
  FoldSet deviation;  // sum of squared distances from the centre
  FoldSet magnitude_sum;
  FoldSet largest_magnitude;
  FoldSet smallest_magnitude;
  FoldSet nonzero;    // counts
  FoldSet power_sum;  // of magnitudes to the power of the centre
  FoldSet exp_sum;    // of the exponentials of distances from the centre
};

}  // namespace entasis::cpu
