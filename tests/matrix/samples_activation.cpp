// Smooth activations, their in-place forms and their gradients as functions.
#include "families.h"

namespace entasis::matrix {
namespace {

constexpr Real kSqrtHalf = 0.707106781186547524400844362104849039L;
constexpr Real kInverseSqrtTwoPi = 0.398942280401432677939946059934381868L;
constexpr Real kSqrtTwoOverPi = 0.797884560802865355879892119868763737L;
constexpr Real kSeluAlpha = 1.67326324235437728481704299167L;
constexpr Real kSeluScale = 1.05070098735548049341933498529L;

Real sigmoid(Real x) { return 1 / (1 + std::exp(-x)); }
Real sigmoid_slope(Real x) { return sigmoid(x) * sigmoid(-x); }
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
Real gelu_tanh_slope(Real x) {
  const Real inner = gelu_inner(x);
  const Real inner_slope = 2 * kSqrtTwoOverPi * (1 + 3 * 0.044715L * x * x);
  return sigmoid(inner) + product(product(x, inner_slope), sigmoid_slope(inner));
}
// log(1 + e^x).
Real log1p_exp(Real x) { return std::max(x, Real(0)) + std::log1p(std::exp(-std::abs(x))); }
Real mish_slope(Real x) {
  if (std::isnan(x)) return x;
  const Real t = std::tanh(log1p_exp(x));
  return t + product(x, (1 - t * t) * sigmoid(x));
}
Real exponential(Real x, Real alpha) { return x < 0 ? alpha * std::expm1(x) : x; }
Real exponential_slope(Real x, Real alpha) { return x > 0 ? 1 : alpha * std::exp(x); }

const Function kSilu{
    .f = [](Real x, const Parameters&) { return product(x, sigmoid(x)); },
    .slope = [](Real x, const Parameters&) { return sigmoid(x) + product(x, sigmoid_slope(x)); },
    .ulps = 4,
    .slope_ulps = 8,
    .underflow = 104,  // the sigmoid of -104 is 0 in f32, and -104 is what it is multiplied by
};
const Function kMish{
    .f = [](Real x, const Parameters&) { return product(x, std::tanh(log1p_exp(x))); },
    .slope = [](Real x, const Parameters&) { return mish_slope(x); },
    .ulps = 8,
    .slope_ulps = 12,
    .underflow = 104,  // as in silu
};
const Function kSoftsign{
    .f = [](Real x, const Parameters&) { return x / (1 + std::abs(x)); },
    .slope = [](Real x, const Parameters&) { return 1 / ((1 + std::abs(x)) * (1 + std::abs(x))); },
    .slope_ulps = 4,
};
const Function kLogSigmoid{
    .f = [](Real x, const Parameters&) { return -log1p_exp(-x); },
    .slope = [](Real x, const Parameters&) { return sigmoid(-x); },
    .slope_ulps = 4,
};
const Function kTanhShrink{
    .f = [](Real x, const Parameters&) { return x - std::tanh(x); },
    .slope = [](Real x, const Parameters&) { return std::tanh(x) * std::tanh(x); },
    .slope_ulps = 6,
};
const Function kSoftplus{
    .f = [](Real x,
            const Parameters& p) { return p[0] * x > p[1] ? x : log1p_exp(p[0] * x) / p[0]; },
    .slope = [](Real x, const Parameters& p) { return p[0] * x > p[1] ? 1 : sigmoid(p[0] * x); },
    .defaults = {1, 20},
    .others = {{4, 20}, {-0.5, 20}, {1, 1e9}},
    .ulps = 4,
    .slope_ulps = 8,
};
const Function kElu{
    .f = [](Real x, const Parameters& p) { return exponential(x, p[0]); },
    .slope = [](Real x, const Parameters& p) { return exponential_slope(x, p[0]); },
    .defaults = {1},
    .others = {{0}, {1.5}, {-0.5}},
    .ulps = 6,
    .slope_ulps = 4,
};
const Function kCelu{
    .f = [](Real x, const Parameters& p) { return x < 0 ? p[0] * std::expm1(x / p[0]) : x; },
    .slope = [](Real x, const Parameters& p) { return x > 0 ? 1 : std::exp(x / p[0]); },
    .defaults = {1},
    .others = {{2}, {0.75}},
    .ulps = 6,
    .slope_ulps = 8,
};
const Function kSelu{
    .f = [](Real x, const Parameters&) { return kSeluScale * exponential(x, kSeluAlpha); },
    .slope = [](Real x,
                const Parameters&) { return kSeluScale * exponential_slope(x, kSeluAlpha); },
    .kinks = {0},
    .ulps = 6,
    .slope_ulps = 4,
};

// The approximation is an argument by name.
void gelu_samples(Samples& samples) {
  const Function exact{.f = [](Real x, const Parameters&) { return gelu(x); },
                       .slope = [](Real x, const Parameters&) { return gelu_slope(x); },
                       .slope_ulps = 8,
                       .underflow = 104};  // as in silu
  Sample& s = function(samples, "gelu", exact);
  Sample& b = function_backward(samples, "gelu_backward", exact);
  for (Sample* sample : {&s, &b}) {
    const auto calls = sample->calls;
    const bool backward = sample == &b;
    sample->calls = [calls, backward](Maker& m) {
      calls(m);
      const std::vector<Real> ends = m.extremes();
      const Array extremes = m.of({int64_t(ends.size())}, ends);
      if (backward) {
        m.call("tanh", m.uniform({3, 7}), m.uniform({3, 7}), "tanh");
        return;
      }
      m.call("tanh", m.uniform({3, 7}), "tanh");
      m.call("tanh, extremes", extremes, "tanh").gradient = false;
    };
  }
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
  const auto by_erf = b.reference;
  b.reference = [by_erf](const Call& c) -> Results {
    if (c.text(2, "none") != "tanh") return by_erf(c);
    const DType dtype = float_or_f32(result_dtype(c, {0, 1}));
    const Call call = converted(c, {0, 1}, dtype);
    Array y = pointwise(call, {0, 1}, dtype,
                        [](const std::vector<Real>& v) { return v[0] * gelu_tanh_slope(v[1]); });
    for (Real g : call.array(0).values) y.error.push_back(30 * (std::abs(g) + Real(1e-3)));
    return {y};
  };
  s.bad<ValueError>("'none' 'tanh'", zeros_of(kF32, {2}), "sine");
}

// The reference of glu, and of its gradient where `grad` is given.
Array glu_of(const Array& x, const Array* grad, int64_t dim, DType dtype) {
  const int rank = int(x.shape.size());
  const size_t d = size_t(dim < 0 ? dim + rank : dim);
  int64_t inner = 1;
  for (size_t i = d + 1; i < x.shape.size(); ++i) inner *= x.shape[i];
  const int64_t half = x.shape[d] / 2 * inner;
  Array y{dtype, x.shape, {}};
  if (!grad) y.shape[d] /= 2;
  y.values.resize(size_t(numel_of(y.shape)));
  y.error.resize(y.values.size(), 1e-300L);
  const int64_t outer = half == 0 ? 0 : int64_t(x.values.size()) / (2 * half);
  for (int64_t o = 0; o < outer; ++o) {
    for (int64_t i = 0; i < half; ++i) {
      const Real a = x.values[size_t(2 * o * half + i)];
      const Real b = x.values[size_t((2 * o + 1) * half + i)];
      if (!grad) {
        y.values[size_t(o * half + i)] = a * sigmoid(b);
        y.error[size_t(o * half + i)] += 4 * std::abs(a * sigmoid(b));
        continue;
      }
      const Real g = grad->values[size_t(o * half + i)];
      y.values[size_t(2 * o * half + i)] = g * sigmoid(b);
      y.values[size_t((2 * o + 1) * half + i)] = g * a * sigmoid_slope(b);
      // Half types are rounded on the way.
      const Real step = is_float(dtype) && dtype != kF64 && dtype != kF32 ? 1 << 17 : 1;
      y.error[size_t(2 * o * half + i)] += 4 * step * std::abs(g);
      y.error[size_t((2 * o + 1) * half + i)] += 8 * step * std::abs(g * a);
    }
  }
  return y;
}

void glu_samples(Samples& samples) {
  Sample& s = samples.add("glu");
  s.strides = Strides::kUnchecked;  // those of a half of the input, which is no dense block
  s.calls = [](Maker& m) {
    m.call("last", m.uniform({3, 8}));
    m.call("first", m.uniform({4, 5}), 0);
    m.call("middle", m.uniform({2, 6, 3}), 1);
    m.call("vector", m.uniform({10}));
    m.call("empty", m.uniform({3, 0}));
  };
  s.reference = [](const Call& c) -> Results {
    const DType dtype = float_or_f32(c.array(0).dtype);
    return {glu_of(converted(c, {0}, dtype).array(0), nullptr, c.integer(1, -1), dtype)};
  };
  s.bad<ShapeError>("halves", zeros_of(kF32, {2, 3}));
  s.bad<ShapeError>("halves", zeros_of(kF32, {}));

  Sample& b = samples.add("glu_backward");
  b.strides = Strides::kUnchecked;
  b.dtypes = kFloats;
  b.calls = [](Maker& m) {
    m.call("last", m.uniform({3, 4}), m.uniform({3, 8}));
    m.call("first", m.uniform({2, 5}), m.uniform({4, 5}), 0);
    m.call("empty", m.uniform({3, 0}), m.uniform({3, 0}));
  };
  b.reference = [](const Call& c) -> Results {
    const Array grad = c.array(0);
    return {glu_of(c.array(1), &grad, c.integer(2, -1), c.array(1).dtype)};
  };
  b.bad<ShapeError>("halves", zeros_of(kF32, {2, 3}), zeros_of(kF32, {2, 3}));
}

}  // namespace

void samples_activation(Samples& samples) {
  gelu_samples(samples);
  for (const char* row : {"silu", "swish"}) function(samples, row, kSilu);
  for (const char* row : {"silu", "swish"}) {
    function_backward(samples, std::string(row) + "_backward", kSilu);
  }
  const std::pair<const char*, const Function*> functions[] = {{"mish", &kMish},
                                                               {"softsign", &kSoftsign},
                                                               {"logsigmoid", &kLogSigmoid},
                                                               {"softplus", &kSoftplus},
                                                               {"elu", &kElu},
                                                               {"celu", &kCelu},
                                                               {"selu", &kSelu},
                                                               {"tanhshrink", &kTanhShrink}};
  for (const auto& [row, f] : functions) {
    function(samples, row, *f);
    function_backward(samples, std::string(row) + "_backward", *f);
  }
  for (const auto& [row, f] : functions) {
    const std::string name = row;
    if (name == "elu" || name == "celu" || name == "selu") {
      function_in_place(samples, name + "_", *f);
    }
  }
  // The difference of two near numbers: as exact as the larger.
  Sample& shrink = samples.at("tanhshrink");
  const auto reference = shrink.reference;
  shrink.reference = [reference](const Call& c) -> Results {
    Results results = reference(c);
    const Call call = converted(c, {0}, results[0].dtype);
    results[0].error = pointwise(call, {0}, results[0].dtype, [](const std::vector<Real>& v) {
                         return std::isfinite(v[0]) ? 3 * std::abs(v[0]) + Real(1e-300) : Real(1);
                       }).values;
    return results;
  };
  for (const char* row : {"celu", "celu_"}) {
    samples.at(row).bad<ValueError>("alpha", zeros_of(kF32, {2}), 0.0);
  }
  glu_samples(samples);
}

}  // namespace entasis::matrix
