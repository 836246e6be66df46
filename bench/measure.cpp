#include "measure.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <fstream>
#include <string>
#include <thread>

#include <entasis/backends/cpu/parallel.h>

namespace entasis::bench {
namespace {

using Clock = std::chrono::steady_clock;

double seconds(const std::function<void()>& run, int64_t times) {
  const auto start = Clock::now();
  for (int64_t i = 0; i < times; ++i) run();
  return std::chrono::duration<double>(Clock::now() - start).count() / double(times);
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const size_t n = values.size();
  return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

Sample sample(const std::vector<double>& values) {
  return {median(values), *std::min_element(values.begin(), values.end())};
}

// How often to run so that a round takes about as long as planned.
int64_t calibrate(const std::function<void()>& run, double round_seconds) {
  run();  // warms caches, allocators and thread pools
  const double once = std::max(seconds(run, 1), 1e-9);
  return std::max<int64_t>(1, std::llround(round_seconds / once));
}

}  // namespace

Comparison compare(const std::function<void()>& ours, const std::function<void()>& peer,
                   const Plan& plan) {
  const int64_t our_times = calibrate(ours, plan.seconds_per_round);
  const int64_t peer_times = peer ? calibrate(peer, plan.seconds_per_round) : 0;
  std::vector<double> our_seconds, peer_seconds, ratios;
  for (int round = 0; round < plan.rounds; ++round) {
    our_seconds.push_back(seconds(ours, our_times));
    cpu::sleep_workers();
    if (!peer) continue;
    peer_seconds.push_back(seconds(peer, peer_times));
    ratios.push_back(peer_seconds.back() / our_seconds.back());
  }
  Comparison c;
  c.ours = sample(our_seconds);
  if (peer) {
    c.peer = sample(peer_seconds);
    c.ratio = median(ratios);
  }
  return c;
}

size_t peak_resident() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmHWM:")) return std::stoull(line.substr(6)) * 1024;
  }
  return 0;
}

namespace {

#if defined(__x86_64__)
// Ten independent chains of 512- or 256-bit fused multiply-adds, the widest that the machine has.
__attribute__((target("avx512f"))) double fma_loop_512(int64_t times) {
  typedef float V __attribute__((vector_size(64)));
  V a[10], x = {}, y = {};
  for (auto& v : a) v = V{};
  x += 1.0000001f;
  y += 1e-9f;
  for (int64_t i = 0; i < times; ++i) {
#pragma GCC unroll 10
    for (auto& v : a) v = v * x + y;
    asm volatile("" : "+v"(a[0]), "+v"(a[1]), "+v"(a[2]), "+v"(a[3]), "+v"(a[4]));
  }
  float sum = 0;
  for (auto& v : a) sum += v[0];
  return double(sum);
}
__attribute__((target("avx2,fma"))) double fma_loop_256(int64_t times) {
  typedef float V __attribute__((vector_size(32)));
  V a[10], x = {}, y = {};
  for (auto& v : a) v = V{};
  x += 1.0000001f;
  y += 1e-9f;
  for (int64_t i = 0; i < times; ++i) {
#pragma GCC unroll 10
    for (auto& v : a) v = v * x + y;
    asm volatile("" : "+x"(a[0]), "+x"(a[1]), "+x"(a[2]), "+x"(a[3]), "+x"(a[4]));
  }
  float sum = 0;
  for (auto& v : a) sum += v[0];
  return double(sum);
}

double core_flops() {
  constexpr int64_t kTimes = 2'000'000;
  const bool wide = __builtin_cpu_supports("avx512f");
  if (!wide && !__builtin_cpu_supports("fma")) return 0;
  volatile double sink = 0;
  std::vector<double> rates;
  for (int i = 0; i < 7; ++i) {
    const auto start = Clock::now();
    sink = sink + (wide ? fma_loop_512(kTimes) : fma_loop_256(kTimes));
    const double elapsed = std::chrono::duration<double>(Clock::now() - start).count();
    rates.push_back(2.0 * 10 * (wide ? 16 : 8) * double(kTimes) / elapsed);
  }
  return *std::max_element(rates.begin(), rates.end());
}
#else
double core_flops() { return 0; }
#endif

}  // namespace

double peak_flops(int threads) { return core_flops() * threads; }

}  // namespace entasis::bench
