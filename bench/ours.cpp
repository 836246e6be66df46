// Entasis's side of the workloads.
#include <entasis/entasis.h>

#include "models.h"
#include "rows.h"

namespace entasis::bench {
namespace {

template <class State>
constexpr BenchWork work(const char* name) {
  return {name, []() -> void* { return new State; },
          [](void* state) { static_cast<State*>(state)->run(); },
          [](void* state) { delete static_cast<State*>(state); }};
}

struct Add {
  Tensor a = ones({1}), b = ones({1});
  void run() {
    for (int i = 0; i < kDispatchCalls; ++i) add(a, b);
  }
};

struct AddGrad : Add {
  AddGrad() { a.requires_grad_(); }
};

// The chain is built outside of what is timed, once for each run.
struct ChainBackward {
  Tensor x = ones({1}).requires_grad_(), y;
  ChainBackward() { build(); }
  void build() {
    y = x;
    for (int i = 0; i < kChainLength; ++i) y = add(y, 1.0);
  }
  void run() { y.backward({}, true); }
};

struct MlpStep : Step<Mlp> {
  MlpStep() : Step({kMlpBatch, 784}) {}
};
struct LenetStep : Step<Lenet> {
  LenetStep() : Step({kLenetBatch, 1, 28, 28}) {}
};

constexpr BenchWork kWorks[] = {
    work<Add>("add_1"),        work<AddGrad>("add_1_grad"),   work<ChainBackward>("chain_backward"),
    work<MlpStep>("mlp_step"), work<LenetStep>("lenet_step"),
};

}  // namespace

std::span<const BenchWork> our_works() { return kWorks; }

}  // namespace entasis::bench
