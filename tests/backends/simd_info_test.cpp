// The names of the SIMD targets, held against what the kernel says of this processor.
#include <entasis/backends/cpu/simd_info.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <string>

#include <gtest/gtest.h>

namespace entasis {
namespace {

TEST(SimdInfo, OneOfTheCompiledTargetsIsInUse) {
  const SimdInfo info = simd_info();
  const auto& compiled = info.compiled;
  EXPECT_FALSE(compiled.empty());
  EXPECT_EQ(std::count(compiled.begin(), compiled.end(), info.in_use), 1);
}

#if defined(__x86_64__)
TEST(SimdInfo, IsTheBestThatThisProcessorHas) {
  std::ifstream file("/proc/cpuinfo");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const auto has = [&](const std::string& flag) {
    return text.find(" " + flag + " ") != std::string::npos;
  };
  const SimdInfo info = simd_info();
  const auto compiled = [&](const char* name) {
    return std::find(info.compiled.begin(), info.compiled.end(), name) != info.compiled.end();
  };
  const bool avx512 =
      has("avx512f") && has("avx512bw") && has("avx512cd") && has("avx512dq") && has("avx512vl");
  const bool avx2 = has("avx2") && has("fma") && has("bmi2");
  EXPECT_TRUE(compiled("SSE4"));
  if (avx512 && compiled("AVX3")) {
    EXPECT_EQ(info.in_use, "AVX3");
  } else if (avx2 && compiled("AVX2")) {
    EXPECT_EQ(info.in_use, "AVX2");
  } else {
    EXPECT_EQ(info.in_use, "SSE4");
  }
}
#endif

}  // namespace
}  // namespace entasis
