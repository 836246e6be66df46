// embedding, gather, index_select: values in every layout, gradients of both orders, the order of
// accumulation, and index errors.
#include <gtest/gtest.h>

#include <algorithm>

#include <entasis/backends/cpu/parallel.h>
#include <entasis/entasis.h>
#include <entasis/tests/ops/gradient_check.h>
#include <entasis/tests/ops/naive.h>
#include <entasis/tests/support/errors.h>

namespace entasis {
namespace {

using naive::Values;
using naive::values_of;

Tensor random(const Dims& shape, uint32_t seed = 1, DType dtype = kF64) {
  return naive::tensor(dtype, shape,
                       naive::random_values(dtype, count_elements(shape), seed, -1, 1));
}
Tensor ids(const Dims& shape, const Values& values, DType dtype = kI64) {
  return naive::tensor(dtype, shape, values);
}

TEST(Embedding, ReadsRows) {
  const Tensor weight = arange(12, kF32).reshape({4, 3});
  const Tensor rows = embedding(ids({2, 2}, {3, 0, 1, 3}), weight);
  EXPECT_EQ(rows.shape(), (Dims{2, 2, 3}));
  EXPECT_EQ(values_of(rows), (Values{9, 10, 11, 0, 1, 2, 3, 4, 5, 9, 10, 11}));
  EXPECT_EQ(values_of(embedding(ids({}, {2}), weight)), (Values{6, 7, 8}));
  EXPECT_EQ(embedding(ids({0}, {}), weight).shape(), (Dims{0, 3}));
  EXPECT_EQ(embedding(ids({2}, {1, 1}), zeros({3, 0})).shape(), (Dims{2, 0}));
  EXPECT_EQ(values_of(embedding(ids({2}, {1, 3}, kI32), weight)), (Values{3, 4, 5, 9, 10, 11}));
  EXPECT_EQ(embedding(zeros({5}, TensorOptions(kI64, kMeta)), zeros({4, 3}, kMeta)).shape(),
            (Dims{5, 3}));
}

TEST(Embedding, EveryDTypeAndLayout) {
  for (DType dtype : {kF32, kF64, kF16, kBF16, kI8, kI64, kBool}) {
    const Values values = naive::random_values(dtype, 20, 1, 0, 50);
    Values expected;
    for (int row : {4, 0, 2, 4}) {
      expected.insert(expected.end(), values.begin() + row * 4, values.begin() + row * 4 + 4);
    }
    for (const naive::Layout& weight : naive::layouts(dtype, {5, 4}, values)) {
      for (const naive::Layout& index : naive::layouts(kI32, {2, 2}, {4, 0, 2, 4})) {
        EXPECT_EQ(values_of(embedding(index.tensor, weight.tensor)), expected)
            << weight.name << ", index " << index.name;
      }
    }
  }
  const Tensor weight = random({5, 3});
  EXPECT_EQ(values_of(embedding(ids({1}, {2}).expand({3}), weight)),
            values_of(weight.slice(0, 2, 3).expand({3, 3})));
}

TEST(Embedding, Gradients) {
  const Tensor index = ids({2, 3}, {1, 0, 1, 3, 1, 3});
  check_gradients([&](const Tensors& x) { return embedding(index, x[0]); }, {random({4, 3})},
                  "embedding");
  check_gradients([&](const Tensors& x) { return embedding(index, x[0].t()); }, {random({3, 4})},
                  "embedding of a transposed weight");
}

TEST(Embedding, PaddingGetsNoGradient) {
  const Tensor index = ids({5}, {1, 0, 1, 3, 1});
  for (int64_t padding : {1, -3}) {
    Tensor weight = random({4, 2}).requires_grad_();
    Tensor rows = embedding(index, weight, padding);
    EXPECT_EQ(values_of(rows.slice(0, 0, 1)), values_of(weight.slice(0, 1, 2)));
    rows.sum().backward();
    EXPECT_EQ(values_of(weight.grad()), (Values{1, 1, 0, 0, 0, 0, 1, 1}));
  }
  // Nor a second gradient.
  Tensor weight = random({4, 2}).requires_grad_();
  Tensor gy = random({5, 2}, 2).requires_grad_();
  const Tensor rows = embedding(index, weight, 1);
  const Tensor g = grad({rows}, {weight}, {.grad_outputs = {gy}, .create_graph = true})[0];
  g.sum().backward();
  EXPECT_EQ(values_of(gy.grad()), (Values{0, 0, 1, 1, 0, 0, 1, 1, 0, 0}));
}

// Contributions to a row are added in index order, from zero: the same bits for any number of
// threads, whichever way the indices are sorted.
TEST(Embedding, GradientAddsInIndexOrder) {
  const int before = num_threads();
  struct Case {
    int64_t rows, indices, width;
  };
  for (const Case c : {Case{50, 4000, 7}, {100000, 3000, 3}, {40, 300, 1100}, {3, 5000, 1}}) {
    for (DType dtype : {kF32, kF64, kF16, kBF16}) {
      Values picks;
      for (double v : naive::random_values(kF64, c.indices, 3, 0, 1)) {
        picks.push_back(std::floor(v * v * double(c.rows)));
      }
      const Tensor index = ids({c.indices}, picks);
      const Tensor gy = random({c.indices, c.width}, 5, dtype);
      Tensor weight = zeros({c.rows, c.width}, dtype).requires_grad_();

      std::vector<double> sums(size_t(c.rows * c.width));
      const Values g = values_of(gy);
      for (int64_t n = 0; n < c.indices; ++n) {
        for (int64_t j = 0; j < c.width; ++j) {
          double& sum = sums[size_t(int64_t(picks[size_t(n)]) * c.width + j)];
          sum += g[size_t(n * c.width + j)];
          if (dtype != kF64) sum = float(sum);
        }
      }
      for (double& sum : sums) {
        dispatch_dtype(dtype, [&]<class T>(TypeTag<T>) { sum = convert<double>(convert<T>(sum)); });
      }
      for (int threads : {1, 2, 7}) {
        set_num_threads(threads);
        const Tensor gx = grad({embedding(index, weight)}, {weight}, {.grad_outputs = {gy}})[0];
        ASSERT_EQ(values_of(gx), sums) << name_of(dtype) << ", " << threads << " threads";
      }
    }
  }
  set_num_threads(before);
}

TEST(Embedding, Errors) {
  const Tensor weight = zeros({10, 2});
  expect_error<IndexError>(
      [&] {
        embedding(ids({2, 2}, {0, 9, 1, 12}), weight);
      },
      "embedding: index 12 at position 3 is out of range for dimension 0 of "
      "size 10");
  expect_error<IndexError>(
      [&] {
        embedding(ids({2}, {-1, 3}), weight);
      },
      "embedding: index -1 at position 0 is out of range for dimension 0 of "
      "size 10");
  expect_error<IndexError>(
      [] {
        embedding(ids({1}, {0}), zeros({0, 2}));
      },
      "embedding: index 0 at position 0 is out of range for dimension 0 of "
      "size 0");
  expect_error<DtypeError>([&] { embedding(zeros({2}), weight); },
                           "embedding: indices must be i64 or i32, they are f32");
  expect_error<ShapeError>([] { embedding(ids({1}, {0}), zeros({4})); },
                           "embedding: weight must have 2 dimensions, its shape is [4]");
  expect_error<ValueError>([&] { embedding(ids({1}, {0}), weight, 10); },
                           "embedding: padding_idx 10 is out of range for 10 rows");
}

// Whatever the threads do, the first bad position is named.
TEST(Embedding, NamesTheFirstBadPosition) {
  Tensor index = zeros({100000}, kI64);
  index.slice(0, 77777, 100000).fill_(99);
  const int before = num_threads();
  for (int threads : {1, 2, 7}) {
    set_num_threads(threads);
    expect_error<IndexError>(
        [&] {
          embedding(index, zeros({10, 1}));
        },
        "embedding: index 99 at position 77777 is out of range for dimension "
        "0 of size 10");
  }
  set_num_threads(before);
}

TEST(IndexSelect, ReadsSlices) {
  const Tensor x = arange(24).reshape({2, 3, 4});
  EXPECT_EQ(values_of(index_select(x, 1, ids({2}, {2, 0}))),
            (Values{8, 9, 10, 11, 0, 1, 2, 3, 20, 21, 22, 23, 12, 13, 14, 15}));
  EXPECT_EQ(values_of(index_select(x, -1, ids({1}, {3}))), (Values{3, 7, 11, 15, 19, 23}));
  EXPECT_EQ(index_select(x, 0, ids({0}, {})).shape(), (Dims{0, 3, 4}));
  EXPECT_EQ(index_select(zeros({2, 0}), 0, ids({3}, {0, 1, 0})).shape(), (Dims{3, 0}));
  const Values values = naive::random_values(kF32, 24);
  const Tensor plain = naive::tensor(kF32, {2, 3, 4}, values);
  for (const naive::Layout& layout : naive::layouts(kF32, {2, 3, 4}, values)) {
    for (int dim : {0, 1, 2}) {
      const Tensor index = ids({3}, {1, 0, 1});
      EXPECT_EQ(values_of(index_select(layout.tensor, dim, index)),
                values_of(index_select(plain, dim, index)))
          << layout.name;
    }
  }
}

TEST(IndexSelect, Gradients) {
  for (int dim : {0, 1, 2}) {
    check_gradients(
        [dim](const Tensors& x) {
          return index_select(x[0], dim, ids({4}, {1, 0, 1, 1}));
        },
        {random({2, 3, 4})}, "index_select along " + std::to_string(dim));
  }
}

TEST(IndexSelect, Errors) {
  const Tensor x = zeros({2, 3});
  expect_error<IndexError>(
      [&] {
        index_select(x, 1, ids({3}, {0, 3, 1}));
      },
      "index_select: index 3 at position 1 is out of range for dimension 1 of "
      "size 3");
  expect_error<ShapeError>(
      [&] {
        index_select(x, 1, ids({1, 1}, {0}));
      },
      "index_select: index must have 1 dimension, its shape is [1, 1]");
  expect_error<IndexError>([] { index_select(full({}, 1), 0, ids({1}, {0})); },
                           "index_select: a 0-d tensor has no dimension 0");
}

TEST(Gather, ReadsElements) {
  const Tensor x = arange(6).reshape({2, 3});
  EXPECT_EQ(values_of(gather(x, 1, ids({2, 2}, {2, 0, 1, 1}))), (Values{2, 0, 4, 4}));
  EXPECT_EQ(values_of(gather(x, 0, ids({1, 3}, {1, 0, 1}))), (Values{3, 1, 5}));
  EXPECT_EQ(values_of(gather(x, 0, ids({3, 2}, {1, 0, 1, 1, 0, 0}))), (Values{3, 1, 3, 4, 0, 1}));
  EXPECT_EQ(values_of(gather(x, -1, ids({1, 1}, {2}, kI32))), (Values{2}));
  EXPECT_EQ(gather(x, 0, ids({0, 3}, {})).shape(), (Dims{0, 3}));
  const Values values = naive::random_values(kF16, 24), picks = {1, 0, 2, 2, 1, 1, 0, 2};
  const Tensor plain = naive::tensor(kF16, {2, 3, 4}, values);
  for (const naive::Layout& layout : naive::layouts(kF16, {2, 3, 4}, values)) {
    for (const naive::Layout& index : naive::layouts(kI64, {2, 1, 4}, picks)) {
      EXPECT_EQ(values_of(gather(layout.tensor, 1, index.tensor)),
                values_of(gather(plain, 1, ids({2, 1, 4}, picks))))
          << layout.name << ", index " << index.name;
    }
  }
}

TEST(Gather, Gradients) {
  check_gradients(
      [](const Tensors& x) {
        return gather(x[0], 1, ids({2, 4}, {2, 0, 2, 1, 1, 1, 1, 0}));
      },
      {random({3, 3})}, "gather along 1");
  check_gradients(
      [](const Tensors& x) {
        return gather(x[0].t(), 0, ids({4, 2}, {2, 0, 2, 1, 1, 1, 1, 0}, kI32));
      },
      {random({3, 3})}, "gather along 0 of a transpose");
}

TEST(Gather, GradientDoesNotDependOnThreads) {
  const int before = num_threads();
  Values picks;
  for (double v : naive::random_values(kF64, 300 * 200, 3, 0, 1))
    picks.push_back(std::floor(v * 20));
  for (DType dtype : {kF32, kBF16}) {
    for (int dim : {0, 1}) {
      Tensor x = zeros(dim == 0 ? Dims{20, 200} : Dims{300, 20}, dtype).requires_grad_();
      const Tensor index = ids({300, 200}, picks), gy = random({300, 200}, 4, dtype);
      Values expected;
      for (int threads : {1, 2, 7}) {
        set_num_threads(threads);
        const Values g = values_of(grad({gather(x, dim, index)}, {x}, {.grad_outputs = {gy}})[0]);
        if (threads == 1) expected = g;
        EXPECT_EQ(g, expected);
      }
      const double total = to(gy, kF64).sum().item();
      double sum = 0;
      for (double v : expected) sum += v;
      EXPECT_NEAR(sum, total, dtype == kF32 ? 1e-2 : 5);
    }
  }
  set_num_threads(before);
}

TEST(Gather, Errors) {
  const Tensor x = zeros({2, 3});
  expect_error<IndexError>(
      [&] {
        gather(x, 1, ids({2, 2}, {0, 1, 2, -1}));
      },
      "gather: index -1 at position 3 is out of range for dimension 1 of "
      "size 3");
  expect_error<ShapeError>(
      [&] {
        gather(x, 1, ids({3, 1}, {0, 0, 0}));
      },
      "gather: index of shape [3, 1] does not fit input [2, 3]; it needs the "
      "same rank and may be larger in dimension 1 only");
  expect_error<ShapeError>(
      [&] {
        gather(x, 1, ids({3}, {0, 0, 0}));
      },
      "gather: index of shape [3] does not fit input [2, 3]; it needs the "
      "same rank and may be larger in dimension 1 only");
  expect_error<DtypeError>(
      [&] {
        gather(x, 1, zeros({2, 2}, kU8));
      },
      "gather: indices must be i64 or i32, they are u8");
}

}  // namespace
}  // namespace entasis
