// The integer arithmetic of core/half.h on vectors: exponents are moved by additions, subnormals
// rounded by the float adder, infinity and NaN selected at the end. Tails go by the scalar code,
// which gives the same bits. 6 bytes are moved for each element.
#include <cstddef>

#include <entasis/kernels/cpu/internal/convert_half.h>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE <entasis/kernels/cpu/internal/convert_half.cpp>
#include <entasis/kernels/cpu/internal/simd_targets.h>

#include <hwy/foreach_target.h>

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace entasis {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using Floats = hn::ScalableTag<float>;
using Bits = hn::RebindToUnsigned<Floats>;
using Halves = hn::Rebind<uint16_t, Floats>;
using FloatBits = hn::Vec<Bits>;

HWY_INLINE FloatBits half_to_float(FloatBits h) {
  const Bits d;
  const auto sign = hn::ShiftLeft<16>(hn::And(h, hn::Set(d, 0x8000u)));
  const auto magnitude = hn::And(h, hn::Set(d, 0x7fffu));
  const auto fraction = hn::ShiftLeft<13>(magnitude);
  const auto normal = hn::Add(fraction, hn::Set(d, 0x38000000u));
  const auto special = hn::Or(fraction, hn::Set(d, 0x7f800000u));
  const hn::RebindToSigned<Floats> di;
  const auto tiny = hn::BitCast(
      d, hn::Mul(hn::ConvertTo(Floats(), hn::BitCast(di, magnitude)), hn::Set(Floats(), 0x1p-24f)));
  auto result = hn::IfThenElse(hn::Lt(magnitude, hn::Set(d, 0x0400u)), tiny, normal);
  result = hn::IfThenElse(hn::Lt(magnitude, hn::Set(d, 0x7c00u)), result, special);
  return hn::Or(sign, result);
}

HWY_INLINE FloatBits half_from_float(FloatBits f) {
  const Bits d;
  const auto sign = hn::And(hn::ShiftRight<16>(f), hn::Set(d, 0x8000u));
  const auto magnitude = hn::And(f, hn::Set(d, 0x7fffffffu));
  const auto odd = hn::And(hn::ShiftRight<13>(magnitude), hn::Set(d, 1u));
  const auto biased = hn::Sub(magnitude, hn::Set(d, 0x38000000u - 0xfffu));
  const auto normal = hn::ShiftRight<13>(hn::Add(biased, odd));
  const auto aligned = hn::Add(hn::BitCast(Floats(), magnitude), hn::Set(Floats(), 0.5f));
  const auto tiny = hn::Sub(hn::BitCast(d, aligned), hn::Set(d, 0x3f000000u));
  auto result = hn::IfThenElse(hn::Lt(magnitude, hn::Set(d, 0x38800000u)), tiny, normal);
  result = hn::IfThenElse(hn::Lt(magnitude, hn::Set(d, 0x47800000u)), result, hn::Set(d, 0x7c00u));
  result = hn::IfThenElse(hn::Gt(magnitude, hn::Set(d, 0x7f800000u)), hn::Set(d, 0x7e00u), result);
  return hn::Or(sign, result);
}

HWY_INLINE FloatBits bfloat_to_float(FloatBits b) { return hn::ShiftLeft<16>(b); }

HWY_INLINE FloatBits bfloat_from_float(FloatBits f) {
  const Bits d;
  const auto upper = hn::ShiftRight<16>(f);
  const auto odd = hn::And(upper, hn::Set(d, 1u));
  const auto rounded = hn::ShiftRight<16>(hn::Add(f, hn::Add(odd, hn::Set(d, 0x7fffu))));
  const auto magnitude = hn::And(f, hn::Set(d, 0x7fffffffu));
  return hn::IfThenElse(hn::Gt(magnitude, hn::Set(d, 0x7f800000u)),
                        hn::Or(upper, hn::Set(d, 0x0040u)), rounded);
}

// Each returns how many elements it converted: whole vectors.
template <FloatBits (*kConvert)(FloatBits)>
int64_t widen(float* to, const uint16_t* from, int64_t n) {
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(Floats()));
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    const auto bits = hn::PromoteTo(Bits(), hn::LoadU(Halves(), from + i));
    hn::StoreU(hn::BitCast(Floats(), kConvert(bits)), Floats(), to + i);
  }
  return i;
}

template <FloatBits (*kConvert)(FloatBits)>
int64_t narrow(uint16_t* to, const float* from, int64_t n) {
  const hn::RebindToSigned<Floats> di;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(Floats()));
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    const auto bits = kConvert(hn::BitCast(Bits(), hn::LoadU(Floats(), from + i)));
    hn::StoreU(hn::DemoteTo(Halves(), hn::BitCast(di, bits)), Halves(), to + i);
  }
  return i;
}

int64_t halves_to_floats(float* to, const uint16_t* from, int64_t n) {
  return widen<&half_to_float>(to, from, n);
}
int64_t bfloats_to_floats(float* to, const uint16_t* from, int64_t n) {
  return widen<&bfloat_to_float>(to, from, n);
}
int64_t floats_to_halves(uint16_t* to, const float* from, int64_t n) {
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX2
  // An instruction does it, but for NaN, whose payload it keeps.
  const Floats d;
  const hn::Rebind<hwy::float16_t, Floats> dh;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto nan = hn::BitCast(d, hn::Set(Bits(), 0x7fc00000u));
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    const auto f = hn::LoadU(d, from + i);
    const auto known = hn::IfThenElse(hn::IsNaN(f), hn::CopySign(nan, f), f);
    hn::StoreU(hn::BitCast(Halves(), hn::DemoteTo(dh, known)), Halves(), to + i);
  }
  return i;
#else
  return narrow<&half_from_float>(to, from, n);
#endif
}
int64_t floats_to_bfloats(uint16_t* to, const float* from, int64_t n) {
  return narrow<&bfloat_from_float>(to, from, n);
}

}  // namespace HWY_NAMESPACE
}  // namespace entasis
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

namespace entasis {
HWY_EXPORT(halves_to_floats);
HWY_EXPORT(bfloats_to_floats);
HWY_EXPORT(floats_to_halves);
HWY_EXPORT(floats_to_bfloats);

namespace cpu {

static_assert(offsetof(Half, bits) == 0 && offsetof(BFloat16, bits) == 0);

void convert_adjacent(float* to, const Half* from, int64_t n) {
  int64_t i = HWY_DYNAMIC_DISPATCH(halves_to_floats)(to, &from->bits, n);
  for (; i < n; ++i) to[i] = float(from[i]);
}
void convert_adjacent(float* to, const BFloat16* from, int64_t n) {
  int64_t i = HWY_DYNAMIC_DISPATCH(bfloats_to_floats)(to, &from->bits, n);
  for (; i < n; ++i) to[i] = float(from[i]);
}
void convert_adjacent(Half* to, const float* from, int64_t n) {
  int64_t i = HWY_DYNAMIC_DISPATCH(floats_to_halves)(&to->bits, from, n);
  for (; i < n; ++i) to[i] = Half(from[i]);
}
void convert_adjacent(BFloat16* to, const float* from, int64_t n) {
  int64_t i = HWY_DYNAMIC_DISPATCH(floats_to_bfloats)(&to->bits, from, n);
  for (; i < n; ++i) to[i] = BFloat16(from[i]);
}

}  // namespace cpu
}  // namespace entasis
#endif  // HWY_ONCE
