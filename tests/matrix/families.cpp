#include "families.h"

namespace entasis::matrix {

Call converted(const Call& call, const std::vector<int>& operands, DType computed) {
  const DType type = is_float(computed) && computed != kF64 ? kF32 : computed;
  Call result = call;
  for (int i : operands) {
    Array operand = call.operand(i);
    // Of the right dtype already: also where it was moved off its grid to take a difference.
    if (operand.dtype != computed) {
      for (Real& v : operand.values) v = held(type, v);
    }
    result.arguments[size_t(i)] = operand;
  }
  return result;
}

Real stored(DType dtype, Real value) { return is_float(dtype) ? value : held(dtype, value); }

namespace {

unsigned __int128 whole_of(Real value) {
  return static_cast<unsigned __int128>(static_cast<__int128>(value));
}

DType dtype_of_binary(const Call& call, Binary::Gives gives) {
  if (gives == Binary::Gives::kBool) return kBool;
  const DType dtype = result_dtype(call, {0, 1});
  return gives == Binary::Gives::kFloat ? float_or_f32(dtype) : dtype;
}

Array binary_result(const Binary& b, const Call& call, DType dtype) {
  DType computed = result_dtype(call, {0, 1});
  if (b.gives == Binary::Gives::kFloat) computed = float_or_f32(computed);
  return pointwise(converted(call, {0, 1}, computed), {0, 1}, dtype,
                   [&](const std::vector<Real>& v) {
                     if (b.whole && !is_float(computed) && computed != kBool) {
                       return wrapped(dtype, b.whole(whole_of(v[0]), whole_of(v[1])));
                     }
                     return stored(dtype, b.f(v[0], v[1]));
                   });
}

// Every pair of two lists.
std::pair<std::vector<Real>, std::vector<Real>> pairs_of(const std::vector<Real>& a) {
  std::pair<std::vector<Real>, std::vector<Real>> pairs;
  for (Real left : a) {
    for (Real right : a) {
      pairs.first.push_back(left);
      pairs.second.push_back(right);
    }
  }
  return pairs;
}

// An operand that integers may be divided by.
Array divisor(Array array, const Binary& b) {
  if (!b.divides || is_float(array.dtype)) return array;
  for (Real& v : array.values) v = v == 0 ? 1 : v;
  return array;
}

void binary_calls(Maker& m, const Binary& b, bool in_place) {
  auto left = [&](const Shape& shape) { return m.uniform(shape, b.low, b.high); };
  auto right = [&](const Shape& shape) {
    return divisor(m.uniform(shape, b.other_low, b.other_high), b);
  };
  // Two draws of 8 bits are often equal; then the operands are interleaved instead.
  auto both = [&](const Shape& shape) {
    std::pair<Array, Array> operands = {left(shape), right(shape)};
    if (b.ties && is_float(m.dtype)) {
      Shape twice = shape;
      twice.insert(twice.begin(), 2);
      const Array all = m.distinct(twice, b.low, b.high);
      const auto half = all.values.begin() + long(all.values.size() / 2);
      operands.first.values.assign(all.values.begin(), half);
      operands.second.values.assign(half, all.values.end());
    }
    return operands;
  };
  for (const Shape& shape : kPointwiseShapes) {
    auto [x, y] = both(shape);
    // More elements than a 16-bit format tells apart would tie.
    m.call(to_string(shape), x, y).gradient = !b.ties || x.numel() <= 64;
  }
  m.call("broadcast", left({2, 3, 4}), right({3, 1})).gradient = !b.ties;
  if (!in_place) {
    m.call("both broadcast", left({3, 1, 5}), right({4, 1})).gradient = !b.ties;
    m.call("first broadcast", left({4}), right({2, 3, 4})).gradient = !b.ties;
    m.call("4-d and a column", left({2, 1, 1, 1}), right({2, 3, 4, 5})).gradient = !b.ties;
  }
  m.call("0-d second", left({3, 5}), right({})).gradient = !b.ties;
  const std::vector<Real> extremes = m.extremes();
  const auto [a, c] = pairs_of(extremes);
  m.call("extremes", m.of({int64_t(a.size())}, a), divisor(m.of({int64_t(c.size())}, c), b))
      .gradient = false;
  if (m.dtype != kBool) m.call("number", left({2, 3}), 2);
  if (is_float(m.dtype)) m.call("float number", left({2, 3}), 1.5);
  if (!in_place && m.dtype != kBool) m.call("number first", 2, right({2, 3}));
}

// Pairs of dtypes, numbers and 0-d tensors of other categories.
void mixed_calls(Maker& m, const Binary& b) {
  if (m.dtype == kU16 || m.dtype == kU32 || m.dtype == kU64) return;
  for (DType other : {kF32, kF64, kF16, kBF16, kI8, kI32, kI64, kU8}) {
    if (other == m.dtype || (is_float(other) && !b.takes_float)) continue;
    Array x = m.uniform({3, 5}, b.low, b.high);
    Array y = divisor(m.uniform_of(other, {3, 5}, b.other_low, b.other_high), b);
    const std::string name = entasis::name_of(other);
    // Whole numbers tie, and a difference of a half type's inputs is no derivative in another.
    m.call("with " + name, x, y).gradient = false;
    y.shape = {};
    y.values.resize(1);
    m.call("with 0-d " + name, x, y).gradient = false;
  }
  if (b.takes_float)
    m.call("with a float number", m.uniform({4}, b.low, b.high), 2.5).gradient = false;
}

void take_no_floats(Sample& s, const Binary& b) {
  if (b.takes_float) return;
  s.no_gradient = "its operands are of integers or bool";
  std::erase_if(s.dtypes, [](DType dtype) { return is_float(dtype); });
  s.bad<DtypeError>("f32", zeros_of(kF32, {2}), zeros_of(kF32, {2}));
}

}  // namespace

Sample& binary(Samples& samples, const std::string& row, const Binary& b) {
  Sample& s = samples.add(row);
  s.strides = Strides::kPointwise;
  s.ulps = b.ulps;
  s.signed_zeros = b.gives != Binary::Gives::kBool;
  s.same_on_targets = true;
  if (!b.takes_bool) s.dtypes = kNumbers;
  if (b.orders) {
    std::erase(s.dtypes, kU64);
    s.bad<DtypeError>("u64", zeros_of(kU64, {2}), zeros_of(kU64, {2}));
  }
  take_no_floats(s, b);
  if (b.gives == Binary::Gives::kBool) s.no_gradient = "comparisons are piecewise constant";
  s.calls = [b](Maker& m) {
    binary_calls(m, b, false);
    mixed_calls(m, b);
  };
  s.large = [b](Maker& m) {
    m.call("large", m.uniform(kLargeShape, b.low, b.high),
           divisor(m.uniform(kLargeShape, b.other_low, b.other_high), b));
    m.call("large row", m.uniform(kLargeShape, b.low, b.high),
           divisor(m.uniform({kLargeShape[1]}, b.other_low, b.other_high), b));
  };
  s.reference = [b](const Call& c) -> Results {
    return {binary_result(b, c, dtype_of_binary(c, b.gives))};
  };
  const DType dtype = b.takes_float ? kF32 : kI32;
  s.bad<ShapeError>("[2, 3]", zeros_of(dtype, {2, 3}), zeros_of(dtype, {2, 4}));
  return s;
}

Sample& binary_in_place(Samples& samples, const std::string& row, const Binary& b) {
  Sample& s = samples.add(row);
  s.strides = Strides::kTarget;
  s.ulps = b.ulps;
  s.signed_zeros = true;
  s.same_on_targets = true;
  s.dtypes = b.gives == Binary::Gives::kFloat ? kFloats : b.takes_bool ? kEveryDType : kNumbers;
  take_no_floats(s, b);
  if (b.orders) {
    std::erase(s.dtypes, kU64);
    s.bad<DtypeError>(b.gives == Binary::Gives::kFloat ? "f32" : "u64", zeros_of(kU64, {2}),
                      zeros_of(kU64, {2}));
  }
  if (b.gives == Binary::Gives::kBool) s.no_gradient = "comparisons are piecewise constant";
  s.calls = [b](Maker& m) {
    binary_calls(m, b, true);
    if (is_float(m.dtype)) {
      m.call("with i64", m.uniform({3, 5}, b.low, b.high), m.integers(kI64, {5}, 1, 4)).gradient =
          false;
      m.call("f64 into it", m.uniform({3, 5}, b.low, b.high),
             m.uniform_of(kF64, {3, 5}, b.other_low, b.other_high))
          .gradient = false;
    }
  };
  s.large = [b](Maker& m) {
    m.call("large", m.uniform(kLargeShape, b.low, b.high),
           divisor(m.uniform(kLargeShape, b.other_low, b.other_high), b));
  };
  s.reference = [b](const Call& c) -> Results { return {binary_result(b, c, c.array(0).dtype)}; };
  const DType dtype = b.takes_float ? kF32 : kI32;
  s.bad<ShapeError>("[2, 3]", zeros_of(dtype, {3}), zeros_of(dtype, {2, 3}));
  if (b.gives != Binary::Gives::kBool) {
    s.bad<DtypeError>(entasis::name_of(dtype), zeros_of(b.takes_float ? kI32 : kBool, {3}),
                      zeros_of(dtype, {3}));
  }
  return s;
}

void typed_reference(Sample& s, const Binary& b, TypedBinary f) {
  const bool in_place = s.strides == Strides::kTarget;
  s.reference = [b, f, in_place](const Call& c) -> Results {
    DType computed = result_dtype(c, {0, 1});
    if (b.gives == Binary::Gives::kFloat) computed = float_or_f32(computed);
    const DType dtype = in_place ? c.array(0).dtype : computed;
    return {pointwise(
        converted(c, {0, 1}, computed), {0, 1}, dtype,
        [&](const std::vector<Real>& v) { return stored(dtype, f(computed, v[0], v[1])); })};
  };
}

namespace {

Results unary_result(const Unary& u, const Call& c) {
  const DType in = c.array(0).dtype, dtype = u.gives_float ? float_or_f32(in) : in;
  return {pointwise(converted(c, {0}, dtype), {0}, dtype,
                    [&](const std::vector<Real>& v) { return stored(dtype, u.f(v[0])); })};
}

void unary_calls(Maker& m, const Unary& u) {
  for (const Shape& shape : kPointwiseShapes)
    m.call(to_string(shape), m.uniform(shape, u.low, u.high));
  const std::vector<Real> extremes = m.extremes();
  m.call("extremes", m.of({int64_t(extremes.size())}, extremes)).gradient = false;
}

}  // namespace

Sample& unary(Samples& samples, const std::string& row, const Unary& u) {
  Sample& s = samples.add(row);
  s.strides = Strides::kPointwise;
  s.ulps = u.ulps;
  s.signed_zeros = true;
  s.derivative = u.derivative ? std::function<Real(Real)>(u.derivative) : nullptr;
  s.calls = [u](Maker& m) { unary_calls(m, u); };
  if (!u.takes_bool) {
    std::erase(s.dtypes, kBool);
    s.bad<DtypeError>("bool", zeros_of(kBool, {2}));
  }
  if (u.orders) {
    std::erase(s.dtypes, kU64);
    s.bad<DtypeError>("u64", zeros_of(kU64, {2}));
  }
  s.large = [u](Maker& m) { m.call("large", m.uniform(kLargeShape, u.low, u.high)); };
  s.reference = [u](const Call& c) { return unary_result(u, c); };
  s.bad<ValueError>("undefined", std::nullopt);
  return s;
}

Sample& unary_in_place(Samples& samples, const std::string& row, const Unary& u) {
  Sample& s = unary(samples, row, u);
  s.strides = Strides::kTarget;
  s.derivative = nullptr;  // its out-of-place form's
  if (u.gives_float) {
    s.dtypes = kFloats;
    s.bad<DtypeError>("f32", zeros_of(kI32, {3}));
  }
  return s;
}

namespace {

// Gives the last bad call what the row has no defaults for.
void complete(Sample& s, const Function& f) {
  if (!f.required) return;
  for (Real value : f.defaults) {
    s.bad_calls.back().arguments.push_back(argument_of(double(value)));
  }
}

// The parameters of a call whose first `tensors` arguments are tensors.
Parameters parameters_of(const Function& f, const Call& c, size_t tensors) {
  Parameters p = f.defaults;
  for (size_t i = 0; i < p.size(); ++i) p[i] = c.real(int(tensors + i), p[i]);
  return p;
}

void add_call(Maker& m, const Function& f, const std::string& label, std::vector<Array> tensors,
              const Parameters* p, bool gradient) {
  Call call;
  call.label = label;
  for (Array& tensor : tensors) call.arguments.push_back(std::move(tensor));
  if (!p && f.required) p = &f.defaults;
  if (p) {
    for (Real value : *p) call.arguments.push_back(argument_of(double(value)));
  }
  call.gradient = gradient;
  m.calls.push_back(std::move(call));
}

// Values with a slope: what would stand at a kink stands beside it.
Array beside_kinks(Array array, const Function& f) {
  for (Real& v : array.values) {
    for (Real kink : f.kinks) {
      if (is_float(array.dtype) && std::abs(v - kink) < Real(0.01)) v = held(array.dtype, v + 0.3L);
    }
  }
  return array;
}

// Calls with one tensor, or with the output's gradient before it.
void function_calls(Maker& m, const Function& f, bool backward) {
  auto tensors = [&](Array x) {
    std::vector<Array> list;
    if (backward) list.push_back(m.uniform(x.shape));
    list.push_back(std::move(x));
    return list;
  };
  auto uniform = [&](const Shape& shape) { return beside_kinks(m.uniform(shape), f); };
  const std::vector<Real> ends = m.extremes();
  const Array extremes = m.of({int64_t(ends.size())}, ends);
  for (const Shape& shape : kPointwiseShapes) {
    add_call(m, f, to_string(shape), tensors(uniform(shape)), nullptr, true);
  }
  add_call(m, f, "extremes", tensors(extremes), nullptr, false);
  for (const Parameters& p : f.others) {
    std::string name;
    for (Real value : p) name += std::to_string(double(value)) + " ";
    // Its kinks lie elsewhere: the samples' slopes are compared at the defaults' inputs alone.
    add_call(m, f, name, tensors(m.uniform({3, 7})), &p, f.kinks.empty());
    add_call(m, f, name + "extremes", tensors(extremes), &p, false);
  }
}

}  // namespace

Sample& function(Samples& samples, const std::string& row, const Function& f) {
  Sample& s = samples.add(row);
  s.strides = Strides::kPointwise;
  s.ulps = f.ulps;
  s.underflow = f.underflow;
  s.derivative = [f](Real x) { return f.slope(x, f.defaults); };
  if (f.required) s.derivative = nullptr;
  s.calls = [f](Maker& m) { function_calls(m, f, false); };
  s.large = [f](Maker& m) { add_call(m, f, "large", {m.uniform(kLargeShape)}, nullptr, false); };
  s.reference = [f](const Call& c) -> Results {
    const DType in = c.array(0).dtype, dtype = f.gives_float ? float_or_f32(in) : in;
    Parameters p = parameters_of(f, c, 1);
    if (!is_float(dtype)) {
      for (Real& value : p) value = std::trunc(value);
    }
    return {pointwise(converted(c, {0}, dtype), {0}, dtype, [&](const std::vector<Real>& v) {
      return std::isnan(v[0]) ? v[0] : stored(dtype, f.f(v[0], p));
    })};
  };
  s.bad<ValueError>("undefined", std::nullopt);
  complete(s, f);
  if (!f.gives_float) {
    std::erase(s.dtypes, kBool);
    std::erase(s.dtypes, kU64);
    s.bad<DtypeError>("bool", zeros_of(kBool, {2}));
    complete(s, f);
  }
  return s;
}

Sample& function_in_place(Samples& samples, const std::string& row, const Function& f) {
  Sample& s = function(samples, row, f);
  s.strides = Strides::kTarget;
  s.derivative = nullptr;  // its out-of-place form's
  if (f.gives_float) {
    s.dtypes = kFloats;
    s.bad<DtypeError>("f32", zeros_of(kI32, {3}));
  }
  return s;
}

Sample& function_backward(Samples& samples, const std::string& row, const Function& f) {
  Sample& s = samples.add(row);
  s.strides = Strides::kPointwise;
  s.underflow = f.underflow;
  s.calls = [f](Maker& m) { function_calls(m, f, true); };
  s.large = [f](Maker& m) {
    add_call(m, f, "large", {m.uniform(kLargeShape), m.uniform(kLargeShape)}, nullptr, false);
  };
  s.reference = [f](const Call& c) -> Results {
    const DType dtype = float_or_f32(result_dtype(c, {0, 1}));
    const Parameters p = parameters_of(f, c, 2);
    const Call call = converted(c, {0, 1}, dtype);
    Array y = pointwise(call, {0, 1}, dtype,
                        [&](const std::vector<Real>& v) { return v[0] * f.slope(v[1], p); });
    if (f.slope_ulps > 0) {
      y.error = pointwise(call, {0, 1}, dtype, [&](const std::vector<Real>& v) {
                  const Real size = std::abs(v[0]) * (1 + std::abs(f.slope(v[1], p)));
                  return std::isfinite(size) ? f.slope_ulps * size : Real(1);
                }).values;
      for (Real& e : y.error) e = std::max(e, std::numeric_limits<Real>::min());
    }
    return {y};
  };
  s.bad<ShapeError>("[2, 3]", zeros_of(kF32, {2, 3}), zeros_of(kF32, {2, 4}));
  complete(s, f);
  return s;
}

}  // namespace entasis::matrix
