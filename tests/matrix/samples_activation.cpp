// Activations with parameters.
#include "families.h"

namespace entasis::matrix {
namespace {

constexpr Real kSeluAlpha = 1.67326324235437728481704299167L;
constexpr Real kSeluScale = 1.05070098735548049341933498529L;

Real leaky(Real x, Real slope) { return x > 0 ? x : slope * x; }
Real exponential(Real x, Real alpha) { return x < 0 ? alpha * std::expm1(x) : x; }
Real exponential_slope(Real x, Real alpha) { return x > 0 ? 1 : alpha * std::exp(x); }
Real softplus(Real x, Real beta, Real threshold) {
  const Real t = beta * x;
  if (std::isnan(t)) return t;
  return t > threshold ? x : (std::max(t, Real(0)) + std::log1p(std::exp(-std::abs(t)))) / beta;
}

// Lets the reference read argument 1, and adds calls with these values of it.
void with_parameter(Sample& s, Real (*f)(Real x, Real parameter), Real fallback,
                    const std::vector<double>& parameters) {
  const auto calls = s.calls;
  s.calls = [=](Maker& m) {
    calls(m);
    const std::vector<Real> extremes = m.extremes();
    for (const double p : parameters) {
      const std::string name = std::to_string(p);
      m.call(name, m.uniform({3, 7}), p);
      m.call(name + ", extremes", m.of({int64_t(extremes.size())}, extremes), p).gradient = false;
    }
  };
  s.reference = [=](const Call& c) -> Results {
    const DType dtype = float_or_f32(c.array(0).dtype);
    return {pointwise(converted(c, {0}, dtype), {0}, dtype,
                      [&](const std::vector<Real>& v) { return f(v[0], c.real(1, fallback)); })};
  };
}

void softplus_samples(Samples& samples) {
  Sample& s =
      unary(samples, "softplus",
            {.f = [](Real x) { return softplus(x, 1, 20); },
             .derivative = [](Real x) -> Real { return x > 20 ? 1 : 1 / (1 + std::exp(-x)); },
             .ulps = 4});
  const auto calls = s.calls;
  s.calls = [calls](Maker& m) {
    calls(m);
    const std::vector<Real> extremes = m.extremes();
    const Array ends = m.of({int64_t(extremes.size())}, extremes);
    m.call("steep", m.uniform({3, 7}), 4.0);
    m.call("turned", m.uniform({3, 7}), -0.5);
    m.call("steep, extremes", ends, 4.0).gradient = false;
    m.call("low threshold", m.uniform({3, 67}), 2.0, 1.0).gradient = false;  // it jumps there
    m.call("no threshold, extremes", ends, 1, INFINITY).gradient = false;
  };
  s.reference = [](const Call& c) -> Results {
    const DType dtype = float_or_f32(c.array(0).dtype);
    return {pointwise(converted(c, {0}, dtype), {0}, dtype, [&](const std::vector<Real>& v) {
      return softplus(v[0], c.real(1, 1), c.real(2, 20));
    })};
  };
}

}  // namespace

void samples_activation(Samples& samples) {
  const Unary leaky_relu{.f = [](Real x) { return leaky(x, 0.01); },
                         .derivative = [](Real x) -> Real { return x > 0 ? 1 : 0.01L; },
                         .ulps = 2};
  const Unary elu{.f = [](Real x) { return exponential(x, 1); },
                  .derivative = [](Real x) { return exponential_slope(x, 1); },
                  .ulps = 6};
  const Unary selu{
      .f = [](Real x) { return kSeluScale * exponential(x, kSeluAlpha); },
      .derivative = [](Real x) { return kSeluScale * exponential_slope(x, kSeluAlpha); },
      .ulps = 6};
  const std::vector<double> slopes = {0, 0.25, -0.5};
  const std::vector<double> alphas = {0, 1.5, -0.5};
  for (const bool in_place : {false, true}) {
    const auto add = in_place ? &unary_in_place : &unary;
    const std::string end = in_place ? "_" : "";
    with_parameter(add(samples, "leaky_relu" + end, leaky_relu), &leaky, 0.01, slopes);
    with_parameter(add(samples, "elu" + end, elu), &exponential, 1, alphas);
    add(samples, "selu" + end, selu);
  }
  softplus_samples(samples);
}

}  // namespace entasis::matrix
