// Half types as vectors: the integer arithmetic of core/half.h, where exponents are moved by
// additions, subnormals rounded by the float adder, infinity and NaN selected at the end. Included
// once for each Highway target.

#if defined(ENTASIS_KERNELS_CPU_INTERNAL_CONVERT_HALF_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ENTASIS_KERNELS_CPU_INTERNAL_CONVERT_HALF_INL_H_
#undef ENTASIS_KERNELS_CPU_INTERNAL_CONVERT_HALF_INL_H_
#else
#define ENTASIS_KERNELS_CPU_INTERNAL_CONVERT_HALF_INL_H_
#endif

#include <cstdint>

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace entasis::cpu::HWY_NAMESPACE {

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

}  // namespace entasis::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // include guard
