// Lookups, their gradients and nonzero of sizes that take more than a tile or a block, against the
// CPU; and wrong indices.
#include <entasis/core/error.h>

#include "compare.h"

namespace entasis {
namespace {

using CudaLookup = CudaTest;

TEST_F(CudaLookup, ReadsSlices) {
  manual_seed(1);
  const Tensor ids = randint(0, 50, {300});
  for (const DType dtype : {kF64, kF32, kF16, kU8}) {
    for (const int64_t width : {1, 3, 8, 64}) {
      const Tensor table = whole_numbers({50, width}, dtype);
      compare([](const Tensor& t, const Tensor& i) { return embedding(i, t); }, table, ids);
      compare([](const Tensor& t, const Tensor& i) { return embedding(i, t); },
              transpose(contiguous(transpose(table, 0, 1)), 0, 1), ids.to(kI32));
      compare([](const Tensor& t, const Tensor& i) { return embedding(i, t); }, table,
              slice(ids, 0, 0, 300, 2));
    }
    const Tensor x = whole_numbers({7, 50, 6, 4}, dtype);
    compare([](const Tensor& t, const Tensor& i) { return index_select(t, 1, i); }, x, ids);
    compare([](const Tensor& t, const Tensor& i) { return index_select(t, 3, i); },
            transpose(x, 1, 3), ids);
  }
}

// Sums of whole numbers are exact in any order.
TEST_F(CudaLookup, AddsSlices) {
  manual_seed(2);
  for (const DType dtype : kFloatDTypes) {
    for (const int64_t rows : {1, 3, 700}) {
      for (const int64_t width : {1, 3, 8}) {
        // Few ids and far apart: some runs end within a tile, some go through many.
        const int64_t n = is_half(dtype) ? 300 : 9000;
        const Tensor ids = randint(0, rows, {n});
        Tensor ones_and_zeros = randint(0, 2, {n, width}).to(dtype);
        compare(
            [&](const Tensor& gy, const Tensor& i) {
              Tensor table = zeros({rows, width}, {dtype, gy.device()});
              table.requires_grad_();
              embedding(i, table, rows > 2 ? std::optional<int64_t>(2) : std::nullopt).backward(gy);
              return table.grad();
            },
            ones_and_zeros, ids);
      }
    }
    const Tensor ids = randint(0, 20, {500});
    compare(
        [&](const Tensor& gy, const Tensor& i) {
          Tensor x = zeros({3, 20, 5}, {dtype, gy.device()}).requires_grad_();
          index_select(x, 1, i).backward(gy);
          return x.grad();
        },
        randint(0, 2, {3, 500, 5}).to(dtype), ids);
  }
}

TEST_F(CudaLookup, AddsInTheSameOrderInEveryRun) {
  manual_seed(3);
  const Tensor gy = randn({9000, 5}).to(kCuda), ids = randint(0, 4, {9000}).to(kCuda);
  const auto gradient = [&] {
    Tensor table = zeros({4, 5}, kCuda).requires_grad_();
    embedding(ids, table).backward(gy);
    return table.grad();
  };
  const Tensor first = gradient().to(kCPU);
  for (int run = 0; run < 3; ++run) expect_same(gradient(), first);
}

TEST_F(CudaLookup, ReadsAndAddsBySeveralIndices) {
  manual_seed(4);
  const Tensor i = randint(-9, 9, {40, 30}), j = randint(0, 11, {30});
  compare(
      [](const Tensor& x, const Tensor& a, const Tensor& b) {
        return x.index({a, b});
      },
      randn({9, 11, 3}), i, j);
  compare(
      [](const Tensor& x, const Tensor& a, const Tensor& b) {
        return x.index({kEllipsis, transpose(a, 0, 1), unsqueeze(b, 1)});
      },
      randn({2, 9, 11}), i, j);
  compare(
      [](const Tensor& gy, const Tensor& a, const Tensor& b) {
        Tensor x = zeros({9, 11, 3}, gy.device()).requires_grad_();
        x.index({a, b}).backward(gy);
        return x.grad();
      },
      whole_numbers({40, 30, 3}), i, j);
  compare([](const Tensor& x, const Tensor& mask) { return x.index({mask}); }, randn({60, 70}),
          randint(0, 2, {60, 70}).to(kBool));
}

TEST_F(CudaLookup, GathersAndAddsBack) {
  manual_seed(5);
  for (const DType dtype : kFloatDTypes) {
    for (const int64_t length : {1, 5, 8, 9, 700}) {
      for (const int64_t dim : {0, 1}) {
        const Dims shape = dim == 0 ? Dims{length, 6} : Dims{6, length};
        const Tensor index = randint(0, 10, shape);
        compare([&](const Tensor& x, const Tensor& i) { return gather(x, dim, i); },
                whole_numbers(dim == 0 ? Dims{10, 7} : Dims{7, 10}, dtype), index);
        compare(
            [&](const Tensor& gy, const Tensor& i) {
              Tensor x = zeros(dim == 0 ? Dims{10, 7} : Dims{7, 10}, {dtype, gy.device()});
              x.requires_grad_();
              gather(x, dim, i).backward(transpose(contiguous(transpose(gy, 0, 1)), 0, 1));
              return x.grad();
            },
            randint(0, 2, shape).to(dtype), index);
      }
    }
  }
}

TEST_F(CudaLookup, FindsWhatIsNotZero) {
  manual_seed(6);
  for (const DType dtype : {kF64, kF32, kBF16, kI32, kU8, kBool}) {
    const Tensor x = (randint(0, 3, {40, 7, 50}) * randint(-1, 2, {40, 7, 50})).to(dtype);
    compare([](const Tensor& t) { return nonzero(t); }, x);
    compare([](const Tensor& t) { return nonzero(transpose(t, 0, 2)); }, x);
    compare([](const Tensor& t) { return nonzero(slice(t, 2, 0, 50, 3)); }, x);
    compare([](const Tensor& t) { return nonzero(t * 0); }, x);
  }
  compare([](const Tensor& t) { return nonzero(t); }, zeros({0, 3}));
  compare([](const Tensor& t) { return nonzero(t); }, full({}, -0.0));
  compare([](const Tensor& t) { return nonzero(t); }, full({}, 2.0));
}

// Reads 0, drops the write, and says so when the device is waited for.
TEST_F(CudaLookup, ReportsWrongIndices) {
  const Tensor table = ones({5, 3}, kCuda);
  const auto ids = [](int64_t wrong) {
    Tensor t = zeros({100}, kI64);
    t.mutable_data<int64_t>()[70] = wrong;
    return t.to(kCuda);
  };
  const auto message_of = [](const auto& f) -> std::string {
    try {
      f();
      synchronize(kCuda);
    } catch (const IndexError& error) {
      return error.what();
    }
    return "no error";
  };
  const auto expect_report = [&](const auto& f, const char* op, const char* text) {
    const std::string message = message_of(f);
    EXPECT_EQ(message.find(op), 0u) << message;
    EXPECT_NE(message.find(text), std::string::npos) << message;
    EXPECT_NE(message.find("lookup_test.cpp"), std::string::npos) << message;
    EXPECT_EQ(message_of([] {}), "no error");  // the device stays usable
  };
  expect_report([&] { (void)embedding(ids(5), table); }, "embedding",
                "index 5 at position 70 is out of range for dimension 0 of size 5");
  expect_report([&] { (void)embedding(ids(-1), table); }, "embedding", "index -1 at position 70");
  expect_report([&] { (void)index_select(table, 1, ids(3)); }, "index_select",
                "for dimension 1 of size 3");
  expect_report([&] { (void)table.index({ids(-6)}); }, "index", "index -6 at position 70");
  expect_report(
      [&] {
        (void)gather(expand(table, {5, 3}), 0, reshape(ids(9), {100, 1}));
      },
      "gather", "index 9 at position 70");
  const Tensor read = embedding(ids(5), table);
  EXPECT_THROW(synchronize(kCuda), IndexError);
  EXPECT_EQ(to_vector(read)[70 * 3], 0);
  EXPECT_EQ(to_vector(read)[71 * 3], 1);
}

}  // namespace
}  // namespace entasis
