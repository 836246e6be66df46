// Numbers for human eyes, at their edges.
// The clock and the memory figure of the process are checked here too.
#include <entasis/train/format.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>

#include <gtest/gtest.h>

#include <entasis/train/process.h>

namespace entasis::train {
namespace {

TEST(Format, Counts) {
  EXPECT_EQ(format_count(0), "0");
  EXPECT_EQ(format_count(999), "999");
  EXPECT_EQ(format_count(1000), "1,000");
  EXPECT_EQ(format_count(1234567), "1,234,567");
  EXPECT_EQ(format_count(-999), "-999");
  EXPECT_EQ(format_count(-1000), "-1,000");
  EXPECT_EQ(format_count(std::numeric_limits<int64_t>::min()), "-9,223,372,036,854,775,808");
}

TEST(Format, Rates) {
  EXPECT_EQ(format_rate(3.44), "3.4");
  EXPECT_EQ(format_rate(9.96), "10");
  EXPECT_EQ(format_rate(12345.4), "12,345");
  EXPECT_EQ(format_rate(INFINITY), "?");
}

TEST(Format, Seconds) {
  EXPECT_EQ(format_seconds(0), "0.00 s");
  EXPECT_EQ(format_seconds(1.234), "1.23 s");
  EXPECT_EQ(format_seconds(9.999), "10.0 s");
  EXPECT_EQ(format_seconds(59.96), "1 min 00 s");
  EXPECT_EQ(format_seconds(125), "2 min 05 s");
  EXPECT_EQ(format_seconds(3599.6), "1 h 00 min");
  EXPECT_EQ(format_seconds(3720), "1 h 02 min");
  EXPECT_EQ(format_seconds(NAN), "?");
  EXPECT_EQ(format_seconds(-1), "?");
}

TEST(Format, Clock) {
  EXPECT_EQ(format_clock(0), "0:00");
  EXPECT_EQ(format_clock(59.6), "1:00");
  EXPECT_EQ(format_clock(72), "1:12");
  EXPECT_EQ(format_clock(3725), "1:02:05");
  EXPECT_EQ(format_clock(1e300), "277777:46:40");
  EXPECT_EQ(format_clock(INFINITY), "?");
}

TEST(Format, Bytes) {
  EXPECT_EQ(format_bytes(0), "0 B");
  EXPECT_EQ(format_bytes(1023), "1023 B");
  EXPECT_EQ(format_bytes(1024), "1.0 KiB");
  EXPECT_EQ(format_bytes(1024 * 1024 - 1), "1.0 MiB");
  EXPECT_EQ(format_bytes(int64_t{57} << 30), "57.0 GiB");
}

TEST(Format, Losses) {
  EXPECT_EQ(format_loss(0), "0.0000");
  EXPECT_EQ(format_loss(0.12345), "0.1235");
  EXPECT_EQ(format_loss(12.345), "12.35");
  EXPECT_EQ(format_loss(12345.67), "12345.7");
  EXPECT_EQ(format_loss(1234567), "1.23e6");
  EXPECT_EQ(format_loss(4.5e-5), "4.50e-5");
  EXPECT_EQ(format_loss(-2.5), "-2.5000");
  EXPECT_EQ(format_loss(NAN), "nan");
  EXPECT_EQ(format_loss(-INFINITY), "-inf");
}

TEST(Format, PerCents) {
  EXPECT_EQ(format_percent(0.97461), "97.46 %");
  EXPECT_EQ(format_percent(1, 0), "100 %");
  EXPECT_EQ(format_percent(-1e-9), "0.00 %");
}

TEST(Process, ClockGoesForwards) {
  const double first = monotonic_seconds();
  const double second = monotonic_seconds();
  EXPECT_GE(second, first);
  EXPECT_LT(second - first, 10);
}

TEST(Process, PeakMemorySeesAnAllocation) {
  const int64_t before = peak_memory_bytes();
  ASSERT_GT(before, 0);
  constexpr size_t kBytes = size_t{256} << 20;
  {
    const std::string block(kBytes, 'x');
    ASSERT_EQ(block[kBytes / 2], 'x');
  }
  // It stays up after the memory is given back. (The process may have been larger before.)
  const int64_t after = peak_memory_bytes();
  EXPECT_GE(after, int64_t{kBytes});
  EXPECT_GE(after, before);
}

}  // namespace
}  // namespace entasis::train
