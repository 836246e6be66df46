// Accuracy of the CPU's primitives of two arguments on every SIMD target that the host can run:
// atan2, hypot and fmod against the C library in a wider type, shifts and divisors of integers
// against their definitions. Targets with FMA must agree to the bit, exact functions on all.

#include <entasis/kernels/cpu/internal/simd_targets.h>

#include <cstddef>
#include <cstdint>

#ifndef ENTASIS_TESTS_KERNELS_SIMD_BINARY_TEST_ONCE_
#define ENTASIS_TESTS_KERNELS_SIMD_BINARY_TEST_ONCE_
namespace entasis::simd_binary_test {

template <class T>
using Binary = void (*)(const T* a, const T* b, T* y, size_t count);

enum Function { kAtan2, kHypot, kFmod, kFunctions };
enum IntegerFunction { kLeft, kRight, kGcd, kIntegerFmod, kIntegerFunctions };

struct Table {
  const char* target;
  bool fused;  // has FMA
  Binary<float> f32[kFunctions];
  Binary<double> f64[kFunctions];
  Binary<int32_t> i32[kIntegerFunctions];
  Binary<int64_t> i64[kIntegerFunctions];
  Binary<uint8_t> u8[kIntegerFunctions];
};

}  // namespace entasis::simd_binary_test
#endif

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE <entasis/tests/kernels/simd_binary_test.cpp>
#include <hwy/foreach_target.h>

#include <entasis/kernels/cpu/internal/simd_math.h>

HWY_BEFORE_NAMESPACE();
namespace entasis::simd_binary_test {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

template <class T>
using V = entasis::HWY_NAMESPACE::Lane<hn::ScalableTag<T>>;

// Counts are multiples of the widest vector.
#define ENTASIS_BINARY(name)                                     \
  template <class T>                                             \
  void walk_##name(const T* a, const T* b, T* y, size_t count) { \
    const size_t step = hn::Lanes(hn::ScalableTag<T>());         \
    for (size_t i = 0; i < count; i += step) {                   \
      name(V<T>::load(a + i), V<T>::load(b + i)).store(y + i);   \
    }                                                            \
  }
ENTASIS_BINARY(atan2)
ENTASIS_BINARY(hypot)
ENTASIS_BINARY(fmod)
ENTASIS_BINARY(bitwise_left_shift)
ENTASIS_BINARY(bitwise_right_shift)
ENTASIS_BINARY(gcd)
#undef ENTASIS_BINARY

#define ENTASIS_INTEGER_WALKS(T) \
  { walk_bitwise_left_shift<T>, walk_bitwise_right_shift<T>, walk_gcd<T>, walk_fmod<T> }

const Table* table() {
  static const Table result = {hwy::TargetName(HWY_TARGET),
                               HWY_NATIVE_FMA != 0,
                               {walk_atan2<float>, walk_hypot<float>, walk_fmod<float>},
                               {walk_atan2<double>, walk_hypot<double>, walk_fmod<double>},
                               ENTASIS_INTEGER_WALKS(int32_t),
                               ENTASIS_INTEGER_WALKS(int64_t),
                               ENTASIS_INTEGER_WALKS(uint8_t)};
  return &result;
}
#undef ENTASIS_INTEGER_WALKS

}  // namespace HWY_NAMESPACE
}  // namespace entasis::simd_binary_test
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <limits>
#include <random>
#include <string>
#include <type_traits>
#include <vector>

#include <entasis/tests/kernels/ulp.h>

namespace entasis::simd_binary_test {
namespace {

using entasis::testing::bits_of;
using entasis::testing::from_bits;
using entasis::testing::ulp_error;

HWY_EXPORT(table);

std::vector<const Table*> tables() {
  std::vector<const Table*> result;
  for (const int64_t target : hwy::SupportedAndGeneratedTargets()) {
    hwy::SetSupportedTargetsForTest(target);
    result.push_back(HWY_DYNAMIC_DISPATCH(table)());
  }
  hwy::SetSupportedTargetsForTest(0);
  return result;
}

template <class T>
bool same_bits(T a, T b) {
  return bits_of(a) == bits_of(b) || (std::isnan(a) && std::isnan(b));
}

template <class T>
struct Pairs {
  std::vector<T> a, b;
  void add(T x, T y) {
    a.push_back(x);
    b.push_back(y);
  }
};

// All pairs of special values, pairs of any bits, pairs of like size, and quotients of any size.
template <class T>
Pairs<T> pairs(size_t count) {
  using Limits = std::numeric_limits<T>;
  using Bits = std::conditional_t<sizeof(T) == 4, uint32_t, uint64_t>;
  std::vector<T> specials = {0,
                             Limits::denorm_min(),
                             5 * Limits::denorm_min(),
                             Limits::min(),
                             T(1e-20),
                             T(0.41421356237309503),
                             std::nextafter(T{1}, T{0}),
                             1,
                             std::nextafter(T{1}, T{2}),
                             T(1.5),
                             T(2.4142135623730949),
                             3,
                             10,
                             T(1e15),
                             T(1e30),
                             Limits::max() / 3,
                             Limits::max(),
                             Limits::infinity(),
                             Limits::quiet_NaN()};
  Pairs<T> result;
  for (const T x : specials) {
    for (const T y : specials) {
      for (const T s : {T(1), T(-1)}) {
        for (const T t : {T(1), T(-1)}) result.add(s * x, t * y);
      }
    }
  }
  std::mt19937_64 engine(11);
  std::uniform_real_distribution<double> unit(-1, 1);
  for (size_t i = 0; i < count; ++i) {
    result.add(from_bits<T>(static_cast<Bits>(engine())),
               from_bits<T>(static_cast<Bits>(engine())));
    result.add(static_cast<T>(unit(engine)), static_cast<T>(unit(engine)));
    const T y = static_cast<T>(unit(engine));
    result.add(static_cast<T>(static_cast<double>(y) * std::floor(1000 * unit(engine))), y);
    result.add(static_cast<T>(std::ldexp(unit(engine), static_cast<int>(i % 60))), y);
  }
  while (result.a.size() % 64 != 0) result.add(1, 1);
  return result;
}

template <class T, class R>
void check(Function f, const char* name, double bound, R (*reference)(R, R), bool exact,
           size_t draws = 100000) {
  const Pairs<T> points = pairs<T>(draws);
  const size_t count = points.a.size();
  std::vector<R> expected(count);
  for (size_t i = 0; i < count; ++i) {
    expected[i] = reference(static_cast<R>(points.a[i]), static_cast<R>(points.b[i]));
  }
  std::vector<T> first;
  for (const Table* t : tables()) {
    std::vector<T> result(count);
    if constexpr (sizeof(T) == 4) {
      t->f32[f](points.a.data(), points.b.data(), result.data(), count);
    } else {
      t->f64[f](points.a.data(), points.b.data(), result.data(), count);
    }
    double worst = 0;
    size_t at = 0;
    for (size_t i = 0; i < count; ++i) {
      const double e = ulp_error<T, R>(result[i], expected[i]);
      if (e > worst) worst = e, at = i;
    }
    std::printf("%-6s %-6s %-5s %.3f ulp at (%a, %a)\n", name, sizeof(T) == 4 ? "float" : "double",
                t->target, worst, static_cast<double>(points.a[at]),
                static_cast<double>(points.b[at]));
    EXPECT_LE(worst, bound) << t->target << ": " << name << "(" << points.a[at] << ", "
                            << points.b[at] << ") gave " << result[at] << ", expected "
                            << expected[at];
    if (!t->fused && !exact) continue;
    if (first.empty()) first = result;
    for (size_t i = 0; i < count; ++i) {
      ASSERT_TRUE(same_bits(result[i], first[i])) << points.a[i] << " " << points.b[i];
    }
  }
}

template <class R>
R atan2_of(R a, R b) {
  return std::atan2(a, b);
}
template <class R>
R hypot_of(R a, R b) {
  return std::hypot(a, b);
}
template <class R>
R fmod_of(R a, R b) {
  return std::fmod(a, b);
}

TEST(SimdBinary, Atan2) {
  check<float, double>(kAtan2, "atan2", 3, &atan2_of<double>, false);
  check<double, long double>(kAtan2, "atan2", 3, &atan2_of<long double>, false);
}
TEST(SimdBinary, Hypot) {
  check<float, double>(kHypot, "hypot", 1, &hypot_of<double>, true);
  check<double, long double>(kHypot, "hypot", 2, &hypot_of<long double>, true);
}
TEST(SimdBinary, FmodIsExact) {
  check<float, double>(kFmod, "fmod", 0, &fmod_of<double>, true);
  // The C library takes a long time for large quotients.
  check<double, long double>(kFmod, "fmod", 0, &fmod_of<long double>, true, 4000);
}

// ---- Integers

template <class T>
using Whole = std::conditional_t<std::is_signed_v<T>, __int128, unsigned __int128>;

// By Euclid's algorithm.
template <class W>
W divisor_of(W a, W b) {
  if (a < 0) a = -a;
  if (b < 0) b = -b;
  while (b != 0) {
    const W rest = a % b;
    a = b;
    b = rest;
  }
  return a;
}

template <class T>
T expected_of(int f, T a, T b) {
  constexpr int kWidth = 8 * sizeof(T);
  const bool out = b < 0 || b >= T(kWidth);
  switch (f) {
    case kLeft:
      return out ? T(0) : static_cast<T>(static_cast<unsigned __int128>(a) << int(b));
    case kRight:
      return out ? static_cast<T>(a < 0 ? -1 : 0) : static_cast<T>(a >> int(b));
    case kGcd:
      return static_cast<T>(divisor_of(static_cast<Whole<T>>(a), static_cast<Whole<T>>(b)));
    default:
      return b == 0 ? a : static_cast<T>(static_cast<Whole<T>>(a) % static_cast<Whole<T>>(b));
  }
}

template <class T, class Member>
void check_integers(Member member) {
  std::vector<T> values = {0, 1, 2, 3, 6, 7, 8, 12, 31, 32, 33, 63, 64, 65, 100, 127};
  values.push_back(std::numeric_limits<T>::max());
  values.push_back(std::numeric_limits<T>::max() - 1);
  values.push_back(std::numeric_limits<T>::min());
  if constexpr (std::is_signed_v<T>) {
    values.push_back(std::numeric_limits<T>::min() + 1);
    for (const T v : {T(-1), T(-2), T(-6), T(-64)}) values.push_back(v);
  }
  std::mt19937_64 engine(5);
  for (int i = 0; i < 40; ++i) values.push_back(static_cast<T>(engine()));
  Pairs<T> points;
  for (const T x : values) {
    for (const T y : values) points.add(x, y);
  }
  while (points.a.size() % 64 != 0) points.add(1, 1);
  const size_t count = points.a.size();
  for (const Table* t : tables()) {
    for (int f = 0; f < kIntegerFunctions; ++f) {
      std::vector<T> result(count);
      (t->*member)[f](points.a.data(), points.b.data(), result.data(), count);
      for (size_t i = 0; i < count; ++i) {
        ASSERT_EQ(+result[i], +expected_of<T>(f, points.a[i], points.b[i]))
            << t->target << " function " << f << " of " << +points.a[i] << " and " << +points.b[i];
      }
    }
  }
}

TEST(SimdBinary, Integers) {
  check_integers<int32_t>(&Table::i32);
  check_integers<int64_t>(&Table::i64);
  check_integers<uint8_t>(&Table::u8);
}

}  // namespace
}  // namespace entasis::simd_binary_test

#endif  // HWY_ONCE
