// Dual numbers (kernels/formulas/dual.inc): each derivative against central differences, finite and
// right at the arguments where a careless rule gives 0·inf, and nested for second derivatives. The
// text is pasted twice: for plain double, as on CUDA, and for the vectors of every SIMD target.

#include <entasis/kernels/cpu/internal/simd_targets.h>

#include <cstddef>
#include <cstdint>

#ifndef ENTASIS_TESTS_KERNELS_DUAL_TEST_ONCE_
#define ENTASIS_TESTS_KERNELS_DUAL_TEST_ONCE_
namespace entasis::dual_test {

// Value and slope of each formula, in the order of `kFormulas`.
template <class T>
using Slope = void (*)(const T* x, T* value, T* slope, size_t count);

struct Table {
  const char* target;
  const Slope<float>* f32;
  const Slope<double>* f64;
};

}  // namespace entasis::dual_test
#endif

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE <entasis/tests/kernels/dual_test.cpp>
#include <hwy/foreach_target.h>

#include <entasis/kernels/cpu/internal/simd_math.h>

HWY_BEFORE_NAMESPACE();
namespace entasis::dual_test {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
using namespace entasis::HWY_NAMESPACE;  // the primitives, as where a kernel file pastes the text

#include <entasis/kernels/formulas/primitives.inc>

#include <entasis/kernels/formulas/dual.inc>

#include <entasis/tests/kernels/dual_formulas.inc>

#define ENTASIS_SLOPE(name)                                         \
  template <class T>                                                \
  void slope_##name(const T* x, T* value, T* slope, size_t count) { \
    using V = Lane<hn::ScalableTag<T>>;                             \
    const size_t step = hn::Lanes(hn::ScalableTag<T>());            \
    for (size_t i = 0; i < count; i += step) {                      \
      const Dual<V> y = f_##name(Dual<V>(V::load(x + i), V(1)));    \
      y.v.store(value + i);                                         \
      y.d.store(slope + i);                                         \
    }                                                               \
  }
ENTASIS_FOR_EACH_FORMULA(ENTASIS_SLOPE)
#undef ENTASIS_SLOPE

#define ENTASIS_ENTRY(name) slope_##name<T>,
template <class T>
const Slope<T>* slopes() {
  static const Slope<T> all[] = {ENTASIS_FOR_EACH_FORMULA(ENTASIS_ENTRY)};
  return all;
}
#undef ENTASIS_ENTRY

const Table* table() {
  static const Table result = {hwy::TargetName(HWY_TARGET), slopes<float>(), slopes<double>()};
  return &result;
}

}  // namespace HWY_NAMESPACE
}  // namespace entasis::dual_test
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace entasis::dual_test {

// The second machine: plain double, by the C library.
namespace scalar {

using std::abs, std::ceil, std::copysign, std::cos, std::erf, std::exp, std::expm1, std::floor;
using std::log, std::log1p, std::pow, std::sin, std::sqrt, std::tanh, std::trunc;

inline double select(bool condition, double yes, double no) { return condition ? yes : no; }
inline bool is_nan(double x) { return std::isnan(x); }
inline double round(double x) { return std::nearbyint(x); }
inline double rsqrt(double x) { return 1 / std::sqrt(x); }
inline double mul_add(double a, double b, double c) { return std::fma(a, b, c); }
inline double maximum(double a, double b) { return is_nan(a) || a > b ? a : b; }
inline double minimum(double a, double b) { return is_nan(a) || a < b ? a : b; }
inline double erf_gaussian(double x) { return 1.1283791670955126 * std::exp(-x * x); }
inline double sigmoid(double x) {
  const double z = std::exp(-std::abs(x));
  return (x < 0 ? z : 1) / (1 + z);
}
inline double log1p_exp(double x) { return maximum(x, 0) + std::log1p(std::exp(-std::abs(x))); }

#undef FORMULA
#define FORMULA inline
#include <entasis/kernels/formulas/primitives.inc>

#include <entasis/kernels/formulas/dual.inc>

#include <entasis/tests/kernels/dual_formulas.inc>

}  // namespace scalar

namespace {

HWY_EXPORT(table);

using First = scalar::Dual<double>;
using Second = scalar::Dual<First>;

struct Formula {
  const char* name;
  double (*value)(double);
  First (*first)(First);
  Second (*second)(Second);
};

#define ENTASIS_FORMULA(name) \
  {#name, scalar::f_##name<double>, scalar::f_##name<First>, scalar::f_##name<Second>},
const Formula kFormulas[] = {ENTASIS_FOR_EACH_FORMULA(ENTASIS_FORMULA)};
#undef ENTASIS_FORMULA

std::vector<const Table*> tables() {
  std::vector<const Table*> result;
  for (const int64_t target : hwy::SupportedAndGeneratedTargets()) {
    hwy::SetSupportedTargetsForTest(target);
    result.push_back(HWY_DYNAMIC_DISPATCH(table)());
  }
  hwy::SetSupportedTargetsForTest(0);
  return result;
}

// Away from kinks, jumps and the ends of domains.
const double kPoints[] = {-7.3, -2.9, -1.2, -0.7, -0.11, 0.07, 0.3, 0.9, 1.3, 2.2, 3.4, 9.7};

bool in_domain(const Formula& f, double x) {
  return std::isfinite(f.value(x - 0.01)) && std::isfinite(f.value(x + 0.01));
}

TEST(Dual, SlopesEqualDifferences) {
  for (const Formula& f : kFormulas) {
    int checked = 0;
    for (const double x : kPoints) {
      if (!in_domain(f, x)) continue;
      const First y = f.first(First(x, 1.0));
      EXPECT_EQ(y.v, f.value(x)) << f.name << " at " << x;
      const double h = 1e-6;
      const double difference = (f.value(x + h) - f.value(x - h)) / (2 * h);
      const double scale = std::max({1.0, std::abs(difference), std::abs(y.v)});
      EXPECT_NEAR(y.d, difference, 2e-8 * scale) << f.name << " at " << x;
      ++checked;
    }
    EXPECT_GE(checked, 4) << f.name;
  }
}

// A dual number of dual numbers carries the second derivative.
TEST(Dual, NestedSlopesEqualDifferencesOfSlopes) {
  for (const Formula& f : kFormulas) {
    for (const double x : kPoints) {
      if (!in_domain(f, x)) continue;
      const Second y = f.second(Second(First(x, 1.0), First(1.0)));
      const double h = 1e-6;
      const double difference =
          (f.first(First(x + h, 1.0)).d - f.first(First(x - h, 1.0)).d) / (2 * h);
      const double scale = std::max({1.0, std::abs(difference), std::abs(y.v.v)});
      EXPECT_NEAR(y.d.d, difference, 1e-7 * scale) << f.name << " at " << x;
    }
  }
}

// A constant has no slope, and what it is multiplied by does not matter.
TEST(Dual, ConstantsAreFree) {
  const double inf = std::numeric_limits<double>::infinity();
  const First x(inf, 1.0);
  EXPECT_EQ((First(2.0) * x).d, 2.0);
  EXPECT_EQ((First(2.0) * x + First(1.0)).d, 1.0 * 2.0);
  EXPECT_TRUE((First(2.0) + First(3.0)).constant);
  EXPECT_TRUE((First(2.0) * exp(First(3.0))).constant);
  EXPECT_FALSE((First(2.0) * x).constant);
  EXPECT_EQ((First(2.0) / x).d, 0.0);
  EXPECT_EQ((x / First(4.0)).d, 0.25);
}

// One argument of one formula with its slope.
struct Extreme {
  const char* formula;
  double x, slope;
};

std::vector<Extreme> extremes() {
  const double inf = std::numeric_limits<double>::infinity();
  std::vector<Extreme> result;
  for (const double x : {88.0, 89.0, 104.0, 1e4, 1e15, inf}) {
    for (const char* name : {"sigmoid", "tanh", "erf", "erf_gaussian"}) {
      result.push_back({name, x, 0});
      result.push_back({name, -x, 0});
    }
    for (const char* name : {"log1p_exp", "gelu", "silu", "relu"}) {
      result.push_back({name, x, 1});
      result.push_back({name, -x, 0});
    }
    result.push_back({"exp", -x, 0});
    result.push_back({"expm1", -x, 0});
    result.push_back({"exponential", -3 * x, 0});
    result.push_back({"abs", x, 1});
    result.push_back({"abs", -x, -1});
    result.push_back({"leaky", x, 1});
    result.push_back({"leaky", -x, 0.01});
    result.push_back({"power_zero", x, 0});
    result.push_back({"zero_to", x, 0});
    result.push_back({"log", x, 1 / x});
    result.push_back({"log1p", x, 1 / (1 + x)});
    result.push_back({"sqrt", x, 0.5 / std::sqrt(x)});
    result.push_back({"rsqrt", x, -0.5 / (x * std::sqrt(x))});
  }
  result.insert(result.end(), {{"exp", inf, inf},
                               {"exp", 1e4, inf},
                               {"log", 0, inf},
                               {"log1p", -1, inf},
                               {"sqrt", 0, inf},
                               {"rsqrt", 0, -inf},
                               {"abs", 0, 0},
                               {"relu", 0, 0.5},
                               {"tie", 1, 2},  // 1/2 + 2/2 of the equal maxima, 1/2 of the minimum
                               {"power", 0, 0},
                               {"power_zero", 0, 0},
                               {"zero_to", 0, 0},
                               {"zero_to", 2, 0},
                               {"copysign", 0, 0},
                               {"gelu", 0, 0.5},
                               {"silu", 0, 0.5},
                               {"sigmoid", 0, 0.25},
                               {"log1p_exp", 0, 0.5}});
  return result;
}

size_t index_of(const std::string& name) {
  for (size_t i = 0; i < std::size(kFormulas); ++i) {
    if (name == kFormulas[i].name) return i;
  }
  ADD_FAILURE() << "no formula " << name;
  return 0;
}

template <class T>
void expect_slope(T got, double want, double tolerance, const std::string& what) {
  if (std::isinf(want)) {
    EXPECT_EQ(static_cast<double>(got), want) << what;
  } else {
    EXPECT_NEAR(static_cast<double>(got), want, tolerance * std::max(1e-25, std::abs(want)))
        << what;
  }
}

template <class T>
std::pair<T, T> run(Slope<T> f, T x) {
  const std::vector<T> points(64, x);
  std::vector<T> value(64), slope(64);
  f(points.data(), value.data(), slope.data(), 64);
  return {value[0], slope[0]};
}

TEST(Dual, NoSlopeIsZeroTimesInfinity) {
  for (const Extreme& e : extremes()) {
    const size_t k = index_of(e.formula);
    const std::string at = std::string(e.formula) + " at " + std::to_string(e.x);
    expect_slope(kFormulas[k].first(First(e.x, 1.0)).d, e.slope, 1e-9, at);
    for (const Table* t : tables()) {
      expect_slope(run(t->f64[k], e.x).second, e.slope, 1e-9, at + " (double) " + t->target);
      expect_slope(run(t->f32[k], static_cast<float>(e.x)).second, e.slope, 1e-5,
                   at + " (float) " + t->target);
    }
  }
}

TEST(Dual, NanStaysNan) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const std::map<std::string, bool> defined = {
      // slopes that a NaN argument leaves defined
      {"abs", true},   {"relu", true},       {"tie", true},     {"steps", true},
      {"leaky", true}, {"power_zero", true}, {"copysign", true}};
  for (size_t k = 0; k < std::size(kFormulas); ++k) {
    const std::string name = kFormulas[k].name;
    for (const Table* t : tables()) {
      const auto [value, slope] = run(t->f64[k], nan);
      EXPECT_EQ(std::isnan(value), name != "power_zero") << name << " " << t->target;
      if (defined.count(name) == 0) {
        EXPECT_TRUE(std::isnan(slope)) << name << " " << t->target;
      }
      EXPECT_EQ(std::isnan(run(t->f32[k], static_cast<float>(nan)).first), name != "power_zero")
          << name << " " << t->target;
    }
  }
}

TEST(Dual, EveryTargetEqualsTheScalarText) {
  for (size_t k = 0; k < std::size(kFormulas); ++k) {
    for (const double x : kPoints) {
      if (!in_domain(kFormulas[k], x)) continue;
      const First want = kFormulas[k].first(First(static_cast<float>(x), 1.0));
      for (const Table* t : tables()) {
        const auto wide = run<double>(t->f64[k], static_cast<float>(x));
        const auto narrow = run<float>(t->f32[k], static_cast<float>(x));
        const double scale = std::max({1.0, std::abs(want.v), std::abs(want.d)});
        EXPECT_NEAR(wide.first, want.v, 1e-14 * scale) << kFormulas[k].name << " at " << x;
        EXPECT_NEAR(wide.second, want.d, 1e-14 * scale) << kFormulas[k].name << " at " << x;
        EXPECT_NEAR(narrow.first, want.v, 2e-6 * scale) << kFormulas[k].name << " at " << x;
        EXPECT_NEAR(narrow.second, want.d, 2e-6 * scale) << kFormulas[k].name << " at " << x;
      }
    }
  }
}

}  // namespace
}  // namespace entasis::dual_test

#endif  // HWY_ONCE
