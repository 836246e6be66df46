// Matrix products.
#include "sample.h"

namespace entasis::matrix {
namespace {

Array zeros(const Shape& shape, DType dtype = kF32) { return zeros_of(dtype, shape); }

// sum over k of left(k) right(k), plus what is there already.
template <class F>
void accumulate(Array& y, int64_t n, Real start, const F& product) {
  Total total;
  if (start != 0) total.add(start);
  for (int64_t k = 0; k < n; ++k) total.add(product(k));
  y.values.push_back(is_float(y.dtype) ? total.value : held(y.dtype, total.value));
  y.error.push_back(total.error());
}

Array product(const Array& a, const Array& b) {
  const int64_t n = a.shape[a.shape.size() - 2], k = a.shape.back(), m = b.shape.back();
  const Shape batch_a(a.shape.begin(), a.shape.end() - 2),
      batch_b(b.shape.begin(), b.shape.end() - 2);
  Shape shape = broadcast(batch_a, batch_b);
  shape.push_back(n);
  shape.push_back(m);
  Array y{a.dtype, shape, {}, {}};
  each_index(shape, [&](const Index& index) {
    const Index batch(index.begin(), index.end() - 2);
    Index left = unbroadcast(batch, batch_a), right = unbroadcast(batch, batch_b);
    left.insert(left.end(), {index[index.size() - 2], 0});
    right.insert(right.end(), {0, index.back()});
    accumulate(y, k, 0, [&](int64_t i) {
      left.back() = right[right.size() - 2] = i;
      return a.at(left) * b.at(right);
    });
  });
  return y;
}

// x [.., in] times the transposed w [out, in], plus a bias if there is one.
Array affine(const Call& c) {
  const Array &x = c.array(0), &w = c.array(1);
  Shape shape = x.shape;
  shape.back() = w.shape[0];
  Array y{x.dtype, shape, {}, {}};
  each_index(shape, [&](const Index& index) {
    Index from = index;
    const int64_t o = index.back();
    accumulate(y, w.shape[1], c.given(2) ? c.array(2).at({o}) : 0, [&](int64_t k) {
      from.back() = k;
      return x.at(from) * w.at({o, k});
    });
  });
  return y;
}

void linear_calls(Maker& m) {
  m.call("2-d", m.uniform({3, 4}), m.uniform({5, 4}), m.uniform({5}));
  m.call("no bias", m.uniform({2, 67}), m.uniform({3, 67}));
  m.call("1-d", m.uniform({4}), m.uniform({3, 4}), m.uniform({3}));
  m.call("3-d", m.uniform({2, 3, 4}), m.uniform({3, 4}), m.uniform({3}));
  m.call("wide", m.uniform({2, 3}), m.uniform({70, 3}), m.uniform({70}));
  m.call("high", m.uniform({70, 3}), m.uniform({2, 3}), m.uniform({2}));
  m.call("empty", m.uniform({0, 3}), m.uniform({2, 3}), m.uniform({2}));
  m.call("empty sum", m.uniform({2, 0}), m.uniform({3, 0}), m.uniform({3}));
}
void large_linear_calls(Maker& m) {
  m.call("large", m.uniform({257, 263}), m.uniform({259, 263}), m.uniform({259}));
}

Real gelu(Real x) { return x * std::erfc(-x * 0.707106781186547524400844362104849039L) / 2; }
Real gelu_tanh(Real x) {
  return x / (1 + std::exp(-1.595769121605730711759L * (x + 0.044715L * x * x * x)));
}

void linear_relu_samples(Samples& samples) {
  Sample& s = samples.add("linear_relu");
  s.dtypes = kNumbers;
  std::erase(s.dtypes, kU64);  // as relu
  s.calls = [](Maker& m) {
    linear_calls(m);
    if (is_float(m.dtype)) {
      m.call("NaN and infinity", m.of({1, 2}, {NAN, 1}), m.of({3, 2}, {0, 1, 1, INFINITY, 2, 3}))
          .gradient = false;
    }
  };
  s.large = large_linear_calls;
  s.reference = [](const Call& c) -> Results {
    Array y = affine(c);
    for (Real& v : y.values) v = v < 0 ? 0 : v;
    return {y};
  };
  s.bad<ShapeError>("linear_relu: sizes differ", zeros({2, 3}), zeros({4, 2}));
}

void linear_gelu_samples(Samples& samples) {
  Sample& s = samples.add("linear_gelu");
  s.dtypes = kFloats;
  s.calls = [](Maker& m) {
    const auto small = [&](const Shape& shape) { return m.uniform(shape, -1, 1); };
    m.call("2-d", small({3, 4}), small({5, 4}), small({5}));
    m.call("no bias", small({2, 67}), small({3, 67}));
    m.call("1-d", small({4}), small({3, 4}), small({3}));
    m.call("3-d", small({2, 3, 4}), small({3, 4}), small({3}));
    m.call("high", small({70, 3}), small({2, 3}), small({2}));
    m.call("empty", small({0, 3}), small({2, 3}), small({2}));
    m.call("empty sum", small({2, 0}), small({3, 0}), small({3}));
    m.call("tanh", small({3, 4}), small({5, 4}), small({5}), "tanh");
    m.call("tanh, long rows", small({9, 4}), small({24, 4}), small({24}), "tanh");
  };
  s.large = large_linear_calls;
  s.reference = [](const Call& c) -> Results {
    const bool by_tanh = c.text(3, "none") == "tanh";
    Array y = affine(c);
    for (size_t i = 0; i < y.values.size(); ++i) {
      // The slope is at most 1.13; the function itself is as exact as the op of its own. Its
      // argument may be rounded to a half type before, which counts in roundings of a float.
      const Real rounding = y.dtype == kF16 ? 0x1p13L : y.dtype == kBF16 ? 0x1p16L : 0;
      y.error[i] = 1.13L * (y.error[i] + rounding * std::abs(y.values[i]));
      y.error[i] += 8 * std::abs(y.values[i]);
      y.values[i] = by_tanh ? gelu_tanh(y.values[i]) : gelu(y.values[i]);
    }
    return {y};
  };
  s.bad<ShapeError>("linear_gelu: sizes differ", zeros({2, 3}), zeros({4, 2}));
  s.bad<ValueError>("'none' 'tanh'", zeros({2, 3}), zeros({4, 3}), zeros({4}), "sine");
}

void linear_add_samples(Samples& samples) {
  Sample& s = samples.add("linear_add");
  s.dtypes = kNumbers;
  s.calls = [](Maker& m) {
    m.call("2-d", m.uniform({3, 4}), m.uniform({5, 4}), m.uniform({5}), m.uniform({3, 5}));
    m.call("no bias", m.uniform({2, 67}), m.uniform({3, 67}), std::nullopt, m.uniform({2, 3}));
    m.call("1-d", m.uniform({4}), m.uniform({3, 4}), m.uniform({3}), m.uniform({3}));
    m.call("3-d", m.uniform({2, 3, 4}), m.uniform({3, 4}), m.uniform({3}), m.uniform({2, 3, 3}));
    m.call("high", m.uniform({70, 3}), m.uniform({2, 3}), m.uniform({2}), m.uniform({70, 2}));
    m.call("broadcast", m.uniform({3, 4}), m.uniform({5, 4}), m.uniform({5}), m.uniform({3, 1}));
    m.call("empty sum", m.uniform({2, 0}), m.uniform({3, 0}), m.uniform({3}), m.uniform({2, 3}));
  };
  s.large = [](Maker& m) {
    m.call("large", m.uniform({257, 263}), m.uniform({259, 263}), m.uniform({259}),
           m.uniform({257, 259}));
  };
  s.reference = [](const Call& c) -> Results {
    Array y = affine(c);
    const Array& other = c.array(3);
    size_t i = 0;
    each_index(y.shape, [&](const Index& index) {
      const Real sum = y.values[i] + other.at(unbroadcast(index, other.shape));
      y.error[i] += std::abs(sum);
      y.values[i++] = is_float(y.dtype) ? sum : held(y.dtype, sum);
    });
    return {y};
  };
  s.bad<ShapeError>("do not broadcast", zeros({2, 3}), zeros({4, 3}), zeros({4}), zeros({3, 4}));
}

}  // namespace

void samples_matmul(Samples& samples) {
  {
    Sample& s = samples.add("matmul");
    s.dtypes = kNumbers;
    s.calls = [](Maker& m) {
      m.call("2-d", m.uniform({3, 4}), m.uniform({4, 5}));
      m.call("long", m.uniform({2, 67}), m.uniform({67, 3}));
      m.call("wide", m.uniform({9, 3}), m.uniform({3, 70}));
      m.call("batch", m.uniform({2, 3, 4}), m.uniform({2, 4, 2}));
      m.call("broadcast batch", m.uniform({2, 1, 2, 3}), m.uniform({3, 3, 2}));
      m.call("batch by 2-d", m.uniform({2, 2, 3}), m.uniform({3, 4}));
      m.call("2-d by batch", m.uniform({3, 4}), m.uniform({2, 4, 2}));
      m.call("row", m.uniform({4}), m.uniform({4, 3}));
      m.call("column", m.uniform({2, 3, 4}), m.uniform({4}));
      m.call("dot", m.uniform({5}), m.uniform({5}));
      m.call("empty", m.uniform({0, 3}), m.uniform({3, 2}));
      m.call("empty sum", m.uniform({2, 0}), m.uniform({0, 3}));
      if (is_float(m.dtype)) {
        m.call("NaN and infinity", m.of({2, 2}, {1, NAN, INFINITY, 2}), m.of({2, 2}, {1, 0, 2, 3}))
            .gradient = false;
      }
    };
    s.large = [](Maker& m) {
      m.call("square", m.uniform({257, 263}), m.uniform({263, 259}));
      m.call("deep", m.uniform({17, 4001}), m.uniform({4001, 19}));
      m.call("batch", m.uniform({33, 40, 41}), m.uniform({33, 41, 42}));
    };
    s.reference = [](const Call& c) -> Results {
      Array a = c.array(0), b = c.array(1);
      const bool row = a.rank() == 1, column = b.rank() == 1;
      if (row) a.shape.insert(a.shape.begin(), 1);
      if (column) b.shape.push_back(1);
      Array y = product(a, b);
      if (column) y.shape.pop_back();
      if (row) y.shape.erase(y.shape.end() - (column ? 1 : 2));
      return {y};
    };
    s.bad<ShapeError>("inner sizes differ", zeros({2, 3}), zeros({2, 3}));
    s.bad<DtypeError>("dtypes differ", zeros({2, 3}), zeros({3, 2}, kF64));
    s.bad<DtypeError>("bool", zeros({2, 3}, kBool), zeros({3, 2}, kBool));
    s.bad<ShapeError>("at least one dimension", zeros({}), zeros({3, 2}));
    s.bad<ShapeError>("do not broadcast", zeros({2, 3, 4}), zeros({3, 4, 2}));
  }
  {
    Sample& s = samples.add("linear");
    s.dtypes = kNumbers;
    s.calls = linear_calls;
    s.large = large_linear_calls;
    s.reference = [](const Call& c) -> Results { return {affine(c)}; };
    s.bad<ShapeError>("sizes differ", zeros({2, 3}), zeros({4, 2}));
    s.bad<ShapeError>("bias must be [4]", zeros({2, 3}), zeros({4, 3}), zeros({3}));
    s.bad<ShapeError>("weight must be [out, in]", zeros({2, 3}), zeros({3}));
    s.bad<DtypeError>("dtypes differ", zeros({2, 3}), zeros({4, 3}, kF64));
  }
  linear_relu_samples(samples);
  linear_gelu_samples(samples);
  linear_add_samples(samples);
}

}  // namespace entasis::matrix
