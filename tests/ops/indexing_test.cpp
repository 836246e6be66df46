// Subscripts by integers, slices, ellipsis, new axes, index tensors and masks, read and assigned.
#include <gtest/gtest.h>

#include <entasis/entasis.h>
#include <entasis/tests/ops/gradient_check.h>
#include <entasis/tests/ops/naive.h>
#include <entasis/tests/support/errors.h>

namespace entasis {
namespace {

using naive::Values;
using naive::values_of;

Tensor random(const Dims& shape, uint32_t seed = 1) {
  return naive::tensor(kF64, shape, naive::random_values(kF64, count_elements(shape), seed, -1, 1));
}
Tensor ids(const Dims& shape, const Values& values, DType dtype = kI64) {
  return naive::tensor(dtype, shape, values);
}
bool shares(const Tensor& a, const Tensor& b) {
  return a.impl()->storage.get() == b.impl()->storage.get();
}
const Slice kAll;

TEST(Subscript, IntegersAndSlicesAreViews) {
  const Tensor x = arange(24).reshape({2, 3, 4});
  EXPECT_EQ(values_of(x[1]), values_of(select(x, 0, 1)));
  EXPECT_EQ(x[1][2][3].item(), 23);
  EXPECT_EQ(x.index({-1, -1, -1}).item(), 23);
  EXPECT_EQ(values_of(x.index({0, Slice(1, {}), 2})), (Values{6, 10}));
  EXPECT_EQ(values_of(x.index({1, 0, Slice({}, {}, 2)})), (Values{12, 14}));
  EXPECT_EQ(values_of(x.index({kAll, 0, Slice(-1, {})})), (Values{3, 15}));
  EXPECT_TRUE(shares(x.index({kAll, 1}), x));
  EXPECT_EQ(x.index({Slice(2, 1)}).shape(), (Dims{0, 3, 4}));
}

TEST(Subscript, EllipsisAndNewAxis) {
  const Tensor x = arange(24).reshape({2, 3, 4});
  EXPECT_EQ(x.index({kEllipsis, 1}).shape(), (Dims{2, 3}));
  EXPECT_EQ(values_of(x.index({kEllipsis, 1})), values_of(select(x, 2, 1)));
  EXPECT_EQ(x.index({0, kEllipsis, 1}).shape(), (Dims{3}));
  EXPECT_EQ(x.index({0, 1, kEllipsis, 2}).dim(), 0);
  EXPECT_EQ(x.index({kNewAxis, kEllipsis, kNewAxis}).shape(), (Dims{1, 2, 3, 4, 1}));
  EXPECT_EQ(x.index({1, kNewAxis, kAll}).shape(), (Dims{1, 3, 4}));
  EXPECT_EQ(full({}, 1).index({kNewAxis}).shape(), (Dims{1}));
  // Nothing asked for: another view of the same.
  const Tensor same = x.index({kEllipsis});
  EXPECT_TRUE(shares(same, x));
  EXPECT_FALSE(same.same(x));
  EXPECT_EQ(same.shape(), x.shape());
  EXPECT_EQ(full({}, 1).index({}).dim(), 0);
}

TEST(Subscript, IndexTensors) {
  const Tensor x = arange(24).reshape({2, 3, 4});
  const Tensor i = ids({2, 2}, {1, 0, 1, -1});
  EXPECT_EQ(x[i].shape(), (Dims{2, 2, 3, 4}));
  EXPECT_EQ(values_of(x[i][0][1]), values_of(x[0]));
  EXPECT_EQ(values_of(x[i][1][1]), values_of(x[1]));
  EXPECT_FALSE(shares(x[i], x));
  EXPECT_EQ(values_of(x.index({0, ids({2}, {2, 0}, kI32), 1})), (Values{9, 1}));
  // Two tensors broadcast against each other.
  EXPECT_EQ(values_of(x.index({ids({2, 1}, {0, 1}), ids({3}, {0, 1, 2}), 3})),
            (Values{3, 7, 11, 15, 19, 23}));
  EXPECT_EQ(values_of(x.index({ids({2}, {0, 1}), ids({2}, {2, -2}), ids({2}, {3, 0})})),
            (Values{11, 16}));
  EXPECT_EQ(x[ids({0}, {})].shape(), (Dims{0, 3, 4}));
}

// PyTorch's places for the dimensions of the index.
TEST(Subscript, PlacesOfTheResult) {
  const Tensor x = zeros({2, 3, 4, 5});
  const Tensor i = ids({7}, {0, 1, 0, 1, 0, 1, 0});
  EXPECT_EQ(x.index({kAll, i}).shape(), (Dims{2, 7, 4, 5}));
  EXPECT_EQ(x.index({kAll, i, i}).shape(), (Dims{2, 7, 5}));
  EXPECT_EQ(x.index({kEllipsis, i}).shape(), (Dims{2, 3, 4, 7}));
  EXPECT_EQ(x.index({i, kAll, i}).shape(), (Dims{7, 3, 5}));
  EXPECT_EQ(x.index({kAll, i, kAll, i}).shape(), (Dims{7, 2, 4}));
  EXPECT_EQ(x.index({kAll, i, kNewAxis, i}).shape(), (Dims{7, 2, 1, 5}));
  EXPECT_EQ(x.index({0, kAll, i}).shape(), (Dims{3, 7, 5}));
  // A 0-d tensor is an integer.
  EXPECT_EQ(x.index({ids({}, {1}), kAll, i}).shape(), (Dims{3, 7, 5}));
  EXPECT_TRUE(shares(x.index({ids({}, {1})}), x));
}

// Against plain loops, for tensors that are adjacent and that are not, in every layout.
TEST(Subscript, MatchesLoops) {
  const Values values = naive::random_values(kF32, 2 * 3 * 4, 9);
  const int p[] = {2, 0, -1, 1, 1}, q[] = {0, 3, -4, 1, -1}, r[] = {1, 0, -1, -2, 1};
  auto tensor_of = [](const int* v) { return ids({5}, Values(v, v + 5)); };
  auto at = [&](int i, int j, int k) {
    return values[size_t((i + 2) % 2 * 12 + (j + 3) % 3 * 4 + (k + 4) % 4)];
  };
  Values adjacent, apart;
  for (int i = 0; i < 2; ++i) {
    for (int n = 0; n < 5; ++n) adjacent.push_back(at(i, p[n], q[n]));
  }
  for (int n = 0; n < 5; ++n) {
    for (int j = 0; j < 3; ++j) apart.push_back(at(r[n], j, q[n]));
  }
  for (const naive::Layout& layout : naive::layouts(kF32, {2, 3, 4}, values)) {
    EXPECT_EQ(values_of(layout.tensor.index({kAll, tensor_of(p), tensor_of(q)})), adjacent)
        << layout.name;
    EXPECT_EQ(values_of(layout.tensor.index({tensor_of(r), kAll, tensor_of(q)})), apart)
        << layout.name;
  }
}

TEST(Subscript, Masks) {
  const Tensor x = arange(6).reshape({2, 3});
  EXPECT_EQ(values_of(x[gt(x, 2)]), (Values{3, 4, 5}));
  EXPECT_EQ(values_of(x[eq(x, 99)]), Values{});
  EXPECT_EQ(x[eq(x, 99)].shape(), (Dims{0}));
  const Tensor rows = ids({2}, {0, 1}, kBool), columns = ids({3}, {1, 0, 1}, kBool);
  EXPECT_EQ(values_of(x[rows]), (Values{3, 4, 5}));
  EXPECT_EQ(x[rows].shape(), (Dims{1, 3}));
  EXPECT_EQ(values_of(x.index({kAll, columns})), (Values{0, 2, 3, 5}));
  EXPECT_EQ(x.index({kAll, columns}).shape(), (Dims{2, 2}));
  EXPECT_EQ(values_of(x.index({ids({2}, {1, 1}), columns})), (Values{3, 5}));
}

TEST(Subscript, Gradients) {
  const Tensor i = ids({3}, {1, -2, 1}), j = ids({2, 1}, {0, -1});
  const Tensor mask = ids({2, 3}, {1, 0, 1, 1, 0, 0}, kBool);
  auto check = [](const char* name, const std::function<Tensor(const Tensor&)>& f) {
    check_gradients([&f](const Tensors& x) { return f(x[0]); }, {random({2, 3, 2})}, name);
  };
  check("integers and slices", [](const Tensor& x) {
    return x.index({1, Slice(1, {}), kNewAxis});
  });
  check("one tensor", [&](const Tensor& x) { return x[i]; });
  check("a middle tensor", [&](const Tensor& x) { return x.index({kAll, i}); });
  check("broadcast tensors", [&](const Tensor& x) { return x.index({i, j}); });
  check("tensors apart", [&](const Tensor& x) { return x.index({i, kAll, j}); });
  check("all dimensions", [&](const Tensor& x) { return x.index({i, j, i}); });
  check("a mask", [&](const Tensor& x) { return x[mask]; });
  check("a broadcast gradient", [&](const Tensor& x) { return x[i].sum() * x.index({0, 0, 0}); });
}

TEST(Subscript, Errors) {
  const Tensor x = zeros({2, 3});
  expect_error<IndexError>([&] { x[2]; },
                           "index: select: index 2 is out of range for dimension 0 of size 2");
  expect_error<IndexError>([&] { x.index({0, 0, 0}); }, "index: 3 indices for shape [2, 3]");
  expect_error<IndexError>(
      [&] {
        x.index({kEllipsis, kEllipsis});
      },
      "index: a subscript may have one ellipsis, not 2");
  expect_error<IndexError>(
      [&] {
        x.index({kAll, ids({2}, {0, 5})});
      },
      "index: index 5 at position 1 is out of range for dimension 1 of size 3");
  expect_error<IndexError>(
      [&] {
        x[ids({2}, {0, -3})];
      },
      "index: index -3 at position 1 is out of range for dimension 0 of size "
      "2");
  expect_error<DtypeError>([&] { x[zeros({2})]; },
                           "index: indices must be i64 or i32, they are f32");
  expect_error<ShapeError>(
      [&] {
        x.index({ids({2}, {0, 0}), ids({3}, {0, 0, 0})});
      },
      "index: shapes do not broadcast: [2] and [3] (2 vs 3 in dimension 0)");
  expect_error<IndexError>([&] { x[zeros({3}, kBool)]; },
                           "index: a mask of shape [3] does not fit shape [2, 3] at dimension 0");
  expect_error<IndexError>(
      [&] {
        x[zeros({2, 3, 1}, kBool)];
      },
      "index: 3 indices for shape [2, 3]");
  expect_error<ValueError>([&] { x[Tensor()]; }, "index: an index is an undefined tensor");
  expect_error<ValueError>([&] { x[Slice(0, 2, -1)]; },
                           "index: slice: step must be at least 1, it is -1");
}

// ---- nonzero, the two-phase op

TEST(Assignment, EverySubscript) {
  Tensor x = zeros({2, 3});
  x.index_put_({0}, 1);
  x.index_put_({kAll, 2}, ids({2}, {5, 6}));  // a view's values are cast
  EXPECT_EQ(values_of(x), (Values{1, 1, 5, 0, 0, 6}));
  x.index_put_({1, ids({2}, {0, -2})}, full({2}, 7.0));
  EXPECT_EQ(values_of(x), (Values{1, 1, 5, 7, 7, 6}));
  x.index_put_({gt(x, 5)}, 0);
  EXPECT_EQ(values_of(x), (Values{1, 1, 5, 0, 0, 0}));
  x.index_put_({kEllipsis, ids({3}, {1, 0, 1}, kBool)}, -1);
  EXPECT_EQ(values_of(x), (Values{-1, 1, -1, -1, 0, -1}));
  x.index_put_({eq(x, -1)}, arange(4, TensorOptions{kF32}));
  EXPECT_EQ(values_of(x), (Values{0, 1, 1, 2, 0, 3}));
  // Apart, in a transposed view, with one dimension of size 1 too many.
  Tensor y = zeros({2, 3, 2});
  y.transpose(0, 1).index_put_({ids({2}, {0, 2}), kAll, ids({2}, {1, 0})},
                               arange(4, TensorOptions{kF32}).reshape({1, 2, 2}));
  EXPECT_EQ(values_of(y), (Values{0, 0, 0, 0, 2, 0, 0, 1, 0, 0, 3, 0}));
}

TEST(Assignment, PlacesNamedTwice) {
  Tensor x = zeros({3});
  x.index_put_({ids({4}, {0, 2, 0, -3})}, arange(4, TensorOptions{kF32}));
  EXPECT_EQ(values_of(x), (Values{3, 0, 1}));
  x.index_put_({ids({4}, {0, 2, 0, -3})}, 2, true);
  EXPECT_EQ(values_of(x), (Values{9, 0, 3}));
  Tensor narrow = zeros({2}, TensorOptions{kI8});
  narrow.index_put_({ids({3}, {1, 1, 1})}, 100, true);
  EXPECT_EQ(values_of(narrow), (Values{0, 44}));  // 300 - 256
  Tensor any = zeros({2}, TensorOptions{kBool});
  any.index_put_({zeros({256}, TensorOptions{kI64})}, true, true);
  EXPECT_EQ(values_of(any), (Values{1, 0}));
  // Into a view that is not dense.
  Tensor wide = zeros({3, 2});
  wide.index({kAll, 1}).index_put_({ids({3}, {2, 2, 0})}, 1, true);
  EXPECT_EQ(values_of(wide), (Values{0, 1, 0, 0, 0, 2}));
}

TEST(Assignment, AMaskOfNoDimensions) {
  Tensor x = zeros({2, 2});
  EXPECT_EQ(x.index({full({}, true)}).shape(), (Dims{1, 2, 2}));
  EXPECT_EQ(x.index({full({}, false)}).shape(), (Dims{0, 2, 2}));
  x.index_put_({full({}, false)}, 1);
  EXPECT_EQ(values_of(x), (Values{0, 0, 0, 0}));
  x.index_put_({full({}, true)}, 1);
  EXPECT_EQ(values_of(x), (Values{1, 1, 1, 1}));
}

TEST(Assignment, ReadsItsOwnTargetAsItWas) {
  Tensor x = arange(4, TensorOptions{kF32});
  x.index_put_({ids({4}, {3, 2, 1, 0})}, x);
  EXPECT_EQ(values_of(x), (Values{3, 2, 1, 0}));
}

TEST(Assignment, Gradients) {
  const Tensor i = ids({2}, {1, -2}), j = ids({2, 1}, {0, -1});
  const Tensor mask = ids({2, 3}, {1, 0, 1, 1, 0, 0}, kBool);
  auto check = [](const char* name, const Dims& values, auto put) {
    check_gradients(
        [&](const Tensors& x) {
          Tensor y = x[0] * x[0];
          put(y, x[1]);
          return y * y;
        },
        {random({2, 3, 2}), random(values, 2)}, name);
  };
  check("one tensor", {2, 3, 2}, [&](Tensor& y, const Tensor& v) { y.index_put_({i}, v); });
  check("broadcast", {2}, [&](Tensor& y, const Tensor& v) { y.index_put_({i, j}, v); });
  check("apart", {2, 2, 3}, [&](Tensor& y, const Tensor& v) { y.index_put_({i, kAll, j}, v); });
  check("added", {2, 3, 2}, [&](Tensor& y, const Tensor& v) {
    y.index_put_({ids({2}, {1, 1})}, v, true);
  });
  check("added, in a view", {2, 2}, [&](Tensor& y, const Tensor& v) {
    y.transpose(0, 2).index_put_({kAll, i, 0}, v, true);
  });
  check("a mask", {3, 2}, [&](Tensor& y, const Tensor& v) { y.index_put_({mask}, v); });
  check("a mask, one value", {}, [&](Tensor& y, const Tensor& v) { y.index_put_({mask}, v); });
  check("a view", {3}, [&](Tensor& y, const Tensor& v) { y.index_put_({1, kAll, 0}, v); });
}

TEST(Assignment, ErrorsChangeNothing) {
  Tensor x = zeros({3});
  expect_error<IndexError>(
      [&] {
        x.index_put_({ids({2}, {0, 3})}, 1);
      },
      "index_put_: index 3 at position 1 is out of range for dimension 0 of size 3");
  expect_error<ShapeError>(
      [&] {
        x.index_put_({ids({2}, {0, 1})}, zeros({3}));
      },
      "index_put_: values of shape [3] do not broadcast to what the subscript names, of shape [2]");
  expect_error<DtypeError>(
      [&] {
        x.index_put_({ids({2}, {0, 1})}, ids({2}, {1, 1}));
      },
      "index_put_: the values are i64, the tensor they are put in is f32");
  expect_error<IndexError>(
      [&] {
        x.index_put_({ids({2}, {1, 1}, kBool)}, 1);
      },
      "index_put_: a mask of shape [2] does not fit shape [3] at dimension 0");
  EXPECT_EQ(values_of(x), (Values{0, 0, 0}));
}

TEST(Nonzero, ListsPositions) {
  const Tensor x = ids({2, 3}, {0, 5, 0, -1, 0, 2});
  const Tensor n = nonzero(x);
  EXPECT_EQ(n.dtype(), kI64);
  EXPECT_EQ(n.shape(), (Dims{3, 2}));
  EXPECT_EQ(values_of(n), (Values{0, 1, 1, 0, 1, 2}));
  EXPECT_EQ(nonzero(zeros({4})).shape(), (Dims{0, 1}));
  EXPECT_EQ(nonzero(zeros({0, 2})).shape(), (Dims{0, 2}));
  EXPECT_EQ(nonzero(full({}, 3)).shape(), (Dims{1, 0}));
  EXPECT_EQ(nonzero(full({}, 0)).shape(), (Dims{0, 0}));
}

TEST(Nonzero, ZeroHasNoSignAndNanIsNotZero) {
  for (DType dtype : {kF32, kF64, kF16, kBF16}) {
    const Tensor x = naive::tensor(dtype, {5}, {0.0, -0.0, NAN, 1e-7, -2});
    EXPECT_EQ(values_of(nonzero(x)), (Values{2, 3, 4})) << name_of(dtype);
  }
  for (DType dtype : {kI8, kI16, kI32, kI64}) {
    const Tensor x = naive::tensor(dtype, {3}, {-128, 0, 1});
    EXPECT_EQ(values_of(nonzero(x)), (Values{0, 2})) << name_of(dtype);
  }
}

TEST(Nonzero, EveryLayoutAndManyChunks) {
  const Values values = {0, 1, 0, 0, 2, 3, 0, 0, 0, 0, 0, 4, 5, 0, 0, 0, 0, 0, 6, 0, 0, 0, 0, 7};
  const Values expected = values_of(nonzero(naive::tensor(kF32, {2, 3, 4}, values)));
  for (const naive::Layout& layout : naive::layouts(kF32, {2, 3, 4}, values)) {
    EXPECT_EQ(values_of(nonzero(layout.tensor)), expected) << layout.name;
  }
  Tensor x = zeros({500, 300}, kU8);
  Values positions;
  for (int i = 0; i < 150000; i += 1 + i % 7) {
    x.mutable_data<uint8_t>()[i] = 1;
    positions.push_back(i / 300);
    positions.push_back(i % 300);
  }
  EXPECT_EQ(values_of(nonzero(x)), positions);
}

TEST(Nonzero, NeedsValues) {
  expect_error<DeviceError>([] { nonzero(zeros({2}, kMeta)); },
                            "nonzero: the result's shape depends on values, which a meta tensor "
                            "does not have");
}

}  // namespace
}  // namespace entasis
