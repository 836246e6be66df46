// Random numbers and dropout of the device against the CPU's: the same words, so the same integers,
// uniform numbers, permutations and masks.
#include <cmath>

#include "compare.h"

namespace entasis {
namespace {

using CudaDraw = CudaTest;

// f(device), from the same seed.
template <class F>
void compare_draws(const F& f) {
  manual_seed(11);
  const Tensor there = f(kCuda);
  manual_seed(11);
  expect_same(there, f(kCPU));
}

TEST_F(CudaDraw, UniformNumbers) {
  for (const DType dtype : kFloatDTypes) {
    for (const int64_t n : {1, 2, 5, 4099}) {
      compare_draws([&](Device device) { return rand({n}, {dtype, device}); });
      compare_draws([&](Device device) {
        return uniform_(zeros({n, 3}, {dtype, device}), -3, 0.1);
      });
    }
    // In memory order, whatever the shape says.
    compare_draws([&](Device device) {
      Tensor t = zeros({40, 50, 3}, {dtype, device});
      uniform_(transpose(select(t, 2, 1), 0, 1));
      return t;
    });
    // The second draw goes on where the first has ended.
    compare_draws([&](Device device) {
      (void)rand({7}, device);
      return rand({9}, {dtype, device});
    });
  }
}

TEST_F(CudaDraw, Integers) {
  for (const DType dtype : kAllDTypes) {
    const int64_t high = dtype == kBool ? 2 : 100;
    compare_draws([&](Device device) { return randint(0, high, {5001}, {dtype, device}); });
  }
  // Ranges that reject nearly half of all words.
  compare_draws([](Device device) {
    return randint(-3, (int64_t{1} << 30) + 5, {3001}, {kI32, device});
  });
  compare_draws([](Device device) {
    return randint(-5, (int64_t{1} << 62) + 9, {3001}, {kI64, device});
  });
}

TEST_F(CudaDraw, NormalNumbers) {
  for (const DType dtype : kFloatDTypes) {
    const auto draw = [&](Device device) {
      manual_seed(12);
      return normal_(zeros({4099}, {dtype, device}), 0.5, 2).to(kF64).to(kCPU);
    };
    const Tensor there = draw(kCuda), here = draw(kCPU);
    // 8 ulp of the largest number: both are within 4 of the exact one.
    const double ulp = dtype == kF64   ? 0x1p-52
                       : dtype == kF32 ? 0x1p-23
                       : dtype == kF16 ? 0x1p-10
                                       : 0x1p-7;
    for (int64_t i = 0; i < there.numel(); ++i) {
      const double a = there.data<double>()[i], b = here.data<double>()[i];
      const double bound = is_half(dtype) ? ulp * std::abs(b) + 1e-6 : 8 * ulp * 8;
      ASSERT_LE(std::abs(a - b), bound) << name_of(dtype) << " " << i;
    }
  }
}

// One tile, more than one, and several passes of the sort.
TEST_F(CudaDraw, Permutations) {
  for (const int64_t n : {0, 1, 2, 1000, 4096, 4097, 30000}) {
    compare_draws([&](Device device) { return randperm(n, device); });
  }
  compare_draws([](Device device) { return randperm(200, {kU8, device}); });
}

TEST_F(CudaDraw, Dropout) {
  manual_seed(13);
  for (const DType dtype : kFloatDTypes) {
    const Tensor x = whole_numbers({50, 41}, dtype);
    for (const Tensor& input : {x, transpose(x, 0, 1), slice(x, 1, 0, 41, 2), slice(x, 1, 1, 41)}) {
      for (const double p : {0.0, 0.3, 1.0}) {
        compare_draws([&](Device device) { return native_dropout(input.to(device), p).output; });
        compare_draws([&](Device device) { return native_dropout(input.to(device), p).mask; });
        compare_draws([&](Device device) {
          Tensor leaf = input.to(device).detach().requires_grad_();
          dropout(leaf, p).backward(
              transpose(ones({leaf.shape()[1], leaf.shape()[0]}, {dtype, device}), 0, 1));
          return leaf.grad();
        });
      }
    }
    // As a strided view of a larger tensor on the device itself.
    const Tensor there = x.to(kCuda);
    compare_draws([&](Device device) {
      return native_dropout(slice(device.is_cpu() ? x : there, 1, 0, 41, 2), 0.4).output;
    });
  }
}

}  // namespace
}  // namespace entasis
