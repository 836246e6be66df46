// What the tests of reductions, softmax, losses and normalisations share: tensors of every dtype
// and layout from plain numbers, and back; references in double.
#pragma once

#include <cmath>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <entasis/core/tensor.h>
#include <entasis/ops/methods.h>
#include <entasis/tests/support/same.h>

namespace entasis::naive {

using Values = std::vector<double>;

inline int64_t count(const Dims& shape) { return count_elements(shape); }

// Calls f(index) for each index of `shape` in row-major order.
template <class F>
void each_index(const Dims& shape, F f) {
  const int64_t n = count(shape);
  Dims index = Dims::filled(shape.size(), 0);
  for (int64_t i = 0; i < n; ++i) {
    f(index);
    for (int d = shape.size() - 1; d >= 0 && ++index[d] == shape[d]; --d) index[d] = 0;
  }
}

inline int64_t offset_of(const Dims& index, const Dims& strides) {
  int64_t offset = 0;
  for (int d = 0; d < index.size(); ++d) offset += index[d] * strides[d];
  return offset;
}

inline Values values_of(const Tensor& t) {
  Values values;
  dispatch_dtype(t.dtype(), [&]<class T>(TypeTag<T>) {
    each_index(t.shape(), [&](const Dims& index) {
      values.push_back(convert<double>(t.raw_as<T>()[offset_of(index, t.strides())]));
    });
  });
  return values;
}

inline void set_values(const Tensor& t, const Values& values) {
  size_t next = 0;
  dispatch_dtype(t.dtype(), [&]<class T>(TypeTag<T>) {
    each_index(t.shape(), [&](const Dims& index) {
      t.raw_as<T>()[offset_of(index, t.strides())] = convert<T>(values.at(next++));
    });
  });
}

inline Tensor tensor(DType dtype, const Dims& shape, const Values& values) {
  Tensor t = empty_strided(Spec::dense(dtype, shape), Device());
  set_values(t, values);
  return t;
}

// The same values in memory laid out by `order` (outermost dimension first), each size `gap` times
// as large as needed, beginning at element `offset`.
inline Tensor laid_out(DType dtype, const Dims& shape, const Values& values,
                       const std::vector<int>& order, int64_t gap = 1, int64_t offset = 0) {
  Dims strides = Dims::filled(shape.size(), 1);
  int64_t stride = gap;
  for (size_t i = order.size(); i-- > 0;) {
    strides[order[i]] = stride;
    stride *= std::max<int64_t>(shape[order[i]], 1) * gap;
  }
  const Tensor base = empty_strided(Spec::dense(dtype, {stride + offset}), Device());
  Tensor t = alias(base, {shape, strides, offset});
  set_values(t, values);
  return t;
}

struct Layout {
  std::string name;
  Tensor tensor;
};

// The same values in all layouts that a kernel must read.
inline std::vector<Layout> layouts(DType dtype, const Dims& shape, const Values& values) {
  std::vector<int> straight, reversed, rotated;
  const int rank = shape.size();
  for (int d = 0; d < rank; ++d) {
    straight.push_back(d);
    reversed.push_back(rank - 1 - d);
    rotated.push_back((d + 1) % rank);
  }
  return {{"contiguous", tensor(dtype, shape, values)},
          {"transposed", laid_out(dtype, shape, values, reversed)},
          {"rotated", laid_out(dtype, shape, values, rotated)},
          {"sliced", laid_out(dtype, shape, values, straight, 2, 3)},
          {"misaligned", laid_out(dtype, shape, values, straight, 1, 1)},
          {"transposed and sliced", laid_out(dtype, shape, values, reversed, 3, 1)}};
}

// Random values that `dtype` holds exactly.
inline Values random_values(DType dtype, int64_t n, uint32_t seed = 1, double low = -4,
                            double high = 4) {
  std::mt19937 bits(seed);
  Values values;
  dispatch_dtype(dtype, [&]<class T>(TypeTag<T>) {
    for (int64_t i = 0; i < n; ++i) {
      double v = low + (high - low) * (double(bits()) / 4294967296.0);
      if (is_unsigned(dtype) || dtype == kBool) v = std::abs(v);
      values.push_back(convert<double>(convert<T>(v)));
    }
  });
  return values;
}

// Half a unit in the last place, relative: what one rounding to `dtype` may cost.
inline double rounding(DType dtype) {
  switch (dtype) {
    case kF64:
      return 0x1p-53;
    case kF32:
      return 0x1p-24;
    case kF16:
      return 0x1p-11;
    case kBF16:
      return 0x1p-8;
    default:
      return 0;
  }
}
// Half of the least subnormal number: what rounding may cost near 0.
inline double least_rounding(DType dtype) {
  return dtype == kF16 ? 0x1p-25 : dtype == kF64 ? 0 : 0x1p-134;
}
// The same for the type that `dtype` is computed in.
inline double compute_rounding(DType dtype) { return rounding(is_half(dtype) ? kF32 : dtype); }

// |actual - expected| may reach absolute + relative * |expected|.
struct Tolerance {
  double relative = 0;
  double absolute = 0;
};

inline void expect_near(double actual, double expected, Tolerance tolerance,
                        const std::string& what) {
  if (std::isnan(expected)) {
    EXPECT_TRUE(std::isnan(actual)) << what << ": " << actual;
  } else if (std::isinf(expected)) {
    EXPECT_EQ(actual, expected) << what;
  } else {
    EXPECT_NEAR(actual, expected, tolerance.absolute + tolerance.relative * std::abs(expected))
        << what;
  }
}

inline void expect_close(const Values& actual, const Values& expected, Tolerance tolerance,
                         const std::string& what) {
  ASSERT_EQ(actual.size(), expected.size()) << what;
  for (size_t i = 0; i < actual.size(); ++i) {
    expect_near(actual[i], expected[i], tolerance, what + ", element " + std::to_string(i));
    if (testing::Test::HasFailure()) return;
  }
}

inline bool same_bits(const Tensor& a, const Tensor& b) {
  return a.spec() == b.spec() && a.is_contiguous() && same_values(a, b);
}

}  // namespace entasis::naive
