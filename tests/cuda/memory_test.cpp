// The caching allocator as users see it: figures, reuse, streams, and what an exhausted device
// says.
#include <string>

#include <entasis/core/error.h>
#include <entasis/core/stream.h>

#include "device.h"

namespace entasis {
namespace {

class CudaMemory : public CudaTest {
 protected:
  void SetUp() override {
    CudaTest::SetUp();
    if (IsSkipped()) return;
    backend_of(DeviceType::kCUDA).release_cache(0);
    backend_of(DeviceType::kCUDA).reset_peak_memory(0);
  }
  static Tensor block(int64_t bytes) { return empty_strided(Spec::dense(kU8, {bytes}), kCuda); }
};

TEST_F(CudaMemory, IsCountedInUnitsOf512Bytes) {
  const size_t before = memory_stats(kCuda).allocated;
  {
    const Tensor a = block(1), b = block(513);
    EXPECT_EQ(memory_stats(kCuda).allocated, before + 512 + 1024);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(a.raw()) % 512, 0u);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(b.raw()) % 512, 0u);
  }
  EXPECT_EQ(memory_stats(kCuda).allocated, before);
  EXPECT_GE(memory_stats(kCuda).peak_allocated, before + 1536);
}

TEST_F(CudaMemory, NothingHasNoAddress) { EXPECT_EQ(block(0).raw(), nullptr); }

TEST_F(CudaMemory, AFreedBlockServesTheNextRequest) {
  const void* first = nullptr;
  {
    const Tensor t = block(5000);
    first = t.raw();
  }
  const uint64_t hits = memory_stats(kCuda).cache_hits;
  const Tensor t = block(4800);
  EXPECT_EQ(t.raw(), first);
  EXPECT_EQ(memory_stats(kCuda).cache_hits, hits + 1);
}

TEST_F(CudaMemory, NeighboursAreJoined) {
  const void* start = nullptr;
  {
    const Tensor a = block(400'000), b = block(400'000);
    start = a.raw();
    EXPECT_EQ(static_cast<const char*>(b.raw()) - static_cast<const char*>(start), 400'384);
  }
  EXPECT_EQ(block(800'000).raw(), start);
}

TEST_F(CudaMemory, TheSmallestBlockThatFitsIsTaken) {
  Tensor keep[3], gap[2];
  gap[0] = block(64 * 1024);
  keep[0] = block(512);
  gap[1] = block(16 * 1024);
  keep[1] = block(512);
  const void* small = gap[1].raw();
  gap[0] = {};
  gap[1] = {};
  EXPECT_EQ(block(15 * 1024).raw(), small);
}

TEST_F(CudaMemory, LargeRequestsHaveSegmentsOfTheirOwn) {
  const size_t before = memory_stats(kCuda).reserved;
  {
    const Tensor t = block(int64_t{33} << 20);
    EXPECT_EQ(memory_stats(kCuda).reserved, before + (size_t{34} << 20));
  }
  EXPECT_EQ(memory_stats(kCuda).reserved, before + (size_t{34} << 20));  // kept for the next
  backend_of(DeviceType::kCUDA).release_cache(0);
  EXPECT_EQ(memory_stats(kCuda).reserved, before);
}

TEST_F(CudaMemory, AStreamReusesItsOwnBlocksAlone) {
  const void* first = nullptr;
  {
    const Tensor t = block(5000);
    first = t.raw();
  }
  const Stream side(kCuda);
  const StreamGuard guard(side);
  EXPECT_NE(block(5000).raw(), first);
}

TEST_F(CudaMemory, ABlockInUseOnAnotherStreamIsNotReused) {
  const void* first = nullptr;
  {
    const Tensor t = ramp(1000);
    first = t.raw();
    const StreamGuard guard{Stream(kCuda)};
    // On a GPU the side stream may be done at once; the emulation never is before it is waited for.
    EXPECT_EQ(to_vector(add(t, t))[999], 1998);
    add(t, t);
  }
  const Tensor again = block(4000);
  if (again.raw() == first) {
    EXPECT_NE(memory_summary(kCuda).find("waiting     0 blocks"), std::string::npos);
  }
  synchronize(kCuda);
}

TEST_F(CudaMemory, TheSummaryTellsStreamsAndFragmentation) {
  const Tensor a = block(1000);
  const std::string text = memory_summary(kCuda);
  for (const char* part : {"memory of cuda:0", "allocated", "reserved", "fragmentation",
                           "largest free block", "stream 0: allocated"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << " is missing in\n" << text;
  }
}

TEST_F(CudaMemory, AnExhaustedDeviceNamesTheLargestTensors) {
  const Tensor large = add(block(3'000'000), 1);
  const int line = __LINE__ - 1;
  try {
    empty_strided(Spec::dense(kF64, {int64_t{1} << 40}), kCuda);
    FAIL() << "no error";
  } catch (const OutOfMemoryError& error) {
    const std::string text = error.what();
    for (const std::string& part :
         {std::string("no 8388608.00 MiB left on cuda:0"), std::string("largest live tensors:"),
          std::string("2.86 MiB made by add, memory_test.cpp:") + std::to_string(line)}) {
      EXPECT_NE(text.find(part), std::string::npos) << part << " is missing in\n" << text;
    }
  }
  EXPECT_EQ(to_vector(add(ramp(3), 1))[2], 3);  // the device is still usable
}

}  // namespace
}  // namespace entasis
