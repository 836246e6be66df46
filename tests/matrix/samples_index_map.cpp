// Reversed, rolled, repeated and padded.
#include <algorithm>

#include "shapes.h"

namespace entasis::matrix {
namespace {

Array zeros(const Shape& shape, DType dtype = kF32) { return zeros_of(dtype, shape); }

int64_t modulo(int64_t a, int64_t n) { return ((a % n) + n) % n; }

Array flipped(const Array& x, const Shape& dims) {
  return taken(x, x.shape, [&](Index index) {
    for (int64_t dim : dims) {
      const size_t d = size_t(wrap(dim, x.rank()));
      if (d < index.size()) index[d] = x.shape[d] - 1 - index[d];
    }
    return index;
  });
}

Array rolled(const Array& x, const Shape& shifts, const Shape& dims) {
  return taken(x, x.shape, [&](Index index) {
    for (size_t k = 0; k < dims.size(); ++k) {
      const size_t d = size_t(wrap(dims[k], x.rank()));
      index[d] = modulo(index[d] - shifts[k], x.shape[d]);
    }
    return index;
  });
}

Array repeated_by(const Array& x, Shape repeats) {
  Array lifted = x;
  while (lifted.shape.size() < repeats.size()) lifted.shape.insert(lifted.shape.begin(), 1);
  while (repeats.size() < lifted.shape.size()) repeats.insert(repeats.begin(), 1);
  Shape shape = lifted.shape;
  for (size_t d = 0; d < shape.size(); ++d) shape[d] *= repeats[d];
  return taken(lifted, shape, [&](Index index) {
    for (size_t d = 0; d < index.size(); ++d) index[d] %= lifted.shape[d];
    return index;
  });
}

Array padded(const Call& c) {
  const Array& x = c.array(0);
  const Shape pad = c.dims(1);
  const std::string mode = c.text(2, "constant");
  const Real value = c.real(3, 0);
  Shape shape = x.shape, before(x.shape.size(), 0), after(x.shape.size(), 0);
  for (size_t k = 0; 2 * k < pad.size(); ++k) {
    const size_t d = shape.size() - 1 - k;
    before[d] = pad[2 * k];
    after[d] = pad[2 * k + 1];
    shape[d] += before[d] + after[d];
  }
  Array y = zeros_of(x.dtype, shape);
  each_index(shape, [&](const Index& index) {
    Index from = index;
    bool inside = true;
    for (size_t d = 0; d < index.size(); ++d) {
      const int64_t n = x.shape[d];
      int64_t t = index[d] - before[d];
      if (mode == "reflect" && n > 0) {
        if (t < 0) t = -t;
        if (t >= n) t = 2 * (n - 1) - t;
      } else if (mode == "replicate") {
        t = std::clamp<int64_t>(t, 0, n - 1);
      } else if (mode == "circular" && n > 0) {
        // What is taken away goes first; the others go round what is left.
        const int64_t low = std::max<int64_t>(-before[d], 0);
        const int64_t left = n - low - std::max<int64_t>(-after[d], 0);
        t = low + modulo(t - low, left);
      }
      inside &= t >= 0 && t < n;
      from[d] = t;
    }
    y.at(index) = inside ? x.at(from) : held(x.dtype, value);
  });
  return y;
}

void reversals(Samples& samples) {
  mover(
      samples, "flip", Strides::kPointwise,
      [](Maker& m) {
        m.call("rows", m.uniform({3, 4}), Shape{0});
        m.call("last", m.uniform({2, 37}), Shape{-1});
        m.call("both", m.uniform({2, 3, 4, 2}), Shape{1, -1});
        m.call("none", m.uniform({2, 3}), Shape{});
        m.call("0-d", m.uniform({}), Shape{0});
        m.call("empty", m.uniform({0, 3}), Shape{0, 1});
      },
      [](const Call& c) -> Results { return {flipped(c.array(0), c.dims(1))}; })
      .bad<ValueError>("name dimension 1 twice", zeros({2, 3}), Shape{1, -1})
      .bad<IndexError>("2", zeros({2, 3}), Shape{2})
      .large = [](Maker& m) {
    m.call("rows", m.uniform({301, 305}), Shape{0});
    m.call("one", m.uniform({100003}), Shape{0});
  };
  mover(
      samples, "fliplr", Strides::kPointwise,
      [](Maker& m) {
        m.call("matrix", m.uniform({3, 4}));
        m.call("3-d", m.uniform({2, 3, 2}));
        m.call("empty", m.uniform({0, 3}));
      },
      [](const Call& c) -> Results { return {flipped(c.array(0), {1})}; })
      .bad<ShapeError>("at least 2 dimensions", zeros({3}));
  mover(
      samples, "flipud", Strides::kPointwise,
      [](Maker& m) {
        m.call("matrix", m.uniform({3, 4}));
        m.call("vector", m.uniform({3}));
        m.call("empty", m.uniform({0, 3}));
      },
      [](const Call& c) -> Results { return {flipped(c.array(0), {0})}; })
      .bad<ShapeError>("0-d", zeros({}));
  mover(
      samples, "roll", Strides::kChannelsLastLike,
      [](Maker& m) {
        m.call("rows", m.uniform({3, 4}), Shape{1}, Shape{0});
        m.call("far", m.uniform({2, 37}), Shape{-100}, Shape{-1});
        m.call("two", m.uniform({2, 3, 4, 2}), Shape{1, -1}, Shape{1, 3});
        m.call("twice", m.uniform({5}), Shape{1, 2}, Shape{0, -1});
        m.call("all", m.uniform({2, 3}), Shape{2});
        m.call("0-d", m.uniform({}), Shape{1});
        m.call("empty", m.uniform({0, 3}), Shape{1}, Shape{0});
      },
      [](const Call& c) -> Results {
        const Array& x = c.array(0);
        if (c.dims(2).empty()) {
          return {reshaped(rolled(reshaped(x, {x.numel()}), c.dims(1), {0}), x.shape)};
        }
        return {rolled(x, c.dims(1), c.dims(2))};
      })
      .bad<ValueError>("differ in length", zeros({2, 3}), Shape{1, 2}, Shape{0})
      .bad<ValueError>("must not be empty", zeros({2, 3}), Shape{})
      .bad<IndexError>("0-d", zeros({}), Shape{1}, Shape{0})
      .large = [](Maker& m) {
    m.call("all", m.uniform({301, 305}), Shape{4001});
  };
  mover(
      samples, "rot90", Strides::kUnchecked,  // a flip seen transposed
      [](Maker& m) {
        for (int64_t k : {0, 1, 2, 3, -1, 6}) m.call(std::to_string(k), m.uniform({2, 3}), k);
        m.call("plane", m.uniform({2, 3, 2}), 1, Shape{-1, 0});
        m.call("empty", m.uniform({0, 3}));
      },
      [](const Call& c) -> Results {
        Array x = c.array(0);
        const Shape dims = c.dims(2, {0, 1});
        std::vector<int64_t> order;
        for (int64_t d = 0; d < x.rank(); ++d) order.push_back(d);
        std::swap(order[size_t(wrap(dims[0], x.rank()))], order[size_t(wrap(dims[1], x.rank()))]);
        for (int64_t k = modulo(c.integer(1, 1), 4); k > 0; --k) {
          x = permuted(flipped(x, {dims[1]}), order);
        }
        return {x};
      })
      .bad<ValueError>("must name two dimensions", zeros({2, 3}), 1, Shape{0})
      .bad<ValueError>("name the same dimension", zeros({2, 3}), 1, Shape{0, -2})
      .bad<ShapeError>("at least 2 dimensions", zeros({3}));
}

void repetitions(Samples& samples) {
  mover(
      samples, "repeat", Strides::kDense,
      [](Maker& m) {
        m.call("both", m.uniform({2, 3}), Shape{2, 3});
        m.call("new dimension", m.uniform({2, 3}), Shape{2, 1, 2});
        m.call("once", m.uniform({2, 3}), Shape{1, 1});
        m.call("a column", m.uniform({3, 1}), Shape{1, 5});
        m.call("0-d", m.uniform({}), Shape{3});
        m.call("no times", m.uniform({2, 3}), Shape{0, 2});
        m.call("4-d", m.uniform({2, 1, 2, 2}), Shape{1, 2, 2, 1});
        m.call("empty", m.uniform({0, 3}), Shape{2, 2});
      },
      [](const Call& c) -> Results { return {repeated_by(c.array(0), c.dims(1))}; })
      .bad<ShapeError>("fewer entries", zeros({2, 3}), Shape{2})
      .bad<ValueError>("must not be negative", zeros({2}), Shape{-1})
      .large = [](Maker& m) {
    m.call("large", m.uniform({101, 7}), Shape{3, 41});
    m.call("row", m.uniform({3}), Shape{30001});
  };
  mover(
      samples, "tile", Strides::kDense,
      [](Maker& m) {
        m.call("last", m.uniform({2, 3}), Shape{2});
        m.call("more", m.uniform({3}), Shape{2, 2});
        m.call("none", m.uniform({2, 3}), Shape{});
        m.call("empty", m.uniform({0, 3}), Shape{2});
      },
      [](const Call& c) -> Results { return {repeated_by(c.array(0), c.dims(1))}; })
      .bad<ValueError>("must not be negative", zeros({2}), Shape{-1});
  Sample& s = mover(
      samples, "repeat_interleave", Strides::kDense,
      [](Maker& m) {
        m.call("all", m.uniform({2, 3}), 2);
        m.call("columns", m.uniform({2, 3}), 3, 1);
        m.call("each", m.uniform({3, 2}), m.of(kI64, {3}, {2, 0, 3}), 0);
        m.call("each of all", m.uniform({2, 2}), m.of(kI32, {4}, {1, 2, 0, 1}));
        m.call("one for all", m.uniform({2, 2}), m.of(kI64, {}, {2}), -1);
        m.call("0-d", m.uniform({}), 3);
        m.call("no times", m.uniform({2, 2}), 0, 0);
        m.call("empty", m.uniform({0, 3}), 2, 0);
        if (m.dtype == kI64 || m.dtype == kI32) {
          m.call("indices", m.of(m.dtype, {4}, {2, 0, 1, 3})).gradient = false;
        }
      },
      [](const Call& c) -> Results {
        Array x = c.array(0);
        if (!c.given(1)) {
          Array indices = zeros_of(x.dtype, {0});
          for (size_t i = 0; i < x.values.size(); ++i) {
            for (int64_t k = 0; k < int64_t(x.values[i]); ++k) indices.values.push_back(Real(i));
          }
          indices.shape[0] = int64_t(indices.values.size());
          return {indices};
        }
        if (!c.given(2)) x = reshaped(x, {x.numel()});
        const size_t d = size_t(wrap(c.integer(2, 0), x.rank()));
        const Array repeats = c.operand(1);
        std::vector<int64_t> from;
        for (int64_t i = 0; i < x.shape[d]; ++i) {
          const size_t which = repeats.values.size() == 1 ? 0 : size_t(i);
          for (int64_t k = 0; k < int64_t(repeats.values[which]); ++k) from.push_back(i);
        }
        Shape shape = x.shape;
        shape[d] = int64_t(from.size());
        return {taken(x, shape, [&](Index index) {
          index[d] = from[size_t(index[d])];
          return index;
        })};
      });
  s.reads_values = true;
  s.bad<ValueError>("must not be negative", zeros({2}), -1);
  s.bad<ValueError>("must not be negative", zeros({2}), Array{kI64, {2}, {1, -2}});
  s.bad<ShapeError>("3 repeats for size 2", zeros({2}), Array{kI64, {3}, {1, 2, 1}}, 0);
  s.bad<DtypeError>("whole numbers", zeros({2}), 1.5);
  s.bad<DtypeError>("whole numbers, they are f32", zeros({2}), zeros({2}));
  s.bad<ValueError>("output_size is 5", zeros({2}), 2, 0, 5);
}

void pads(Samples& samples) {
  Sample& s = mover(
      samples, "pad", Strides::kUnchecked,  // NHWC but for circular; a test of its own
      [](Maker& m) {
        m.call("one", m.uniform({4}), Shape{1, 2});
        m.call("value", m.uniform({2, 3}), Shape{0, 1, 2, 0}, "constant", 2);
        m.call("negative", m.uniform({2, 5}), Shape{-1, 2});
        m.call("to nothing", m.uniform({2, 4}), Shape{-2, -2});
        m.call("no pad", m.uniform({2, 3}), Shape{});
        m.call("4-d", m.uniform({2, 1, 2, 3}), Shape{1, 1, 0, 1, 1, 0});
        m.call("empty", m.uniform({0}), Shape{1, 1});
        m.call("reflect", m.uniform({1, 2, 5}), Shape{3, 4}, "reflect");
        m.call("reflect 2-d", m.uniform({1, 2, 3, 4}), Shape{1, 2, 2, 1}, "reflect");
        m.call("reflect negative", m.uniform({1, 1, 5}), Shape{-1, 2}, "reflect");
        m.call("replicate", m.uniform({1, 2, 3}), Shape{2, 7}, "replicate");
        m.call("replicate 2-d", m.uniform({1, 2, 2, 3}), Shape{1, 2, 2, -1}, "replicate");
        m.call("circular", m.uniform({1, 2, 3}), Shape{3, 2}, "circular");
        m.call("circular 2-d", m.uniform({1, 2, 3, 4}), Shape{1, 2, 2, 1}, "circular");
        m.call("circular negative", m.uniform({1, 1, 5}), Shape{-1, 3}, "circular");
      },
      [](const Call& c) -> Results { return {padded(c)}; });
  s.bad<ValueError>("an even number", zeros({2, 3}), Shape{1});
  s.bad<ValueError>("more than two entries", zeros({2}), Shape{1, 1, 1, 1});
  s.bad<ValueError>("takes more away", zeros({4}), Shape{-3, -2});
  s.bad<ValueError>("reflects more", zeros({1, 1, 4}), Shape{4, 0}, "reflect");
  s.bad<ValueError>("goes round more than once", zeros({1, 1, 4}), Shape{5, 0}, "circular");
  s.bad<ValueError>("leaves or finds no elements", zeros({1, 1, 4}), Shape{-2, -2}, "replicate");
  s.bad<ValueError>("takes no value", zeros({1, 1, 4}), Shape{1, 1}, "reflect", 1.0);
  s.large = [](Maker& m) {
    m.call("constant", m.uniform({2, 3, 151, 151}), Shape{1, 2, 2, 1});
    m.call("reflect", m.uniform({2, 3, 151, 151}), Shape{5, 5, 5, 5}, "reflect");
    m.call("circular", m.uniform({2, 3, 151, 151}), Shape{50, 5, 5, 50}, "circular");
  };
}

}  // namespace

void samples_index_map(Samples& samples) {
  reversals(samples);
  repetitions(samples);
  pads(samples);
}

}  // namespace entasis::matrix
