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
using Loss = Real (*)(Real x, Real t, Real& error);
void elementwise(Samples& samples, const std::string& row, Loss loss, Real low, Real high) {
  Sample& s = samples.add(row);
  s.dtypes = kFloats;
  s.strides = Strides::kUnchecked;  // reduction none: as of pointwise ops
  s.calls = [low, high](Maker& m) {
    auto make = [&](const Shape& shape) { return m.uniform(shape, low, high); };
    m.call("mean", make({3, 5}), make({3, 5}));
    m.call("sum", make({2, 3, 4, 5}), make({2, 3, 4, 5}), "sum");
    m.call("none", make({3, 5}), make({3, 5}), "none");
    m.call("long", make({3, 67}), make({3, 67}), "none");
    m.call("0-d", make({}), make({}));
    m.call("empty", make({0, 3}), make({0, 3}), "sum");
  };
  s.large = [low, high](Maker& m) {
    m.call("large", m.uniform({301, 701}, low, high), m.uniform({301, 701}, low, high));
  };
  s.reference = [loss](const Call& c) -> Results {
    Array losses = pointwise(c, {0, 1}, c.array(0).dtype, [&](const std::vector<Real>& v) {
      Real error = 0;
      return loss(v[0], v[1], error);
    });
    const std::string reduction = c.text(2, "mean");
    losses.error = pointwise(c, {0, 1}, c.array(0).dtype, [&](const std::vector<Real>& v) {
                     Real error = 0;
                     const Real value = loss(v[0], v[1], error);
                     if (reduction != "none")
                       error += rounding_between(c.array(0).dtype) * std::abs(value);
                     return error;
                   }).values;
    return reduced(losses, reduction, Real(losses.numel()));
  };
  s.bad<DtypeError>("must be floating-point", zeros({2}, kI32), zeros({2}));
  s.bad<ValueError>("'mean' 'sum' 'none'", zeros({2}), zeros({2}), "average");
}

Real squared(Real x, Real t, Real& error) {
  error = 4 * (x - t) * (x - t);
  return (x - t) * (x - t);
}
Real binary(Real p, Real t, Real& error) {
  const Real yes = t == 0 ? 0 : t * std::max(std::log(p), Real(-100));
  const Real no = t == 1 ? 0 : (1 - t) * std::max(std::log1p(-p), Real(-100));
  error = 5 * (std::abs(yes) + std::abs(no));
  return -(yes + no);
}

}  // namespace

void samples_loss(Samples& samples) {
  cross_entropy(samples);
  elementwise(samples, "mse_loss", squared, -3, 3);
  elementwise(samples, "binary_cross_entropy", binary, 0.0625, 0.9375);
}

}  // namespace entasis::matrix
