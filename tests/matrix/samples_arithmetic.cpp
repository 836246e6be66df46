// Sums, differences, products, quotients and powers.
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

// Powers. Positive bases: of negative ones only whole powers are numbers.
const Binary kPow{.f = [](Real a, Real b) { return std::pow(a, b); },
                  .whole = &whole_power,
                  .takes_bool = false,
                  .orders = true,
                  .low = 0.25,
                  .other_low = 0,
                  .ulps = 3};

void powers(Samples& samples) {
  for (const char* row : {"pow", "pow_"}) {
    const bool in_place = std::string(row).ends_with('_');
    Sample& s = in_place ? binary_in_place(samples, row, kPow) : binary(samples, row, kPow);
    s.same_on_targets = false;
    s.bad<ValueError>("negative power", zeros_of(kI32, {2}), -1);
  }
  for (const char* row : {"float_power", "float_power_"}) {
    const bool in_place = std::string(row).ends_with('_');
    Binary b = kPow;
    b.takes_bool = true;
    b.orders = false;
    b.whole = nullptr;
    Sample& s = in_place ? binary_in_place(samples, row, b) : binary(samples, row, b);
    s.same_on_targets = s.signed_zeros = false;
    s.reference = [](const Call& c) -> Results {
      return {pointwise(c, {0, 1}, kF64, [](const std::vector<Real>& v) {
        return std::pow(held(kF64, v[0]), held(kF64, v[1]));
      })};
    };
    if (!in_place) continue;
    s.dtypes = {kF64};
    s.bad_calls.clear();
    s.bad<ShapeError>("[2, 3]", zeros_of(kF64, {3}), zeros_of(kF64, {2, 3}));
    s.bad<DtypeError>("the target is f32", zeros_of(kF32, {2}), 2);
  }
}

// ---- With a factor

// The call's operands, and what stands for alpha as a whole number.
unsigned __int128 whole_of(Real value) {
  return static_cast<unsigned __int128>(static_cast<__int128>(value));
}

// input + sign·alpha·other, besides what `binary` asks. `swapped` is rsub.
void with_alpha(Sample& s, Real sign, bool swapped) {
  const auto plain = s.calls;
  const auto reference = s.reference;
  const bool in_place = s.strides == Strides::kTarget;
  s.calls = [plain, in_place](Maker& m) {
    plain(m);
    if (m.dtype == kBool) return;
    for (const Shape& shape : kPointwiseShapes) {
      m.call("alpha 2, " + to_string(shape), m.uniform(shape), m.uniform(shape), 2);
    }
    m.call("alpha 3, broadcast", m.uniform({2, 3, 4}), m.uniform({3, 1}), 3);
    if (!in_place) m.call("alpha 3, first broadcast", m.uniform({4}), m.uniform({2, 1, 4}), 3);
    m.call("alpha 3, number", m.uniform({2, 3}), 2, 3);
    if (is_float(m.dtype)) m.call("alpha -0.75", m.uniform({2, 3}), m.uniform({3}), -0.75);
    if (!is_unsigned_integer(m.dtype)) m.call("alpha -1", m.uniform({2, 3}), m.uniform({3}), -1);
  };
  s.reference = [=](const Call& c) -> Results {
    if (!c.given(2)) return reference(c);
    const DType computed = result_dtype(c, {0, 1});
    const DType dtype = in_place ? c.array(0).dtype : computed;
    const Real alpha = sign * c.real(2);
    const Call call = converted(c, {0, 1}, computed);
    const auto sum = [&](bool sizes) {
      return pointwise(call, {0, 1}, dtype, [&](std::vector<Real> v) {
        if (swapped) std::swap(v[0], v[1]);
        if (sizes) return std::abs(v[0]) + std::abs(alpha * v[1]);
        if (is_float(dtype)) return v[0] + alpha * v[1];
        return wrapped(dtype, whole_of(v[0]) + whole_of(alpha) * whole_of(v[1]));
      });
    };
    Array y = sum(false);
    if (is_float(dtype)) y.error = sum(true).values;
    return {y};
  };
  s.bad<DtypeError>("2.5", zeros_of(kI32, {2}), zeros_of(kI32, {2}), 2.5);
  s.bad<DtypeError>("alpha of bool", zeros_of(kF32, {2}), zeros_of(kF32, {2}), true);
  if (!swapped) s.bad<ValueError>("300", zeros_of(kU8, {2}), zeros_of(kU8, {2}), 300);
}

void sums(Samples& samples) {
  for (const char* row : {"add", "add_", "sub", "sub_", "subtract", "subtract_", "rsub"}) {
    const std::string name = row;
    const bool adds = name.starts_with("add"), swapped = name == "rsub";
    Binary b = adds ? kAdd : kSub;
    if (swapped) {
      b.f = [](Real a, Real c) { return c - a; };
      b.whole = [](Whole a, Whole c) { return c - a; };
    }
    Sample& s = name.ends_with('_') ? binary_in_place(samples, name, b) : binary(samples, name, b);
    if (!adds) s.bad<DtypeError>("bool", zeros_of(kBool, {2}), zeros_of(kBool, {2}));
    with_alpha(s, adds ? 1 : -1, swapped);
    if (swapped) s.strides = Strides::kUnchecked;  // those of sub(other, input)
  }
}

// addcmul, addcdiv: three tensors and a number.
void ternary(Samples& samples, const std::string& row) {
  const bool in_place = row.ends_with('_'), divides = row.starts_with("addcdiv");
  Sample& s = samples.add(row);
  s.strides = in_place ? Strides::kTarget : Strides::kPointwise;
  s.dtypes = divides ? kFloats : kNumbers;
  s.calls = [=](Maker& m) {
    auto last = [&](const Shape& shape) { return m.uniform(shape, divides ? 0.5 : -3, 3); };
    for (const Shape& shape : kPointwiseShapes) {
      m.call(to_string(shape), m.uniform(shape), m.uniform(shape), last(shape));
      m.call("2, " + to_string(shape), m.uniform(shape), m.uniform(shape), last(shape), 2);
    }
    m.call("broadcast", m.uniform({2, 3, 4}), m.uniform({3, 1}), last({4}), 3);
    if (!in_place) m.call("first broadcast", m.uniform({4}), m.uniform({3, 1}), last({2, 1, 1}));
    if (is_float(m.dtype)) m.call("-0.75", m.uniform({3, 5}), m.uniform({5}), last({3, 5}), -0.75);
    if (is_float(m.dtype)) {
      m.call("with f64", m.uniform({3, 5}), m.uniform_of(kF64, {5}, -2, 2), last({3, 5})).gradient =
          false;
    }
  };
  s.large = [divides](Maker& m) {
    m.call("large", m.uniform(kLargeShape), m.uniform(kLargeShape),
           m.uniform(kLargeShape, divides ? 0.5 : -3, 3), 2);
  };
  s.reference = [=](const Call& c) -> Results {
    const DType computed = result_dtype(c, {0, 1, 2});
    const DType dtype = in_place ? c.array(0).dtype : computed;
    const Real value = c.real(3, 1);
    const Call call = converted(c, {0, 1, 2}, computed);
    const auto sum = [&](bool sizes) {
      return pointwise(call, {0, 1, 2}, dtype, [&](const std::vector<Real>& v) {
        const Real product = value * v[1] * (divides ? 1 / v[2] : v[2]);
        if (sizes) return std::abs(v[0]) + 4 * std::abs(product);
        if (is_float(dtype)) return v[0] + product;
        return wrapped(dtype, whole_of(v[0]) + whole_of(value) * whole_of(v[1]) * whole_of(v[2]));
      });
    };
    Array y = sum(false);
    if (is_float(dtype)) y.error = sum(true).values;
    return {y};
  };
  const DType dtype = divides ? kI32 : kBool;
  s.bad<DtypeError>(divides ? "quotient" : "bool", zeros_of(dtype, {2}), zeros_of(dtype, {2}),
                    zeros_of(dtype, {2}));
  s.bad<ShapeError>("[2, 3]", zeros_of(kF32, {4}), zeros_of(kF32, {2, 3}), zeros_of(kF32, {2, 3}));
}

// The quotient as the machine has it, rounded.
void with_rounding(Sample& s) {
  const auto plain = s.calls;
  const auto reference = s.reference;
  const bool in_place = s.strides == Strides::kTarget;
  s.calls = [=](Maker& m) {
    plain(m);
    if (m.dtype == kBool || m.dtype == kU64) return;
    for (const char* rounding : {"floor", "trunc"}) {
      for (const Shape& shape : kPointwiseShapes) {
        m.call(rounding + to_string(shape), m.uniform(shape, -30, 30),
               m.uniform(shape, is_float(m.dtype) ? 0.5 : 1, 3), rounding)
            .gradient = false;
      }
      m.call(std::string(rounding) + " a number", m.uniform({3, 5}, -30, 30), 4, rounding)
          .gradient = false;
    }
  };
  s.reference = [=](const Call& c) -> Results {
    if (!c.given(2)) return reference(c);
    const DType computed = result_dtype(c, {0, 1});
    const bool down = c.text(2, "") == "floor";
    return {pointwise(c, {0, 1}, in_place ? c.array(0).dtype : computed,
                      [&](const std::vector<Real>& v) {
                        const Real quotient = v[0] / v[1];
                        return down ? std::floor(quotient) : std::trunc(quotient);
                      })};
  };
  s.bad<ValueError>("divided by 0", zeros_of(kI32, {2}), 0, "floor");
  s.bad<ValueError>("divided by 0", zeros_of(kU8, {2}), zeros_of(kU8, {2}), "trunc");
  s.bad<DtypeError>("bool", zeros_of(kBool, {2}), zeros_of(kBool, {2}), "trunc");
}

}  // namespace

void samples_arithmetic(Samples& samples) {
  sums(samples);
  for (const char* row : {"mul", "multiply"}) {
    binary(samples, row, kMul);
    // The gradient of `other` would need the overwritten input: autograd refuses, as its tests
    // show.
    binary_in_place(samples, std::string(row) + "_", kMul).differentiable = {0};
  }
  for (const char* row : {"div", "divide", "true_divide"}) {
    const bool rounds = std::string(row) != "true_divide";
    Sample& s = binary(samples, row, kDiv);
    if (rounds) with_rounding(s);
    Sample& in_place = binary_in_place(samples, std::string(row) + "_", kDiv);
    if (rounds) with_rounding(in_place);
  }
  for (const char* row : {"addcmul", "addcmul_", "addcdiv", "addcdiv_"}) ternary(samples, row);
  const Unary neg{.f = [](Real x) { return -x; },
                  .derivative = [](Real) -> Real { return -1; },
                  .gives_float = false,
                  .takes_bool = false,
                  .ulps = 0};
  unary(samples, "neg", neg);
  unary_in_place(samples, "neg_", neg);
  absolute(samples);
  powers(samples);
}

}  // namespace entasis::matrix
