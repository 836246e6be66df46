#include "sample.h"

#include <algorithm>
#include <stdexcept>

namespace entasis::matrix {

bool Call::given(int i) const {
  if (i >= int(arguments.size())) return false;
  const Value* value = std::get_if<Value>(&arguments[size_t(i)]);
  return value == nullptr || !std::holds_alternative<std::monostate>(*value);
}

Array Call::operand(int i) const {
  if (const Array* array = std::get_if<Array>(&arguments.at(size_t(i)))) return *array;
  const Value& value = std::get<Value>(arguments.at(size_t(i)));
  if (const bool* b = std::get_if<bool>(&value)) return {kBool, {}, {Real(*b)}};
  if (const int64_t* n = std::get_if<int64_t>(&value)) return {kI64, {}, {Real(*n)}};
  return {kF32, {}, {Real(std::get<double>(value))}};
}

namespace {
template <class T>
const T* find_value(const Call& call, int i) {
  return call.given(i) ? std::get_if<T>(&std::get<Value>(call.arguments[size_t(i)])) : nullptr;
}
}  // namespace

int64_t Call::integer(int i, std::optional<int64_t> fallback) const {
  const int64_t* value = find_value<int64_t>(*this, i);
  return value ? *value : fallback.value();
}
Real Call::real(int i, std::optional<Real> fallback) const {
  if (const double* value = find_value<double>(*this, i)) return *value;
  if (const int64_t* value = find_value<int64_t>(*this, i)) return Real(*value);
  return fallback.value();
}
bool Call::flag(int i, bool fallback) const {
  const bool* value = find_value<bool>(*this, i);
  return value ? *value : fallback;
}
Shape Call::dims(int i, const Shape& fallback) const {
  const Dims* value = find_value<Dims>(*this, i);
  return value ? Shape(value->begin(), value->end()) : fallback;
}
std::string Call::text(int i, const std::string& fallback) const {
  const std::string* value = find_value<std::string>(*this, i);
  return value ? *value : fallback;
}

Array Maker::of(DType dtype, const Shape& shape, const std::vector<Real>& values) {
  if (int64_t(values.size()) != numel_of(shape)) {
    throw std::logic_error("a sample's values do not fill shape " + to_string(shape));
  }
  Array array{dtype, shape, values};
  for (Real& v : array.values) v = held(dtype, v);
  return array;
}

Array Maker::uniform_of(DType dtype, const Shape& shape, Real low, Real high) {
  Array array = zeros_of(dtype, shape);
  const bool negative = is_float(dtype) || is_signed_integer(dtype);
  if (!negative && low < 0) low = 0;
  for (Real& v : array.values) {
    const Real unit = std::ldexp(Real(bits_() >> 11), -53);
    v = dtype == kBool ? Real(unit < 0.5) : held(dtype, low + (high - low) * unit);
  }
  return array;
}

Array Maker::distinct(const Shape& shape, Real low, Real high) {
  Array array = zeros_of(dtype, shape);
  const Real n = Real(array.numel());
  if (!is_float(dtype)) low = dtype == kBool || is_unsigned_integer(dtype) ? 0 : -std::floor(n / 2);
  for (size_t i = 0; i < array.values.size(); ++i) {
    const Real v = is_float(dtype) ? low + (high - low) * (Real(i) + Real(0.5)) / n : low + Real(i);
    array.values[i] = held(dtype, v);
  }
  for (size_t i = array.values.size(); i > 1; --i) {
    std::swap(array.values[i - 1], array.values[size_t(bits_() % i)]);
  }
  return array;
}

Array Maker::integers(DType dtype, const Shape& shape, int64_t low, int64_t high) {
  Array array = zeros_of(dtype, shape);
  for (Real& v : array.values) v = Real(low + int64_t(bits_() % uint64_t(high - low + 1)));
  return array;
}

std::vector<Real> Maker::extremes() const {
  if (dtype == kBool) return {0, 1};
  if (!is_float(dtype)) {
    std::vector<Real> values = {0, 1, 2, highest_of(dtype) - 1, highest_of(dtype)};
    if (is_signed_integer(dtype)) {
      for (Real v : {Real(-1), lowest_of(dtype), lowest_of(dtype) + 1}) values.push_back(v);
    }
    return values;
  }
  const FloatFormat format = format_of(dtype);
  const Real largest = highest_finite(dtype);
  const Real smallest_normal = std::ldexp(Real(1), format.min_exponent);
  const Real subnormal = std::ldexp(Real(1), format.min_exponent - format.digits + 1);
  std::vector<Real> values = {NAN};
  for (Real v : {Real(0), Real(0.5), Real(1), Real(2.75), Real(17), Real(88), Real(104), Real(1e4),
                 Real(1e15), smallest_normal, subnormal, subnormal * 5, largest, Real(INFINITY)}) {
    values.push_back(held(dtype, v));
    values.push_back(held(dtype, -v));
  }
  return values;
}

bool Sample::is_differentiable(const Call& call, int i) const {
  if (!no_gradient.empty() || !call.is_array(i) || !is_float(call.array(i).dtype)) return false;
  return differentiable.empty() ||
         std::find(differentiable.begin(), differentiable.end(), i) != differentiable.end();
}

Sample& Samples::add(const std::string& row) {
  if (find(row)) throw std::logic_error("two samples for row " + row);
  samples_.emplace_back();
  samples_.back().row = row;
  samples_.back().dtypes = kEveryDType;
  return samples_.back();
}

const Sample* Samples::find(std::string_view row) const {
  for (const Sample& sample : samples_) {
    if (sample.row == row) return &sample;
  }
  return nullptr;
}

Sample& Samples::at(std::string_view row) {
  for (Sample& sample : samples_) {
    if (sample.row == row) return sample;
  }
  throw std::logic_error("no sample for row " + std::string(row));
}

DType result_dtype(const Call& call, std::vector<int> operands) {
  std::optional<DType> groups[3];  // with dimensions, 0-d, numbers
  for (int i : operands) {
    if (!call.given(i)) continue;
    const Array operand = call.operand(i);
    const int group = !call.is_array(i) ? 2 : operand.shape.empty() ? 1 : 0;
    groups[group] = groups[group] ? promoted(*groups[group], operand.dtype) : operand.dtype;
  }
  auto category = [](DType dtype) { return is_float(dtype) ? 2 : dtype == kBool ? 0 : 1; };
  std::optional<DType> result;
  for (const std::optional<DType>& group : groups) {
    if (!group) continue;
    if (!result) {
      result = group;
    } else if (category(*group) > category(*result)) {
      result = promoted(*result, *group);
    }
  }
  return result.value();
}

Array pointwise(const Call& call, const std::vector<int>& operands, DType dtype,
                const std::function<Real(const std::vector<Real>&)>& f) {
  std::vector<Array> arrays;
  Shape shape;
  for (int i : operands) {
    arrays.push_back(call.operand(i));
    shape = broadcast(shape, arrays.back().shape);
  }
  Array result = zeros_of(dtype, shape);
  std::vector<Real> values(arrays.size());
  size_t next = 0;
  each_index(shape, [&](const Index& index) {
    for (size_t k = 0; k < arrays.size(); ++k) {
      values[k] = arrays[k].at(unbroadcast(index, arrays[k].shape));
    }
    result.values[next++] = f(values);
  });
  return result;
}

}  // namespace entasis::matrix
