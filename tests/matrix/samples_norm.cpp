// Normalisations.
#include <algorithm>

#include "sample.h"

namespace entasis::matrix {
namespace {

Array zeros(const Shape& shape, DType dtype = kF32) { return zeros_of(dtype, shape); }

// Mean and biased variance of some values, with their errors in units of the computing type.
struct Moments {
  Real mean = 0, variance = 0, mean_error = 0, variance_error = 0;
};
Moments moments_of(const std::vector<Real>& values) {
  Total total, squares, first_order;
  for (Real v : values) total.add(v);
  const Real n = Real(values.size());
  Moments m;
  m.mean = total.value / n;
  m.mean_error = total.error() / n + std::abs(m.mean);
  for (Real v : values) {
    squares.add((v - m.mean) * (v - m.mean));
    first_order.add(2 * std::abs(v - m.mean) * m.mean_error);
  }
  m.variance = squares.value / n;
  // The last term is of second order, in f32 the most.
  m.variance_error = (squares.error() + 4 * squares.size + first_order.size) / n +
                     m.mean_error * m.mean_error * 0x1p-24L;
  return m;
}

// One normalised element and its error.
struct Element {
  Real value, error;
};
Element normalized(Real x, const Moments& m, Real eps, Real weight, Real bias) {
  const Real scale = weight / std::sqrt(m.variance + eps);
  const Real relative = 6 + m.variance_error / (m.variance + eps);
  const Real value = (x - m.mean) * scale + bias;
  return {value, std::abs(scale) * (m.mean_error + std::abs(x - m.mean) * relative) +
                     2 * std::abs(bias) + std::abs(value)};
}

void layer_norm(Samples& samples) {
  Sample& s = samples.add("layer_norm");
  s.dtypes = kFloats;
  s.calls = [](Maker& m) {
    auto affine = [&](const Shape& shape) { return m.uniform(shape, 0.5, 2); };
    m.call("rows", m.uniform({3, 7}), Shape{7}, affine({7}), affine({7}));
    m.call("long rows", m.uniform({2, 67}), Shape{67}, affine({67}), affine({67}));
    m.call("two dims", m.uniform({2, 3, 4}), Shape{3, 4}, affine({3, 4}), affine({3, 4}));
    m.call("4-d", m.uniform({2, 3, 2, 5}), Shape{5}, affine({5}), affine({5}));
    m.call("whole", m.uniform({2, 5}), Shape{2, 5});
    m.call("no weight", m.uniform({3, 7}), Shape{7}, std::nullopt, affine({7}));
    m.call("no bias", m.uniform({3, 7}), Shape{7}, affine({7}));
    m.call("eps", m.uniform({3, 7}), Shape{7}, std::nullopt, std::nullopt, 0.25);
    m.call("empty", m.uniform({0, 3}), Shape{3}, affine({3}), affine({3}));
    m.call("NaN", m.of({2, 3}, {1, NAN, 2, 3, 4, 6}), Shape{3}).gradient = false;
    // Only eps keeps the slope finite there, and differences do not see it.
    m.call("constant", m.of({2, 3}, {1, 1, 1, 2, 2, 2}), Shape{3}).gradient = false;
    for (Call& call : m.calls) call.ties_if_repeated = call.label == "whole";
  };
  s.large = [](Maker& m) {
    m.call("rows", m.uniform({301, 701}), Shape{701}, m.uniform({701}), m.uniform({701}));
    m.call("short rows", m.uniform({7001, 33}), Shape{33}, m.uniform({33}), m.uniform({33}));
  };
  s.reference = [](const Call& c) -> Results {
    const Array& x = c.array(0);
    const size_t n = size_t(numel_of(c.dims(1)));
    const Real eps = c.real(4, 1e-5);
    Array y = x;
    y.error.assign(y.values.size(), 0);
    for (size_t row = 0; row < x.values.size(); row += n) {
      const Moments moments =
          moments_of({x.values.begin() + long(row), x.values.begin() + long(row + n)});
      for (size_t i = 0; i < n; ++i) {
        const Element e =
            normalized(x.values[row + i], moments, eps, c.given(2) ? c.array(2).values[i] : 1,
                       c.given(3) ? c.array(3).values[i] : 0);
        y.values[row + i] = e.value;
        y.error[row + i] = e.error;
      }
    }
    return {y};
  };
  s.bad<ShapeError>("must be the last sizes", zeros({2, 3}), Shape{2});
  s.bad<ShapeError>("weight has shape [2]", zeros({2, 3}), Shape{3}, zeros({2}));
  s.bad<DtypeError>("must be floating-point", zeros({2, 3}, kI32), Shape{3});
}

// Results of a batch norm: output, and new running statistics where old ones were given.
Results batch_normalized(const Call& c, bool training, Real momentum, Real eps) {
  const Array& x = c.array(0);
  const int64_t channels = x.shape[1];
  std::vector<std::vector<Real>> values(static_cast<size_t>(channels));
  each_index(x.shape, [&](const Index& index) { values[size_t(index[1])].push_back(x.at(index)); });
  std::vector<Moments> moments;
  Results statistics;
  for (int i = 1; i <= 2; ++i) {
    if (c.given(i)) statistics.push_back(c.array(i));
  }
  for (Array& statistic : statistics) statistic.error.assign(statistic.values.size(), 0);
  for (size_t channel = 0; channel < values.size(); ++channel) {
    if (!training) {
      moments.push_back({c.array(1).values[channel], c.array(2).values[channel]});
      continue;
    }
    if (values[channel].empty()) {  // no statistics, and nothing to move towards
      moments.push_back({});
      continue;
    }
    const Moments m = moments_of(values[channel]);
    const Real n = Real(values[channel].size()), unbiased = n / (n - 1);
    moments.push_back(m);
    const Real batch[] = {m.mean, m.variance * unbiased};
    const Real batch_error[] = {m.mean_error, m.variance_error * unbiased};
    size_t k = 0;
    for (int i = 0; i < 2; ++i) {
      if (!c.given(i + 1)) continue;
      const Real old = (1 - momentum) * c.array(i + 1).values[channel];
      statistics[k].values[channel] = old + momentum * batch[i];
      statistics[k].error[channel] =
          3 * (std::abs(old) + std::abs(momentum * batch[i])) + momentum * batch_error[i];
      ++k;
    }
  }
  Array y = x;
  y.error.assign(y.values.size(), 0);
  each_index(x.shape, [&](const Index& index) {
    const auto channel = size_t(index[1]), i = size_t(x.position(index));
    const Element e =
        normalized(x.values[i], moments[channel], eps, c.given(3) ? c.array(3).values[channel] : 1,
                   c.given(4) ? c.array(4).values[channel] : 0);
    y.values[i] = e.value;
    y.error[i] = e.error;
  });
  Results results = {y};
  results.insert(results.end(), statistics.begin(), statistics.end());
  return results;
}

// Arguments of a batch norm over `shape`; `add` makes the call with them.
struct BatchNormArguments {
  Array input, mean, variance, weight, bias;
};
BatchNormArguments batch_norm_arguments(Maker& m, const Shape& shape) {
  const Shape channels = {shape[1]};
  return {m.uniform(shape), m.uniform(channels, -1, 1), m.uniform(channels, 0.5, 2),
          m.uniform(channels, 0.5, 2), m.uniform(channels)};
}

const std::vector<Shape> kBatchShapes = {{5, 3}, {2, 3, 4}, {2, 3, 2, 3}, {2, 2, 5, 7}, {3, 17, 2}};

// With the batch repeated a channel has but one or two values. Where they are alike, only eps keeps
// the slope finite, and differences of a larger step do not see it.
void mark_nearly_constant(Maker& m) {
  for (Call& call : m.calls) call.ties_if_repeated = call.array(0).rank() < 4;
}

void batch_norm(Samples& samples) {
  {
    Sample& s = samples.add("batch_norm");
    s.dtypes = kFloats;
    s.strides = Strides::kChannelsLastLike;
    s.differentiable = {0, 3, 4};
    s.written = {1, 2};
    s.calls = [](Maker& m) {
      for (const Shape& shape : kBatchShapes) {
        const auto a = batch_norm_arguments(m, shape);
        m.call("training " + to_string(shape), a.input, a.mean, a.variance, a.weight, a.bias, true);
        m.call("evaluation " + to_string(shape), a.input, a.mean, a.variance, a.weight, a.bias);
      }
      const auto a = batch_norm_arguments(m, {4, 3, 2});
      m.call("no statistics", a.input, std::nullopt, std::nullopt, a.weight, a.bias, true);
      m.call("not affine", a.input, a.mean, a.variance, std::nullopt, std::nullopt, true);
      m.call("momentum, eps", a.input, a.mean, a.variance, a.weight, std::nullopt, true, 0.25, 0.5);
      m.call("evaluation, not affine", a.input, a.mean, a.variance);
      const auto empty = batch_norm_arguments(m, {0, 3, 2});
      m.call("empty", empty.input, empty.mean, empty.variance, empty.weight, empty.bias, false);
      mark_nearly_constant(m);
    };
    s.large = [](Maker& m) {
      for (const Shape& shape : {Shape{4, 17, 60, 61}, Shape{3001, 67}}) {
        const auto a = batch_norm_arguments(m, shape);
        m.call("training", a.input, a.mean, a.variance, a.weight, a.bias, true);
        m.call("evaluation", a.input, a.mean, a.variance, a.weight, a.bias);
      }
    };
    s.reference = [](const Call& c) {
      return batch_normalized(c, c.flag(5, false), c.real(6, 0.1), c.real(7, 1e-5));
    };
    s.bad<ShapeError>("[N, C, ...]", zeros({3}), zeros({3}), zeros({3}));
    s.bad<ShapeError>("running_mean has shape [2]", zeros({2, 3}), zeros({2}), zeros({3}));
    s.bad<ValueError>("must be given unless training", zeros({2, 3}), std::nullopt, std::nullopt);
    s.bad<ValueError>("more than one value per channel", zeros({1, 3}), zeros({3}), zeros({3}),
                      std::nullopt, std::nullopt, true);
    s.bad<DtypeError>("must be floating-point", zeros({2, 3}, kI32), zeros({3}), zeros({3}));
  }
  {
    Sample& s = samples.add("batch_norm_stateless");
    s.dtypes = kFloats;
    s.strides = Strides::kUnchecked;  // the output's as of batch_norm; statistics are 1-d
    s.differentiable = {0, 3, 4};
    s.calls = [](Maker& m) {
      for (const Shape& shape : kBatchShapes) {
        const auto a = batch_norm_arguments(m, shape);
        m.call(to_string(shape), a.input, a.mean, a.variance, a.weight, a.bias);
      }
      const auto a = batch_norm_arguments(m, {4, 3, 2});
      m.call("not affine, momentum", a.input, a.mean, a.variance, std::nullopt, std::nullopt, 0.5,
             0.25);
      const auto empty = batch_norm_arguments(m, {0, 3, 2});
      m.call("empty", empty.input, empty.mean, empty.variance, empty.weight, empty.bias);
      mark_nearly_constant(m);
    };
    s.large = [](Maker& m) {
      const auto a = batch_norm_arguments(m, {4, 17, 60, 61});
      m.call("large", a.input, a.mean, a.variance, a.weight, a.bias);
    };
    s.reference = [](const Call& c) {
      return batch_normalized(c, true, c.real(5, 0.1), c.real(6, 1e-5));
    };
    s.bad<ShapeError>("weight has shape [2]", zeros({2, 3}), zeros({3}), zeros({3}), zeros({2}));
    s.bad<ValueError>("more than one value per channel", zeros({1, 3}), zeros({3}), zeros({3}));
  }
}

}  // namespace

void samples_norm(Samples& samples) {
  layer_norm(samples);
  batch_norm(samples);
}

}  // namespace entasis::matrix
