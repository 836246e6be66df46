// Other names and combinations of views; shuffles of channels and pixels.
#include <algorithm>

#include "shapes.h"

namespace entasis::matrix {
namespace {

Array zeros(const Shape& shape) { return zeros_of(kF32, shape); }

Array moved(const Call& c) {
  const Array& x = c.array(0);
  const Shape source = c.dims(1), destination = c.dims(2);
  std::vector<int64_t> order(size_t(x.rank()), -1), rest;
  for (int64_t d = 0; d < x.rank(); ++d) rest.push_back(d);
  for (size_t i = 0; i < source.size(); ++i) {
    const int64_t from = wrap(source[i], x.rank());
    order[size_t(wrap(destination[i], x.rank()))] = from;
    std::erase(rest, from);
  }
  size_t next = 0;
  for (int64_t& d : order) {
    if (d == -1) d = rest[next++];
  }
  return permuted(x, order);
}

Array exchanged(const Call& c) {
  const Array& x = c.array(0);
  std::vector<int64_t> order;
  for (int64_t d = 0; d < x.rank(); ++d) order.push_back(d);
  std::swap(order[size_t(wrap(c.integer(1), x.rank()))],
            order[size_t(wrap(c.integer(2), x.rank()))]);
  return permuted(x, order);
}

Array expanded(const Array& x, Shape shape) {
  const size_t lead = shape.size() - x.shape.size();
  for (size_t d = lead; d < shape.size(); ++d) {
    if (shape[d] == -1) shape[d] = x.shape[d - lead];
  }
  return taken(x, shape, [&](const Index& index) { return unbroadcast(index, x.shape); });
}

void move_calls(Maker& m) {
  m.call("one", m.uniform({2, 3}), Shape{0}, Shape{1});
  m.call("two", m.uniform({2, 3, 4}), Shape{0, 1}, Shape{-1, 0});
  m.call("none", m.uniform({2, 3}), Shape{}, Shape{});
  m.call("4-d", m.uniform({2, 3, 1, 2}), Shape{-1}, Shape{1});
  m.call("empty", m.uniform({0, 3}), Shape{0}, Shape{-1});
}

void exchange_calls(Maker& m) {
  m.call("0 1", m.uniform({2, 3}), 0, 1);
  m.call("-1 0", m.uniform({2, 3, 2}), -1, 0);
  m.call("empty", m.uniform({0, 3}), 0, 1);
}

void views(Samples& samples) {
  mover(
      samples, "view", Strides::kView,
      [](Maker& m) {
        m.call("ones", m.uniform({3, 1, 2}), Shape{1, 3, 2, 1});
        m.call("same", m.uniform({2, 3}), Shape{2, -1});
        m.call("to 0-d", m.uniform({1, 1}), Shape{});
        m.call("from 0-d", m.uniform({}), Shape{1});
        m.call("split", m.uniform({6, 4}), Shape{2, 3, 2, 2});
        m.call("empty", m.uniform({0, 3}), Shape{3, 0, 2});
      },
      [](const Call& c) -> Results { return {reshaped(c.array(0), c.dims(1))}; })
      .bad<ShapeError>("do not fill [4]", zeros({2, 3}), Shape{4});
  mover(
      samples, "unflatten", Strides::kView,
      [](Maker& m) {
        m.call("last", m.uniform({2, 6}), -1, Shape{3, 2});
        m.call("inferred", m.uniform({6, 2}), 0, Shape{2, -1});
        m.call("middle", m.uniform({2, 4, 3}), 1, Shape{2, 1, 2});
        m.call("empty", m.uniform({0, 3}), 0, Shape{-1, 2});
      },
      [](const Call& c) -> Results {
        const Array& x = c.array(0);
        const int64_t d = wrap(c.integer(1), x.rank());
        Shape sizes = c.dims(2), shape = x.shape;
        int64_t known = 1;
        for (int64_t size : sizes) known *= size == -1 ? 1 : size;
        for (int64_t& size : sizes) {
          if (size == -1) size = x.shape[size_t(d)] / known;
        }
        shape.erase(shape.begin() + d);
        shape.insert(shape.begin() + d, sizes.begin(), sizes.end());
        return {Array{x.dtype, shape, x.values}};
      })
      .bad<ShapeError>("do not multiply to size 3", zeros({2, 3}), 1, Shape{2, 2})
      .bad<ShapeError>("negative size", zeros({2, 3}), 1, Shape{-1, -1})
      .bad<ValueError>("must not be empty", zeros({2, 3}), 1, Shape{})
      .bad<IndexError>("0-d", zeros({}), 0, Shape{1});
  mover(
      samples, "ravel", Strides::kUnchecked,  // a view where the strides allow one
      [](Maker& m) {
        m.call("3-d", m.uniform({2, 3, 4}));
        m.call("0-d", m.uniform({}));
        m.call("empty", m.uniform({2, 0}));
      },
      [](const Call& c) -> Results { return {reshaped(c.array(0), {c.array(0).numel()})}; })
      .bad<ValueError>("undefined", std::nullopt);
  for (const char* row : {"movedim", "moveaxis"}) {
    mover(samples, row, Strides::kView, move_calls,
          [](const Call& c) -> Results { return {moved(c)}; })
        .bad<ValueError>("names a dimension twice", zeros({2, 3}), Shape{0, 0}, Shape{0, 1})
        .bad<ValueError>("names a dimension twice", zeros({2, 3}), Shape{0, 1}, Shape{1, -1})
        .bad<ShapeError>("differ in length", zeros({2, 3}), Shape{0, 1}, Shape{0})
        .bad<IndexError>("2", zeros({2, 3}), Shape{2}, Shape{0});
  }
  for (const char* row : {"swapaxes", "swapdims"}) {
    mover(samples, row, Strides::kView, exchange_calls, [](const Call& c) -> Results {
      return {exchanged(c)};
    }).bad<IndexError>("2", zeros({2, 3}), 0, 2);
  }
  mover(
      samples, "broadcast_to", Strides::kView,
      [](Maker& m) {
        m.call("columns", m.uniform({3, 1}), Shape{3, 4});
        m.call("new dimension", m.uniform({2, 3}), Shape{2, -1, 3});
        m.call("empty", m.uniform({0, 1}), Shape{0, 3});
      },
      [](const Call& c) -> Results { return {expanded(c.array(0), c.dims(1))}; })
      .bad<ShapeError>("does not expand", zeros({2, 3}), Shape{2, 4});
  mover(
      samples, "broadcast_tensors", Strides::kUnchecked,  // views of several inputs
      [](Maker& m) {
        m.call("three", std::vector<Array>{m.uniform({2, 3}), m.uniform({}), m.uniform({4, 1, 1})});
        m.call("one", std::vector<Array>{m.uniform({2, 3})});
        m.call("empty", std::vector<Array>{m.uniform({0, 3}), m.uniform({1, 1})});
      },
      [](const Call& c) -> Results {
        Shape shape;
        for (const Array& a : c.arrays(0)) shape = broadcast(shape, a.shape);
        Results results;
        for (const Array& a : c.arrays(0)) results.push_back(expanded(a, shape));
        return results;
      })
      .bad<ShapeError>("do not broadcast", std::vector<Array>{zeros({2}), zeros({3})});
}

Array shuffled_pixels(const Array& x, int64_t r, bool back) {
  const size_t b = x.shape.size() - 3;
  Shape shape(x.shape.begin(), x.shape.begin() + int64_t(b));
  const int64_t c = x.shape[b], h = x.shape[b + 1], w = x.shape[b + 2];
  const Shape image = back ? Shape{c * r * r, h / r, w / r} : Shape{c / r / r, h * r, w * r};
  shape.insert(shape.end(), image.begin(), image.end());
  Array y = zeros_of(x.dtype, shape);
  each_index(shape, [&](const Index& index) {
    Index from = index;
    int64_t &channel = from[b], &row = from[b + 1], &column = from[b + 2];
    if (back) {
      const int64_t place = index[b] % (r * r);
      channel = index[b] / (r * r);
      row = index[b + 1] * r + place / r;
      column = index[b + 2] * r + place % r;
    } else {
      channel = index[b] * r * r + index[b + 1] % r * r + index[b + 2] % r;
      row = index[b + 1] / r;
      column = index[b + 2] / r;
    }
    y.at(index) = x.at(from);
  });
  return y;
}

void shuffles(Samples& samples) {
  mover(
      samples, "pixel_shuffle", Strides::kChannelsLastLike,
      [](Maker& m) {
        m.call("4-d", m.uniform({2, 8, 2, 3}), 2);
        m.call("3-d", m.uniform({9, 1, 2}), 3);
        m.call("5-d", m.uniform({2, 1, 4, 2, 1}), 2);
        m.call("by one", m.uniform({1, 2, 2, 3}), 1);
        m.call("empty", m.uniform({0, 4, 2, 2}), 2);
      },
      [](const Call& c) -> Results { return {shuffled_pixels(c.array(0), c.integer(1), false)}; })
      .bad<ShapeError>("6 channels do not divide into squares of 2 x 2", zeros({1, 6, 2, 2}), 2)
      .bad<ValueError>("upscale_factor must be positive, it is 0", zeros({1, 4, 2, 2}), 0)
      .bad<ShapeError>("at least 3 dimensions", zeros({2, 2}), 1)
      .large = [](Maker& m) {
    m.call("large", m.uniform({2, 16, 61, 67}), 2);
  };
  mover(
      samples, "pixel_unshuffle", Strides::kChannelsLastLike,
      [](Maker& m) {
        m.call("4-d", m.uniform({2, 2, 4, 2}), 2);
        m.call("3-d", m.uniform({1, 3, 6}), 3);
        m.call("by one", m.uniform({1, 2, 2, 3}), 1);
        m.call("empty", m.uniform({0, 4, 2, 2}), 2);
      },
      [](const Call& c) -> Results { return {shuffled_pixels(c.array(0), c.integer(1), true)}; })
      .bad<ShapeError>("3 x 2 does not divide into squares of 2 x 2", zeros({1, 1, 3, 2}), 2)
      .bad<ValueError>("downscale_factor must be positive, it is -1", zeros({1, 4, 2, 2}), -1);
  mover(
      samples, "channel_shuffle", Strides::kChannelsLastLike,
      [](Maker& m) {
        m.call("4-d", m.uniform({2, 6, 2, 3}), 3);
        m.call("3-d", m.uniform({1, 4, 2}), 2);
        m.call("one group", m.uniform({1, 2, 2, 3}), 1);
        m.call("empty", m.uniform({0, 4, 2}), 2);
      },
      [](const Call& c) -> Results {
        const Array& x = c.array(0);
        const int64_t groups = c.integer(1), each = x.shape[1] / groups;
        return {taken(x, x.shape, [&](Index index) {
          index[1] = index[1] % groups * each + index[1] / groups;
          return index;
        })};
      })
      .bad<ShapeError>("4 channels do not divide into 3 groups", zeros({1, 4, 2}), 3)
      .bad<ValueError>("groups must be positive, it is 0", zeros({1, 4, 2}), 0);
}

}  // namespace

void samples_rearrange(Samples& samples) {
  views(samples);
  shuffles(samples);
}

}  // namespace entasis::matrix
