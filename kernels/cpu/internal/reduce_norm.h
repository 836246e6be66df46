// The functions of the normalisations for one SIMD target.
#pragma once

#include <cstdint>

namespace entasis::cpu {

// What a channel is normalised by and what its gradient is made of: one value each for a run of one
// channel, or one for each element of a run across channels.
template <class C>
struct ChannelScale {  // y = (x - mean) * scale + bias
  const C* mean;
  const C* scale;
  const C* bias;
};
template <class C>
struct ChannelSlope {  // gx = (gy - offset - (x - mean) * tilt) * scale
  const C* mean;
  const C* scale;
  const C* offset;
  const C* tilt;
};

// Sums of doubles are written up to kSumPadding places past their end (with what was there).
inline constexpr int64_t kSumPadding = 16;

template <class C>
struct NormFunctions {
  // ---- Rows of n neighbours. weight and bias may be null.
  void (*moments)(const C* x, int64_t n, double eps, C* mean, C* rstd);
  void (*normalize_row)(const C* x, int64_t n, C mean, C rstd, const C* weight, const C* bias,
                        C* y);
  // gx may be null; so may the sums over rows, to which gy (x - mean) rstd and gy are added.
  void (*row_gradients)(const C* gy, const C* x, int64_t n, C mean, C rstd, const C* weight, C* gx,
                        double* weight_sums, double* bias_sums);

  // ---- Runs of n elements; [0] of one channel, [1] across channels.
  void (*normalize[2])(const C* x, int64_t n, const ChannelScale<C>& channel, C* y);
  // Adds gy and gy (x - mean) to the channels' sums.
  void (*sums[2])(const C* gy, const C* x, int64_t n, const C* mean, double* sums,
                  double* product_sums);
  void (*gradients[2])(const C* gy, const C* x, int64_t n, const ChannelSlope<C>& channel, C* gx);
};

struct NormTarget {
  NormFunctions<float> f32;
  NormFunctions<double> f64;
};

}  // namespace entasis::cpu
