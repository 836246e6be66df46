// Optimizer steps give the same bits on every SIMD target: their formulas use no fused
// multiply-add.
#include <cstring>

#include <gtest/gtest.h>

#include <entasis/ops/copy.h>
#include <entasis/ops/factory.h>
#include <entasis/ops/update.h>

#include "every_target.h"

namespace entasis {
namespace {

void expect_same_bits(const Tensor& a, const Tensor& b) {
  EXPECT_EQ(std::memcmp(a.raw(), b.raw(), a.impl()->storage->bytes), 0) << name_of(a.dtype());
}

// Calls step(tensors) on copies of the same random tensors on every target.
template <class Step>
void expect_same_on_every_target(int tensors, Step step) {
  for (const DType dtype : {kF32, kF64, kF16, kBF16}) {
    Tensors inputs, first;
    for (int k = 0; k < tensors; ++k) inputs.push_back(uniform_(empty({1001}, dtype), 0.5, 2));
    on_every_target([&](int64_t) {
      Tensors copies;
      for (const Tensor& input : inputs) copies.push_back(clone(input));
      step(copies);
      if (first.empty()) first = copies;
      for (size_t k = 0; k < copies.size(); ++k) expect_same_bits(copies[k], first[k]);
    });
  }
}

TEST(Update, SgdIsTheSameOnEveryTarget) {
  expect_same_on_every_target(3, [](const Tensors& t) {
    sgd_step_({t[0]}, {t[1]}, {t[2]},
              {.lr = 0.1, .momentum = 0.9, .weight_decay = 0.01, .nesterov = true}, false);
  });
}

TEST(Update, AdamIsTheSameOnEveryTarget) {
  expect_same_on_every_target(4, [](const Tensors& t) {
    adam_step_({t[0]}, {t[1]}, {t[2]}, {t[3]}, {.lr = 0.1, .weight_decay = 0.01}, 2);
  });
}

}  // namespace
}  // namespace entasis
