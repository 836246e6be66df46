// Extrema and their places, truth over dimensions.
#include "reductions.h"

namespace entasis::matrix {
namespace {

Array zeros(DType dtype, const Shape& shape) { return zeros_of(dtype, shape); }

// Whether `a` goes before `b`; NaN goes before all numbers.
bool wins(Real a, Real b, bool largest) {
  if (std::isnan(b)) return false;
  return std::isnan(a) || (largest ? a > b : a < b);
}
size_t place_of(const std::vector<Real>& values, bool largest) {
  size_t best = 0;
  for (size_t i = 1; i < values.size(); ++i) {
    if (wins(values[i], values[best], largest)) best = i;
  }
  return best;
}
Array extrema(const Call& c, int dim, bool keepdim, bool largest) {
  Array y = reduce(c.array(0), reduced(c, dim), keepdim, c.array(0).dtype,
                   [&](const std::vector<Real>& v, Real&) { return v[place_of(v, largest)]; });
  y.error.clear();
  return y;
}
Array places(const Call& c, bool largest) {
  return reduce(c.array(0), reduced(c, 1), c.flag(2, false), kI64,
                [&](const std::vector<Real>& v, Real&) { return Real(place_of(v, largest)); });
}

// So many values that formats of 8 and 11 bits have ties.
void without_ties(Maker& m) {
  for (Call& call : m.calls) {
    call.gradient &= call.array(0).numel() <= 64;
    call.ties_if_repeated = true;
  }
}

void over_dims(Samples& samples, const std::string& row, bool largest) {
  Sample& s = samples.add(row);
  s.ulps = 0;
  s.same_on_targets = true;
  s.calls = [](Maker& m) {
    reduction_calls(
        m, [&](const Shape& shape) { return m.distinct(shape); }, false);
    without_ties(m);
    m.call("ties", m.of({2, 3}, {1, 1, 0, 1, 0, 1}), Shape{1}).gradient = false;
    if (is_float(m.dtype)) {
      m.call("NaN", m.of({2, 3}, {1, NAN, 2, 3, 5, 4}), Shape{1}).gradient = false;
    }
  };
  s.large = large_reductions;
  s.reference = [largest](const Call& c) -> Results {
    return {extrema(c, 1, c.flag(2, false), largest)};
  };
  s.bad<IndexError>(std::string("no ") + (largest ? "maximum" : "minimum") + " over dim 0",
                    zeros(kF32, {0, 3}), Shape{0});
  s.bad<IndexError>("2", zeros(kF32, {2, 3}), Shape{2});
}

// Calls of rows whose `dim` is one dimension.
void calls_along_one(Maker& m) {
  m.call("last", m.distinct({3, 17}), -1);
  m.call("long rows", m.distinct({2, 67}), 1);
  m.call("first, kept", m.distinct({5, 3}), 0, true);
  m.call("middle", m.distinct({2, 5, 3}), 1);
  m.call("0-d", m.distinct({}), 0);
  m.call("no result", m.distinct({0, 3}), 1);
  without_ties(m);
  m.call("ties", m.of({2, 3}, {0, 1, 1, 1, 0, 0}), 1).gradient = false;
  const std::vector<Real> extremes = m.extremes();
  m.call("extremes", m.of({int64_t(extremes.size())}, extremes), 0).gradient = false;
  if (is_float(m.dtype)) {
    m.call("two NaNs", m.of({5}, {1, INFINITY, NAN, 3, NAN}), 0).gradient = false;
  }
}
void large_along_one(Maker& m) {
  m.call("rows", m.uniform({301, 701}), 1);
  m.call("columns", m.uniform({701, 301}), 0);
  m.call("one row", m.uniform({210003}), 0);
}

void of_all(Samples& samples, const std::string& row, bool largest) {
  Sample& s = samples.add(row);
  s.ulps = 0;
  s.same_on_targets = true;
  s.calls = [](Maker& m) {
    m.call("matrix", m.distinct({3, 7}));
    m.call("4-d", m.distinct({2, 3, 2, 4}));
    m.call("0-d", m.distinct({}));
    without_ties(m);
    m.call("4 000", m.uniform({40, 100})).gradient = false;
  };
  s.reference = [largest](const Call& c) -> Results {
    Call over_all{c.label, {c.arguments[0]}};
    return {extrema(over_all, 1, false, largest)};
  };
  s.bad<IndexError>(row + ": no " + row + "imum", zeros(kF32, {0, 3}));
}

void along_one(Samples& samples, const std::string& row, bool largest) {
  Sample& s = samples.add(row);
  s.ulps = 0;
  s.same_on_targets = true;
  s.calls = calls_along_one;
  s.large = large_along_one;
  s.reference = [largest](const Call& c) -> Results {
    return {extrema(c, 1, c.flag(2, false), largest), places(c, largest)};
  };
  s.bad<IndexError>(largest ? "no maximum" : "no minimum", zeros(kF32, {0, 3}), 0);
  s.bad<IndexError>("2", zeros(kF32, {2, 3}), 2);
}

void both(Samples& samples) {
  Sample& s = samples.add("aminmax");
  s.ulps = 0;
  s.same_on_targets = true;
  s.calls = [](Maker& m) {
    m.call("all", m.distinct({3, 7}));
    calls_along_one(m);
  };
  s.large = large_along_one;
  s.reference = [](const Call& c) -> Results {
    return {extrema(c, 1, c.flag(2, false), false), extrema(c, 1, c.flag(2, false), true)};
  };
  s.bad<IndexError>("no minimum", zeros(kF32, {0, 3}));
  s.bad<IndexError>("2", zeros(kF32, {2, 3}), 2);
}

void index(Samples& samples, const std::string& row, bool largest) {
  Sample& s = samples.add(row);
  s.no_gradient = "an index";
  s.same_on_targets = true;
  s.calls = [](Maker& m) {
    m.call("all", m.uniform({3, 7}));
    m.call("all of 4-d, kept", m.uniform({2, 3, 4, 5}), std::nullopt, true);
    calls_along_one(m);
  };
  s.large = [](Maker& m) {
    m.call("all", m.uniform({3, 70001}));
    large_along_one(m);
  };
  s.reference = [largest](const Call& c) -> Results { return {places(c, largest)}; };
  s.bad<IndexError>(largest ? "no maximum" : "no minimum", zeros(kF32, {0, 3}));
  s.bad<IndexError>("2", zeros(kF32, {2, 3}), 2);
}

void truth(Samples& samples, const std::string& row) {
  Sample& s = samples.add(row);
  s.no_gradient = "a truth or a count";
  s.same_on_targets = true;
  const bool counts = row == "count_nonzero";
  s.calls = [counts](Maker& m) {
    for (const int64_t highest : {0, 1, 40}) {  // few, some and many that are not zero
      auto make = [&](const Shape& shape) {
        Array x = m.integers(m.dtype, shape, 0,
                             m.dtype == kBool ? std::min<int64_t>(highest, 1) : highest);
        for (Real& v : x.values) v = held(m.dtype, highest == 40 ? v + 1 : v);
        return x;
      };
      const size_t begin = m.calls.size();
      reduction_calls(m, make, true);
      for (size_t i = begin; i < m.calls.size(); ++i) {  // count_nonzero has no keepdim
        if (counts) m.calls[i].arguments.resize(std::min<size_t>(2, m.calls[i].arguments.size()));
      }
    }
    if (is_float(m.dtype)) {
      m.call("NaN and zeros", m.of({2, 3}, {0, NAN, -0.0L, 0, -0.0L, 0}), Shape{1});
    }
  };
  s.large = [](Maker& m) {
    m.call("all", m.uniform({3, 70001}));
    m.call("rows", m.uniform({301, 701}), Shape{1});
    m.call("columns", m.uniform({701, 301}), Shape{0});
  };
  s.reference = [row, counts](const Call& c) -> Results {
    const DType truth = c.array(0).dtype == kU8 ? kU8 : kBool;
    return {reduce(c.array(0), reduced(c, 1), !counts && c.flag(2, false), counts ? kI64 : truth,
                   [&](const std::vector<Real>& values, Real&) {
                     Real count = 0;
                     for (Real v : values) count += v != 0;
                     if (row == "any") return Real(count > 0);
                     return row == "all" ? Real(count == Real(values.size())) : count;
                   })};
  };
  s.bad<IndexError>("2", zeros(kF32, {2, 3}), Shape{2});
  s.bad<ValueError>("twice", zeros(kF32, {2, 3}), Shape{0, -2});
}

}  // namespace

void samples_extrema(Samples& samples) {
  for (const bool largest : {true, false}) {
    over_dims(samples, largest ? "amax" : "amin", largest);
    index(samples, largest ? "argmax" : "argmin", largest);
    along_one(samples, largest ? "max_dim" : "min_dim", largest);
    of_all(samples, largest ? "max" : "min", largest);
  }
  both(samples);
  for (const char* row : {"any", "all", "count_nonzero"}) truth(samples, row);
}

}  // namespace entasis::matrix
