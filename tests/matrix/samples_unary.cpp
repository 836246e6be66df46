// Functions of one tensor.
#include "families.h"

namespace entasis::matrix {
namespace {

constexpr Real kSqrtHalf = 0.707106781186547524400844362104849039L;
constexpr Real kInverseSqrtTwoPi = 0.398942280401432677939946059934381868L;
constexpr Real kSqrtTwoOverPi = 0.797884560802865355879892119868763737L;

Real sigmoid(Real x) { return 1 / (1 + std::exp(-x)); }
Real sigmoid_slope(Real x) { return sigmoid(x) * sigmoid(-x); }
Real relu(Real x) { return std::isnan(x) ? x : std::max(x, Real(0)); }
// 0 where a factor has vanished, whatever the other is.
Real product(Real a, Real b) {
  return (a == 0 && std::isinf(b)) || (b == 0 && std::isinf(a)) ? 0 : a * b;
}

Real gaussian_distribution(Real x) { return std::erfc(-x * kSqrtHalf) / 2; }
Real gelu(Real x) { return product(x, gaussian_distribution(x)); }
Real gelu_slope(Real x) {
  return gaussian_distribution(x) + product(x, kInverseSqrtTwoPi * std::exp(-x * x / 2));
}
// Twice the argument of the tanh in the approximation.
Real gelu_inner(Real x) { return 2 * kSqrtTwoOverPi * (x + 0.044715L * x * x * x); }
Real gelu_tanh(Real x) { return product(x, sigmoid(gelu_inner(x))); }
Real silu(Real x) { return product(x, sigmoid(x)); }
// x tanh(log(1 + e^x)), and its slope.
Real softplus(Real x) { return std::max(x, Real(0)) + std::log1p(std::exp(-std::abs(x))); }
Real mish(Real x) { return std::isnan(x) ? x : product(x, std::tanh(softplus(x))); }
Real mish_slope(Real x) {
  if (std::isnan(x)) return x;
  const Real t = std::tanh(softplus(x));
  return t + product(x, (1 - t * t) * sigmoid(x));
}
Real softsign(Real x) { return x / (1 + std::abs(x)); }
Real softsign_slope(Real x) { return 1 / ((1 + std::abs(x)) * (1 + std::abs(x))); }
Real silu_slope(Real x) { return sigmoid(x) + product(x, sigmoid_slope(x)); }

void gelu_samples(Samples& samples) {
  Sample& s = unary(samples, "gelu", {.f = gelu, .derivative = gelu_slope});
  s.underflow = 104;  // as in silu
  s.signed_zeros = false;
  const auto calls = s.calls;
  s.calls = [calls](Maker& m) {
    calls(m);
    m.call("tanh", m.uniform({3, 7}), "tanh");
    const std::vector<Real> extremes = m.extremes();
    m.call("tanh, extremes", m.of({int64_t(extremes.size())}, extremes), "tanh").gradient = false;
  };
  s.reference = [](const Call& c) -> Results {
    const bool by_tanh = c.text(1, "none") == "tanh";
    const DType dtype = float_or_f32(c.array(0).dtype);
    const Call call = converted(c, {0}, dtype);
    Array y = pointwise(call, {0}, dtype, [&](const std::vector<Real>& v) {
      return by_tanh ? gelu_tanh(v[0]) : gelu(v[0]);
    });
    // 1 + erf(x / sqrt 2) is computed as such: off by some roundings of 1, not of itself. The
    // sigmoid magnifies the three roundings of its argument.
    y.error = pointwise(call, {0}, dtype, [&](const std::vector<Real>& v) {
                const Real x = v[0], inner = gelu_inner(x);
                if (!std::isfinite(x)) return Real(1);
                return by_tanh ? 3 * std::abs(gelu_tanh(x)) +
                                     3 * product(product(std::abs(x), std::abs(inner)),
                                                 sigmoid_slope(inner))
                               : 4 * std::abs(x);
              }).values;
    for (Real& e : y.error) e = std::max(e, std::numeric_limits<Real>::min());
    return {y};
  };
  s.bad<ValueError>("'none' 'tanh'", zeros_of(kF32, {2}), "sine");
}

}  // namespace

void samples_unary(Samples& samples) {
  const Unary exp{.f = [](Real x) { return std::exp(x); },
                  .derivative = [](Real x) { return std::exp(x); }};
  const Unary sqrt{.f = [](Real x) { return std::sqrt(x); },
                   .derivative = [](Real x) { return 1 / (2 * std::sqrt(x)); },
                   .low = 0.25};
  const Unary tanh{.f = [](Real x) { return std::tanh(x); },
                   .derivative = [](Real x) { return 1 / (std::cosh(x) * std::cosh(x)); }};
  const Unary logistic{.f = sigmoid, .derivative = sigmoid_slope};
  const Unary rectifier{.f = relu,
                        .derivative = [](Real x) -> Real { return x <= 0 ? 0 : 1; },
                        .gives_float = false,
                        .takes_bool = false,
                        .orders = true,
                        .ulps = 0};
  unary(samples, "exp", exp);
  unary(samples, "log",
        {.f = [](Real x) { return std::log(x); },
         .derivative = [](Real x) { return 1 / x; },
         .low = 0.25});
  unary(samples, "sqrt", sqrt);
  unary(samples, "tanh", tanh);
  unary(samples, "sigmoid", logistic);
  unary(samples, "relu", rectifier).signed_zeros = false;
  for (const char* row : {"silu", "swish"}) {
    Sample& s = unary(samples, row, {.f = silu, .derivative = silu_slope, .ulps = 4});
    s.underflow = 104;  // the sigmoid of -104 is 0 in f32, and -104 is what it is multiplied by
    s.signed_zeros = false;
  }
  {
    Sample& s = unary(samples, "mish", {.f = mish, .derivative = mish_slope, .ulps = 8});
    s.underflow = 104;  // as in silu
    s.signed_zeros = false;
  }
  unary(samples, "softsign", {.f = softsign, .derivative = softsign_slope});
  gelu_samples(samples);
  unary_in_place(samples, "exp_", exp);
  unary_in_place(samples, "sqrt_", sqrt);
  unary_in_place(samples, "tanh_", tanh);
  unary_in_place(samples, "sigmoid_", logistic);
  unary_in_place(samples, "relu_", rectifier).signed_zeros = false;
}

}  // namespace entasis::matrix
