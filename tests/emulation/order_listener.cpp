// Linked into each test program that runs emulated kernels: tells the emulation which test case
// runs, from which it picks the scheduling order, and names the order of a case that fails.
#include <cstdio>
#include <cstdlib>
#include <string>

#include <gtest/gtest.h>

#include "order.h"

namespace entasis::emulation {
namespace {

class OrderListener final : public testing::EmptyTestEventListener {
  void OnTestStart(const testing::TestInfo& test) override {
    const std::string name = std::string(test.test_suite_name()) + '.' + test.name();
    setenv("ENTASIS_EMULATION_CASE", name.c_str(), 1);
  }
  void OnTestEnd(const testing::TestInfo& test) override {
    if (!test.result()->Failed()) return;
    std::fprintf(stderr, "To meet the same order of threads and streams again: %s=%s\n",
                 "ENTASIS_EMULATION_ORDER", to_text(current_order()));
  }
};

const bool listening = [] {
  testing::UnitTest::GetInstance()->listeners().Append(new OrderListener);
  return true;
}();

}  // namespace
}  // namespace entasis::emulation
