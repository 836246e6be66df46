// Walks over rows, calls and layouts, as parameters of tests.
#pragma once

#include <algorithm>
#include <exception>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "check.h"

namespace entasis::matrix {

inline std::vector<std::string> sampled_rows() {
  std::vector<std::string> rows;
  for (const Sample& sample : samples().all()) rows.push_back(sample.row);
  return rows;
}
// Names of tests: "add_" would be confused with "add".
inline std::string name_of_row(const testing::TestParamInfo<std::string>& info) {
  std::string name = info.param;
  if (name.back() == '_') name += "in_place";
  return name;
}

// Tests of rows on the device under test; they skip where there is none.
class OfRow : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    if (const std::string why = why_not_under_test(); !why.empty()) GTEST_SKIP() << why;
  }
};

// Whether a call comes to the device under test: one without tensors stays on the CPU.
inline bool reaches_device(const Call& call) {
  const auto has_tensors = [](const CallArgument& argument) {
    if (const auto* list = std::get_if<std::vector<Array>>(&argument)) return !list->empty();
    return std::holds_alternative<Array>(argument);
  };
  return device_under_test().is_cpu() ||
         std::any_of(call.arguments.begin(), call.arguments.end(), has_tensors);
}

// Calls f(call, layout) for each call of the sample in each layout that it has, the values being
// those that the layout can hold. Stops at the first failure, named.
template <class F>
void each_call(const Sample& sample, DType dtype, const F& f,
               const std::vector<Layout>& layouts = layouts_under_test()) {
  Maker maker(dtype);
  sample.calls(maker);
  for (const Call& call : maker.calls) {
    for (Layout layout : layouts) {
      if (!applies(sample, call, layout) || !reaches_device(call)) continue;
      SCOPED_TRACE(describe(sample, dtype, layout, call));
      try {
        f(laid_out(call, layout), layout);
      } catch (const std::exception& error) {
        ADD_FAILURE() << error.what();
      }
      if (testing::Test::HasFailure()) return;
    }
  }
}

}  // namespace entasis::matrix
