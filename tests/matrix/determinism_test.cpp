// Calls large enough for several threads: the same bits, forward and backward, on 1, 2 and 7
// threads; and every call on every SIMD target that this machine can execute.
#include <entasis/backends/cpu/parallel.h>
#include <entasis/core/autograd.h>
#include <entasis/core/registration_internal.h>
#include <entasis/kernels/cpu/internal/simd_targets.h>

#include <hwy/highway.h>
#include <hwy/targets.h>

#include "walk.h"

namespace entasis::matrix {
namespace {

// A call with large tensors, which are made once and used for every run.
class LargeCall {
 public:
  LargeCall(const Sample& sample, DType dtype, const Call& call)
      : name_(describe(sample, dtype, Layout::kContiguous, call)), sample_(sample), call_(call) {}

  const std::string& name() const { return name_; }

  // Results, and gradients of the results' weighted sum.
  std::vector<Tensor> forward_and_backward() {
    const bool writes = sample_.strides == Strides::kTarget || !sample_.written.empty();
    if (writes || !trial_) make();
    std::vector<Tensor> results = invoke_row(sample_, trial_->values);
    Tensors outputs, weights;
    for (const Tensor& result : results) {
      if (!is_float(result.dtype()) || !result.requires_grad()) continue;
      outputs.push_back(result);
      weights.push_back(weights_of(outputs.size() - 1, result));
    }
    if (outputs.empty() || leaves_.empty()) return results;
    for (const Tensor& g :
         grad(outputs, leaves_, {.grad_outputs = weights, .allow_unused = true})) {
      if (g.defined()) results.push_back(g);
    }
    return results;
  }

 private:
  void make() {
    trial_ = prepare(call_, Layout::kContiguous);
    leaves_.clear();
    for (size_t k = 0; k < trial_->placed.size(); ++k) {
      const bool is_target = k == 0 && sample_.strides == Strides::kTarget;
      if (is_target || !sample_.is_differentiable(call_, trial_->position[k])) continue;
      Tensor leaf = trial_->placed[k].tensor();
      leaf.requires_grad_();
      leaves_.push_back(leaf);
    }
  }

  const Tensor& weights_of(size_t output, const Tensor& result) {
    if (weights_.size() <= output) {
      Array array = zeros_of(result.dtype(), shape_of(result));
      for (size_t i = 0; i < array.values.size(); ++i) array.values[i] = Real(int(i % 5)) - 2;
      weights_.push_back(Placed(array, Layout::kContiguous).tensor());
    }
    return weights_[output];
  }

  std::string name_;
  const Sample& sample_;
  Call call_;
  std::optional<Trial> trial_;
  Tensors leaves_, weights_;
};

void expect_same(const std::vector<Tensor>& a, const std::vector<Tensor>& b,
                 const std::string& what) {
  ASSERT_EQ(a.size(), b.size()) << what;
  for (size_t k = 0; k < a.size(); ++k)
    EXPECT_TRUE(same_bits(a[k], b[k])) << what << ", result " << k;
}

std::deque<LargeCall> large_calls(const Sample& sample) {
  std::deque<LargeCall> calls;
  for (DType dtype : {kF32, kBF16}) {
    const bool taken =
        std::find(sample.dtypes.begin(), sample.dtypes.end(), dtype) != sample.dtypes.end();
    if (!taken || !sample.large) continue;
    Maker maker(dtype, 2);
    sample.large(maker);
    for (const Call& call : maker.calls) calls.emplace_back(sample, dtype, call);
  }
  return calls;
}

// ---- Threads

class Threads : public testing::TestWithParam<std::string> {
 protected:
  ~Threads() override { set_num_threads(before_); }
  int before_ = num_threads();
};

TEST_P(Threads, GiveTheSameBits) {
  const Sample& sample = *samples().find(GetParam());
  for (LargeCall& call : large_calls(sample)) {
    SCOPED_TRACE(call.name());
    set_num_threads(1);
    const std::vector<Tensor> alone = call.forward_and_backward();
    for (int threads : {2, 7}) {
      set_num_threads(threads);
      expect_same(alone, call.forward_and_backward(), std::to_string(threads) + " threads");
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Row, Threads, testing::ValuesIn(sampled_rows()), name_of_row);

// ---- SIMD targets

// Kernels of one Highway target, while it lives. Kernels that take their table of functions at
// registration are registered again; the others look at the chosen target at each call.
class OnTarget {
 public:
  explicit OnTarget(int64_t target) {
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().DeInit();
    register_again();
  }
  ~OnTarget() {
    hwy::SetSupportedTargetsForTest(0);
    hwy::GetChosenTarget().DeInit();
    register_again();
  }
  OnTarget(const OnTarget&) = delete;
  OnTarget& operator=(const OnTarget&) = delete;

 private:
  static void register_again() {
    for (OpInfo* op : all_ops()) op->kernels[int(DeviceType::kCPU)] = {};
    Kernels cpu(DeviceType::kCPU);
    register_library_kernels_cpu(cpu);
  }
};

const void* table_of_add() { return find_op("add")->kernels[int(DeviceType::kCPU)].data; }

TEST(Targets, AreReallyChanged) {
  std::vector<const void*> tables;
  for (const int64_t target : hwy::SupportedAndGeneratedTargets()) {
    const OnTarget on(target);
    EXPECT_EQ(tables.end(), std::find(tables.begin(), tables.end(), table_of_add()));
    tables.push_back(table_of_add());
  }
  EXPECT_FALSE(tables.empty());
}

class Targets : public testing::TestWithParam<std::string> {};

TEST_P(Targets, AgreeWithReference) {
  const Sample& sample = *samples().find(GetParam());
  for (const int64_t target : hwy::SupportedAndGeneratedTargets()) {
    const OnTarget on(target);
    SCOPED_TRACE(hwy::TargetName(target));
    for (DType dtype : {kF32, kF64, kBF16, kI32, kI64, kU8}) {
      if (std::find(sample.dtypes.begin(), sample.dtypes.end(), dtype) == sample.dtypes.end())
        continue;
      each_call(sample, dtype,
                [&](const Call& call, Layout layout) {
                  Trial one = prepare(call, layout);
                  run(sample, one);
                  const Results wanted = sample.reference(call);
                  ASSERT_EQ(wanted.size(), one.results.size());
                  for (size_t k = 0; k < wanted.size(); ++k)
                    expect_result(sample, one.results[k], wanted[k]);
                },
                {Layout::kContiguous, Layout::kSliced});
    }
    if (HasFailure()) return;
  }
}

TEST_P(Targets, GiveTheSameBitsWhereStated) {
  const Sample& sample = *samples().find(GetParam());
  if (!sample.same_on_targets) return;
  for (LargeCall& call : large_calls(sample)) {
    SCOPED_TRACE(call.name());
    const std::vector<Tensor> best = call.forward_and_backward();
    for (const int64_t target : hwy::SupportedAndGeneratedTargets()) {
      const OnTarget on(target);
      expect_same(best, call.forward_and_backward(), hwy::TargetName(target));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Row, Targets, testing::ValuesIn(sampled_rows()), name_of_row);

}  // namespace
}  // namespace entasis::matrix
