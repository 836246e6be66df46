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

struct ReduceTarget {
  FoldFunctions<float> sum_f32;
  FoldFunctions<double> sum_f64;
  FoldFunctions<int64_t> sum_i64;
  FoldFunctions<float> max_f32;
  FoldFunctions<double> max_f64;
  FoldFunctions<int64_t> max_i64;
  FoldFunctions<float> deviation_f32;  // sum of squared distances from the centre
  FoldFunctions<double> deviation_f64;
  FindFunction<float> find_f32;
  FindFunction<double> find_f64;
  FindFunction<int64_t> find_i64;
};

}  // namespace entasis::cpu
