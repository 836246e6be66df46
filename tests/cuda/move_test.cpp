// Copies, casts, fills and joins of sizes that take more than a tile or a block, against the CPU.
#include <limits>
#include <vector>

#include <entasis/core/half.h>

#include "compare.h"

namespace entasis {
namespace {

using CudaMove = CudaTest;

TEST_F(CudaMove, TurnsTiles) {
  manual_seed(1);
  for (const DType dtype : {kF64, kF32, kBF16, kI16, kU8, kBool}) {
    const Tensor x = (randint(0, 2, {3, 70, 135}) * 101).to(dtype);
    for (const Dims& order : {Dims{0, 2, 1}, Dims{2, 1, 0}, Dims{1, 2, 0}, Dims{2, 0, 1}}) {
      compare([&](const Tensor& t) { return contiguous(permute(t, order)); }, x);
      compare([&](const Tensor& t) { return permute(t, order).to(kF64) * 1; }, x);
      compare([&](const Tensor& t) { return contiguous(permute(slice(t, 2, 1, 135, 2), order)); },
              x);
    }
  }
  compare([](const Tensor& t) { return channels_last(t); }, randn({2, 40, 9, 10}));
  compare([](const Tensor& t) { return contiguous(channels_last(t)); }, randn({2, 40, 9, 10}));
}

TEST_F(CudaMove, WritesIntoStridedTargets) {
  manual_seed(2);
  compare(
      [](const Tensor& x) {
        Tensor target = zeros({65, 70, 2}, x.device());
        transpose(select(target, 2, 1), 0, 1).copy_(x);
        return target;
      },
      randn({70, 65}));
}

// Every word size, with and without neighbours that belong together.
TEST_F(CudaMove, CopiesRows) {
  manual_seed(3);
  for (const DType dtype : {kF64, kF32, kF16, kU8}) {
    const Tensor x = whole_numbers({40, 3, 64}, dtype);
    for (const int64_t begin : {0, 1, 2, 4, 8, 16}) {
      compare([&](const Tensor& t) { return contiguous(slice(t, 2, begin, 48, 1)); }, x);
    }
    compare([](const Tensor& t) { return contiguous(slice(t, 1, 0, 3, 2)); }, x);
    compare([](const Tensor& t) { return contiguous(expand(t[0][0], {100, 64})); }, x);
    compare([](const Tensor& t) { return contiguous(expand(unsqueeze(t[0], 2), {3, 64, 50})); }, x);
  }
}

std::vector<double> numbers_for_casts() {
  std::vector<double> numbers = {0.0,   -0.0,  0.5,     -0.5,   1.9,    -1.9,  127.9, 128,
                                 255.9, 256,   -129,    32768,  65504,  65520, 70000, -70000,
                                 1e-8,  1e-41, 2.9e-39, 3e9,    -3e9,   5e9,   1e19,  -1e19,
                                 2e19,  1e300, -1e300,  0x1p63, -0x1p63};
  numbers.push_back(std::numeric_limits<double>::infinity());
  numbers.push_back(-std::numeric_limits<double>::infinity());
  numbers.push_back(std::numeric_limits<double>::quiet_NaN());
  for (int i = 0; i < 5000; ++i) numbers.push_back((i * 37 % 601 - 300) * 0.37);
  return numbers;
}

// For each pair of dtypes: adjacent elements, then strided ones, then turned tiles.
TEST_F(CudaMove, CastsAsTheCpuDoes) {
  const std::vector<double> numbers = numbers_for_casts();
  Tensor all = empty({int64_t(numbers.size())}, kF64);
  for (size_t i = 0; i < numbers.size(); ++i) all.mutable_data<double>()[i] = numbers[i];
  for (const DType from : kAllDTypes) {
    const Tensor x = all.to(from);
    for (const DType to : kAllDTypes) {
      SCOPED_TRACE(std::string(name_of(from)) + " to " + name_of(to));
      compare([to](const Tensor& t) { return t.to(to); }, x);
      compare([to](const Tensor& t) { return slice(t, 0, 1, 5001, 1).to(to); }, x);
      compare([to](const Tensor& t) { return slice(t, 0, 0, 5000, 3).to(to); }, x);
      compare(
          [to](const Tensor& t) {
            Tensor target = empty({66, 70}, {to, t.device()});
            target.copy_(transpose(reshape(slice(t, 0, 0, 4620, 1), {70, 66}), 0, 1));
            return target;
          },
          x);
    }
  }
}

TEST_F(CudaMove, Fills) {
  for (const DType dtype : kAllDTypes) {
    for (const double value : {0.0, 1.0, 3.0}) {
      const auto filled = [&](Device device, int64_t n, int64_t begin, int64_t step) {
        Tensor t = zeros({n}, {dtype, device});
        slice(t, 0, begin, n, step).fill_(Number(value));
        return t;
      };
      for (const int64_t n : {1, 17, 4096, 10007}) {
        for (const int64_t begin : {0, 1, 3}) {
          for (const int64_t step : {1, 2}) {
            if (begin < n) expect_same(filled(kCuda, n, begin, step), filled(kCPU, n, begin, step));
          }
        }
      }
    }
  }
}

TEST_F(CudaMove, JoinsMorePartsThanATableHolds) {
  manual_seed(4);
  for (const DType dtype : {kF64, kF32, kF16, kU8, kBool}) {
    for (const int64_t dim : {0, 1, 2}) {
      Tensors here, there;
      for (int64_t i = 0; i < 150; ++i) {
        Dims shape{6, 8, 16};
        shape[int(dim)] = i % 5;
        Tensor part = whole_numbers(shape, dtype);
        if (i % 7 == 3) part = transpose(contiguous(transpose(part, 0, 2)), 0, 2);
        here.push_back(part);
        there.push_back(part.to(kCuda));
      }
      expect_same(cat(there, dim), cat(here, dim));
    }
  }
  Tensors large, large_there;
  for (int i = 0; i < 3; ++i) {
    large.push_back(randn({50, 200 + 4 * i}));
    large_there.push_back(large.back().to(kCuda));
  }
  expect_same(cat(large_there, 1), cat(large, 1));
}

TEST_F(CudaMove, SplitsTheGradientOfASlice) {
  manual_seed(5);
  for (const Dims& order : {Dims{0, 1}, Dims{1, 0}}) {
    compare(
        [&](const Tensor& gy) {
          Tensor x = zeros({130, 90}, gy.device()).requires_grad_();
          slice(permute(x, order), 1, 2, 82, 4).backward(gy);
          return x.grad();
        },
        randn({order[0] == 0 ? 130 : 90, 20}));
  }
}

TEST_F(CudaMove, WritesPatterns) {
  for (const DType dtype : {kF32, kF64, kF16, kI16, kI64}) {
    const auto options = [dtype](Device device) { return TensorOptions{dtype, device}; };
    expect_same(arange(-100, 900, 3, options(kCuda)), arange(-100, 900, 3, options(kCPU)));
    expect_same(linspace(0, 100, 1001, options(kCuda)), linspace(0, 100, 1001, options(kCPU)));
    expect_same(eye(70, 33, options(kCuda)), eye(70, 33, options(kCPU)));
  }
}

TEST_F(CudaMove, ComesAndGoes) {
  manual_seed(6);
  for (const DType dtype : kAllDTypes) {
    const Tensor x = transpose(whole_numbers({300, 70}, kF32).to(dtype), 0, 1);
    expect_same(x.to(kCuda), x);
    expect_same(slice(x, 0, 1, 60, 3).to(kCuda), slice(x, 0, 1, 60, 3));
  }
}

TEST_F(CudaMove, CopiesIntoTensorsOfAnotherDevice) {
  const Tensor host = whole_numbers({40, 30}, kF32);
  Tensor device = zeros({30, 40}, {kF64, kCuda});
  device.copy_(transpose(host, 0, 1));
  expect_same(device, transpose(host, 0, 1).to(kF64));
  device.copy_(scalar_tensor(3));
  expect_same(device, full({30, 40}, 3.0, kF64));
  Tensor home = zeros({2, 30});
  home.copy_(slice(host, 0, 0, 2).to(kCuda));
  expect_same(home, slice(host, 0, 0, 2));
}

}  // namespace
}  // namespace entasis
