// A few workloads as plain scalar loops, compiled without vectors: what SIMD is compared with.
// Built beside the peers, and measured only if --peer names it.
#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "workload.h"

namespace {

using namespace entasis::bench;

std::vector<float> random_numbers(int64_t n) {
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  std::vector<float> numbers(static_cast<size_t>(n));
  for (float& number : numbers) number = normal(random);
  return numbers;
}

template <class F>
class Pointwise final : public Work {
 public:
  Pointwise(int64_t n, F f)
      : a_(random_numbers(n)), b_(random_numbers(n)), result_(static_cast<size_t>(n)), f_(f) {}
  void run() override {
    for (size_t i = 0; i < result_.size(); ++i) result_[i] = f_(a_[i], b_[i]);
    asm volatile("" : : "r"(result_.data()) : "memory");
  }

 private:
  std::vector<float> a_, b_, result_;
  F f_;
};

class Product final : public Work {
 public:
  explicit Product(const std::vector<int64_t>& s)
      : m_(s[0]),
        k_(s[1]),
        n_(s[2]),
        a_(random_numbers(m_ * k_)),
        b_(random_numbers(k_ * n_)),
        c_(static_cast<size_t>(m_ * n_)) {}
  // Rows of B are added up, which reads all memory in order.
  void run() override {
    for (int64_t i = 0; i < m_; ++i) {
      float* const c = c_.data() + i * n_;
      for (int64_t j = 0; j < n_; ++j) c[j] = 0;
      for (int64_t p = 0; p < k_; ++p) {
        const float factor = a_[static_cast<size_t>(i * k_ + p)];
        const float* const b = b_.data() + p * n_;
        for (int64_t j = 0; j < n_; ++j) c[j] += factor * b[j];
      }
    }
    asm volatile("" : : "r"(c_.data()) : "memory");
  }

 private:
  int64_t m_, k_, n_;
  std::vector<float> a_, b_, c_;
};

Work* make(const std::string& text) {
  const Name name(text);
  const std::string& kind = name.fields[0];
  if (kind == "matmul" && name.fields.at(2) == "nn" && name.sizes(1).size() == 3) {
    return new Product(name.sizes(1));
  }
  if (name.fields.size() != 2) return nullptr;
  const int64_t n = name.sizes(1)[0];
  const auto pointwise = [n](auto f) { return new Pointwise(n, f); };
  if (kind == "add") return pointwise([](float a, float b) { return a + b; });
  if (kind == "relu") return pointwise([](float a, float) { return a > 0 ? a : 0.0f; });
  if (kind == "sigmoid") return pointwise([](float a, float) { return 1 / (1 + std::exp(-a)); });
  if (kind == "gelu") {
    return pointwise([](float a, float) { return 0.5f * a * (1 + std::erf(a * 0.70710678f)); });
  }
  return nullptr;
}

}  // namespace

extern "C" __attribute__((visibility("default"))) const BenchPeer bench_peer;
const BenchPeer bench_peer{"scalar loops", [](int) {}, make};
