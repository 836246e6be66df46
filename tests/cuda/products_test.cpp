// Products, convolutions and pooling on CUDA against the CPU's, over the layouts that decide which
// way a kernel takes: transposes, strided and broadcast batches, strides that the libraries do not
// take, empty sums, misaligned slices, channels-last.
#include <cmath>

#include <entasis/core/precision.h>

#include "device.h"

namespace entasis {
namespace {

class CudaProducts : public CudaTest {};

// Numbers in [-1, 1) that repeat late and are exact in every dtype; for integers small ones.
Tensor values(const Dims& shape, DType dtype = kF32, int64_t seed = 1) {
  const int64_t n = count_elements(shape);
  Tensor t = empty({n}, kF64);
  double* at = t.mutable_data<double>();
  const double unit = is_floating_point(dtype) ? 1.0 / 64 : 1;
  for (int64_t i = 0; i < n; ++i) at[i] = double((i * 37 + seed * 11) % 127 - 63) * unit;
  return t.to(dtype).reshape(shape);
}

double tolerance_of(DType dtype) {
  return dtype == kF64 ? 1e-12 : dtype == kF16 ? 2e-3 : dtype == kBF16 ? 1.6e-2 : 2e-5;
}

void expect_near(const Tensor& got, const Tensor& wanted, double scale = 1) {
  ASSERT_EQ(got.shape(), wanted.shape());
  EXPECT_EQ(got.strides(), wanted.strides());
  const Tensor a = got.to(kCPU).to(kF64).contiguous(), b = wanted.to(kF64).contiguous();
  for (int64_t i = 0; i < a.numel(); ++i) {
    const double x = a.data<double>()[i], y = b.data<double>()[i];
    if (std::isnan(x) && std::isnan(y)) continue;
    if (x == y) continue;
    ASSERT_LE(std::abs(x - y), tolerance_of(wanted.dtype()) * (scale + std::abs(y)))
        << "element " << i << ": " << x << ", the CPU has " << y;
  }
}

// The same strides and values on the device.
Tensor on_device(const Tensor& t) {
  int64_t reach = 0;
  for (int d = 0; d < t.dim(); ++d) {
    if (t.numel() > 0) reach += (t.shape()[d] - 1) * t.strides()[d];
  }
  if (t.numel() == 0) return t.to(kCuda);
  const int64_t elements = t.storage_offset() + reach + 1;
  const Tensor whole = alias(t, {{elements}, {1}, 0}).to(kCuda);
  return alias(whole, {t.shape(), t.strides(), t.storage_offset()});
}

void expect_matmul(const Tensor& a, const Tensor& b) {
  SCOPED_TRACE(to_string(a.shape()) + to_string(a.strides()) + " x " + to_string(b.shape()) +
               to_string(b.strides()));
  expect_near(matmul(on_device(a), on_device(b)), matmul(a, b), 8);
}

TEST_F(CudaProducts, TransposesAreTakenAsTheyAre) {
  for (DType dtype : {kF32, kF64, kF16, kBF16, kI32, kU8, kI64, kI16}) {
    const Tensor a = values({33, 20}, dtype), b = values({20, 70}, dtype, 2);
    const Tensor at = values({20, 33}, dtype, 3), bt = values({70, 20}, dtype, 4);
    expect_matmul(a, b);
    expect_matmul(at.t(), b);
    expect_matmul(a, bt.t());
    expect_matmul(at.t(), bt.t());
  }
}

TEST_F(CudaProducts, StridedAndBroadcastBatches) {
  for (DType dtype : {kF32, kF64, kBF16, kI32}) {
    const Tensor a = values({3, 2, 5, 7}, dtype), b = values({3, 2, 7, 4}, dtype, 2);
    expect_matmul(a, b);
    expect_matmul(a, values({7, 4}, dtype));     // one B: a taller A
    expect_matmul(values({5, 7}, dtype), b);     // one A
    expect_matmul(a, values({2, 7, 4}, dtype));  // B repeats
    expect_matmul(values({3, 1, 5, 7}, dtype), values({1, 2, 7, 4}, dtype));
    expect_matmul(a.transpose(0, 1), b.transpose(0, 1));             // batches out of order
    expect_matmul(values({3, 5, 2, 7}, dtype).transpose(1, 2), b);   // heads of attention
    expect_matmul(values({4, 1, 7}, dtype), values({7, 4}, dtype));  // rows as batches
    expect_matmul(values({1, 7}, dtype).expand({6, 1, 7}), values({7, 4}, dtype));
  }
}

TEST_F(CudaProducts, StridesThatNoLibraryTakes) {
  const Tensor wide = values({12, 16});
  expect_matmul(wide.slice(0, 0, 12, 2).slice(1, 0, 16, 2), values({8, 6}));
  expect_matmul(values({1, 8}).expand({5, 8}), values({8, 6}));  // all rows the same
  expect_matmul(values({5, 1}).expand({5, 8}), values({8, 1}).expand({8, 6}));
  expect_matmul(values({1, 1, 8}).expand({4, 5, 8}), values({8, 6}));
  const Tensor deep = values({4, 6, 6, 2});
  expect_matmul(deep.select(3, 1), values({6, 5}));
  expect_matmul(deep.select(3, 0), deep.select(3, 1));
}

TEST_F(CudaProducts, SlicesOffTheGrid) {
  for (DType dtype : {kF32, kF16}) {
    const Tensor wide = values({9, 23}, dtype);
    expect_matmul(wide.slice(1, 1, 12), values({11, 6}, dtype));
    expect_matmul(values({5, 9}, dtype), wide.slice(1, 3, 20));
  }
}

TEST_F(CudaProducts, VectorsAndSinglePlaces) {
  const Tensor v = values({7}), w = values({7}, kF32, 2), a = values({5, 7});
  expect_near(matmul(v.to(kCuda), w.to(kCuda)), matmul(v, w), 8);
  expect_near(matmul(a.to(kCuda), v.to(kCuda)), matmul(a, v), 8);
  expect_near(matmul(v.to(kCuda), a.t().to(kCuda)), matmul(v, a.t()), 8);
  expect_matmul(values({1, 1}), values({1, 1}, kF32, 3));
  expect_matmul(values({1, 7}), values({7, 1}));
  expect_matmul(values({7, 1}), values({1, 7}));
}

TEST_F(CudaProducts, NothingToAddUpIsZero) {
  for (DType dtype : {kF32, kI32}) {
    expect_matmul(values({4, 0}, dtype), values({0, 5}, dtype));
    expect_matmul(values({0, 4}, dtype), values({4, 5}, dtype));
    expect_matmul(values({2, 3, 0}, dtype), values({2, 0, 3}, dtype));
    expect_near(linear(values({3, 0}, dtype).to(kCuda), values({4, 0}, dtype).to(kCuda),
                       values({4}, dtype).to(kCuda)),
                linear(values({3, 0}, dtype), values({4, 0}, dtype), values({4}, dtype)));
  }
}

TEST_F(CudaProducts, LinearAddsTheBiasBeforeItRounds) {
  for (DType dtype : {kF32, kF64, kF16, kBF16, kI32, kU8}) {
    const Tensor w = values({6, 10}, dtype, 2), bias = values({6}, dtype, 3);
    const Tensor spread = values({12}, dtype, 4).slice(0, 0, 12, 2);
    for (const Tensor& x : {values({4, 10}, dtype), values({10}, dtype), values({2, 3, 10}, dtype),
                            values({3, 2, 10}, dtype).transpose(0, 1)}) {
      expect_near(linear(on_device(x), on_device(w)), linear(x, w), 8);
      expect_near(linear(on_device(x), on_device(w), on_device(bias)), linear(x, w, bias), 8);
      expect_near(linear(on_device(x), on_device(w), on_device(spread)), linear(x, w, spread), 8);
    }
  }
}

TEST_F(CudaProducts, IntegersWrap) {
  const Tensor a = values({70, 90}, kI8, 1), b = values({90, 66}, kI8, 2);
  const Tensor got = matmul(a.to(kCuda), b.to(kCuda)).to(kCPU), wanted = matmul(a, b);
  for (int64_t i = 0; i < wanted.numel(); ++i) {
    ASSERT_EQ(got.data<int8_t>()[i], wanted.data<int8_t>()[i]);
  }
}

TEST_F(CudaProducts, Tf32IsAskedFor) {
  EXPECT_FALSE(is_tf32_allowed());
  allow_tf32(true);
  EXPECT_TRUE(is_tf32_allowed());
  const Tensor a = values({64, 64}), b = values({64, 64}, kF32, 2);
  const Tensor got = matmul(a.to(kCuda), b.to(kCuda)).to(kCPU), wanted = matmul(a, b);
  allow_tf32(false);
  for (int64_t i = 0; i < wanted.numel(); ++i) {  // these factors are exact in 10 bits
    ASSERT_NEAR(got.data<float>()[i], wanted.data<float>()[i], 1e-3);
  }
}

// ---- Windows

struct ConvCase {
  Dims input, weight, stride, padding, dilation;
  int64_t groups;
};
const ConvCase kConvolutions[] = {
    {{2, 3, 7, 8}, {4, 3, 3, 3}, {1, 1}, {1, 1}, {1, 1}, 1},
    {{2, 4, 9, 9}, {6, 2, 3, 3}, {2, 2}, {1, 1}, {2, 2}, 2},
    {{1, 4, 6, 5}, {4, 1, 3, 3}, {1, 2}, {1, 0}, {1, 1}, 4},
    {{3, 5, 6, 6}, {2, 5, 1, 1}, {1, 1}, {0, 0}, {1, 1}, 1},
    {{2, 1, 28, 28}, {6, 1, 5, 5}, {1, 1}, {2, 2}, {1, 1}, 1},
    {{2, 3, 8, 8}, {4, 3, 2, 3}, {3, 2}, {0, 2}, {1, 1}, 1},
    {{0, 3, 8, 8}, {4, 3, 2, 3}, {1, 1}, {0, 0}, {1, 1}, 1},
};

TEST_F(CudaProducts, ConvolutionsInBothLayouts) {
  for (const ConvCase& c : kConvolutions) {
    for (DType dtype : {kF32, kF64, kF16, kBF16}) {
      for (int layout = 0; layout < 4; ++layout) {
        SCOPED_TRACE(to_string(c.input) + name_of(dtype) + std::to_string(layout));
        const Tensor x0 = values(c.input, dtype), w0 = values(c.weight, dtype, 2);
        const Tensor x = layout & 1 ? channels_last(x0) : x0;
        const Tensor w = layout & 2 ? channels_last(w0) : w0;
        const Tensor bias = values({c.weight[0]}, dtype, 3);
        const auto run = [&](const Tensor& i, const Tensor& k, const Tensor& b) {
          return conv2d(i, k, b, c.stride, c.padding, c.dilation, c.groups);
        };
        expect_near(run(on_device(x), on_device(w), {}), run(x, w, {}), 16);
        expect_near(run(on_device(x), on_device(w), on_device(bias)), run(x, w, bias), 16);
      }
    }
  }
}

// Gradients of f(a, b) for a fixed gradient of the result, on the device and on the CPU.
template <class F>
void expect_gradients(const Tensor& a, const Tensor& b, const F& f, double scale) {
  const auto gradients = [&](Tensor x, Tensor y, bool device, bool last) {
    x.requires_grad_();
    if (y.defined()) y.requires_grad_();
    const Tensor out = f(x, y);
    Tensor g = values(out.shape(), out.dtype(), 5);
    if (last) g = channels_last(g);
    if (device) g = on_device(g);
    return y.defined() ? grad({out}, {x, y}, {.grad_outputs = {g}})
                       : grad({out}, {x}, {.grad_outputs = {g}});
  };
  for (const bool last : {false, true}) {
    const auto got = gradients(on_device(a), b.defined() ? on_device(b) : b, true, last);
    const auto wanted = gradients(a.detach(), b.defined() ? b.detach() : b, false, last);
    for (size_t i = 0; i < wanted.size(); ++i) expect_near(got[i], wanted[i], scale);
  }
}

TEST_F(CudaProducts, GradientsOfConvolutions) {
  for (const ConvCase& c : kConvolutions) {
    for (DType dtype : {kF32, kF64, kBF16}) {
      for (const bool last : {false, true}) {
        SCOPED_TRACE(to_string(c.input) + name_of(dtype) + (last ? " last" : ""));
        const Tensor x = values(c.input, dtype);
        expect_gradients(
            last ? channels_last(x) : x, values(c.weight, dtype, 2),
            [&](const Tensor& i, const Tensor& k) {
              return conv2d(i, k, {}, c.stride, c.padding, c.dilation, c.groups);
            },
            64);
      }
    }
  }
}

struct PoolCase {
  Dims input, kernel, stride, padding, dilation;
  bool ceil_mode;
};
const PoolCase kPools[] = {
    {{2, 3, 8, 8}, {2, 2}, {2, 2}, {0, 0}, {1, 1}, false},
    {{2, 3, 7, 9}, {3, 3}, {2, 2}, {1, 1}, {1, 1}, false},
    {{1, 5, 9, 7}, {3, 2}, {1, 2}, {1, 1}, {2, 3}, false},
    {{2, 2, 10, 10}, {3, 3}, {2, 3}, {0, 1}, {1, 1}, true},
    {{0, 2, 10, 10}, {3, 3}, {2, 3}, {0, 1}, {1, 1}, true},
};

TEST_F(CudaProducts, PoolingGivesTheBitsOfTheCpu) {
  for (const PoolCase& c : kPools) {
    for (DType dtype : {kF32, kF64, kF16, kBF16}) {
      for (int layout = 0; layout < 3; ++layout) {
        SCOPED_TRACE(to_string(c.input) + name_of(dtype) + std::to_string(layout));
        Tensor x = values(c.input, dtype);
        if (layout == 1) x = channels_last(x);
        if (layout == 2) x = x.transpose(2, 3);
        if (dtype == kF32 && layout == 0 && x.numel() > 0) {
          x.mutable_data<float>()[5] = NAN;
          x.mutable_data<float>()[6] = -INFINITY;
        }
        const auto largest = [&](const Tensor& t, const Tensor&) {
          return max_pool2d(t, c.kernel, c.stride, c.padding, c.dilation, c.ceil_mode);
        };
        expect_near(largest(on_device(x), {}), largest(x, {}), 0);
        expect_gradients(x, {}, largest, 0);
        if (!(c.dilation == Dims{1, 1})) continue;
        for (const bool counts : {false, true}) {
          const auto mean = [&](const Tensor& t, const Tensor&) {
            return avg_pool2d(t, c.kernel, c.stride, c.padding, c.ceil_mode, counts);
          };
          expect_near(mean(on_device(x), {}), mean(x, {}), 0);
          expect_gradients(x, {}, mean, 0);
        }
      }
    }
  }
}

TEST_F(CudaProducts, SecondGradientsOfPooling) {
  const Tensor x = values({2, 3, 7, 9}), g = values({2, 3, 4, 5}, kF32, 3),
               h = values({2, 3, 7, 9}, kF32, 4);
  const auto twice = [&](bool device, bool largest) {
    const auto place = [&](const Tensor& t) { return device ? t.to(kCuda) : t.detach(); };
    Tensor input = place(x), gy = place(g);
    input.requires_grad_();
    gy.requires_grad_();
    const Tensor y = largest ? max_pool2d(input, {3, 3}, {2, 2}, {1, 1})
                             : avg_pool2d(input, {3, 3}, {2, 2}, {1, 1});
    const Tensor gx = grad({y}, {input}, {.grad_outputs = {gy}, .create_graph = true})[0];
    return grad({gx}, {gy}, {.grad_outputs = {place(h)}})[0];
  };
  for (const bool largest : {false, true}) expect_near(twice(true, largest), twice(false, largest));
}

}  // namespace
}  // namespace entasis
