// Matrix products against a naive double loop: shapes around every tile and block edge, all
// strides, batches, biases, accumulation; the same bits for any number of threads; every SIMD
// target.
#include <entasis/kernels/cpu/internal/gemm.h>

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <memory>
#include <random>
#include <string>
#include <type_traits>
#include <vector>

#include <entasis/backends/cpu/parallel.h>
#include <entasis/kernels/cpu/internal/gemm_naive.h>

#include "every_target.h"

namespace entasis::cpu {
namespace {

template <class T>
std::vector<T> random_values(size_t count, unsigned seed) {
  std::mt19937 engine(seed);
  std::uniform_real_distribution<T> uniform(-1, 1);
  std::vector<T> values(count);
  for (T& value : values) value = uniform(engine);
  return values;
}

// The least number of elements that holds [rows, columns] with these strides.
int64_t extent(int64_t rows, int64_t columns, int64_t row_stride, int64_t column_stride) {
  return rows == 0 || columns == 0 ? 0
                                   : (rows - 1) * row_stride + (columns - 1) * column_stride + 1;
}

struct Layout {
  const char* name;
  bool transposed;  // columns are the contiguous ones
  int64_t gap;      // between lines
  int64_t step;     // between neighbours in a line; 0 is a broadcast
};

constexpr Layout kPlain = {"plain", false, 0, 1};
constexpr Layout kTransposed = {"transposed", true, 0, 1};
constexpr Layout kLayouts[] = {kPlain,
                               kTransposed,
                               {"rows apart", false, 5, 1},
                               {"columns apart", true, 3, 1},
                               {"no stride 1", false, 1, 2},
                               {"broadcast along a line", false, 1, 0},
                               {"broadcast down the columns", true, 1, 0}};

struct Options {
  bool column_bias = false;
  bool row_bias = false;
  bool accumulate = false;
  int64_t c_gap = 0;
};

// A product with operands in buffers of exactly the size it needs.
template <class T>
struct Problem {
  Problem(int64_t m, int64_t n, int64_t k, Layout a_layout, Layout b_layout, Options options = {}) {
    g.m = m;
    g.n = n;
    g.k = k;
    const auto set = [](const Layout& layout, int64_t rows, int64_t columns, int64_t& row_stride,
                        int64_t& column_stride) {
      const int64_t line = (layout.transposed ? rows : columns) * layout.step + layout.gap;
      row_stride = layout.transposed ? layout.step : line;
      column_stride = layout.transposed ? line : layout.step;
    };
    set(a_layout, m, k, g.a_row_stride, g.a_column_stride);
    set(b_layout, k, n, g.b_row_stride, g.b_column_stride);
    a = random_values<T>(static_cast<size_t>(extent(m, k, g.a_row_stride, g.a_column_stride)), 1);
    b = random_values<T>(static_cast<size_t>(extent(k, n, g.b_row_stride, g.b_column_stride)), 2);
    g.c_row_stride = n + options.c_gap;
    c_before = random_values<T>(static_cast<size_t>(extent(m, n, g.c_row_stride, 1)), 3);
    column_bias = random_values<T>(static_cast<size_t>(n), 4);
    row_bias = random_values<T>(static_cast<size_t>(m), 5);
    g.a = a.data();
    g.b = b.data();
    if (options.column_bias) g.column_bias = column_bias.data();
    if (options.row_bias) g.row_bias = row_bias.data();
    g.accumulate = options.accumulate;
  }

  std::vector<T> run() const {
    std::vector<T> c = c_before;
    Gemm<T> product = g;
    product.c = c.data();
    gemm(product);
    return c;
  }

  // Compares with sums in a wider type, within the bound for sums of k rounded products.
  void expect_right(const std::vector<T>& c) const {
    if (reference.empty()) compute_reference();
    for (size_t at = 0; at < c.size(); ++at) {
      const int64_t i = static_cast<int64_t>(at) / g.c_row_stride;
      const int64_t j = static_cast<int64_t>(at) % g.c_row_stride;
      if (j >= g.n) {
        ASSERT_EQ(c[at], c_before[at]) << "wrote behind row " << i;
      } else {
        ASSERT_LE(std::abs(c[at] - reference[at]), bound[at]) << "at " << i << ", " << j;
      }
    }
  }

  // On every target.
  void check() const {
    on_every_target([&](int64_t) { expect_right(run()); });
  }

  void compute_reference() const {
    reference.assign(c_before.size(), 0);
    bound.assign(c_before.size(), 0);
    for (int64_t i = 0; i < g.m; ++i) {
      for (int64_t j = 0; j < g.n; ++j) {
        Wide sum = 0, size = 0;
        const auto add = [&](Wide term) {
          sum += term;
          size += std::abs(term);
        };
        for (int64_t p = 0; p < g.k; ++p) {
          add(static_cast<Wide>(g.a[i * g.a_row_stride + p * g.a_column_stride]) *
              g.b[p * g.b_row_stride + j * g.b_column_stride]);
        }
        const size_t at = static_cast<size_t>(i * g.c_row_stride + j);
        if (g.column_bias != nullptr) add(g.column_bias[j]);
        if (g.row_bias != nullptr) add(g.row_bias[i]);
        if (g.accumulate) add(c_before[at]);
        reference[at] = sum;
        bound[at] = static_cast<Wide>(g.k + 4) * std::numeric_limits<T>::epsilon() * size;
      }
    }
  }

  using Wide = std::conditional_t<sizeof(T) == 4, double, long double>;
  Gemm<T> g;
  std::vector<T> a, b, c_before, column_bias, row_bias;
  mutable std::vector<Wide> reference, bound;
};

std::string name_of(int64_t m, int64_t n, int64_t k) {
  return std::to_string(m) + "x" + std::to_string(n) + "x" + std::to_string(k);
}

template <class T>
class GemmTest : public testing::Test {};
using Types = testing::Types<float, double>;
TYPED_TEST_SUITE(GemmTest, Types);

TYPED_TEST(GemmTest, EveryShapeAroundTheTiles) {
  for (const int64_t m : {1, 2, 3, 5, 6, 7, 8, 9, 17, 33}) {
    for (const int64_t n : {1, 2, 3, 4, 5, 7, 8, 9, 16, 17, 31, 47, 48, 49, 97}) {
      for (const int64_t k : {0, 1, 2, 3, 17, 33, 67}) {
        const Options options{m % 2 == 0, n % 2 == 0, k % 2 == 0, m % 3};
        for (const Layout& a : {kPlain, kTransposed}) {
          for (const Layout& b : {kPlain, kTransposed}) {
            SCOPED_TRACE(name_of(m, n, k) + " a " + a.name + " b " + b.name);
            Problem<TypeParam>(m, n, k, a, b, options).check();
            if (testing::Test::HasFatalFailure()) return;
          }
        }
      }
    }
  }
}

TYPED_TEST(GemmTest, EveryLayout) {
  for (const Layout& a : kLayouts) {
    for (const Layout& b : kLayouts) {
      for (const auto& [m, n, k] : {std::array{3, 50, 40}, {50, 3, 40}, {41, 53, 37}}) {
        SCOPED_TRACE(name_of(m, n, k) + " a " + a.name + " b " + b.name);
        Problem<TypeParam>(m, n, k, a, b, {true, true, true, 3}).check();
        if (testing::Test::HasFatalFailure()) return;
      }
    }
  }
}

TYPED_TEST(GemmTest, SeveralBlocksInEachDirection) {
  // More than a block of k, more than a block of columns, packed B (far rows, many row tiles).
  for (const auto& [m, n, k] : {std::array{37, 530, 1030},
                                {70, 499, 521},
                                {530, 20, 700},
                                {20, 530, 700},
                                {1030, 64, 65},
                                {301, 128, 33},
                                {5, 300, 1500}}) {
    for (const Layout& a : {kPlain, kTransposed}) {
      for (const Layout& b : {kPlain, kTransposed}) {
        SCOPED_TRACE(name_of(m, n, k) + " a " + a.name + " b " + b.name);
        Problem<TypeParam>(m, n, k, a, b, {true, true, a.transposed == b.transposed, 1}).check();
        if (testing::Test::HasFatalFailure()) return;
      }
    }
  }
}

TYPED_TEST(GemmTest, SameBitsForAnyNumberOfThreads) {
  const int before = num_threads();
  on_every_target([](int64_t) {
    for (const auto& [m, n, k] : {std::array{1, 3000, 100},
                                  {3000, 1, 100},
                                  {3, 700, 300},
                                  {64, 64, 64},
                                  {257, 131, 600},
                                  {40, 1000, 129},
                                  {1000, 40, 129}}) {
      for (const Layout& a : {kPlain, kTransposed}) {
        for (const Layout& b : {kPlain, kTransposed}) {
          const Problem<TypeParam> problem(m, n, k, a, b, {true, true, true, 0});
          set_num_threads(1);
          const std::vector<TypeParam> expected = problem.run();
          for (const int threads : {2, 7, 32}) {
            set_num_threads(threads);
            const std::vector<TypeParam> c = problem.run();
            ASSERT_EQ(std::memcmp(c.data(), expected.data(), c.size() * sizeof(TypeParam)), 0)
                << name_of(m, n, k) << " a " << a.name << " b " << b.name << " threads " << threads;
          }
        }
      }
    }
  });
  set_num_threads(before);
}

TYPED_TEST(GemmTest, SameBitsOnTargetsWithFusedMultiplyAdd) {
  for (const auto& [m, n, k] : {std::array{1, 300, 1100}, {300, 3, 100}, {97, 131, 600}}) {
    SCOPED_TRACE(name_of(m, n, k));
    const Problem<TypeParam> problem(m, n, k, kPlain, kTransposed, {true, false, false, 0});
    std::vector<TypeParam> expected;
    on_every_target([&](int64_t target) {
      if (target == HWY_SSE4) return;  // rounds the products
      const std::vector<TypeParam> c = problem.run();
      if (expected.empty()) expected = c;
      ASSERT_EQ(std::memcmp(c.data(), expected.data(), c.size() * sizeof(TypeParam)), 0);
    });
  }
}

TYPED_TEST(GemmTest, Batches) {
  using T = TypeParam;
  // [2, 3] products; the operands' batch strides: plain, broadcast, transposed batch dimensions.
  struct Case {
    const char* name;
    int64_t a[2], b[2];
  };
  constexpr int64_t kM = 9, kN = 21, kK = 34;
  constexpr Case kCases[] = {{"plain", {3 * kM * kK, kM * kK}, {3 * kK * kN, kK * kN}},
                             {"one B", {3 * kM * kK, kM * kK}, {0, 0}},
                             {"one A", {0, 0}, {3 * kK * kN, kK * kN}},
                             {"B of the inner dimension", {3 * kM * kK, kM * kK}, {0, kK * kN}},
                             {"B of the outer dimension", {3 * kM * kK, kM * kK}, {kK * kN, 0}},
                             {"A swapped", {kM * kK, 2 * kM * kK}, {3 * kK * kN, kK * kN}}};
  const int before = num_threads();
  const auto a = random_values<T>(6 * kM * kK, 1);
  const auto b = random_values<T>(6 * kK * kN, 2);
  const auto bias = random_values<T>(kN, 3);
  on_every_target([&](int64_t) {
    for (const Case& test : kCases) {
      for (const int threads : {1, 2, 7}) {
        set_num_threads(threads);
        std::vector<T> c(6 * kM * kN, T{-77});
        const GemmBatch batch[] = {{2, test.a[0], test.b[0], 3 * kM * kN},
                                   {3, test.a[1], test.b[1], kM * kN}};
        Gemm<T> g;
        g.m = kM;
        g.n = kN;
        g.k = kK;
        g.a = a.data();
        g.a_row_stride = kK;
        g.b = b.data();
        g.b_row_stride = kN;
        g.c = c.data();
        g.c_row_stride = kN;
        g.column_bias = bias.data();
        g.batch = batch;
        gemm(g);
        for (int64_t i = 0; i < 2; ++i) {
          for (int64_t j = 0; j < 3; ++j) {
            Problem<T> one(kM, kN, kK, kPlain, kPlain);
            one.g.a = a.data() + i * test.a[0] + j * test.a[1];
            one.g.b = b.data() + i * test.b[0] + j * test.b[1];
            one.g.column_bias = bias.data();
            const auto first = c.begin() + (i * 3 + j) * kM * kN;
            SCOPED_TRACE(std::string(test.name) + " item " + std::to_string(i * 3 + j));
            one.expect_right(std::vector<T>(first, first + kM * kN));
            if (testing::Test::HasFatalFailure()) return;
          }
        }
      }
    }
  });
  set_num_threads(before);
}

// Out = 2 C + other, as a pointwise kernel would.
template <class T>
void double_and_add(void* out, const void* const* in, uint32_t scalars, int64_t n) {
  ASSERT_EQ(scalars, 0u);
  const T* const c = static_cast<const T*>(in[0]);
  const T* const other = static_cast<const T*>(in[1]);
  for (int64_t i = 0; i < n; ++i) {
    static_cast<T*>(out)[i] = 2 * c[i] + (other != nullptr ? other[i] : T{0});
  }
}

// Every element takes the step behind the product once, when it is complete: by tiles, transposed
// tiles, dots both ways, sums of nothing, several blocks, gaps between rows.
TYPED_TEST(GemmTest, TakesTheStepBehindTheProduct) {
  using T = TypeParam;
  const int before = num_threads();
  for (const auto& [m, n, k] : {std::array{9, 50, 40},
                                {3, 700, 64},
                                {700, 3, 64},
                                {64, 5, 40},
                                {5, 4, 0},
                                {37, 530, 1030},
                                {300, 20, 700}}) {
    for (const Layout& layout : {kPlain, kTransposed}) {
      for (const int64_t gap : {0, 3}) {
        SCOPED_TRACE(name_of(m, n, k) + " b " + layout.name + " gap " + std::to_string(gap));
        const Problem<T> problem(m, n, k, kPlain, layout, {true, k % 3 == 0, true, gap});
        const auto other = random_values<T>(problem.c_before.size(), 9);
        on_every_target([&, n = n](int64_t) {
          for (const int threads : {1, 7}) {
            set_num_threads(threads);
            const std::vector<T> product = problem.run();
            for (const bool adds : {false, true}) {
              for (const bool elsewhere : {false, true}) {
                std::vector<T> c = problem.c_before, out = c;
                Gemm<T> g = problem.g;
                g.c = c.data();
                g.finish.run = double_and_add<T>;
                if (adds) g.finish.other = other.data();
                if (elsewhere) g.finish.out = out.data();
                gemm(g);
                const std::vector<T>& result = elsewhere ? out : c;
                for (size_t at = 0; at < c.size(); ++at) {
                  const bool inside = static_cast<int64_t>(at) % g.c_row_stride < n;
                  const T expected = 2 * product[at] + (adds ? other[at] : T{0});
                  ASSERT_EQ(result[at], inside ? expected : problem.c_before[at]) << at;
                  if (elsewhere) {
                    ASSERT_EQ(c[at], product[at]) << at;
                  }
                }
              }
            }
          }
        });
        if (testing::Test::HasFatalFailure()) return;
      }
    }
  }
  set_num_threads(before);
}

TYPED_TEST(GemmTest, PackedBeforeGivesTheSameBits) {
  using T = TypeParam;
  const int before = num_threads();
  for (const auto& [m, n, k] :
       {std::array{5, 300, 110}, {17, 530, 1030}, {64, 49, 700}, {256, 128, 256}}) {
    for (const Layout& layout : {kPlain, kTransposed}) {
      SCOPED_TRACE(name_of(m, n, k) + " b " + layout.name);
      const Problem<T> problem(m, n, k, kPlain, layout, {true, false, false, 1});
      on_every_target([&, n = n, k = k](int64_t) {
        for (const int threads : {1, 2, 7, 32}) {
          set_num_threads(threads);
          Gemm<T> g = problem.g;
          const int64_t size = packed_b_size(g);
          ASSERT_GE(size, n * k);
          const std::unique_ptr<T[], decltype(&std::free)> packed(
              static_cast<T*>(
                  std::aligned_alloc(64, static_cast<size_t>(size * sizeof(T) + 63) / 64 * 64)),
              &std::free);
          pack_b(g, packed.get());
          const std::vector<T> expected = problem.run();
          std::vector<T> c = problem.c_before;
          g.c = c.data();
          g.b = nullptr;  // is not read
          g.packed_b = packed.get();
          gemm(g);
          ASSERT_EQ(std::memcmp(c.data(), expected.data(), c.size() * sizeof(T)), 0) << threads;
        }
      });
      if (testing::Test::HasFatalFailure()) return;
    }
  }
  set_num_threads(before);
}

// Half types give the bits of a product of their values in float.
template <class In>
class GemmHalfTest : public testing::Test {};
using HalfTypes = testing::Types<Half, BFloat16>;
TYPED_TEST_SUITE(GemmHalfTest, HalfTypes);

TYPED_TEST(GemmHalfTest, GivesTheBitsOfConvertedOperands) {
  using In = TypeParam;
  const int before = num_threads();
  for (const auto& [m, n, k] : {std::array{1, 70, 300},
                                {70, 1, 300},
                                {3, 50, 40},
                                {9, 130, 67},
                                {64, 64, 64},
                                {301, 128, 33},
                                {37, 530, 1030},
                                {300, 20, 700}}) {
    for (const Layout& a : kLayouts) {
      for (const Layout& b : kLayouts) {
        const bool usual = std::max(&a, &b) <= &kLayouts[1];
        if (!usual && m * n * k > 200'000) continue;
        SCOPED_TRACE(name_of(m, n, k) + " a " + a.name + " b " + b.name);
        Problem<float> problem(m, n, k, a, b, {true, false, true, 1});
        const auto halves = [](std::vector<float>& values) {
          std::vector<In> converted;
          for (float& value : values) {
            converted.push_back(In(value));
            value = float(converted.back());
          }
          return converted;
        };
        const std::vector<In> a_half = halves(problem.a), b_half = halves(problem.b);
        on_every_target([&](int64_t) {
          const std::vector<float> expected = problem.run();
          std::vector<float> c = problem.c_before;
          Gemm<float, In> g;
          g.m = problem.g.m, g.n = problem.g.n, g.k = problem.g.k;
          g.a = a_half.data() + (problem.g.a - problem.a.data());
          g.b = b_half.data() + (problem.g.b - problem.b.data());
          g.a_row_stride = problem.g.a_row_stride, g.a_column_stride = problem.g.a_column_stride;
          g.b_row_stride = problem.g.b_row_stride, g.b_column_stride = problem.g.b_column_stride;
          g.c = c.data();
          g.c_row_stride = problem.g.c_row_stride;
          g.column_bias = problem.g.column_bias;
          g.row_bias = problem.g.row_bias;
          g.accumulate = problem.g.accumulate;
          for (const int threads : {1, 32}) {
            set_num_threads(threads);
            c = problem.c_before;
            gemm(g);
            ASSERT_EQ(std::memcmp(c.data(), expected.data(), c.size() * sizeof(float)), 0)
                << threads << " threads";
          }
        });
        set_num_threads(before);
        if (testing::Test::HasFatalFailure()) return;
      }
    }
  }
}

TYPED_TEST(GemmTest, EmptyProductsTouchNothing) {
  Gemm<TypeParam> g;
  g.k = 5;
  gemm(g);  // all pointers null
  g.m = 3;
  gemm(g);
  g.m = 0;
  g.n = 3;
  gemm(g);
  g.m = 2;
  const GemmBatch none[] = {{0, 1, 1, 1}};
  g.batch = none;
  gemm(g);
}

TYPED_TEST(GemmTest, NotANumberStaysInItsRowAndColumn) {
  on_every_target([](int64_t) {
    Problem<TypeParam> problem(20, 30, 40, kPlain, kPlain);
    problem.a[3 * 40 + 7] = std::numeric_limits<TypeParam>::quiet_NaN();
    problem.b[7 * 30 + 29] = std::numeric_limits<TypeParam>::infinity();
    const std::vector<TypeParam> c = problem.run();
    for (int64_t i = 0; i < 20; ++i) {
      for (int64_t j = 0; j < 30; ++j) {
        const TypeParam value = c[static_cast<size_t>(i * 30 + j)];
        EXPECT_EQ(std::isnan(value), i == 3) << i << ", " << j;
        EXPECT_EQ(std::isinf(value), i != 3 && j == 29) << i << ", " << j;
      }
    }
  });
}

template <class T>
class GemmNaiveTest : public testing::Test {};
using IntegerTypes = testing::Types<int8_t, uint8_t, int16_t, uint16_t, int32_t, int64_t, uint64_t>;
TYPED_TEST_SUITE(GemmNaiveTest, IntegerTypes);

TYPED_TEST(GemmNaiveTest, WrapsAroundLikeUnsignedIntegers) {
  using T = TypeParam;
  std::mt19937_64 engine(7);
  for (const auto& [m, n, k] : {std::array{1, 1, 1}, {3, 5, 0}, {7, 1030, 9}, {64, 33, 20}}) {
    for (const bool transposed : {false, true}) {
      std::vector<T> a(static_cast<size_t>(m * k)), b(static_cast<size_t>(k * n));
      for (T& value : a) value = static_cast<T>(engine());
      for (T& value : b) value = static_cast<T>(engine());
      const int64_t a_row = transposed ? 1 : k, a_column = transposed ? m : 1;
      const int64_t b_row = transposed ? 1 : n, b_column = transposed ? k : 1;
      std::vector<T> c(static_cast<size_t>(m * (n + 2)), T{42});
      gemm_naive<T>(m, n, k, a.data(), a_row, a_column, b.data(), b_row, b_column, c.data(), n + 2);
      for (int64_t i = 0; i < m; ++i) {
        for (int64_t j = 0; j < n + 2; ++j) {
          uint64_t sum = j < n ? 0 : 42;
          for (int64_t p = 0; p < k && j < n; ++p) {
            sum += static_cast<uint64_t>(a[static_cast<size_t>(i * a_row + p * a_column)]) *
                   static_cast<uint64_t>(b[static_cast<size_t>(p * b_row + j * b_column)]);
          }
          ASSERT_EQ(c[static_cast<size_t>(i * (n + 2) + j)], static_cast<T>(sum));
        }
      }
    }
  }
}

}  // namespace
}  // namespace entasis::cpu
