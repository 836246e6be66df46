// Matrix products by OpenBLAS, as a module that the runner opens if it was built.
#include <cblas.h>

#include <random>
#include <string>
#include <vector>

#include "workload.h"

namespace {

using namespace entasis::bench;

// C [m, n] = A [m, k] B [k, n], row after row; either operand may lie transposed.
class Product final : public Work {
 public:
  explicit Product(const Name& name) {
    std::vector<int64_t> s = name.sizes(1);
    if (s.size() == 4) {
      batch_ = s[0];
      s.erase(s.begin());
    }
    m_ = int(s[0]), k_ = int(s[1]), n_ = int(s[2]);
    transposed_a_ = name.fields.at(2)[0] == 't';
    transposed_b_ = name.fields.at(2)[1] == 't';
    std::mt19937 random(1);
    std::normal_distribution<float> normal;
    a_.resize(size_t(batch_ * m_ * k_));
    b_.resize(size_t(batch_ * k_ * n_));
    c_.resize(size_t(batch_ * m_ * n_));
    for (float& value : a_) value = normal(random);
    for (float& value : b_) value = normal(random);
  }

  void run() override {
    for (int64_t i = 0; i < batch_; ++i) {
      cblas_sgemm(CblasRowMajor, transposed_a_ ? CblasTrans : CblasNoTrans,
                  transposed_b_ ? CblasTrans : CblasNoTrans, m_, n_, k_, 1, a_.data() + i * m_ * k_,
                  transposed_a_ ? m_ : k_, b_.data() + i * k_ * n_, transposed_b_ ? k_ : n_, 0,
                  c_.data() + i * m_ * n_, n_);
    }
  }

 private:
  int64_t batch_ = 1;
  int m_, n_, k_;
  bool transposed_a_, transposed_b_;
  std::vector<float> a_, b_, c_;
};

Work* make(const std::string& text) {
  const Name name(text);
  return name.fields[0] == "matmul" ? new Product(name) : nullptr;
}

}  // namespace

extern "C" __attribute__((visibility("default"))) const BenchPeer bench_peer;
const BenchPeer bench_peer{"OpenBLAS", [](int n) { openblas_set_num_threads(n); }, make};
