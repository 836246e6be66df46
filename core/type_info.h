// The limits of the number types: finfo(kF16).max, iinfo(kI32).min.
#pragma once

#include <cstdint>

#include <entasis/core/dtype.h>

namespace entasis {

struct FloatInfo {
  DType dtype;
  int bits;
  double eps;  // from 1 to the next larger number
  double max, min;
  double smallest_normal, tiny;  // the same
  double resolution;             // 10^-n for the n decimal digits that it holds
};
// Throws DtypeError unless the dtype is floating-point.
ENTASIS_API FloatInfo finfo(DType dtype = kF32);

struct IntegerInfo {
  DType dtype;
  int bits;
  int64_t min;
  uint64_t max;
};
// Throws DtypeError unless the dtype is an integer one; bool is not.
ENTASIS_API IntegerInfo iinfo(DType dtype);

}  // namespace entasis
