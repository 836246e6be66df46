#include "measure.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <fstream>
#include <string>
#include <thread>

#include <entasis/backends/cpu/parallel.h>

namespace entasis::bench {
namespace {

using Clock = std::chrono::steady_clock;

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const size_t n = values.size();
  return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

// How often to run so that a round takes about as long as planned.
int64_t calibrate(Side& side, double round_seconds) {
  side.run(2);  // warms caches, allocators and thread pools
  const double once = std::max(side.run(1), 1e-9);
  return std::max<int64_t>(1, std::llround(round_seconds / once));
}

}  // namespace

Comparison compare(const std::vector<Side*>& sides, const Plan& plan) {
  std::vector<int64_t> times(sides.size());
  std::vector<std::vector<double>> measured(sides.size());
  for (size_t i = 0; i < sides.size(); ++i) {
    if (sides[i]) times[i] = calibrate(*sides[i], plan.seconds_per_round);
  }
  for (int round = 0; round < plan.rounds; ++round) {
    for (size_t i = 0; i < sides.size(); ++i) {
      if (!sides[i]) continue;
      sides[i]->run(1);  // wakes it
      measured[i].push_back(sides[i]->run(times[i]) / double(times[i]));
    }
  }
  Comparison c;
  c.seconds.resize(sides.size());
  for (size_t i = 0; i < sides.size(); ++i) {
    if (!sides[i]) continue;
    c.seconds[i] = median(measured[i]);
    if (i > 0 && (c.best_peer == 0 || *c.seconds[i] < *c.seconds[size_t(c.best_peer)])) {
      c.best_peer = int(i);
    }
  }
  if (c.best_peer > 0) {
    std::vector<double> ratios;
    for (size_t round = 0; round < measured[0].size(); ++round) {
      ratios.push_back(measured[size_t(c.best_peer)][round] / measured[0][round]);
    }
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
// Twelve independent chains of fused multiply-adds, as wide as the machine has them: more than
// latency times units, so that the units are never idle.
constexpr int kChains = 12;

__attribute__((target("avx512f"))) float fma_loop_512(int64_t times) {
  __m512 a[kChains];
  for (int i = 0; i < kChains; ++i) a[i] = _mm512_set1_ps(float(i));
  const __m512 x = _mm512_set1_ps(0.999f), y = _mm512_set1_ps(1e-3f);
  for (int64_t t = 0; t < times; ++t) {
#pragma GCC unroll 12
    for (int i = 0; i < kChains; ++i) a[i] = _mm512_fmadd_ps(a[i], x, y);
  }
  float sum = 0;
  for (int i = 0; i < kChains; ++i) sum += _mm512_cvtss_f32(a[i]);
  return sum;
}
__attribute__((target("avx2,fma"))) float fma_loop_256(int64_t times) {
  __m256 a[kChains];
  for (int i = 0; i < kChains; ++i) a[i] = _mm256_set1_ps(float(i));
  const __m256 x = _mm256_set1_ps(0.999f), y = _mm256_set1_ps(1e-3f);
  for (int64_t t = 0; t < times; ++t) {
#pragma GCC unroll 12
    for (int i = 0; i < kChains; ++i) a[i] = _mm256_fmadd_ps(a[i], x, y);
  }
  float sum = 0;
  for (int i = 0; i < kChains; ++i) sum += _mm256_cvtss_f32(a[i]);
  return sum;
}

double core_flops() {
  constexpr int64_t kTimes = 2'000'000;
  const bool wide = __builtin_cpu_supports("avx512f");
  if (!wide && !__builtin_cpu_supports("fma")) return 0;
  volatile float sink = 0;
  std::vector<double> rates;
  for (int i = 0; i < 7; ++i) {
    const auto start = Clock::now();
    sink = sink + (wide ? fma_loop_512(kTimes) : fma_loop_256(kTimes));
    const double elapsed = std::chrono::duration<double>(Clock::now() - start).count();
    rates.push_back(2.0 * kChains * (wide ? 16 : 8) * double(kTimes) / elapsed);
  }
  return *std::max_element(rates.begin(), rates.end());
}
#else
double core_flops() { return 0; }
#endif

}  // namespace

double peak_flops(int threads) { return core_flops() * threads; }

double copy_bandwidth(int threads) {
  constexpr int64_t kBytes = int64_t{64} << 20;
  std::vector<char> from(kBytes, 1), to(kBytes, 2);
  const int before = num_threads();
  set_num_threads(threads);
  double best = 0;
  for (int i = 0; i < 9; ++i) {
    const auto start = Clock::now();
    parallel_for(threads, 1, [&](int64_t begin, int64_t end) {
      const int64_t first = kBytes * begin / threads, last = kBytes * end / threads;
      std::memcpy(to.data() + first, from.data() + first, size_t(last - first));
    });
    const double elapsed = std::chrono::duration<double>(Clock::now() - start).count();
    best = std::max(best, 2.0 * double(kBytes) / elapsed);
  }
  set_num_threads(before);
  return best;
}

}  // namespace entasis::bench
