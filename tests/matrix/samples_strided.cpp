// Views by strides, and diagonals put into zeros.
#include <algorithm>
#include <cstring>

#include "shapes.h"

namespace entasis::matrix {
namespace {

Array zeros(const Shape& shape, DType dtype = kF32) { return zeros_of(dtype, shape); }

// Where the dimensions other than a and b of a plane's index come from.
Index plane_index(const Index& rest, int64_t a, int64_t b, int64_t row, int64_t column) {
  Index index = rest;
  const int64_t low = std::min(a, b), high = std::max(a, b);
  index.insert(index.begin() + low, a < b ? row : column);
  index.insert(index.begin() + high, a < b ? column : row);
  return index;
}

Array diagonal_of(const Array& x, int64_t offset, int64_t dim1, int64_t dim2) {
  const int64_t a = wrap(dim1, x.rank()), b = wrap(dim2, x.rank());
  const int64_t rows = x.shape[size_t(a)], columns = x.shape[size_t(b)];
  int64_t length = 0;
  while (length + std::max<int64_t>(-offset, 0) < rows &&
         length + std::max<int64_t>(offset, 0) < columns) {
    ++length;
  }
  Shape shape;
  for (int64_t d = 0; d < x.rank(); ++d) {
    if (d != a && d != b) shape.push_back(x.shape[size_t(d)]);
  }
  shape.push_back(length);
  return taken(x, shape, [&](Index index) {
    const int64_t k = index.back();
    index.pop_back();
    return plane_index(index, a, b, k + std::max<int64_t>(-offset, 0),
                       k + std::max<int64_t>(offset, 0));
  });
}

Array embedded(const Array& x, int64_t offset, int64_t dim1, int64_t dim2) {
  const int64_t rank = x.rank() + 1, a = wrap(dim1, rank), b = wrap(dim2, rank);
  Shape rest = x.shape;
  rest.pop_back();
  const int64_t size = x.shape.back() + std::abs(offset);
  Array y = zeros_of(x.dtype, plane_index(rest, a, b, size, size));
  each_index(x.shape, [&](Index index) {
    const Real value = x.at(index);
    const int64_t k = index.back();
    index.pop_back();
    y.at(plane_index(index, a, b, k + std::max<int64_t>(-offset, 0),
                     k + std::max<int64_t>(offset, 0))) = value;
  });
  return y;
}

void diagonals(Samples& samples) {
  mover(
      samples, "diagonal", Strides::kView,
      [](Maker& m) {
        m.call("main", m.uniform({3, 4}));
        m.call("above", m.uniform({3, 4}), 2);
        m.call("below", m.uniform({3, 2}), -1);
        m.call("beyond", m.uniform({2, 3}), 3);
        m.call("far below", m.uniform({2, 3}), -100);
        m.call("planes", m.uniform({2, 3, 4}), 1, 0, 2);
        m.call("backwards", m.uniform({2, 3, 2, 4}), -1, -1, 1);
        m.call("empty", m.uniform({0, 3}));
      },
      [](const Call& c) -> Results {
        return {diagonal_of(c.array(0), c.integer(1, 0), c.integer(2, 0), c.integer(3, 1))};
      })
      .bad<ValueError>("name the same dimension, 1", zeros({2, 3}), 0, 1, -1)
      .bad<IndexError>("1", zeros({2}));
  mover(
      samples, "diag_embed", Strides::kDense,
      [](Maker& m) {
        m.call("vector", m.uniform({3}));
        m.call("above", m.uniform({2, 3}), 1);
        m.call("below", m.uniform({2, 2}), -2);
        m.call("dims", m.uniform({2, 3}), 0, 0, 2);
        m.call("backwards", m.uniform({2, 2, 3}), 1, -1, 0);
        m.call("empty", m.uniform({2, 0}), 1);
      },
      [](const Call& c) -> Results {
        return {embedded(c.array(0), c.integer(1, 0), c.integer(2, -2), c.integer(3, -1))};
      })
      .bad<ValueError>("name the same dimension, 1", zeros({2, 3}), 0, 1, 1)
      .bad<ShapeError>("0-d", zeros({}))
      .bad<ShapeError>("too large", zeros({2}), INT64_MAX)
      .large = [](Maker& m) { m.call("large", m.uniform({317}), 3); };
  mover(
      samples, "diag", Strides::kDense,
      [](Maker& m) {
        m.call("of a matrix", m.uniform({3, 4}), 1);
        m.call("of a vector", m.uniform({3}), -1);
        m.call("beyond", m.uniform({3, 4}), 7);
        m.call("empty", m.uniform({0}), 1);
      },
      [](const Call& c) -> Results {
        const Array& x = c.array(0);
        return {x.rank() == 1 ? embedded(x, c.integer(1, 0), 0, 1)
                              : diagonal_of(x, c.integer(1, 0), 0, 1)};
      })
      .bad<ShapeError>("needs a vector or a matrix", zeros({2, 2, 2}));
  mover(
      samples, "diagflat", Strides::kDense,
      [](Maker& m) {
        m.call("matrix", m.uniform({2, 2}), 1);
        m.call("0-d", m.uniform({}), -1);
        m.call("empty", m.uniform({0, 2}));
      },
      [](const Call& c) -> Results {
        return {embedded(reshaped(c.array(0), {c.array(0).numel()}), c.integer(1, 0), 0, 1)};
      })
      .bad<ValueError>("undefined", std::nullopt);
}

// The input's elements one behind another, as the contiguous layout of a call has them. Other
// layouts put other elements into the storage: those calls say only what they can, by gaps of 0.
void strided(Samples& samples) {
  mover(
      samples, "unfold", Strides::kView,
      [](Maker& m) {
        m.call("overlapping", m.uniform({7}), 0, 3, 2);
        m.call("step 1", m.uniform({2, 5}), 1, 3, 1);
        m.call("apart", m.uniform({8, 2}), 0, 2, 3);
        m.call("middle", m.uniform({2, 4, 2}), -2, 2, 2);
        m.call("nothing", m.uniform({3}), 0, 0, 1);
        m.call("0-d", m.uniform({}), 0, 1, 1);
        m.call("empty", m.uniform({0, 3}), 1, 2, 1);
      },
      [](const Call& c) -> Results {
        const Array& x = c.array(0);
        const int64_t size = c.integer(2), step = c.integer(3);
        if (x.rank() == 0) return {reshaped(x, {1})};
        const size_t d = size_t(wrap(c.integer(1), x.rank()));
        Shape shape = x.shape;
        shape[d] = (shape[d] - size) / step + 1;
        shape.push_back(size);
        return {taken(x, shape, [&](Index index) {
          const int64_t k = index.back();
          index.pop_back();
          index[d] = index[d] * step + k;
          return index;
        })};
      })
      .bad<ValueError>("size 4 is not between 0", zeros({3}), 0, 4, 1)
      .bad<ValueError>("step must be at least 1, it is 0", zeros({3}), 0, 2, 0)
      .bad<IndexError>("1", zeros({3}), 1, 2, 1);
  Sample& s = mover(
      samples, "view_dtype", Strides::kView,
      [](Maker& m) {
        // The same dtype says that nothing changes; other dtypes have a test of their own.
        m.call("same", m.uniform({2, 3}), m.dtype);
        m.call("0-d", m.uniform({}), m.dtype);
        m.call("empty", m.uniform({0, 3}), m.dtype);
      },
      [](const Call& c) -> Results { return {c.array(0)}; });
  s.no_gradient = "bits taken for another dtype have no derivative";
  s.bad<ShapeError>("multiples of 2 elements", zeros({3}), kF64);
  s.bad<ShapeError>("only along a dense last dimension", zeros({}), kF16);
}

}  // namespace

void samples_strided(Samples& samples) {
  diagonals(samples);
  strided(samples);
  // Of a dense input only: in another layout the strides name other elements.
  Sample& s = mover(
      samples, "as_strided", Strides::kView,
      [](Maker& m) {
        m.call("the first", m.uniform({}), Shape{}, Shape{});
        m.call("repeated", m.uniform({}), Shape{3}, Shape{0});
        m.call("empty", m.uniform({0}), Shape{0, 2}, Shape{7, 1});
      },
      [](const Call& c) -> Results {
        return {taken(c.array(0), c.dims(1),
                      [](const Index& index) { return Index(index.empty() ? 0 : 0); })};
      });
  s.bad<ShapeError>("leaves the storage", zeros({2, 3}), Shape{4}, Shape{1000});
  s.bad<ShapeError>("differ in length", zeros({2, 3}), Shape{4}, Shape{1, 1});
  s.bad<ValueError>("must not be negative", zeros({2, 3}), Shape{2}, Shape{-1});
  s.bad<ValueError>("must not be negative", zeros({2, 3}), Shape{2}, Shape{1}, -1);
}

}  // namespace entasis::matrix
