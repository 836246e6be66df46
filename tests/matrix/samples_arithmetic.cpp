// Arithmetic, comparisons and selection.
#include "families.h"

namespace entasis::matrix {
namespace {

// Bool sums and products are "or" and "and": held() makes 1 of every number but 0.
using Whole = unsigned __int128;
const Binary kAdd{.f = [](Real a, Real b) { return a + b; },
                  .whole = [](Whole a, Whole b) { return a + b; }};
const Binary kSub{.f = [](Real a, Real b) { return a - b; },
                  .whole = [](Whole a, Whole b) { return a - b; },
                  .takes_bool = false};
const Binary kMul{.f = [](Real a, Real b) { return a * b; },
                  .whole = [](Whole a, Whole b) { return a * b; }};
const Binary kDiv{.f = [](Real a, Real b) { return a / b; },
                  .gives = Binary::Gives::kFloat,
                  .other_low = 0.5,
                  .ulps = 3};  // the division, and one rounding for each operand that is an integer

Whole whole_power(Whole base, Whole exponent) {
  const auto signed_exponent = static_cast<__int128>(exponent);
  if (signed_exponent < 0) {  // 1 / base, truncated
    if (base == 1) return 1;
    if (base + 1 == 0) return exponent & 1 ? base : 1;
    return 0;
  }
  Whole result = 1;
  for (; exponent; exponent >>= 1, base *= base) {
    if (exponent & 1) result *= base;
  }
  return result;
}

Real larger(Real a, Real b) { return std::isnan(a) || std::isnan(b) ? NAN : std::max(a, b); }
Real smaller(Real a, Real b) { return std::isnan(a) || std::isnan(b) ? NAN : std::min(a, b); }

Binary comparison(bool (*f)(Real, Real), bool orders) {
  return {.f = [f](Real a, Real b) -> Real { return f(a, b); },
          .gives = Binary::Gives::kBool,
          .orders = orders};
}

void extrema(Samples& samples) {
  for (const char* row : {"maximum", "minimum"}) {
    const auto f = std::string(row) == "maximum" ? &larger : &smaller;
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

void absolute(Samples& samples) {
  const Unary abs{.f = [](Real x) { return std::abs(x); },
                  // At NaN 0, as in PyTorch.
                  .derivative = [](Real x) -> Real { return x > 0   ? 1
                                                            : x < 0 ? -1
                                                                    : 0; },
                  .gives_float = false,
                  .takes_bool = false,
                  .orders = true,
                  .ulps = 0};
  unary(samples, "abs", abs).same_on_targets = true;
  unary_in_place(samples, "abs_", abs).same_on_targets = true;
}

void pow(Samples& samples) {
  // Positive bases: of negative ones only whole powers are numbers.
  Sample& s = binary(samples, "pow",
                     {.f = [](Real a, Real b) { return std::pow(a, b); },
                      .whole = &whole_power,
                      .takes_bool = false,
                      .orders = true,
                      .low = 0.25,
                      .other_low = 0,
                      .ulps = 3});
  s.same_on_targets = false;
  s.bad<ValueError>("negative power", zeros_of(kI32, {2}), -1);
}

}  // namespace

void samples_arithmetic(Samples& samples) {
  binary(samples, "add", kAdd);
  binary(samples, "sub", kSub).bad<DtypeError>("bool", zeros_of(kBool, {2}), zeros_of(kBool, {2}));
  binary(samples, "mul", kMul);
  binary(samples, "div", kDiv);
  binary_in_place(samples, "add_", kAdd);
  binary_in_place(samples, "sub_", kSub);
  // The gradient of `other` would need the overwritten input: autograd refuses, as its tests show.
  binary_in_place(samples, "mul_", kMul).differentiable = {0};
  binary_in_place(samples, "div_", kDiv);
  const Unary neg{.f = [](Real x) { return -x; },
                  .derivative = [](Real) -> Real { return -1; },
                  .gives_float = false,
                  .takes_bool = false,
                  .ulps = 0};
  unary(samples, "neg", neg);
  unary_in_place(samples, "neg_", neg);
  absolute(samples);
  pow(samples);
  extrema(samples);
  for (const bool in_place : {false, true}) {
    const std::string end = in_place ? "_" : "";
    clamp(samples, "clamp" + end, in_place);
    one_limit(samples, "clamp_min" + end, &larger, in_place);
    one_limit(samples, "clamp_max" + end, &smaller, in_place);
  }
  where(samples);

  binary(samples, "eq", comparison([](Real a, Real b) { return a == b; }, false));
  binary(samples, "ne", comparison([](Real a, Real b) { return a != b; }, false));
  binary(samples, "lt", comparison([](Real a, Real b) { return a < b; }, true));
  binary(samples, "le", comparison([](Real a, Real b) { return a <= b; }, true));
  binary(samples, "gt", comparison([](Real a, Real b) { return a > b; }, true));
  binary(samples, "ge", comparison([](Real a, Real b) { return a >= b; }, true));
}

}  // namespace entasis::matrix
