#include "array.h"

#include <stdexcept>

namespace entasis::matrix {

int64_t Array::position(const Index& index) const {
  int64_t position = 0;
  for (size_t d = 0; d < shape.size(); ++d) position = position * shape[d] + index[d];
  return position;
}

int64_t numel_of(const Shape& shape) {
  int64_t n = 1;
  for (int64_t size : shape) n *= size;
  return n;
}

std::string to_string(const Shape& shape) {
  std::string text = "[";
  for (size_t i = 0; i < shape.size(); ++i) text += (i ? ", " : "") + std::to_string(shape[i]);
  return text + "]";
}

Array zeros_of(DType dtype, Shape shape) {
  const size_t n = size_t(numel_of(shape));
  return {dtype, std::move(shape), std::vector<Real>(n, 0)};
}

int64_t wrap(int64_t dim, int64_t rank) { return dim < 0 ? dim + std::max<int64_t>(rank, 1) : dim; }

Shape broadcast(const Shape& a, const Shape& b) {
  const size_t rank = std::max(a.size(), b.size());
  Shape shape(rank, 1);
  for (size_t i = 0; i < rank; ++i) {
    const int64_t from_a = i < a.size() ? a[a.size() - 1 - i] : 1;
    const int64_t from_b = i < b.size() ? b[b.size() - 1 - i] : 1;
    if (from_a != from_b && from_a != 1 && from_b != 1) {
      throw std::logic_error("a sample's shapes do not broadcast");
    }
    shape[rank - 1 - i] = from_a == 1 ? from_b : from_a;
  }
  return shape;
}

Index unbroadcast(const Index& index, const Shape& shape) {
  Index result(shape.size());
  const size_t lead = index.size() - shape.size();
  for (size_t d = 0; d < shape.size(); ++d) result[d] = shape[d] == 1 ? 0 : index[lead + d];
  return result;
}

bool is_float(DType dtype) {
  return dtype == kF32 || dtype == kF64 || dtype == kF16 || dtype == kBF16;
}
bool is_signed_integer(DType dtype) {
  return dtype == kI8 || dtype == kI16 || dtype == kI32 || dtype == kI64;
}
bool is_unsigned_integer(DType dtype) {
  return dtype == kU8 || dtype == kU16 || dtype == kU32 || dtype == kU64;
}

namespace {
int bits_of(DType dtype) {
  switch (dtype) {
    case kBool:
      return 1;
    case kI8:
    case kU8:
      return 8;
    case kI16:
    case kU16:
    case kF16:
    case kBF16:
      return 16;
    case kI32:
    case kU32:
    case kF32:
      return 32;
    default:
      return 64;
  }
}
}  // namespace

FloatFormat format_of(DType dtype) {
  switch (dtype) {
    case kF16:
      return {11, 15, -14};
    case kBF16:
      return {8, 127, -126};
    case kF32:
      return {24, 127, -126};
    default:
      return {53, 1023, -1022};
  }
}

Real lowest_of(DType dtype) {
  return is_signed_integer(dtype) ? -std::ldexp(Real(1), bits_of(dtype) - 1) : 0;
}
Real highest_of(DType dtype) {
  return std::ldexp(Real(1), bits_of(dtype) - (is_signed_integer(dtype) ? 1 : 0)) - 1;
}

Real highest_finite(DType dtype) {
  const FloatFormat format = format_of(dtype);
  return std::ldexp(2 - std::ldexp(Real(1), 1 - format.digits), format.max_exponent);
}

Real held(DType dtype, Real value) {
  if (dtype == kBool) return value != 0;
  if (is_float(dtype)) {
    if (value == 0 || !std::isfinite(value)) return value;
    const FloatFormat format = format_of(dtype);
    const int exponent = std::max(std::ilogb(value), format.min_exponent);
    const Real unit = std::ldexp(Real(1), exponent - (format.digits - 1));
    const Real rounded = std::nearbyint(value / unit) * unit;
    const Real limit = std::ldexp(Real(1), format.max_exponent) * 2;
    return std::abs(rounded) >= limit ? std::copysign(Real(INFINITY), value)
                                      : std::copysign(rounded, value);
  }
  const Real modulus = highest_of(dtype) - lowest_of(dtype) + 1;
  Real whole = std::fmod(std::trunc(value), modulus);
  if (whole < lowest_of(dtype)) whole += modulus;
  if (whole > highest_of(dtype)) whole -= modulus;
  return whole + 0;  // no negative zero
}

Real wrapped(DType dtype, unsigned __int128 value) {
  const int bits = bits_of(dtype);
  value &= (static_cast<unsigned __int128>(1) << bits) - 1;
  const auto whole = Real(uint64_t(value));
  return whole > highest_of(dtype) ? whole - std::ldexp(Real(1), bits) : whole;
}

DType promoted(DType a, DType b) {
  if (a == b || b == kBool) return a;
  if (a == kBool) return b;
  if (is_float(a) && is_float(b)) {
    if (a == kF64 || b == kF64) return kF64;
    return kF32;  // f32 with a half, or two different halves
  }
  if (is_float(a)) return a;
  if (is_float(b)) return b;
  if (is_signed_integer(a) && is_signed_integer(b)) return bits_of(a) > bits_of(b) ? a : b;
  const DType other = a == kU8 ? b : a;
  if ((a == kU8 || b == kU8) && is_signed_integer(other)) return other == kI8 ? kI16 : other;
  throw std::logic_error("a sample mixes dtypes that have no common one");
}

}  // namespace entasis::matrix
