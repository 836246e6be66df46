// Optimizer steps as plain functions. The fused in-place forms take structs and have no rows; their
// tests compare them with these.
#include "sample.h"

namespace entasis::matrix {
namespace {

Array zeros(const Shape& shape, DType dtype = kF32) { return zeros_of(dtype, shape); }

Sample& update(Samples& samples, const std::string& row) {
  Sample& s = samples.add(row);
  s.dtypes = kFloats;
  s.strides = Strides::kPointwise;
  return s;
}

const std::vector<Shape> kShapes = {{}, {0, 3}, {5}, {3, 7}, {2, 3, 2, 2}, {3, 67}};

void adam(Samples& samples, bool decoupled) {
  Sample& s = update(samples, decoupled ? "adamw_update" : "adam_update");
  s.calls = [](Maker& m) {
    for (const Shape& shape : kShapes) {
      m.call(to_string(shape), m.uniform(shape), m.uniform(shape), m.uniform(shape),
             m.uniform(shape, 0.5, 2));
    }
    const Shape shape = {3, 5};
    const Array p = m.uniform(shape), g = m.uniform(shape), first = m.uniform(shape),
                second = m.uniform(shape, 0.5, 2);
    m.call("rates", p, g, first, second, 0.125, 0.75, 0.875, 0.0625);
  };
  s.large = [](Maker& m) {
    const Shape shape = {301, 701};
    m.call("large", m.uniform(shape), m.uniform(shape), m.uniform(shape), m.uniform(shape, 0.5, 2));
  };
  s.reference = [decoupled](const Call& c) -> Results {
    const Real lr = c.real(4, 1e-3), b1 = c.real(5, 0.9), b2 = c.real(6, 0.999),
               eps = c.real(7, 1e-8);
    const Real decay = decoupled ? c.real(8, 0.01) : 0;
    const auto step = Real(decoupled ? c.integer(9, 1) : c.integer(8, 1));
    const Array &p = c.array(0), &g = c.array(1), &m = c.array(2), &v = c.array(3);
    Array new_p = zeros_of(p.dtype, p.shape), new_m = new_p, new_v = new_p;
    for (size_t i = 0; i < p.values.size(); ++i) {
      const Real old_m = b1 * m.values[i], from_g = (1 - b1) * g.values[i];
      new_m.values[i] = old_m + from_g;
      new_m.error.push_back(3 * (std::abs(old_m) + std::abs(from_g)));
      new_v.values[i] = b2 * v.values[i] + (1 - b2) * g.values[i] * g.values[i];
      new_v.error.push_back(5 * new_v.values[i]);
      const Real d = std::sqrt(new_v.values[i] / (1 - std::pow(b2, step))) + eps;
      const Real scale = lr / (1 - std::pow(b1, step)) / d;
      new_p.values[i] = (1 - lr * decay) * p.values[i] - scale * new_m.values[i];
      new_p.error.push_back(3 * std::abs(p.values[i]) +
                            12 * scale * (std::abs(old_m) + std::abs(from_g)));
    }
    return {new_p, new_m, new_v};
  };
  s.bad<ShapeError>("gradient has shape [3]", zeros({2}), zeros({3}), zeros({2}), zeros({2}));
  s.bad<DtypeError>("only floating-point", zeros({2}, kI32), zeros({2}, kI32), zeros({2}, kI32),
                    zeros({2}, kI32));
  s.bad<ValueError>("beta is 1", zeros({2}), zeros({2}), zeros({2}), zeros({2}), 1e-3, 1.0);
}

}  // namespace

void samples_update(Samples& samples) {
  {
    Sample& s = update(samples, "sgd_update");
    s.calls = [](Maker& m) {
      for (const Shape& shape : kShapes)
        m.call(to_string(shape), m.uniform(shape), m.uniform(shape), 0.125);
      m.call("rate 0.1", m.uniform({3, 5}), m.uniform({3, 5}), 0.1);
    };
    s.large = [](Maker& m) { m.call("large", m.uniform({301, 701}), m.uniform({301, 701}), 0.1); };
    s.reference = [](const Call& c) -> Results {
      const Real lr = c.real(2);
      Array y = pointwise(c, {0, 1}, c.array(0).dtype,
                          [&](const std::vector<Real>& v) { return v[0] - lr * v[1]; });
      y.error = pointwise(c, {0, 1}, y.dtype, [&](const std::vector<Real>& v) {
                  return 2 * (std::abs(v[0]) + std::abs(lr * v[1]));
                }).values;
      return {y};
    };
    s.bad<ShapeError>("gradient has shape [3]", zeros({2}), zeros({3}), 0.1);
    s.bad<DtypeError>("gradient is f64", zeros({2}), zeros({2}, kF64), 0.1);
  }
  {
    Sample& s = update(samples, "sgd_momentum_update");
    s.calls = [](Maker& m) {
      for (const Shape& shape : kShapes) {
        m.call(to_string(shape), m.uniform(shape), m.uniform(shape), m.uniform(shape), 0.125, 0.9);
      }
    };
    s.large = [](Maker& m) {
      m.call("large", m.uniform({301, 701}), m.uniform({301, 701}), m.uniform({301, 701}), 0.1,
             0.9);
    };
    s.reference = [](const Call& c) -> Results {
      const Array &p = c.array(0), &g = c.array(1), &v = c.array(2);
      const Real lr = c.real(3), momentum = c.real(4);
      Array new_p = zeros_of(p.dtype, p.shape), new_v = new_p;
      for (size_t i = 0; i < p.values.size(); ++i) {
        const Real kept = momentum * v.values[i];
        const Real size = std::abs(kept) + std::abs(g.values[i]);
        new_v.values[i] = kept + g.values[i];
        new_v.error.push_back(2 * size);
        new_p.values[i] = p.values[i] - lr * new_v.values[i];
        new_p.error.push_back(2 * std::abs(p.values[i]) + 5 * lr * size);
      }
      return {new_p, new_v};
    };
    s.bad<ShapeError>("velocity has shape [3]", zeros({2}), zeros({2}), zeros({3}), 0.1, 0.9);
    s.bad<DtypeError>("velocity is f64", zeros({2}), zeros({2}), zeros({2}, kF64), 0.1, 0.9);
  }
  adam(samples, false);
  adam(samples, true);
}

}  // namespace entasis::matrix
