// softmax and log_softmax against naive references in double.
#include <entasis/ops/softmax.h>

#include <gtest/gtest.h>

#include <entasis/backends/cpu/parallel.h>
#include <entasis/ops/softmax_internal.h>

#include <entasis/tests/kernels/every_target.h>
#include <entasis/tests/ops/gradient_check.h>
#include <entasis/tests/ops/naive.h>
#include <entasis/tests/support/errors.h>

namespace entasis {
namespace {

using namespace naive;

constexpr DType kFloats[] = {kF32, kF64, kF16, kBF16};
const Dims kShapes[] = {{7},       {1},        {},       {0},          {3, 0, 2},
                        {5, 4},    {2, 3, 70}, {33, 65}, {3, 1, 4, 5}, {2, 3, 2, 3, 2},
                        {4, 1000}, {40, 67}};

// Calls f(values of the slice) for each slice along dim; f changes them.
Values along(const Dims& shape, int dim, Values values, const std::function<void(Values&)>& f) {
  if (shape.empty()) {
    f(values);
    return values;
  }
  const Dims strides = contiguous_strides(shape);
  each_index(shape, [&](const Dims& index) {
    if (index[dim] != 0) return;
    Values slice;
    for (int64_t i = 0; i < shape[dim]; ++i) {
      slice.push_back(values[size_t(offset_of(index, strides) + i * strides[dim])]);
    }
    f(slice);
    for (int64_t i = 0; i < shape[dim]; ++i) {
      values[size_t(offset_of(index, strides) + i * strides[dim])] = slice[size_t(i)];
    }
  });
  return values;
}

void naive_softmax(Values& x, bool logarithm) {
  double max = -INFINITY, sum = 0;
  for (double v : x) max = std::max(max, v);
  for (double v : x) sum += std::exp(v - max);
  for (double& v : x) v = logarithm ? v - max - std::log(sum) : std::exp(v - max) / sum;
}

// A few roundings; the argument x - max of the exponential has one of its own.
Tolerance bound_of(DType dtype, bool logarithm) {
  const double u = compute_rounding(dtype);
  return {rounding(dtype) + (logarithm ? 8 : 16) * u, logarithm ? 16 * u : least_rounding(dtype)};
}

void each_case(const std::function<void(const Layout&, const Values&, int dim, DType)>& f) {
  for (const DType dtype : kFloats) {
    for (const Dims& shape : kShapes) {
      const Values values = random_values(dtype, count(shape));
      for (const Layout& layout : layouts(dtype, shape, values)) {
        for (int dim = 0; dim < std::max(1, shape.size()); ++dim) f(layout, values, dim, dtype);
      }
    }
  }
}

TEST(Softmax, EveryDtypeLayoutAndDim) {
  each_case([](const Layout& layout, const Values& values, int dim, DType dtype) {
    const Dims& shape = layout.tensor.shape();
    for (const bool logarithm : {false, true}) {
      const Tensor y = logarithm ? log_softmax(layout.tensor, dim) : softmax(layout.tensor, dim);
      const std::string what = std::string(logarithm ? "log_softmax " : "softmax ") +
                               name_of(dtype) + " " + layout.name + " " + to_string(shape) +
                               " along " + std::to_string(dim);
      ASSERT_EQ(y.dtype(), dtype) << what;
      ASSERT_EQ(y.shape(), shape) << what;
      ASSERT_TRUE(y.is_contiguous()) << what;
      const Values expected =
          along(shape, dim, values, [&](Values& x) { naive_softmax(x, logarithm); });
      expect_close(values_of(y), expected, bound_of(dtype, logarithm), what);
    }
  });
}

// The backward ops themselves, in every dtype and layout; values need not come from a softmax.
TEST(Softmax, BackwardOfEveryDtypeLayoutAndDim) {
  each_case([](const Layout& layout, const Values&, int dim, DType dtype) {
    const Dims& shape = layout.tensor.shape();
    if (count(shape) == 0) return;
    for (const bool logarithm : {false, true}) {
      Tensor x = layout.tensor.detach();
      x.requires_grad_();
      const Tensor y = logarithm ? log_softmax(x, dim) : softmax(x, dim);
      const Values gy = random_values(dtype, count(shape), 2);
      for (const Layout& gradient : layouts(dtype, shape, gy)) {
        const Tensor gx = grad({y}, {x}, {{gradient.tensor}, true})[0];
        Values expected = values_of(y);  // rounded, as the backward op reads it
        std::vector<Values> slices_of_gy;
        along(shape, dim, gy, [&](Values& slice) { slices_of_gy.push_back(slice); });
        size_t next = 0;
        double largest = 0;
        expected = along(shape, dim, expected, [&](Values& slice) {
          const Values& g = slices_of_gy[next++];
          double sum = 0;
          for (size_t i = 0; i < slice.size(); ++i) sum += logarithm ? g[i] : g[i] * slice[i];
          for (size_t i = 0; i < slice.size(); ++i) {
            const double v = slice[i];
            slice[i] = logarithm ? g[i] - std::exp(v) * sum : (g[i] - sum) * v;
            largest = std::max({largest, std::abs(sum), std::abs(g[i])});
          }
        });
        const std::string what = std::string(logarithm ? "log_softmax " : "softmax ") +
                                 name_of(dtype) + " " + layout.name + ", gradient " +
                                 gradient.name + " " + to_string(shape) + " along " +
                                 std::to_string(dim);
        expect_close(values_of(gx), expected,
                     {rounding(dtype), 16 * compute_rounding(dtype) * std::max(1.0, largest)},
                     what);
        if (testing::Test::HasFailure()) return;
      }
    }
  });
}

TEST(Softmax, ExtremesAsInPyTorch) {
  const double inf = INFINITY, nan = std::nan("");
  const auto check = [](const Values& x, const Values& expected) {
    for (const Dims& shape : {Dims{int64_t(x.size())}, Dims{int64_t(x.size()), 1}}) {
      for (const DType dtype : {kF32, kF64, kF16}) {
        const std::string what = name_of(dtype) + to_string(shape);
        expect_close(values_of(softmax(tensor(dtype, shape, x), 0)), expected,
                     {2 * rounding(dtype), 0}, what);
        Values logs;
        for (double v : expected) logs.push_back(std::log(v));
        expect_close(values_of(log_softmax(tensor(dtype, shape, x), 0)), logs,
                     {2 * rounding(dtype), 0}, what);
      }
    }
  };
  check({-inf, -inf}, {nan, nan});
  check({-inf, 3, -inf}, {0, 1, 0});
  check({inf, 1}, {nan, nan});
  check({1, nan, 2}, {nan, nan, nan});
  check({6e4, 6e4}, {0.5, 0.5});
  check({-6e4, -6e4, -6e4, -6e4}, {0.25, 0.25, 0.25, 0.25});
  // What underflows in softmax is still exact in log_softmax.
  expect_close(values_of(log_softmax(tensor(kF32, {2}, {0, 1000}), 0)), {-1000, 0}, {}, "far");
}

TEST(Softmax, LongRowsSumToOne) {
  const int64_t n = 1'000'003;
  const Values values = random_values(kF32, n, 3, -1, 1);
  Values expected = values;
  naive_softmax(expected, false);
  expect_close(values_of(softmax(tensor(kF32, {n}, values), 0)), expected, {1e-6, 0}, "row");
  expect_close(values_of(softmax(tensor(kF32, {n, 1}, values), 0)), expected, {1e-6, 0}, "column");
}

TEST(Softmax, GradientsAndSecondGradients) {
  for (const Dims& shape : {Dims{5}, Dims{2, 3}, Dims{2, 3, 2}}) {
    const Tensor x = tensor(kF64, shape, random_values(kF64, count(shape), 4, -2, 2));
    for (int dim = -1; dim < shape.size(); ++dim) {
      const std::string what = to_string(shape) + " along " + std::to_string(dim);
      check_gradients([&](const Tensors& in) { return softmax(in[0], dim); }, {x},
                      "softmax " + what);
      check_gradients([&](const Tensors& in) { return log_softmax(in[0], dim); }, {x},
                      "log_softmax " + what);
    }
  }
}

TEST(Softmax, SameBitsForAnyNumberOfThreads) {
  const int threads = num_threads();
  for (const Dims& shape : {Dims{300, 77}, Dims{20, 30, 61}}) {
    Tensor x = tensor(kF32, shape, random_values(kF32, count(shape)));
    x.requires_grad_();
    const Tensor gy = tensor(kF32, shape, random_values(kF32, count(shape), 2));
    for (int dim = 0; dim < shape.size(); ++dim) {
      const auto results = [&]() -> Tensors {
        const Tensor y = softmax(x, dim), z = log_softmax(x, dim);
        return {y.detach(), z.detach(), grad({y}, {x}, {{gy}})[0], grad({z}, {x}, {{gy}})[0]};
      };
      set_num_threads(1);
      const Tensors expected = results();
      for (const int n : {2, 7}) {
        set_num_threads(n);
        const Tensors actual = results();
        for (size_t i = 0; i < actual.size(); ++i) {
          EXPECT_TRUE(same_bits(actual[i], expected[i])) << n << " threads, result " << i;
        }
      }
    }
  }
  set_num_threads(threads);
}

TEST(Softmax, EverySimdTarget) {
  const Dims shape = {6, 35, 21};
  for (const DType dtype : kFloats) {
    const Values values = random_values(dtype, count(shape));
    on_every_target([&](int64_t) {
      for (int dim = 0; dim < 3; ++dim) {
        for (const bool logarithm : {false, true}) {
          Tensor x = tensor(dtype, shape, values);
          x.requires_grad_();
          const Tensor y = logarithm ? log_softmax(x, dim) : softmax(x, dim);
          expect_close(values_of(y),
                       along(shape, dim, values, [&](Values& v) { naive_softmax(v, logarithm); }),
                       bound_of(dtype, logarithm), "forward");
          // The gradient of a constant in the direction of ones.
          const Tensor ones = tensor(dtype, shape, Values(values.size(), 1.0));
          const Tensor gx = grad({y}, {x}, {{ones}})[0];
          if (!logarithm) {
            expect_close(values_of(gx), Values(values.size(), 0.0), {0, 40 * rounding(dtype)},
                         "gx");
          }
        }
      }
    });
  }
}

TEST(Softmax, ErrorsNameTheCallersLine) {
  const Tensor x = tensor(kF32, {2, 3}, random_values(kF32, 6));
  const Tensor i = tensor(kI64, {2}, {1, 2});
  expect_message<IndexError>(
      [&] { softmax(x, 2, Location("a.cpp", 7)); },
      "softmax: dim 2 is out of range for 2 dimensions (allowed: -2 to 1) — a.cpp:7");
  expect_message<DtypeError>(
      [&] { softmax(i, 0, Location("a.cpp", 8)); },
      "softmax: the softmax of i64 is not defined; cast it to a floating-point dtype — a.cpp:8");
  expect_message<IndexError>(
      [&] { log_softmax(x, -3, Location("a.cpp", 9)); },
      "log_softmax: dim -3 is out of range for 2 dimensions (allowed: -2 to 1) — a.cpp:9");
  expect_message<DtypeError>([&] { log_softmax(i, 0, Location("a.cpp", 10)); },
                             "log_softmax: the log_softmax of i64 is not defined; cast it to a "
                             "floating-point dtype — a.cpp:10");
  expect_message<ValueError>([&] { softmax(Tensor(), 0, Location("a.cpp", 11)); },
                             "softmax: input 0 is an undefined tensor — a.cpp:11");
}

}  // namespace
}  // namespace entasis
