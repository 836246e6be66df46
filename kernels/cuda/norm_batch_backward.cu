// The gradients of batch_norm. With s = sum(gy) and p = sum(gy (x - mean)) of a channel of n
// elements:
//
//   bias: s,   weight: p rstd,   input: (gy - s/n - (x - mean) rstd² p/n) rstd weight,
//
// without the middle terms where mean and rstd were constants. One read of gy and x for the sums
// (reduce_kernels.h), whose last step writes what each channel needs; then one read of both and one
// write (reduce_channels.h).
#include <entasis/core/kernels.h>
#include <entasis/kernels/cuda/internal/reduce_channels.h>
#include <entasis/ops/norm_internal.h>

namespace entasis::cuda {
namespace {

struct ChannelSums {
  double gradient, product;
};
struct AddChannelSums {
  __device__ __forceinline__ ChannelSums operator()(const ChannelSums& a,
                                                    const ChannelSums& b) const {
    return {a.gradient + b.gradient, a.product + b.product};
  }
};

template <class C>
struct SlopeFold {
  using Value = C;
  using Acc = ChannelSums;
  using Context = C;  // the mean of the channel
  using Join = AddChannelSums;
  static constexpr int kInputs = 2;  // gy, x
  static constexpr bool kInOrder = false;
  static constexpr int kBlocks = 2;

  const C* mean;
  const C* rstd;
  ChannelValues weight, along_weight, along_bias;
  bool training;
  double inverse_n;
  C* scale;  // gx = (gy - offset - (x - mean) tilt) scale
  C* offset;
  C* tilt;

  __device__ __forceinline__ C context(int64_t channel) const { return mean[channel]; }
  static __device__ __forceinline__ Acc identity() { return {0, 0}; }
  template <int N, int kVec>
  __device__ __forceinline__ void add(Acc& acc, const Batch<C, 2, N, kVec>& batch, C centre) const {
    C product[N];
#pragma unroll
    for (int k = 0; k < N; ++k) product[k] = batch.x[0][k] * (batch.x[1][k] - centre);
    acc.gradient += double(join_tree(batch.x[0], AddUp()));
    acc.product += double(join_tree(product, AddUp()));
  }
  __device__ __forceinline__ void write(const Acc& sums, int64_t channel) const {
    const double r = double(rstd[channel]);
    along_weight.set(channel, sums.product * r);
    along_bias.set(channel, sums.gradient);
    scale[channel] = C(r * weight.get(channel, 1));
    offset[channel] = training ? C(sums.gradient * inverse_n) : C(0);
    tilt[channel] = training ? C(r * r * sums.product * inverse_n) : C(0);
  }
};

template <class C>
struct Slope {
  using Value = C;
  static constexpr int kInputs = 2, kNumbers = 4;
  static __device__ __forceinline__ C of(const C (&x)[2], const C (&channel)[4]) {
    return (x[0] - channel[2] - (x[1] - channel[0]) * channel[3]) * channel[1];
  }
};

// Calls f(reducer, Tag<C>()).
template <class F>
auto with_reducer(Inputs in, const F& f) {
  const Tensor &gy = in[0].tensor(), &x = in[1].tensor();
  return with_compute_float(x.dtype(), [&]<class C>(Tag<C> tag) {
    return f(ReducerOf<SlopeFold<C>>({&gy, &x}, channel_statistics(x)), tag);
  });
}

size_t scratch_of_backward(const BatchNormBackward&, Inputs in, Outputs) {
  return with_reducer(in, [&]<class C>(const auto& reducer, Tag<C>) {
    return ChannelScratch::bytes<C>(reducer.scratch_bytes(), in[1].size(1), 4);
  });
}

}  // namespace

void batch_norm_backward(CudaContext& context, const BatchNormBackward& op, Inputs in,
                         Outputs out) {
  const Tensor &gy = in[0].tensor(), &x = in[1].tensor();
  const int64_t channels = x.shape()[1];
  if (channels == 0) return;
  with_reducer(in, [&]<class C>(const auto& reducer, Tag<C>) {
    void* const scratch = context.scratch<void>();
    const size_t parts = reducer.scratch_bytes();
    const auto array = [&](int k) { return ChannelScratch::array<C>(scratch, parts, channels, k); };
    SlopeFold<C> fold;
    fold.mean = in[3].tensor().raw_as<C>();
    fold.rstd = in[4].tensor().raw_as<C>();
    fold.weight = ChannelValues(in[2]);
    if (op.wanted.weight) fold.along_weight = ChannelValues(Operand(out[1]));
    if (op.wanted.bias) fold.along_bias = ChannelValues(Operand(out[2]));
    fold.training = op.forward.training;
    fold.inverse_n = double(channels) / double(x.numel());
    fold.scale = array(0);
    fold.offset = array(1);
    fold.tilt = array(2);
    const bool sums = op.wanted.weight || op.wanted.bias || fold.training;
    if (sums && x.numel() > 0) {
      reducer.run(fold, scratch, context.stream());
    } else {
      launch(&each_channel<SlopeFold<C>>, dim3(unsigned(ceil_div(channels, kChannelThreads))),
             dim3(kChannelThreads), 0, context.stream(), fold, channels);
    }
    if (!op.wanted.input || x.numel() == 0) return;
    run_each_element<Slope, C>(
        std::array{static_cast<const Tensor*>(&out[0]), &gy, &x},
        std::array<const C*, 4>{fold.mean, fold.scale, fold.offset, fold.tilt}, context.stream());
  });
}

}  // namespace entasis::cuda

namespace entasis {

void register_cuda_norm_batch_backward(Kernels& kernels) {
  kernels.add_with_scratch<&cuda::batch_norm_backward, &cuda::scratch_of_backward>();
}

}  // namespace entasis
