#include <entasis/core/type_info.h>

#include <cmath>
#include <limits>
#include <string>

#include <entasis/core/error.h>

namespace entasis {
namespace {

// Of a format with `digits` significand bits (the hidden one counts), whose largest numbers lie
// below 2^max_exponent and whose smallest normal one is 2^min_exponent.
FloatInfo float_info(DType dtype, int digits, int max_exponent, int min_exponent) {
  const double eps = std::ldexp(1.0, 1 - digits);
  const double max = std::ldexp(2.0 - eps, max_exponent - 1);
  const double tiny = std::ldexp(1.0, min_exponent);
  // NumPy's: the decimal digits that survive a conversion there and back.
  const int decimals = int(std::floor(double(digits - 1) * std::log10(2.0)));
  return {dtype, 8 * size_of(dtype), eps, max, -max, tiny, tiny, std::pow(10.0, -decimals)};
}

}  // namespace

FloatInfo finfo(DType dtype) {
  switch (dtype) {
    case kF32:
      return float_info(dtype, 24, 128, -126);
    case kF64:
      return float_info(dtype, 53, 1024, -1022);
    case kF16:
      return float_info(dtype, 11, 16, -14);
    case kBF16:
      return float_info(dtype, 8, 128, -126);
    default:
      throw DtypeError(std::string("finfo: ") + name_of(dtype) +
                       " is no floating-point dtype; iinfo tells of integers");
  }
}

IntegerInfo iinfo(DType dtype) {
  if (!is_integer(dtype)) {
    throw DtypeError(std::string("iinfo: ") + name_of(dtype) +
                     " is no integer dtype; finfo tells of floating-point ones");
  }
  return dispatch_dtype(dtype, [dtype]<class T>(TypeTag<T>) -> IntegerInfo {
    if constexpr (std::is_integral_v<T>) {
      using Limits = std::numeric_limits<T>;
      return {dtype, 8 * size_of(dtype), int64_t(Limits::min()), uint64_t(Limits::max())};
    } else {
      throw_unsupported_dtype(dtype);
    }
  });
}

}  // namespace entasis
