// Medians, modes and quantiles.
#include <algorithm>
#include <map>

#include "reductions.h"

namespace entasis::matrix {
namespace {

Array zeros(DType dtype, const Shape& shape) { return zeros_of(dtype, shape); }

// Without NaN, in order.
std::vector<Real> numbers_in_order(const std::vector<Real>& values) {
  std::vector<Real> numbers;
  for (Real v : values) {
    if (!std::isnan(v)) numbers.push_back(v);
  }
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}
Real place_in(const std::vector<Real>& values, Real wanted) {
  for (size_t i = 0; i < values.size(); ++i) {
    if (values[i] == wanted || (std::isnan(wanted) && std::isnan(values[i]))) return Real(i);
  }
  return -1;
}
Real median_of(const std::vector<Real>& values, bool ignores_nan) {
  const std::vector<Real> numbers = numbers_in_order(values);
  if (numbers.empty() || (numbers.size() < values.size() && !ignores_nan)) return NAN;
  return numbers[(numbers.size() - 1) / 2];
}

void calls_along(Maker& m) {
  auto make = [&](const Shape& shape) { return m.distinct(shape); };
  m.call("rows", make({3, 7}), 1);
  m.call("even rows, kept", make({3, 8}), -1, true);
  m.call("columns", make({5, 3}), 0);
  m.call("middle", make({2, 5, 3}), 1);
  m.call("0-d", make({}), 0);
  m.call("no result", make({0, 3}), 1);
  for (Call& call : m.calls) call.ties_if_repeated = true;
  m.call("long rows", make({2, 67}), 1).gradient = false;
  m.call("more than a tile", m.uniform({3, 2000}), 1).gradient = false;
  m.call("ties", m.of({2, 5}, {1, 0, 1, 1, 0, 1, 1, 1, 0, 0}), 1).gradient = false;
  const std::vector<Real> extremes = m.extremes();
  m.call("extremes", m.of({int64_t(extremes.size())}, extremes), 0).gradient = false;
  if (is_float(m.dtype)) {
    m.call("NaN", m.of({3, 3}, {1, NAN, 2, NAN, NAN, NAN, 3, -0.0L, 0}), 1).gradient = false;
  }
}
void large_along(Maker& m) {
  m.call("rows", m.uniform({301, 701}), 1);
  m.call("columns", m.uniform({701, 301}), 0);
  m.call("one row", m.uniform({70001}), 0);
}

void medians(Samples& samples, const std::string& name) {
  const bool ignores_nan = name == "nanmedian";
  {
    Sample& s = samples.add(name);
    s.ulps = 0;
    s.same_on_targets = true;
    s.calls = [](Maker& m) {
      m.call("matrix", m.distinct({3, 7}));
      m.call("4-d", m.distinct({2, 3, 2, 4}));
      m.call("0-d", m.distinct({}));
      for (Call& call : m.calls) call.ties_if_repeated = true;
      if (is_float(m.dtype)) {
        m.call("of nothing", m.distinct({0, 3})).gradient = false;
        m.call("NaN", m.of({3}, {1, NAN, 2})).gradient = false;
      }
    };
    s.reference = [ignores_nan](const Call& c) -> Results {
      Array y = reduce(
          c.array(0), std::vector<bool>(size_t(c.array(0).rank()), true), false, c.array(0).dtype,
          [&](const std::vector<Real>& values, Real&) { return median_of(values, ignores_nan); });
      y.error.clear();
      return {y};
    };
    s.bad<IndexError>("no median", zeros(kI32, {0}));
  }
  Sample& s = samples.add(name + "_dim");
  s.ulps = 0;
  s.same_on_targets = true;
  s.strides = Strides::kUnchecked;  // dense without the dimension, and that put back
  s.calls = calls_along;
  s.large = large_along;
  s.reference = [ignores_nan](const Call& c) -> Results {
    const auto over_dim = [&](DType dtype, const Reduce& f) {
      Array y = reduce(c.array(0), reduced(c, 1), c.flag(2, false), dtype, f);
      y.error.clear();
      return y;
    };
    return {over_dim(c.array(0).dtype,
                     [&](const std::vector<Real>& v, Real&) { return median_of(v, ignores_nan); }),
            over_dim(kI64, [&](const std::vector<Real>& v, Real&) {
              return place_in(v, median_of(v, ignores_nan));
            })};
  };
  s.bad<IndexError>("no median", zeros(kF32, {0, 3}), 0);
  s.bad<IndexError>("2", zeros(kF32, {2, 3}), 2);
}

// The value and its last place.
std::pair<Real, Real> mode_of(const std::vector<Real>& values) {
  std::map<Real, std::pair<int, size_t>> counts;
  for (size_t i = 0; i < values.size(); ++i) {
    if (std::isnan(values[i])) continue;
    auto& [count, place] = counts[values[i]];
    ++count;
    place = i;
  }
  std::pair<Real, Real> best = {NAN, 0};
  int most = 0;
  for (const auto& [value, found] : counts) {
    if (found.first <= most) continue;
    most = found.first;
    best = {values[found.second], Real(found.second)};
  }
  return best;
}

void modes(Samples& samples) {
  Sample& s = samples.add("mode");
  s.ulps = 0;
  s.same_on_targets = true;
  s.strides = Strides::kUnchecked;  // as of median_dim
  s.calls = [](Maker& m) {
    calls_along(m);
    m.call("default", m.distinct({3, 5})).ties_if_repeated = true;
    m.call("few values", m.integers(m.dtype, {4, 50}, 0, m.dtype == kBool ? 1 : 3), 1).gradient =
        false;
  };
  s.large = large_along;
  s.reference = [](const Call& c) -> Results {
    std::vector<bool> mask = reduced(c, 1);
    if (!c.given(1)) {
      std::fill(mask.begin(), mask.end(), false);
      mask.back() = true;
    }
    const auto over_dim = [&](DType dtype, const Reduce& f) {
      Array y = reduce(c.array(0), mask, c.flag(2, false), dtype, f);
      y.error.clear();
      return y;
    };
    return {over_dim(c.array(0).dtype,
                     [](const std::vector<Real>& v, Real&) { return mode_of(v).first; }),
            over_dim(kI64, [](const std::vector<Real>& v, Real&) { return mode_of(v).second; })};
  };
  s.bad<IndexError>("no mode", zeros(kF32, {0, 3}), 0);
  s.bad<IndexError>("2", zeros(kF32, {2, 3}), 2);
}

Real quantile_of(const std::vector<Real>& values, Real q, const std::string& kind, bool ignores_nan,
                 DType dtype, Real& error) {
  const std::vector<Real> numbers = numbers_in_order(values);
  if (numbers.empty() || (numbers.size() < values.size() && !ignores_nan)) return NAN;
  const Real rank = held(dtype, q * Real(numbers.size() - 1));
  const Real low = numbers[size_t(std::floor(rank))], high = numbers[size_t(std::ceil(rank))];
  if (kind == "lower") return low;
  if (kind == "higher") return high;
  if (kind == "nearest") return numbers[size_t(std::nearbyint(rank))];
  if (kind == "midpoint") {
    error = 2 * std::abs(low) + 2 * std::abs(high);
    return low + (high - low) / 2;
  }
  // A rank is rounded, which moves the result by that much of the distance.
  error = (high - low) * (4 * rank + 4) + 2 * std::abs(low) + 2 * std::abs(high);
  return low + (high - low) * (rank - std::floor(rank));
}

void quantiles(Samples& samples, const std::string& row) {
  const bool ignores_nan = row == "nanquantile";
  Sample& s = samples.add(row);
  s.dtypes = {kF32, kF64};
  s.strides = Strides::kUnchecked;  // as in PyTorch, but not promised
  s.differentiable = {0};           // ranks fall on elements, where q has no derivative
  s.calls = [](Maker& m) {
    auto make = [&](const Shape& shape) { return m.distinct(shape); };
    for (const char* kind : {"linear", "lower", "higher", "midpoint", "nearest"}) {
      const std::string how = std::string(", ") + kind;
      m.call("all" + how, make({3, 7}), 0.3, std::nullopt, false, kind);
      m.call("rows" + how, make({3, 5}), 0.6, 1, false, kind);
      m.call("columns, kept" + how, make({6, 3}), 0.9, 0, true, kind);
      m.call("several" + how, make({3, 5}), m.of({3}, {0.25L, 0.5L, 1}), -1, false, kind);
    }
    m.call("several, kept", make({2, 5, 3}), m.of({2}, {0, 0.75L}), 1, true);
    m.call("one of a tensor", make({2, 5}), m.of({}, {0.25L}), 1);
    m.call("several of all, kept", make({2, 4}), m.of({2}, {0, 0.75L}), std::nullopt, true);
    m.call("0-d", make({}), 0.5, 0);
    for (Call& call : m.calls) call.ties_if_repeated = true;
    m.call("NaN", m.of({3, 4}, {1, NAN, 2, 5, NAN, NAN, NAN, NAN, 4, 3, 2, 1}), 0.4, 1).gradient =
        false;
  };
  s.large = [](Maker& m) {
    m.call("rows", m.uniform({301, 701}), 0.3, 1);
    m.call("all", m.uniform({70001}), 0.3);
  };
  s.reference = [ignores_nan](const Call& c) -> Results {
    const std::string kind = c.text(4, "linear");
    std::vector<Real> levels;
    if (c.is_array(1)) {
      levels = c.array(1).values;
    } else {
      levels = {held(c.array(0).dtype, c.real(1))};
    }
    Array y{c.array(0).dtype, {}, {}, {}};
    for (Real q : levels) {
      const Array one =
          reduce(c.array(0), reduced(c, 2), c.flag(3, false), c.array(0).dtype,
                 [&](const std::vector<Real>& values, Real& error) {
                   return quantile_of(values, q, kind, ignores_nan, c.array(0).dtype, error);
                 });
      y.shape = one.shape;
      y.values.insert(y.values.end(), one.values.begin(), one.values.end());
      y.error.insert(y.error.end(), one.error.begin(), one.error.end());
    }
    if (c.is_array(1) && c.array(1).rank() == 1) {
      y.shape.insert(y.shape.begin(), int64_t(levels.size()));
    }
    return {y};
  };
  s.bad<DtypeError>("f32 or f64", zeros(kI32, {2}), 0.5);
  s.bad<ValueError>("in [0, 1]", zeros(kF32, {2}), 1.5);
  s.bad<ValueError>("no elements", zeros(kF32, {0, 2}), 0.5);
  s.bad<DtypeError>("q is f64", zeros(kF32, {2}), zeros(kF64, {1}));
  s.bad<IndexError>("2", zeros(kF32, {2, 3}), 0.5, 2);
}

}  // namespace

void samples_order_statistics(Samples& samples) {
  for (const char* name : {"median", "nanmedian"}) medians(samples, name);
  modes(samples);
  for (const char* row : {"quantile", "nanquantile"}) quantiles(samples, row);
}

}  // namespace entasis::matrix
