#include "rows.h"

namespace entasis::bench {
namespace {

// Multiply-adds count two. Training is about three forward passes.
constexpr double kMlpFlop = 3.0 * 2 * kMlpBatch * (784.0 * 256 + 256 * 10);
// conv 1->6 5x5 on 28x28 padded, conv 6->16 5x5 on 14x14, then 400-120-84-10.
constexpr double kLenetFlop =
    3.0 * 2 * kLenetBatch *
    (28.0 * 28 * 6 * 25 + 10.0 * 10 * 16 * 6 * 25 + 400.0 * 120 + 120 * 84 + 84 * 10);

constexpr BenchRow kRows[] = {
    {"add_1", "add of one-element tensors", kDispatchCalls, 0, 0, 0.1e-6, 0},
    {"add_1_grad", "the same, recorded", kDispatchCalls, 0, 0, 0.2e-6, 0},
    {"chain_backward", "backward of a chain of 100,000 adds", kChainLength, 0, 0, 0.4e-6, 0},
    {"mlp_step", "training step, MLP 784-256-10, batch 32, SGD", 1, kMlpFlop, 0, 0, 2.0},
    {"lenet_step", "training step, LeNet-5, batch 64, SGD", 1, kLenetFlop, 0, 0, 1.0},
};

}  // namespace

std::span<const BenchRow> rows() { return kRows; }

}  // namespace entasis::bench
