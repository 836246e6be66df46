// Scans, products, and what is made of neighbours.
#include <algorithm>

#include "reductions.h"

namespace entasis::matrix {
namespace {

Array zeros(DType dtype, const Shape& shape) { return zeros_of(dtype, shape); }

// What a dtype of integers holds of a total in i64.
Real held_unless_float(DType dtype, Real total) {
  return is_float(dtype) ? total : held(dtype, total);
}
DType summed_dtype(const Call& c, int argument) {
  if (c.given(argument)) return c.dtype(argument);
  return is_float(c.array(0).dtype) ? c.array(0).dtype : kI64;
}

// Calls f(position of each element of the slice, in order) for each slice along argument 1.
template <class F>
void each_slice(const Array& x, int64_t dim, const F& f) {
  const int64_t rank = x.rank();
  const size_t along = rank == 0 ? 0 : size_t(wrap(dim, rank));
  Shape rest = x.shape;
  if (rank > 0) rest[along] = std::min<int64_t>(rest[along], 1);
  each_index(rest, [&](const Index& index) {
    std::vector<size_t> positions;
    Index at = index;
    const int64_t n = rank == 0 ? 1 : x.shape[along];
    for (int64_t i = 0; i < n; ++i) {
      if (rank > 0) at[along] = i;
      positions.push_back(size_t(x.position(at)));
    }
    f(positions);
  });
}

template <class Make>
void scan_calls(Maker& m, const Make& make) {
  m.call("rows", make({3, 7}), 1);
  m.call("long rows", make({2, 37}), -1);
  m.call("columns", make({5, 3}), 0);
  m.call("middle", make({2, 5, 3}), 1);
  m.call("0-d", make({}), 0);
  m.call("size 1", make({3, 1}), 1);
  m.call("empty", make({0, 3}), 1);
  m.call("empty slices", make({3, 0}), 1);
}
void large_scans(Maker& m) {
  m.call("one row", m.uniform({210003}, -1, 1), 0);
  m.call("rows", m.uniform({301, 701}, -1, 1), 1);
  m.call("columns", m.uniform({9001, 33}, -1, 1), 0);
}

void totals(Samples& samples, const std::string& row) {
  const bool product = row.starts_with("cumprod"), in_place = row.ends_with("_");
  Sample& s = samples.add(row);
  if (in_place) {
    s.strides = Strides::kTarget;
    s.dtypes = kNumbers;
  }
  s.calls = [product, in_place](Maker& m) {
    auto make = [&](const Shape& shape) {
      return product ? m.uniform(shape, -1.5L, 1.5L) : m.uniform(shape);
    };
    scan_calls(m, make);
    if (product) {
      m.call("zeros", m.of({3, 4}, {1, 0, 2, 3, 0, 1, 0, 1, 2, 1, 1, 0}), 1);
      m.call("of zeros alone", m.of({2, 2}, {0, 0, 0, 0}), 1);
    }
    if (!in_place) {
      m.call("as f64", make({3, 5}), 1, kF64);
      m.call("as i32", make({3, 5}), 0, kI32).gradient = false;
    } else {
      m.call("its own dtype", make({3, 5}), 0, m.dtype);
    }
    if (is_float(m.dtype)) {
      m.call("NaN", m.of({4}, {1, NAN, 2, INFINITY}), 0).gradient = false;
    }
  };
  s.large = large_scans;
  s.reference = [product, in_place](const Call& c) -> Results {
    const DType dtype = in_place ? c.array(0).dtype : summed_dtype(c, 2);
    Array x = c.array(0);
    if (!is_float(dtype)) {
      for (Real& v : x.values) v = held(dtype, v);
    }
    Array y = zeros_of(dtype, x.shape);
    y.error.assign(y.values.size(), 0);
    each_slice(x, c.integer(1), [&](const std::vector<size_t>& slice) {
      Real total = product ? 1 : 0, size = 0;
      Real count = 0;
      for (size_t i : slice) {
        const Real v = x.values[i];
        size += std::abs(v);
        total = product ? total * v : total + v;
        if (!is_float(dtype)) total = held(kI64, total);
        y.values[i] = held_unless_float(dtype, total);
        // Small products may vanish in f64's or f32's subnormal numbers.
        y.error[i] = product ? std::abs(total) * ++count : size * ++count;
      }
    });
    return {y};
  };
  s.bad<IndexError>("2", zeros(kF32, {2, 3}), 2);
  if (in_place) s.bad<DtypeError>("stays f32", zeros(kF32, {2}), 0, kF64);
}

void running_extrema(Samples& samples, const std::string& row) {
  const bool largest = row == "cummax";
  Sample& s = samples.add(row);
  s.ulps = 0;
  s.same_on_targets = true;
  s.calls = [](Maker& m) {
    scan_calls(m, [&](const Shape& shape) { return m.distinct(shape); });
    for (Call& call : m.calls) call.ties_if_repeated = true;
    m.call("ties", m.of({2, 5}, {0, 1, 1, 0, 1, 1, 0, 0, 1, 0}), 1).gradient = false;
    const std::vector<Real> extremes = m.extremes();
    m.call("extremes", m.of({int64_t(extremes.size())}, extremes), 0).gradient = false;
    if (is_float(m.dtype)) {
      m.call("NaNs", m.of({6}, {1, INFINITY, NAN, 3, NAN, 7}), 0).gradient = false;
    }
  };
  s.large = large_scans;
  s.reference = [largest](const Call& c) -> Results {
    const Array& x = c.array(0);
    Array y = x, places = zeros_of(kI64, x.shape);
    each_slice(x, c.integer(1), [&](const std::vector<size_t>& slice) {
      Real best = 0;
      size_t place = 0;
      for (size_t i = 0; i < slice.size(); ++i) {
        const Real v = x.values[slice[i]];
        if (i == 0 || std::isnan(v) || (largest ? v >= best : v <= best)) {
          best = v;
          place = i;
        }
        y.values[slice[i]] = best;
        places.values[slice[i]] = Real(place);
      }
    });
    return {y, places};
  };
  s.bad<IndexError>("2", zeros(kF32, {2, 3}), 2);
}

void logarithms(Samples& samples) {
  Sample& s = samples.add("logcumsumexp");
  s.dtypes = kFloats;
  s.calls = [](Maker& m) {
    scan_calls(m, [&](const Shape& shape) { return m.uniform(shape); });
    m.call("large values", m.of({2, 3}, {1e4L, -1e4L, 1e4L, -1e4L, -1e4L, 1}), 1).gradient = false;
    m.call("infinities",
           m.of({2, 5},
                {-INFINITY, -INFINITY, 1, INFINITY, INFINITY, 1, -INFINITY, 2, NAN, INFINITY}),
           1)
        .gradient = false;
  };
  s.large = large_scans;
  s.reference = [](const Call& c) -> Results {
    const Array& x = c.array(0);
    Array y = x;
    y.error.assign(y.values.size(), 0);
    each_slice(x, c.integer(1), [&](const std::vector<size_t>& slice) {
      for (size_t i = 0; i < slice.size(); ++i) {
        Real largest = -INFINITY, sum = 0;
        for (size_t j = 0; j <= i; ++j) {
          const Real v = x.values[slice[j]];
          largest = std::isnan(v) || v > largest ? v : largest;
        }
        const Real centre = std::isfinite(largest) ? largest : 0;
        for (size_t j = 0; j <= i; ++j) sum += std::exp(x.values[slice[j]] - centre);
        const Real result = std::isnan(largest) ? largest : centre + std::log(sum);
        y.values[slice[i]] = result;
        // Each step may scale the sum anew: some roundings a step.
        y.error[slice[i]] = 8 * Real(i + 1) + 8 + 2 * std::abs(result) + std::abs(centre);
      }
    });
    return {y};
  };
  s.bad<IndexError>("2", zeros(kF32, {2, 3}), 2);
  s.bad<DtypeError>("not defined for i32", zeros(kI32, {2}), 0);
}

void products(Samples& samples) {
  Sample& s = samples.add("prod");
  s.calls = [](Maker& m) {
    auto make = [&](const Shape& shape) { return m.uniform(shape, -1.5L, 1.5L); };
    m.call("all", make({3, 7}));
    m.call("rows", make({3, 17}), 1);
    m.call("columns, kept", make({5, 3}), 0, true);
    m.call("middle", make({2, 5, 3}), -2);
    m.call("0-d", make({}));
    m.call("0-d by dim", make({}), 0);
    m.call("no result", make({0, 3}), 1);
    m.call("of nothing", make({0, 3}), 0);
    m.call("one, two, three zeros", m.of({3, 4}, {1, 0, 2, 3, 0, 1, 0, 2, 0, 1, 0, 0}), 1);
    m.call("as f64", make({3, 5}), 1, false, kF64);
    m.call("as i32", make({3, 5}), 0, false, kI32).gradient = false;
    if (is_float(m.dtype)) m.call("NaN", m.of({3}, {1, NAN, 0})).gradient = false;
  };
  s.large = [](Maker& m) {
    m.call("all", m.uniform({3, 70001}, 0.9L, 1.1L));
    m.call("rows", m.uniform({301, 701}), 1);
    m.call("columns", m.uniform({701, 301}), 0);
  };
  s.reference = [](const Call& c) -> Results {
    const DType dtype = summed_dtype(c, 3);
    Array x = c.array(0);
    if (!is_float(dtype)) {
      for (Real& v : x.values) v = held(dtype, v);
    }
    return {reduce(x, reduced(c, 1), c.flag(2, false), dtype,
                   [&](const std::vector<Real>& values, Real& error) {
                     Real product = 1;
                     for (Real v : values) {
                       product = is_float(dtype) ? product * v : held(kI64, product * v);
                     }
                     error = std::abs(product) * Real(values.size() + 1);
                     return held_unless_float(dtype, product);
                   })};
  };
  s.bad<IndexError>("2", zeros(kF32, {2, 3}), 2);
}

Array difference(const Array& x, int64_t dim) {
  const size_t along = size_t(wrap(dim, x.rank()));
  Shape shape = x.shape;
  shape[along] -= 1;
  Array y = zeros_of(x.dtype, shape);
  y.error.assign(y.values.size(), 0);
  size_t i = 0;
  each_index(shape, [&](const Index& index) {
    Index next = index;
    ++next[along];
    const Real a = x.at(index), b = x.at(next);
    const Real d = x.dtype == kBool ? Real(a != b) : b - a;
    y.values[i] = is_float(x.dtype) ? d : held(x.dtype, d);
    const Real before =
        x.error.empty() ? 0
                        : x.error[size_t(x.position(index))] + x.error[size_t(x.position(next))];
    // Of halves each difference is rounded.
    const Real scale = x.dtype == kF16 ? 0x1p13L : x.dtype == kBF16 ? 0x1p16L : 1;
    y.error[i++] = before + std::abs(d) * scale + Real(1e-300);
  });
  return y;
}

void differences(Samples& samples) {
  Sample& s = samples.add("diff");
  s.strides = Strides::kUnchecked;  // those of a difference of slices
  s.calls = [](Maker& m) {
    m.call("rows", m.uniform({3, 7}));
    m.call("columns, twice", m.uniform({5, 3}), 2, 0);
    m.call("middle", m.uniform({2, 5, 3}), 1, 1);
    m.call("as often as there are elements", m.uniform({2, 3}), 3);
    m.call("oftener", m.uniform({2, 3}), 7);
    m.call("not at all", m.uniform({2, 3}), 0);
    m.call("empty", m.uniform({0, 3}));
    m.call("prepend", m.uniform({2, 3}), 1, 1, m.uniform({2, 2}));
    m.call("append", m.uniform({2, 3}), 1, 0, std::nullopt, m.uniform({1, 3}));
    m.call("both", m.uniform({2, 3}), 2, -1, m.uniform({2, 1}), m.uniform({2, 2}));
  };
  s.reference = [](const Call& c) -> Results {
    Array x = c.array(0);
    const int64_t n = c.integer(1, 1), dim = c.integer(2, -1);
    if (n == 0) return {x};
    const size_t along = size_t(wrap(dim, x.rank()));
    std::vector<Array> parts;
    if (c.is_array(3)) parts.push_back(c.array(3));
    parts.push_back(x);
    if (c.is_array(4)) parts.push_back(c.array(4));
    Shape shape = x.shape;
    shape[along] = 0;
    for (const Array& part : parts) shape[along] += part.shape[along];
    Array joined = zeros_of(x.dtype, shape);
    int64_t begin = 0;
    for (const Array& part : parts) {
      each_index(part.shape, [&](const Index& index) {
        Index at = index;
        at[along] += begin;
        joined.at(at) = part.at(index);
      });
      begin += part.shape[along];
    }
    for (int64_t k = 0; k < n && joined.shape[along] > 0; ++k) joined = difference(joined, dim);
    return {joined};
  };
  s.bad<ShapeError>("0-d", zeros(kF32, {}));
  s.bad<ValueError>("must not be negative", zeros(kF32, {2}), -1);
  s.bad<ShapeError>("number of dimensions", zeros(kF32, {2}), 1, 0, zeros(kF32, {1, 1}));
}

void integrals(Samples& samples) {
  Sample& s = samples.add("trapezoid");
  s.dtypes = {kF32, kF64, kI32, kI64};
  s.strides = Strides::kUnchecked;  // those of sums and quotients
  s.calls = [](Maker& m) {
    m.call("rows", m.uniform({3, 7}));
    m.call("columns, apart", m.uniform({5, 3}), std::nullopt, 0.5, 0);
    m.call("at places", m.uniform({3, 4}), m.uniform({4}));
    m.call("at places, columns", m.uniform({4, 3, 2}), m.uniform({4}), 1, 0);
    m.call("at places of each", m.uniform({3, 4}), m.uniform({3, 4}));
    m.call("of nothing", m.uniform({2, 0})).gradient = false;  // PyTorch's zeros have none
    m.call("one value", m.uniform({2, 1}));
  };
  s.reference = [](const Call& c) -> Results {
    const Array& y = c.array(0);
    const size_t along = size_t(wrap(c.integer(3, -1), y.rank()));
    Shape shape = y.shape;
    shape.erase(shape.begin() + int64_t(along));
    const bool is_empty = y.shape[along] == 0;
    Array result = zeros_of(is_empty ? y.dtype : float_or_f32(y.dtype), shape);
    result.error.assign(result.values.size(), 0);
    size_t next = 0;
    each_index(shape, [&](const Index& index) {
      Index at = index;
      at.insert(at.begin() + int64_t(along), 0);
      Total total;
      for (int64_t i = 0; i + 1 < y.shape[along]; ++i) {
        at[along] = i;
        const Index here = at;
        at[along] = i + 1;
        Real width = c.given(2) ? c.real(2) : 1;
        if (c.is_array(1)) {
          const Array& x = c.array(1);
          width =
              x.rank() == 1 ? x.values[size_t(i + 1)] - x.values[size_t(i)] : x.at(at) - x.at(here);
        }
        total.add(width * y.at(here) / 2);
        total.add(width * y.at(at) / 2);
      }
      result.values[next] = total.value;
      result.error[next++] = total.error() + 4 * total.size;
    });
    return {result};
  };
  s.bad<IndexError>("0-d", zeros(kF32, {}));
  s.bad<ValueError>("not both", zeros(kF32, {2}), zeros(kF32, {2}), 2.0);
  s.bad<ShapeError>("3 places for 2 values", zeros(kF32, {2}), zeros(kF32, {3}));
  s.bad<DtypeError>("not defined for bool", zeros(kBool, {2}));
}

}  // namespace

void samples_scan(Samples& samples) {
  for (const char* row : {"cumsum", "cumprod", "cumsum_", "cumprod_"}) totals(samples, row);
  for (const char* row : {"cummax", "cummin"}) running_extrema(samples, row);
  logarithms(samples);
  products(samples);
  differences(samples);
  integrals(samples);
}

}  // namespace entasis::matrix
