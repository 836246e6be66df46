// Limits of number types, against the C++ library's where it knows them.
#include <gtest/gtest.h>

#include <limits>

#include <entasis/core/operand.h>
#include <entasis/core/type_info.h>
#include <entasis/tests/support/errors.h>

namespace entasis {
namespace {

template <class T>
void expect_limits(const FloatInfo& info) {
  using Limits = std::numeric_limits<T>;
  EXPECT_EQ(info.bits, int(8 * sizeof(T)));
  EXPECT_EQ(info.eps, double(Limits::epsilon()));
  EXPECT_EQ(info.max, double(Limits::max()));
  EXPECT_EQ(info.min, double(Limits::lowest()));
  EXPECT_EQ(info.tiny, double(Limits::min()));
  EXPECT_EQ(info.smallest_normal, info.tiny);
}

TEST(TypeInfo, OfFloats) {
  expect_limits<float>(finfo());
  expect_limits<double>(finfo(kF64));
  EXPECT_EQ(finfo(kF16).max, 65504);
  EXPECT_EQ(finfo(kF16).tiny, 0x1p-14);
  EXPECT_EQ(finfo(kBF16).eps, 0x1p-7);
  EXPECT_EQ(finfo(kBF16).max, 0x1.FEp127);
  EXPECT_EQ(finfo(kF32).resolution, 1e-6);
  EXPECT_EQ(finfo(kF64).resolution, 1e-15);
  EXPECT_EQ(finfo(kF16).resolution, 1e-3);
  EXPECT_EQ(finfo(kBF16).resolution, 1e-2);
}

TEST(TypeInfo, OfIntegers) {
  EXPECT_EQ(iinfo(kI8).min, -128);
  EXPECT_EQ(iinfo(kI8).max, 127u);
  EXPECT_EQ(iinfo(kU8).min, 0);
  EXPECT_EQ(iinfo(kU16).max, 65535u);
  EXPECT_EQ(iinfo(kI64).min, INT64_MIN);
  EXPECT_EQ(iinfo(kU64).max, UINT64_MAX);
  EXPECT_EQ(iinfo(kI32).bits, 32);
}

TEST(TypeInfo, Errors) {
  EXPECT_EQ(message_of<DtypeError>([] { finfo(kI8); }),
            "finfo: i8 is no floating-point dtype; iinfo tells of integers");
  EXPECT_EQ(message_of<DtypeError>([] { iinfo(kBool); }),
            "iinfo: bool is no integer dtype; finfo tells of floating-point ones");
  for (const char* name : {"complex64", "complex128", "c64", "cdouble"}) {
    EXPECT_NE(message_of<DtypeError>([&] {
                dtype_from_name(name);
              }).find("there are no complex numbers yet"),
              std::string::npos);
  }
}

TEST(ResultType, OfTwo) {
  EXPECT_EQ(result_type(1, 2.0), kF32);
  EXPECT_EQ(result_type(true, 2), kI64);
}

}  // namespace
}  // namespace entasis
