// Reductions against naive references in double: every dtype, layout and set of dimensions.
#include <entasis/ops/reduction.h>

#include <cstring>
#include <functional>

#include <gtest/gtest.h>

#include <entasis/backends/cpu/parallel.h>
#include <entasis/ops/factory.h>
#include <entasis/ops/reduction_internal.h>
#include <entasis/tests/kernels/every_target.h>
#include <entasis/tests/ops/gradient_check.h>
#include <entasis/tests/ops/naive.h>
#include <entasis/tests/support/errors.h>

namespace entasis {
namespace {

using namespace naive;

constexpr DType kAllDTypes[] = {kF32, kF64, kF16, kBF16, kI8,  kI16, kI32,
                                kI64, kU8,  kU16, kU32,  kU64, kBool};
constexpr DType kFloats[] = {kF32, kF64, kF16, kBF16};

// The groups of values that a reduction of `dims` joins, in the order of the outputs.
std::vector<Values> groups_of(const Dims& shape, const Values& values, DimMask reduced) {
  const Dims out_shape = reduced_shape(shape, reduced, true);
  const Dims out_strides = contiguous_strides(out_shape);
  std::vector<Values> groups(static_cast<size_t>(count(out_shape)));
  size_t next = 0;
  each_index(shape, [&](Dims index) {
    for (int d = 0; d < shape.size(); ++d) {
      if (reduced >> d & 1) index[d] = 0;
    }
    groups[size_t(offset_of(index, out_strides))].push_back(values[next++]);
  });
  return groups;
}

double sum_of(const Values& group) {
  double sum = 0;
  for (double v : group) sum += v;
  return sum;
}
double sum_of_magnitudes(const Values& group) {
  double sum = 0;
  for (double v : group) sum += std::abs(v);
  return sum;
}
double mean_of(const Values& group) { return sum_of(group) / double(group.size()); }

// At most four roundings for an element in f32; in f64 one for each of the longest chain.
double accumulated_rounding(DType dtype, const Values& group) {
  const double steps = dtype == kF64 ? 32 + double(group.size()) / 16 : 4;
  return steps * compute_rounding(dtype) * sum_of_magnitudes(group);
}

// The dimensions in a mask; all of them as the empty list.
Dims dims_in(DimMask mask, int rank) {
  Dims dims;
  for (int d = 0; d < rank; ++d) {
    if (mask >> d & 1) dims.push_back(d % 2 ? d - rank : d);
  }
  return dims;
}

const Dims kShapes[] = {{7},      {1},        {},       {0},          {3, 0, 2},
                        {5, 4},   {2, 3, 70}, {33, 65}, {3, 1, 4, 5}, {2, 3, 2, 3, 2},
                        {600, 3}, {4, 1000},  {40, 520}};

// Runs `f(layout, dims, keepdim)` over shapes, layouts and every set of dimensions.
void each_case(DType dtype, const std::function<void(const Layout&, const Values&, const Dims& dims,
                                                     DimMask mask, bool keepdim)>& f) {
  for (const Dims& shape : kShapes) {
    const Values values = random_values(dtype, count(shape));
    for (const Layout& layout : layouts(dtype, shape, values)) {
      for (DimMask mask = 0; mask < DimMask{1} << shape.size(); ++mask) {
        const DimMask reduced = mask ? mask : (DimMask{1} << shape.size()) - 1;
        for (const bool keepdim : {false, true}) {
          f(layout, values, dims_in(mask, shape.size()), reduced, keepdim);
        }
      }
    }
  }
}

std::string describe(const Layout& layout, const Dims& dims, DType dtype) {
  return std::string(name_of(dtype)) + " " + layout.name + " " + to_string(layout.tensor.shape()) +
         " over " + to_string(dims);
}

TEST(Reduction, SumOfEveryDtypeLayoutAndSetOfDims) {
  for (const DType dtype : kAllDTypes) {
    each_case(dtype, [&](const Layout& layout, const Values& values, const Dims& dims, DimMask mask,
                         bool keepdim) {
      const Tensor y = sum(layout.tensor, dims, keepdim);
      const Dims& shape = layout.tensor.shape();
      const std::string what = describe(layout, dims, dtype);
      ASSERT_EQ(y.dtype(), is_floating_point(dtype) ? dtype : kI64) << what;
      ASSERT_EQ(y.shape(), reduced_shape(shape, mask, keepdim)) << what;
      ASSERT_TRUE(y.is_contiguous()) << what;
      const Values actual = values_of(y);
      const std::vector<Values> groups = groups_of(shape, values, mask);
      for (size_t i = 0; i < groups.size(); ++i) {
        expect_near(actual[i], sum_of(groups[i]),
                    {rounding(dtype), accumulated_rounding(dtype, groups[i])}, what);
      }
    });
  }
}

TEST(Reduction, SumsOfIntegersWrap) {
  for (const int64_t rows : {1, 3, 70, 300}) {
    for (const int64_t columns : {1, 5, 64, 301}) {
      const Tensor x = full({rows, columns}, std::numeric_limits<int64_t>::max() - 7, {kI64});
      const auto wrapped = [](int64_t n) {
        return int64_t(uint64_t(n) * uint64_t(std::numeric_limits<int64_t>::max() - 7));
      };
      EXPECT_EQ(sum(x).item<int64_t>(), wrapped(rows * columns));
      EXPECT_EQ(sum(x, {0})[columns - 1].item<int64_t>(), wrapped(rows));
      EXPECT_EQ(sum(x, {1})[rows - 1].item<int64_t>(), wrapped(columns));
      EXPECT_EQ(sum(x.t(), {0})[rows - 1].item<int64_t>(), wrapped(columns));
    }
  }
}

TEST(Reduction, MeanOfEveryFloatLayoutAndSetOfDims) {
  for (const DType dtype : kFloats) {
    each_case(dtype, [&](const Layout& layout, const Values& values, const Dims& dims, DimMask mask,
                         bool keepdim) {
      const Tensor y = mean(layout.tensor, dims, keepdim);
      const Dims& shape = layout.tensor.shape();
      const std::string what = describe(layout, dims, dtype);
      ASSERT_EQ(y.dtype(), dtype) << what;
      ASSERT_EQ(y.shape(), reduced_shape(shape, mask, keepdim)) << what;
      const Values actual = values_of(y);
      const std::vector<Values> groups = groups_of(shape, values, mask);
      for (size_t i = 0; i < groups.size(); ++i) {
        const double error = accumulated_rounding(dtype, groups[i]) / double(groups[i].size());
        expect_near(actual[i], mean_of(groups[i]), {2 * rounding(dtype), error}, what);
      }
    });
  }
}

TEST(Reduction, AmaxOfEveryDtypeLayoutAndSetOfDims) {
  for (const DType dtype : kAllDTypes) {
    each_case(dtype, [&](const Layout& layout, const Values& values, const Dims& dims, DimMask mask,
                         bool keepdim) {
      const Dims& shape = layout.tensor.shape();
      if (count(shape) == 0) return;
      const Tensor y = amax(layout.tensor, dims, keepdim);
      const std::string what = describe(layout, dims, dtype);
      ASSERT_EQ(y.dtype(), dtype) << what;
      ASSERT_EQ(y.shape(), reduced_shape(shape, mask, keepdim)) << what;
      Values expected;
      for (const Values& group : groups_of(shape, values, mask)) {
        expected.push_back(*std::max_element(group.begin(), group.end()));
      }
      ASSERT_EQ(values_of(y), expected) << what;
    });
  }
}

TEST(Reduction, ArgmaxOfEveryDtypeLayoutAndDim) {
  for (const DType dtype : kAllDTypes) {
    for (const Dims& shape : kShapes) {
      if (count(shape) == 0) continue;
      const Values values = random_values(dtype, count(shape));  // many ties in small dtypes
      for (const Layout& layout : layouts(dtype, shape, values)) {
        for (int d = -1; d < shape.size(); ++d) {
          const std::optional<int64_t> dim = d < 0 ? std::nullopt : std::optional<int64_t>(d);
          const DimMask mask = d < 0 ? (DimMask{1} << shape.size()) - 1 : DimMask{1} << d;
          Values expected;
          for (const Values& group : groups_of(shape, values, mask)) {
            expected.push_back(
                double(std::max_element(group.begin(), group.end()) - group.begin()));
          }
          for (const bool keepdim : {false, true}) {
            const Tensor y = argmax(layout.tensor, dim, keepdim);
            ASSERT_EQ(y.dtype(), kI64);
            ASSERT_EQ(y.shape(), reduced_shape(shape, mask, keepdim));
            ASSERT_EQ(values_of(y), expected)
                << describe(layout, dims_in(mask, shape.size()), dtype);
          }
        }
      }
    }
  }
}

TEST(Reduction, VarOfEveryFloatLayoutAndSetOfDims) {
  for (const DType dtype : kFloats) {
    for (const double correction : {0.0, 1.0, 2.5}) {
      each_case(dtype, [&](const Layout& layout, const Values& values, const Dims& dims,
                           DimMask mask, bool keepdim) {
        const Tensor y = var(layout.tensor, dims, correction, keepdim);
        const Dims& shape = layout.tensor.shape();
        const std::string what = describe(layout, dims, dtype);
        ASSERT_EQ(y.dtype(), dtype) << what;
        ASSERT_EQ(y.shape(), reduced_shape(shape, mask, keepdim)) << what;
        Values expected;
        for (const Values& group : groups_of(shape, values, mask)) {
          const double mean = mean_of(group);
          double squares = 0;
          for (double v : group) squares += (v - mean) * (v - mean);
          expected.push_back(squares / std::max(0.0, double(group.size()) - correction));
        }
        expect_close(values_of(y), expected, {rounding(dtype) + 1e-14, 1e-13}, what);
      });
    }
  }
}

TEST(Reduction, AmaxAndArgmaxFindNaN) {
  const double nan = std::nan("");
  for (const int64_t n : {3, 5, 40, 5000, 100'000}) {
    for (const int64_t at : {int64_t{0}, n / 2, n - 1}) {
      Values values = random_values(kF32, n);
      values[size_t(at)] = nan;
      for (const Layout& layout : layouts(kF32, {n}, values)) {
        EXPECT_TRUE(std::isnan(*amax(layout.tensor).raw_as<float>())) << n << " " << at;
        EXPECT_EQ(*argmax(layout.tensor).raw_as<int64_t>(), at) << layout.name;
      }
      for (const Layout& layout : layouts(kF32, {n, 1}, values)) {
        EXPECT_TRUE(std::isnan(*amax(layout.tensor, {0}).raw_as<float>())) << n << " " << at;
        EXPECT_EQ(*argmax(layout.tensor, 0).raw_as<int64_t>(), at) << layout.name;
      }
    }
  }
  // Along columns, with one NaN in the middle one.
  const Tensor x = tensor(kF64, {3, 3}, {1, 2, 3, 4, nan, -1, 7, 9, -9});
  EXPECT_EQ(values_of(argmax(x, 0)), (Values{2, 1, 0}));
  EXPECT_TRUE(std::isnan(values_of(amax(x, {0}))[1]));
  const double inf = INFINITY;
  EXPECT_EQ(values_of(amax(tensor(kF32, {2}, {-inf, -inf}))), Values{-inf});
}

TEST(Reduction, AmaxAndArgmaxOfTheWholeRangeOfU64) {
  const Tensor x = empty_strided(Spec::dense(kU64, {4}), Device());
  const uint64_t values[] = {1, ~uint64_t{0} - 1, uint64_t{1} << 63, 7};
  std::memcpy(x.raw(), values, sizeof values);
  EXPECT_EQ(*amax(x).raw_as<uint64_t>(), ~uint64_t{0} - 1);
  EXPECT_EQ(*argmax(x).raw_as<int64_t>(), 1);
}

TEST(Reduction, VarIsStableFarFromZero) {
  Values values;
  for (int i = 0; i < 1000; ++i) values.push_back(1e8 + 8 * (i % 2));
  EXPECT_EQ(values_of(var(tensor(kF32, {1000}, values), {}, 0)), Values{16});
  for (double& v : values) v = 1e15 + (v - 1e8) / 4;
  EXPECT_EQ(values_of(var(tensor(kF64, {1000}, values), {}, 0)), Values{1});
}

TEST(Reduction, SumToUndoesEveryBroadcast) {
  const Dims shape = {2, 3, 4};
  const Values values = random_values(kF64, 24);
  for (const Dims& target : {Dims{2, 3, 4}, Dims{1, 3, 4}, Dims{2, 1, 4}, Dims{3, 1}, Dims{4},
                             Dims{1}, Dims{}, Dims{1, 1, 1}}) {
    const DimMask mask = summed_dims(shape, target);
    for (const Layout& layout : layouts(kF64, shape, values)) {
      const Tensor y = sum_to(layout.tensor, target);
      EXPECT_EQ(y.shape(), target);
      const std::vector<Values> groups = groups_of(shape, values, mask);
      for (size_t i = 0; i < groups.size(); ++i) {
        expect_near(values_of(y)[i], sum_of(groups[i]), {0, 1e-14}, layout.name);
      }
    }
  }
  const Tensor same = tensor(kF32, {2, 3}, random_values(kF32, 6));
  EXPECT_TRUE(sum_to(same, {2, 3}).same(same));
}

TEST(Reduction, SumOfHundredMillionFloats) {
  const int64_t n = 100'000'000;
  const Tensor x = empty_strided(Spec::dense(kF32, {n}), Device());
  float* p = x.raw_as<float>();
  double expected = 0;
  uint32_t bits = 12345;
  for (int64_t i = 0; i < n; ++i) {
    bits = bits * 1664525u + 1013904223u;
    p[i] = float(bits >> 8) * 0x1p-24f + 0.1f;
    expected += double(p[i]);
  }
  EXPECT_NEAR(double(*sum(x).raw_as<float>()), expected, 1e-6 * expected);
  EXPECT_NEAR(double(*mean(x).raw_as<float>()), expected / double(n), 1e-6 * expected / double(n));
}

// A constant is the worst case: all roundings point the same way.
TEST(Reduction, SumOfEqualFloatsDoesNotDrift) {
  const Tensor x = tensor(kF32, {3'000'000}, Values(3'000'000, double(0.1f)));
  EXPECT_NEAR(double(*sum(x).raw_as<float>()), 3e6 * double(0.1f), 3e6 * 0.1 * 0x1p-24);
}

TEST(Reduction, SameBitsForAnyNumberOfThreads) {
  const Dims shape = {37, 300, 61};
  const Tensor x = tensor(kF32, shape, random_values(kF32, count(shape)));
  const int threads = num_threads();
  for (const Dims& dims : {Dims{}, Dims{0}, Dims{1}, Dims{2}, Dims{0, 1}, Dims{0, 2}, Dims{1, 2}}) {
    set_num_threads(1);
    const auto results = [&]() -> Tensors {
      Tensors all = {sum(x, dims), mean(x, dims), amax(x, dims), var(x, dims)};
      if (dims.size() == 1) all.push_back(argmax(x, dims[0]));
      if (dims.empty()) all.push_back(argmax(x));
      return all;
    };
    const Tensors expected = results();
    for (const int n : {2, 7}) {
      set_num_threads(n);
      const Tensors actual = results();
      for (size_t i = 0; i < actual.size(); ++i) {
        EXPECT_TRUE(same_bits(actual[i], expected[i]))
            << to_string(dims) << " with " << n << " threads, result " << i;
      }
    }
  }
  set_num_threads(threads);
}

TEST(Reduction, SameBitsOnEverySimdTarget) {
  for (const DType dtype : {kF32, kF64, kF16, kI16}) {
    const Dims shape = {5, 130, 77};
    const Tensor x = tensor(dtype, shape, random_values(dtype, count(shape)));
    Tensors first;
    on_every_target([&](int64_t) {
      Tensors all;
      for (const Dims& dims : {Dims{}, Dims{0}, Dims{1}, Dims{2}, Dims{0, 2}}) {
        all.push_back(sum(x, dims));
        all.push_back(amax(x, dims));
        if (is_floating_point(dtype)) all.push_back(var(x, dims));
      }
      if (first.empty()) first = all;
      for (size_t i = 0; i < all.size(); ++i) EXPECT_TRUE(same_bits(all[i], first[i])) << i;
    });
  }
}

TEST(Reduction, DtypeCastsBeforeTheSum) {
  const Tensor x = tensor(kF32, {4}, {0.5, 1.5, -0.5, 300});
  EXPECT_EQ(values_of(sum(x, {}, false, kI64)), Values{301});
  EXPECT_EQ(values_of(sum(x, {}, false, kF64)), Values{301.5});
  EXPECT_EQ(values_of(sum(tensor(kI32, {2}, {1, -1}), {}, false, kBool)), Values{1});
  EXPECT_EQ(values_of(sum(tensor(kI64, {2}, {127, 2}), {}, false, kI8)), Values{-127});
  EXPECT_EQ(values_of(sum(tensor(kBool, {3}, {1, 0, 1}), {}, false, kF32)), Values{2});
  EXPECT_EQ(values_of(mean(tensor(kI32, {2}, {1, 2}), {}, false, kF64)), Values{1.5});
  // Halves sum in f32: 4096 + 1 is no f16.
  const Tensor half = tensor(kF16, {2}, {4096, 1});
  EXPECT_EQ(values_of(sum(half, {}, false, kF32)), Values{4097});
  EXPECT_EQ(values_of(sum(half)), Values{4096});
  EXPECT_EQ(sum(half, {}, false, kF32).dtype(), kF32);
}

TEST(Reduction, GradientsAndSecondGradients) {
  const Dims shape = {2, 3, 2};
  const Tensor x = tensor(kF64, shape, random_values(kF64, 12));
  for (const Dims& dims : {Dims{}, Dims{1}, Dims{-1, 0}, Dims{0, 1, 2}}) {
    for (const bool keepdim : {false, true}) {
      const std::string what = to_string(dims) + (keepdim ? " keepdim" : "");
      // Squared before and after, so that the second gradient is not zero.
      const auto check = [&](const char* name, const std::function<Tensor(const Tensor&)>& f) {
        check_gradients(
            [&](const Tensors& in) {
              const Tensor y = f(mul(in[0], in[0]));
              return mul(y, y);
            },
            {x}, name + what);
      };
      check("sum ", [&](const Tensor& t) { return sum(t, dims, keepdim); });
      check("mean ", [&](const Tensor& t) { return mean(t, dims, keepdim); });
      check("amax ", [&](const Tensor& t) { return amax(t, dims, keepdim); });
      check("biased var ", [&](const Tensor& t) { return var(t, dims, 0, keepdim); });
      check("unbiased var ", [&](const Tensor& t) { return var(t, dims, 1, keepdim); });
    }
  }
  for (const Dims& target : {Dims{1, 3, 2}, Dims{3, 1}, Dims{}}) {
    check_gradients(
        [&](const Tensors& in) {
          const Tensor y = sum_to(mul(in[0], in[0]), target);
          return mul(y, y);
        },
        {x}, "sum_to " + to_string(target));
  }
}

TEST(Reduction, EqualMaximaShareTheGradient) {
  const Tensor x = tensor(kF32, {2, 3}, {1, 5, 5, 2, 2, 2}).requires_grad_();
  const Tensor y = amax(x, {1});
  const Values gx = values_of(grad({y}, {x}, {{tensor(kF32, {2}, {4, 3})}})[0]);
  EXPECT_EQ(gx, (Values{0, 2, 2, 1, 1, 1}));
}

TEST(Reduction, GradientOfACastSumComesBackInTheInputsDtype) {
  const Tensor x = tensor(kF16, {3}, {1, 2, 3}).requires_grad_();
  const Tensor gx = grad({sum(x, {}, false, kF32)}, {x})[0];
  EXPECT_EQ(gx.dtype(), kF16);
  EXPECT_EQ(values_of(gx), (Values{1, 1, 1}));
}

TEST(Reduction, ErrorsNameTheCallersLine) {
  const Tensor x = tensor(kF32, {2, 3}, random_values(kF32, 6));
  const Tensor i = tensor(kI32, {2}, {1, 2});
  expect_message<IndexError>(
      [&] { sum(x, {2}, false, {}, Location("a.cpp", 7)); },
      "sum: dim 2 is out of range for 2 dimensions (allowed: -2 to 1) — a.cpp:7");
  expect_message<ValueError>(
      [&] {
        mean(x, {0, -2}, false, {}, Location("a.cpp", 8));
      },
      "mean: dim -2 is named twice in [0, -2] — a.cpp:8");
  expect_message<DtypeError>(
      [&] { mean(i, {}, false, {}, Location("a.cpp", 9)); },
      "mean: the mean of i32 is not defined; name a floating-point dtype — a.cpp:9");
  expect_message<DtypeError>(
      [&] { mean(x, {}, false, kI64, Location("a.cpp", 9)); },
      "mean: the mean of i64 is not defined; name a floating-point dtype — a.cpp:9");
  expect_message<ShapeError>(
      [&] {
        sum_to(x, {3, 3}, Location("a.cpp", 10));
      },
      "sum_to: shape [3, 3] does not broadcast to [2, 3] — a.cpp:10");
  expect_message<IndexError>(
      [&] {
        amax(tensor(kF32, {2, 0}, {}), {1}, false, Location("a.cpp", 12));
      },
      "amax: no maximum over dim 1 of shape [2, 0], which has no elements — a.cpp:12");
  expect_message<IndexError>(
      [&] { argmax(tensor(kF32, {0}, {}), {}, false, Location("a.cpp", 13)); },
      "argmax: no maximum over dim 0 of shape [0], which has no elements — a.cpp:13");
  EXPECT_EQ(amax(tensor(kF32, {0, 2}, {}), {1}).shape(), Dims{0});
  expect_message<DtypeError>(
      [&] { var(i, {}, 1, false, Location("a.cpp", 14)); },
      "var: the variance of i32 is not defined; cast it to a floating-point dtype — a.cpp:14");
  expect_message<ValueError>([&] { sum(Tensor(), {}, false, {}, Location("a.cpp", 11)); },
                             "sum: input 0 is an undefined tensor — a.cpp:11");
}

}  // namespace
}  // namespace entasis
