// layer_norm and batch_norm against naive references in double.
#include <entasis/ops/norm.h>

#include <gtest/gtest.h>

#include <entasis/backends/cpu/parallel.h>
#include <entasis/ops/copy.h>
#include <entasis/ops/norm_internal.h>

#include <entasis/tests/kernels/every_target.h>
#include <entasis/tests/ops/gradient_check.h>
#include <entasis/tests/ops/naive.h>
#include <entasis/tests/support/errors.h>

namespace entasis {
namespace {

using namespace naive;

constexpr DType kFloats[] = {kF32, kF64, kF16, kBF16};

// A normalisation by the definition: element i belongs to group[i], whose statistics it is
// normalised by, and to parameter[i], which scales and shifts it.
struct Reference {
  std::vector<size_t> group, parameter;
  size_t groups, parameters;
  double eps;

  Values mean, variance, rstd;  // of each group
  double count = 0;             // elements of a group

  void take_moments(const Values& x) {
    mean.assign(groups, 0);
    variance.assign(groups, 0);
    count = double(x.size()) / double(groups);
    for (size_t i = 0; i < x.size(); ++i) mean[group[i]] += x[i] / count;
    for (size_t i = 0; i < x.size(); ++i) {
      const double d = x[i] - mean[group[i]];
      variance[group[i]] += d * d / count;
    }
    take_rstd();
  }
  void take_rstd() {
    rstd.clear();
    for (double v : variance) rstd.push_back(1 / std::sqrt(v + eps));
  }
  double normal(const Values& x, size_t i) const {
    return (x[i] - mean[group[i]]) * rstd[group[i]];
  }
  Values forward(const Values& x, const Values& weight, const Values& bias) const {
    Values y;
    for (size_t i = 0; i < x.size(); ++i) {
      y.push_back(normal(x, i) * (weight.empty() ? 1 : weight[parameter[i]]) +
                  (bias.empty() ? 0 : bias[parameter[i]]));
    }
    return y;
  }
  struct Gradients {
    Values x, weight, bias;
  };
  Gradients backward(const Values& gy, const Values& x, const Values& weight, bool constant) const {
    Gradients g{Values(x.size()), Values(parameters), Values(parameters)};
    Values sum(groups), product_sum(groups);
    const auto scaled = [&](size_t i) {
      return gy[i] * (weight.empty() ? 1 : weight[parameter[i]]);
    };
    for (size_t i = 0; i < x.size(); ++i) {
      sum[group[i]] += scaled(i);
      product_sum[group[i]] += scaled(i) * normal(x, i);
      g.weight[parameter[i]] += gy[i] * normal(x, i);
      g.bias[parameter[i]] += gy[i];
    }
    for (size_t i = 0; i < x.size(); ++i) {
      double slope = scaled(i);
      if (!constant) {
        slope -= (sum[group[i]] + normal(x, i) * product_sum[group[i]]) / count;
      }
      g.x[i] = slope * rstd[group[i]];
    }
    return g;
  }
};

Reference rows_reference(const Dims& shape, int normalized, double eps) {
  Reference r{{}, {}, 1, 1, eps, {}, {}, {}, 0};
  for (int d = 0; d < shape.size(); ++d) {
    (d < shape.size() - normalized ? r.groups : r.parameters) *= size_t(shape[d]);
  }
  for (size_t i = 0; i < size_t(count(shape)); ++i) {
    r.group.push_back(i / r.parameters);
    r.parameter.push_back(i % r.parameters);
  }
  return r;
}

Reference channels_reference(const Dims& shape, double eps) {
  Reference r{{}, {}, size_t(shape[1]), size_t(shape[1]), eps, {}, {}, {}, 0};
  each_index(shape, [&](const Dims& index) { r.group.push_back(size_t(index[1])); });
  r.parameter = r.group;
  return r;
}

Dims last(const Dims& shape, int n) {
  Dims dims;
  for (int d = shape.size() - n; d < shape.size(); ++d) dims.push_back(shape[d]);
  return dims;
}

double largest(const Values& values) {
  double m = 1;
  for (double v : values) m = std::max(m, std::abs(v));
  return m;
}

// Roundings of the compute type, and one of the result.
Tolerance bound(DType dtype, double magnitude) {
  return {2 * rounding(dtype), 24 * compute_rounding(dtype) * magnitude};
}

Tensor optional(bool given, DType dtype, const Dims& shape, const Values& values) {
  return given ? tensor(dtype, shape, values).requires_grad_() : Tensor();
}

// ---- layer_norm

void check_layer_norm(DType dtype, const Dims& shape, int normalized) {
  const Values x = random_values(dtype, count(shape), 1, -3, 5);
  const Values gy = random_values(dtype, count(shape), 2, -1, 1);
  const Dims row = last(shape, normalized);
  const Values w = random_values(dtype, count(row), 3, 0.5, 2);
  const Values b = random_values(dtype, count(row), 4);
  Reference reference = rows_reference(shape, normalized, 1e-3);
  reference.take_moments(x);
  for (const Layout& layout : layouts(dtype, shape, x)) {
    for (const bool has_weight : {false, true}) {
      for (const bool has_bias : {false, true}) {
        const std::string what = std::string(name_of(dtype)) + " " + layout.name + " " +
                                 to_string(shape) + " over " + to_string(row) +
                                 (has_weight ? " weight" : "") + (has_bias ? " bias" : "");
        Tensor input = layout.tensor.detach();
        input.requires_grad_();
        const Tensor weight = optional(has_weight, dtype, row, w);
        const Tensor bias = optional(has_bias, dtype, row, b);
        const Tensor y = layer_norm(input, row, weight, bias, 1e-3);
        ASSERT_EQ(y.shape(), shape) << what;
        ASSERT_EQ(y.dtype(), dtype) << what;
        const Values no_weight, no_bias;
        const Values expected =
            reference.forward(x, has_weight ? w : no_weight, has_bias ? b : no_bias);
        expect_close(values_of(y), expected, bound(dtype, 8), what);

        Tensors inputs = {input};
        if (has_weight) inputs.push_back(weight);
        if (has_bias) inputs.push_back(bias);
        const Tensors gradients = grad({y}, inputs, {{tensor(dtype, shape, gy)}});
        const auto g = reference.backward(gy, x, has_weight ? w : no_weight, false);
        expect_close(values_of(gradients[0]), g.x,
                     bound(dtype, largest(g.x) * largest(reference.rstd)), what + ", input");
        ASSERT_EQ(gradients[0].strides(), dense_strides_like(shape, input.strides())) << what;
        const double rows = double(reference.groups);
        if (has_weight) {
          expect_close(values_of(gradients[1]), g.weight, bound(dtype, 3 * rows),
                       what + ", weight");
        }
        if (has_bias) {
          expect_close(values_of(gradients.back()), g.bias, bound(dtype, rows), what + ", bias");
        }
        if (testing::Test::HasFailure()) return;
      }
    }
  }
}

TEST(LayerNorm, EveryDtypeLayoutAndRow) {
  for (const DType dtype : kFloats) {
    check_layer_norm(dtype, {7}, 1);
    check_layer_norm(dtype, {5, 16}, 1);
    check_layer_norm(dtype, {2, 3, 70}, 1);
    check_layer_norm(dtype, {2, 3, 70}, 2);
    check_layer_norm(dtype, {4, 2, 3, 5}, 3);
    check_layer_norm(dtype, {65, 33}, 1);
    check_layer_norm(dtype, {1, 1200}, 1);
    check_layer_norm(dtype, {3, 1}, 1);
  }
}

TEST(LayerNorm, OnEverySimdTarget) {
  on_every_target([](int64_t) {
    for (const DType dtype : kFloats) check_layer_norm(dtype, {19, 45}, 1);
  });
}

TEST(LayerNorm, MixedDtypes) {
  const Values x = random_values(kBF16, 24, 1), w = random_values(kF32, 8, 2);
  Reference reference = rows_reference({3, 8}, 1, 1e-5);
  reference.take_moments(x);
  const Tensor input = tensor(kBF16, {3, 8}, x).requires_grad_();
  const Tensor weight = tensor(kF32, {8}, w).requires_grad_();
  const Tensor y = layer_norm(input, {8}, weight);
  EXPECT_EQ(y.dtype(), kBF16);
  expect_close(values_of(y), reference.forward(x, w, {}), bound(kBF16, 8), "mixed");
  const Tensors gradients = grad({y}, {input, weight}, {{tensor(kBF16, {3, 8}, x)}});
  EXPECT_EQ(gradients[0].dtype(), kBF16);
  EXPECT_EQ(gradients[1].dtype(), kF32);
  const auto g = reference.backward(x, x, w, false);
  expect_close(values_of(gradients[1]), g.weight, bound(kF32, 50), "weight");
}

TEST(LayerNorm, FarFromZero) {
  Values x;
  for (int i = 0; i < 64; ++i) x.push_back(1e6 + double(i % 2));
  const Values y = values_of(layer_norm(tensor(kF32, {64}, x), {64}, {}, {}, 0));
  for (size_t i = 0; i < y.size(); ++i) EXPECT_NEAR(y[i], i % 2 ? 1 : -1, 1e-6) << i;
}

TEST(LayerNorm, WithoutElements) {
  const Tensor none = tensor(kF32, {0, 4}, {}).requires_grad_();
  const Tensor weight = tensor(kF32, {4}, {1, 1, 1, 1}).requires_grad_();
  const Tensor y = layer_norm(none, {4}, weight);
  EXPECT_EQ(y.shape(), (Dims{0, 4}));
  EXPECT_EQ(values_of(grad({y}, {weight}, {{tensor(kF32, {0, 4}, {})}})[0]), (Values{0, 0, 0, 0}));
  EXPECT_EQ(layer_norm(tensor(kF32, {2, 0}, {}), {0}).shape(), (Dims{2, 0}));
}

TEST(LayerNorm, GradientsAndSecondGradients) {
  const Tensor x = tensor(kF64, {3, 2, 4}, random_values(kF64, 24, 1));
  for (const int normalized : {1, 2}) {
    const Dims row = last(x.shape(), normalized);
    const Tensor w = tensor(kF64, row, random_values(kF64, count(row), 2));
    const Tensor b = tensor(kF64, row, random_values(kF64, count(row), 3));
    const std::string what = "over " + to_string(row);
    check_gradients([&](const Tensors& in) { return layer_norm(in[0], row, in[1], in[2], 0.1); },
                    {x, w, b}, what);
    check_gradients([&](const Tensors& in) { return layer_norm(in[0], row, {}, {}, 0.1); }, {x},
                    what + " without parameters");
    check_gradients([&](const Tensors& in) { return layer_norm(x, row, in[0], in[1], 0.1); },
                    {w, b}, what + ", parameters only");
    check_gradients([&](const Tensors& in) { return layer_norm(in[0], row, {}, in[1], 0.1); },
                    {x, b}, what + " without weight");
  }
}

// ---- batch_norm

void check_batch_norm(DType dtype, const Dims& shape, const Layout& layout, const Values& x) {
  const Values gy = random_values(dtype, count(shape), 2, -1, 1);
  const Dims channels = {shape[1]};
  const int64_t c = shape[1];
  const Values w = random_values(dtype, c, 3, 0.5, 2), b = random_values(dtype, c, 4);
  const Values old_mean = random_values(dtype, c, 5), old_var = random_values(dtype, c, 6, 0.5, 2);
  const double n = double(count(shape)) / double(c);
  const Values none;
  for (const bool training : {true, false}) {
    for (const bool has_weight : {false, true}) {
      for (const bool has_bias : {false, true}) {
        const std::string what = std::string(name_of(dtype)) + " " + layout.name + " " +
                                 to_string(shape) + (training ? " training" : "") +
                                 (has_weight ? " weight" : "") + (has_bias ? " bias" : "");
        Reference reference = channels_reference(shape, 1e-3);
        reference.take_moments(x);
        Values new_mean = old_mean, new_var = old_var;
        for (size_t i = 0; training && i < size_t(c); ++i) {
          new_mean[i] += 0.3 * (reference.mean[i] - old_mean[i]);
          new_var[i] += 0.3 * (reference.variance[i] * n / (n - 1) - old_var[i]);
        }
        if (!training) {
          reference.mean = old_mean;
          reference.variance = old_var;
          reference.take_rstd();
        }
        Tensor input = layout.tensor.detach();
        input.requires_grad_();
        const Tensor weight = optional(has_weight, dtype, channels, w);
        const Tensor bias = optional(has_bias, dtype, channels, b);
        const Tensor running_mean = tensor(dtype, channels, old_mean);
        const Tensor running_var = laid_out(dtype, channels, old_var, {0}, 3);
        const Tensor y =
            batch_norm(input, running_mean, running_var, weight, bias, training, 0.3, 1e-3);
        ASSERT_EQ(y.dtype(), dtype) << what;
        ASSERT_TRUE(input.is_channels_last() ? y.is_channels_last() : y.is_contiguous()) << what;
        expect_close(values_of(y), reference.forward(x, has_weight ? w : none, has_bias ? b : none),
                     bound(dtype, 8), what);
        expect_close(values_of(running_mean), new_mean, bound(dtype, 8), what + ", running_mean");
        expect_close(values_of(running_var), new_var, bound(dtype, 8), what + ", running_var");

        Tensors inputs = {input};
        if (has_weight) inputs.push_back(weight);
        if (has_bias) inputs.push_back(bias);
        const Tensors gradients = grad({y}, inputs, {{tensor(dtype, shape, gy)}});
        const auto g = reference.backward(gy, x, has_weight ? w : none, !training);
        expect_close(values_of(gradients[0]), g.x,
                     bound(dtype, largest(g.x) * largest(reference.rstd)), what + ", input");
        ASSERT_EQ(gradients[0].strides(), dense_strides_like(shape, input.strides())) << what;
        if (has_weight) {
          expect_close(values_of(gradients[1]), g.weight, bound(dtype, 8 * n), what + ", weight");
        }
        if (has_bias) {
          expect_close(values_of(gradients.back()), g.bias, bound(dtype, n), what + ", bias");
        }
        if (testing::Test::HasFailure()) return;
      }
    }
  }
}

void check_batch_norm(DType dtype, const Dims& shape) {
  const Values x = random_values(dtype, count(shape), 1, -3, 5);
  std::vector<Layout> all = layouts(dtype, shape, x);
  if (shape.size() == 4) {
    all.push_back({"channels-last", laid_out(dtype, shape, x, {0, 2, 3, 1})});
  }
  for (const Layout& layout : all) check_batch_norm(dtype, shape, layout, x);
}

TEST(BatchNorm, EveryDtypeLayoutAndRank) {
  for (const DType dtype : kFloats) {
    check_batch_norm(dtype, {16, 3});
    check_batch_norm(dtype, {9, 33});
    check_batch_norm(dtype, {4, 3, 5});
    check_batch_norm(dtype, {3, 5, 4, 6});
    check_batch_norm(dtype, {2, 17, 3, 3});
    check_batch_norm(dtype, {2, 1, 4, 5});
    check_batch_norm(dtype, {2, 3, 2, 2, 3});
  }
}

TEST(BatchNorm, ManyChunks) {
  check_batch_norm(kF32, {4, 5, 64, 64});
  check_batch_norm(kF32, {700, 70});
}

TEST(BatchNorm, OnEverySimdTarget) {
  on_every_target([](int64_t) {
    for (const DType dtype : kFloats) {
      check_batch_norm(dtype, {3, 5, 4, 6});
      check_batch_norm(dtype, {9, 21});
    }
  });
}

TEST(BatchNorm, StatelessWritesNothing) {
  const Tensor x = tensor(kF32, {4, 2}, {1, 2, 3, 4, 5, 6, 7, 8});
  const Tensor mean = tensor(kF32, {2}, {0, 0}), var = tensor(kF32, {2}, {1, 1});
  const BatchNormResult result = batch_norm_stateless(x, mean, var, {}, {}, 0.5, 0);
  EXPECT_EQ(values_of(mean), (Values{0, 0}));
  EXPECT_EQ(values_of(var), (Values{1, 1}));
  EXPECT_EQ(values_of(result.running_mean), (Values{2, 2.5}));
  const double unbiased = 20.0 / 3;
  expect_close(values_of(result.running_var), {(1 + unbiased) / 2, (1 + unbiased) / 2}, {1e-6, 0},
               "variance");
  const Tensor again = tensor(kF32, {2}, {0, 0}), again_var = tensor(kF32, {2}, {1, 1});
  EXPECT_EQ(values_of(result.output),
            values_of(batch_norm(x, again, again_var, {}, {}, true, 0.5, 0)));
}

TEST(BatchNorm, WithoutRunningStatistics) {
  const Tensor x = tensor(kF64, {4, 1}, {1, 2, 3, 6});
  const Values y = values_of(batch_norm(x, {}, {}, {}, {}, true, 0.1, 0));
  const double s = std::sqrt(3.5);
  expect_close(y, {-2 / s, -1 / s, 0, 3 / s}, {1e-14, 1e-15}, "normal");
}

TEST(BatchNorm, WithoutElements) {
  const Tensor x = tensor(kF32, {0, 3}, {}).requires_grad_();
  const Tensor weight = tensor(kF32, {3}, {1, 1, 1}).requires_grad_();
  const Tensor mean = tensor(kF32, {3}, {1, 2, 3}), var = tensor(kF32, {3}, {1, 1, 1});
  const Tensor y = batch_norm(x, mean, var, weight, {}, true);
  EXPECT_EQ(y.shape(), (Dims{0, 3}));
  EXPECT_EQ(values_of(mean), (Values{1, 2, 3}));
  EXPECT_EQ(values_of(grad({y}, {weight}, {{tensor(kF32, {0, 3}, {})}})[0]), (Values{0, 0, 0}));
  EXPECT_EQ(batch_norm(tensor(kF32, {2, 0}, {}), {}, {}, {}, {}, true).shape(), (Dims{2, 0}));
}

TEST(BatchNorm, FarFromZero) {
  Values x;
  for (int i = 0; i < 64; ++i) x.push_back(1e6 + double(i % 2));
  for (const Dims& shape : {Dims{64, 1}, Dims{2, 1, 32}}) {
    const Values y = values_of(batch_norm(tensor(kF32, shape, x), {}, {}, {}, {}, true, 0.1, 0));
    for (size_t i = 0; i < y.size(); ++i) EXPECT_NEAR(y[i], i % 2 ? 1 : -1, 1e-6) << i;
  }
}

TEST(BatchNorm, GradientsAndSecondGradients) {
  for (const Dims& shape : {Dims{5, 2}, Dims{2, 3, 2}, Dims{2, 2, 2, 2}}) {
    const Dims channels = {shape[1]};
    const int64_t c = shape[1];
    const Tensor x = tensor(kF64, shape, random_values(kF64, count(shape), 1));
    const Tensor w = tensor(kF64, channels, random_values(kF64, c, 2));
    const Tensor b = tensor(kF64, channels, random_values(kF64, c, 3));
    const Tensor mean = tensor(kF64, channels, random_values(kF64, c, 4));
    const Tensor var = tensor(kF64, channels, random_values(kF64, c, 5, 0.5, 2));
    for (const bool training : {true, false}) {
      const std::string what = to_string(shape) + (training ? " training" : "");
      const auto run = [&](const Tensor& input, const Tensor& weight, const Tensor& bias) {
        return batch_norm(input, clone(mean), clone(var), weight, bias, training, 0.1, 0.1);
      };
      check_gradients([&](const Tensors& in) { return run(in[0], in[1], in[2]); }, {x, w, b}, what);
      check_gradients([&](const Tensors& in) { return run(in[0], {}, {}); }, {x},
                      what + " without parameters");
      check_gradients([&](const Tensors& in) { return run(x, in[0], in[1]); }, {w, b},
                      what + ", parameters only");
    }
  }
}

// Third gradients: the composed form is differentiable again.
TEST(Norm, ThirdGradient) {
  const Values start = {0.3, -1.2, 2.0, 0.7};
  const auto third = [](const Values& at, bool layer) {
    const Tensor x = tensor(kF64, layer ? Dims{1, 4} : Dims{4, 1}, at).requires_grad_();
    GradOptions record;
    record.create_graph = true;
    Tensor y =
        layer ? layer_norm(x, {4}, {}, {}, 0.1) : batch_norm(x, {}, {}, {}, {}, true, 0.1, 0.1);
    for (uint32_t order = 0; order < 2; ++order) {
      y = grad({(y * weights_like(y, 5 + order)).sum()}, {x}, record)[0];
    }
    const Tensor total = (y * weights_like(y, 9)).sum();
    return std::pair(total.item(), values_of(grad({total}, {x})[0]));
  };
  for (const bool layer : {true, false}) {
    const Values slopes = third(start, layer).second;
    for (size_t i = 0; i < start.size(); ++i) {
      const double h = 1e-5;
      Values up = start, down = start;
      up[i] += h;
      down[i] -= h;
      EXPECT_NEAR(slopes[i], (third(up, layer).first - third(down, layer).first) / (2 * h), 1e-5);
    }
  }
}

TEST(Norm, SameBitsForAnyNumberOfThreads) {
  const int threads = num_threads();
  const auto compare = [&](const std::function<Tensors()>& results, const char* what) {
    set_num_threads(1);
    const Tensors expected = results();
    for (const int n : {2, 7}) {
      set_num_threads(n);
      const Tensors actual = results();
      for (size_t i = 0; i < actual.size(); ++i) {
        EXPECT_TRUE(same_bits(actual[i], expected[i])) << what << ", " << n << " threads, " << i;
      }
    }
  };
  const auto vector = [](int64_t n, uint32_t seed) {
    return tensor(kF32, {n}, random_values(kF32, n, seed)).requires_grad_();
  };
  {
    const Dims shape = {3000, 77};
    const Tensor x = tensor(kF32, shape, random_values(kF32, count(shape))).requires_grad_();
    const Tensor gy = tensor(kF32, shape, random_values(kF32, count(shape), 2));
    const Tensor w = vector(77, 3), b = vector(77, 4);
    compare(
        [&]() -> Tensors {
          const Tensor y = layer_norm(x, {77}, w, b);
          Tensors all = grad({y}, {x, w, b}, {{gy}});
          all.push_back(y.detach());
          return all;
        },
        "layer_norm");
  }
  for (const Dims& shape : {Dims{8, 5, 64, 61}, Dims{3000, 77}}) {
    const Tensor x = tensor(kF32, shape, random_values(kF32, count(shape))).requires_grad_();
    const Tensor gy = tensor(kF32, shape, random_values(kF32, count(shape), 2));
    const Tensor w = vector(shape[1], 3), b = vector(shape[1], 4);
    compare(
        [&]() -> Tensors {
          const Tensor mean = tensor(kF32, {shape[1]}, Values(size_t(shape[1]), 0.0));
          const Tensor var = tensor(kF32, {shape[1]}, Values(size_t(shape[1]), 1.0));
          const Tensor y = batch_norm(x, mean, var, w, b, true);
          Tensors all = grad({y}, {x, w, b}, {{gy}});
          for (const Tensor& t : {y.detach(), mean, var}) all.push_back(t);
          return all;
        },
        "batch_norm");
  }
  set_num_threads(threads);
}

TEST(Norm, ErrorsNameTheCallersLine) {
  const Tensor x = tensor(kF32, {2, 3}, Values(6, 0.5));
  const Tensor three = tensor(kF32, {3}, {1, 2, 3}), two = tensor(kF32, {2}, {1, 2});
  const Location at("a.cpp", 7);
  expect_message<ShapeError>(
      [&] { layer_norm(x, {2}, {}, {}, 1e-5, at); },
      "layer_norm: normalized_shape [2] must be the last sizes of input's shape "
      "[2, 3] — a.cpp:7");
  expect_message<ShapeError>(
      [&] { layer_norm(x, {}, {}, {}, 1e-5, at); },
      "layer_norm: normalized_shape [] must be the last sizes of input's shape "
      "[2, 3] — a.cpp:7");
  expect_message<ShapeError>(
      [&] { layer_norm(x, {3}, two, {}, 1e-5, at); },
      "layer_norm: weight has shape [2], input of shape [2, 3] needs [3] — a.cpp:7");
  expect_message<ShapeError>(
      [&] { layer_norm(x, {3}, {}, two, 1e-5, at); },
      "layer_norm: bias has shape [2], input of shape [2, 3] needs [3] — a.cpp:7");
  expect_message<DtypeError>(
      [&] {
        layer_norm(tensor(kI32, {2}, {1, 2}), {2}, {}, {}, 1e-5, at);
      },
      "layer_norm: input must be floating-point, not i32 — a.cpp:7");
  expect_message<DtypeError>(
      [&] {
        layer_norm(x, {3}, tensor(kI64, {3}, {1, 2, 3}), {}, 1e-5, at);
      },
      "layer_norm: weight must be floating-point, not i64 — a.cpp:7");
  expect_message<ValueError>([&] { layer_norm(Tensor(), {3}, {}, {}, 1e-5, at); },
                             "layer_norm: input 0 is an undefined tensor — a.cpp:7");

  expect_message<ValueError>(
      [&] {
        batch_norm(tensor(kF32, {1, 3}, {1, 2, 3}), {}, {}, {}, {}, true, 0.1, 1e-5, at);
      },
      "batch_norm: training needs more than one value per channel, input has shape [1, 3] — "
      "a.cpp:7");
  expect_message<ValueError>(
      [&] { batch_norm(x, three, {}, {}, {}, false, 0.1, 1e-5, at); },
      "batch_norm: running_mean and running_var must be given unless training — a.cpp:7");
  expect_message<ShapeError>(
      [&] { batch_norm(three, {}, {}, {}, {}, true, 0.1, 1e-5, at); },
      "batch_norm: input needs the dimensions [N, C, ...], its shape is [3] — "
      "a.cpp:7");
  expect_message<ShapeError>(
      [&] { batch_norm(x, two, three, {}, {}, true, 0.1, 1e-5, at); },
      "batch_norm: running_mean has shape [2], input of shape [2, 3] needs [3] — a.cpp:7");
  expect_message<DtypeError>(
      [&] {
        batch_norm(tensor(kI64, {2, 1}, {1, 2}), {}, {}, {}, {}, true, 0.1, 1e-5, at);
      },
      "batch_norm: input must be floating-point, not i64 — a.cpp:7");
  const Tensor moving = tensor(kF32, {3}, {0, 0, 0}).requires_grad_();
  expect_message<AutogradError>(
      [&] { batch_norm(x, moving, three, {}, {}, true, 0.1, 1e-5, at); },
      "batch_norm: input 1 is written in place and needs a gradient; run this under NoGrad — "
      "a.cpp:7");
}

}  // namespace
}  // namespace entasis
