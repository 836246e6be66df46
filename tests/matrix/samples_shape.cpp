// Views, and the two functions that copy where there is no view.
#include <algorithm>

#include "shapes.h"

namespace entasis::matrix {
namespace {

Sample& view(Samples& samples, const std::string& row) {
  Sample& s = samples.add(row);
  s.strides = Strides::kView;
  s.ulps = 0;
  s.signed_zeros = s.same_on_targets = true;
  return s;
}

Array x23() { return zeros_of(kF32, {2, 3}); }

}  // namespace

void samples_shape(Samples& samples) {
  {
    Sample& s = view(samples, "reshape");
    s.strides =
        Strides::kUnchecked;  // a view where the strides allow one; a test of its own says where
    s.calls = [](Maker& m) {
      m.call("join", m.uniform({2, 3, 4}), Shape{6, 4});
      m.call("cut", m.uniform({6, 4}), Shape{2, 3, 2, 2});
      m.call("inferred", m.uniform({2, 3, 4, 5}), Shape{-1, 10});
      m.call("ones", m.uniform({3, 1, 2}), Shape{1, 3, 2, 1});
      m.call("to 0-d", m.uniform({1, 1}), Shape{});
      m.call("from 0-d", m.uniform({}), Shape{1});
      m.call("empty", m.uniform({0, 3}), Shape{3, 0, 2});
    };
    s.reference = [](const Call& c) -> Results { return {reshaped(c.array(0), c.dims(1))}; };
    s.bad<ShapeError>("do not fill [4]", x23(), Shape{4});
    s.bad<ShapeError>("only one size may be -1", x23(), Shape{-1, -1});
  }
  {
    Sample& s = view(samples, "flatten");
    s.strides = Strides::kUnchecked;
    s.calls = [](Maker& m) {
      m.call("all", m.uniform({2, 3, 4}));
      m.call("from 1", m.uniform({2, 3, 2, 2}), 1);
      m.call("0 to 1", m.uniform({2, 3, 4}), 0, 1);
      m.call("-2 to -1", m.uniform({2, 3, 4}), -2, -1);
      m.call("0-d", m.uniform({}));
      m.call("empty", m.uniform({2, 0, 3}), 1);
    };
    s.reference = [](const Call& c) -> Results {
      const Array& x = c.array(0);
      const int64_t first = wrap(c.integer(1, 0), x.rank()),
                    last = wrap(c.integer(2, -1), x.rank());
      if (x.rank() == 0) return {reshaped(x, {1})};
      Shape shape(x.shape.begin(), x.shape.begin() + first);
      int64_t joined = 1;
      for (int64_t d = first; d <= last; ++d) joined *= x.shape[size_t(d)];
      shape.push_back(joined);
      shape.insert(shape.end(), x.shape.begin() + last + 1, x.shape.end());
      return {Array{x.dtype, shape, x.values}};
    };
    s.bad<ValueError>("comes after end_dim", x23(), 1, 0);
    s.bad<IndexError>("2", x23(), 2);
  }
  {
    Sample& s = view(samples, "transpose");
    s.calls = [](Maker& m) {
      m.call("0 1", m.uniform({2, 3}), 0, 1);
      m.call("-1 0", m.uniform({2, 3, 4}), -1, 0);
      m.call("4-d", m.uniform({2, 3, 2, 3}), 1, 2);
      m.call("same", m.uniform({2, 3}), 1, 1);
      m.call("0-d", m.uniform({}), 0, -1);
      m.call("empty", m.uniform({0, 3}), 0, 1);
    };
    s.reference = [](const Call& c) -> Results {
      const Array& x = c.array(0);
      if (x.rank() == 0) return {x};
      const size_t a = size_t(wrap(c.integer(1), x.rank())),
                   b = size_t(wrap(c.integer(2), x.rank()));
      Shape shape = x.shape;
      std::swap(shape[a], shape[b]);
      return {taken(x, shape, [&](Index index) {
        std::swap(index[a], index[b]);
        return index;
      })};
    };
    s.bad<IndexError>("2", x23(), 0, 2);
  }
  {
    Sample& s = view(samples, "permute");
    s.calls = [](Maker& m) {
      m.call("rotate", m.uniform({2, 3, 4}), Shape{1, 2, 0});
      m.call("negative", m.uniform({2, 3, 2, 3}), Shape{0, -1, 1, 2});
      m.call("0-d", m.uniform({}), Shape{});
      m.call("empty", m.uniform({0, 2}), Shape{1, 0});
    };
    s.reference = [](const Call& c) -> Results {
      const Array& x = c.array(0);
      const Shape dims = c.dims(1);
      Shape shape;
      for (int64_t d : dims) shape.push_back(x.shape[size_t(wrap(d, x.rank()))]);
      return {taken(x, shape, [&](const Index& index) {
        Index from(index.size());
        for (size_t d = 0; d < dims.size(); ++d) from[size_t(wrap(dims[d], x.rank()))] = index[d];
        return from;
      })};
    };
    s.bad<ShapeError>("do not name each dimension", x23(), Shape{0});
    s.bad<ShapeError>("twice", x23(), Shape{1, -1});
  }
  {
    Sample& s = view(samples, "expand");
    s.calls = [](Maker& m) {
      m.call("columns", m.uniform({3, 1}), Shape{3, 4});
      m.call("new dimension", m.uniform({2, 3}), Shape{4, -1, 3});
      m.call("0-d", m.uniform({}), Shape{2, 2});
      m.call("to empty", m.uniform({1, 2}), Shape{0, 2});
      m.call("empty", m.uniform({0, 1}), Shape{0, 3});
    };
    s.reference = [](const Call& c) -> Results {
      const Array& x = c.array(0);
      Shape shape = c.dims(1);
      const size_t lead = shape.size() - x.shape.size();
      for (size_t d = lead; d < shape.size(); ++d) {
        if (shape[d] == -1) shape[d] = x.shape[d - lead];
      }
      return {taken(x, shape, [&](const Index& index) { return unbroadcast(index, x.shape); })};
    };
    s.bad<ShapeError>("does not expand", x23(), Shape{2, 4});
    s.bad<ShapeError>("fewer dimensions", x23(), Shape{3});
  }
  {
    Sample& s = view(samples, "slice");
    s.calls = [](Maker& m) {
      m.call("middle", m.uniform({5, 3}), 0, 1, 4);
      m.call("step", m.uniform({2, 7}), 1, 1, 7, 2);
      m.call("step beyond", m.uniform({2, 7}), -1, 0, 5, 3);
      m.call("negative", m.uniform({6}), 0, -4, -1);
      m.call("clamped", m.uniform({6}), 0, -100, 100);
      m.call("nothing", m.uniform({6, 2}), 0, 4, 2);
      m.call("4-d", m.uniform({2, 3, 2, 2}), 1, 1, 3);
      m.call("of empty", m.uniform({0, 2}), 0, 0, 1);
    };
    s.reference = [](const Call& c) -> Results {
      return {sliced(c.array(0), c.integer(1), c.integer(2), c.integer(3), c.integer(4, 1))};
    };
    s.bad<ValueError>("step must be at least 1", x23(), 0, 0, 2, 0);
    s.bad<IndexError>("2", x23(), 2, 0, 1);
    s.bad<IndexError>("0-d", zeros_of(kF32, {}), 0, 0, 1);
  }
  {
    Sample& s = view(samples, "narrow");
    s.calls = [](Maker& m) {
      m.call("rows", m.uniform({5, 3}), 0, 1, 3);
      m.call("negative", m.uniform({2, 6}), 1, -4, 2);
      m.call("nothing", m.uniform({4}), 0, 4, 0);
      m.call("empty", m.uniform({0, 3}), 1, 1, 2);
    };
    s.reference = [](const Call& c) -> Results {
      const Array& x = c.array(0);
      const int64_t start = wrap(c.integer(2), x.shape[size_t(wrap(c.integer(1), x.rank()))]);
      return {sliced(x, c.integer(1), start, start + c.integer(3), 1)};
    };
    s.bad<IndexError>("start 1 and length 2", x23(), 0, 1, 2);
    s.bad<IndexError>("length -1", x23(), 0, 1, -1);
  }
  {
    Sample& s = view(samples, "select");
    s.calls = [](Maker& m) {
      m.call("row", m.uniform({4, 3}), 0, 2);
      m.call("last column", m.uniform({2, 3, 4}), -1, -1);
      m.call("of 1-d", m.uniform({5}), 0, 3);
      m.call("empty", m.uniform({3, 0}), 0, 1);
    };
    s.reference = [](const Call& c) -> Results {
      const Array& x = c.array(0);
      const int64_t d = wrap(c.integer(1), x.rank());
      const int64_t at = wrap(c.integer(2), x.shape[size_t(d)]);
      Shape shape = x.shape;
      shape.erase(shape.begin() + d);
      return {taken(x, shape, [&](Index index) {
        index.insert(index.begin() + d, at);
        return index;
      })};
    };
    s.bad<IndexError>("index 2 is out of range for dimension 0 of size 2", x23(), 0, 2);
    s.bad<IndexError>("0-d", zeros_of(kF32, {}), 0, 0);
  }
  {
    Sample& s = view(samples, "squeeze");
    s.calls = [](Maker& m) {
      m.call("all", m.uniform({1, 3, 1, 2}));
      m.call("one", m.uniform({1, 3, 1}), Shape{-1});
      m.call("none", m.uniform({2, 3}), Shape{0});
      m.call("two", m.uniform({1, 3, 1, 1}), Shape{0, 2});
      m.call("0-d", m.uniform({}));
      m.call("empty", m.uniform({0, 1}));
    };
    s.reference = [](const Call& c) -> Results {
      const Array& x = c.array(0);
      const Shape dims = c.dims(1);
      Shape shape;
      for (size_t d = 0; d < x.shape.size(); ++d) {
        bool asked = dims.empty();
        for (int64_t e : dims) asked |= wrap(e, x.rank()) == int64_t(d);
        if (!asked || x.shape[d] != 1) shape.push_back(x.shape[d]);
      }
      return {Array{x.dtype, shape, x.values}};
    };
    s.bad<IndexError>("2", x23(), Shape{2});
    s.bad<ValueError>("twice", x23(), Shape{0, -2});
  }
  {
    Sample& s = view(samples, "unsqueeze");
    s.calls = [](Maker& m) {
      m.call("front", m.uniform({2, 3}), 0);
      m.call("back", m.uniform({2, 3}), -1);
      m.call("middle", m.uniform({2, 3, 4}), 1);
      m.call("0-d", m.uniform({}), 0);
      m.call("empty", m.uniform({0}), 1);
    };
    s.reference = [](const Call& c) -> Results {
      const Array& x = c.array(0);
      Shape shape = x.shape;
      shape.insert(shape.begin() + wrap(c.integer(1), x.rank() + 1), 1);
      return {Array{x.dtype, shape, x.values}};
    };
    s.bad<IndexError>("4", x23(), 4);
  }
}

}  // namespace entasis::matrix
