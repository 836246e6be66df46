// Every row in every dtype and layout against its reference; and bad input, which raises the error
// that the sample states.
#include <entasis/core/backend.h>

#include "forward.h"
#include "walk.h"

namespace entasis::matrix {
namespace {

class Forward : public OfRow {};

TEST_P(Forward, AgreesWithReference) {
  const Sample& sample = *samples().find(GetParam());
  for (DType dtype : dtypes_under_test(sample)) {
    each_call(sample, dtype,
              [&](const Call& call, Layout layout) { check_forward(sample, call, layout); });
    if (HasFailure()) return;
  }
}

INSTANTIATE_TEST_SUITE_P(Row, Forward, testing::ValuesIn(sampled_rows()), name_of_row);

// ---- Bad input

class BadInput : public OfRow {};

TEST_P(BadInput, RaisesTheStatedError) {
  const Sample& sample = *samples().find(GetParam());
  for (const Bad& bad : sample.bad_calls) {
    Call call{"bad", bad.arguments};
    SCOPED_TRACE(sample.row + ": …" + bad.fragment + "…");
    Trial one = prepare(call, Layout::kContiguous);
    try {
      run(sample, one);
      synchronize(device_under_test());  // where a GPU's kernels report wrong indices
      ADD_FAILURE() << "no error";
    } catch (const Error& error) {
      const std::string message = error.what();
      EXPECT_TRUE(bad.is_type(error)) << "another type of error: " << message;
      EXPECT_NE(std::string::npos, message.find(bad.fragment)) << "the message is: " << message;
      EXPECT_EQ(0u, message.find(sample.row + ": ")) << "the op is not named: " << message;
      EXPECT_NE(std::string::npos, message.find("check.cpp:")) << "no line: " << message;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Row, BadInput, testing::ValuesIn(sampled_rows()), name_of_row);

}  // namespace
}  // namespace entasis::matrix
