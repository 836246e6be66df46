// Losses.
#include <algorithm>

#include "sample.h"

namespace entasis::matrix {
namespace {

Array zeros(const Shape& shape, DType dtype = kF32) { return zeros_of(dtype, shape); }

// What rounding to a half type between two ops adds, in units of the computing type.
Real rounding_between(DType dtype) {
  return dtype == kF16 ? 0x1p13L : dtype == kBF16 ? 0x1p16L : 1;
}

// The elements' losses, and their errors, reduced; `weight` is what the mean divides by.
Results reduced(const Array& losses, const std::string& reduction, Real weight) {
  if (reduction == "none") return {losses};
  Total total;
  Real errors = 0;
  for (size_t i = 0; i < losses.values.size(); ++i) {
    total.add(losses.values[i]);
    errors += losses.error[i];
  }
  const Real by = reduction == "mean" ? weight : 1;
  const Real error = (total.error() + errors + total.size) / std::abs(by);
  return {Array{losses.dtype, {}, {total.value / by}, {error}}};
}

void cross_entropy(Samples& samples) {
  Sample& s = samples.add("cross_entropy");
  s.dtypes = kFloats;
  s.strides = Strides::kUnchecked;  // reduction none: row-major
  s.calls = [](Maker& m) {
    auto target = [&](const Shape& shape, int64_t classes) {
      return m.integers(kI64, shape, 0, classes - 1);
    };
    m.call("mean", m.uniform({4, 3}), target({4}, 3));
    m.call("sum", m.uniform({4, 5}), target({4}, 5), -100, "sum");
    m.call("none", m.uniform({3, 4}), target({3}, 4), -100, "none");
    m.call("one", m.uniform({7}), target({}, 7));
    m.call("images", m.uniform({2, 3, 2, 2}), target({2, 2, 2}, 3));
    m.call("images, none", m.uniform({2, 3, 4}), target({2, 4}, 3), -100, "none");
    m.call("many classes", m.uniform({2, 67}), target({2}, 67));
    m.call("i32", m.uniform({4, 3}), m.integers(kI32, {4}, 0, 2));
    m.call("ignored", m.uniform({4, 3}), m.of(kI64, {4}, {0, -100, 2, -100}));
    m.call("ignored 1, sum", m.uniform({4, 3}), m.of(kI64, {4}, {0, 1, 2, 1}), 1, "sum");
    m.call("ignored, none", m.uniform({3, 3}), m.of(kI64, {3}, {0, -100, 2}), -100, "none");
    m.call("smoothed", m.uniform({4, 3}), target({4}, 3), -100, "mean", 0.25);
    m.call("smoothed, ignored", m.uniform({3, 4}), m.of(kI64, {3}, {3, -100, 2}), -100, "mean",
           0.125);
    m.call("all ignored", m.uniform({2, 3}), m.of(kI64, {2}, {-100, -100})).gradient = false;
    m.call("empty", m.uniform({0, 3}), zeros({0}, kI64), -100, "sum");
    m.call("large logits", m.of({2, 3}, {1e4L, -1e4L, 0, -88, 88, 104}), m.of(kI64, {2}, {1, 0}))
        .gradient = false;
    m.call("NaN", m.of({2, 3}, {NAN, 1, 0, 1, 2, 3}), m.of(kI64, {2}, {1, 0}), -100, "none")
        .gradient = false;
  };
  s.large = [](Maker& m) {
    m.call("rows", m.uniform({3001, 67}), m.integers(kI64, {3001}, 0, 66));
    m.call("images", m.uniform({3, 21, 65, 65}), m.integers(kI64, {3, 65, 65}, 0, 20));
  };
  s.reference = [](const Call& c) -> Results {
    const Array &x = c.array(0), &target = c.array(1);
    const size_t d = x.rank() == 1 ? 0 : 1;
    const int64_t classes = x.shape[d], ignored = c.integer(2, -100);
    const Real smoothing = c.real(4, 0);
    Array losses{x.dtype, target.shape, {}, {}};
    Real counted = 0;
    each_index(target.shape, [&](const Index& index) {
      Real loss = 0, error = 0;
      const int64_t right = int64_t(target.at(index));
      if (right != ignored) {
        auto logit = [&](int64_t k) {
          Index at = index;
          at.insert(at.begin() + int64_t(d), k);
          return x.at(at);
        };
        Real largest = -INFINITY, sum = 0, furthest = 0;
        for (int64_t k = 0; k < classes; ++k) largest = std::max(largest, logit(k));
        for (int64_t k = 0; k < classes; ++k) {
          sum += std::exp(logit(k) - largest);
          furthest = std::max(furthest, largest - logit(k));
        }
        auto surprise = [&](int64_t k) { return largest - logit(k) + std::log(sum); };
        loss = (1 - smoothing) * surprise(right);
        for (int64_t k = 0; smoothing != 0 && k < classes; ++k) {
          loss += smoothing / Real(classes) * surprise(k);
        }
        // As of log_softmax; smoothing adds a mean over the classes.
        error =
            (smoothing != 0 ? Real(classes) + 4 : 4) * (furthest + 2 * std::abs(std::log(sum))) +
            Real(classes) + 4;
        counted += 1;
      }
      losses.values.push_back(loss);
      losses.error.push_back(error);
    });
    return reduced(losses, c.text(3, "mean"), counted);
  };
  s.bad<IndexError>("3", zeros({2, 3}), Maker(kF32).of(kI64, {2}, {0, 3}));
  s.bad<IndexError>("-1", zeros({2, 3}), Maker(kF32).of(kI64, {2}, {-1, 0}));
  s.bad<ShapeError>("needs a target of shape [2]", zeros({2, 3}), zeros({3}, kI64));
  s.bad<DtypeError>("target must hold class indices", zeros({2, 3}), zeros({2}));
  s.bad<DtypeError>("input must be floating-point", zeros({2, 3}, kI32), zeros({2}, kI64));
  s.bad<ValueError>("label_smoothing must be from 0 to 1", zeros({2, 3}), zeros({2}, kI64), -100,
                    "mean", 2.0);
  s.bad<ValueError>("'mean' 'sum' 'none'", zeros({2, 3}), zeros({2}, kI64), -100, "average");
}

// Losses of pairs of elements, which the library computes in one op and reduces in another.
// `beta` is argument 3 of those that have one.
using Loss = Real (*)(Real x, Real t, Real beta, Real& error);
struct Elementwise {
  Loss loss;
  Real low = -3, high = 3;
  bool kinks = false;  // where x and t are equal or `beta` apart
  std::vector<double> betas = {};
};
Sample& elementwise(Samples& samples, const std::string& row, const Elementwise& e) {
  Sample& s = samples.add(row);
  s.dtypes = kFloats;
  s.strides = Strides::kUnchecked;  // reduction none: as of pointwise ops
  s.calls = [e](Maker& m) {
    auto call = [&](const std::string& label, const Shape& shape, auto... rest) {
      const Array x = m.uniform(shape, e.low, e.high);
      Array t = m.uniform(shape, e.low, e.high);
      constexpr Real kApart[] = {0.25L, -0.5L, 1.5L, -2.25L, 0.625L};
      for (size_t i = 0; e.kinks && i < t.values.size(); ++i) {
        t.values[i] = held(m.dtype, x.values[i] + kApart[i % std::size(kApart)]);
      }
      m.call(label, x, t, rest...);
    };
    call("mean", {3, 5});
    call("sum", {2, 3, 4, 5}, "sum");
    call("none", {3, 5}, "none");
    call("long", {3, 67}, "none");
    call("0-d", {});
    call("empty", {0, 3}, "sum");
    for (const double beta : e.betas) {
      call("mean, beta " + std::to_string(beta), {3, 5}, "mean", beta);
      call("none, beta " + std::to_string(beta), {3, 7}, "none", beta);
    }
  };
  s.large = [e](Maker& m) {
    m.call("large", m.uniform({301, 701}, e.low, e.high), m.uniform({301, 701}, e.low, e.high));
  };
  s.reference = [e](const Call& c) -> Results {
    const Real beta = c.real(3, 1);
    Array losses = pointwise(c, {0, 1}, c.array(0).dtype, [&](const std::vector<Real>& v) {
      Real error = 0;
      return e.loss(v[0], v[1], beta, error);
    });
    const std::string reduction = c.text(2, "mean");
    losses.error = pointwise(c, {0, 1}, c.array(0).dtype, [&](const std::vector<Real>& v) {
                     Real error = 0;
                     const Real value = e.loss(v[0], v[1], beta, error);
                     if (reduction != "none")
                       error += rounding_between(c.array(0).dtype) * std::abs(value);
                     return error;
                   }).values;
    return reduced(losses, reduction, Real(losses.numel()));
  };
  s.bad<DtypeError>("must be floating-point", zeros({2}, kI32), zeros({2}));
  s.bad<ValueError>("'mean' 'sum' 'none'", zeros({2}), zeros({2}), "average");
  return s;
}

Real squared(Real x, Real t, Real, Real& error) {
  error = 4 * (x - t) * (x - t);
  return (x - t) * (x - t);
}
Real absolute(Real x, Real t, Real, Real& error) {
  error = 2 * std::abs(x - t);
  return std::abs(x - t);
}
Real smooth(Real x, Real t, Real beta, Real& error) {
  const Real d = std::abs(x - t);
  error = 6 * d;
  return d < beta ? d * d / (2 * beta) : d - beta / 2;
}
Real binary(Real p, Real t, Real, Real& error) {
  const Real yes = t == 0 ? 0 : t * std::max(std::log(p), Real(-100));
  const Real no = t == 1 ? 0 : (1 - t) * std::max(std::log1p(-p), Real(-100));
  error = 5 * (std::abs(yes) + std::abs(no));
  return -(yes + no);
}

}  // namespace

void samples_loss(Samples& samples) {
  cross_entropy(samples);
  elementwise(samples, "mse_loss", {.loss = squared});
  elementwise(samples, "l1_loss", {.loss = absolute, .kinks = true});
  elementwise(samples, "smooth_l1_loss", {.loss = smooth, .kinks = true, .betas = {0, 0.375, 4}})
      .bad<ValueError>("beta must be at least 0, got -1", zeros({2}), zeros({2}), "mean", -1);
  elementwise(samples, "binary_cross_entropy", {.loss = binary, .low = 0.0625, .high = 0.9375})
      .bad<ValueError>("the input must lie in [0, 1]", Maker(kF32).of(kF32, {2}, {0.5, 1.5}),
                       zeros({2}));
}

}  // namespace entasis::matrix
