// The emulation is as good as what it finds: every planted bug must be found, by the tool that is
// named here for this build, and its correct twin must pass in every scheduling order.
//
// A bug may show in some orders only; it is tried in one after another. Where this build's tools
// are blind to a bug, another build's see it: the table says which.
#include <sys/wait.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <regex>
#include <string>
#include <vector>

#include <entasis/backends/cuda/error.h>

#include "control.h"
#include "planted.h"
#include "sanitizers.h"

namespace entasis::cuda {
namespace {

#ifdef __clang__
constexpr bool kClang = true;
#else
constexpr bool kClang = false;
#endif

struct Expected {
  const char* name;
  const char* plain;    // what is printed in builds without sanitizer; null: nothing
  const char* address;  // with address and undefined-behaviour sanitizers
  const char* thread;   // with the thread sanitizer
};

constexpr char kWrong[] = "wrong result";
constexpr char kRace[] = "ThreadSanitizer: data race";
constexpr char kAfterFree[] = "AddressSanitizer: heap-use-after-free";
constexpr char kAfterFreeToo[] = "ThreadSanitizer: heap-use-after-free";
constexpr char kBarrier[] = "divergent barrier.* at .*blocks\\.cu:\\d+, block 0,0,0, thread \\d+";
constexpr char kWarp[] =
    "divergent warp operation.* at .*warps\\.cu:\\d+, block 0,0,0, thread \\d+";
constexpr char kMask[] = "the mask does not name the calling lane, at .*warps\\.cu:\\d+";
constexpr char kExited[] = "warp operation.*(exited|different masks|meet at different places)";
constexpr char kShared[] = "write past the end of dynamic shared memory.* in .*without_barrier";
constexpr char kPoisoned[] = "AddressSanitizer: use-after-poison";
constexpr char kAligned[] = "misaligned access, at .*memory\\.cu:\\d+";
constexpr char kLaunch[] = "launch with a block of 2048x1x1 threads.*add_in_static";
constexpr char kGuard[] = "written outside of the 4000 bytes";
constexpr char kFreed[] = "illegal memory access: device code touches 4 bytes .* that were freed";
constexpr char kFar[] =
    "illegal memory access: device code touches 19600 bytes behind the end of 400";
constexpr char kHost[] = "illegal memory access: host code touches device memory";
constexpr char kIndex[] = "runtime error: index \\d+ out of bounds";

// g++ before 15 cannot gather static __shared__ variables, to fill them with NaN.
constexpr const char* kSpoiled = kClang ? kWrong : nullptr;
// clang 14 does not check the alignment of a copied struct.
constexpr const char* kUndefined = kClang ? nullptr : "runtime error: .*misaligned address";

const Expected kExpected[] = {
    {"missing_barrier", kWrong, kWrong, kRace},
    {"missing_barrier_in_large_block", kWrong, kWrong, kRace},
    {"short_dynamic_shared", kShared, kPoisoned, kShared},
    {"static_shared_out_of_range", nullptr, kIndex, nullptr},
    {"write_after_read", kWrong, kWrong, kRace},
    {"uninitialised_shared", kWrong, kWrong, kWrong},
    {"uninitialised_static_shared", kSpoiled, kSpoiled, kSpoiled},
    {"divergent_barrier", kBarrier, kBarrier, kRace},
    {"too_many_threads", kLaunch, kLaunch, kLaunch},

    {"missing_syncwarp", kWrong, kWrong, kRace},
    {"divergent_shuffle", kWarp, kWarp, kWarp},
    {"shuffles_that_do_not_meet", kWarp, kWarp, kWarp},
    {"wrong_mask", kMask, kMask, kMask},
    {"exited_lanes", kExited, kExited, kExited},
    {"source_outside_mask", kWrong, kWrong, kWrong},

    {"write_past_the_end", kGuard, kPoisoned, kGuard},
    {"read_past_the_end", nullptr, kPoisoned, nullptr},
    {"misaligned_load", kAligned, kAligned, kAligned},
    {"misaligned_plain_load", nullptr, kUndefined, nullptr},
    {"missing_atomic", nullptr, nullptr, kRace},
    {"missing_fence", nullptr, nullptr, kRace},
    {"uninitialised_memory", kWrong, kWrong, kWrong},
    {"kernel_after_free", kFreed, kPoisoned, kFreed},
    {"far_out_of_range", kFar, kFar, kFar},
    {"host_reads_device_memory", kHost, kHost, kHost},

    {"missing_event_wait", kWrong, kWrong, kWrong},
    {"event_recorded_too_early", kWrong, kWrong, kWrong},
    {"free_across_streams", kWrong, kWrong, kWrong},
    {"unsynchronised_copy", kWrong, kWrong, kWrong},
    {"pinned_memory_reused", kWrong, kWrong, kWrong},
    {"host_memory_gone", nullptr, kAfterFree, kAfterFreeToo},
};

const char* const kOrders[] = {"ascending", "descending", "1", "2", "3", "4"};

const char* expected_here(const Expected& bug) {
  if (emulation::kAddressSanitizer) return bug.address;
  return emulation::kThreadSanitizer ? bug.thread : bug.plain;
}

std::vector<PlantedBug> all_planted() {
  std::vector<PlantedBug> all;
  for (const auto& some :
       {planted_in_blocks(), planted_in_warps(), planted_in_memory(), planted_in_streams()}) {
    all.insert(all.end(), some.begin(), some.end());
  }
  return all;
}

struct Ended {
  int code;
  std::string output;
};

Ended run_wrong(const std::string& name, const std::string& order) {
  const std::string command =
      "ENTASIS_EMULATION_ORDER=" + order + " '" ENTASIS_PLANTED_BUGS "' " + name + " wrong 2>&1";
  std::FILE* const pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return {-1, "popen failed"};
  Ended ended{0, ""};
  char buffer[4096];
  while (const size_t got = std::fread(buffer, 1, sizeof buffer, pipe)) {
    ended.output.append(buffer, got);
  }
  const int status = pclose(pipe);
  ended.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return ended;
}

class Bug : public testing::TestWithParam<Expected> {};
class Twin : public testing::TestWithParam<Expected> {};

TEST_P(Bug, IsFound) {
  const char* const pattern = expected_here(GetParam());
  std::string told;
  for (const char* const order : kOrders) {
    const Ended ended = run_wrong(GetParam().name, order);
    if (std::regex_search(ended.output, std::regex(pattern)) && ended.code != 0) {
      // (g++'s undefined-behaviour sanitizer ends a program without telling anyone.)
      if (!kClang && ended.output.find("runtime error:") != std::string::npos) return;
      EXPECT_NE(ended.output.find("ENTASIS_EMULATION_ORDER=" + std::string(order)),
                std::string::npos)
          << ended.output;
      return;
    }
    told += std::string(order) + ": code " + std::to_string(ended.code) + "\n" + ended.output;
  }
  FAIL() << GetParam().name << " shows in no order; expected: " << pattern << "\n" << told;
}

// What the thread sanitizer takes for a race does not depend on who runs first. (A divergent
// barrier may be found before anything races.)
TEST(PlantedBugs, AreRacesInEveryOrder) {
  if (!emulation::kThreadSanitizer) GTEST_SKIP() << "for the thread sanitizer";
  for (const Expected& bug : kExpected) {
    if (bug.thread != kRace || std::string(bug.name) == "divergent_barrier") continue;
    for (const char* const order : kOrders) {
      const Ended ended = run_wrong(bug.name, order);
      EXPECT_TRUE(ended.output.find(kRace) != std::string::npos)
          << bug.name << ", " << order << ": code " << ended.code << "\n"
          << ended.output;
    }
  }
}

TEST_P(Twin, Passes) {
  for (const PlantedBug& bug : all_planted()) {
    if (std::string(bug.name) != GetParam().name) continue;
    for (const char* const order : kOrders) {
      SCOPED_TRACE(order);
      emulation::reset();
      setenv("ENTASIS_EMULATION_ORDER", order, 1);
      cudaStream_t stream = nullptr;
      check(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "stream");
      EXPECT_TRUE(bug.run(false, stream));
      check(cudaDeviceSynchronize(), "end");
      check(cudaStreamDestroy(stream), "stream");
      EXPECT_EQ(emulation::last_failure(), "");
      unsetenv("ENTASIS_EMULATION_ORDER");
    }
    return;
  }
  FAIL() << "not planted";
}

std::vector<Expected> visible_here() {
  std::vector<Expected> visible;
  for (const Expected& bug : kExpected) {
    if (expected_here(bug) != nullptr) visible.push_back(bug);
  }
  return visible;
}

std::string name_of(const testing::TestParamInfo<Expected>& info) { return info.param.name; }

INSTANTIATE_TEST_SUITE_P(Planted, Bug, testing::ValuesIn(visible_here()), name_of);
INSTANTIATE_TEST_SUITE_P(Planted, Twin, testing::ValuesIn(kExpected), name_of);

TEST(PlantedBugs, AreAllExpected) { EXPECT_EQ(all_planted().size(), std::size(kExpected)); }

}  // namespace
}  // namespace entasis::cuda
