// The gradients of products over slices that are longer than a chunk, beside those of the matrix.
#include <entasis/ops/scan.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <entasis/backends/cpu/parallel.h>
#include <entasis/core/autograd.h>
#include <entasis/entasis.h>
#include <entasis/tests/ops/naive.h>

namespace entasis {
namespace {

using namespace naive;

// The product of all others in each element's slice along `dim`, from both sides.
Values products_of_others(const Dims& shape, const Values& x, int dim) {
  const Dims strides = contiguous_strides(shape);
  const int64_t n = shape[dim], step = strides[dim];
  Values y(x.size());
  each_index(shape, [&](const Dims& index) {
    if (index[dim] > 0) return;
    const int64_t first = offset_of(index, strides);
    double product = 1;
    for (int64_t i = 0; i < n; ++i) {
      y[size_t(first + i * step)] = product;
      product *= x[size_t(first + i * step)];
    }
    product = 1;
    for (int64_t i = n - 1; i >= 0; --i) {
      y[size_t(first + i * step)] *= product;
      product *= x[size_t(first + i * step)];
    }
  });
  return y;
}

// Around 1, with no zero, one and two in slices by turns.
Values with_zeros(DType dtype, const Dims& shape, int dim) {
  Values values = random_values(dtype, count(shape), 7, 0.98, 1.02);
  const Dims strides = contiguous_strides(shape);
  int64_t slice = 0;
  each_index(shape, [&](const Dims& index) {
    if (index[dim] > 0) return;
    const int64_t first = offset_of(index, strides), n = shape[dim];
    for (int64_t k = 0; k < slice % 3; ++k) {
      values[size_t(first + (n / 3 + k * n / 2) * strides[dim])] = 0;
    }
    ++slice;
  });
  return values;
}

Values gradient_of_prod(Tensor x, std::optional<int64_t> dim) {
  x.requires_grad_(true);
  const Tensor y = prod(x, dim);
  return values_of(grad({y}, {x}, {.grad_outputs = {ones_like(y)}})[0]);
}

struct Case {
  Dims shape;
  int dim;
};
const Case kCases[] = {{{3, 1001}, 1}, {{20, 257}, 1},    {{1001, 11}, 0},
                       {{5, 8}, 0},    {{2, 300, 19}, 1}, {{70001}, 0}};

TEST(GradientOfProd, IsTheProductOfTheOthersInLongSlices) {
  for (const DType dtype : {kF32, kF64, kF16, kBF16}) {
    for (const Case& c : kCases) {
      const Values values = with_zeros(dtype, c.shape, c.dim);
      const Values expected = products_of_others(c.shape, values, c.dim);
      // All is done in f64, then rounded once.
      expect_close(gradient_of_prod(tensor(dtype, c.shape, values), c.dim), expected,
                   {.relative = dtype == kF64 ? 1e-11 : 1.01 * rounding(dtype),
                    .absolute = least_rounding(dtype)},
                   std::string(name_of(dtype)) + " " + to_string(c.shape));
    }
  }
}

TEST(GradientOfProd, OfAllElementsIsThatOfOneSlice) {
  const Values values = with_zeros(kF32, {30, 1001}, 1);
  const Values one = gradient_of_prod(tensor(kF32, {30030}, values), 0);
  EXPECT_EQ(gradient_of_prod(tensor(kF32, {30, 1001}, values), std::nullopt), one);
}

TEST(GradientOfProd, VanishesWhereProductsOnBothSidesDo) {
  Values values(9000, 0.5);
  EXPECT_EQ(gradient_of_prod(tensor(kF32, {9000}, values), 0), Values(9000, 0.0));
  // What is not finite is not lost between them.
  values[4500] = std::numeric_limits<double>::infinity();
  const Values gradient = gradient_of_prod(tensor(kF32, {9000}, values), 0);
  EXPECT_TRUE(std::isnan(gradient[10]));
  EXPECT_EQ(gradient[4500], 0);
  EXPECT_TRUE(std::isnan(gradient[8990]));
}

TEST(GradientOfProd, HasTheSameBitsForAnyNumberOfThreads) {
  const int before = num_threads();
  for (const Case& c : kCases) {
    const Tensor x = tensor(kF32, c.shape, with_zeros(kF32, c.shape, c.dim));
    set_num_threads(1);
    const Values expected = gradient_of_prod(x.clone(), c.dim);
    for (const int threads : {2, 7, 32}) {
      set_num_threads(threads);
      EXPECT_EQ(gradient_of_prod(x.clone(), c.dim), expected) << threads;
    }
  }
  set_num_threads(before);
}

}  // namespace
}  // namespace entasis
