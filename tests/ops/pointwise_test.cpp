// Pointwise ops: values against plain double references over dtypes, layouts and SIMD targets,
// dtypes of results, in-place forms, errors, the same bits everywhere. Gradients are in
// pointwise_gradient_test.
#include <algorithm>
#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include <entasis/backends/cpu/parallel.h>
#include <entasis/core/row.h>
#include <entasis/kernels/cpu/internal/pointwise_tables.h>
#include <entasis/ops/activation.h>
#include <entasis/ops/arithmetic.h>
#include <entasis/ops/copy.h>
#include <entasis/ops/exponential.h>
#include <entasis/ops/factory.h>
#include <entasis/ops/rectifier.h>
#include <entasis/ops/shape.h>
#include <entasis/ops/special.h>
#include <entasis/ops/trigonometric.h>
#include <entasis/tests/kernels/every_target.h>
#include <entasis/tests/ops/naive.h>
#include <entasis/tests/support/errors.h>

namespace entasis {
namespace {

using namespace naive;
using Values = naive::Values;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInf = std::numeric_limits<double>::infinity();

// Points every pointwise op at the kernels of the target that Highway would choose now.
void choose_kernels() {
  for (const auto& table :
       {cpu::arithmetic_entries(), cpu::compare_entries(), cpu::pow_entries(),
        cpu::exponential_entries(), cpu::trigonometric_entries(), cpu::rounding_entries(),
        cpu::predicate_entries(), cpu::special_entries(), cpu::activation_entries(),
        cpu::rectifier_entries(), cpu::selection_entries(), cpu::logic_entries(),
        cpu::division_entries(), cpu::binary_entries()}) {
    for (const cpu::PointwiseEntry& entry : table) {
      find_op(entry.name)->kernels[int(DeviceType::kCPU)].data = &entry;
    }
  }
}

template <class Body>
void on_every_target_of_pointwise(const Body& body) {
  on_every_target([&](int64_t) {
    choose_kernels();
    body();
  });
  choose_kernels();
}

enum class Takes { kAll, kNoBool, kOrdered, kFloats };  // kOrdered: neither bool nor u64

struct Unary {
  const char* name;
  Tensor (*op)(const Tensor&);
  double (*reference)(double);
  Takes takes;
  double low, high;  // of the arguments
  double ulps;       // error of f32, half units in the last place
};

double gaussian_cdf(double x) { return 0.5 * std::erfc(-x / std::sqrt(2.0)); }

const Unary kUnary[] = {
    {"neg", [](const Tensor& x) { return neg(x); }, [](double x) { return -x; }, Takes::kNoBool, -4,
     4, 0},
    {"abs", [](const Tensor& x) { return abs(x); }, [](double x) { return std::abs(x); },
     Takes::kOrdered, -4, 4, 0},
    {"exp", [](const Tensor& x) { return exp(x); }, [](double x) { return std::exp(x); },
     Takes::kAll, -4, 4, 3},
    {"log", [](const Tensor& x) { return log(x); }, [](double x) { return std::log(x); },
     Takes::kAll, 0, 4, 4},
    {"sqrt", [](const Tensor& x) { return sqrt(x); }, [](double x) { return std::sqrt(x); },
     Takes::kAll, 0, 4, 1},
    {"tanh", [](const Tensor& x) { return tanh(x); }, [](double x) { return std::tanh(x); },
     Takes::kAll, -4, 4, 5},
    {"sigmoid", [](const Tensor& x) { return sigmoid(x); },
     [](double x) { return 1 / (1 + std::exp(-x)); }, Takes::kAll, -4, 4, 5},
    {"relu", [](const Tensor& x) { return relu(x); }, [](double x) { return x > 0 ? x : 0; },
     Takes::kOrdered, -4, 4, 0},
    {"silu", [](const Tensor& x) { return silu(x); },
     [](double x) { return x / (1 + std::exp(-x)); }, Takes::kAll, -4, 4, 7},
    {"gelu", [](const Tensor& x) { return gelu(x); }, [](double x) { return x * gaussian_cdf(x); },
     Takes::kAll, -2, 4, 60},
    {"gelu_tanh", [](const Tensor& x) { return gelu(x, Approximate::kTanh); },
     [](double x) {
       const double u = std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x);
       return x / (1 + std::exp(-2 * u));
     },
     Takes::kAll, -3, 4, 60},
    {"mish", [](const Tensor& x) { return mish(x); },
     [](double x) { return x * std::tanh(std::log1p(std::exp(x))); }, Takes::kAll, -4, 4, 8},
    {"leaky_relu", [](const Tensor& x) { return leaky_relu(x, 0.2); },
     [](double x) { return x > 0 ? x : 0.2 * x; }, Takes::kAll, -4, 4, 2},
    {"elu", [](const Tensor& x) { return elu(x, 0.7); },
     [](double x) { return x > 0 ? x : 0.7 * std::expm1(x); }, Takes::kAll, -4, 4, 6},
    {"selu", [](const Tensor& x) { return selu(x); },
     [](double x) {
       return 1.0507009873554804934 * (x > 0 ? x : 1.6732632423543772848 * std::expm1(x));
     },
     Takes::kAll, -4, 4, 6},
    {"softplus", [](const Tensor& x) { return softplus(x, 2); },
     [](double x) { return std::log1p(std::exp(2 * x)) / 2; }, Takes::kAll, -4, 4, 5},
    {"clamp", [](const Tensor& x) { return clamp(x, 1, 2); },
     [](double x) { return std::min(std::max(x, 1.0), 2.0); }, Takes::kOrdered, -4, 4, 0},
    {"clamp above", [](const Tensor& x) { return clamp(x, {}, 2); },
     [](double x) { return std::min(x, 2.0); }, Takes::kOrdered, -4, 4, 0},
    {"clamp below", [](const Tensor& x) { return clamp(x, 1); },
     [](double x) { return std::max(x, 1.0); }, Takes::kOrdered, -4, 4, 0},
    {"square", [](const Tensor& x) { return pow(x, 2); }, [](double x) { return x * x; },
     Takes::kOrdered, -4, 4, 1},
    {"cube", [](const Tensor& x) { return pow(x, 3); }, [](double x) { return x * x * x; },
     Takes::kOrdered, -4, 4, 3},
};

struct Binary {
  const char* name;
  Tensor (*op)(const Operand&, const Operand&);
  double (*reference)(double, double);
  Takes takes;
  double ulps = 0;
};

const Binary kBinary[] = {
    {"add", [](const Operand& a, const Operand& b) { return add(a, b); },
     [](double a, double b) { return a + b; }, Takes::kAll, 1},
    {"sub", [](const Operand& a, const Operand& b) { return sub(a, b); },
     [](double a, double b) { return a - b; }, Takes::kNoBool, 1},
    {"mul", [](const Operand& a, const Operand& b) { return mul(a, b); },
     [](double a, double b) { return a * b; }, Takes::kAll, 1},
    {"div", [](const Operand& a, const Operand& b) { return div(a, b); },
     [](double a, double b) { return a / b; }, Takes::kAll, 1},
    {"maximum", [](const Operand& a, const Operand& b) { return maximum(a, b); },
     [](double a, double b) { return std::isnan(a) || std::isnan(b) ? kNan : std::max(a, b); },
     Takes::kOrdered},
    {"minimum", [](const Operand& a, const Operand& b) { return minimum(a, b); },
     [](double a, double b) { return std::isnan(a) || std::isnan(b) ? kNan : std::min(a, b); },
     Takes::kOrdered},
    {"eq", [](const Operand& a, const Operand& b) { return eq(a, b); },
     [](double a, double b) { return double(a == b); }, Takes::kAll},
    {"ne", [](const Operand& a, const Operand& b) { return ne(a, b); },
     [](double a, double b) { return double(a != b); }, Takes::kAll},
    {"lt", [](const Operand& a, const Operand& b) { return lt(a, b); },
     [](double a, double b) { return double(a < b); }, Takes::kOrdered},
    {"le", [](const Operand& a, const Operand& b) { return le(a, b); },
     [](double a, double b) { return double(a <= b); }, Takes::kOrdered},
    {"gt", [](const Operand& a, const Operand& b) { return gt(a, b); },
     [](double a, double b) { return double(a > b); }, Takes::kOrdered},
    {"ge", [](const Operand& a, const Operand& b) { return ge(a, b); },
     [](double a, double b) { return double(a >= b); }, Takes::kOrdered},
    {"pow", [](const Operand& a, const Operand& b) { return pow(a, b); },
     [](double a, double b) { return std::pow(a, b); }, Takes::kFloats, 4},
};

bool takes(Takes what, DType dtype) {
  switch (what) {
    case Takes::kNoBool:
      return dtype != kBool;
    case Takes::kOrdered:
      return dtype != kBool && dtype != kU64;
    case Takes::kFloats:
      return is_floating_point(dtype);
    default:
      return true;
  }
}

// What a result of this dtype holds of an exact value: integers wrap, bool is "not zero".
double stored(DType dtype, double exact) {
  return dispatch_dtype(dtype, [&]<class T>(TypeTag<T>) -> double {
    if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) {
      return double(T(int64_t(exact)));
    } else if constexpr (std::is_same_v<T, bool>) {
      return double(exact != 0);
    } else {
      return exact;
    }
  });
}

Tolerance tolerance_of(DType result, double ulps) {
  Tolerance t;
  t.relative = ulps * compute_rounding(result) + (is_half(result) ? rounding(result) : 0);
  t.absolute = result == kF16 ? 0x1p-24 : 0;  // its subnormals
  return t;
}

class PointwiseDType : public testing::TestWithParam<int> {
 protected:
  DType dtype() const { return DType(GetParam()); }
};
INSTANTIATE_TEST_SUITE_P(All, PointwiseDType, testing::Range(0, kDTypes),
                         [](const auto& test) { return name_of(DType(test.param)); });

// Rows shorter than a vector, longer than a tile and in between; blocks of a transposed operand.
const Dims kShapes[] = {{}, {1}, {5}, {3, 5, 7}, {2, 3, 70}, {4, 513}, {37, 150}, {0, 3}};

TEST_P(PointwiseDType, UnaryValuesInEveryLayout) {
  for (const Unary& unary : kUnary) {
    if (!takes(unary.takes, dtype())) continue;
    for (const Dims& shape : kShapes) {
      const Values x = random_values(dtype(), count(shape), 3, unary.low, unary.high);
      Values expected;
      for (const Layout& layout : layouts(dtype(), shape, x)) {
        const Tensor y = unary.op(layout.tensor);
        expected.clear();
        for (double v : x) expected.push_back(stored(y.dtype(), unary.reference(v)));
        expect_close(values_of(y), expected, tolerance_of(y.dtype(), unary.ulps),
                     std::string(unary.name) + " " + to_string(shape) + " " + layout.name);
      }
    }
  }
}

TEST_P(PointwiseDType, BinaryValuesInEveryPairOfLayouts) {
  for (const Binary& binary : kBinary) {
    if (!takes(binary.takes, dtype())) continue;
    for (const Dims& shape : kShapes) {
      const Values a = random_values(dtype(), count(shape), 3);
      const Values b = random_values(dtype(), count(shape), 4, 0.1);
      for (const Layout& left : layouts(dtype(), shape, a)) {
        for (const Layout& right : layouts(dtype(), shape, b)) {
          const Tensor y = binary.op(left.tensor, right.tensor);
          Values expected;
          for (size_t i = 0; i < a.size(); ++i) {
            expected.push_back(stored(y.dtype(), binary.reference(a[i], b[i])));
          }
          expect_close(values_of(y), expected, tolerance_of(y.dtype(), binary.ulps),
                       std::string(binary.name) + " " + to_string(shape) + " " + left.name + ", " +
                           right.name);
        }
      }
    }
  }
}

TEST_P(PointwiseDType, BroadcastsAndTakesNumbers) {
  const std::pair<Dims, Dims> shapes[] = {
      {{4, 1, 6}, {5, 1}}, {{3, 70}, {70}},  {{3, 70}, {3, 1}},
      {{2, 3, 4}, {}},     {{1}, {3, 0}},    {{600, 3}, {3}},
      {{2, 300}, {300}},   {{1, 5}, {5, 1}}, {{2, 1, 70}, {2, 3, 1}}};
  for (const Binary& binary : kBinary) {
    if (!takes(binary.takes, dtype())) continue;
    for (const auto& [left, right] : shapes) {
      const Values a = random_values(dtype(), count(left), 5);
      const Values b = random_values(dtype(), count(right), 6, 0.1);
      const Tensor x = tensor(dtype(), left, a), z = tensor(dtype(), right, b);
      const Tensor y = binary.op(x, z);
      const Dims shape = broadcast_shapes(left, right);
      ASSERT_EQ(y.shape(), shape);
      Values expected;
      auto at = [&](const Tensor& t, const Values& v, const Dims& index) {
        int64_t i = 0;
        for (int d = 0; d < t.dim(); ++d) {
          const int64_t k = t.shape()[d] == 1 ? 0 : index[shape.size() - t.dim() + d];
          i = i * t.shape()[d] + k;
        }
        return v[size_t(i)];
      };
      each_index(shape, [&](const Dims& index) {
        const double exact = binary.reference(at(x, a, index), at(z, b, index));
        expected.push_back(stored(y.dtype(), exact));
      });
      expect_close(values_of(y), expected, tolerance_of(y.dtype(), binary.ulps),
                   std::string(binary.name) + to_string(left) + to_string(right));
    }
    if (dtype() == kBool) continue;  // a number would change the dtype
    const Values a = random_values(dtype(), 77, 7, 1);
    const Tensor x = tensor(dtype(), {77}, a);
    Values right, left;
    const Tensor y = binary.op(x, 3), z = binary.op(3, x);
    for (double v : a) {
      right.push_back(stored(y.dtype(), binary.reference(v, 3)));
      left.push_back(stored(y.dtype(), binary.reference(3, v)));
    }
    EXPECT_EQ(y.dtype(), z.dtype());
    expect_close(values_of(y), right, tolerance_of(y.dtype(), binary.ulps), binary.name);
    expect_close(values_of(z), left, tolerance_of(y.dtype(), binary.ulps), binary.name);
  }
}

TEST_P(PointwiseDType, WhereChooses) {
  const Dims shape{5, 33};
  const Values c = random_values(kBool, count(shape), 8, -1, 1);
  Values condition = c;
  for (size_t i = 0; i < condition.size(); ++i) condition[i] = i % 3 == 0;
  const Values a = random_values(dtype(), count(shape), 9), b = random_values(dtype(), 33, 10);
  Values expected;
  for (size_t i = 0; i < a.size(); ++i) expected.push_back(condition[i] != 0 ? a[i] : b[i % 33]);
  for (const Layout& mask : layouts(kBool, shape, condition)) {
    for (const Layout& left : layouts(dtype(), shape, a)) {
      const Tensor y = where(mask.tensor, left.tensor, tensor(dtype(), {33}, b));
      EXPECT_EQ(y.dtype(), dtype());
      expect_close(values_of(y), expected, {}, mask.name + ", " + left.name);
    }
  }
}

TEST_P(PointwiseDType, EverySimdTarget) {
  const int64_t n = 1000;  // whole vectors and a tail on every target
  on_every_target_of_pointwise([&] {
    for (const Unary& unary : kUnary) {
      if (!takes(unary.takes, dtype())) continue;
      const Values x = random_values(dtype(), n, 11, unary.low, unary.high);
      const Tensor y = unary.op(tensor(dtype(), {n}, x));
      Values expected;
      for (double v : x) expected.push_back(stored(y.dtype(), unary.reference(v)));
      // Without FMA a little more is lost.
      expect_close(values_of(y), expected, tolerance_of(y.dtype(), 2 * unary.ulps), unary.name);
    }
    for (const Binary& binary : kBinary) {
      if (!takes(binary.takes, dtype())) continue;
      const Values a = random_values(dtype(), n, 12), b = random_values(dtype(), n, 13, 0.1);
      const Tensor y = binary.op(tensor(dtype(), {n}, a), tensor(dtype(), {n}, b));
      Values expected;
      for (size_t i = 0; i < a.size(); ++i) {
        expected.push_back(stored(y.dtype(), binary.reference(a[i], b[i])));
      }
      expect_close(values_of(y), expected, tolerance_of(y.dtype(), 2 * binary.ulps), binary.name);
    }
  });
}

// Rule 8: a value depends neither on its place, nor on its neighbours, nor on the number of
// threads.
TEST_P(PointwiseDType, ValueDoesNotDependOnItsPlace) {
  for (const Unary& unary : kUnary) {
    if (!takes(unary.takes, dtype())) continue;
    const Tensor x = tensor(dtype(), {77}, random_values(dtype(), 77, 14, unary.low, unary.high));
    const Tensor whole = unary.op(x);
    for (int64_t start : {1, 3, 75}) {
      EXPECT_TRUE(same_bits(unary.op(contiguous(slice(x, 0, start, 77))),
                            contiguous(slice(whole, 0, start, 77))))
          << unary.name << " from " << start;
    }
    for (int64_t i = 0; i < 77; ++i) {
      EXPECT_TRUE(same_bits(unary.op(select(x, 0, i)), contiguous(select(whole, 0, i))))
          << unary.name << " at " << i;
    }
    EXPECT_TRUE(same_bits(contiguous(unary.op(expand(reshape(x, {77, 1}), {77, 3}))),
                          contiguous(expand(reshape(whole, {77, 1}), {77, 3}))))
        << unary.name << " spread";
  }
}

TEST_P(PointwiseDType, SameBitsForAnyNumberOfThreads) {
  const Dims shape{3, 50021};
  const Tensor x = tensor(dtype(), shape, random_values(dtype(), count(shape), 15, 0.5));
  const Tensor row = tensor(dtype(), {3, 1}, random_values(dtype(), 3, 16, 0.5));
  const Tensor turned = transpose(x, 0, 1);
  auto run = [&] {
    std::vector<Tensor> results;
    for (const Unary& unary : kUnary) {
      if (takes(unary.takes, dtype())) results.push_back(unary.op(x));
    }
    for (const Binary& binary : kBinary) {
      if (!takes(binary.takes, dtype())) continue;
      results.push_back(binary.op(x, row));
      results.push_back(contiguous(binary.op(turned, contiguous(turned))));
    }
    return results;
  };
  const int threads = num_threads();
  set_num_threads(1);
  const std::vector<Tensor> one = run();
  for (int n : {2, 7}) {
    set_num_threads(n);
    const std::vector<Tensor> several = run();
    for (size_t i = 0; i < one.size(); ++i) EXPECT_TRUE(same_bits(one[i], several[i])) << i;
  }
  set_num_threads(threads);
}

// ---- Special values

TEST(Pointwise, SpecialValues) {
  const Tensor x = from_data({kNan, -kInf, -1, -0.0, 0, 1, kInf}, {7}, kF32);
  auto expect = [](const Tensor& y, const Values& values) {
    const Values actual = values_of(y);
    ASSERT_EQ(actual.size(), values.size());
    for (size_t i = 0; i < values.size(); ++i) {
      expect_near(actual[i], values[i], {1e-6, 0}, std::to_string(i));
    }
  };
  expect(relu(x), {kNan, 0, 0, 0, 0, 1, kInf});
  expect(maximum(x, 0.5), {kNan, 0.5, 0.5, 0.5, 0.5, 1, kInf});
  expect(minimum(0.5, x), {kNan, -kInf, -1, 0, 0, 0.5, 0.5});
  expect(maximum(x, kNan), Values(7, kNan));
  expect(clamp(x, -0.5, 0.5), {kNan, -0.5, -0.5, 0, 0, 0.5, 0.5});
  expect(clamp(x, 2, 1), {kNan, 1, 1, 1, 1, 1, 1});
  expect(clamp(x, kNan, 1), Values(7, kNan));
  expect(exp(x), {kNan, 0, std::exp(-1), 1, 1, std::exp(1), kInf});
  expect(log(x), {kNan, kNan, kNan, -kInf, -kInf, 0, kInf});
  expect(sqrt(x), {kNan, kNan, kNan, 0, 0, 1, kInf});
  expect(tanh(x), {kNan, -1, std::tanh(-1), 0, 0, std::tanh(1), 1});
  expect(silu(x), {kNan, 0, -1 / (1 + std::exp(1)), 0, 0, 1 / (1 + std::exp(-1)), kInf});
  expect(abs(x), {kNan, kInf, 1, 0, 0, 1, kInf});
  expect(mish(x), {kNan, 0, -std::tanh(std::log1p(std::exp(-1))), 0, 0,
                   std::tanh(std::log1p(std::exp(1))), kInf});
  expect(leaky_relu(x, 0.5), {kNan, -kInf, -0.5, 0, 0, 1, kInf});
  expect(elu(x, 2), {kNan, -2, 2 * std::expm1(-1), 0, 0, 1, kInf});
  expect(elu(x, 0), {kNan, 0, 0, 0, 0, 1, kInf});
  expect(selu(x), {kNan, -1.7580993408473766, -1.1113307378125625, 0, 0, 1.0507009873554805, kInf});
  const double low = std::log1p(std::exp(-1)), middle = std::log(2), high = std::log1p(std::exp(1));
  expect(softplus(x), {kNan, 0, low, middle, middle, high, kInf});
  expect(softplus(x, 1, 0.5), {kNan, 0, low, middle, middle, 1, kInf});
  expect(softplus(x, 1, kInf), {kNan, 0, low, middle, middle, high, kInf});
  expect(gelu(x), {kNan, 0, -gaussian_cdf(-1), 0, 0, gaussian_cdf(1), kInf});
  EXPECT_EQ(values_of(gelu(x, Approximate::kTanh))[6], kInf);
  expect(pow(x, 0), Values(7, 1));
  expect(pow(x, 0.5), {kNan, kInf, kNan, 0, 0, 1, kInf});
  expect(pow(x, -1), {kNan, 0, -1, -kInf, kInf, 1, 0});
  expect(div(1, x), {kNan, 0, -1, -kInf, kInf, 1, 0});
  expect(eq(x, x), {0, 1, 1, 1, 1, 1, 1});
  expect(ne(x, x), {1, 0, 0, 0, 0, 0, 0});
  expect(le(x, 0), {0, 1, 1, 1, 1, 0, 0});
}

TEST(Pointwise, LargeArgumentsStayFinite) {
  for (DType dtype : {kF32, kF64}) {
    for (double v : {88.0, 1e4, 1e15}) {
      for (auto f :
           {+[](const Tensor& x) { return silu(x); }, +[](const Tensor& x) { return gelu(x); },
            +[](const Tensor& x) { return gelu(x, Approximate::kTanh); }}) {
        EXPECT_EQ(f(from_data({v}, {1}, dtype)).item(), from_data({v}, {1}, dtype).item());
        EXPECT_NEAR(f(from_data({-v}, {1}, dtype)).item(), 0, 1e-35);
      }
    }
  }
}

TEST(Pointwise, IntegersWrap) {
  const Tensor byte = tensor(kU8, {3}, {250, 3, 255});
  EXPECT_EQ(values_of(add(byte, 10)), (Values{4, 13, 9}));
  EXPECT_EQ(values_of(add(byte, -4)), (Values{246, 255, 251}));
  EXPECT_EQ(values_of(mul(byte, byte)), (Values{36, 9, 1}));
  EXPECT_EQ(values_of(neg(byte)), (Values{6, 253, 1}));
  EXPECT_EQ(values_of(abs(byte)), (Values{250, 3, 255}));
  EXPECT_EQ(values_of(pow(byte, 3)), (Values{40, 27, 255}));
  const Tensor small = tensor(kI8, {2}, {100, -128});
  EXPECT_EQ(values_of(add(small, small)), (Values{-56, 0}));
  EXPECT_EQ(values_of(sub(small, 1)), (Values{99, 127}));
  EXPECT_EQ(values_of(abs(small)), (Values{100, -128}));
  const Tensor wide = full({1}, std::numeric_limits<int64_t>::max(), kI64);
  EXPECT_EQ(add(wide, 1).item<int64_t>(), std::numeric_limits<int64_t>::min());
  Tensor huge = empty({1}, kU64);
  huge.mutable_data<uint64_t>()[0] = 1ull << 63;
  EXPECT_EQ(add(huge, huge).data<uint64_t>()[0], 0u);
  EXPECT_EQ(add(huge, 5).data<uint64_t>()[0], (1ull << 63) + 5);
  EXPECT_EQ(div(huge, 1).item(), 0x1p63);
  // A negative power of an integer is 0 but for 1 and -1, as in PyTorch.
  const Tensor base = tensor(kI32, {4}, {2, 1, -1, -1});
  EXPECT_EQ(values_of(pow(base, tensor(kI32, {4}, {-1, -3, -3, -4}))), (Values{0, 1, -1, 1}));
}

TEST(Pointwise, BoolIsALogicalType) {
  const Tensor a = tensor(kBool, {4}, {0, 0, 1, 1}), b = tensor(kBool, {4}, {0, 1, 0, 1});
  EXPECT_EQ(values_of(add(a, b)), (Values{0, 1, 1, 1}));
  EXPECT_EQ(add(a, b).dtype(), kBool);
  EXPECT_EQ(values_of(mul(a, b)), (Values{0, 0, 0, 1}));
  EXPECT_EQ(values_of(add(a, true)), (Values{1, 1, 1, 1}));
  EXPECT_EQ(values_of(add(add(a, b), 1)), (Values{1, 2, 2, 2}));
  EXPECT_EQ(values_of(lt(a, b)), (Values{0, 1, 0, 0}));
  // A byte from elsewhere may hold more than 0 and 1.
  uint8_t bytes[] = {0, 2, 255};
  const Tensor foreign = from_blob(bytes, kBool, {3});
  EXPECT_EQ(values_of(add(foreign, 0)), (Values{0, 1, 1}));
  EXPECT_EQ(values_of(eq(foreign, true)), (Values{0, 1, 1}));
  EXPECT_EQ(clone(foreign).raw_as<uint8_t>()[1], 1);
}

// ---- Dtypes of results

TEST(Pointwise, PromotesAsPyTorchDoes) {
  auto t = [](DType dtype) { return full({2}, 1, dtype); };
  auto zero_d = [](DType dtype) { return full({}, 1, dtype); };
  EXPECT_EQ(add(t(kI32), t(kF16)).dtype(), kF16);
  EXPECT_EQ(add(t(kF16), t(kBF16)).dtype(), kF32);
  EXPECT_EQ(add(t(kF32), t(kF64)).dtype(), kF64);
  EXPECT_EQ(add(t(kU8), t(kI8)).dtype(), kI16);
  EXPECT_EQ(add(t(kU8), t(kI32)).dtype(), kI32);
  EXPECT_EQ(add(t(kBool), t(kU8)).dtype(), kU8);
  EXPECT_EQ(add(t(kI64), t(kF32)).dtype(), kF32);
  EXPECT_EQ(add(t(kU16), t(kF16)).dtype(), kF16);
  // Numbers are weak: only a higher category counts.
  EXPECT_EQ(add(t(kI32), 1.5).dtype(), kF32);
  EXPECT_EQ(add(t(kF16), 1.5).dtype(), kF16);
  EXPECT_EQ(add(t(kU8), 1).dtype(), kU8);
  EXPECT_EQ(add(t(kBool), 1).dtype(), kI64);
  EXPECT_EQ(add(t(kBool), true).dtype(), kBool);
  // So are 0-d tensors, but less.
  EXPECT_EQ(add(t(kF32), zero_d(kF64)).dtype(), kF32);
  EXPECT_EQ(add(t(kI32), zero_d(kF32)).dtype(), kF32);
  EXPECT_EQ(add(t(kI8), zero_d(kI64)).dtype(), kI8);
  EXPECT_EQ(add(zero_d(kI8), 1.5).dtype(), kF32);
  EXPECT_EQ(add(zero_d(kF64), t(kI32)).dtype(), kF64);
  EXPECT_EQ(add(zero_d(kF64), zero_d(kF32)).dtype(), kF64);
  // Division and functions make floats of integers.
  EXPECT_EQ(div(t(kI32), t(kI32)).dtype(), kF32);
  EXPECT_EQ(div(t(kF16), 2).dtype(), kF16);
  EXPECT_EQ(div(t(kI64), t(kF64)).dtype(), kF64);
  EXPECT_EQ(exp(t(kI64)).dtype(), kF32);
  EXPECT_EQ(sigmoid(t(kBool)).dtype(), kF32);
  EXPECT_EQ(relu(t(kI8)).dtype(), kI8);
  EXPECT_EQ(pow(t(kI32), 2).dtype(), kI32);
  EXPECT_EQ(pow(t(kI32), 2.0).dtype(), kF32);
  EXPECT_EQ(pow(2, t(kI32)).dtype(), kI32);
  EXPECT_EQ(clamp(t(kI32), 0.5).dtype(), kF32);
  EXPECT_EQ(eq(t(kF16), 1).dtype(), kBool);
  EXPECT_EQ(where(t(kBool), 1, 2.5).dtype(), kF32);
  EXPECT_EQ(where(t(kBool), 1, 2).dtype(), kI64);
  EXPECT_EQ(where(t(kBool), t(kF16), 2.5).dtype(), kF16);
  EXPECT_EQ(where(t(kBool), t(kF16), t(kF64)).dtype(), kF64);
}

TEST(Pointwise, MixedDTypesMeetInTheCommonOne) {
  const Tensor a = tensor(kI32, {3}, {1, 2, 3}), b = tensor(kF64, {3}, {0.5, 0.25, 0.125});
  EXPECT_EQ(values_of(add(a, b)), (Values{1.5, 2.25, 3.125}));
  EXPECT_EQ(values_of(mul(tensor(kBF16, {3}, {2, 4, 8}), a)), (Values{2, 8, 24}));
  EXPECT_EQ(values_of(lt(a, tensor(kF16, {3}, {1.5, 1.5, 4}))), (Values{1, 0, 1}));
  EXPECT_EQ(values_of(add(full({3}, 0.1, kF32), scalar_tensor(1, kF64))),
            Values(3, double(0.1f + 1.0f)));
  // The number is not rounded to f16 before the sum is.
  EXPECT_EQ(add(full({1}, 1, kF16), 0x1p-11 + 0x1p-20).item(), 1 + 0x1p-10);
}

// Rule 3: the order of dimensions is that of the dense operands, the first deciding.
TEST(Pointwise, ResultLiesAsItsOperands) {
  const Tensor x = zeros({2, 3, 4, 5}), last = channels_last(x);
  EXPECT_EQ(relu(last).strides(), last.strides());
  EXPECT_EQ(add(last, x).strides(), last.strides());
  EXPECT_EQ(add(x, last).strides(), x.strides());
  EXPECT_EQ(add(zeros({3, 1, 1}), last).strides(), last.strides());
  EXPECT_EQ(mul(transpose(x, 2, 3), 2).strides(), transpose(x, 2, 3).strides());
  EXPECT_EQ(neg(slice(x, 3, 0, 4)).strides(), (Dims{48, 16, 4, 1}));
}

// ---- In place

TEST(PointwiseInPlace, WritesTheTarget) {
  Tensor x = tensor(kF32, {2, 3}, {1, 2, 3, 4, 5, 6});
  const Tensor view = select(x, 0, 1);
  EXPECT_TRUE(add_(x, tensor(kF32, {3}, {10, 20, 30})).same(x));
  EXPECT_EQ(values_of(x), (Values{11, 22, 33, 14, 25, 36}));
  EXPECT_EQ(values_of(view), (Values{14, 25, 36}));
  x -= 1;
  x *= 2;
  x /= 4.0;
  EXPECT_EQ(values_of(x), (Values{5, 10.5, 16, 6.5, 12, 17.5}));
  add_(transpose(x, 0, 1), tensor(kF32, {3, 1}, {1, 2, 3}));
  EXPECT_EQ(values_of(x), (Values{6, 12.5, 19, 7.5, 14, 20.5}));
  relu_(sub_(x, 13));
  EXPECT_EQ(values_of(x), (Values{0, 0, 6, 0, 1, 7.5}));
  Tensor y = tensor(kF64, {2}, {0, 4});
  EXPECT_EQ(values_of(sqrt_(y)), (Values{0, 2}));
  EXPECT_EQ(values_of(exp_(y)), (Values{1, std::exp(2)}));
  EXPECT_NEAR(values_of(tanh_(y))[0], std::tanh(1), 1e-15);
  EXPECT_NEAR(values_of(sigmoid_(y))[1], 1 / (1 + std::exp(-1.0)), 1e-6);
}

TEST(PointwiseInPlace, CastsToTheTargetsDType) {
  Tensor half = tensor(kF16, {3}, {1, 2, 3});
  add_(half, tensor(kF32, {3}, {0.5, 0.25, 100000}));
  EXPECT_EQ(values_of(half), (Values{1.5, 2.25, kInf}));
  Tensor whole = tensor(kI8, {2}, {100, 3});
  add_(whole, tensor(kI64, {2}, {100, 1000}));
  EXPECT_EQ(values_of(whole), (Values{-56, -21}));
  Tensor single = tensor(kF32, {2}, {1, 2});
  mul_(single, tensor(kF64, {2}, {0.1, 0.1}));
  EXPECT_EQ(values_of(single), (Values{double(0.1f), double(0.2f)}));
}

TEST(PointwiseInPlace, ReadsOverlappingInputsAsTheyWere) {
  Tensor x = tensor(kF32, {5}, {1, 2, 3, 4, 5});
  add_(slice(x, 0, 1, 5), slice(x, 0, 0, 4));
  EXPECT_EQ(values_of(x), (Values{1, 3, 5, 7, 9}));
  mul_(x, x);
  EXPECT_EQ(values_of(x), (Values{1, 9, 25, 49, 81}));
  sub_(x, select(x, 0, 2));
  EXPECT_EQ(values_of(x), (Values{-24, -16, 0, 24, 56}));
  Tensor square = tensor(kF32, {2, 2}, {1, 2, 3, 4});
  add_(square, transpose(square, 0, 1));
  EXPECT_EQ(values_of(square), (Values{2, 5, 5, 8}));
}

// ---- Errors, whole messages

// Where the calls below claim to stand.
constexpr Location kHere{"user.cpp", 12};
const std::string kPlace = " — user.cpp:12";

TEST(PointwiseError, InPlace) {
  const Tensor whole = zeros({2}, kI32), row = zeros({3});
  expect_message<DtypeError>([&] { add_(whole, 0.5, 1, kHere); },
                             "add_: the result is f32 and cannot be stored into i32" + kPlace);
  expect_message<DtypeError>([&] { div_(whole, 2, {}, kHere); },
                             "div_: the result is f32 and cannot be stored into i32" + kPlace);
  expect_message<ShapeError>(
      [&] {
        add_(row, zeros({2, 3}), 1, kHere);
      },
      "add_: the result has shape [2, 3], the target [3]" + kPlace);
  expect_message<ValueError>(
      [&] {
        mul_(expand(row, {2, 3}), 2, kHere);
      },
      "mul_: the target of shape [2, 3] and strides [0, 1] names some elements "
      "more than once; clone() it first" +
          kPlace);
  Tensor leaf = zeros({3});
  leaf.requires_grad_();
  expect_message<AutogradError>(
      [&] { leaf *= In(2, kHere); },
      "mul_: the target is a leaf that needs a gradient; change it under NoGrad" + kPlace);
}

TEST(PointwiseError, Operands) {
  const Tensor flag = zeros({2}, kBool), byte = zeros({2}, kU8), wide = zeros({2}, kU64);
  expect_message<ShapeError>(
      [&] {
        add(zeros({2, 3}), zeros({2, 4}), 1, kHere);
      },
      "add: shapes do not broadcast: [2, 3] and [2, 4] (3 vs 4 in dimension 1)" + kPlace);
  expect_message<DtypeError>([&] { sub(flag, flag, 1, kHere); },
                             "sub: not defined for bool" + kPlace);
  expect_message<DtypeError>([&] { neg(flag, kHere); }, "neg: not defined for bool" + kPlace);
  expect_message<DtypeError>([&] { relu(flag, kHere); }, "relu: not defined for bool" + kPlace);
  expect_message<DtypeError>([&] { maximum(wide, wide, kHere); },
                             "maximum: not implemented for u64" + kPlace);
  expect_message<ValueError>([&] { add(byte, 300, 1, kHere); },
                             "add: the number 300 does not fit into u8" + kPlace);
  expect_message<ValueError>([&] { lt(byte, -1, kHere); },
                             "lt: the number -1 does not fit into u8" + kPlace);
  expect_message<ValueError>([&] { eq(byte, -1, kHere); },
                             "eq: the number -1 does not fit into u8" + kPlace);
  expect_message<ValueError>([&] { pow(zeros({2}, kI32), -1, kHere); },
                             "pow: an integer to the negative power -1 is no integer" + kPlace);
  expect_message<ValueError>([&] { clamp(zeros({2}), {}, {}, kHere); },
                             "clamp: needs min or max" + kPlace);
  expect_message<DtypeError>([&] { where(byte, 1, 2, kHere); },
                             "where: the condition is u8, not bool" + kPlace);
  expect_message<ValueError>([&] { add(1, 2, 1, kHere); },
                             "add: needs at least one tensor" + kPlace);
  expect_message<ValueError>([&] { exp(Tensor(), kHere); },
                             "exp: input 0 is an undefined tensor" + kPlace);
  expect_message<DtypeError>([&] { add(zeros({2}, kU32), zeros({2}, kI32), 1, kHere); },
                             "add: no common dtype for u32 and i32" + kPlace);
}

// What a compiler of fused kernels reads.
TEST(Pointwise, EveryOpCarriesItsFormula) {
  int texts = 0;
  for (const auto& table :
       {cpu::arithmetic_entries(), cpu::compare_entries(), cpu::pow_entries(),
        cpu::exponential_entries(), cpu::trigonometric_entries(), cpu::rounding_entries(),
        cpu::predicate_entries(), cpu::special_entries(), cpu::activation_entries(),
        cpu::rectifier_entries(), cpu::selection_entries(), cpu::logic_entries(),
        cpu::division_entries(), cpu::binary_entries()}) {
    for (const cpu::PointwiseEntry& entry : table) {
      const OpInfo& op = *find_op(entry.name);
      ASSERT_NE(op.formula, nullptr) << op.name;
      EXPECT_EQ(op.formula->arity, entry.traits.arity) << op.name;
      const std::string text = op.formula->text;
      if (text.empty()) continue;
      const std::string head = std::string("FORMULA V ") + op.formula->name + "(V ";
      EXPECT_NE(text.find(head), std::string::npos) << op.name << ": " << text;
      ++texts;
    }
  }
  EXPECT_GE(texts, 60);
  EXPECT_TRUE(find_op("erf_backward")->formula->is_slope);
  EXPECT_STREQ(find_op("erf_backward")->formula->name, "erf");
  EXPECT_FALSE(find_op("silu_backward")->formula->is_slope);
  EXPECT_STREQ(find_op("clamp")->formula->name, "clamp_between");
  EXPECT_EQ(find_op("clone")->formula, nullptr);
}

TEST(Pointwise, MetaTensorsHaveShapesAlone) {
  const Tensor x = empty({2, 3}, TensorOptions(kF16, kMeta));
  const Tensor y = mul(add(x, empty({3}, TensorOptions(kF32, kMeta))), 2);
  EXPECT_EQ(y.spec(), Spec::dense(kF32, {2, 3}));
  EXPECT_TRUE(y.device().is_meta());
}

}  // namespace
}  // namespace entasis
