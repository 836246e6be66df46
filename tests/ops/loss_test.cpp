// Losses against naive references in double.
#include <entasis/ops/loss.h>

#include <optional>

#include <gtest/gtest.h>

#include <entasis/backends/cpu/parallel.h>
#include <entasis/ops/copy.h>
#include <entasis/ops/factory.h>
#include <entasis/ops/loss_internal.h>

#include <entasis/tests/kernels/every_target.h>
#include <entasis/tests/ops/gradient_check.h>
#include <entasis/tests/ops/naive.h>
#include <entasis/tests/support/errors.h>

namespace entasis {
namespace {

using namespace naive;

constexpr DType kFloats[] = {kF32, kF64, kF16, kBF16};
constexpr Reduction kReductions[] = {Reduction::kMean, Reduction::kSum, Reduction::kNone};

// A cross-entropy problem and its loss and gradient by the definition.
struct Problem {
  Dims shape;  // of the input
  Values input;
  Dims target_shape;
  Values target;
  int64_t ignore_index = -100;
  double smoothing = 0;

  int dim() const { return class_dim(shape.size()); }
  int64_t classes() const { return shape[dim()]; }
};

Problem make_problem(const Dims& shape, DType dtype, double smoothing, int64_t ignore_index) {
  Problem p;
  p.shape = shape;
  p.input = random_values(dtype, count(shape));
  p.target_shape = shape;
  p.target_shape.erase(p.dim());
  p.ignore_index = ignore_index;
  p.smoothing = smoothing;
  std::mt19937 bits(7);
  for (int64_t i = 0; i < count(p.target_shape); ++i) {
    p.target.push_back(i % 5 == 3 ? double(ignore_index) : double(bits() % uint32_t(p.classes())));
  }
  return p;
}

struct Reference {
  Values losses;  // of each row
  Values slopes;  // of each row's loss along the input
  double counted = 0;
};

Reference solve(const Problem& p) {
  Reference r;
  r.slopes.resize(p.input.size());
  const Dims strides = contiguous_strides(p.shape);
  const int64_t step = strides[p.dim()];
  size_t row = 0;
  each_index(p.target_shape, [&](Dims index) {
    index.insert(p.dim(), 0);
    const int64_t base = offset_of(index, strides);
    const double t = p.target[row++];
    const bool ignored = t == double(p.ignore_index);
    double max = -INFINITY, sum = 0, loss = 0;
    const auto x = [&](int64_t c) { return p.input[size_t(base + c * step)]; };
    for (int64_t c = 0; c < p.classes(); ++c) max = std::max(max, x(c));
    for (int64_t c = 0; c < p.classes(); ++c) sum += std::exp(x(c) - max);
    for (int64_t c = 0; c < p.classes(); ++c) {
      const double log_p = x(c) - max - std::log(sum);
      const double q = (double(c) == t ? 1 - p.smoothing : 0) + p.smoothing / double(p.classes());
      if (q != 0) loss -= q * log_p;
      r.slopes[size_t(base + c * step)] = ignored ? 0 : std::exp(log_p) - q;
    }
    r.losses.push_back(ignored ? 0 : loss);
    r.counted += !ignored;
  });
  return r;
}

Values reduced(const Reference& r, Reduction reduction) {
  if (reduction == Reduction::kNone) return r.losses;
  double sum = 0;
  for (double loss : r.losses) sum += loss;
  return {reduction == Reduction::kMean ? sum / r.counted : sum};
}

// Losses and gradients of a problem in every layout of the input.
void check_problem(const Problem& p, DType dtype, DType target_dtype) {
  const Reference r = solve(p);
  const Tensor target_tensor = tensor(target_dtype, p.target_shape, p.target);
  const Values gy = random_values(dtype, count(p.target_shape), 3);
  const double u = compute_rounding(dtype);
  for (const Layout& layout : layouts(dtype, p.shape, p.input)) {
    for (const Layout& target : layouts(target_dtype, p.target_shape, p.target)) {
      for (const Reduction reduction : kReductions) {
        const std::string what = std::string(name_of(dtype)) + " " + layout.name + " " +
                                 to_string(p.shape) + ", target " + target.name + ", reduction " +
                                 std::to_string(int(reduction));
        Tensor x = layout.tensor.detach();
        x.requires_grad_();
        const Tensor loss = cross_entropy(x, target.tensor, p.ignore_index, reduction, p.smoothing);
        ASSERT_EQ(loss.dtype(), dtype) << what;
        ASSERT_EQ(loss.shape(), reduction == Reduction::kNone ? p.target_shape : Dims()) << what;
        const Values expected = reduced(r, reduction);
        expect_close(values_of(loss), expected, {rounding(dtype) + 8 * u, 16 * u}, what);

        // The weight of row i: gy[i], or one number for all.
        const bool each = reduction == Reduction::kNone;
        const Tensor g = each ? tensor(dtype, p.target_shape, gy) : tensor(dtype, {}, {2});
        const Tensor gx = grad({loss}, {x}, {{g}})[0];
        ASSERT_EQ(gx.strides(), dense_strides_like(p.shape, x.strides())) << what;
        Values slopes = r.slopes;
        const Dims strides = contiguous_strides(p.shape);
        const Dims row_strides = contiguous_strides(p.target_shape);
        each_index(p.shape, [&](const Dims& index) {
          Dims row = index;
          row.erase(p.dim());
          const double w = each ? gy[size_t(offset_of(row, row_strides))]
                                : 2 / (reduction == Reduction::kMean ? r.counted : 1.0);
          double& slope = slopes[size_t(offset_of(index, strides))];
          if (slope != 0) slope *= w;  // ignored rows stay 0 if none is counted
        });
        expect_close(values_of(gx), slopes,
                     {rounding(dtype) + 8 * u, 32 * u + least_rounding(dtype)},
                     what + ", gradient");
        if (testing::Test::HasFailure()) return;
      }
    }
  }
}

const Dims kShapes[] = {{7},       {4, 10},       {1, 1},          {33, 65},
                        {2, 5, 3}, {3, 21, 4, 5}, {2, 3, 2, 2, 3}, {70, 3, 20}};

TEST(CrossEntropy, EveryDtypeLayoutAndReduction) {
  for (const DType dtype : kFloats) {
    for (const Dims& shape : kShapes) {
      check_problem(make_problem(shape, dtype, 0, -100), dtype, kI64);
    }
  }
}

TEST(CrossEntropy, SmoothedAndWithAnotherIgnoredClass) {
  for (const DType dtype : {kF32, kF64, kBF16}) {
    for (const Dims& shape : kShapes) {
      check_problem(make_problem(shape, dtype, 0.1, 0), dtype, kI32);
      check_problem(make_problem(shape, dtype, 1, -1), dtype, kI64);
    }
  }
}

TEST(CrossEntropy, OnEverySimdTarget) {
  on_every_target([&](int64_t) {
    for (const DType dtype : kFloats) {
      check_problem(make_problem({9, 37}, dtype, 0.2, -100), dtype, kI64);
      check_problem(make_problem({3, 5, 19}, dtype, 0, -100), dtype, kI64);
    }
  });
}

TEST(CrossEntropy, NothingCounted) {
  const Tensor x = tensor(kF32, {2, 3}, random_values(kF32, 6)).requires_grad_();
  const Tensor ignored = tensor(kI64, {2}, {-100, -100});
  EXPECT_TRUE(std::isnan(cross_entropy(x, ignored).item()));
  EXPECT_EQ(cross_entropy(x, ignored, -100, Reduction::kSum).item(), 0);
  EXPECT_EQ(values_of(cross_entropy(x, ignored, -100, Reduction::kNone)), (Values{0, 0}));
  const Tensor none = tensor(kF32, {0, 3}, {}).requires_grad_();
  const Tensor loss = cross_entropy(none, tensor(kI64, {0}, {}));
  EXPECT_TRUE(std::isnan(loss.item()));
  EXPECT_EQ(grad({loss}, {none})[0].shape(), (Dims{0, 3}));
  EXPECT_EQ(
      cross_entropy(tensor(kF32, {1, 0}, {}), tensor(kI64, {1}, {-100}), -100, Reduction::kSum)
          .item(),
      0);
}

TEST(CrossEntropy, IgnoredRowsMayHoldAnything) {
  const double nan = std::nan("");
  for (const Dims& shape : {Dims{2, 3}, Dims{2, 3, 1}}) {
    const Tensor x = tensor(kF32, shape, {1, 2, 3, nan, INFINITY, nan}).requires_grad_();
    const Tensor target = tensor(kI64, shape.size() == 2 ? Dims{2} : Dims{2, 1}, {2, -100});
    const Tensor loss = cross_entropy(x, target);
    EXPECT_NEAR(loss.item(), std::log(1 + std::exp(-1.0) + std::exp(-2.0)), 1e-7);
    const Values gx = values_of(grad({loss}, {x})[0]);
    EXPECT_EQ(Values(gx.begin() + 3, gx.end()), (Values{0, 0, 0}));
  }
}

TEST(CrossEntropy, LargeLogitsKeepTheirPrecision) {
  // log(1 + e^-0.001) about far-off maxima.
  const Tensor x = tensor(kF32, {1, 2}, {10000, 9999.9990234375}).requires_grad_();
  const Tensor loss = cross_entropy(x, tensor(kI64, {1}, {0}));
  EXPECT_NEAR(loss.item(), std::log1p(std::exp(-0.0009765625)), 1e-7);
  const double p = 1 / (1 + std::exp(0.0009765625));
  expect_close(values_of(grad({loss}, {x})[0]), {-p, p}, {1e-6, 0}, "gradient");
  const double inf = INFINITY;
  EXPECT_EQ(cross_entropy(tensor(kF32, {2}, {0, -inf}), tensor(kI64, {}, {1})).item(), inf);
  EXPECT_TRUE(
      std::isnan(cross_entropy(tensor(kF32, {2}, {-inf, -inf}), tensor(kI64, {}, {1})).item()));
}

TEST(CrossEntropy, GradientsAndSecondGradients) {
  for (const Dims& shape : {Dims{4}, Dims{6, 3}, Dims{2, 3, 3}}) {
    for (const double smoothing : {0.0, 0.3}) {
      for (const Reduction reduction : kReductions) {
        const Problem p = make_problem(shape, kF64, smoothing, -100);
        const Tensor target = tensor(kI64, p.target_shape, p.target);
        check_gradients(
            [&](const Tensors& in) {
              return cross_entropy(in[0], target, -100, reduction, smoothing);
            },
            {tensor(kF64, shape, p.input)},
            to_string(shape) + " reduction " + std::to_string(int(reduction)));
      }
    }
  }
}

TEST(CrossEntropy, SameBitsForAnyNumberOfThreads) {
  const int threads = num_threads();
  for (const Dims& shape : {Dims{3000, 33}, Dims{5, 21, 64, 64}}) {
    const Problem p = make_problem(shape, kF32, 0.1, -100);
    const Tensor x = tensor(kF32, shape, p.input).requires_grad_();
    const Tensor target = tensor(kI64, p.target_shape, p.target);
    const auto results = [&]() -> Tensors {
      const Tensor loss = cross_entropy(x, target, -100, Reduction::kMean, 0.1);
      return {loss.detach(), grad({loss}, {x})[0]};
    };
    set_num_threads(1);
    const Tensors expected = results();
    for (const int n : {2, 7}) {
      set_num_threads(n);
      const Tensors actual = results();
      EXPECT_TRUE(same_bits(actual[0], expected[0])) << n;
      EXPECT_TRUE(same_bits(actual[1], expected[1])) << n;
    }
  }
  set_num_threads(threads);
}

TEST(CrossEntropy, ErrorsNameTheCallersLine) {
  const Tensor x = tensor(kF32, {5, 10}, random_values(kF32, 50));
  const auto call = [](const Tensor& input, const Tensor& target, int line, double smoothing = 0) {
    return [=] {
      cross_entropy(input, target, -100, Reduction::kMean, smoothing, Location("a.cpp", line));
    };
  };
  expect_message<IndexError>(call(x, tensor(kI64, {5}, {0, 1, 2, 12, 99}), 7),
                             "cross_entropy: class 12 at position 3 is outside [0, 10) — a.cpp:7");
  expect_message<IndexError>(call(x, tensor(kI32, {5}, {0, -1, 2, 3, 4}), 8),
                             "cross_entropy: class -1 at position 1 is outside [0, 10) — a.cpp:8");
  expect_message<ShapeError>(
      call(x, tensor(kI64, {4}, {0, 1, 2, 3}), 9),
      "cross_entropy: input of shape [5, 10] needs a target of shape [5], got "
      "[4] — a.cpp:9");
  expect_message<ShapeError>(
      call(tensor(kF32, {}, {1}), tensor(kI64, {}, {0}), 10),
      "cross_entropy: input is 0-d: it needs a dimension of classes — a.cpp:10");
  expect_message<DtypeError>(
      call(x, tensor(kF32, {5}, {0, 1, 2, 3, 4}), 11),
      "cross_entropy: target must hold class indices, i64 or i32, not f32 — a.cpp:11");
  expect_message<DtypeError>(call(tensor(kI64, {1, 1}, {0}), tensor(kI64, {1}, {0}), 12),
                             "cross_entropy: input must be floating-point, not i64 — a.cpp:12");
  expect_message<ValueError>(
      call(x, tensor(kI64, {5}, {0, 1, 2, 3, 4}), 13, 1.5),
      "cross_entropy: label_smoothing must be from 0 to 1, got 1.5 — a.cpp:13");
  expect_message<ValueError>(call(x, Tensor(), 14),
                             "cross_entropy: input 1 is an undefined tensor — a.cpp:14");
  // The first bad class is named whatever thread finds it.
  Values classes(200'000, 1);
  classes[150'001] = 5;
  classes[199'000] = 7;
  expect_message<IndexError>(
      call(tensor(kF32, {200'000, 2}, Values(400'000, 0.0)), tensor(kI64, {200'000}, classes), 15),
      "cross_entropy: class 5 at position 150001 is outside [0, 2) — a.cpp:15");
}

// ---- Pointwise losses

double naive_bce(double p, double t) {
  const auto limited_log = [](double v) { return std::max(std::log(v), -100.0); };
  return (t == 0 ? 0 : -t * limited_log(p)) - (t == 1 ? 0 : (1 - t) * limited_log(1 - p));
}

double naive_smooth_l1(double difference, double beta) {
  const double d = std::abs(difference);
  return d < beta ? 0.5 * d * d / beta : d - 0.5 * beta;
}

TEST(PointwiseLoss, EveryDtypeLayoutAndReduction) {
  const Dims shape = {5, 3, 7};
  for (const DType dtype : kFloats) {
    const Values x = random_values(dtype, count(shape), 1, 0.01, 0.99);
    const Values t = random_values(dtype, count(shape), 2, 0, 1);
    Values squares, distances, smooth, entropies;
    double square_sum = 0, distance_sum = 0, smooth_sum = 0, entropy_sum = 0;
    for (size_t i = 0; i < x.size(); ++i) {
      squares.push_back((x[i] - t[i]) * (x[i] - t[i]));
      distances.push_back(std::abs(x[i] - t[i]));
      smooth.push_back(naive_smooth_l1(x[i] - t[i], 0.25));
      entropies.push_back(naive_bce(x[i], t[i]));
      square_sum += squares.back();
      distance_sum += distances.back();
      smooth_sum += smooth.back();
      entropy_sum += entropies.back();
    }
    const double n = double(x.size());
    const Tolerance near{4 * rounding(dtype), 4 * rounding(dtype)};
    for (const Layout& input : layouts(dtype, shape, x)) {
      for (const Layout& target : layouts(dtype, shape, t)) {
        const std::string what =
            std::string(name_of(dtype)) + " " + input.name + ", target " + target.name;
        const Tensor &a = input.tensor, &b = target.tensor;
        expect_close(values_of(mse_loss(a, b, Reduction::kNone)), squares, near, what);
        expect_close(values_of(mse_loss(a, b)), {square_sum / n}, near, what);
        expect_close(values_of(mse_loss(a, b, Reduction::kSum)), {square_sum}, near, what);
        expect_close(values_of(l1_loss(a, b, Reduction::kNone)), distances, near, what);
        expect_close(values_of(l1_loss(a, b)), {distance_sum / n}, near, what);
        expect_close(values_of(l1_loss(a, b, Reduction::kSum)), {distance_sum}, near, what);
        expect_close(values_of(smooth_l1_loss(a, b, Reduction::kNone, 0.25)), smooth, near, what);
        expect_close(values_of(smooth_l1_loss(a, b, Reduction::kMean, 0.25)), {smooth_sum / n},
                     near, what);
        expect_close(values_of(smooth_l1_loss(a, b, Reduction::kSum, 0.25)), {smooth_sum}, near,
                     what);
        expect_close(values_of(binary_cross_entropy(a, b, Reduction::kNone)), entropies, near,
                     what);
        expect_close(values_of(binary_cross_entropy(a, b)), {entropy_sum / n}, near, what);
        expect_close(values_of(binary_cross_entropy(a, b, Reduction::kSum)), {entropy_sum}, near,
                     what);
      }
    }
  }
}

TEST(PointwiseLoss, GradientsAndSecondGradients) {
  for (const Reduction reduction : kReductions) {
    const Dims shape = {2, 3};
    const Tensor x = tensor(kF64, shape, random_values(kF64, 6, 1, 0.1, 0.9));
    const Tensor t = tensor(kF64, shape, random_values(kF64, 6, 2, 0, 1));
    const std::string what = "reduction " + std::to_string(int(reduction));
    check_gradients([&](const Tensors& in) { return mse_loss(in[0], in[1], reduction); }, {x, t},
                    "mse_loss " + what);
    check_gradients(
        [&](const Tensors& in) { return binary_cross_entropy(in[0], in[1], reduction); }, {x, t},
        "binary_cross_entropy " + what);
    check_gradients([&](const Tensors& in) { return l1_loss(in[0], in[1], reduction); }, {x, t},
                    "l1_loss " + what);
    for (const double beta : {0.1, 2.0}) {
      check_gradients(
          [&](const Tensors& in) { return smooth_l1_loss(in[0], in[1], reduction, beta); }, {x, t},
          "smooth_l1_loss " + what);
    }
  }
  const Tensor row = tensor(kF64, {3}, random_values(kF64, 3, 3));
  const Tensor x = tensor(kF64, {2, 3}, random_values(kF64, 6, 1));
  check_gradients([&](const Tensors& in) { return mse_loss(in[0], in[1]); }, {x, row}, "broadcast");
}

// Values and slopes as in PyTorch.
TEST(PointwiseLoss, DistancesAtKinksAndExtremes) {
  const double inf = INFINITY, nan = std::nan("");
  const Tensor x = tensor(kF32, {7}, {0, 1, -1, 0.5, -0.5, inf, -inf}).requires_grad_();
  const Tensor t = tensor(kF32, {7}, Values(7, 0));
  const auto slopes = [&](const Tensor& loss) { return values_of(grad({sum(loss)}, {x})[0]); };
  const Tensor l1 = l1_loss(x, t, Reduction::kNone);
  EXPECT_EQ(values_of(l1), (Values{0, 1, 1, 0.5, 0.5, inf, inf}));
  EXPECT_EQ(slopes(l1), (Values{0, 1, -1, 1, -1, 1, -1}));
  const Tensor smooth = smooth_l1_loss(x, t, Reduction::kNone);
  EXPECT_EQ(values_of(smooth), (Values{0, 0.5, 0.5, 0.125, 0.125, inf, inf}));
  EXPECT_EQ(slopes(smooth), (Values{0, 1, -1, 0.5, -0.5, 1, -1}));
  const Tensor sharp = smooth_l1_loss(x, t, Reduction::kNone, 0);
  EXPECT_EQ(values_of(sharp), values_of(l1));
  EXPECT_EQ(slopes(sharp), (Values{0, 1, -1, 1, -1, 1, -1}));

  const Tensor lost = tensor(kF32, {1}, {nan}).requires_grad_(), zero = tensor(kF32, {1}, {0});
  EXPECT_TRUE(std::isnan(l1_loss(lost, zero).item()));
  EXPECT_EQ(grad({l1_loss(lost, zero)}, {lost})[0].item(), 0);
  EXPECT_TRUE(std::isnan(smooth_l1_loss(lost, zero).item()));
  EXPECT_TRUE(std::isnan(grad({smooth_l1_loss(lost, zero)}, {lost})[0].item()));
}

TEST(PointwiseLoss, CertainProbabilitiesStayFinite) {
  const Tensor p = tensor(kF32, {4}, {0, 1, 0, 1}).requires_grad_();
  const Tensor t = tensor(kF32, {4}, {0, 1, 1, 0});
  const Tensor losses = binary_cross_entropy(p, t, Reduction::kNone);
  EXPECT_EQ(values_of(losses), (Values{0, 0, 100, 100}));
  const Values slopes = values_of(grad({sum(losses)}, {p})[0]);
  expect_close(slopes, {0, 0, -1e12, 1e12}, {1e-6, 0}, "slopes, as in PyTorch");
}

TEST(PointwiseLoss, WhatIsNoProbabilityIsRefused) {
  for (const DType dtype : kFloats) {
    for (const double bad : {-0.25, 1.5, double(NAN)}) {
      Values p(100'000, 0.5);
      p[70'001] = bad;
      p[90'000] = 2;
      for (const Layout& layout : layouts(dtype, {1000, 100}, p)) {
        const std::string text = std::isnan(bad) ? "nan" : bad < 0 ? "-0.25" : "1.5";
        expect_message<ValueError>(
            [&] {
              binary_cross_entropy(layout.tensor, zeros_like(layout.tensor), Reduction::kMean,
                                   Location("a.cpp", 3));
            },
            "binary_cross_entropy: the input must lie in [0, 1], element 70001 is " + text +
                " — a.cpp:3");
      }
    }
  }
  // A target may be anything.
  const Tensor t = tensor(kF32, {2}, {NAN, 2});
  EXPECT_TRUE(std::isnan(binary_cross_entropy(tensor(kF32, {2}, {0.5, 0.5}), t).item()));
}

TEST(PointwiseLoss, ErrorsNameTheCallersLine) {
  const Tensor x = tensor(kF32, {2, 3}, Values(6, 0.5));
  expect_message<ShapeError>(
      [&] {
        mse_loss(x, tensor(kF32, {2}, {0, 1}), Reduction::kMean, Location("a.cpp", 7));
      },
      "mse_loss: squared_difference: shapes do not broadcast: [2, 3] and [2] (3 vs 2 in dimension "
      "1) "
      "— a.cpp:7");
  expect_message<ShapeError>(
      [&] {
        binary_cross_entropy(x, tensor(kF32, {3}, {0, 1, 0}), Reduction::kMean,
                             Location("a.cpp", 8));
      },
      "binary_cross_entropy: input and target differ: [2, 3] and [3] — a.cpp:8");
  expect_message<DtypeError>(
      [&] {
        mse_loss(x, tensor(kI64, {3}, {0, 1, 0}), Reduction::kMean, Location("a.cpp", 9));
      },
      "mse_loss: input and target must be floating-point, not i64 — a.cpp:9");
  expect_message<DtypeError>(
      [&] {
        l1_loss(x, tensor(kI64, {3}, {0, 1, 0}), Reduction::kMean, Location("a.cpp", 11));
      },
      "l1_loss: input and target must be floating-point, not i64 — a.cpp:11");
  expect_message<ValueError>(
      [&] { smooth_l1_loss(x, x, Reduction::kMean, -0.5, Location("a.cpp", 12)); },
      "smooth_l1_loss: beta must be at least 0, got -0.5 — a.cpp:12");
  expect_message<ShapeError>(
      [&] {
        smooth_l1_loss(x, tensor(kF32, {2}, {0, 1}), Reduction::kMean, 1, Location("a.cpp", 13));
      },
      "smooth_l1_loss: smooth_l1: shapes do not broadcast: [2, 3] and [2] (3 vs 2 in dimension 1) "
      "— a.cpp:13");
  expect_message<ValueError>(
      [&] { mse_loss(Tensor(), x, Reduction::kMean, Location("a.cpp", 10)); },
      "mse_loss: squared_difference: input 0 is an undefined tensor — a.cpp:10");
}

}  // namespace
}  // namespace entasis
