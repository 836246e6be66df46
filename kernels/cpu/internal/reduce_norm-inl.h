// The vector code of the normalisations. Statistics and sums are in double, the rest in the compute
// type. Included once for each Highway target.

#if defined(ENTASIS_KERNELS_CPU_INTERNAL_REDUCE_NORM_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ENTASIS_KERNELS_CPU_INTERNAL_REDUCE_NORM_INL_H_
#undef ENTASIS_KERNELS_CPU_INTERNAL_REDUCE_NORM_INL_H_
#else
#define ENTASIS_KERNELS_CPU_INTERNAL_REDUCE_NORM_INL_H_
#endif

#include <cmath>

#include <entasis/kernels/cpu/internal/reduce_fold-inl.h>
#include <entasis/kernels/cpu/internal/reduce_lanes-inl.h>
#include <entasis/kernels/cpu/internal/reduce_norm.h>

HWY_BEFORE_NAMESPACE();
namespace entasis::cpu::HWY_NAMESPACE {

// ---- Rows

template <class C>
void moments(const C* x, int64_t n, double eps, C* mean, C* rstd) {
  const double centre = fold_row<SumFold>(x, n, 0.0) / double(n);
  const double variance = fold_row<DeviationFold>(x, n, centre) / double(n);
  *mean = C(centre);
  *rstd = C(1 / std::sqrt(variance + eps));
}

template <bool kWeight, bool kBias, class C>
HWY_INLINE void normalize_row_with(const C* HWY_RESTRICT x, int64_t n, C mean, C rstd,
                                   const C* HWY_RESTRICT weight, const C* HWY_RESTRICT bias,
                                   C* HWY_RESTRICT y) {
  using V = Lane<Tag<C>>;
  const V m(mean), r(rstd);
  for (int64_t i = 0; i < n; i += kVector<C>) {
    V v = (load_some(x + i, n - i) - m) * r;
    if constexpr (kWeight) v *= load_some(weight + i, n - i);
    if constexpr (kBias) v += load_some(bias + i, n - i);
    store_some(v, y + i, n - i);
  }
}

template <class C>
void normalize_row(const C* x, int64_t n, C mean, C rstd, const C* weight, const C* bias, C* y) {
  if (weight && bias) {
    normalize_row_with<true, true>(x, n, mean, rstd, weight, bias, y);
  } else if (weight) {
    normalize_row_with<true, false>(x, n, mean, rstd, weight, bias, y);
  } else if (bias) {
    normalize_row_with<false, true>(x, n, mean, rstd, weight, bias, y);
  } else {
    normalize_row_with<false, false>(x, n, mean, rstd, weight, bias, y);
  }
}

// Adds x to the sums at `to`, one for each lane.
template <class C>
HWY_INLINE void add_to_sums(Lane<Tag<C>> x, double* HWY_RESTRICT to) {
  using W = WideLane<C>;
  (W::load(to) + widen<0, C>(x)).store(to);
  if constexpr (kWides<C> == 2) {
    to += kWideVector<C>;
    (W::load(to) + widen<1, C>(x)).store(to);
  }
}

// With g = gy weight and z = (x - mean) rstd: gx = (g - average(g) - z average(g z)) rstd.
template <bool kWeight, class C>
HWY_INLINE void row_gradient(const C* HWY_RESTRICT gy, const C* HWY_RESTRICT x, int64_t n, C mean,
                             C rstd, const C* HWY_RESTRICT weight, C* HWY_RESTRICT gx) {
  using V = Lane<Tag<C>>;
  const V m(mean), r(rstd);
  const auto weighted_gy = [=](int64_t i) HWY_ATTR {
    const V g = load_some(gy + i, n - i);
    if constexpr (kWeight) return g * load_some(weight + i, n - i);
    return g;
  };
  WideSum<C> sum, product_sum;
  for (int64_t i = 0; i < n; i += kVector<C>) {
    const V g = weighted_gy(i);
    sum.add(g);
    product_sum.add_product(g, (load_some(x + i, n - i) - m) * r);
  }
  const V a(C(sum.total() / double(n))), b(C(product_sum.total() / double(n)));
  for (int64_t i = 0; i < n; i += kVector<C>) {
    const V z = (load_some(x + i, n - i) - m) * r;
    store_some((weighted_gy(i) - a - z * b) * r, gx + i, n - i);
  }
}

template <class C>
void row_gradients(const C* gy, const C* x, int64_t n, C mean, C rstd, const C* weight, C* gx,
                   double* weight_sums, double* bias_sums) {
  using V = Lane<Tag<C>>;
  if (gx && weight) row_gradient<true>(gy, x, n, mean, rstd, weight, gx);
  if (gx && !weight) row_gradient<false>(gy, x, n, mean, rstd, weight, gx);
  if (weight_sums) {
    const V m(mean), r(rstd);
    for (int64_t i = 0; i < n; i += kVector<C>) {
      const V z = (load_some(x + i, n - i) - m) * r;
      add_to_sums<C>(load_some(gy + i, n - i) * z, weight_sums + i);
    }
  }
  if (bias_sums) {
    for (int64_t i = 0; i < n; i += kVector<C>) {
      add_to_sums<C>(load_some(gy + i, n - i), bias_sums + i);
    }
  }
}

// ---- Runs of channels

// A value of the channel, or those of the channels that element i and its neighbours belong to.
template <bool kAcross, class C>
HWY_INLINE Lane<Tag<C>> of_channel(const C* values, int64_t i, int64_t n) {
  if constexpr (kAcross) return load_some(values + i, n - i);
  return Lane<Tag<C>>(*values);
}

template <bool kAcross, class C>
void normalize(const C* HWY_RESTRICT x, int64_t n, const ChannelScale<C>& channel,
               C* HWY_RESTRICT y) {
  using V = Lane<Tag<C>>;
  const ChannelScale<C> c = channel;
  for (int64_t i = 0; i < n; i += kVector<C>) {
    const V centred = load_some(x + i, n - i) - of_channel<kAcross>(c.mean, i, n);
    store_some(centred * of_channel<kAcross>(c.scale, i, n) + of_channel<kAcross>(c.bias, i, n),
               y + i, n - i);
  }
}

template <bool kAcross, class C>
void sums(const C* HWY_RESTRICT gy, const C* HWY_RESTRICT x, int64_t n, const C* mean,
          double* HWY_RESTRICT sums, double* HWY_RESTRICT product_sums) {
  using V = Lane<Tag<C>>;
  WideSum<C> sum, product_sum;
  for (int64_t i = 0; i < n; i += kVector<C>) {
    const V g = load_some(gy + i, n - i);
    // Past the end of a run there is nothing to add: x is put where the mean is.
    const V m = of_channel<kAcross>(mean, i, n);
    const V centred = (kAcross ? load_some(x + i, n - i) : load_some(x + i, n - i, *mean)) - m;
    if constexpr (kAcross) {
      add_to_sums<C>(g, sums + i);
      add_to_sums<C>(g * centred, product_sums + i);
    } else {
      sum.add(g);
      product_sum.add_product(g, centred);
    }
  }
  if constexpr (!kAcross) {
    *sums += sum.total();
    *product_sums += product_sum.total();
  }
}

template <bool kAcross, class C>
void gradients(const C* HWY_RESTRICT gy, const C* HWY_RESTRICT x, int64_t n,
               const ChannelSlope<C>& channel, C* HWY_RESTRICT gx) {
  using V = Lane<Tag<C>>;
  const ChannelSlope<C> c = channel;
  for (int64_t i = 0; i < n; i += kVector<C>) {
    const V centred = load_some(x + i, n - i) - of_channel<kAcross>(c.mean, i, n);
    const V g = load_some(gy + i, n - i) - of_channel<kAcross>(c.offset, i, n) -
                centred * of_channel<kAcross>(c.tilt, i, n);
    store_some(g * of_channel<kAcross>(c.scale, i, n), gx + i, n - i);
  }
}

template <class C>
constexpr NormFunctions<C> norm_functions() {
  return {moments<C>,
          normalize_row<C>,
          row_gradients<C>,
          {normalize<false, C>, normalize<true, C>},
          {sums<false, C>, sums<true, C>},
          {gradients<false, C>, gradients<true, C>}};
}

}  // namespace entasis::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // ENTASIS_KERNELS_CPU_INTERNAL_REDUCE_NORM_INL_H_
