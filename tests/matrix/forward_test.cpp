// Every row in every dtype and layout against its reference: elements, dtype, shape, strides;
// inputs left alone; the same bits again; the same form on the meta device.
#include "check.h"
#include "walk.h"

namespace entasis::matrix {
namespace {

class Forward : public testing::TestWithParam<std::string> {};

void expect_inputs_left_alone(const Sample& sample, const Trial& run) {
  for (size_t k = 0; k < run.placed.size(); ++k) {
    const int i = run.position[k];
    const bool written =
        (k == 0 && sample.strides == Strides::kTarget) ||
        std::find(sample.written.begin(), sample.written.end(), i) != sample.written.end();
    EXPECT_FALSE(run.placed[k].disturbed(written))
        << "the call wrote " << (written ? "beside the elements of" : "into") << " argument " << i;
  }
}

void expect_same_again(const Sample& sample, const Call& call, Layout layout,
                       const std::vector<Tensor>& first) {
  Trial again = prepare(call, layout);
  run(sample, again);
  ASSERT_EQ(first.size(), again.results.size());
  for (size_t k = 0; k < first.size(); ++k) {
    EXPECT_TRUE(same_bits(first[k], again.results[k])) << "a second run differs in result " << k;
  }
}

void expect_same_on_meta(const Sample& sample, const Call& call, Layout layout,
                         const std::vector<Tensor>& results) {
  Trial meta = prepare(call, layout, kMeta);
  run(sample, meta);
  ASSERT_EQ(results.size(), meta.results.size());
  for (size_t k = 0; k < results.size(); ++k) {
    EXPECT_TRUE(meta.results[k].device().is_meta());
    EXPECT_TRUE(meta.results[k].spec() == results[k].spec())
        << "on meta result " << k << " has dtype " << entasis::name_of(meta.results[k].dtype())
        << ", shape " << to_string(meta.results[k].shape()) << ", strides "
        << to_string(meta.results[k].strides()) << "; on cpu "
        << entasis::name_of(results[k].dtype()) << ", " << to_string(results[k].shape()) << ", "
        << to_string(results[k].strides());
  }
}

void check_call(const Sample& sample, const Call& call, Layout layout) {
  Trial one = prepare(call, layout);
  run(sample, one);
  const Results wanted = sample.reference(call);
  ASSERT_EQ(wanted.size(), one.results.size()) << "number of results";
  for (size_t k = 0; k < wanted.size(); ++k) expect_result(sample, one.results[k], wanted[k]);
  expect_strides(sample, one);
  expect_inputs_left_alone(sample, one);
  if (sample.not_compared.empty()) expect_same_again(sample, call, layout, one.results);
  if (!sample.reads_values) expect_same_on_meta(sample, call, layout, one.results);
}

TEST_P(Forward, AgreesWithReference) {
  const Sample& sample = *samples().find(GetParam());
  for (DType dtype : dtypes_under_test(sample)) {
    each_call(sample, dtype,
              [&](const Call& call, Layout layout) { check_call(sample, call, layout); });
    if (HasFailure()) return;
  }
}

INSTANTIATE_TEST_SUITE_P(Row, Forward, testing::ValuesIn(sampled_rows()), name_of_row);

// ---- Bad input

class BadInput : public testing::TestWithParam<std::string> {};

TEST_P(BadInput, RaisesTheStatedError) {
  const Sample& sample = *samples().find(GetParam());
  for (const Bad& bad : sample.bad_calls) {
    Call call{"bad", bad.arguments};
    SCOPED_TRACE(sample.row + ": …" + bad.fragment + "…");
    Trial one = prepare(call, Layout::kContiguous);
    try {
      run(sample, one);
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
