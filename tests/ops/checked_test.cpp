// Checked mode names the op that made the first NaN.
#include <gtest/gtest.h>

#include <string>

#include <entasis/core/error.h>
#include <entasis/entasis.h>
#include <entasis/ops/checked.h>

namespace entasis {
namespace {

TEST(CheckedMode, NamesOpInputsPathAndLine) {
  const CheckedMode checked;
  const ModuleScope model("model"), head("head");
  const Tensor x = from_data({1, -1, 4}, {3});
  try {
    sqrt(x);
    FAIL() << "nothing was thrown";
  } catch (const ValueError& error) {
    EXPECT_EQ(std::string(error.what()),
              "sqrt: 1 of 3 elements of the result are NaN; the inputs are f32[3] — in model.head, "
              "checked_test.cpp:" +
                  std::to_string(__LINE__ - 6));
  }
}

TEST(CheckedMode, InfinitiesOnRequest) {
  const Tensor zero = zeros({2});
  {
    const CheckedMode checked;
    EXPECT_NO_THROW(log(zero));
  }
  const CheckedMode checked(true);
  EXPECT_THROW(log(zero), ValueError);
  EXPECT_NO_THROW(exp(zero));
}

TEST(CheckedMode, EndsWithItsScope) {
  const Tensor x = from_data({-1}, {1});
  { const CheckedMode checked; }
  EXPECT_NO_THROW(sqrt(x));
}

}  // namespace
}  // namespace entasis
