// batch_norm. In training: the statistics of each channel by Welford's method in one read of the
// input (reduce_kernels.h; its last step writes them and moves the running ones), then one read and
// one write (reduce_channels.h). Otherwise a launch over channels, and one read and one write.
#include <entasis/core/kernels.h>
#include <entasis/kernels/cuda/internal/reduce_channels.h>
#include <entasis/ops/norm_internal.h>

namespace entasis::cuda {
namespace {

// Moments of a channel, and what follows from them.
template <class C>
struct ChannelFold : MomentsFold<C> {
  ChannelValues running_mean, running_var, weight, bias;
  double momentum, eps;
  bool from_batch;
  C* mean;  // the results
  C* rstd;
  C* scale;  // y = (x - mean) scale + shift
  C* shift;

  __device__ __forceinline__ void write(const Moments& m, int64_t channel) const {
    double centre, variance;
    if (from_batch) {
      centre = m.mean;
      variance = m.deviation * reciprocal(m.count);
      const double unbiased = m.deviation * reciprocal(m.count - 1);
      move(running_mean, channel, centre);
      move(running_var, channel, unbiased);
    } else {
      centre = running_mean.get(channel, 0);
      variance = running_var.get(channel, 1);
    }
    const double r = ::rsqrt(variance + eps);
    mean[channel] = C(centre);
    rstd[channel] = C(r);
    scale[channel] = C(r * weight.get(channel, 1));
    shift[channel] = C(bias.get(channel, 0));
  }

 private:
  __device__ __forceinline__ void move(const ChannelValues& running, int64_t channel,
                                       double batch) const {
    running.set(channel, (1 - momentum) * running.get(channel, 0) + momentum * batch);
  }
};

template <class C>
struct Normalize {
  using Value = C;
  static constexpr int kInputs = 1, kNumbers = 3;
  static __device__ __forceinline__ C of(const C (&x)[1], const C (&channel)[3]) {
    return (x[0] - channel[0]) * channel[1] + channel[2];
  }
};

// Calls f(reducer, Tag<C>()).
template <class F>
auto with_reducer(Inputs in, const F& f) {
  const Tensor& x = in[0].tensor();
  return with_compute_float(x.dtype(), [&]<class C>(Tag<C> tag) {
    return f(ReducerOf<ChannelFold<C>>({&x}, channel_statistics(x)), tag);
  });
}

size_t scratch_of_batch_norm(const BatchNorm&, Inputs in, Outputs) {
  return with_reducer(in, [&]<class C>(const auto& reducer, Tag<C>) {
    return ChannelScratch::bytes<C>(reducer.scratch_bytes(), in[0].size(1), 2);
  });
}

}  // namespace

void batch_norm(CudaContext& context, const BatchNorm& op, Inputs in, Outputs out) {
  const Tensor& x = in[0].tensor();
  const int64_t channels = x.shape()[1];
  if (channels == 0) return;
  with_reducer(in, [&]<class C>(const auto& reducer, Tag<C>) {
    void* const scratch = context.scratch<void>();
    const size_t parts = reducer.scratch_bytes();
    ChannelFold<C> fold;
    fold.running_mean = ChannelValues(in[1]);
    fold.running_var = ChannelValues(in[2]);
    fold.weight = ChannelValues(in[3]);
    fold.bias = ChannelValues(in[4]);
    fold.momentum = op.momentum;
    fold.eps = op.eps;
    fold.from_batch = op.training && x.numel() > 0;
    fold.mean = out[1].raw_as<C>();
    fold.rstd = out[2].raw_as<C>();
    fold.scale = ChannelScratch::array<C>(scratch, parts, channels, 0);
    fold.shift = ChannelScratch::array<C>(scratch, parts, channels, 1);
    if (fold.from_batch) {
      reducer.run(fold, scratch, context.stream());
    } else {
      launch(&each_channel<ChannelFold<C>>, dim3(unsigned(ceil_div(channels, kChannelThreads))),
             dim3(kChannelThreads), 0, context.stream(), fold, channels);
    }
    if (x.numel() == 0) return;
    run_each_element<Normalize, C>(std::array{static_cast<const Tensor*>(&out[0]), &x},
                                   std::array<const C*, 3>{fold.mean, fold.scale, fold.shift},
                                   context.stream());
  });
}

}  // namespace entasis::cuda

namespace entasis {

void register_cuda_norm_batch(Kernels& kernels) {
  kernels.add_with_scratch<&cuda::batch_norm, &cuda::scratch_of_batch_norm>();
}

}  // namespace entasis
