// The matrix tested on rows that are wrong on purpose: each kind of fault must be found.
#include <string>

#include <gtest/gtest-spi.h>

#include <entasis/core/autograd.h>
#include <entasis/core/row.h>
#include <entasis/ops/arithmetic.h>
#include <entasis/ops/copy.h>
#include <entasis/ops/shape.h>

#include "forward.h"
#include "gradients.h"

namespace entasis::matrix {
namespace {

// ---- Rows that claim to return twice their input

Tensor right(const Tensor& x, Location) { return mul(x, 2); }
Tensor wrong_value(const Tensor& x, Location) { return mul(x, 2 + 1e-5); }
Tensor wrong_dtype(const Tensor& x, Location) { return to(mul(x, 2), kF64); }
Tensor wrong_shape(const Tensor& x, Location) { return unsqueeze(mul(x, 2), 0); }
Tensor wrong_strides(const Tensor& x, Location) {
  return transpose(contiguous(transpose(mul(x, 2), 0, 1)), 0, 1);
}
Tensor writes_input(const Tensor& x, Location) {
  const NoGrad unrecorded;
  const Tensor y = mul(x, 2);
  zero_(x);
  return y;
}
Tensor writes_beside(const Tensor& x, Location) {
  const Tensor next = alias(x, {{1}, {1}, x.storage_offset() + 1});  // between a slice's elements
  const Tensor y = mul(x, 2);
  fill_(next, 7);
  return y;
}
Tensor changes(const Tensor& x, Location) {
  static int calls = 0;
  return mul(x, ++calls % 2 ? 2 : std::nextafter(2.0f, 3.0f));
}
Tensor other_on_meta(const Tensor& x, Location) {
  return x.device().is_meta() ? mul(flatten(x), 2) : mul(x, 2);
}
Tensor wrong_gradient(const Tensor& x, Location) { return add(x, x.detach()); }
Tensor no_gradient(const Tensor& x, Location) { return mul(x.detach(), 2); }

// x², whose first gradient is right but forgets where it came from.
struct Square : Function<Square> {
  static Tensor forward(FunctionContext& context, const Tensor& x) {
    context.save(x);
    return mul(x, x);
  }
  static Grads backward(FunctionContext& context, Grads gy) {
    return {mul(gy[0], mul(context.saved(0).detach(), 2))};
  }
};
Tensor wrong_second_gradient(const Tensor& x, Location) { return Square::apply(x); }

constinit const Row rows[] = {
    row<&right>("self_right", args("input"), "Right."),
    row<&wrong_value>("self_wrong_value", args("input"), "Wrong."),
    row<&wrong_dtype>("self_wrong_dtype", args("input"), "Wrong."),
    row<&wrong_shape>("self_wrong_shape", args("input"), "Wrong."),
    row<&wrong_strides>("self_wrong_strides", args("input"), "Wrong."),
    row<&writes_input>("self_writes_input", args("input"), "Wrong."),
    row<&writes_beside>("self_writes_beside", args("input"), "Wrong."),
    row<&changes>("self_changes", args("input"), "Wrong."),
    row<&other_on_meta>("self_other_on_meta", args("input"), "Wrong."),
    row<&wrong_gradient>("self_wrong_gradient", args("input"), "Wrong."),
    row<&no_gradient>("self_no_gradient", args("input"), "Wrong."),
    row<&wrong_second_gradient>("self_wrong_second_gradient", args("input"), "Wrong."),
};
constinit const RowList list{rows, {}};

Sample sample_of(const std::string& row) {
  static const bool registered = (register_rows(list), true);
  EXPECT_TRUE(registered);
  Sample s;
  s.row = row;
  s.strides = Strides::kPointwise;
  s.reference = [](const Call& c) -> Results {
    Array y = c.array(0);
    for (Real& v : y.values) v *= 2;
    return {y};
  };
  return s;
}

const Call& call_of(DType dtype) {
  static Maker f32(kF32), f64(kF64);
  Maker& m = dtype == kF64 ? f64 : f32;
  return m.call("call", m.uniform({3, 4}));
}

// The failures of `check`, one a line.
template <class F>
std::string failures_of(const F& check) {
  testing::TestPartResultArray results;
  {
    testing::ScopedFakeTestPartResultReporter reporter(
        testing::ScopedFakeTestPartResultReporter::INTERCEPT_ONLY_CURRENT_THREAD, &results);
    check();
  }
  std::string text;
  for (int i = 0; i < results.size(); ++i)
    text += std::string(results.GetTestPartResult(i).message()) + "\n";
  return text;
}

std::string forward(const std::string& row, Layout layout) {
  return failures_of([&] { check_forward(sample_of(row), call_of(kF32), layout); });
}
std::string first(const std::string& row) {
  Differences known;
  return failures_of(
      [&] { check_first(sample_of(row), call_of(kF32), Layout::kContiguous, known); });
}
std::string second(const std::string& row) {
  return failures_of([&] { check_second(sample_of(row), call_of(kF64), Layout::kContiguous); });
}

void expect_found(const std::string& fragment, const std::string& failures) {
  EXPECT_NE(std::string::npos, failures.find(fragment)) << "found only: " << failures;
}

TEST(Self, RightRowsPass) {
  for (Layout layout : {Layout::kContiguous, Layout::kTransposed, Layout::kSliced}) {
    EXPECT_EQ("", forward("self_right", layout));
  }
  EXPECT_EQ("", first("self_right"));
  EXPECT_EQ("", second("self_right"));
}

TEST(Self, FaultsOfResultsAreFound) {
  expect_found("expected", forward("self_wrong_value", Layout::kContiguous));
  expect_found("f64", forward("self_wrong_dtype", Layout::kContiguous));
  expect_found("[1, 3, 4]", forward("self_wrong_shape", Layout::kContiguous));
  expect_found("strides of result 0", forward("self_wrong_strides", Layout::kContiguous));
  expect_found("a second run differs", forward("self_changes", Layout::kContiguous));
  expect_found("on meta", forward("self_other_on_meta", Layout::kContiguous));
}

TEST(Self, StrayWritesAreFound) {
  expect_found("wrote into argument 0", forward("self_writes_input", Layout::kContiguous));
  expect_found("wrote into argument 0", forward("self_writes_beside", Layout::kSliced));
}

TEST(Self, WrongGradientsAreFound) {
  expect_found("by differences", first("self_wrong_gradient"));
  expect_found("no result carries a gradient", first("self_no_gradient"));
  expect_found("second gradient of leaf 0", second("self_wrong_second_gradient"));
}

// ---- The arrays that everything rests on

TEST(Self, HeldRoundsAsTheFormatsDo) {
  EXPECT_EQ(held(kF16, 2049), 2048);  // a tie goes to the even neighbour
  EXPECT_EQ(held(kF16, 2051), 2052);
  EXPECT_EQ(held(kF16, 65519), 65504);
  EXPECT_EQ(held(kF16, 65520), INFINITY);
  EXPECT_EQ(held(kBF16, 257), 256);
  EXPECT_EQ(held(kF16, 0x1p-25L), 0);  // half of the smallest subnormal
  EXPECT_EQ(held(kF16, 0x1.8p-24L), 0x1p-23L);
  EXPECT_EQ(held(kF32, 0x1.0000018p0L), Real(float(0x1.0000018p0)));
  EXPECT_EQ(held(kI8, 200), -56);
  EXPECT_EQ(held(kU8, -1), 255);
  EXPECT_EQ(held(kI32, -2.75L), -2);
  EXPECT_EQ(held(kBool, -0.5L), 1);
}

TEST(Self, TensorsHoldWhatArraysDo) {
  for (DType dtype : kEveryDType) {
    SCOPED_TRACE(entasis::name_of(dtype));
    const std::vector<Real> values = Maker(dtype).extremes();
    const Array array{dtype, {int64_t(values.size())}, values};
    for (Layout layout : {Layout::kContiguous, Layout::kSliced, Layout::kMisaligned}) {
      const Array back = read(Placed(array, layout).tensor());
      for (size_t i = 0; i < values.size(); ++i) {
        if (std::isnan(values[i])) {
          EXPECT_TRUE(std::isnan(back.values[i]));
        } else {
          EXPECT_EQ(back.values[i], values[i]);
          EXPECT_EQ(std::signbit(back.values[i]), std::signbit(values[i]));
        }
      }
    }
  }
}

}  // namespace
}  // namespace entasis::matrix
