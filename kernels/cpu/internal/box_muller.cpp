// Box and Muller (1958) on vectors. The angle stays in turns, where its reduction to an eighth of a
// turn is exact; sine and cosine are minimax polynomials of our own in the square of the turns.
#include <entasis/kernels/cpu/internal/simd_targets.h>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE <entasis/kernels/cpu/internal/box_muller.cpp>
#include <hwy/foreach_target.h>
// After foreach_target.
#include <hwy/highway.h>

#include <entasis/kernels/cpu/internal/box_muller.h>
#include <entasis/kernels/cpu/internal/simd_log.h>

HWY_BEFORE_NAMESPACE();
namespace entasis::cpu::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
using entasis::HWY_NAMESPACE::Lane;
using entasis::HWY_NAMESPACE::mul_add;
using entasis::HWY_NAMESPACE::detail::polynomial;

template <class D>
struct Uniforms {
  Lane<D> u;  // in (0, 1]
  Lane<D> v;  // in [0, 1)
};

// One pair of words a lane. A word is converted by halves, since vectors convert signed integers
// only; the sum of the halves rounds once, as the scalar conversion does.
template <class D, hwy::EnableIf<sizeof(hn::TFromD<D>) == 4>* = nullptr>
HWY_INLINE Uniforms<D> load_uniforms(const uint32_t* words) {
  const D d;
  const hn::Rebind<int32_t, D> di;
  const hn::Rebind<uint32_t, D> du;
  hn::Vec<decltype(du)> w0, w1;
  hn::LoadInterleaved2(du, words, w0, w1);
  const auto high = hn::ConvertTo(d, hn::BitCast(di, hn::ShiftRight<16>(w0)));
  const auto low = hn::ConvertTo(d, hn::BitCast(di, hn::And(w0, hn::Set(du, 0xffff))));
  const auto word = hn::Add(hn::Mul(high, hn::Set(d, 65536.0f)), low);
  const auto u = hn::Add(hn::Mul(word, hn::Set(d, 0x1p-32f)), hn::Set(d, 0x1p-33f));
  const auto v = hn::ConvertTo(d, hn::BitCast(di, hn::ShiftRight<8>(w1)));
  return {u, hn::Mul(v, hn::Set(d, 0x1p-24f))};
}

// Two pairs of words a lane.
template <class D, hwy::EnableIf<sizeof(hn::TFromD<D>) == 8>* = nullptr>
HWY_INLINE Uniforms<D> load_uniforms(const uint32_t* words) {
  const D d;
  const hn::Rebind<int64_t, D> di;
  const hn::Rebind<uint64_t, D> du;
  hn::Vec<decltype(du)> w0, w1;
  hn::LoadInterleaved2(du, reinterpret_cast<const uint64_t*>(words), w0, w1);
  const auto bits0 = hn::ConvertTo(d, hn::BitCast(di, hn::ShiftRight<11>(w0)));
  const auto bits1 = hn::ConvertTo(d, hn::BitCast(di, hn::ShiftRight<11>(w1)));
  const auto step = hn::Set(d, 0x1p-53);
  return {hn::Add(hn::Mul(bits0, step), step), hn::Mul(bits1, step)};
}

// sin(2 pi r) / r and (cos(2 pi r) - 1) / r^2 for |r| <= 1/8 and z = r^2. Relative errors of sine
// and cosine below 2^-25 and 2^-31 (float), 2^-54 and 2^-61 (double).
template <class D>
HWY_INLINE Lane<D> sine_series(Lane<D> z) {
  if constexpr (sizeof(hn::TFromD<D>) == 4) {
    return polynomial(z, {0x1.921fb6p+2, -0x1.4abbecp+5, 0x1.466b22p+6, -0x1.2f5a1ep+6});
  } else {
    return polynomial(z, {0x1.921fb54442d18p+2, -0x1.4abbce625be09p+5, 0x1.466bc67754ffbp+6,
                          -0x1.32d2ccdfe8d0ap+6, 0x1.50782d5e89456p+5, -0x1.e2fe766f665bap+3,
                          0x1.e357bb6294ae5p+1});
  }
}
template <class D>
HWY_INLINE Lane<D> cosine_series(Lane<D> z) {
  if constexpr (sizeof(hn::TFromD<D>) == 4) {
    return polynomial(z, {-0x1.3bd3ccp+4, 0x1.03c1b6p+6, -0x1.55b684p+6, 0x1.d61e28p+5});
  } else {
    return polynomial(z, {-0x1.3bd3cc9be45dep+4, 0x1.03c1f081b5a65p+6, -0x1.55d3c7e3c2d7bp+6,
                          0x1.e1f5067b057f8p+5, -0x1.a6d1e6b52f412p+4, 0x1.f9c840cb57470p+2,
                          -0x1.b14b5b3de0d19p+0});
  }
}

// Cosine and sine of 2 pi v for v in [0, 1): with q the nearest quarter and r = v - q / 4, which is
// exact, odd quarters exchange the two and the quarter says the signs.
template <class D>
HWY_INLINE void cosine_sine(Lane<D> v, Lane<D>& cosine, Lane<D>& sine) {
  using V = Lane<D>;
  using T = hn::TFromD<D>;
  const hn::Rebind<hwy::MakeSigned<T>, D> di;
  constexpr int kSignShift = int(sizeof(T)) * 8 - 2;  // moves bit 1 into the sign
  const V quarter = round(v * V(4));
  const V r = mul_add(quarter, V(-0.25), v);
  const V z = r * r;
  const V s = r * sine_series(z), c = mul_add(z, cosine_series(z), V(1));
  const auto q = hn::ConvertTo(di, quarter.v);
  const auto two = hn::Set(di, 2);
  const auto odd = hn::RebindMask(D(), hn::Ne(hn::And(q, hn::Set(di, 1)), hn::Zero(di)));
  const auto cosine_sign = hn::ShiftLeft<kSignShift>(hn::And(hn::Add(q, hn::Set(di, 1)), two));
  const auto sine_sign = hn::ShiftLeft<kSignShift>(hn::And(q, two));
  cosine = hn::Xor(hn::IfThenElse(odd, s.v, c.v), hn::BitCast(D(), cosine_sign));
  sine = hn::Xor(hn::IfThenElse(odd, c.v, s.v), hn::BitCast(D(), sine_sign));
}

template <class T>
void write_normals(const uint32_t* words, int64_t count, T mean, T std, T* to) {
  using D = hn::ScalableTag<T>;
  using V = Lane<D>;
  const D d;
  const int64_t step = 2 * int64_t(hn::Lanes(d));
  static_assert(kNormalGroup % (2 * HWY_MAX_BYTES / sizeof(T)) == 0);
  const V m(mean), s(std);
  for (int64_t i = 0; i < count; i += step, words += step * int64_t(sizeof(T)) / 4) {
    const Uniforms<D> uniforms = load_uniforms<D>(words);
    const V radius = sqrt(V(-2) * entasis::HWY_NAMESPACE::log(uniforms.u));
    V cosine = uniforms.v, sine = uniforms.v;
    cosine_sine(uniforms.v, cosine, sine);
    const V first = mul_add(s, radius * cosine, m), second = mul_add(s, radius * sine, m);
    hn::StoreInterleaved2(first.v, second.v, d, to + i);
  }
}

void write_normals_float(const uint32_t* words, int64_t count, float mean, float std, float* to) {
  write_normals(words, count, mean, std, to);
}
void write_normals_double(const uint32_t* words, int64_t count, double mean, double std,
                          double* to) {
  write_normals(words, count, mean, std, to);
}

}  // namespace entasis::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace entasis::cpu {

HWY_EXPORT(write_normals_float);
HWY_EXPORT(write_normals_double);

void box_muller(const uint32_t* words, int64_t count, float mean, float std, float* to) {
  HWY_DYNAMIC_DISPATCH(write_normals_float)(words, count, mean, std, to);
}
void box_muller(const uint32_t* words, int64_t count, double mean, double std, double* to) {
  HWY_DYNAMIC_DISPATCH(write_normals_double)(words, count, mean, std, to);
}

}  // namespace entasis::cpu
#endif
