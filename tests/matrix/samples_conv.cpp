// Convolution and pooling over [N, C, H, W].
#include <algorithm>

#include "sample.h"

namespace entasis::matrix {
namespace {

Array zeros(const Shape& shape, DType dtype = kF32) { return zeros_of(dtype, shape); }

// One entry stands for both directions.
Shape both(Shape entries) {
  if (entries.size() == 1) entries.push_back(entries[0]);
  return entries;
}

struct Window {
  Shape kernel, stride, padding, dilation;
  int64_t output_size(int64_t input, size_t d, bool ceil = false) const {
    const int64_t room = input + 2 * padding[d] - dilation[d] * (kernel[d] - 1) - 1;
    int64_t size = (room + (ceil ? stride[d] - 1 : 0)) / stride[d] + 1;
    // A last window that began in the padding would hold nothing.
    if (ceil && (size - 1) * stride[d] >= input + padding[d]) --size;
    return size;
  }
};

// The convolution with its three operands as arrays; [C, H, W] counts as a batch of one.
struct Conv {
  Window window;
  int64_t groups = 1;

  // Calls f(input index, weight index, output index) for each product of the sum.
  template <class F>
  void each_product(const Shape& x, const Shape& w, const Shape& y, const F& f) const {
    const int64_t per_group = w[1], outputs_per_group = w[0] / groups;
    each_index(y, [&](const Index& out) {
      const int64_t group = out[1] / outputs_per_group;
      each_index({per_group, w[2], w[3]}, [&](const Index& k) {
        const int64_t row =
            out[2] * window.stride[0] - window.padding[0] + k[1] * window.dilation[0];
        const int64_t column =
            out[3] * window.stride[1] - window.padding[1] + k[2] * window.dilation[1];
        if (row < 0 || row >= x[2] || column < 0 || column >= x[3]) return;
        f(Index{out[0], group * per_group + k[0], row, column}, Index{out[1], k[0], k[1], k[2]},
          out);
      });
    });
  }
  Shape output_shape(const Shape& x, const Shape& w) const {
    return {x[0], w[0], window.output_size(x[2], 0), window.output_size(x[3], 1)};
  }
};

Conv conv_of(const Call& c, int weight, int first) {
  const Shape& w = c.array(weight).shape;
  return {{{w[2], w[3]},
           both(c.dims(first, {1, 1})),
           both(c.dims(first + 1, {0, 0})),
           both(c.dims(first + 2, {1, 1}))},
          c.integer(first + 3, 1)};
}

struct Sums {
  explicit Sums(const Array& like) : like(like), totals(like.values.size()) {}
  Total& at(const Index& index) { return totals[size_t(like.position(index))]; }
  Array result() const {
    Array y = like;
    y.error.clear();
    for (size_t i = 0; i < totals.size(); ++i) {
      y.values[i] = totals[i].value;
      y.error.push_back(totals[i].error());
    }
    return y;
  }
  Array like;
  std::vector<Total> totals;
};

Array batched(Array x) {
  if (x.rank() == 3) x.shape.insert(x.shape.begin(), 1);
  return x;
}

// What conv2d and its gradients are called with: input, weight, bias or none, and the window.
struct ConvCase {
  const char* label;
  Shape input, weight;
  bool bias;
  Shape stride, padding, dilation;
  int64_t groups;
};
const ConvCase kConvCases[] = {
    {"3x3", {2, 3, 5, 6}, {4, 3, 3, 3}, true, {1, 1}, {0, 0}, {1, 1}, 1},
    {"1x1", {2, 3, 3, 2}, {5, 3, 1, 1}, true, {1, 1}, {0, 0}, {1, 1}, 1},
    {"no bias", {1, 2, 4, 4}, {3, 2, 2, 3}, false, {1, 1}, {0, 0}, {1, 1}, 1},
    {"padded", {1, 2, 3, 4}, {2, 2, 3, 3}, true, {1, 1}, {1, 1}, {1, 1}, 1},
    {"padding 2 by 0", {1, 1, 3, 5}, {2, 1, 3, 3}, false, {1, 1}, {2, 0}, {1, 1}, 1},
    {"stride", {1, 2, 7, 6}, {2, 2, 3, 2}, true, {2}, {1}, {1}, 1},
    {"stride 1 by 3", {1, 1, 4, 8}, {2, 1, 2, 2}, false, {1, 3}, {0, 0}, {1, 1}, 1},
    {"dilation", {1, 2, 6, 7}, {2, 2, 2, 3}, true, {1, 1}, {1, 1}, {2, 2}, 1},
    {"groups", {1, 4, 4, 4}, {6, 2, 3, 3}, true, {1, 1}, {1, 1}, {1, 1}, 2},
    {"depthwise", {2, 3, 4, 4}, {3, 1, 3, 3}, true, {1, 1}, {1, 1}, {1, 1}, 3},
    {"many channels", {1, 17, 3, 3}, {19, 17, 2, 2}, true, {1, 1}, {0, 0}, {1, 1}, 1},
    {"empty batch", {0, 2, 4, 4}, {3, 2, 3, 3}, true, {1, 1}, {0, 0}, {1, 1}, 1},
};

void convolution(Samples& samples) {
  Sample& s = samples.add("conv2d");
  s.dtypes = kFloats;
  s.strides = Strides::kChannelsLastLike;
  s.calls = [](Maker& m) {
    for (const ConvCase& k : kConvCases) {
      const Array x = m.uniform(k.input), w = m.uniform(k.weight);
      if (k.bias) {
        m.call(k.label, x, w, m.uniform({k.weight[0]}), k.stride, k.padding, k.dilation, k.groups);
      } else {
        m.call(k.label, x, w, std::nullopt, k.stride, k.padding, k.dilation, k.groups);
      }
    }
    m.call("defaults", m.uniform({1, 1, 3, 3}), m.uniform({1, 1, 2, 2}));
    m.call("3-d", m.uniform({2, 4, 4}), m.uniform({3, 2, 3, 3}), m.uniform({3}));
  };
  s.large = [](Maker& m) {
    m.call("3x3", m.uniform({4, 16, 33, 31}), m.uniform({24, 16, 3, 3}), m.uniform({24}),
           Shape{1, 1}, Shape{1, 1});
    m.call("1x1", m.uniform({4, 32, 17, 19}), m.uniform({40, 32, 1, 1}));
    m.call("stride", m.uniform({3, 8, 40, 40}), m.uniform({16, 4, 5, 5}), std::nullopt, Shape{2, 2},
           Shape{2, 2}, Shape{1, 1}, 2);
  };
  s.reference = [](const Call& c) -> Results {
    const Array x = batched(c.array(0)), &w = c.array(1);
    const Conv conv = conv_of(c, 1, 3);
    const Shape shape = conv.output_shape(x.shape, w.shape);
    Sums y(zeros_of(x.dtype, shape));
    if (c.given(2)) {
      each_index(shape, [&](const Index& out) { y.at(out).add(c.array(2).at({out[1]})); });
    }
    conv.each_product(x.shape, w.shape, shape,
                      [&](const Index& i, const Index& k, const Index& out) {
                        y.at(out).add(x.at(i) * w.at(k));
                      });
    Array result = y.result();
    if (c.array(0).rank() == 3) result.shape.erase(result.shape.begin());
    return {result};
  };
  s.bad<ShapeError>("channels do not fit", zeros({1, 3, 4, 4}), zeros({2, 2, 3, 3}));
  s.bad<ShapeError>("does not fit: input is [1, 2, 2, 2]", zeros({1, 2, 2, 2}),
                    zeros({2, 2, 3, 3}));
  s.bad<ShapeError>("bias must be [2]", zeros({1, 2, 4, 4}), zeros({2, 2, 3, 3}), zeros({3}));
  s.bad<ShapeError>("input must be [N, C, H, W]", zeros({4, 4}), zeros({2, 2, 3, 3}));
  s.bad<DtypeError>("dtypes differ", zeros({1, 2, 4, 4}), zeros({2, 2, 3, 3}, kF64));
  s.bad<DtypeError>("floating-point", zeros({1, 2, 4, 4}, kI32), zeros({2, 2, 3, 3}, kI32));
  s.bad<ValueError>("stride must be at least 1", zeros({1, 2, 4, 4}), zeros({2, 2, 3, 3}),
                    std::nullopt, Shape{0, 1});
  s.bad<ValueError>("groups must be at least 1", zeros({1, 2, 4, 4}), zeros({2, 2, 3, 3}),
                    std::nullopt, Shape{1, 1}, Shape{0, 0}, Shape{1, 1}, 0);
}

void convolution_gradients(Samples& samples) {
  Sample& s = samples.add("conv2d_backward");
  s.dtypes = kFloats;
  s.strides = Strides::kUnchecked;  // each gradient has its tensor's; the test of gradients looks
  s.calls = [](Maker& m) {
    for (const ConvCase& k : kConvCases) {
      const Conv conv{
          {{k.weight[2], k.weight[3]}, both(k.stride), both(k.padding), both(k.dilation)},
          k.groups};
      m.call(k.label, m.uniform(conv.output_shape(k.input, k.weight)), m.uniform(k.input),
             m.uniform(k.weight), k.stride, k.padding, k.dilation, k.groups);
    }
  };
  s.large = [](Maker& m) {
    m.call("3x3", m.uniform({4, 24, 33, 31}), m.uniform({4, 16, 33, 31}), m.uniform({24, 16, 3, 3}),
           Shape{1, 1}, Shape{1, 1});
  };
  s.reference = [](const Call& c) -> Results {
    const Array &g = c.array(0), &x = c.array(1), &w = c.array(2);
    const Conv conv = conv_of(c, 2, 3);
    Sums gx(zeros_of(x.dtype, x.shape)), gw(zeros_of(w.dtype, w.shape)),
        gb(zeros_of(g.dtype, {w.shape[0]}));
    conv.each_product(x.shape, w.shape, g.shape,
                      [&](const Index& i, const Index& k, const Index& out) {
                        gx.at(i).add(g.at(out) * w.at(k));
                        gw.at(k).add(g.at(out) * x.at(i));
                      });
    each_index(g.shape, [&](const Index& out) { gb.at({out[1]}).add(g.at(out)); });
    return {gx.result(), gw.result(), gb.result()};
  };
  s.bad<ShapeError>("grad_output must be [1, 2, 2, 2]", zeros({1, 2, 3, 3}), zeros({1, 2, 4, 4}),
                    zeros({2, 2, 3, 3}));
  s.bad<ShapeError>("channels do not fit", zeros({1, 2, 2, 2}), zeros({1, 3, 4, 4}),
                    zeros({2, 2, 3, 3}));
}

// Pools input [N, C, H, W] or [C, H, W] by a function of the elements in a window, in row-major
// order, and of the size of the window with its padding.
using Pool = std::function<void(const std::vector<Real>& inside, int64_t padded_size, Array& y)>;
Array pooled(const Array& given, const Window& window, bool ceil, const Pool& pool) {
  const Array x = batched(given);
  Array y{x.dtype,
          {x.shape[0], x.shape[1], window.output_size(x.shape[2], 0, ceil),
           window.output_size(x.shape[3], 1, ceil)},
          {},
          {}};
  each_index(y.shape, [&](const Index& out) {
    std::vector<Real> inside;
    int64_t padded = 0;
    each_index({window.kernel[0], window.kernel[1]}, [&](const Index& k) {
      const int64_t row = out[2] * window.stride[0] - window.padding[0] + k[0] * window.dilation[0];
      const int64_t column =
          out[3] * window.stride[1] - window.padding[1] + k[1] * window.dilation[1];
      padded += row < x.shape[2] + window.padding[0] && column < x.shape[3] + window.padding[1];
      if (row < 0 || row >= x.shape[2] || column < 0 || column >= x.shape[3]) return;
      inside.push_back(x.at({out[0], out[1], row, column}));
    });
    pool(inside, padded, y);
  });
  if (given.rank() == 3) y.shape.erase(y.shape.begin());
  return y;
}

Window window_of(const Call& c, const Shape& dilation) {
  const Shape kernel = both(c.dims(1));
  const Shape stride = c.dims(2);
  return {kernel, stride.empty() ? kernel : both(stride), both(c.dims(3, {0, 0})), dilation};
}

void pooling(Samples& samples) {
  {
    Sample& s = samples.add("max_pool2d");
    s.dtypes = kFloats;
    s.ulps = 0;
    s.strides = Strides::kChannelsLastLike;
    s.same_on_targets = true;
    s.calls = [](Maker& m) {
      m.call("2x2", m.distinct({2, 3, 4, 6}), Shape{2});
      m.call("3x3, stride 2, padded", m.distinct({1, 2, 7, 7}), Shape{3, 3}, Shape{2, 2},
             Shape{1, 1});
      m.call("2x3, stride 1", m.distinct({1, 2, 4, 5}), Shape{2, 3}, Shape{1});
      m.call("dilated", m.distinct({1, 1, 6, 7}), Shape{2, 3}, Shape{1, 1}, Shape{0, 0},
             Shape{2, 2});
      m.call("ceil", m.distinct({1, 2, 5, 5}), Shape{2}, Shape{2}, Shape{0}, Shape{1}, true);
      m.call("3-d", m.distinct({2, 4, 4}), Shape{2});
      m.call("empty batch", m.distinct({0, 2, 4, 4}), Shape{2});
      for (Call& call : m.calls) {
        call.gradient = call.array(0).numel() <= 64 || m.dtype == kF32 || m.dtype == kF64;
        call.ties_if_repeated = call.array(0).rank() == 3;
      }
      m.call("NaN and -inf",
             m.of({1, 1, 2, 4}, {1, NAN, -INFINITY, -INFINITY, 2, 3, -INFINITY, -INFINITY}),
             Shape{2})
          .gradient = false;
    };
    s.large = [](Maker& m) {
      m.call("2x2", m.uniform({4, 16, 62, 62}), Shape{2});
      m.call("3x3", m.uniform({4, 16, 62, 62}), Shape{3, 3}, Shape{2, 2}, Shape{1, 1});
    };
    s.reference = [](const Call& c) -> Results {
      return {pooled(c.array(0), window_of(c, both(c.dims(4, {1, 1}))), c.flag(5, false),
                     [](const std::vector<Real>& inside, int64_t, Array& y) {
                       Real largest = -INFINITY;
                       for (Real v : inside) {
                         if (std::isnan(v) || v > largest) largest = v;
                         if (std::isnan(v)) break;
                       }
                       y.values.push_back(largest);
                     })};
    };
    s.bad<ShapeError>("the window does not fit", zeros({1, 1, 2, 2}), Shape{3});
    s.bad<ShapeError>("input must be", zeros({2, 2}), Shape{2});
    s.bad<ValueError>("more than half of kernel_size", zeros({1, 1, 4, 4}), Shape{2}, Shape{2},
                      Shape{2});
    s.bad<ValueError>("needs one entry or two", zeros({1, 1, 4, 4}), Shape{2, 2, 2});
    s.bad<DtypeError>("floating-point", zeros({1, 1, 4, 4}, kI32), Shape{2});
  }
  {
    Sample& s = samples.add("avg_pool2d");
    s.dtypes = kFloats;
    s.strides = Strides::kChannelsLastLike;
    s.calls = [](Maker& m) {
      m.call("2x2", m.uniform({2, 3, 4, 6}), Shape{2});
      m.call("3x3, stride 2, padded", m.uniform({1, 2, 7, 7}), Shape{3, 3}, Shape{2, 2},
             Shape{1, 1});
      m.call("padding not counted", m.uniform({1, 2, 5, 5}), Shape{3}, Shape{2}, Shape{1}, false,
             false);
      m.call("ceil", m.uniform({1, 2, 5, 5}), Shape{2}, Shape{2}, Shape{0}, true);
      m.call("ceil, padded", m.uniform({1, 1, 6, 6}), Shape{3}, Shape{2}, Shape{1}, true);
      m.call("2x3, stride 1", m.uniform({1, 2, 4, 5}), Shape{2, 3}, Shape{1});
      m.call("3-d", m.uniform({2, 4, 4}), Shape{2});
      m.call("empty batch", m.uniform({0, 2, 4, 4}), Shape{2});
    };
    s.large = [](Maker& m) {
      m.call("2x2", m.uniform({4, 16, 62, 62}), Shape{2});
      m.call("3x3", m.uniform({4, 16, 62, 62}), Shape{3, 3}, Shape{2, 2}, Shape{1, 1});
    };
    s.reference = [](const Call& c) -> Results {
      const bool count_padding = c.flag(5, true);
      return {pooled(c.array(0), window_of(c, {1, 1}), c.flag(4, false),
                     [&](const std::vector<Real>& inside, int64_t padded_size, Array& y) {
                       Total total;
                       for (Real v : inside) total.add(v);
                       const Real n = Real(count_padding ? padded_size : int64_t(inside.size()));
                       y.values.push_back(total.value / n);
                       y.error.push_back((total.error() + 2 * total.size) / n);
                     })};
    };
    s.bad<ShapeError>("the window does not fit", zeros({1, 1, 2, 2}), Shape{3});
    s.bad<ValueError>("more than half of kernel_size", zeros({1, 1, 4, 4}), Shape{2}, Shape{2},
                      Shape{2});
    s.bad<DtypeError>("floating-point", zeros({1, 1, 4, 4}, kI32), Shape{2});
  }
}

}  // namespace

void samples_conv(Samples& samples) {
  convolution(samples);
  convolution_gradients(samples);
  pooling(samples);
}

}  // namespace entasis::matrix
