// Random draws by rule 9: which word makes which element, how far the generator moves, and the
// distributions.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

#include <entasis/backends/cpu/parallel.h>
#include <entasis/entasis.h>
#include <entasis/kernels/cpu/internal/philox.h>
#include <entasis/tests/kernels/every_target.h>
#include <entasis/tests/ops/naive.h>
#include <entasis/tests/support/errors.h>

namespace entasis {
namespace {

using naive::Values;
using naive::values_of;

// Word `i` of the draw that starts at block `offset`.
uint32_t word(uint64_t seed, uint64_t offset, int64_t i) {
  return philox4x32(seed, offset + uint64_t(i) / 4)[size_t(i % 4)];
}

// The elements of a dense tensor in memory order.
template <class T>
std::vector<T> memory(const Tensor& t) {
  return {t.raw_as<T>(), t.raw_as<T>() + t.numel()};
}

TEST(Rule9, ElementIsItsWord) {
  Generator g(123);
  const GeneratorGuard guard(g);
  g.reserve(1000);
  constexpr int64_t n = 10007;
  const Tensor f = rand({n});
  EXPECT_EQ(g.state().offset, 1000u + (n + 3) / 4);
  for (int64_t i = 0; i < n; ++i) {
    ASSERT_EQ(f.data<float>()[i], uniform_float(word(123, 1000, i))) << i;
  }
  const uint64_t start = g.state().offset;
  const Tensor d = rand({n}, kF64);
  EXPECT_EQ(g.state().offset, start + (2 * n + 3) / 4);
  for (int64_t i = 0; i < n; ++i) {
    ASSERT_EQ(d.data<double>()[i],
              uniform_double(word(123, start, 2 * i), word(123, start, 2 * i + 1)));
  }
}

TEST(Rule9, PositionIsThatInMemoryOrder) {
  auto draw = [](Tensor t) {
    Generator g(5);
    const GeneratorGuard guard(g);
    return uniform_(std::move(t));
  };
  const Tensor flat = draw(zeros({2 * 3 * 4 * 5}));
  const Tensor channels_last = draw(zeros({2, 4, 5, 3}).permute({0, 3, 1, 2}));
  EXPECT_TRUE(channels_last.is_channels_last());
  EXPECT_EQ(memory<float>(channels_last), memory<float>(flat));
  // Gaps do not count.
  const Tensor wide = zeros({30, 9});
  const Tensor gaps = draw(wide.slice(1, 2, 6));
  EXPECT_EQ(values_of(gaps), values_of(flat));
  EXPECT_EQ(wide.sum().item<float>(), gaps.sum().item<float>());
  const Tensor transposed = draw(zeros({12, 20}).slice(1, 0, 20, 2).t());
  EXPECT_EQ(values_of(transposed.t()), values_of(flat));
}

TEST(Rule9, DrawsDoNotDependOnThreads) {
  const int before = num_threads();
  auto all = [] {
    Generator g(9);
    const GeneratorGuard guard(g);
    return cat({rand({100003}).to(kF64), randn({100003}).to(kF64),
                randint(0, 1000003, {70001}).to(kF64), randperm(5000).to(kF64), rand({30000}, kF64),
                randn({30001}, kF64)});
  };
  set_num_threads(1);
  const std::vector<double> expected = memory<double>(all());
  for (int threads : {2, 7}) {
    set_num_threads(threads);
    EXPECT_EQ(memory<double>(all()), expected) << threads;
  }
  set_num_threads(before);
}

TEST(Rule9, SeedsRepeatAndDrawsFollowOneAnother) {
  manual_seed(3);
  const Tensor a = rand({100}), b = rand({100});
  manual_seed(3);
  EXPECT_EQ(values_of(rand({100})), values_of(a));
  EXPECT_EQ(values_of(rand({100})), values_of(b));
  EXPECT_NE(values_of(a), values_of(b));
  manual_seed(4);
  EXPECT_NE(values_of(rand({100})), values_of(a));
  manual_seed(0);
}

TEST(Rule9, NothingIsDrawnForNothingOrOnMeta) {
  Generator g(1);
  const GeneratorGuard guard(g);
  rand({0, 3});
  rand({5}, kMeta);
  EXPECT_EQ(g.state().offset, 0u);
}

TEST(Rule9, EveryTargetGivesTheSameWordsAndUniforms) {
  constexpr int64_t n = 256;
  // A block counter about to carry into its upper half.
  const RandomState state{0x123456789abcdef0, 0xfffffff0, nullptr};
  on_every_target([&](int64_t) {
    uint32_t words[n];
    cpu::philox_words(state, 8, n, words);
    for (int64_t i = 0; i < n; ++i) ASSERT_EQ(words[i], word(state.seed, state.offset + 2, i)) << i;
  });
  Tensor expected, normals;
  on_every_target([&](int64_t) {
    Generator g(12);
    const GeneratorGuard guard(g);
    const Tensor drawn = cat({rand({999}, kF64), rand({5000}).to(kF64), rand({99}, kF16).to(kF64)});
    const Tensor normal = randn({5000});
    if (!expected.defined()) {
      expected = drawn;
      normals = normal;
    }
    EXPECT_EQ(memory<double>(drawn), memory<double>(expected));
    // Twice the bound of box_muller.h at the largest radius.
    for (int i = 0; i < 5000; ++i) {
      ASSERT_NEAR(normal.data<float>()[i], normals.data<float>()[i], 2 * 3e-7 * 6.8);
    }
  });
}

TEST(Uniform, HalvesNeverReachOne) {
  for (DType dtype : {kF16, kBF16}) {
    const Values v = values_of(rand({200000}, dtype));
    EXPECT_EQ(*std::min_element(v.begin(), v.end()), 0.0);
    EXPECT_EQ(*std::max_element(v.begin(), v.end()), dtype == kF16 ? 1 - 0x1p-11 : 1 - 0x1p-8);
  }
}

TEST(Uniform, StaysInItsRange) {
  struct Range {
    double low, high;
  };
  for (DType dtype : {kF32, kF64, kF16, kBF16}) {
    for (const Range r : {Range{-1, 1},
                          {0, 3},
                          {1, 1.0078125},
                          {-3, -2.9},
                          {100, 101},
                          {-0.1, 0},
                          {0, 1e-6},
                          {1, 1.0001}}) {
      SCOPED_TRACE(std::string(name_of(dtype)) + " from " + std::to_string(r.low) + " to " +
                   std::to_string(r.high));
      const double first = values_of(full({1}, r.low, dtype))[0];
      for (double v : values_of(uniform_(zeros({20000}, dtype), r.low, r.high))) {
        ASSERT_GE(v, std::min(first, r.low));
        ASSERT_TRUE(v < r.high || v == first) << v;
      }
    }
  }
  EXPECT_EQ(values_of(uniform_(zeros({3}), 2, 2)), (Values{2, 2, 2}));
}

TEST(Uniform, IsUniform) {
  manual_seed(0);
  constexpr int kBins = 64;
  constexpr int64_t n = 1 << 20;
  for (DType dtype : {kF32, kF64, kF16, kBF16}) {
    std::vector<double> counts(kBins);
    double sum = 0;
    for (double v : values_of(rand({n}, dtype))) {
      ++counts[size_t(v * kBins)];
      sum += v;
    }
    double chi2 = 0;
    const double expected = double(n) / kBins;
    for (double c : counts) chi2 += (c - expected) * (c - expected) / expected;
    EXPECT_LT(chi2, 63 + 5 * std::sqrt(2 * 63.0)) << name_of(dtype);
    // The grid of the halves starts at 0, so their mean lies half a step below 1/2.
    const double step = dtype == kF16 ? 0x1p-11 : dtype == kBF16 ? 0x1p-8 : 0;
    EXPECT_NEAR(sum / n, 0.5 - step / 2, 5 * std::sqrt(1.0 / 12 / n)) << name_of(dtype);
  }
}

// Elements 2k and 2k+1 share their words: the radius from the first, the angle from the second.
TEST(Normal, IsBoxAndMuller) {
  Generator g(77);
  const GeneratorGuard guard(g);
  constexpr int64_t n = 20001;
  const Tensor f = randn({n});
  EXPECT_EQ(g.state().offset, uint64_t(n + 3) / 4);
  for (int64_t i = 0; i < n; ++i) {
    const int64_t pair = i / 2 * 2;
    const double u = double(float(word(77, 0, pair)) * 0x1p-32f + 0x1p-33f);
    const double angle = 2 * std::numbers::pi * double(uniform_float(word(77, 0, pair + 1)));
    const double radius = std::sqrt(-2 * std::log(u));
    const double expected = radius * (i % 2 ? std::sin(angle) : std::cos(angle));
    ASSERT_NEAR(f.data<float>()[i], expected, 3e-7 * radius) << i;
  }
  const uint64_t start = g.state().offset;
  const Tensor d = randn({n}, kF64);
  EXPECT_EQ(g.state().offset, start + uint64_t(2 * n + 3) / 4);
  for (int64_t i = 0; i < n; ++i) {
    const int64_t pair = i / 2 * 4;
    const double u = uniform_double(word(77, start, pair), word(77, start, pair + 1)) + 0x1p-53;
    const double angle =
        2 * std::numbers::pi * uniform_double(word(77, start, pair + 2), word(77, start, pair + 3));
    const double radius = std::sqrt(-2 * std::log(u));
    const double expected = radius * (i % 2 ? std::sin(angle) : std::cos(angle));
    // Half of the bound is for the reference's own roundings.
    ASSERT_NEAR(d.data<double>()[i], expected, 2 * 6e-16 * radius) << i;
  }
}

TEST(Normal, HasTheRightMoments) {
  manual_seed(0);
  constexpr int64_t n = 1 << 20;
  for (DType dtype : {kF32, kF64, kF16, kBF16}) {
    SCOPED_TRACE(name_of(dtype));
    double m1 = 0, m2 = 0, m3 = 0, m4 = 0;
    for (double v : values_of(randn({n}, dtype))) {
      m1 += v;
      m2 += v * v;
      m3 += v * v * v;
      m4 += v * v * v * v;
    }
    // Five standard errors; variances of the moments are 1, 2, 15 and 96.
    const double error = 5 / std::sqrt(double(n));
    EXPECT_NEAR(m1 / n, 0, error);
    EXPECT_NEAR(m2 / n, 1, error * std::sqrt(2));
    EXPECT_NEAR(m3 / n, 0, error * std::sqrt(15));
    EXPECT_NEAR(m4 / n, 3, error * std::sqrt(96));
  }
}

TEST(Normal, TailsAndCentreFollowTheDistribution) {
  manual_seed(1);
  constexpr int64_t n = 1 << 21;
  std::vector<double> v = values_of(randn({n}));
  std::sort(v.begin(), v.end());
  double distance = 0;  // of Kolmogorov and Smirnov
  for (int64_t i = 0; i < n; ++i) {
    const double p = 0.5 * std::erfc(-v[size_t(i)] / std::numbers::sqrt2);
    distance = std::max(distance, std::abs(p - (double(i) + 0.5) / n));
  }
  EXPECT_LT(distance, 1.95 / std::sqrt(double(n)));  // exceeded once in 1000 runs of true normals
  EXPECT_GT(v.back(), 4.5);
  EXPECT_LT(v.front(), -4.5);
}

TEST(Normal, MeanAndStd) {
  manual_seed(0);
  const Tensor a = normal_(zeros({1000}, kF64), 3, 0.5);
  manual_seed(0);
  const Tensor b = randn({1000}, kF64);
  for (int i = 0; i < 1000; ++i)
    EXPECT_NEAR(a.data<double>()[i], 3 + 0.5 * b.data<double>()[i], 1e-14);
  EXPECT_EQ(values_of(normal_(zeros({2}), 4, 0)), (Values{4, 4}));
}

TEST(RandInt, IsUniformAndUnbiased) {
  manual_seed(0);
  // Two thirds of 2^32: without rejection the lower half of the results would come twice as often.
  constexpr int64_t n = 200000;
  const int64_t range = (int64_t{1} << 32) / 3 * 2;
  const Tensor t = randint(0, range, {n}, kU32);
  int64_t low = 0;
  for (double v : values_of(t)) {
    ASSERT_LT(v, double(range));
    low += v < double(range) / 2;
  }
  EXPECT_NEAR(double(low), n / 2.0, 5 * std::sqrt(n / 4.0));

  std::vector<int> counts(10);
  for (double v : values_of(randint(-3, 7, {100000}))) ++counts[size_t(v + 3)];
  for (int c : counts) EXPECT_NEAR(c, 10000, 5 * std::sqrt(9000.0));
}

// Lemire's method on the element's words, retries from the element's own subsequence.
TEST(RandInt, IsTheHighHalfOfAProduct) {
  Generator g(31);
  const GeneratorGuard guard(g);
  g.reserve(17);
  constexpr int64_t n = 3001;
  const uint64_t range = 0xC0000001;
  const Tensor t = randint(5, int64_t(5 + range), {n}, kU64);
  EXPECT_EQ(g.state().offset, 17u + (2 * n + 3) / 4);
  const Tensor small = randint(0, 3 << 29, {n}, kI32);
  const uint64_t start = 17 + (2 * n + 3) / 4;
  int retried = 0;
  for (int64_t i = 0; i < n; ++i) {
    const uint64_t bits = uint64_t(word(31, 17, 2 * i + 1)) << 32 | word(31, 17, 2 * i);
    const auto high = uint64_t((unsigned __int128)bits * range >> 64);
    ASSERT_EQ(t.data<uint64_t>()[i], 5 + high);

    uint64_t product = uint64_t(word(31, start, i)) * (3u << 29);
    for (uint64_t retry = 0; uint32_t(product) < (uint64_t{1} << 32) % (3u << 29); ++retry) {
      const auto again = philox4x32(31, start + uint64_t(i) / 4, 1 + 4 * retry + uint64_t(i) % 4);
      product = uint64_t(again[0]) * (3u << 29);
      ++retried;
    }
    ASSERT_EQ(small.data<int32_t>()[i], int32_t(product >> 32)) << i;
  }
  EXPECT_GT(retried, n / 4);
}

TEST(RandInt, TakesEveryDTypeAndTheWholeRange) {
  EXPECT_EQ(values_of(randint(4, 5, {3})), (Values{4, 4, 4}));
  for (DType dtype : {kF32, kF64, kF16, kBF16, kI8, kI16, kI32, kI64, kU8, kU16, kU32, kU64}) {
    for (double v : values_of(randint(0, 100, {1000}, dtype))) {
      ASSERT_TRUE(v >= 0 && v < 100 && v == std::floor(v)) << name_of(dtype);
    }
  }
  double sum = 0;
  for (double v : values_of(randint(0, 2, {1000}, kBool))) sum += v;
  EXPECT_NEAR(sum, 500, 80);
  const Values all = values_of(randint(INT64_MIN, INT64_MAX, {1000}));
  EXPECT_LT(*std::min_element(all.begin(), all.end()), -9e18);
  EXPECT_GT(*std::max_element(all.begin(), all.end()), 9e18);
  const Values bytes = values_of(randint(-128, 128, {10000}, kI8));
  EXPECT_EQ(*std::min_element(bytes.begin(), bytes.end()), -128);
  EXPECT_EQ(*std::max_element(bytes.begin(), bytes.end()), 127);
}

TEST(RandPerm, IsAPermutation) {
  manual_seed(0);
  for (int64_t n : {0, 1, 2, 5, 1000, 5001}) {
    Values v = values_of(randperm(n));
    std::sort(v.begin(), v.end());
    Values expected(static_cast<size_t>(n));
    std::iota(expected.begin(), expected.end(), 0.0);
    EXPECT_EQ(v, expected);
  }
  EXPECT_EQ(randperm(4).dtype(), kI64);
  EXPECT_EQ(randperm(4, kI32).dtype(), kI32);
}

TEST(RandPerm, EveryOrderIsAsLikely) {
  manual_seed(0);
  std::vector<int> counts(64);
  for (int run = 0; run < 24000; ++run) {
    const Tensor p = randperm(4);
    const int64_t* d = p.data<int64_t>();
    ++counts[size_t(d[0] * 16 + d[1] * 4 + d[2])];
  }
  int orders = 0;
  for (int c : counts) {
    if (c == 0) continue;
    ++orders;
    EXPECT_NEAR(c, 1000, 5 * std::sqrt(1000.0));
  }
  EXPECT_EQ(orders, 24);
}

TEST(Random, Errors) {
  expect_error<DtypeError>([] { rand({2}, kI64); },
                           "rand: uniform_: draws floating-point numbers, the dtype is i64");
  expect_error<DtypeError>([] { randn({2}, kBool); },
                           "randn: normal_: draws floating-point numbers, the dtype is bool");
  expect_error<ValueError>([] { randint(3, 3, {2}); }, "randint: [3, 3) is empty");
  expect_error<ValueError>([] { randint(-1, 3, {2}, kU8); },
                           "randint: u8 does not hold every whole number in [-1, 3)");
  expect_error<ValueError>([] { randint(0, 1 << 26, {2}, kF32); },
                           "randint: f32 does not hold every whole number in [0, 67108864)");
  expect_error<ValueError>([] { randperm(-1); }, "randperm: n must not be negative, it is -1");
  expect_error<ValueError>([] { randperm(129, kI8); },
                           "randperm: i8 does not hold every whole number below 129");
  expect_error<ValueError>([] { uniform_(zeros({2}), 1, 0); },
                           "uniform_: [low, high) must be a finite range of f32, it is [1, 0)");
  expect_error<ValueError>([] { uniform_(zeros({2}, kF16), 0, 1e6); },
                           "uniform_: [low, high) must be a finite range of f16, it is [0, 1e+06)");
  expect_error<ValueError>([] { normal_(zeros({2}), 0, -1); },
                           "normal_: mean must be finite and std finite and at least 0; they are 0 "
                           "and -1");
}

}  // namespace
}  // namespace entasis
