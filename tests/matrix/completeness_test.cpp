// Every row has a sample, documentation and names for its arguments; every op has a kernel on the
// CPU. What is missing fails by name; exemptions stand in the tables below, each with its reason.
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <entasis/core/op.h>
#include <entasis/core/row.h>

#include "place.h"
#include "sample.h"

namespace entasis::matrix {
namespace {

struct Exemption {
  const char* name;
  const char* reason;
};

// Rows without a sample.
const std::vector<Exemption> kRowsWithoutSample = {};

// Ops without a kernel on the CPU. View ops have none on any device and are not listed.
const std::vector<Exemption> kOpsWithoutCpuKernel = {};

bool is_exempt(const std::vector<Exemption>& table, const std::string& name) {
  for (const Exemption& e : table) {
    if (name == e.name && *e.reason) return true;
  }
  return false;
}

TEST(Completeness, EveryRowHasASample) {
  for (const Row* row : all_rows()) {
    if (is_exempt(kRowsWithoutSample, row->name)) continue;
    EXPECT_NE(nullptr, samples().find(row->name))
        << "row " << row->name << " has no sample: add one to tests/matrix/samples_<family>.cpp";
  }
}

TEST(Completeness, EverySampleHasARow) {
  for (const Sample& sample : samples().all()) {
    EXPECT_NE(nullptr, find_row(sample.row))
        << "a sample for " << sample.row << ", which is no row";
  }
}

TEST(Completeness, NoExemptionIsStale) {
  for (const Exemption& e : kRowsWithoutSample) {
    EXPECT_NE(nullptr, find_row(e.name)) << e.name;
    EXPECT_EQ(nullptr, samples().find(e.name)) << e.name << " has a sample by now";
  }
  for (const Exemption& e : kOpsWithoutCpuKernel) {
    const OpInfo* op = find_op(e.name);
    ASSERT_NE(nullptr, op) << e.name;
    EXPECT_EQ(nullptr, op->kernels[int(DeviceType::kCPU)].run) << e.name << " has a kernel by now";
  }
}

TEST(Completeness, EveryRowIsDocumented) {
  for (const Row* row : all_rows()) {
    const std::string doc = row->doc ? row->doc : "";
    EXPECT_GE(doc.size(), 20u) << "row " << row->name << " has no documentation: \"" << doc << '"';
    EXPECT_TRUE(!doc.empty() && doc.back() == '.')
        << "the documentation of row " << row->name << " does not end with a full stop: \"" << doc
        << '"';
  }
}

TEST(Completeness, EveryArgumentHasAName) {
  for (const Row* row : all_rows()) {
    std::set<std::string> names;
    for (const Argument& argument : row->arguments()) {
      const std::string name = argument.name ? argument.name : "";
      EXPECT_FALSE(name.empty()) << "an argument of row " << row->name << " has no name";
      EXPECT_TRUE(names.insert(name).second)
          << "row " << row->name << " has two arguments " << name;
    }
  }
}

TEST(Completeness, RowsWithoutATwinSayWhy) {
  for (const Row* row : all_rows()) {
    if (row->options.torch == nullptr || *row->options.torch) continue;
    EXPECT_TRUE(row->options.why_no_torch && *row->options.why_no_torch)
        << "row " << row->name << " has no twin in PyTorch and does not say why";
  }
}

TEST(Completeness, EveryOpHasAKernel) {
  if (!why_not_under_test().empty()) GTEST_SKIP() << why_not_under_test();
  for (const OpInfo* op : all_ops()) {
    if (op->view != nullptr || is_exempt(kOpsWithoutCpuKernel, op->name)) continue;
    EXPECT_NE(nullptr, op->kernels[int(device_under_test().type)].run)
        << "op " << op->name << " has no kernel on " << to_string(device_under_test());
  }
}

// A sample that checks nothing would pass.
TEST(Completeness, EverySampleSaysSomething) {
  for (const Sample& sample : samples().all()) {
    SCOPED_TRACE(sample.row);
    EXPECT_TRUE(sample.calls && sample.reference);
    EXPECT_FALSE(sample.bad_calls.empty()) << "no bad input is stated";
    ASSERT_FALSE(sample.dtypes.empty());
    bool empty = false, differentiable = false;
    const auto look_at = [&](const std::vector<CallArgument>& arguments, bool gradient) {
      const auto one = [&](const Array& array) {
        empty |= array.numel() == 0;
        differentiable |= gradient && is_float(array.dtype) && array.numel() > 0;
      };
      for (const CallArgument& argument : arguments) {
        if (const Array* array = std::get_if<Array>(&argument)) one(*array);
        if (const auto* list = std::get_if<std::vector<Array>>(&argument)) {
          for (const Array& array : *list) one(array);
        }
      }
    };
    for (const Bad& bad : sample.bad_calls) look_at(bad.arguments, false);
    for (DType dtype : sample.dtypes) {
      Maker maker(dtype);
      sample.calls(maker);
      EXPECT_FALSE(maker.calls.empty()) << entasis::name_of(dtype);
      for (const Call& call : maker.calls) look_at(call.arguments, call.gradient);
    }
    EXPECT_TRUE(empty) << "no call has an empty tensor";
    EXPECT_TRUE(differentiable || !sample.no_gradient.empty()) << "no call checks the gradient";
  }
}

}  // namespace
}  // namespace entasis::matrix
