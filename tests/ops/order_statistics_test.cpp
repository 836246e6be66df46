// Medians of long slices, which are found digit by digit, against sorted values.
#include <entasis/ops/order_statistics.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <iterator>
#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <entasis/backends/cpu/parallel.h>
#include <entasis/ops/methods.h>
#include <entasis/tests/ops/naive.h>

namespace entasis {
namespace {

using namespace naive;

// The first place of the lower median of those that are not NaN.
int64_t place_of_median(const Values& values) {
  Values sorted;
  std::copy_if(values.begin(), values.end(), std::back_inserter(sorted),
               [](double v) { return !std::isnan(v); });
  std::sort(sorted.begin(), sorted.end());
  const double median = sorted[(sorted.size() - 1) / 2];
  return std::find(values.begin(), values.end(), median) - values.begin();
}

void expect_median(DType dtype, const Values& values, const std::string& what) {
  const Tensor x = tensor(dtype, {int64_t(values.size())}, values);
  const Values held = values_of(x);
  EXPECT_EQ(nanmedian_dim(x, 0).indices.item<int64_t>(), place_of_median(held)) << what;
}

constexpr int64_t kSizes[] = {1, 2, 63, 65, 1000, 1025, 5000, 300001};

TEST(Median, OfLongSlicesOfEveryDType) {
  for (const DType dtype : {kF32, kF64, kF16, kBF16, kI8, kI32, kI64, kU8, kU64}) {
    for (const int64_t n : kSizes) {
      const std::string what = std::string(name_of(dtype)) + ", " + std::to_string(n);
      expect_median(dtype, random_values(dtype, n, uint32_t(n), -100, 100), what);
      expect_median(dtype, random_values(dtype, n, uint32_t(n), 1, 1.001), what + ", close");
      expect_median(dtype, Values(size_t(n), 3), what + ", equal");
    }
  }
}

TEST(Median, IgnoresNanAndTheSignsOfZeros) {
  const double nan = std::numeric_limits<double>::quiet_NaN(), infinity = HUGE_VAL;
  for (const DType dtype : {kF32, kF64, kF16}) {
    for (const int64_t n : kSizes) {
      Values values = random_values(dtype, n, 3);
      for (size_t i = 1; i < values.size(); i += 3) values[i] = nan;
      expect_median(dtype, values, "with NaN");
      for (size_t i = 0; i < values.size(); ++i) values[i] = i % 2 ? 0.0 : -0.0;
      expect_median(dtype, values, "zeros");
      for (size_t i = 0; i < values.size(); ++i) values[i] = i % 3 ? infinity : -infinity;
      expect_median(dtype, values, "infinities");
      values.assign(values.size(), nan);
      const Tensor x = tensor(dtype, {n}, values);
      EXPECT_EQ(nanmedian_dim(x, 0).indices.item<int64_t>(), 0);
    }
    Values values = random_values(dtype, 300001, 3);
    values[70000] = values[200000] = nan;
    EXPECT_EQ(median_dim(tensor(dtype, {300001}, values), 0).indices.item<int64_t>(), 70000);
  }
}

TEST(Median, IsTheSameForAnyNumberOfThreads) {
  const int before = num_threads();
  const Tensor x = tensor(kF32, {1000003}, random_values(kF32, 1000003));
  set_num_threads(1);
  const int64_t expected = median_dim(x, 0).indices.item<int64_t>();
  EXPECT_EQ(expected, place_of_median(values_of(x)));
  for (const int threads : {2, 7, 32}) {
    set_num_threads(threads);
    EXPECT_EQ(median_dim(x, 0).indices.item<int64_t>(), expected) << threads;
  }
  set_num_threads(before);
}

}  // namespace
}  // namespace entasis
