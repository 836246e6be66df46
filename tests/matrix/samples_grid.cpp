// All pairs, choices and powers; matrices along a diagonal.
#include <algorithm>

#include "shapes.h"

namespace entasis::matrix {
namespace {

Array zeros(const Shape& shape, DType dtype = kF32) { return zeros_of(dtype, shape); }

std::vector<Array> list(std::initializer_list<Array> arrays) { return arrays; }

Results grids(const Call& c) {
  const std::vector<Array>& arrays = c.arrays(0);
  const bool exchanged = c.text(1, "ij") == "xy" && arrays.size() > 1;
  Shape shape;
  for (const Array& a : arrays) shape.push_back(a.numel());
  if (exchanged) std::swap(shape[0], shape[1]);
  Results results;
  for (size_t i = 0; i < arrays.size(); ++i) {
    const size_t d = exchanged && i < 2 ? 1 - i : i;
    const Array flat = reshaped(arrays[i], {arrays[i].numel()});
    results.push_back(taken(flat, shape, [d](const Index& index) { return Index{index[d]}; }));
  }
  return results;
}

// All rows of r positions below n that ascend, strictly unless `again`, in lexical order: found by
// going through all rows.
std::vector<Index> choices(int64_t n, int64_t r, bool again) {
  std::vector<Index> found;
  each_index(Shape(size_t(r), n), [&](const Index& row) {
    bool ascends = true;
    for (size_t k = 1; k < row.size(); ++k) ascends &= row[k - 1] + (again ? 0 : 1) <= row[k];
    if (ascends) found.push_back(row);
  });
  return found;
}

void tuples(Samples& samples) {
  mover(
      samples, "meshgrid", Strides::kUnchecked,  // views of several inputs
      [](Maker& m) {
        m.call("two", list({m.uniform({3}), m.uniform({2})}));
        m.call("xy", list({m.uniform({3}), m.uniform({2}), m.uniform({2})}), "xy");
        m.call("one", list({m.uniform({3})}), "xy");
        m.call("0-d", list({m.uniform({3}), m.uniform({})}), "ij");
        m.call("empty", list({m.uniform({0}), m.uniform({2})}));
      },
      grids)
      .bad<ValueError>("at least one tensor", std::vector<Array>{})
      .bad<ShapeError>("needs vectors", list({zeros({2, 2}), zeros({2})}))
      .bad<DtypeError>("inputs are f32 and f64", list({zeros({2}), zeros({2}, kF64)}))
      .bad<ValueError>("'ij' 'xy'", list({zeros({2})}), "yx");
  mover(
      samples, "cartesian_prod", Strides::kUnchecked,  // of one tensor itself
      [](Maker& m) {
        m.call("two", list({m.uniform({3}), m.uniform({2})}));
        m.call("three", list({m.uniform({2}), m.uniform({1}), m.uniform({3})}));
        m.call("one", list({m.uniform({3})}));
        m.call("empty", list({m.uniform({3}), m.uniform({0})}));
      },
      [](const Call& c) -> Results {
        const std::vector<Array>& arrays = c.arrays(0);
        if (arrays.size() == 1) return {arrays[0]};
        Shape shape;
        for (const Array& a : arrays) shape.push_back(a.numel());
        Array y = zeros_of(arrays[0].dtype, {numel_of(shape), int64_t(arrays.size())});
        size_t next = 0;
        each_index(shape, [&](const Index& index) {
          for (size_t i = 0; i < arrays.size(); ++i) {
            y.values[next++] = arrays[i].values[size_t(index[i])];
          }
        });
        return {y};
      })
      .bad<ValueError>("at least one tensor", std::vector<Array>{})
      .bad<ShapeError>("needs a vector", list({zeros({2}), zeros({})}));
  mover(
      samples, "combinations", Strides::kDense,
      [](Maker& m) {
        m.call("pairs", m.uniform({4}));
        m.call("triples", m.uniform({5}), 3);
        m.call("again", m.uniform({3}), 3, true);
        m.call("more than there are", m.uniform({2}), 3);
        m.call("one", m.uniform({3}), 1);
        m.call("none", m.uniform({3}), 0).gradient = false;
        m.call("empty", m.uniform({0}));
      },
      [](const Call& c) -> Results {
        const Array& x = c.array(0);
        const int64_t r = c.integer(1, 2);
        if (r == 0) return {zeros_of(x.dtype, {0})};
        const std::vector<Index> rows = choices(x.numel(), r, c.flag(2, false));
        return {taken(x, {int64_t(rows.size()), r}, [&](const Index& index) {
          return Index{rows[size_t(index[0])][size_t(index[1])]};
        })};
      })
      .bad<ValueError>("r must not be negative", zeros({2}), -1)
      .bad<ShapeError>("needs a vector", zeros({2, 2}))
      .bad<ShapeError>("more than 2^63 choices", zeros({1000}), 100);
}

void matrices(Samples& samples) {
  mover(
      samples, "block_diag", Strides::kDense,
      [](Maker& m) {
        m.call("mixed", list({m.uniform({2, 3}), m.uniform({2}), m.uniform({})}));
        m.call("one", list({m.uniform({2, 3})}));
        m.call("no columns", list({m.uniform({2, 0}), m.uniform({1, 2})}));
        m.call("empty", list({m.uniform({0}), m.uniform({2, 2})}));
        if (is_float(m.dtype)) {
          m.call("promoted", list({m.uniform({2, 2}), m.integers(kI8, {2, 2}, -3, 3)})).gradient =
              false;
        }
      },
      [](const Call& c) -> Results {
        int64_t rows = 0, columns = 0;
        DType dtype = c.arrays(0)[0].dtype;
        std::vector<Array> blocks = c.arrays(0);
        for (Array& a : blocks) {
          dtype = promoted(dtype, a.dtype);
          if (a.rank() < 2) a.shape = {1, a.numel()};
          rows += a.shape[0];
          columns += a.shape[1];
        }
        Array y = zeros_of(dtype, {rows, columns});
        int64_t row = 0, column = 0;
        for (const Array& a : blocks) {
          each_index(a.shape, [&](const Index& index) {
            y.at({row + index[0], column + index[1]}) = a.at(index);
          });
          row += a.shape[0];
          column += a.shape[1];
        }
        return {y};
      })
      .bad<ShapeError>("needs matrices", list({zeros({2, 2, 2})}))
      .large = [](Maker& m) {
    m.call("large", list({m.uniform({101, 107}), m.uniform({151, 3})}));
  };
  Sample& s = samples.add("vander");
  std::erase_if(s.dtypes, [](DType d) { return d == kU16 || d == kU32 || d == kU64; });
  s.ulps = 6;
  s.same_on_targets = true;
  s.calls = [](Maker& m) {
    m.call("square", m.uniform({3}));
    m.call("increasing", m.uniform({3}), 5, true);
    m.call("fewer", m.uniform({4}), 2);
    m.call("one", m.uniform({3}), 1).gradient = false;
    m.call("no powers", m.uniform({3}), 0).gradient = false;
    m.call("empty", m.uniform({0})).gradient = false;
  };
  s.reference = [](const Call& c) -> Results {
    const Array& x = c.array(0);
    const int64_t n = c.integer(1, x.numel());
    Array y = zeros_of(is_float(x.dtype) ? x.dtype : kI64, {x.numel(), n});
    each_index(y.shape, [&](const Index& index) {
      const int64_t power = c.flag(2, false) ? index[1] : n - 1 - index[1];
      Real value = 1;
      for (int64_t k = 0; k < power; ++k) value *= x.values[size_t(index[0])];
      y.at(index) = value;
    });
    return {y};
  };
  s.bad<ShapeError>("needs a vector", zeros({2, 2}));
  s.bad<ValueError>("N must not be negative", zeros({2}), -1);
  s.bad<DtypeError>("u16", zeros({2}, kU16));
}

}  // namespace

void samples_grid(Samples& samples) {
  tuples(samples);
  matrices(samples);
}

}  // namespace entasis::matrix
