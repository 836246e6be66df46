// The op matrix's own arrays: row-major values in long double, which holds every i64, u64 and f64
// exactly. References compute on them; nothing here uses the library's formulas, kernels,
// conversions or index arithmetic.
#pragma once

#include <cmath>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <entasis/core/dtype.h>

namespace entasis::matrix {

using Real = long double;
using Shape = std::vector<int64_t>;
using Index = std::vector<int64_t>;

struct Array {
  DType dtype = kF32;
  Shape shape;
  std::vector<Real> values;
  // What a result may be off, in units of the rounding of the type that it is computed in; a
  // reference fills it in where the sample's `ulps` times the value does not say it: in sums.
  std::vector<Real> error = {};

  int64_t numel() const { return int64_t(values.size()); }
  int rank() const { return int(shape.size()); }
  Real& at(const Index& index) { return values[size_t(position(index))]; }
  Real at(const Index& index) const { return values[size_t(position(index))]; }
  // The row-major position of an index.
  int64_t position(const Index& index) const;
};

int64_t numel_of(const Shape& shape);
std::string to_string(const Shape& shape);
// Zeros.
Array zeros_of(DType dtype, Shape shape);
// Calls f(index) for every index of `shape`, in row-major order.
template <class F>
void each_index(const Shape& shape, const F& f) {
  const int64_t n = numel_of(shape);
  Index index(shape.size(), 0);
  for (int64_t i = 0; i < n; ++i) {
    f(std::as_const(index));
    for (size_t d = shape.size(); d-- > 0;) {
      if (++index[d] < shape[d]) break;
      index[d] = 0;
    }
  }
}

// `dim` counted from the front.
int64_t wrap(int64_t dim, int64_t rank);
Shape broadcast(const Shape& a, const Shape& b);
// The index of `shape` that `index` of a larger, broadcast shape stands for.
Index unbroadcast(const Index& index, const Shape& shape);

// ---- Dtypes, written down here a second time on purpose.

bool is_float(DType dtype);
bool is_signed_integer(DType dtype);
bool is_unsigned_integer(DType dtype);
// Significand bits (the hidden one counts) and the exponents of the largest power of two and of the
// smallest normal one.
struct FloatFormat {
  int digits, max_exponent, min_exponent;
};
FloatFormat format_of(DType dtype);
Real highest_finite(DType dtype);  // of a float format
// The value that `dtype` holds after a conversion: rounded to nearest even, saturating to infinity;
// integers truncate and wrap; bool is "not zero".
Real held(DType dtype, Real value);
// Smallest and largest values of an integer dtype.
Real lowest_of(DType dtype);
Real highest_of(DType dtype);
// What is left of an exact result in an integer dtype: its low bits.
Real wrapped(DType dtype, unsigned __int128 value);
// PyTorch's promotion of two dtypes (u16, u32, u64 meet only themselves, bool and floats here).
DType promoted(DType a, DType b);

}  // namespace entasis::matrix
