// The rules of tensors, views, in-place ops and numbers (rules 1 to 5), each by its number.
#include <gtest/gtest.h>

#include <vector>

#include <entasis/core/autograd.h>
#include <entasis/core/error.h>
#include <entasis/entasis.h>

namespace entasis {
namespace {

std::vector<double> values(const Tensor& t) {
  std::vector<double> v;
  const Tensor dense = t.detach().to(kF64).contiguous();
  for (int64_t i = 0; i < t.numel(); ++i) v.push_back(dense.data<double>()[i]);
  return v;
}
using V = std::vector<double>;

Tensor leaf(std::initializer_list<double> v) {
  return from_data(v, {int64_t(v.size())}, kF64).requires_grad_();
}

// ---- Rule 1: write counters

TEST(Rule1, WritesAreSharedByAllAliases) {
  Tensor x = zeros({4});
  const Tensor view = x.slice(0, 0, 2), detached = x.detach();
  const uint32_t before = x.impl()->storage->writes;
  x.add_(1);
  EXPECT_EQ(view.impl()->storage->writes, before + 1);
  EXPECT_EQ(detached.impl()->storage->writes, before + 1);
  EXPECT_EQ(x.impl()->storage->recorded_writes, 0u);
  EXPECT_EQ(values(view), (V{1, 1}));
}

TEST(Rule1, InPlaceOnAnInnerTensorGivesItsGradient) {
  Tensor x = leaf({1, 2});
  Tensor h = x * 3;
  h.add_(x);
  h.mul_(2.0);
  h.sum().backward();
  EXPECT_EQ(values(x.grad()), (V{8, 8}));
  EXPECT_EQ(h.impl()->storage->recorded_writes, 2u);
}

TEST(Rule1, InPlaceKeepsTheTargetsOldValuesForTheGradient) {
  Tensor x = leaf({2}), w = leaf({3});
  Tensor h = x * 1;
  h.mul_(w);  // w's gradient is what h was, and depends on x in turn
  GradOptions options;
  options.create_graph = true;
  const Tensor gw = grad({h.sum()}, {w}, options)[0];
  EXPECT_EQ(values(gw), (V{2}));
  EXPECT_EQ(values(grad({gw}, {x})[0]), (V{1}));

  Tensor y = leaf({5});
  Tensor square = y * 1;
  square.mul_(square);
  square.sum().backward();
  EXPECT_EQ(values(y.grad()), (V{10}));
}

TEST(Rule1, AnAliasOfAnInPlaceTargetLosesItsOldValues) {
  Tensor x = leaf({2}), w = leaf({3});
  Tensor h = x * 1;
  const Tensor alias = h.detach();
  h.mul_(w * alias);
  EXPECT_THROW(h.sum().backward(), AutogradError);
}

TEST(Rule1, SetDataHidesNoWrite) {
  Tensor w = leaf({3}), y = zeros({1}, kF64);
  y.fill_(1);
  const Tensor product = w * y;  // saves y
  y.fill_(2);
  Tensor x = zeros({1}, kF64);
  x.set_data(y);
  EXPECT_THROW(product.sum().backward(), AutogradError);
}

TEST(Rule1, InPlaceOnALeafRaisesExceptUnderNoGrad) {
  Tensor x = leaf({1, 2});
  EXPECT_THROW(x.add_(1), AutogradError);
  {
    const NoGrad no_grad;
    x.add_(1);
  }
  EXPECT_EQ(values(x), (V{2, 3}));
  EXPECT_TRUE(x.requires_grad());
}

TEST(Rule1, AChangeThroughAViewIsRecordedInItsBase) {
  Tensor x = leaf({1, 2, 3, 4});
  Tensor h = x * 1;
  h.slice(0, 0, 2).mul_(2);
  h.sum().backward();
  EXPECT_EQ(values(x.grad()), (V{2, 2, 1, 1}));
  Tensor plain = zeros({4}, kF64);
  Tensor w = plain[0];
  w.add_(1);
  EXPECT_FALSE(plain.requires_grad());
  w.add_(x[0]);
  EXPECT_TRUE(plain.requires_grad());
  EXPECT_EQ(values(plain), (V{2, 0, 0, 0}));
}

TEST(Rule1, AViewFollowsItsBase) {
  Tensor x = leaf({1, 2});
  Tensor h = x * 2;
  Tensor v = h[0];
  h.mul_(3);
  v.backward();
  EXPECT_EQ(values(x.grad()), (V{6, 0}));
}

TEST(Rule1, AnAliasThatIsNoViewIsStale) {
  Tensor base = ones({2}, kF64);
  Tensor v = base.detach();
  Tensor w = leaf({2, 2});
  base.mul_(w);
  EXPECT_THROW(v * 1, AutogradError);  // its value now depends on w
  const NoGrad no_grad;
  EXPECT_NO_THROW(v * 1);
}

TEST(Rule1, UpdatesUnderNoGradAreSeenBySavedTensorsOnly) {
  Tensor w = leaf({2}), x = leaf({3});
  Tensor y = x * w;
  {
    const NoGrad no_grad;
    w.add_(1);
  }
  EXPECT_NO_THROW(w * 1);
  EXPECT_THROW(y.sum().backward(), AutogradError);
}

TEST(Rule1, OverlappingInputsAreReadAsTheyWere) {
  Tensor x = arange(6, kF64);
  x.slice(0, 1, 6).add_(x.slice(0, 0, 5));
  EXPECT_EQ(values(x), (V{0, 1, 3, 5, 7, 9}));
  Tensor y = arange(9, kF64).reshape({3, 3});
  y.add_(y.t());
  EXPECT_EQ(values(y), (V{0, 4, 8, 4, 8, 12, 8, 12, 16}));
}

TEST(Rule1, ATargetThatNamesElementsTwiceRaises) {
  Tensor x = ones({1});
  Tensor e = x.expand({3});
  EXPECT_THROW(e.add_(1), ValueError);
}

TEST(Rule1, MutableDataCountsAsAWrite) {
  Tensor x = leaf({2});
  Tensor h = x * 1;
  Tensor y = exp(h);
  y.mutable_data<double>()[0] = 5;
  EXPECT_THROW(y.sum().backward(), AutogradError);
}

// ---- Rule 3: strides

TEST(Rule3, PointwiseKeepsTheOrderOfTheFirstDenseOperand) {
  const Tensor a = empty_strided({kF32, {2, 3, 4, 5}, channels_last_strides({2, 3, 4, 5})}, kCPU);
  const Tensor b = zeros({2, 3, 4, 5}), bias = zeros({3, 1, 1});
  a.detach().fill_(1);
  EXPECT_EQ((a + 1).strides(), a.strides());
  EXPECT_EQ((a + b).strides(), a.strides());
  EXPECT_EQ((b + a).strides(), b.strides());
  EXPECT_EQ((bias + a).strides(), a.strides());
  EXPECT_EQ(relu(a).strides(), a.strides());
}

TEST(Rule3, SlicesAndBroadcastsGiveRowMajor) {
  const Tensor a = zeros({4, 6});
  EXPECT_EQ((a.slice(1, 0, 6, 2) + 1).strides(), (Dims{3, 1}));
  EXPECT_EQ((a.select(0, 0).expand({4, 6}) + 1).strides(), (Dims{6, 1}));
  EXPECT_EQ((a.t() + 1).strides(), (Dims{1, 6}));
}

TEST(Rule3, ConvolutionFollowsChannelsLast) {
  const Tensor x = channels_last(zeros({2, 3, 5, 5})), w = zeros({4, 3, 3, 3});
  EXPECT_TRUE(conv2d(x, w).is_channels_last());
  EXPECT_TRUE(conv2d(zeros({2, 3, 5, 5}), channels_last(w)).is_channels_last());
  EXPECT_TRUE(conv2d(zeros({2, 3, 5, 5}), w).is_contiguous());
  EXPECT_TRUE(max_pool2d(x, {2}).is_channels_last());
}

// ---- Rule 4: numbers are weak operands

TEST(Rule4, NumbersAreWeakWithinTheirCategory) {
  EXPECT_EQ((zeros({2}, kF16) * 2.5).dtype(), kF16);
  EXPECT_EQ((zeros({2}, kI8) + 100).dtype(), kI8);
  EXPECT_EQ((zeros({2}, kI32) * 0.5).dtype(), kF32);
  EXPECT_EQ((zeros({2}, kBool) + 1).dtype(), kI64);
  EXPECT_EQ((zeros({2}, kBool) * 1.0).dtype(), kF32);
  EXPECT_EQ((zeros({2}, kU8) + true).dtype(), kU8);
}

TEST(Rule4, ZeroDimensionalTensorsAreWeakerThanOthers) {
  const Tensor scalar = scalar_tensor(2.0, kF64);
  EXPECT_EQ((zeros({2}, kF32) + scalar).dtype(), kF32);
  EXPECT_EQ((zeros({2}, kI32) + scalar).dtype(), kF64);
  EXPECT_EQ((scalar + scalar_tensor(1.0, kF16)).dtype(), kF64);
  EXPECT_EQ((scalar_tensor(1, kI64) + 1.5).dtype(), kF32);
}

TEST(Rule4, ZeroDimensionalCpuTensorsJoinOtherDevices) {
  const Tensor y = zeros({2, 3}, kMeta) * scalar_tensor(2.0);
  EXPECT_TRUE(y.device().is_meta());
  EXPECT_THROW(zeros({2, 3}, kMeta) * ones({3}), DeviceError);
}

TEST(Rule4, GradientsFlowAroundNumbers) {
  Tensor x = leaf({4});
  (1.0 / x + 2 * x - x / 2).sum().backward();
  EXPECT_DOUBLE_EQ(x.grad().item(), -1.0 / 16 + 2 - 0.5);
}

// ---- Rule 5: dtypes

TEST(Rule5, PromotionLattice) {
  EXPECT_EQ(promote_types(kF16, kBF16), kF32);
  EXPECT_EQ(promote_types(kU8, kI8), kI16);
  EXPECT_EQ(promote_types(kU8, kI32), kI32);
  EXPECT_EQ(promote_types(kI64, kF16), kF16);
  EXPECT_EQ(promote_types(kBool, kU8), kU8);
  EXPECT_EQ(promote_types(kF32, kF64), kF64);
  EXPECT_THROW(promote_types(kU32, kI64), DtypeError);
}

TEST(Rule5, ReservedDtypesHaveNoTensors) {
  EXPECT_THROW(zeros({2}, kC64), DtypeError);
  EXPECT_THROW(empty({2}, kF8E4M3), DtypeError);
}

TEST(Half, ConversionsAreExactAndRoundToEven) {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    const float f = Half::to_float(uint16_t(bits));
    if (f != f) continue;
    EXPECT_EQ(Half::from_float(f), bits);
    if (BFloat16::to_float(uint16_t(bits)) == BFloat16::to_float(uint16_t(bits))) {
      EXPECT_EQ(BFloat16::from_float(BFloat16::to_float(uint16_t(bits))), bits);
    }
  }
  EXPECT_EQ(Half::from_float(65519.0f), 0x7bff);
  EXPECT_EQ(Half::from_float(65520.0f), 0x7c00);
  EXPECT_EQ(Half::from_float(2049.0f), Half::from_float(2048.0f));
  EXPECT_EQ(Half::from_float(2051.0f), Half::from_float(2052.0f));
  EXPECT_EQ(Half::from_float(0x1p-25f), 0);
  EXPECT_EQ(Half::from_float(0x1.8p-25f), 1);
  EXPECT_EQ(BFloat16::from_float(1.00390625f), 0x3f80);
  EXPECT_EQ(BFloat16::from_float(1.01171875f), 0x3f82);
}

// ---- Limits

TEST(Limits, ShapesAreChecked) {
  EXPECT_THROW(zeros({-1}), ShapeError);
  EXPECT_THROW(zeros({int64_t{1} << 40, int64_t{1} << 40}), ShapeError);
  EXPECT_THROW(zeros({int64_t{1} << 61}), Error);  // 2^63 bytes
  EXPECT_THROW((Dims{1, 1, 1, 1, 1, 1, 1, 1, 1}), ShapeError);
  EXPECT_EQ(zeros({0, int64_t{1} << 40, int64_t{1} << 40}).numel(), 0);
}

TEST(Limits, DataChecksDtypeAndDevice) {
  const Tensor x = zeros({2});
  EXPECT_THROW(x.data<double>(), DtypeError);
  EXPECT_THROW(zeros({2}, kMeta).data<float>(), DeviceError);
  EXPECT_THROW(x.item(), ShapeError);
  EXPECT_THROW(x.size(1), IndexError);
}

TEST(Storage, WeakHandlesAndIds) {
  WeakStorage weak;
  uint64_t id;
  {
    const Tensor x = zeros({2});
    weak = WeakStorage(x.impl()->storage);
    id = x.impl()->storage->id;
    EXPECT_TRUE(weak.lock());
  }
  EXPECT_FALSE(weak.lock());
  const Tensor y = zeros({2});
  EXPECT_NE(y.impl()->storage->id, id);
}

TEST(Storage, BorrowedMemoryIsGivenBack) {
  static int given_back;
  given_back = 0;
  std::vector<float> memory = {1, 2, 3, 4};
  {
    Tensor t = from_blob(memory.data(), kF32, {2, 2}, {}, [](void*, void*) { ++given_back; });
    const Tensor view = t[1];
    t = Tensor();
    EXPECT_EQ(given_back, 0);
    EXPECT_EQ(view.data<float>()[0], 3);
  }
  EXPECT_EQ(given_back, 1);
}

}  // namespace
}  // namespace entasis
