// C++'s operators on tensors and numbers, and what they compute in place; comparisons of whole
// tensors.
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <entasis/entasis.h>

namespace entasis {
namespace {

Tensor whole(const std::vector<int64_t>& values) {
  Tensor t = empty({int64_t(values.size())}, kI64);
  int64_t* to = t.mutable_data<int64_t>();
  for (size_t i = 0; i < values.size(); ++i) to[i] = values[i];
  return t;
}

void expect_values(const Tensor& t, const std::vector<int64_t>& values) {
  EXPECT_TRUE(equal(t, whole(values))) << to_string(t);
}

TEST(Operators, OfIntegers) {
  const Tensor a = whole({12, -7, 5}), b = whole({5, 2, -3});
  expect_values(a % b, {2, 1, -1});
  expect_values(17 % b, {2, 1, -1});
  expect_values(a & b, {12 & 5, -7 & 2, 5 & -3});
  expect_values(a | 1, {13, -7, 5});
  expect_values(3 ^ a, {3 ^ 12, 3 ^ -7, 3 ^ 5});
  expect_values(a << 2, {48, -28, 20});
  expect_values(a >> 1, {6, -4, 2});
  expect_values(1 << whole({0, 3, 70}), {1, 8, 0});
  expect_values(~a, {-13, 6, -6});
}

TEST(Operators, OfTruthValues) {
  const Tensor a = whole({1, 5, 9});
  EXPECT_TRUE(equal((a > 2) & (a < 8), a == 5));
  EXPECT_TRUE(equal((a < 2) | (a > 8), a != 5));
  EXPECT_TRUE(equal((a > 2) ^ (a > 8), a == 5));
  EXPECT_EQ(kBool, (~(a > 2)).dtype());
}

TEST(Operators, InPlace) {
  Tensor a = whole({12, -7, 5});
  const Tensor same = a;
  a %= 5;
  expect_values(a, {2, 3, 0});
  a <<= 3;
  expect_values(a, {16, 24, 0});
  a |= 1;
  a &= whole({1, 17, 1});
  expect_values(a, {1, 17, 1});
  a ^= 16;
  a >>= 1;
  expect_values(a, {8, 0, 8});
  EXPECT_TRUE(a.same(same));
}

TEST(Operators, NameTheLine) {
  try {
    whole({1}) % 0;
    FAIL() << "no error";
  } catch (const ValueError& error) {
    const std::string message = error.what();
    EXPECT_EQ(0u, message.find("remainder: integers are divided by 0")) << message;
    EXPECT_NE(std::string::npos, message.find("operator_test.cpp:")) << message;
  }
}

TEST(Operators, DivisionByZeroIsFoundByEveryThread) {
  Tensor divisor = full({1 << 18}, 3, kI32);
  const Tensor dividend = full({1 << 18}, 7, kI32);
  EXPECT_TRUE(allclose(floor_divide(dividend, divisor), full({1 << 18}, 2, kI32)));
  divisor.mutable_data<int32_t>()[200000] = 0;
  EXPECT_THROW(floor_divide(dividend, divisor), ValueError);
}

TEST(WholeTensors, EqualAndClose) {
  const Tensor a = full({3, 4}, 1.0), near = a + 1e-6, far = a + 0.1;
  EXPECT_FALSE(equal(a, near));
  EXPECT_TRUE(allclose(a, near));
  EXPECT_FALSE(allclose(a, far));
  EXPECT_TRUE(allclose(a, far, 0, 0.2));
  EXPECT_FALSE(equal(a, full({4, 3}, 1.0)));
  EXPECT_TRUE(equal(a, a.to(kF64)));
  const Tensor nan = log(a - 2);
  EXPECT_FALSE(allclose(nan, nan));
  EXPECT_TRUE(allclose(nan, nan, 1e-5, 1e-8, true));
}

TEST(WholeTensors, WhereOfACondition) {
  const Tensors found = where(whole({0, 3, 0, 4}));
  ASSERT_EQ(1u, found.size());
  expect_values(found[0], {1, 3});
  EXPECT_EQ(2u, where(zeros({2, 2})).size());
  EXPECT_EQ(1u, where(full({}, 1)).size());
}

}  // namespace
}  // namespace entasis
