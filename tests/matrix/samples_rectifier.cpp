// Activations of straight pieces, their in-place forms and their gradients as functions.
#include "families.h"

namespace entasis::matrix {
namespace {

Real limited(Real x, Real low, Real high) { return std::min(std::max(x, low), high); }

const Function kRelu{
    .f = [](Real x, const Parameters&) { return std::max(x, Real(0)); },
    .slope = [](Real x, const Parameters&) -> Real { return x <= 0 ? 0 : 1; },
    .kinks = {0},
    .gives_float = false,
    .ulps = 0,
};
const Function kRelu6{
    .f = [](Real x, const Parameters&) { return limited(x, 0, 6); },
    .slope = [](Real x, const Parameters&) -> Real { return x <= 0 || x >= 6 ? 0 : 1; },
    .kinks = {0},
    .gives_float = false,
    .ulps = 0,
};
const Function kHardtanh{
    .f = [](Real x, const Parameters& p) { return limited(x, p[0], p[1]); },
    .slope = [](Real x, const Parameters& p) -> Real { return x <= p[0] || x >= p[1] ? 0 : 1; },
    .defaults = {-1, 1},
    .others = {{-2.5, 0.5}, {1, 1}},
    .kinks = {-1, 1},
    .gives_float = false,
    .ulps = 0,
};
const Function kThreshold{
    .f = [](Real x, const Parameters& p) { return x <= p[0] ? p[1] : x; },
    .slope = [](Real x, const Parameters& p) -> Real { return x <= p[0] ? 0 : 1; },
    .defaults = {0.5, 7.75},
    .others = {{1, 0}},
    .kinks = {0.5},
    .required = true,
    .gives_float = false,
    .ulps = 0,
};
const Function kLeakyRelu{
    .f = [](Real x, const Parameters& p) { return x > 0 ? x : p[0] * x; },
    .slope = [](Real x, const Parameters& p) { return x > 0 ? 1 : p[0]; },
    .defaults = {0.01L},
    .others = {{0}, {0.25}, {-0.5}},
    .kinks = {0},
    .ulps = 2,
    .slope_ulps = 2,
};
// Outside of training it is leaky_relu with the mean slope.
const Function kRrelu{
    .f = [](Real x, const Parameters& p) { return x > 0 ? x : (p[0] + p[1]) / 2 * x; },
    .slope = [](Real x, const Parameters& p) { return x > 0 ? 1 : (p[0] + p[1]) / 2; },
    .defaults = {1.0L / 8, 1.0L / 3},
    .others = {{0.25, 0.75}},
    .kinks = {0},
    .ulps = 2,
};
const Function kHardSigmoid{
    .f = [](Real x, const Parameters&) { return limited(x + 3, 0, 6) / 6; },
    .slope = [](Real x, const Parameters&) -> Real { return std::abs(x) < 3 ? 1.0L / 6 : 0; },
    .kinks = {-3, 3},
    .slope_ulps = 2,
};
const Function kHardSwish{
    .f =
        [](Real x, const Parameters&) {
          const Real weight = limited(x + 3, 0, 6) / 6;
          return weight == 0 ? 0 : x * weight;
        },
    .slope = [](Real x, const Parameters&) -> Real {
      return x <= -3 ? 0 : x < 3 ? x / 3 + 0.5L : 1;  // NaN passes, as in PyTorch
    },
    .kinks = {-3, 3},
    .ulps = 4,
    .slope_ulps = 4,
};
const Function kHardShrink{
    .f = [](Real x, const Parameters& p) { return std::abs(x) <= p[0] ? 0 : x; },
    .slope = [](Real x, const Parameters& p) -> Real { return std::abs(x) <= p[0] ? 0 : 1; },
    .defaults = {0.5},
    .others = {{1.5}, {0}},
    .kinks = {-0.5, 0.5},
    .ulps = 0,
};
const Function kSoftShrink{
    .f = [](Real x,
            const Parameters& p) { return std::abs(x) <= p[0] ? 0 : x - std::copysign(p[0], x); },
    .slope = [](Real x, const Parameters& p) -> Real { return std::abs(x) <= p[0] ? 0 : 1; },
    .defaults = {0.5},
    .others = {{1.5}, {0}},
    .kinks = {-0.5, 0.5},
};

Array slopes_like(const Array& x, const Array& weight) {
  Array slopes = x;
  const int64_t channels = weight.numel();
  int64_t inner = 1;
  for (size_t i = 2; i < x.shape.size(); ++i) inner *= x.shape[i];
  for (size_t i = 0; i < x.values.size(); ++i) {
    const size_t channel = channels == 1 ? 0 : (i / size_t(inner)) % size_t(channels);
    slopes.values[i] = weight.values[channel];
  }
  return slopes;
}

Array beside_zero(Array array) {
  for (Real& v : array.values) {
    if (is_float(array.dtype) && std::abs(v) < Real(0.01)) v = held(array.dtype, v + 0.25L);
  }
  return array;
}

void prelu(Samples& samples) {
  Sample& s = samples.add("prelu");
  s.strides = Strides::kPointwise;
  s.ulps = 2;
  s.calls = [](Maker& m) {
    auto draw = [&](const Shape& shape) { return beside_zero(m.uniform(shape)); };
    m.call("one slope", draw({3, 4, 5}), m.uniform({1}));
    m.call("a 0-d slope", draw({3, 4}), m.uniform({}));
    m.call("channels", draw({2, 3, 4, 5}), m.uniform({3}));
    m.call("a row", draw({3, 67}), m.uniform({67}));
    m.call("vector", draw({9}), m.uniform({1}));
    m.call("0-d", draw({}), m.uniform({1}));
    m.call("empty", draw({0, 3}), m.uniform({3}));
    const std::vector<Real> extremes = m.extremes();
    m.call("extremes", m.of({int64_t(extremes.size())}, extremes), m.of({1}, {2})).gradient = false;
  };
  s.large = [](Maker& m) { m.call("large", m.uniform(kLargeShape), m.uniform({kLargeShape[1]})); };
  s.reference = [](const Call& c) -> Results {
    Call call = c;
    call.arguments[1] = slopes_like(c.array(0), c.array(1));
    const DType dtype = float_or_f32(c.array(0).dtype);
    return {pointwise(converted(call, {0, 1}, dtype), {0, 1}, dtype,
                      [](const std::vector<Real>& v) { return v[0] > 0 ? v[0] : v[1] * v[0]; })};
  };
  s.bad<ShapeError>("3 elements", zeros_of(kF32, {2, 4}), zeros_of(kF32, {3}));
  s.bad<ShapeError>("at most one dimension", zeros_of(kF32, {2, 4}), zeros_of(kF32, {1, 4}));
  s.bad<DtypeError>("weight f64", zeros_of(kF32, {2}), zeros_of(kF64, {1}));

  Sample& b = samples.add("prelu_backward");
  b.strides = Strides::kUnchecked;  // of the sum, which is dense
  b.dtypes = {kF32, kF64};
  b.calls = [](Maker& m) {
    m.call("one slope", m.uniform({3, 4}), beside_zero(m.uniform({3, 4})), m.uniform({1}));
    m.call("channels", m.uniform({2, 3, 4}), beside_zero(m.uniform({2, 3, 4})), m.uniform({3}));
    m.call("empty", m.uniform({0, 3}), m.uniform({0, 3}), m.uniform({3}));
  };
  b.reference = [](const Call& c) -> Results {
    const Array &g = c.array(0), &x = c.array(1), &w = c.array(2);
    const Array slopes = slopes_like(x, w);
    Array along_x = x, along_w = zeros_of(w.dtype, w.shape);
    std::vector<Total> totals(along_w.values.size());
    int64_t inner = 1;
    for (size_t i = 2; i < x.shape.size(); ++i) inner *= x.shape[i];
    for (size_t i = 0; i < x.values.size(); ++i) {
      const bool left = !(x.values[i] > 0);
      along_x.values[i] = left ? g.values[i] * slopes.values[i] : g.values[i];
      const size_t channel = w.numel() == 1 ? 0 : (i / size_t(inner)) % size_t(w.numel());
      totals[channel].add(left ? g.values[i] * x.values[i] : 0);
    }
    for (size_t k = 0; k < totals.size(); ++k) {
      along_w.values[k] = totals[k].value;
      along_w.error.push_back(totals[k].error() + Real(1e-300));
    }
    return {along_x, along_w};
  };
  b.bad<ShapeError>("3 elements", zeros_of(kF32, {2, 4}), zeros_of(kF32, {2, 4}),
                    zeros_of(kF32, {3}));
}

void rrelu(Samples& samples) {
  function(samples, "rrelu", kRrelu).bad<ValueError>("wrong way", zeros_of(kF32, {2}), 0.5, 0.25);
  function_in_place(samples, "rrelu_", kRrelu);
  Sample& s = samples.add("rrelu_backward");
  s.strides = Strides::kPointwise;
  s.calls = [](Maker& m) {
    for (const Shape& shape : kPointwiseShapes) {
      m.call(to_string(shape), m.uniform(shape), beside_zero(m.uniform(shape)), m.uniform(shape));
    }
  };
  s.reference = [](const Call& c) -> Results {
    const DType dtype = float_or_f32(result_dtype(c, {0, 1, 2}));
    return {pointwise(converted(c, {0, 1, 2}, dtype), {0, 1, 2}, dtype,
                      [](const std::vector<Real>& v) { return v[1] > 0 ? v[0] : v[0] * v[2]; })};
  };
  s.bad<ShapeError>("[2, 3]", zeros_of(kF32, {2, 3}), zeros_of(kF32, {2, 4}), zeros_of(kF32, {}));
}

}  // namespace

void samples_rectifier(Samples& samples) {
  struct Entry {
    const char* row;
    const Function* f;
    bool in_place, backward;
  };
  for (const Entry& e : {Entry{"relu", &kRelu, true, true},
                         {"relu6", &kRelu6, false, true},
                         {"hardtanh", &kHardtanh, true, true},
                         {"threshold", &kThreshold, true, false},
                         {"leaky_relu", &kLeakyRelu, true, true},
                         {"hardsigmoid", &kHardSigmoid, false, true},
                         {"hardswish", &kHardSwish, false, true},
                         {"hardshrink", &kHardShrink, false, true},
                         {"softshrink", &kSoftShrink, false, true}}) {
    const std::string row = e.row;
    function(samples, row, *e.f);
    if (e.in_place) function_in_place(samples, row + "_", *e.f);
    if (e.backward) function_backward(samples, row + "_backward", *e.f);
  }
  Function threshold = kThreshold;  // its gradient has one parameter
  threshold.slope = [](Real x, const Parameters& p) -> Real { return x <= p[0] ? 0 : 1; };
  threshold.defaults = {0.5};
  threshold.others = {{1}};
  function_backward(samples, "threshold_backward", threshold);

  // Of integers the limits are integers; an unsigned one is not below 0.
  for (const char* row : {"hardtanh", "hardtanh_"}) {
    Sample& s = samples.at(row);
    for (DType dtype : {kU8, kU16, kU32}) std::erase(s.dtypes, dtype);
    s.bad<ValueError>("wrong way", zeros_of(kF32, {2}), 2.0, 1.0);
  }
  samples.at("softshrink").bad<ValueError>("negative", zeros_of(kF32, {2}), -0.5);
  prelu(samples);
  rrelu(samples);
}

}  // namespace entasis::matrix
