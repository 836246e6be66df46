#include "forward.h"

#include <algorithm>

namespace entasis::matrix {
namespace {

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

}  // namespace

void check_forward(const Sample& sample, const Call& call, Layout layout) {
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

}  // namespace entasis::matrix
