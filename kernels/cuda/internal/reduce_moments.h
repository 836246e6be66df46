// Mean and squared deviations in one pass (Welford 1962; Chan, Golub and LeVeque 1983): elements
// come in batches, whose own moments are taken in two steps in registers, in the type of
// computation, and joined in double. Nothing cancels: all terms of the deviations are positive, and
// the distances from a batch's mean are nearly exact.
#pragma once

#include <cstdint>

#include <entasis/kernels/cuda/internal/reduce_fold.h>

namespace entasis::cuda {

struct Moments {
  double count;
  double mean;
  double deviation;  // the sum of (x - mean)²
};

// As those of shuffle.h, found by warp_reduce.
__device__ __forceinline__ Moments shuffle_xor(const Moments& m, int mask) {
  return {shuffle_xor(m.count, mask), shuffle_xor(m.mean, mask), shuffle_xor(m.deviation, mask)};
}

// 1 / count to the last bit or two, for counts from 1 to 2^63. (The operator is a call, around
// which registers would spill.)
__device__ __forceinline__ double reciprocal(double count) {
  double r = double(__fdividef(1.0f, float(count)));
#pragma unroll
  for (int step = 0; step < 2; ++step) r = r * (2.0 - count * r);  // Newton's
  return r;
}

struct JoinMoments {
  __device__ __forceinline__ Moments operator()(const Moments& a, const Moments& b) const {
    const double distance = b.mean - a.mean;
    if (a.count == b.count) {  // the usual case needs no division
      return {a.count + b.count, a.count == 0 ? 0.0 : 0.5 * (a.mean + b.mean),
              (a.deviation + b.deviation) + distance * distance * (0.5 * a.count)};
    }
    if (a.count == 0) return b;
    if (b.count == 0) return a;
    const double count = a.count + b.count, share = reciprocal(count);
    return {count, (a.count * a.mean + b.count * b.mean) * share,
            (a.deviation + b.deviation) + distance * distance * (a.count * b.count * share)};
  }
};

template <int N, class C>
__device__ __forceinline__ Moments moments_of(const C (&x)[N]) {
  // Infinities have no distance from their mean: x - x is NaN for them.
  if constexpr (N == 1) return {1.0, double(x[0]), double(x[0] - x[0])};
  const C mean = join_tree(x, AddUp()) * C(1.0 / N);
  C distance[N], square[N];
#pragma unroll
  for (int k = 0; k < N; ++k) {
    distance[k] = x[k] - mean;
    square[k] = distance[k] * distance[k];
  }
  // What rounding left in the mean is taken out again.
  const C rest = join_tree(distance, AddUp());
  const C deviation = join_tree(square, AddUp()) - rest * rest * C(1.0 / N);
  return {double(N), double(mean) + double(rest) * (1.0 / N),
          deviation < C(0) ? 0.0 : double(deviation)};
}

// The folds over moments have a `write` of their own.
template <class C>
struct MomentsFold {
  using Value = C;
  using Acc = Moments;
  using Context = NoContext;
  using Join = JoinMoments;
  static constexpr int kInputs = 1;
  static constexpr bool kInOrder = false;
  static constexpr int kBlocks = 2;

  __device__ __forceinline__ Context context(int64_t) const { return {}; }
  static __device__ __forceinline__ Acc identity() { return {0, 0, 0}; }
  template <int N, int kVec>
  __device__ __forceinline__ void add(Acc& acc, const Batch<C, 1, N, kVec>& batch, Context) const {
    acc = JoinMoments()(acc, moments_of(batch.x[0]));
  }
};

}  // namespace entasis::cuda
