// Extrema, limits, conditions, interpolation.
#include "families.h"

namespace entasis::matrix {
namespace {

Real larger(Real a, Real b) { return std::isnan(a) || std::isnan(b) ? NAN : std::max(a, b); }
Real smaller(Real a, Real b) { return std::isnan(a) || std::isnan(b) ? NAN : std::min(a, b); }

Real number_larger(Real a, Real b) {
  return std::isnan(a) ? b : std::isnan(b) ? a : std::max(a, b);
}
Real number_smaller(Real a, Real b) {
  return std::isnan(a) ? b : std::isnan(b) ? a : std::min(a, b);
}

void extrema(Samples& samples) {
  const std::pair<const char*, Real (*)(Real, Real)> rows[] = {{"maximum", &larger},
                                                               {"minimum", &smaller},
                                                               {"fmax", &number_larger},
                                                               {"fmin", &number_smaller}};
  for (const auto& [row, f] : rows) {
    Sample& s = binary(samples, row, {.f = f, .orders = true, .ulps = 0, .ties = true});
    s.signed_zeros = false;  // either zero is right
  }
}

// clamp, clamp_min and clamp_max by their limits: numbers or tensors.
void clamp(Samples& samples, const std::string& row, bool in_place) {
  Sample& s = samples.add(row);
  s.strides = in_place ? Strides::kTarget : Strides::kPointwise;
  s.ulps = 0;
  s.signed_zeros = false;
  s.same_on_targets = true;
  s.dtypes = kNumbers;
  std::erase(s.dtypes, kU64);
  s.calls = [in_place](Maker& m) {
    for (const Shape& shape : kPointwiseShapes) m.call(to_string(shape), m.uniform(shape), 1, 2);
    m.call("crossed", m.uniform({3, 5}), 2, 1);
    m.call("min", m.uniform({3, 5}), 1);
    m.call("max", m.uniform({3, 5}), std::nullopt, 1);
    if (is_float(m.dtype)) {
      m.call("floats", m.uniform({3, 5}), -0.75, 1.25);
      const Array all = m.distinct({3, 3, 5});
      auto third = [&](size_t k) {
        const auto first = all.values.begin() + long(15 * k);
        return Array{all.dtype, {3, 5}, {first, first + 15}};
      };
      m.call("tensors", third(0), third(1), third(2));
      m.call("a tensor below", third(0), third(1));
      m.call("a tensor above", third(0), std::nullopt, third(1));
      m.call("a tensor and a number", third(0), third(1), 0.53125);
    }
    m.call("broadcast tensors", m.uniform({3, 5}), m.uniform({5}), m.uniform({3, 1})).gradient =
        false;
    if (!in_place && !is_float(m.dtype) && m.dtype != kU16 && m.dtype != kU32) {
      m.call("an integer by floats", m.uniform({3, 5}), 0.5, 1.5);
    }
    const std::vector<Real> extremes = m.extremes();
    m.call("extremes", m.of({int64_t(extremes.size())}, extremes), 1, 100).gradient = false;
    m.call("at the limits", m.of({3}, {0, 1, 2}), 1, 2).gradient = false;
  };
  s.large = [](Maker& m) { m.call("large", m.uniform(kLargeShape), 1, 2); };
  s.reference = [](const Call& c) -> Results {
    const DType dtype = result_dtype(c, {0, 1, 2});
    std::vector<int> operands = {0};
    for (int i : {1, 2}) {
      if (c.given(i)) operands.push_back(i);
    }
    return {pointwise(c, operands, dtype, [&](const std::vector<Real>& v) {
      Real x = v[0];
      if (c.given(1)) x = larger(x, v[1]);
      if (c.given(2)) x = smaller(x, v.back());
      return x;
    })};
  };
  s.bad<ValueError>("needs min or max", zeros_of(kF32, {2}));
  s.bad<DtypeError>("bool", zeros_of(kBool, {2}), true);
  s.bad<DtypeError>("u64", zeros_of(kU64, {2}), 1);
}

void one_limit(Samples& samples, const std::string& row, Real (*f)(Real, Real), bool in_place) {
  Sample& s = samples.add(row);
  s.strides = in_place ? Strides::kTarget : Strides::kPointwise;
  s.ulps = 0;
  s.signed_zeros = false;
  s.same_on_targets = true;
  s.dtypes = kNumbers;
  std::erase(s.dtypes, kU64);
  s.calls = [](Maker& m) {
    for (const Shape& shape : kPointwiseShapes) m.call(to_string(shape), m.uniform(shape), 1);
    m.call("a tensor", m.uniform({3, 5}), m.uniform({5})).gradient = false;
    if (is_float(m.dtype)) {
      const Array all = m.distinct({2, 3, 5});
      const auto half = all.values.begin() + 15;
      m.call("a tensor of its shape", Array{all.dtype, {3, 5}, {all.values.begin(), half}},
             Array{all.dtype, {3, 5}, {half, all.values.end()}});
    }
    const std::vector<Real> extremes = m.extremes();
    m.call("extremes", m.of({int64_t(extremes.size())}, extremes), 1).gradient = false;
  };
  s.reference = [f](const Call& c) -> Results {
    return {pointwise(c, {0, 1}, result_dtype(c, {0, 1}),
                      [&](const std::vector<Real>& v) { return f(v[0], v[1]); })};
  };
  s.bad<DtypeError>("bool", zeros_of(kBool, {2}), true);
  s.bad<DtypeError>("u64", zeros_of(kU64, {2}), 1);
}

void where(Samples& samples) {
  Sample& s = samples.add("where");
  s.strides = Strides::kPointwise;
  s.ulps = 0;
  s.signed_zeros = s.same_on_targets = true;
  s.calls = [](Maker& m) {
    auto mask = [&](const Shape& shape) { return m.integers(kBool, shape, 0, 1); };
    for (const Shape& shape : kPointwiseShapes) {
      m.call(to_string(shape), mask(shape), m.uniform(shape), m.uniform(shape));
    }
    m.call("broadcast", mask({3, 1}), m.uniform({1, 4}), m.uniform({2, 1, 1}));
    m.call("0-d", mask({3, 4}), m.uniform({}), m.uniform({4}));
    const std::vector<Real> extremes = m.extremes();
    const Array x = m.of({int64_t(extremes.size())}, extremes);
    m.call("extremes", mask(x.shape), x, m.uniform(x.shape)).gradient = false;
    m.call("two numbers", mask({3, 4}), 1, 2.5);
    m.call("two integers", mask({3, 4}), 1, 2);
    if (m.dtype != kBool) m.call("numbers", mask({3, 4}), m.uniform({3, 4}), 1);
    if (is_float(m.dtype)) m.call("number first", mask({3, 4}), -0.5, m.uniform({3, 4}));
    if (m.dtype != kU16 && m.dtype != kU32 && m.dtype != kU64) {
      m.call("with i32", mask({3, 4}), m.uniform({3, 4}), m.integers(kI32, {4}, 0, 9)).gradient =
          false;
    }
  };
  s.large = [](Maker& m) {
    m.call("large", m.integers(kBool, kLargeShape, 0, 1), m.uniform(kLargeShape),
           m.uniform({kLargeShape[1]}));
  };
  s.reference = [](const Call& c) -> Results {
    const DType dtype = result_dtype(c, {1, 2});
    return {pointwise(converted(c, {1, 2}, dtype), {0, 1, 2}, dtype,
                      [](const std::vector<Real>& v) { return v[0] != 0 ? v[1] : v[2]; })};
  };
  s.bad<DtypeError>("not bool", zeros_of(kF32, {2}), zeros_of(kF32, {2}), 1);
  s.bad<ShapeError>("do not broadcast", zeros_of(kBool, {2}), zeros_of(kF32, {3}), 1);
}

// Tensors of one dtype.
void heaviside(Samples& samples, const std::string& row) {
  const bool in_place = row.ends_with('_');
  Sample& s = samples.add(row);
  s.strides = in_place ? Strides::kTarget : Strides::kPointwise;
  s.ulps = 0;
  s.signed_zeros = s.same_on_targets = true;
  std::erase(s.dtypes, kU64);
  s.calls = [in_place](Maker& m) {
    // Half of the inputs are 0.
    auto input = [&](const Shape& shape) {
      Array x = m.uniform(shape);
      for (size_t i = 0; i < x.values.size(); i += 2) x.values[i] = 0;
      return x;
    };
    // An input's step of 0 cannot be seen from values beside it.
    for (const Shape& shape : kPointwiseShapes) {
      m.call(to_string(shape), input(shape), m.uniform(shape)).gradient = false;
    }
    m.call("broadcast", input({2, 3, 4}), m.uniform({3, 1})).gradient = false;
    if (!in_place) m.call("first broadcast", input({4}), m.uniform({2, 3, 4})).gradient = false;
    m.call("away from 0", m.uniform({3, 5}, 1, 3), m.uniform({5}));
    const std::vector<Real> extremes = m.extremes();
    const Array x = m.of({int64_t(extremes.size())}, extremes);
    m.call("extremes", x, m.uniform(x.shape)).gradient = false;
  };
  s.large = [](Maker& m) { m.call("large", m.uniform(kLargeShape), m.uniform(kLargeShape)); };
  s.reference = [](const Call& c) -> Results {
    return {pointwise(c, {0, 1}, c.array(0).dtype, [](const std::vector<Real>& v) -> Real {
      return v[0] == 0 ? v[1] : v[0] > 0 ? 1 : 0;
    })};
  };
  s.bad<DtypeError>("the values i64", zeros_of(kF32, {2}), zeros_of(kI64, {2}));
  s.bad<DtypeError>("u64", zeros_of(kU64, {2}), zeros_of(kU64, {2}));
  s.bad<ShapeError>("[2, 3]", zeros_of(kF32, {in_place ? 3 : 4}), zeros_of(kF32, {2, 3}));
}

void lerp(Samples& samples, const std::string& row) {
  const bool in_place = row.ends_with('_');
  Sample& s = samples.add(row);
  s.strides = in_place ? Strides::kTarget : Strides::kPointwise;
  s.same_on_targets = true;
  s.dtypes = kFloats;
  s.calls = [in_place](Maker& m) {
    for (const Shape& shape : kPointwiseShapes) {
      m.call(to_string(shape), m.uniform(shape), m.uniform(shape), m.uniform(shape, -1, 2));
    }
    m.call("broadcast", m.uniform({2, 3, 4}), m.uniform({3, 1}), m.uniform({4}));
    if (!in_place) m.call("first broadcast", m.uniform({4}), m.uniform({3, 1}), m.uniform({4}));
    for (double weight : {0.0, 0.25, 0.5, 0.75, 1.0, -1.5}) {
      m.call("weight " + std::to_string(weight), m.uniform({3, 5}), m.uniform({3, 5}), weight);
    }
    m.call("a weight of another dtype", m.uniform({3, 5}), m.uniform({5}), m.of(kF64, {}, {0.25}))
        .gradient = false;
    std::vector<Real> ends = m.extremes();
    std::erase_if(ends, [](Real v) { return std::abs(v) > Real(1e15); });
    const Array x = m.of({int64_t(ends.size())}, ends);
    m.call("extremes", x, m.uniform(x.shape), m.uniform(x.shape)).gradient = false;
  };
  s.large = [](Maker& m) { m.call("large", m.uniform(kLargeShape), m.uniform(kLargeShape), 0.3); };
  s.reference = [](const Call& c) -> Results {
    const DType dtype = c.array(0).dtype;
    const Call call = converted(c, {2}, dtype);
    Array y = pointwise(call, {0, 1, 2}, dtype,
                        [](const std::vector<Real>& v) { return v[0] + v[2] * (v[1] - v[0]); });
    y.error = pointwise(call, {0, 1, 2}, dtype, [](const std::vector<Real>& v) {
                const Real size = std::abs(v[0]) + std::abs(v[1]);
                return std::isfinite(size) ? 4 * size * (1 + std::abs(v[2])) : Real(1);
              }).values;
    return {y};
  };
  s.bad<DtypeError>("the end f64", zeros_of(kF32, {2}), zeros_of(kF64, {2}), 0.5);
  s.bad<DtypeError>("the weight f64", zeros_of(kF32, {2}), zeros_of(kF32, {2}),
                    zeros_of(kF64, {2}));
  s.bad<DtypeError>("i64", zeros_of(kI64, {2}), zeros_of(kI64, {2}), 0.5);
}

}  // namespace

void samples_selection(Samples& samples) {
  extrema(samples);
  for (const bool in_place : {false, true}) {
    const std::string end = in_place ? "_" : "";
    clamp(samples, "clamp" + end, in_place);
    one_limit(samples, "clamp_min" + end, &larger, in_place);
    one_limit(samples, "clamp_max" + end, &smaller, in_place);
  }
  where(samples);
  for (const char* row : {"heaviside", "heaviside_"}) heaviside(samples, row);
  for (const char* row : {"lerp", "lerp_"}) lerp(samples, row);
}

}  // namespace entasis::matrix
