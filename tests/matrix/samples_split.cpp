// Cutting a tensor into views.
#include <algorithm>

#include "shapes.h"

namespace entasis::matrix {
namespace {

Array zeros(const Shape& shape) { return zeros_of(kF32, shape); }

Results cut(const Array& x, int64_t dim, const std::vector<int64_t>& sizes) {
  Results parts;
  int64_t start = 0;
  for (int64_t size : sizes) {
    parts.push_back(sliced(x, dim, start, start + size));
    start += size;
  }
  return parts;
}

Results cut_at(const Array& x, int64_t dim, const std::vector<int64_t>& indices) {
  Results parts;
  int64_t start = 0;
  for (int64_t index : indices) {
    parts.push_back(sliced(x, dim, start, index));
    start = index;
  }
  parts.push_back(sliced(x, dim, start, x.shape[size_t(wrap(dim, x.rank()))]));
  return parts;
}

std::vector<int64_t> pieces(int64_t size, int64_t each) {
  std::vector<int64_t> sizes;
  for (int64_t start = 0; start < std::max<int64_t>(size, 1); start += each) {
    sizes.push_back(std::min(each, size - start));
  }
  return sizes;
}

// By a number of parts or at indices.
Results divided(const Call& c, int64_t dim) {
  const Array& x = c.array(0);
  if (is_list(c, 1)) return cut_at(x, dim, c.dims(1));
  const int64_t size = x.shape[size_t(wrap(dim, x.rank()))], count = c.integer(1);
  std::vector<int64_t> sizes;
  for (int64_t k = 0; k < count; ++k) sizes.push_back(size / count + (k < size % count));
  return cut(x, dim, sizes);
}

}  // namespace

void samples_split(Samples& samples) {
  mover(
      samples, "split", Strides::kView,
      [](Maker& m) {
        m.call("even", m.uniform({4, 3}), 2);
        m.call("rest", m.uniform({5, 3}), 2);
        m.call("columns", m.uniform({2, 3, 2, 5}), 3, -1);
        m.call("more than there is", m.uniform({3}), 9);
        m.call("empty", m.uniform({0, 3}), 2);
        m.call("sections", m.uniform({5, 3}), Shape{1, 0, 4});
        m.call("one section", m.uniform({2, 3}), Shape{3}, -1);
      },
      [](const Call& c) -> Results {
        const Array& x = c.array(0);
        const int64_t d = wrap(c.integer(2, 0), x.rank());
        return cut(x, d, is_list(c, 1) ? c.dims(1) : pieces(x.shape[size_t(d)], c.integer(1)));
      })
      .bad<ValueError>("split_size must be positive", zeros({2}), 0)
      .bad<ValueError>("must add up to the dimension's size, 2", zeros({2}), Shape{1, 2})
      .bad<ValueError>("[3, -1]", zeros({2}), Shape{3, -1})
      .bad<ShapeError>("0-d", zeros({}), 1)
      .bad<IndexError>("1", zeros({2}), 1, 1);
  mover(
      samples, "split_with_sizes", Strides::kView,
      [](Maker& m) {
        m.call("rows", m.uniform({5, 3}), Shape{1, 4});
        m.call("columns", m.uniform({2, 3, 2, 5}), Shape{2, 0, 3}, -1);
        m.call("empty", m.uniform({0, 3}), Shape{0, 0});
      },
      [](const Call& c) -> Results { return cut(c.array(0), c.integer(2, 0), c.dims(1)); })
      .bad<ValueError>("must add up to the dimension's size, 2", zeros({2}), Shape{1, 2})
      .bad<ShapeError>("0-d", zeros({}), Shape{});
  mover(
      samples, "chunk", Strides::kView,
      [](Maker& m) {
        m.call("even", m.uniform({4, 3}), 2);
        m.call("rest", m.uniform({7}), 3);
        m.call("fewer than asked for", m.uniform({2, 6}), 4, 1);
        m.call("empty", m.uniform({0, 3}), 2);
      },
      [](const Call& c) -> Results {
        const Array& x = c.array(0);
        const int64_t d = wrap(c.integer(2, 0), x.rank()), size = x.shape[size_t(d)];
        const int64_t count = c.integer(1);
        if (size == 0) return Results(size_t(count), x);
        return cut(x, d, pieces(size, (size + count - 1) / count));
      })
      .bad<ValueError>("chunks must be positive, it is 0", zeros({2}), 0)
      .bad<ShapeError>("0-d", zeros({}), 1);
  mover(
      samples, "tensor_split", Strides::kView,
      [](Maker& m) {
        m.call("unequal", m.uniform({7}), 3);
        m.call("more than there is", m.uniform({2, 2}), 3);
        m.call("at indices", m.uniform({2, 7}), Shape{2, 5}, 1);
        m.call("negative, beyond, backwards", m.uniform({7}), Shape{-2, 20, 1});
        m.call("at nothing", m.uniform({2, 3}), Shape{});
        m.call("empty", m.uniform({0, 3}), 2);
      },
      [](const Call& c) { return divided(c, c.integer(2, 0)); })
      .bad<ValueError>("number of sections must be positive, it is 0", zeros({2}), 0)
      .bad<ShapeError>("0-d", zeros({}), 1);
  mover(
      samples, "hsplit", Strides::kView,
      [](Maker& m) {
        m.call("columns", m.uniform({2, 6}), 3);
        m.call("of 1-d", m.uniform({4}), 2);
        m.call("at", m.uniform({2, 5}), Shape{1, 3});
        m.call("empty", m.uniform({0, 4}), 2);
      },
      [](const Call& c) { return divided(c, c.array(0).rank() == 1 ? 0 : 1); })
      .bad<ValueError>("size 3 of dimension 1 does not divide into 2 parts", zeros({2, 3}), 2)
      .bad<ValueError>("into 0 parts", zeros({2, 3}), 0)
      .bad<ShapeError>("needs at least 1 dimension,", zeros({}), 1);
  mover(
      samples, "vsplit", Strides::kView,
      [](Maker& m) {
        m.call("rows", m.uniform({4, 3}), 2);
        m.call("at", m.uniform({4, 3}), Shape{1});
        m.call("empty", m.uniform({2, 0}), 2);
      },
      [](const Call& c) { return divided(c, 0); })
      .bad<ValueError>("size 3 of dimension 0", zeros({3, 2}), 2)
      .bad<ShapeError>("needs at least 2 dimensions, the shape is [2]", zeros({2}), 1);
  mover(
      samples, "dsplit", Strides::kView,
      [](Maker& m) {
        m.call("depth", m.uniform({2, 1, 4}), 2);
        m.call("at", m.uniform({2, 1, 4}), Shape{3});
        m.call("empty", m.uniform({2, 0, 2}), 2);
      },
      [](const Call& c) { return divided(c, 2); })
      .bad<ValueError>("size 3 of dimension 2", zeros({1, 1, 3}), 2)
      .bad<ShapeError>("needs at least 3 dimensions", zeros({2, 2}), 1);
  mover(
      samples, "unbind", Strides::kView,
      [](Maker& m) {
        m.call("rows", m.uniform({3, 2}));
        m.call("last", m.uniform({2, 2, 3}), -1);
        m.call("of 1-d", m.uniform({3}));
        m.call("empty", m.uniform({2, 0}));
      },
      [](const Call& c) -> Results {
        const Array& x = c.array(0);
        const size_t d = size_t(wrap(c.integer(1, 0), x.rank()));
        Results parts;
        for (int64_t k = 0; k < x.shape[d]; ++k) {
          Array part = sliced(x, int64_t(d), k, k + 1);
          part.shape.erase(part.shape.begin() + int64_t(d));
          parts.push_back(part);
        }
        return parts;
      })
      .bad<IndexError>("0-d", zeros({}))
      .bad<IndexError>("2", zeros({2, 2}), 2);
}

}  // namespace entasis::matrix
