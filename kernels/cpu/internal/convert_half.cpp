// Runs of half types to float and back. Tails go by the scalar code, which gives the same bits. 6
// bytes are moved for each element.
#include <cstddef>

#include <entasis/kernels/cpu/internal/convert_half.h>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE <entasis/kernels/cpu/internal/convert_half.cpp>
#include <entasis/kernels/cpu/internal/simd_targets.h>

#include <hwy/foreach_target.h>

#include <hwy/highway.h>

#include <entasis/kernels/cpu/internal/convert_half-inl.h>

HWY_BEFORE_NAMESPACE();
namespace entasis::cpu::HWY_NAMESPACE {

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

}  // namespace entasis::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

namespace entasis::cpu {
HWY_EXPORT(halves_to_floats);
HWY_EXPORT(bfloats_to_floats);
HWY_EXPORT(floats_to_halves);
HWY_EXPORT(floats_to_bfloats);

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

}  // namespace entasis::cpu
#endif  // HWY_ONCE
