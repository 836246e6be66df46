// The loops of batch_norm. Elements are walked in runs that lie either within one channel (NCHW) or
// across all of them (NHWC, [N, C]); no layout is copied into another.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <vector>

#include <entasis/backends/cpu/parallel.h>
#include <entasis/core/op.h>
#include <entasis/kernels/cpu/internal/reduce.h>
#include <entasis/kernels/cpu/internal/reduce_layer_norm.h>

namespace entasis::cpu {

// Runs of N tensors of one shape [N, C, ...], in the memory order of the first. Where rows of few
// channels lie densely one behind the other, several make one run, and what belongs to the channels
// is repeated as often: `period` values in place of one for each channel.
template <class C, int N>
class ChannelRuns {
 public:
  // With `writes` the first tensor is written.
  ChannelRuns(const std::array<const Tensor*, size_t(N)>& tensors, bool writes)
      : writes_(writes), walk_(walk_of(tensors)) {
    for (size_t k = 0; k < N; ++k) {
      Side& side = sides_[k];
      const DType dtype = tensors[k]->dtype();
      side.data = static_cast<char*>(tensors[k]->raw());
      side.size = size_of(dtype);
      side.step = walk_.step(int(k));
      side.direct = dtype == dtype_of<C> && side.step == 1;
      side.convert = writes && k == 0 ? find_converter(dtype, dtype_of<C>)
                                      : find_converter(dtype_of<C>, dtype);
      all_direct_ &= side.direct;
    }
    period_ = tensors[0]->shape()[1];
    is_dense_ = all_direct_ && across() && period_ < kPeriod && dense(tensors);
    if (is_dense_) period_ *= kPeriod / period_;
  }

  int64_t numel() const { return walk_.numel(); }
  int64_t period() const { return period_; }
  // Whether a run goes across channels; else it lies within one.
  bool across() const { return walk_.step(N) != 0; }

  // Calls body(pointers, n, place of the first element in the period) for the runs in [begin, end).
  template <class Body>
  void run(int64_t begin, int64_t end, Body body) const {
    if (is_dense_) {
      run_dense(begin, end, body);
      return;
    }
    constexpr int64_t kTile = 1024;
    alignas(64) C tiles[N][kTile];
    walk_.runs(begin, end, [&](const auto& offsets, int64_t count) {
      const int64_t piece = all_direct_ ? count : kTile;
      for (int64_t i = 0; i < count; i += piece) {
        const int64_t n = std::min(piece, count - i);
        C* pointers[N];
        for (size_t k = 0; k < N; ++k) {
          const Side& side = sides_[k];
          char* at = side.data + (offsets[k] + i * side.step) * side.size;
          pointers[k] = side.direct ? reinterpret_cast<C*>(at) : tiles[k];
          if (!side.direct && !(writes_ && k == 0)) side.convert(tiles[k], 1, at, side.step, n);
        }
        body(pointers, n, offsets[N] + i * walk_.step(N));
        if (writes_ && !sides_[0].direct) {
          char* at = sides_[0].data + (offsets[0] + i * sides_[0].step) * sides_[0].size;
          sides_[0].convert(at, sides_[0].step, tiles[0], 1, n);
        }
      }
    });
  }

 private:
  using Walk = StridedWalk<N + 1>;
  struct Side {
    char* data;
    int64_t size;
    int64_t step;
    ConvertRun convert;
    bool direct;
  };

  template <class Body>
  void run_dense(int64_t begin, int64_t end, Body body) const {
    for (int64_t i = begin; i < end;) {
      const int64_t place = i % period_;
      const int64_t n = std::min(period_ - place, end - i);
      C* pointers[N];
      for (size_t k = 0; k < N; ++k) pointers[k] = reinterpret_cast<C*>(sides_[k].data) + i;
      body(pointers, n, place);
      i += n;
    }
  }

  static bool dense(const std::array<const Tensor*, size_t(N)>& tensors) {
    std::array<const Dims*, size_t(N)> strides;
    for (size_t k = 0; k < N; ++k) strides[k] = &tensors[k]->strides();
    const StridedWalk<N> walk(WalkOrder::kMemory, tensors[0]->shape(), strides);
    bool all = true;
    for (int k = 0; k < N; ++k) all &= walk.is_contiguous(k);
    return all;
  }

  // A further operand, whose offset is the channel.
  static Walk walk_of(const std::array<const Tensor*, size_t(N)>& tensors) {
    const Dims& shape = tensors[0]->shape();
    Dims channel = Dims::filled(shape.size(), 0);
    channel[1] = 1;
    std::array<const Dims*, size_t(N + 1)> strides;
    for (size_t k = 0; k < N; ++k) strides[k] = &tensors[k]->strides();
    strides[N] = &channel;
    return Walk(WalkOrder::kMemory, shape, strides);
  }

  static constexpr int64_t kPeriod = 256;

  bool writes_;
  bool all_direct_ = true;
  bool is_dense_ = false;
  int64_t period_ = 0;
  Walk walk_;
  std::array<Side, size_t(N)> sides_;
};

// One value for each channel, as often as a period holds the channels.
template <class C>
std::vector<C> repeated(const C* values, int64_t channels, int64_t period) {
  std::vector<C> all;
  all.reserve(size_t(period));
  while (int64_t(all.size()) < period) all.insert(all.end(), values, values + channels);
  return all;
}

// All dimensions but that of the channels.
inline DimMask channel_statistics(const Operand& x) {
  return ((DimMask{1} << x.dim()) - 1) & ~DimMask{2};
}

inline std::vector<double> values_or(const Operand& t, int64_t n, double fallback) {
  return t.is_tensor() ? flattened<double>(t.tensor()) : std::vector<double>(size_t(n), fallback);
}

// running += momentum (batch - running)
inline void update_running(const Operand& running, const std::vector<double>& batch,
                           double momentum) {
  if (!running.is_tensor()) return;
  const Tensor& t = running.tensor();
  std::vector<double> values = flattened<double>(t);
  for (size_t c = 0; c < values.size(); ++c) {
    values[c] = (1 - momentum) * values[c] + momentum * batch[c];
  }
  find_converter(t.dtype(), kF64)(t.raw(), t.strides()[0], values.data(), 1, t.numel());
}

struct ChannelMoments {
  std::vector<double> mean, variance;
};

// Those of the batch, which move the running ones, or the running ones.
inline ChannelMoments channel_moments(const BatchNorm& op, Inputs in) {
  const Operand& x = in[0];
  const int64_t channels = x.size(1);
  if (!op.training || x.numel() == 0) {
    return {values_or(in[1], channels, 0), values_or(in[2], channels, 1)};
  }
  const double n = double(x.numel() / channels);
  ChannelMoments moments{std::vector<double>(size_t(channels)),
                         std::vector<double>(size_t(channels))};
  std::vector<double> unbiased(moments.variance);
  reduce_means(x.tensor(), channel_statistics(x), moments.mean.data());
  reduce_deviations(x.tensor(), channel_statistics(x), moments.mean.data(),
                    moments.variance.data());
  for (size_t c = 0; c < unbiased.size(); ++c) {
    unbiased[c] = moments.variance[c] / (n - 1);
    moments.variance[c] /= n;
  }
  update_running(in[1], moments.mean, op.momentum);
  update_running(in[2], unbiased, op.momentum);
  return moments;
}

template <class C>
void batch_norm_as(const NormFunctions<C>& f, const BatchNorm& op, Inputs in, Outputs out) {
  const int64_t channels = in[0].size(1);
  const ChannelMoments moments = channel_moments(op, in);
  const std::vector<double> weight = values_or(in[3], channels, 1);
  const std::vector<C> bias =
      in[4].is_tensor() ? flattened<C>(in[4].tensor()) : std::vector<C>(size_t(channels));
  C* const mean = out[1].raw_as<C>();
  C* const rstd = out[2].raw_as<C>();
  std::vector<C> scale(static_cast<size_t>(channels));
  for (size_t c = 0; c < scale.size(); ++c) {
    const double r = 1 / std::sqrt(moments.variance[c] + op.eps);
    mean[c] = C(moments.mean[c]);
    rstd[c] = C(r);
    scale[c] = C(r * weight[c]);
  }
  if (out[0].numel() == 0) return;
  const ChannelRuns<C, 2> runs({&out[0], &in[0].tensor()}, true);
  const auto normalize = f.normalize[runs.across()];
  const std::vector<C> means = repeated(mean, channels, runs.period());
  const std::vector<C> scales = repeated(scale.data(), channels, runs.period());
  const std::vector<C> biases = repeated(bias.data(), channels, runs.period());
  parallel_for(runs.numel(), kNormGrain, [&](int64_t begin, int64_t end) {
    runs.run(begin, end, [&](C* const* p, int64_t n, int64_t c) {
      normalize(p[1], n, {means.data() + c, scales.data() + c, biases.data() + c}, p[0]);
    });
  });
}

// Of each channel: the sums of gy and of gy (x - mean).
template <class C>
struct ChannelSums {
  std::vector<double> gradient, product;

  ChannelSums(const NormFunctions<C>& f, const Tensor& gy, const Tensor& x, const C* mean)
      : gradient(size_t(x.shape()[1])), product(gradient) {
    if (x.numel() == 0) return;
    const int64_t channels = x.shape()[1];
    const ChannelRuns<C, 2> runs({&x, &gy}, false);
    const int64_t period = runs.period();
    const auto add_sums = f.sums[runs.across()];
    const std::vector<C> means = repeated(mean, channels, period);
    const int64_t chunk = sum_chunk(x.numel(), 1, period);
    PartialSums sums(x.numel(), chunk, period, true, true);
    parallel_for(x.numel(), chunk, [&](int64_t begin, int64_t end) {
      for (int64_t at = begin; at < end; at += chunk) {
        double* const first = sums.first(at / chunk);
        double* const second = sums.second(at / chunk);
        runs.run(at, std::min(at + chunk, end), [&](C* const* p, int64_t n, int64_t c) {
          add_sums(p[1], p[0], n, means.data() + c, first + c, second + c);
        });
      }
    });
    sums.join();
    for (int64_t i = 0; i < period; ++i) {
      gradient[size_t(i % channels)] += sums.first(0)[i];
      product[size_t(i % channels)] += sums.second(0)[i];
    }
  }
};

// With s = sum(gy) and p = sum(gy (x - mean)) of a channel of n elements: the gradient of bias is
// s, that of weight p rstd, that of the input (gy - s/n - (x - mean) rstd² p/n) rstd weight;
// without the middle terms where mean and rstd were constants.
template <class C>
void batch_norm_backward_as(const NormFunctions<C>& f, const BatchNormBackward& op, Inputs in,
                            Outputs out) {
  const Tensor &gy = in[0].tensor(), &x = in[1].tensor();
  const int64_t channels = x.shape()[1];
  const C* const mean = in[3].data<C>();
  const C* const rstd = in[4].data<C>();
  const bool training = op.forward.training;
  const std::vector<double> weight = values_or(in[2], channels, 1);
  std::vector<C> scale(static_cast<size_t>(channels)), offset(scale), tilt(scale);
  for (size_t c = 0; c < scale.size(); ++c) scale[c] = C(double(rstd[c]) * weight[c]);

  if (op.wanted.weight || op.wanted.bias || training) {
    const ChannelSums<C> sums(f, gy, x, mean);
    const double n = double(x.numel()) / double(channels);
    std::vector<double> along_weight(sums.product);
    for (size_t c = 0; c < scale.size(); ++c) {
      const double r = double(rstd[c]);
      along_weight[c] *= r;
      if (!training) continue;
      offset[c] = C(sums.gradient[c] / n);
      tilt[c] = C(r * r * sums.product[c] / n);
    }
    if (op.wanted.weight) store_sums(along_weight.data(), out[1]);
    if (op.wanted.bias) store_sums(sums.gradient.data(), out[2]);
  }
  if (!op.wanted.input || x.numel() == 0) return;

  const ChannelRuns<C, 3> runs({&out[0], &gy, &x}, true);
  const auto gradients = f.gradients[runs.across()];
  const std::vector<C> means = repeated(mean, channels, runs.period());
  const std::vector<C> scales = repeated(scale.data(), channels, runs.period());
  const std::vector<C> offsets = repeated(offset.data(), channels, runs.period());
  const std::vector<C> tilts = repeated(tilt.data(), channels, runs.period());
  parallel_for(runs.numel(), kNormGrain, [&](int64_t begin, int64_t end) {
    runs.run(begin, end, [&](C* const* p, int64_t n, int64_t c) {
      gradients(p[1], p[2], n,
                {means.data() + c, scales.data() + c, offsets.data() + c, tilts.data() + c}, p[0]);
    });
  });
}

}  // namespace entasis::cpu
