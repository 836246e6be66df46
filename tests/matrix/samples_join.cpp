// Joining; lookups by index tensors.
#include <algorithm>

#include "shapes.h"

namespace entasis::matrix {
namespace {

Array zeros(const Shape& shape, DType dtype = kF32) { return zeros_of(dtype, shape); }

std::vector<Array> list(std::initializer_list<Array> arrays) { return arrays; }

void joins(Samples& samples) {
  {
    Sample& s = samples.add("cat");
    s.strides = Strides::kChannelsLastLike;
    s.ulps = 0;
    s.signed_zeros = s.same_on_targets = true;
    s.calls = [](Maker& m) {
      m.call("rows", list({m.uniform({2, 3}), m.uniform({1, 3}), m.uniform({4, 3})}));
      m.call("columns", list({m.uniform({2, 3}), m.uniform({2, 67})}), -1);
      m.call("one", list({m.uniform({2, 3})}), 1);
      m.call("middle", list({m.uniform({2, 1, 3}), m.uniform({2, 4, 3})}), 1);
      m.call("channels", list({m.uniform({2, 3, 4, 5}), m.uniform({2, 2, 4, 5})}), 1);
      m.call("nothing among them", list({zeros({0}, m.dtype), m.uniform({2, 3})}), 1);
      m.call("empty", list({m.uniform({0, 3}), m.uniform({0, 3})}));
      m.call("empty part", list({m.uniform({2, 3}), m.uniform({2, 0})}), 1);
      if (m.dtype != kU16 && m.dtype != kU32 && m.dtype != kU64) {
        m.call("with i16", list({m.uniform({2, 3}), m.integers(kI16, {2, 3}, 0, 9)})).gradient =
            false;
      }
    };
    s.large = [](Maker& m) {
      m.call("rows", list({m.uniform({301, 301}), m.uniform({101, 301})}));
      m.call("columns", list({m.uniform({301, 301}), m.uniform({301, 101})}), 1);
    };
    s.reference = [](const Call& c) -> Results { return {joined(c.arrays(0), c.integer(1, 0))}; };
    s.bad<ValueError>("at least one tensor", std::vector<Array>{});
    s.bad<ShapeError>("they may differ in dimension 0 only", list({zeros({2, 3}), zeros({2, 4})}));
    s.bad<ShapeError>("0-d", list({zeros({}), zeros({})}));
    s.bad<IndexError>("2", list({zeros({2, 3}), zeros({2, 3})}), 2);
  }
  {
    Sample& s = samples.add("stack");
    s.ulps = 0;
    s.signed_zeros = s.same_on_targets = true;
    s.strides = Strides::kUnchecked;  // cat's, after unsqueeze
    s.calls = [](Maker& m) {
      m.call("front", list({m.uniform({2, 3}), m.uniform({2, 3})}));
      m.call("back", list({m.uniform({2, 3}), m.uniform({2, 3}), m.uniform({2, 3})}), -1);
      m.call("middle", list({m.uniform({2, 3, 4}), m.uniform({2, 3, 4})}), 1);
      m.call("0-d", list({m.uniform({}), m.uniform({})}));
      m.call("empty", list({m.uniform({0, 3}), m.uniform({0, 3})}), 1);
    };
    s.large = [](Maker& m) {
      m.call("large", list({m.uniform({301, 301}), m.uniform({301, 301})}), 1);
    };
    s.reference = [](const Call& c) -> Results {
      const auto& arrays = c.arrays(0);
      const int64_t d = wrap(c.integer(1, 0), arrays[0].rank() + 1);
      std::vector<Array> lifted = arrays;
      for (Array& a : lifted) a.shape.insert(a.shape.begin() + d, 1);
      return {joined(lifted, d)};
    };
    s.bad<ValueError>("at least one tensor", std::vector<Array>{});
    s.bad<ShapeError>("input 1 has shape [3]", list({zeros({2}), zeros({3})}));
    s.bad<IndexError>("3", list({zeros({2, 3}), zeros({2, 3})}), 3);
  }
}

// With at least `rank` dimensions, as NumPy's atleast_1d, atleast_2d and atleast_3d have it.
Array lifted(Array a, size_t rank) {
  if (rank > 0 && a.shape.empty()) a.shape = {1};
  if (rank > 1 && a.shape.size() == 1) a.shape.insert(a.shape.begin(), 1);
  if (rank > 2 && a.shape.size() == 2) a.shape.push_back(1);
  return a;
}

void stacks(Samples& samples) {
  struct Stack {
    const char* row;
    size_t rank;
    int64_t dim;
  };
  for (const Stack& stack :
       {Stack{"hstack", 1, 1}, {"vstack", 2, 0}, {"dstack", 3, 2}, {"column_stack", 2, 1}}) {
    Sample& s = mover(
        samples, stack.row, Strides::kUnchecked,  // cat's, after views of its inputs
        [](Maker& m) {
          m.call("2-d", list({m.uniform({2, 3}), m.uniform({2, 3})}));
          m.call("1-d", list({m.uniform({3}), m.uniform({3})}));
          m.call("0-d", list({m.uniform({}), m.uniform({}), m.uniform({})}));
          m.call("3-d", list({m.uniform({2, 1, 2}), m.uniform({2, 1, 2})}));
          m.call("one", list({m.uniform({2})}));
          m.call("empty", list({m.uniform({0, 3}), m.uniform({0, 3})}));
        },
        [stack](const Call& c) -> Results {
          std::vector<Array> parts = c.arrays(0);
          const bool along_first = std::string(stack.row) == "hstack" && parts[0].shape.size() < 2;
          for (Array& a : parts) {
            if (std::string(stack.row) == "column_stack") {
              if (a.shape.size() < 2) a.shape = {a.numel(), 1};
            } else {
              a = lifted(a, stack.rank);
            }
          }
          return {joined(parts, along_first ? 0 : stack.dim)};
        });
    s.bad<ValueError>("at least one tensor", std::vector<Array>{});
    s.bad<ShapeError>("they may differ in dimension", list({zeros({2, 3}), zeros({3, 2})}));
  }
}

void lookups(Samples& samples) {
  {
    Sample& s = samples.add("embedding");
    s.dtypes = kFloats;
    s.ulps = 0;
    s.signed_zeros = s.same_on_targets = true;
    s.calls = [](Maker& m) {
      m.call("1-d", m.integers(kI64, {4}, 0, 4), m.uniform({5, 3}));
      m.call("i32, repeated", m.integers(kI32, {3, 4}, 0, 2), m.uniform({3, 2}));
      m.call("wide", m.integers(kI64, {2, 2}, 0, 2), m.uniform({3, 67}));
      m.call("0-d", m.integers(kI64, {}, 0, 2), m.uniform({3, 2}));
      m.call("empty", m.integers(kI64, {0, 2}, 0, 2), m.uniform({3, 2}));
      // The padding row has no gradient, which differences cannot know.
      m.call("padding", m.of(kI64, {4}, {0, 1, 2, 1}), m.uniform({3, 2}), 1).gradient = false;
    };
    s.large = [](Maker& m) {
      m.call("large", m.integers(kI64, {3001}, 0, 99), m.uniform({100, 67}));
    };
    s.reference = [](const Call& c) -> Results {
      const Array &index = c.array(0), &weight = c.array(1);
      Shape shape = index.shape;
      shape.push_back(weight.shape[1]);
      Array y = zeros_of(weight.dtype, shape);
      each_index(shape, [&](const Index& at) {
        const Index which(at.begin(), at.end() - 1);
        y.at(at) = weight.at({int64_t(index.at(which)), at.back()});
      });
      return {y};
    };
    s.bad<IndexError>("5", Maker(kF32).of(kI64, {1}, {5}), zeros({5, 3}));
    s.bad<IndexError>("-1", Maker(kF32).of(kI64, {1}, {-1}), zeros({5, 3}));
    s.bad<DtypeError>("indices must be i64 or i32", zeros({2}), zeros({5, 3}));
    s.bad<ShapeError>("2 dimensions", zeros({2}, kI64), zeros({5}));
    s.bad<ValueError>("padding_idx 7", zeros({2}, kI64), zeros({5, 3}), 7);
  }
  {
    Sample& s = samples.add("gather");
    s.ulps = 0;
    s.signed_zeros = s.same_on_targets = true;
    s.calls = [](Maker& m) {
      m.call("rows", m.uniform({3, 4}), 0, m.integers(kI64, {5, 4}, 0, 2));
      m.call("columns", m.uniform({3, 5}), -1, m.integers(kI32, {2, 3}, 0, 4));
      m.call("4-d", m.uniform({2, 3, 2, 2}), 1, m.integers(kI64, {2, 4, 2, 1}, 0, 2));
      m.call("1-d", m.uniform({7}), 0, m.integers(kI64, {67}, 0, 6));
      m.call("empty", m.uniform({3, 4}), 0, zeros({0, 4}, kI64));
    };
    s.large = [](Maker& m) {
      m.call("rows", m.uniform({101, 301}), 0, m.integers(kI64, {401, 301}, 0, 100));
      m.call("columns", m.uniform({301, 101}), 1, m.integers(kI64, {301, 401}, 0, 100));
    };
    s.reference = [](const Call& c) -> Results {
      const Array &x = c.array(0), &index = c.array(2);
      const size_t d = size_t(wrap(c.integer(1), x.rank()));
      Array y = zeros_of(x.dtype, index.shape);
      each_index(index.shape, [&](const Index& at) {
        Index from = at;
        from[d] = int64_t(index.at(at));
        y.at(at) = x.at(from);
      });
      return {y};
    };
    s.bad<IndexError>("3", zeros({3}), 0, Maker(kF32).of(kI64, {1}, {3}));
    s.bad<ShapeError>("does not fit input", zeros({3, 2}), 0, zeros({3, 3}, kI64));
    s.bad<DtypeError>("indices must be i64 or i32", zeros({3}), 0, zeros({3}));
    s.bad<IndexError>("1", zeros({3}), 1, zeros({3}, kI64));
  }
  {
    Sample& s = samples.add("index_select");
    s.ulps = 0;
    s.signed_zeros = s.same_on_targets = true;
    s.calls = [](Maker& m) {
      m.call("rows", m.uniform({3, 4}), 0, m.integers(kI64, {5}, 0, 2));
      m.call("columns", m.uniform({2, 5}), -1, m.integers(kI32, {3}, 0, 4));
      m.call("4-d", m.uniform({2, 3, 2, 3}), 1, m.integers(kI64, {4}, 0, 2));
      m.call("none", m.uniform({3, 4}), 0, zeros({0}, kI64));
    };
    s.large = [](Maker& m) {
      m.call("rows", m.uniform({101, 301}), 0, m.integers(kI64, {401}, 0, 100));
      m.call("columns", m.uniform({301, 101}), 1, m.integers(kI64, {401}, 0, 100));
    };
    s.reference = [](const Call& c) -> Results {
      const Array &x = c.array(0), &index = c.array(2);
      const size_t d = size_t(wrap(c.integer(1), x.rank()));
      Shape shape = x.shape;
      shape[d] = index.numel();
      Array y = zeros_of(x.dtype, shape);
      each_index(shape, [&](const Index& at) {
        Index from = at;
        from[d] = int64_t(index.values[size_t(at[d])]);
        y.at(at) = x.at(from);
      });
      return {y};
    };
    s.bad<IndexError>("3", zeros({3}), 0, Maker(kF32).of(kI64, {1}, {3}));
    s.bad<ShapeError>("1 dimension", zeros({3}), 0, zeros({1, 1}, kI64));
    s.bad<DtypeError>("indices must be i64 or i32", zeros({3}), 0, zeros({3}));
  }
  {
    Sample& s = samples.add("nonzero");
    s.no_gradient = "indices";
    s.reads_values = true;
    s.same_on_targets = true;
    s.calls = [](Maker& m) {
      for (const Shape& shape : {Shape{}, Shape{0, 3}, Shape{7}, Shape{3, 5}, Shape{2, 3, 2, 4}}) {
        Array x = m.uniform(shape);
        for (size_t i = 0; i < x.values.size(); i += 2) x.values[i] = 0;
        m.call(to_string(shape), x);
      }
      m.call("all", m.of({3}, {1, 1, 1}));
      m.call("none", m.of({3}, {0, 0, 0}));
      const std::vector<Real> extremes = m.extremes();
      m.call("extremes", m.of({int64_t(extremes.size())}, extremes));
    };
    s.large = [](Maker& m) { m.call("large", m.integers(m.dtype, {301, 401}, 0, 1)); };
    s.reference = [](const Call& c) -> Results {
      const Array& x = c.array(0);
      Array y{kI64, {0, x.rank()}, {}};
      each_index(x.shape, [&](const Index& index) {
        if (x.at(index) == 0) return;
        ++y.shape[0];
        for (int64_t i : index) y.values.push_back(Real(i));
      });
      return {y};
    };
    s.bad<ValueError>("undefined", std::nullopt);
  }
}

}  // namespace

void samples_join(Samples& samples) {
  joins(samples);
  stacks(samples);
  lookups(samples);
}

}  // namespace entasis::matrix
