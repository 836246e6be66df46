// The thread pool: coverage, cuts, nesting, exceptions, fork, concurrent callers, equal bits for
// any number of threads, and where the default number of threads comes from.
#include <entasis/backends/cpu/parallel.h>

#include <sys/wait.h>
#include <unistd.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <entasis/backends/cpu/internal/threads.h>
#include <entasis/core/error.h>

namespace entasis {
namespace {

// Sets the number of threads for one test.
class Threads {
 public:
  explicit Threads(int threads) : before_(num_threads()) { set_num_threads(threads); }
  ~Threads() { set_num_threads(before_); }

 private:
  int before_;
};

constexpr int kThreadCounts[] = {1, 2, 7, 32};

TEST(ParallelFor, VisitsEachIndexOnceAndCutsAtGrains) {
  for (const int threads : kThreadCounts) {
    const Threads scope(threads);
    for (const int64_t n : {0, 1, 2, 3, 63, 64, 65, 1000, 100003}) {
      for (const int64_t grain : {1, 3, 64, 1000}) {
        std::vector<std::atomic<int>> visits(static_cast<size_t>(n));
        std::atomic<bool> good_cuts{true};
        parallel_for(n, grain, [&](int64_t begin, int64_t end) {
          if (begin % grain != 0 || (end % grain != 0 && end != n) || begin >= end) {
            good_cuts = false;
          }
          for (int64_t i = begin; i < end; ++i) visits[static_cast<size_t>(i)]++;
        });
        EXPECT_TRUE(good_cuts) << "n " << n << " grain " << grain << " threads " << threads;
        for (const auto& count : visits) ASSERT_EQ(count, 1);
      }
    }
  }
}

TEST(ParallelFor, UsesSeveralThreadsForSlowRanges) {
  const Threads scope(4);
  std::atomic<int> waiting{0};
  std::atomic<bool> met{false};
  parallel_for(4, 1, [&](int64_t begin, int64_t end) {
    // One thread alone would hold the first range until the time is up.
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    for (int64_t i = begin; i < end; ++i) {
      if (++waiting >= 2) met = true;
      while (!met && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
    }
  });
  EXPECT_TRUE(met);
}

TEST(ParallelFor, RunsSmallWorkOnTheCallingThread) {
  const Threads scope(4);
  const auto caller = std::this_thread::get_id();
  int calls = 0;
  parallel_for(64, 64, [&](int64_t begin, int64_t end) {
    EXPECT_EQ(std::this_thread::get_id(), caller);
    EXPECT_EQ(begin, 0);
    EXPECT_EQ(end, 64);
    ++calls;
  });
  EXPECT_EQ(calls, 1);
}

TEST(ParallelFor, NestedCallsRunSerially) {
  const Threads scope(4);
  EXPECT_FALSE(cpu::in_parallel());
  std::atomic<int> outside{0};
  std::atomic<int64_t> sum{0};
  parallel_for(16, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const auto thread = std::this_thread::get_id();
      if (cpu::available_threads() != 1) ++outside;
      parallel_for(100, 1, [&](int64_t from, int64_t to) {
        if (std::this_thread::get_id() != thread) ++outside;
        sum += to - from;
      });
    }
  });
  EXPECT_EQ(outside, 0);
  EXPECT_EQ(sum, 1600);
  EXPECT_FALSE(cpu::in_parallel());
}

TEST(ParallelFor, ThrowsTheFirstExceptionByIndex) {
  for (const int threads : kThreadCounts) {
    const Threads scope(threads);
    for (int round = 0; round < 50; ++round) {
      try {
        parallel_for(200, 1, [&](int64_t begin, int64_t end) {
          for (int64_t i = begin; i < end; ++i) {
            if (i >= 37 && i % 2 == 1) throw std::runtime_error(std::to_string(i));
          }
        });
        FAIL() << "no exception";
      } catch (const std::runtime_error& error) {
        EXPECT_STREQ(error.what(), "37");
      }
    }
    std::atomic<int64_t> sum{0};  // the pool still works
    parallel_for(1000, 1, [&](int64_t begin, int64_t end) { sum += end - begin; });
    EXPECT_EQ(sum, 1000);
  }
}

TEST(ParallelFor, RefusesNonsense) {
  const auto nothing = [](int64_t, int64_t) {};
  EXPECT_THROW(parallel_for(-1, 1, nothing), ValueError);
  EXPECT_THROW(parallel_for(10, 0, nothing), ValueError);
  EXPECT_THROW(parallel_for(10, -5, nothing), ValueError);
  EXPECT_THROW(parallel_reduce(
                   10, 0, 0, [](int64_t, int64_t) { return 0; }, std::plus<>()),
               ValueError);
}

TEST(ParallelFor, SeveralCallersAtOnce) {
  const Threads scope(3);
  std::atomic<int> wrong{0};
  std::vector<std::thread> callers;
  for (int c = 0; c < 4; ++c) {
    callers.emplace_back([&wrong, c] {
      for (int round = 0; round < 200; ++round) {
        std::vector<int64_t> out(500, -1);
        parallel_for(500, 7, [&](int64_t begin, int64_t end) {
          for (int64_t i = begin; i < end; ++i) out[static_cast<size_t>(i)] = i * (c + 1);
        });
        for (int64_t i = 0; i < 500; ++i) wrong += out[static_cast<size_t>(i)] != i * (c + 1);
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(wrong, 0);
}

TEST(ParallelFor, ThreadCountMayChangeWhileOthersWork) {
  const Threads scope(2);
  std::atomic<bool> done{false};
  std::thread changer([&] {
    for (int i = 0; !done; ++i) {
      set_num_threads(1 + i % 5);
      std::this_thread::yield();
    }
  });
  for (int round = 0; round < 300; ++round) {
    std::atomic<int64_t> sum{0};
    parallel_for(100, 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) sum += i;
    });
    ASSERT_EQ(sum, 4950);
  }
  done = true;
  changer.join();
}

TEST(ParallelFor, WorksWhenWorkersHaveFallenAsleep) {
  const Threads scope(4);
  for (int round = 0; round < 20; ++round) {
    std::atomic<int64_t> sum{0};
    parallel_for(100, 1, [&](int64_t begin, int64_t end) { sum += end - begin; });
    ASSERT_EQ(sum, 100);
    cpu::sleep_workers();
  }
}

TEST(ParallelFor, WorksAfterFork) {
#if defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "ThreadSanitizer does not follow threads of a forked child";
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
  GTEST_SKIP() << "ThreadSanitizer does not follow threads of a forked child";
#endif
#endif
  const Threads scope(4);
  const auto total = [] {
    std::atomic<int64_t> sum{0};
    parallel_for(1000, 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) sum += i;
    });
    return sum.load();
  };
  ASSERT_EQ(total(), 499500);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    alarm(20);  // a hang must not outlive the test
    bool right = true;
    for (int round = 0; round < 10; ++round) right = right && total() == 499500;
    _exit(right ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << "status " << status;
  EXPECT_EQ(total(), 499500);
}

TEST(ParallelReduce, SameBitsForAnyNumberOfThreads) {
  std::vector<float> values(100001);
  for (size_t i = 0; i < values.size(); ++i) {
    values[i] = std::sin(static_cast<float>(i)) * std::exp2(static_cast<float>(i % 23));
  }
  const auto sum = [&](int64_t n) {
    return parallel_reduce(
        n, 100, 0.0f,
        [&](int64_t begin, int64_t end) {
          float total = 0;
          for (int64_t i = begin; i < end; ++i) total += values[static_cast<size_t>(i)];
          return total;
        },
        [](float a, float b) { return a + b; });
  };
  for (const int64_t n : {0, 1, 99, 100, 101, 12345, 100001}) {
    uint32_t expected = 0;
    for (const int threads : kThreadCounts) {
      const Threads scope(threads);
      const float total = sum(n);
      uint32_t bits;
      std::memcpy(&bits, &total, sizeof(bits));
      if (threads == 1) expected = bits;
      EXPECT_EQ(bits, expected) << "n " << n << " threads " << threads;
    }
  }
}

TEST(ParallelReduce, JoinsChunksInOrder) {
  const Threads scope(7);
  const auto text = parallel_reduce(
      26, 1, std::string("nothing"),
      [](int64_t begin, int64_t) { return std::string(1, static_cast<char>('a' + begin)); },
      [](const std::string& a, const std::string& b) { return a + b; });
  EXPECT_EQ(text, "abcdefghijklmnopqrstuvwxyz");
  EXPECT_EQ(parallel_reduce(
                0, 1, std::string("nothing"), [](int64_t, int64_t) { return std::string(); },
                [](const std::string& a, const std::string&) { return a; }),
            "nothing");
}

TEST(ParallelReduce, ReducesBooleans) {
  const Threads scope(7);
  const auto any_equal = [](int64_t wanted) {
    return parallel_reduce(
        1000, 3, false, [&](int64_t begin, int64_t end) { return begin <= wanted && wanted < end; },
        [](bool a, bool b) { return a || b; });
  };
  EXPECT_TRUE(any_equal(0));
  EXPECT_TRUE(any_equal(999));
  EXPECT_FALSE(any_equal(1000));
}

TEST(ThreadCount, RefusesNonsense) {
  for (const int threads : {0, -1, kMaxThreads + 1}) {
    EXPECT_THROW(set_num_threads(threads), ValueError) << threads;
  }
  const int before = num_threads();
  set_num_threads(3);
  EXPECT_EQ(num_threads(), 3);
  set_num_threads(before);
}

TEST(ThreadCount, ComesFromTheEnvironment) {
  const char* const found = std::getenv("ENTASIS_NUM_THREADS");
  const std::string before = found != nullptr ? found : "";
  ASSERT_EQ(setenv("ENTASIS_NUM_THREADS", "5", 1), 0);
  EXPECT_EQ(cpu::default_num_threads(), 5);
  for (const char* nonsense : {"", "0", "-2", "two", "3x", "2.5", "99999999999999999999", "1025"}) {
    setenv("ENTASIS_NUM_THREADS", nonsense, 1);
    EXPECT_THROW(cpu::default_num_threads(), ValueError) << nonsense;
  }
  unsetenv("ENTASIS_NUM_THREADS");
  EXPECT_GE(cpu::default_num_threads(), 1);
  EXPECT_LE(cpu::default_num_threads(), cpu::affinity_cpus());
  if (found != nullptr) setenv("ENTASIS_NUM_THREADS", before.c_str(), 1);
}

class CgroupTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "cgroup-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    mount_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(mount_); }

  void put(const std::string& path, const std::string& text) {
    const std::filesystem::path file = mount_ + path;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }

  std::string mount_;
};

TEST_F(CgroupTest, Version2TakesTheSmallestLimitOnThePath) {
  EXPECT_EQ(cpu::cgroup_cpu_quota(mount_, "0::/a/b\n"), 0);
  put("/a/b/cpu.max", "max 100000\n");
  EXPECT_EQ(cpu::cgroup_cpu_quota(mount_, "0::/a/b\n"), 0);
  put("/a/cpu.max", "250000 100000\n");
  EXPECT_EQ(cpu::cgroup_cpu_quota(mount_, "0::/a/b\n"), 3);
  put("/a/b/cpu.max", "50000 100000\n");
  EXPECT_EQ(cpu::cgroup_cpu_quota(mount_, "0::/a/b\n"), 1);
  put("/cpu.max", "200000 100000\n");  // a container's own root; the path is the host's
  EXPECT_EQ(cpu::cgroup_cpu_quota(mount_, "0::/elsewhere/on/host\n"), 2);
}

TEST_F(CgroupTest, Version1ReadsQuotaAndPeriod) {
  const std::string membership = "5:memory:/x\n4:cpu,cpuacct:/docker/1\n0::/\n";
  EXPECT_EQ(cpu::cgroup_cpu_quota(mount_, membership), 0);
  put("/cpu,cpuacct/cpu.cfs_period_us", "100000\n");
  put("/cpu,cpuacct/cpu.cfs_quota_us", "-1\n");
  EXPECT_EQ(cpu::cgroup_cpu_quota(mount_, membership), 0);
  put("/cpu,cpuacct/cpu.cfs_quota_us", "150000\n");
  EXPECT_EQ(cpu::cgroup_cpu_quota(mount_, membership), 2);
  put("/cpu/docker/1/cpu.cfs_period_us", "100000\n");
  put("/cpu/docker/1/cpu.cfs_quota_us", "400000\n");
  EXPECT_EQ(cpu::cgroup_cpu_quota(mount_, "4:cpu:/docker/1\n"), 4);
  EXPECT_EQ(cpu::cgroup_cpu_quota(mount_, "4:cpuset:/docker/1\nnonsense\n"), 0);
}

}  // namespace
}  // namespace entasis
