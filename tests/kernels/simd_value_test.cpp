// The CPU's vector value type on every SIMD target that the host can run: each operation against
// the same one on scalars, for every element type and for the values where machines differ.

#include <entasis/kernels/cpu/internal/simd_targets.h>

#include <cstddef>
#include <cstdint>

#ifndef ENTASIS_TESTS_KERNELS_SIMD_VALUE_TEST_ONCE_
#define ENTASIS_TESTS_KERNELS_SIMD_VALUE_TEST_ONCE_
namespace entasis::simd_value_test {

// Applies the operation of that name, in the order of the names in the test.
template <class T>
using Operation = void (*)(const T* a, const T* b, T* y, size_t count);

struct Table {
  const char* target;
  bool fused;
  const Operation<float>* f32;
  const Operation<double>* f64;
  const Operation<int32_t>* i32;
  const Operation<int64_t>* i64;
  const Operation<uint8_t>* u8;
};

}  // namespace entasis::simd_value_test
#endif

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE <entasis/tests/kernels/simd_value_test.cpp>
#include <hwy/foreach_target.h>

#include <entasis/kernels/cpu/internal/simd_math.h>

HWY_BEFORE_NAMESPACE();
namespace entasis::simd_value_test {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

template <class T>
using V = entasis::HWY_NAMESPACE::Lane<hn::ScalableTag<T>>;

template <class T, class F>
HWY_INLINE void walk(const T* a, const T* b, T* y, size_t count, F f) {
  const size_t step = hn::Lanes(hn::ScalableTag<T>());
  for (size_t i = 0; i < count; i += step) f(V<T>::load(a + i), V<T>::load(b + i)).store(y + i);
}

#define ENTASIS_OPERATION(name, expression)                                    \
  template <class T>                                                           \
  void apply_##name(const T* x, const T* y, T* result, size_t count) {         \
    walk(x, y, result, count,                                                  \
         [](V<T> a, [[maybe_unused]] V<T> b) HWY_ATTR { return expression; }); \
  }
ENTASIS_OPERATION(add, a + b)
ENTASIS_OPERATION(subtract, a - b)
ENTASIS_OPERATION(multiply, a* b)
ENTASIS_OPERATION(divide, a / b)
ENTASIS_OPERATION(negate, -a)
ENTASIS_OPERATION(absolute, abs(a))
ENTASIS_OPERATION(maximum, maximum(a, b))
ENTASIS_OPERATION(minimum, minimum(a, b))
ENTASIS_OPERATION(mul_add, mul_add(a, b, V<T>(3)))
ENTASIS_OPERATION(less, select(a < b, V<T>(1), V<T>(0)))
ENTASIS_OPERATION(less_equal, select(a <= b, V<T>(1), V<T>(0)))
ENTASIS_OPERATION(greater, select(a > b, V<T>(1), V<T>(0)))
ENTASIS_OPERATION(greater_equal, select(a >= b, V<T>(1), V<T>(0)))
ENTASIS_OPERATION(equal, select(a == b, V<T>(1), V<T>(0)))
ENTASIS_OPERATION(not_equal, select(a != b, V<T>(1), V<T>(0)))
ENTASIS_OPERATION(masks, select(((a < b) | (a == b)) ^ !((b > V<T>(0)) & (a > V<T>(0))), a, b))
ENTASIS_OPERATION(nan, select(is_nan(a), V<T>(1), V<T>(0)))
ENTASIS_OPERATION(floor, floor(a))
ENTASIS_OPERATION(ceil, ceil(a))
ENTASIS_OPERATION(round, round(a))
ENTASIS_OPERATION(trunc, trunc(a))
ENTASIS_OPERATION(power, pow(a, b))
ENTASIS_OPERATION(root, sqrt(a))
ENTASIS_OPERATION(copy_sign, copysign(a, b))
ENTASIS_OPERATION(clamped, clamp(a, V<T>(-2), V<T>(3)))
ENTASIS_OPERATION(bits, ((a & b) | ~a) ^ b)
#undef ENTASIS_OPERATION

template <class T>
const Operation<T>* operations() {
  static const Operation<T> common[] = {
      apply_add<T>, apply_subtract<T>, apply_multiply<T>, apply_divide<T>, apply_negate<T>,
      apply_absolute<T>, apply_maximum<T>, apply_minimum<T>, apply_mul_add<T>, apply_less<T>,
      apply_less_equal<T>, apply_greater<T>, apply_greater_equal<T>, apply_equal<T>,
      apply_not_equal<T>, apply_masks<T>, apply_nan<T>, apply_floor<T>, apply_ceil<T>,
      apply_round<T>, apply_trunc<T>,
      // by kind of type
      [] {
        if constexpr (std::is_floating_point_v<T>)
          return apply_root<T>;
        else
          return apply_bits<T>;
      }(),
      [] {
        if constexpr (std::is_floating_point_v<T>)
          return apply_copy_sign<T>;
        else
          return apply_power<T>;
      }(),
      [] {
        if constexpr (std::is_unsigned_v<T>)
          return apply_add<T>;
        else
          return apply_clamped<T>;
      }()};
  return common;
}

const Table* table() {
  static const Table result = {hwy::TargetName(HWY_TARGET), HWY_NATIVE_FMA != 0,
                               operations<float>(),         operations<double>(),
                               operations<int32_t>(),       operations<int64_t>(),
                               operations<uint8_t>()};
  return &result;
}

}  // namespace HWY_NAMESPACE
}  // namespace entasis::simd_value_test
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <type_traits>
#include <vector>

#include <entasis/tests/kernels/ulp.h>

namespace entasis::simd_value_test {
namespace {

using entasis::testing::bits_of;

HWY_EXPORT(table);

constexpr const char* kNames[] = {
    "add",           "subtract", "multiply",  "divide",    "negate",       "abs",
    "maximum",       "minimum",  "mul_add",   "less",      "less_equal",   "greater",
    "greater_equal", "equal",    "not_equal", "masks",     "is_nan",       "floor",
    "ceil",          "round",    "trunc",     "sqrt|bits", "copysign|pow", "clamp|add"};

template <class T>
T wrap(T a, T b, char operation) {
  using U = std::make_unsigned_t<T>;
  const U x = static_cast<U>(a), y = static_cast<U>(b);
  return static_cast<T>(operation == '+' ? x + y : operation == '-' ? x - y : x * y);
}

// Integer power by definition: y factors, or what remains of 1/x^-y when truncated.
template <class T>
T power(T x, T y) {
  if constexpr (std::is_signed_v<T>) {
    if (y < 0) return x == 1 ? 1 : x == -1 ? (y % 2 == 0 ? 1 : -1) : 0;
  }
  T result = 1;
  for (T i = 0; i < y; ++i) result = wrap(result, x, '*');
  return result;
}

template <class T>
T expected(const std::string& name, T a, T b, bool fused) {
  constexpr bool is_float = std::is_floating_point_v<T>;
  if (name == "less") return a < b;
  if (name == "less_equal") return a <= b;
  if (name == "greater") return a > b;
  if (name == "greater_equal") return a >= b;
  if (name == "equal") return a == b;
  if (name == "not_equal") return a != b;
  if (name == "masks") return ((a < b) || (a == b)) != !((b > T(0)) && (a > T(0))) ? a : b;
  if constexpr (is_float) {
    if (name == "add") return a + b;
    if (name == "subtract") return a - b;
    if (name == "multiply") return a * b;
    if (name == "divide") return a / b;
    if (name == "negate") return -a;
    if (name == "abs") return std::abs(a);
    if (name == "maximum") return std::isnan(a) ? a : std::isnan(b) ? b : a > b ? a : b;
    if (name == "minimum") return std::isnan(a) ? a : std::isnan(b) ? b : a < b ? a : b;
    if (name == "mul_add") return fused ? std::fma(a, b, T(3)) : a * b + T(3);
    if (name == "is_nan") return std::isnan(a);
    if (name == "floor") return std::floor(a);
    if (name == "ceil") return std::ceil(a);
    if (name == "round") return std::nearbyint(a);
    if (name == "trunc") return std::trunc(a);
    if (name == "sqrt|bits") return std::sqrt(a);
    if (name == "copysign|pow") return std::copysign(a, b);
    if (name == "clamp|add") return std::isnan(a) ? a : a < T(-2) ? T(-2) : a > T(3) ? T(3) : a;
  } else {
    if (name == "add") return wrap(a, b, '+');
    if (name == "subtract") return wrap(a, b, '-');
    if (name == "multiply") return wrap(a, b, '*');
    if (name == "divide") {
      if (b == 0) return 0;
      if (std::is_signed_v<T> && b == static_cast<T>(-1)) return wrap(T(0), a, '-');
      return static_cast<T>(a / b);
    }
    if (name == "negate") return wrap(T(0), a, '-');
    if (name == "abs") return a < 0 ? wrap(T(0), a, '-') : a;
    if (name == "maximum") return a > b ? a : b;
    if (name == "minimum") return a < b ? a : b;
    if (name == "mul_add") return wrap(wrap(a, b, '*'), T(3), '+');
    if (name == "is_nan") return 0;
    if (name == "floor" || name == "ceil" || name == "round" || name == "trunc") return a;
    if (name == "sqrt|bits") return static_cast<T>(((a & b) | ~a) ^ b);
    if (name == "copysign|pow") return power(a, b);
    if (name == "clamp|add") {
      if (!std::is_signed_v<T>) return wrap(a, b, '+');
      return a < static_cast<T>(-2) ? static_cast<T>(-2) : a > T(3) ? T(3) : a;
    }
  }
  ADD_FAILURE() << "no reference for " << name;
  return a;
}

template <class T>
std::vector<T> interesting() {
  using Limits = std::numeric_limits<T>;
  std::vector<T> values;
  if constexpr (std::is_floating_point_v<T>) {
    values = {0,
              Limits::denorm_min(),
              Limits::min(),
              T(0.3),
              T(0.5),
              1,
              T(1.5),
              2,
              T(2.5),
              3,
              T(1e5) + T(0.25),
              1 / Limits::epsilon(),
              T(3e37),
              Limits::max(),
              Limits::infinity()};
    const size_t count = values.size();
    for (size_t i = 0; i < count; ++i) values.push_back(-values[i]);
    values.push_back(Limits::quiet_NaN());
  } else {
    for (int i = 0; i < 12; ++i) {
      values.push_back(static_cast<T>(i));
      values.push_back(static_cast<T>(-i));
      values.push_back(static_cast<T>(Limits::max() - i));
      values.push_back(static_cast<T>(Limits::min() + i));
      values.push_back(static_cast<T>(Limits::max() / 2 - i));
      values.push_back(static_cast<T>(Limits::max() / 255 - i));
    }
    if constexpr (sizeof(T) >= 4) {
      std::mt19937_64 engine(5);
      for (int i = 0; i < 40; ++i) values.push_back(static_cast<T>(engine() >> (i % 4 * 15)));
    }
    if constexpr (sizeof(T) == 1) {
      values.clear();
      for (int i = 0; i < 256; ++i) values.push_back(static_cast<T>(i));
    }
  }
  return values;
}

template <class T>
bool same(T a, T b) {
  if constexpr (std::is_floating_point_v<T>) {
    return bits_of(a) == bits_of(b) || (std::isnan(a) && std::isnan(b)) || (a == 0 && b == 0);
  } else {
    return a == b;
  }
}

template <class T>
class SimdValue : public ::testing::Test {};

using Types = ::testing::Types<float, double, int32_t, int64_t, uint8_t>;
TYPED_TEST_SUITE(SimdValue, Types);

TYPED_TEST(SimdValue, EveryOperationOnEveryTarget) {
  using T = TypeParam;
  std::vector<T> a, b;
  for (const T x : interesting<T>()) {
    for (const T y : interesting<T>()) a.push_back(x), b.push_back(y);
  }
  while (a.size() % 64 != 0) a.push_back(1), b.push_back(1);
  std::vector<T> result(a.size());
  const std::vector<std::string> names(std::begin(kNames), std::end(kNames));
  size_t targets = 0;
  for (const int64_t target : hwy::SupportedAndGeneratedTargets()) {
    hwy::SetSupportedTargetsForTest(target);
    const Table* t = HWY_DYNAMIC_DISPATCH(table)();
    const Operation<T>* operations = nullptr;
    if constexpr (std::is_same_v<T, float>) operations = t->f32;
    if constexpr (std::is_same_v<T, double>) operations = t->f64;
    if constexpr (std::is_same_v<T, int32_t>) operations = t->i32;
    if constexpr (std::is_same_v<T, int64_t>) operations = t->i64;
    if constexpr (std::is_same_v<T, uint8_t>) operations = t->u8;
    for (size_t k = 0; k < std::size(kNames); ++k) {
      operations[k](a.data(), b.data(), result.data(), a.size());
      for (size_t i = 0; i < a.size(); ++i) {
        // The reference multiplies as often as the exponent says.
        const bool integer_power = !std::is_floating_point_v<T> && names[k] == "copysign|pow";
        if (integer_power && b[i] > static_cast<T>(sizeof(T) == 1 ? 255 : 4096)) continue;
        const T want = expected(names[k], a[i], b[i], t->fused);
        ASSERT_TRUE(same(result[i], want))
            << kNames[k] << " on " << t->target << " of " << +a[i] << " and " << +b[i] << " gave "
            << +result[i] << ", expected " << +want;
      }
    }
    ++targets;
  }
  hwy::SetSupportedTargetsForTest(0);
  EXPECT_GE(targets, 1u);
}

}  // namespace
}  // namespace entasis::simd_value_test

#endif  // HWY_ONCE
