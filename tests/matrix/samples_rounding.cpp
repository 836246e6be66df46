// Rounding and signs.
#include "families.h"

namespace entasis::matrix {
namespace {

Real fraction(Real x) { return std::isinf(x) ? Real(NAN) : x - std::trunc(x); }
Real sign_of(Real x) { return x > 0 ? 1 : x < 0 ? -1 : 0; }

// A step function, and in place. Drawn values stand beside the jumps, where there is no gradient.
void step(Samples& samples, const std::string& row, Real (*f)(Real)) {
  const Unary u{.f = f,
                .derivative = [](Real) -> Real { return 0; },
                .gives_float = false,
                .takes_bool = false,
                .ulps = 0};
  for (Sample* s : {&unary(samples, row, u), &unary_in_place(samples, row + "_", u)}) {
    s->same_on_targets = true;
    s->signed_zeros = false;
    const auto calls = s->calls;
    s->calls = [calls](Maker& m) {
      calls(m);
      for (Call& call : m.calls) {
        for (CallArgument& argument : call.arguments) {
          Array* x = std::get_if<Array>(&argument);
          if (!x || !is_float(x->dtype) || !call.gradient) continue;
          for (Real& v : x->values) {
            // Halves and integers are where these functions jump.
            if (std::abs(2 * v - std::nearbyint(2 * v)) < Real(0.02)) v += 0.25L;
            v = held(x->dtype, v);
          }
        }
      }
    };
  }
}

Real half_even(Real x) { return std::nearbyint(x); }

// Rounds as the row does: a product, a rounding to an integer, a quotient, each rounded to f32 or
// f64.
Real round_to(DType dtype, Real x, int64_t decimals) {
  if (decimals == 0) return half_even(x);
  const DType type = dtype == kF64 ? kF64 : kF32;
  const Real ten = held(type, std::pow(Real(10), Real(std::abs(decimals))));
  if (decimals > 0) return half_even(held(type, x * ten)) / ten;
  return half_even(held(type, x / ten)) * ten;
}

void with_decimals(Sample& s) {
  const auto calls = s.calls;
  s.calls = [calls](Maker& m) {
    calls(m);
    if (!is_float(m.dtype)) return;
    const std::vector<Real> extremes = m.extremes();
    for (int64_t decimals : {2, -1, 60}) {
      const std::string name = std::to_string(decimals) + " decimals";
      m.call(name, m.uniform({3, 7}, -30, 30), decimals).gradient = false;
      m.call(name + ", extremes", m.of({int64_t(extremes.size())}, extremes), decimals).gradient =
          false;
    }
  };
  s.reference = [](const Call& c) -> Results {
    const DType dtype = c.array(0).dtype;
    return {pointwise(c, {0}, dtype, [&](const std::vector<Real>& v) {
      return is_float(dtype) ? round_to(dtype, v[0], c.integer(1, 0)) : v[0];
    })};
  };
  s.ulps = 1;
  s.bad<DtypeError>("decimals of i32", zeros_of(kI32, {2}), 1);
}

Real largest_of(DType dtype) { return highest_finite(dtype); }

void nan_to_num(Samples& samples, const std::string& row, bool in_place) {
  const Unary u{.f = nullptr, .gives_float = false, .ulps = 0};
  Sample& s = in_place ? unary_in_place(samples, row, u) : unary(samples, row, u);
  s.same_on_targets = true;
  const auto calls = s.calls;
  s.calls = [calls](Maker& m) {
    calls(m);
    const std::vector<Real> extremes = m.extremes();
    m.call("numbers", m.of({int64_t(extremes.size())}, extremes), 1.5, 2.0, -2.5).gradient = false;
    m.call("one number", m.of({int64_t(extremes.size())}, extremes), 0.0, std::nullopt, 7.0)
        .gradient = false;
  };
  s.reference = [](const Call& c) -> Results {
    const DType dtype = c.array(0).dtype;
    return {pointwise(c, {0}, dtype, [&](const std::vector<Real>& v) {
      const Real x = v[0];
      if (!is_float(dtype)) return x;
      if (std::isnan(x)) return c.real(1, 0);
      if (!std::isinf(x)) return x;
      return x > 0 ? c.real(2, largest_of(dtype)) : c.real(3, -largest_of(dtype));
    })};
  };
  if (in_place) return;
  s.derivative = [](Real x) -> Real { return std::isfinite(x) ? 1 : 0; };
}

}  // namespace

void samples_rounding(Samples& samples) {
  step(samples, "floor", [](Real x) { return std::floor(x); });
  step(samples, "ceil", [](Real x) { return std::ceil(x); });
  step(samples, "trunc", [](Real x) { return std::trunc(x); });
  step(samples, "round", half_even);
  with_decimals(samples.at("round"));
  with_decimals(samples.at("round_"));

  const Unary frac{.f = fraction,
                   .derivative = [](Real) -> Real { return 1; },
                   .gives_float = false,
                   .takes_bool = false,
                   .low = 0.05,
                   .high = 0.9,
                   .ulps = 0};
  const Unary sign{.f = sign_of,
                   .derivative = [](Real) -> Real { return 0; },
                   .gives_float = false,
                   .orders = true,
                   .low = 0.25,
                   .ulps = 0};
  const Unary positive{.f = [](Real x) { return x; },
                       .derivative = [](Real) -> Real { return 1; },
                       .gives_float = false,
                       .takes_bool = false,
                       .ulps = 0};
  for (const bool in_place : {false, true}) {
    const auto add = in_place ? &unary_in_place : &unary;
    const std::string end = in_place ? "_" : "";
    for (Sample* s : {&add(samples, "frac" + end, frac), &add(samples, "sign" + end, sign)}) {
      s->same_on_targets = true;
      s->signed_zeros = false;
    }
    nan_to_num(samples, "nan_to_num" + end, in_place);
  }
  unary(samples, "positive", positive).strides = Strides::kView;
}

}  // namespace entasis::matrix
