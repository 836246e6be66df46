// Accuracy of the CPU's math primitives on every SIMD target that the host can run, against the C
// library in a wider type. Floats are walked by a stride over all bit patterns: every 1009th, with
// ENTASIS_EXHAUSTIVE=n every n-th, so all of them with 1 (minutes a function). Targets with FMA
// must agree to the bit.

#include <entasis/kernels/cpu/internal/simd_targets.h>

#include <cstddef>
#include <cstdint>

#ifndef ENTASIS_TESTS_KERNELS_SIMD_MATH_TEST_ONCE_
#define ENTASIS_TESTS_KERNELS_SIMD_MATH_TEST_ONCE_
namespace entasis::simd_math_test {

template <class T>
using Unary = void (*)(const T* x, T* y, size_t count);
template <class T>
using Binary = void (*)(const T* a, const T* b, T* y, size_t count);

// One function of one target, in the order of `unary_cases()`.
struct UnaryPair {
  Unary<float> f32;
  Unary<double> f64;
};

struct Table {
  const char* target;
  bool fused;  // has FMA
  const UnaryPair* unary;
  Binary<float> pow_f32;
  Binary<double> pow_f64;
};

}  // namespace entasis::simd_math_test
#endif

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE <entasis/tests/kernels/simd_math_test.cpp>
#include <hwy/foreach_target.h>

#include <entasis/kernels/cpu/internal/simd_math.h>

HWY_BEFORE_NAMESPACE();
namespace entasis::simd_math_test {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

template <class T>
using V = entasis::HWY_NAMESPACE::Lane<hn::ScalableTag<T>>;

// Counts are multiples of the widest vector.
template <class T, class F>
HWY_INLINE void walk(const T* x, T* y, size_t count, F f) {
  const size_t step = hn::Lanes(hn::ScalableTag<T>());
  for (size_t i = 0; i < count; i += step) f(V<T>::load(x + i)).store(y + i);
}

#define ENTASIS_UNARY(name)                                     \
  template <class T>                                            \
  void walk_##name(const T* x, T* y, size_t count) {            \
    walk(x, y, count, [](V<T> v) HWY_ATTR { return name(v); }); \
  }
ENTASIS_UNARY(exp)
ENTASIS_UNARY(exp2)
ENTASIS_UNARY(log)
ENTASIS_UNARY(log2)
ENTASIS_UNARY(log10)
ENTASIS_UNARY(expm1)
ENTASIS_UNARY(log1p)
ENTASIS_UNARY(tanh)
ENTASIS_UNARY(sigmoid)
ENTASIS_UNARY(silu)
ENTASIS_UNARY(mish)
ENTASIS_UNARY(log1p_exp)
ENTASIS_UNARY(erf)
ENTASIS_UNARY(erf_gaussian)
ENTASIS_UNARY(erfc)
ENTASIS_UNARY(erfinv)
ENTASIS_UNARY(lgamma)
ENTASIS_UNARY(sin)
ENTASIS_UNARY(cos)
ENTASIS_UNARY(tan)
ENTASIS_UNARY(sinpi)
ENTASIS_UNARY(cospi)
ENTASIS_UNARY(asin)
ENTASIS_UNARY(acos)
ENTASIS_UNARY(atan)
ENTASIS_UNARY(sinh)
ENTASIS_UNARY(cosh)
ENTASIS_UNARY(asinh)
ENTASIS_UNARY(acosh)
ENTASIS_UNARY(atanh)
ENTASIS_UNARY(rsqrt)
#undef ENTASIS_UNARY

template <class T>
void walk_pow(const T* a, const T* b, T* y, size_t count) {
  const size_t step = hn::Lanes(hn::ScalableTag<T>());
  for (size_t i = 0; i < count; i += step) {
    pow(V<T>::load(a + i), V<T>::load(b + i)).store(y + i);
  }
}

const Table* table() {
  static const UnaryPair unary[] = {
      {walk_exp<float>, walk_exp<double>},
      {walk_exp2<float>, walk_exp2<double>},
      {walk_log<float>, walk_log<double>},
      {walk_log2<float>, walk_log2<double>},
      {walk_log10<float>, walk_log10<double>},
      {walk_expm1<float>, walk_expm1<double>},
      {walk_log1p<float>, walk_log1p<double>},
      {walk_tanh<float>, walk_tanh<double>},
      {walk_sigmoid<float>, walk_sigmoid<double>},
      {walk_silu<float>, walk_silu<double>},
      {walk_mish<float>, walk_mish<double>},
      {walk_log1p_exp<float>, walk_log1p_exp<double>},
      {walk_erf<float>, walk_erf<double>},
      {walk_erf_gaussian<float>, walk_erf_gaussian<double>},
      {walk_erfc<float>, walk_erfc<double>},
      {walk_erfinv<float>, walk_erfinv<double>},
      {walk_lgamma<float>, walk_lgamma<double>},
      {walk_sin<float>, walk_sin<double>},
      {walk_cos<float>, walk_cos<double>},
      {walk_tan<float>, walk_tan<double>},
      {walk_sinpi<float>, walk_sinpi<double>},
      {walk_cospi<float>, walk_cospi<double>},
      {walk_asin<float>, walk_asin<double>},
      {walk_acos<float>, walk_acos<double>},
      {walk_atan<float>, walk_atan<double>},
      {walk_sinh<float>, walk_sinh<double>},
      {walk_cosh<float>, walk_cosh<double>},
      {walk_asinh<float>, walk_asinh<double>},
      {walk_acosh<float>, walk_acosh<double>},
      {walk_atanh<float>, walk_atanh<double>},
      {walk_rsqrt<float>, walk_rsqrt<double>},
  };
  static const Table result = {hwy::TargetName(HWY_TARGET), HWY_NATIVE_FMA != 0, unary,
                               walk_pow<float>, walk_pow<double>};
  return &result;
}

}  // namespace HWY_NAMESPACE
}  // namespace entasis::simd_math_test
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <entasis/tests/kernels/ulp.h>

namespace entasis::simd_math_test {
namespace {

using entasis::testing::bits_of;
using entasis::testing::edge_points;
using entasis::testing::from_bits;
using entasis::testing::random_points;
using entasis::testing::ulp_error;

HWY_EXPORT(table);

// The tables of all targets of this host.
std::vector<const Table*> tables() {
  std::vector<const Table*> result;
  for (const int64_t target : hwy::SupportedAndGeneratedTargets()) {
    hwy::SetSupportedTargetsForTest(target);
    result.push_back(HWY_DYNAMIC_DISPATCH(table)());
  }
  hwy::SetSupportedTargetsForTest(0);
  return result;
}

struct UnaryCase {
  const char* name;
  double bound_f32, bound_f64;  // ulp
  double (*reference)(double);
  long double (*long_reference)(long double);
};

template <class R>
R sigmoid(R x) {
  return R{1} / (R{1} + std::exp(-x));
}

template <class R>
R silu(R x) {
  return std::isinf(x) && x < 0 ? -R{0} : x * sigmoid(x);
}

template <class R>
R log1p_exp(R x) {
  if (std::isnan(x)) return x;
  return std::max(x, R{0}) + std::log1p(std::exp(-std::abs(x)));
}

template <class R>
R mish(R x) {
  return std::isinf(x) && x < 0 ? -R{0} : x * std::tanh(log1p_exp(x));
}

// 2/sqrt(pi)·exp(-x²) with the square in two parts, the first of them exact.
template <class R>
R erf_gaussian(R x) {
  if (std::isinf(x) || std::abs(x) > R{100}) return R{0};
  const R head = static_cast<float>(x);
  return R{1.128379167095512573896158903121545172L} * std::exp(-head * head) *
         std::exp(-(x - head) * (x + head));
}

template <class R>
R rsqrt(R x) {
  return R{1} / std::sqrt(x);
}

// By Newton's method; the residual is taken of erfc where erf is near 1.
template <class R>
R erfinv(R x) {
  const R a = std::abs(x);
  if (!(a < R{1})) return a == R{1} ? std::copysign(std::numeric_limits<R>::infinity(), x) : NAN;
  R y = a / R{1.128379167095512573896158903121545172L};
  if (a < R{1e-10L}) return std::copysign(y, x);
  for (int k = 0; k < 200; ++k) {
    const R residual = a < R{0.5} ? std::erf(y) - a : (R{1} - a) - std::erfc(y);
    const R step = residual / erf_gaussian(y);
    y -= step / (R{1} + y * step);
    if (std::abs(step) <= 4 * std::numeric_limits<R>::epsilon() * y) break;
  }
  return std::copysign(y, x);
}

// x = n/2 + r exactly, by quarters of a turn.
template <class R>
R wave_of_pi(R x, int quarter) {
  if (!std::isfinite(x)) return NAN;
  const R turn = std::remainder(x, R{2});
  const int n = int(std::nearbyint(2 * turn));
  const R angle = R{3.141592653589793238462643383279502884L} * (turn - R(n) / 2);
  switch ((n + quarter) & 3) {
    case 0:
      return std::sin(angle);
    case 1:
      return std::cos(angle);
    case 2:
      return -std::sin(angle);
    default:
      return -std::cos(angle);
  }
}
template <class R>
R sinpi(R x) {
  return std::isfinite(x) && x == std::trunc(x) ? std::copysign(R{0}, x) : wave_of_pi(x, 0);
}
template <class R>
R cospi(R x) {
  return wave_of_pi(x, 1);
}
template <class R>
R lgamma(R x) {
  int sign;
  if constexpr (std::is_same_v<R, double>) {
    return ::lgamma_r(x, &sign);
  } else {
    return ::lgammal_r(x, &sign);
  }
}

const std::vector<UnaryCase>& unary_cases() {
  static const std::vector<UnaryCase> cases = {
      {"exp", 1.2, 1.1, [](double x) { return std::exp(x); },
       [](long double x) { return std::exp(x); }},
      {"exp2", 1.6, 1.6, [](double x) { return std::exp2(x); },
       [](long double x) { return std::exp2(x); }},
      {"log", 1, 1, [](double x) { return std::log(x); },
       [](long double x) { return std::log(x); }},
      {"log2", 2, 2, [](double x) { return std::log2(x); },
       [](long double x) { return std::log2(x); }},
      {"log10", 2, 2, [](double x) { return std::log10(x); },
       [](long double x) { return std::log10(x); }},
      {"expm1", 2, 3, [](double x) { return std::expm1(x); },
       [](long double x) { return std::expm1(x); }},
      {"log1p", 2, 2, [](double x) { return std::log1p(x); },
       [](long double x) { return std::log1p(x); }},
      {"tanh", 2, 2, [](double x) { return std::tanh(x); },
       [](long double x) { return std::tanh(x); }},
      {"sigmoid", 3, 3, sigmoid<double>, sigmoid<long double>},
      {"silu", 3.4, 3.4, silu<double>, silu<long double>},
      {"mish", 3.7, 3.7, mish<double>, mish<long double>},
      {"log1p_exp", 2, 2, log1p_exp<double>, log1p_exp<long double>},
      {"erf", 2, 3, [](double x) { return std::erf(x); },
       [](long double x) { return std::erf(x); }},
      {"erf_gaussian", 3, 3, erf_gaussian<double>, erf_gaussian<long double>},
      {"erfc", 4.25, 4.25, [](double x) { return std::erfc(x); },
       [](long double x) { return std::erfc(x); }},
      {"erfinv", 2.5, 4, erfinv<double>, erfinv<long double>},
      {"lgamma", 1, 6, lgamma<double>, lgamma<long double>},
      {"sin", 1, 2, [](double x) { return std::sin(x); },
       [](long double x) { return std::sin(x); }},
      {"cos", 1, 2, [](double x) { return std::cos(x); },
       [](long double x) { return std::cos(x); }},
      {"tan", 1, 4, [](double x) { return std::tan(x); },
       [](long double x) { return std::tan(x); }},
      {"sinpi", 1, 2, sinpi<double>, sinpi<long double>},
      {"cospi", 1, 2, cospi<double>, cospi<long double>},
      {"asin", 3, 3, [](double x) { return std::asin(x); },
       [](long double x) { return std::asin(x); }},
      {"acos", 3, 3, [](double x) { return std::acos(x); },
       [](long double x) { return std::acos(x); }},
      {"atan", 3, 3, [](double x) { return std::atan(x); },
       [](long double x) { return std::atan(x); }},
      {"sinh", 3, 3, [](double x) { return std::sinh(x); },
       [](long double x) { return std::sinh(x); }},
      {"cosh", 2, 2, [](double x) { return std::cosh(x); },
       [](long double x) { return std::cosh(x); }},
      {"asinh", 4, 4, [](double x) { return std::asinh(x); },
       [](long double x) { return std::asinh(x); }},
      {"acosh", 4, 4, [](double x) { return std::acosh(x); },
       [](long double x) { return std::acosh(x); }},
      {"atanh", 3, 3, [](double x) { return std::atanh(x); },
       [](long double x) { return std::atanh(x); }},
      {"rsqrt", 1.5, 1.5, rsqrt<double>, rsqrt<long double>},
  };
  return cases;
}

// Every vector width divides it.
constexpr size_t kBlock = 4096;

// The largest error seen, and where.
template <class T>
struct Worst {
  double error = 0;
  T at = 0;

  void add(T x, double e) {
    if (e > error) error = e, at = x;
  }
};

template <class T>
bool same_bits(T a, T b) {
  return bits_of(a) == bits_of(b) || (std::isnan(a) && std::isnan(b));
}

// Runs one function on blocks of points, on all targets at once.
template <class T, class Reference>
class Walker {
 public:
  std::vector<Worst<T>> worst;  // of each function
  size_t different = 0;         // points where two targets with FMA disagree
  T first_different = 0;

  Walker(std::vector<Unary<T>> functions, Reference reference, std::vector<bool> fused)
      : worst(functions.size()),
        functions_(std::move(functions)),
        reference_(reference),
        fused_(std::move(fused)) {
    points_.reserve(kBlock);
  }

  void add(T x) {
    points_.push_back(x);
    if (points_.size() == kBlock) flush();
  }

  void flush() {
    if (points_.empty()) return;
    const size_t count = points_.size();
    points_.resize(kBlock, T{1});
    using R = decltype(reference_(T{}));
    std::vector<R> expected(count);
    for (size_t i = 0; i < count; ++i) expected[i] = reference_(points_[i]);
    std::vector<T> fused_result;
    std::vector<T> result(kBlock);
    for (size_t f = 0; f < functions_.size(); ++f) {
      functions_[f](points_.data(), result.data(), kBlock);
      for (size_t i = 0; i < count; ++i) {
        worst[f].add(points_[i], ulp_error<T, R>(result[i], expected[i]));
      }
      if (!fused_[f]) continue;
      if (fused_result.empty()) fused_result = result;
      for (size_t i = 0; i < count; ++i) {
        if (!same_bits(result[i], fused_result[i]) && different++ == 0)
          first_different = points_[i];
      }
    }
    points_.clear();
  }

 private:
  std::vector<Unary<T>> functions_;
  Reference reference_;
  std::vector<bool> fused_;
  std::vector<T> points_;
};

bool exhaustive() {
  const char* value = std::getenv("ENTASIS_EXHAUSTIVE");
  return value != nullptr && std::string(value) == "1";
}

class SimdMath : public ::testing::TestWithParam<size_t> {};

TEST_P(SimdMath, Float) {
  const UnaryCase& c = unary_cases()[GetParam()];
  const auto all = tables();
  std::vector<Unary<float>> functions;
  std::vector<bool> fused;
  for (const Table* t : all) {
    functions.push_back(t->unary[GetParam()].f32);
    fused.push_back(t->fused);
  }
  Walker<float, double (*)(double)> walker(functions, c.reference, fused);
  for (const float x : edge_points<float>()) walker.add(x);
  const char* every = std::getenv("ENTASIS_EXHAUSTIVE");
  const uint64_t stride = every ? std::max(1, std::atoi(every)) : 1009;
  for (uint64_t i = 0; i < (uint64_t{1} << 32); i += stride) {
    walker.add(from_bits<float>(static_cast<uint32_t>(i)));
  }
  walker.flush();
  for (size_t t = 0; t < all.size(); ++t) {
    std::printf("%-13s float  %-5s %.3f ulp at %a\n", c.name, all[t]->target, walker.worst[t].error,
                walker.worst[t].at);
    EXPECT_LE(walker.worst[t].error, c.bound_f32) << all[t]->target;
  }
  EXPECT_EQ(walker.different, 0u) << "first at " << walker.first_different;
}

TEST_P(SimdMath, Double) {
  const UnaryCase& c = unary_cases()[GetParam()];
  const auto all = tables();
  std::vector<Unary<double>> functions;
  std::vector<bool> fused;
  for (const Table* t : all) {
    functions.push_back(t->unary[GetParam()].f64);
    fused.push_back(t->fused);
  }
  Walker<double, long double (*)(long double)> walker(functions, c.long_reference, fused);
  for (const double x : edge_points<double>()) walker.add(x);
  for (const double x : random_points(exhaustive() ? 4000000 : 40000)) walker.add(x);
  walker.flush();
  for (size_t t = 0; t < all.size(); ++t) {
    std::printf("%-13s double %-5s %.3f ulp at %a\n", c.name, all[t]->target, walker.worst[t].error,
                walker.worst[t].at);
    EXPECT_LE(walker.worst[t].error, c.bound_f64) << all[t]->target;
  }
  EXPECT_EQ(walker.different, 0u) << "first at " << walker.first_different;
}

// A lane's result depends on no other lane: alone among ones it is what it is among strangers.
template <class T>
void expect_independent_lanes(Unary<T> f, const char* what) {
  std::vector<T> strange = {T(0.3),  -T(0),
                            T(2),    std::numeric_limits<T>::infinity(),
                            T(-3),   std::numeric_limits<T>::quiet_NaN(),
                            T(1e15), std::numeric_limits<T>::denorm_min(),
                            T(-1),   T(88.5),
                            T(1e4),  -std::numeric_limits<T>::infinity(),
                            T(1.5),  T(0.01),
                            T(-120), T(7)};
  std::vector<T> together(16), alone(16);
  f(strange.data(), together.data(), 16);
  for (size_t i = 0; i < 16; ++i) {
    std::vector<T> ones(16, T(1));
    ones[i] = strange[i];
    f(ones.data(), alone.data(), 16);
    EXPECT_TRUE(same_bits(alone[i], together[i])) << what << " at " << strange[i];
  }
}

TEST_P(SimdMath, LanesAreIndependent) {
  for (const Table* t : tables()) {
    const std::string what = std::string(unary_cases()[GetParam()].name) + " on " + t->target;
    expect_independent_lanes(t->unary[GetParam()].f32, what.c_str());
    expect_independent_lanes(t->unary[GetParam()].f64, what.c_str());
  }
}

INSTANTIATE_TEST_SUITE_P(All, SimdMath, ::testing::Range<size_t>(0, 31), [](const auto& info) {
  return std::string(unary_cases()[info.param].name);
});

TEST(SimdMathCases, EveryFunctionIsListed) { EXPECT_EQ(unary_cases().size(), 31u); }

// Only the project's targets are generated, and the host runs one at least.
TEST(SimdMathCases, Targets) {
  std::string names;
  for (const Table* t : tables()) names += std::string(t->target) + " ";
  std::printf("targets: %s\n", names.c_str());
#if HWY_ARCH_X86
  EXPECT_EQ(HWY_TARGETS, ENTASIS_X86_TARGETS);  // SSE4 among them: none is missing
#endif
  EXPECT_FALSE(names.empty());
}

template <class T>
std::vector<T> pow_specials() {
  using Limits = std::numeric_limits<T>;
  const T two_to_m = std::ldexp(T{1}, Limits::digits);
  std::vector<T> values = {0,
                           Limits::denorm_min(),
                           Limits::min(),
                           T(1e-20),
                           T(0.5),
                           T(0.75),
                           std::nextafter(T{1}, T{0}),
                           1,
                           std::nextafter(T{1}, T{2}),
                           T(1.5),
                           2,
                           T(2.5),
                           3,
                           4,
                           5,
                           T(0.1),
                           T(1) / 3,
                           10,
                           T(127.5),
                           128,
                           149,
                           150,
                           1023,
                           T(1e4),
                           two_to_m / 2 - T(0.5),
                           two_to_m / 2 + 1,
                           two_to_m - 1,
                           two_to_m,
                           two_to_m * 2,
                           T(1e15),
                           T(1e20),
                           Limits::max(),
                           Limits::infinity()};
  const size_t count = values.size();
  for (size_t i = 0; i < count; ++i) values.push_back(-values[i]);
  values.push_back(Limits::quiet_NaN());
  return values;
}

template <class T, class R>
void check_pow(const std::vector<T>& a, const std::vector<T>& b, double bound) {
  ASSERT_EQ(a.size() % 16, 0u);
  const auto all = tables();
  std::vector<R> expected(a.size());
  for (size_t i = 0; i < a.size(); ++i) {
    expected[i] = std::pow(static_cast<R>(a[i]), static_cast<R>(b[i]));
  }
  std::vector<T> fused_result;
  for (const Table* t : all) {
    std::vector<T> result(a.size());
    if constexpr (sizeof(T) == 4) {
      t->pow_f32(a.data(), b.data(), result.data(), a.size());
    } else {
      t->pow_f64(a.data(), b.data(), result.data(), a.size());
    }
    double worst = 0;
    size_t at = 0;
    for (size_t i = 0; i < a.size(); ++i) {
      const double e = ulp_error<T, R>(result[i], expected[i]);
      if (e > worst) worst = e, at = i;
    }
    std::printf("pow           %-6s %-5s %.3f ulp at (%a, %a)\n",
                sizeof(T) == 4 ? "float" : "double", t->target, worst, static_cast<double>(a[at]),
                static_cast<double>(b[at]));
    EXPECT_LE(worst, bound) << t->target << ": pow(" << a[at] << ", " << b[at] << ") gave "
                            << result[at] << ", expected " << expected[at];
    if (!t->fused) continue;
    if (fused_result.empty()) fused_result = result;
    for (size_t i = 0; i < a.size(); ++i) {
      ASSERT_TRUE(same_bits(result[i], fused_result[i])) << a[i] << " " << b[i];
    }
  }
}

// All pairs of special values, then bases and exponents whose powers fill the format.
template <class T, class R>
void check_pow_everywhere(double bound, double largest_log2, size_t count) {
  std::vector<T> a, b;
  for (const T x : pow_specials<T>()) {
    for (const T y : pow_specials<T>()) a.push_back(x), b.push_back(y);
  }
  std::mt19937_64 engine(7);
  std::uniform_real_distribution<double> exponent(-largest_log2, largest_log2);
  std::uniform_real_distribution<double> wide(-1.0, 1.0);
  for (size_t i = 0; i < count; ++i) {
    const T x = i % 2 == 0 ? static_cast<T>(std::exp2(largest_log2 * wide(engine)))
                           : static_cast<T>(std::exp2(wide(engine)));
    if (x == 1 || x == 0) continue;
    a.push_back(x);
    b.push_back(static_cast<T>(exponent(engine) / std::log2(static_cast<double>(x))));
  }
  while (a.size() % 16 != 0) a.push_back(1), b.push_back(1);
  check_pow<T, R>(a, b, bound);
}

TEST(SimdMathPow, Float) {
  check_pow_everywhere<float, double>(1, 150, exhaustive() ? 20000000 : 400000);
}

TEST(SimdMathPow, Double) {
  check_pow_everywhere<double, long double>(2, 1075, exhaustive() ? 20000000 : 200000);
}

}  // namespace
}  // namespace entasis::simd_math_test

#endif  // HWY_ONCE
