// What batch_norm and its gradient share: numbers of each channel, and the pass over all elements
// that uses them. The channels are dimension 1.
//
// each_element: pointwise, in the memory order of the result, vectors of 16 bytes where all tensors
// have
//   them, whether neighbours are of one channel (NCHW) or of neighbouring ones (NHWC, [N, C]). Each
//   tensor moves once; ceil(items / 1024) blocks of 256 threads, four items a thread.
// each_channel: one thread for each channel, where there is nothing to add up.
#pragma once

#include <array>
#include <cstdint>

#include <entasis/kernels/cuda/internal/launch.h>
#include <entasis/kernels/cuda/internal/reduce_dispatch.h>
#include <entasis/kernels/cuda/internal/reduce_rows.h>

namespace entasis::cuda {

// One float of any dtype for each channel, or none.
struct ChannelValues {
  void* data = nullptr;
  DType dtype = kF32;
  int64_t stride = 1;

  ChannelValues() = default;
  explicit ChannelValues(const Operand& t) {
    if (!t.is_tensor()) return;
    data = t.tensor().raw();
    dtype = t.dtype();
    stride = t.strides()[0];
  }
  __device__ __forceinline__ double get(int64_t channel, double fallback) const {
    if (data == nullptr) return fallback;
    const int64_t at = channel * stride;
    if (dtype == kF64) return static_cast<const double*>(data)[at];
    if (dtype == kF16) return double(to_float(static_cast<const half_t*>(data)[at]));
    if (dtype == kBF16) return double(to_float(static_cast<const bfloat16_t*>(data)[at]));
    return double(static_cast<const float*>(data)[at]);
  }
  __device__ __forceinline__ void set(int64_t channel, double value) const {
    if (data != nullptr) store_real(data, channel * stride, dtype, value);
  }
};

inline constexpr int kChannelThreads = 256;
inline constexpr int kItemsPerThread = 4;

template <class Fold>
__global__ void __launch_bounds__(kChannelThreads, 2)
    each_channel(const __grid_constant__ Fold fold, int64_t channels) {
  const int64_t channel = int64_t(blockIdx.x) * kChannelThreads + threadIdx.x;
  if (channel < channels) fold.write(Fold::identity(), channel);
}

// y = F::of(x..., numbers of the channel...)
template <class F>
struct ElementOperands {
  void* data[F::kInputs + 1];  // the result, inputs
  Walk<F::kInputs + 2> walk;   // of these and of the channel, in items
  int64_t items;
  const typename F::Value* number[F::kNumbers];  // for each channel, at multiples of 16 bytes
  bool is_across;                                // an item's elements are of neighbouring channels
};

template <class F, class M, int kVec>
__global__ void __launch_bounds__(kChannelThreads, 2)
    each_element(const __grid_constant__ ElementOperands<F> p) {
  using C = Computed<M>;
  constexpr int kInputs = F::kInputs, kNumbers = F::kNumbers;
  const int64_t begin = int64_t(blockIdx.x) * (kChannelThreads * kItemsPerThread) + threadIdx.x;
  int64_t at[kItemsPerThread][kInputs + 2];
  Vec<M> loaded[kItemsPerThread][kInputs];
#pragma unroll
  for (int u = 0; u < kItemsPerThread; ++u) {
    if (begin + u * kChannelThreads >= p.items) break;
    p.walk.offsets(begin + u * kChannelThreads, at[u]);
#pragma unroll
    for (int k = 0; k < kInputs; ++k) {
      const M* const from = static_cast<const M*>(p.data[k + 1]) + at[u][k + 1];
      if constexpr (kVec > 1) {
        loaded[u][k] = load_vec(from);
      } else {
        loaded[u][k].at[0] = *from;
      }
    }
  }
#pragma unroll
  for (int u = 0; u < kItemsPerThread; ++u) {
    if (begin + u * kChannelThreads >= p.items) return;
    const int64_t channel = at[u][kInputs + 1];
    C number[kNumbers][kVec];
#pragma unroll
    for (int k = 0; k < kNumbers; ++k) {
      if (kVec > 1 && p.is_across) {
        constexpr int kPart = kVecSize<C> < kVec ? kVecSize<C> : kVec;
#pragma unroll
        for (int e = 0; e < kVec; e += kPart) {
          const Vec<C> some = load_vec(p.number[k] + channel + e);
#pragma unroll
          for (int i = 0; i < kPart; ++i) number[k][e + i] = some.at[i];
        }
      } else {
        const C one = p.number[k][channel];
#pragma unroll
        for (int e = 0; e < kVec; ++e) number[k][e] = one;
      }
    }
    Vec<M> out;
#pragma unroll
    for (int e = 0; e < kVec; ++e) {
      C x[kInputs], own[kNumbers];
#pragma unroll
      for (int k = 0; k < kInputs; ++k) x[k] = convert_to<C>(loaded[u][k].at[e]);
#pragma unroll
      for (int k = 0; k < kNumbers; ++k) own[k] = number[k][e];
      out.at[e] = convert_to<M>(F::of(x, own));
    }
    M* const to = static_cast<M*>(p.data[0]) + at[u][0];
    if constexpr (kVec > 1) {
      store_vec(to, out);
    } else {
      *to = out.at[0];
    }
  }
}

// Runs `each_element<F<C>>` over `tensors` of one shape and dtype, the result first; there are
// elements.
template <template <class> class F, class C, size_t kTensors, size_t kNumbers>
void run_each_element(const std::array<const Tensor*, kTensors>& tensors,
                      const std::array<const C*, kNumbers>& numbers, cudaStream_t stream) {
  static_assert(kTensors == F<C>::kInputs + 1 && kNumbers == F<C>::kNumbers);
  constexpr int kOperands = int(kTensors) + 1;
  const Dims& shape = tensors[0]->shape();
  Loops<kOperands> loops;
  for (int d = shape.size() - 1; d >= 0; --d) {
    std::array<int64_t, size_t(kOperands)> steps;
    for (size_t k = 0; k < kTensors; ++k) steps[k] = tensors[k]->strides()[d];
    steps[kTensors] = d == 1;
    loops.add(shape[d], steps);
  }
  loops.sort();
  loops.merge();
  dispatch_floating_point(tensors[0]->dtype(), [&]<class M>(Tag<M>) {
    if constexpr (std::is_same_v<Computed<M>, C>) {
      bool vectors = loops.count > 0 && loops.size[0] % kVecSize<M> == 0;
      ElementOperands<F<C>> p;
      for (size_t k = 0; k < kTensors; ++k) {
        p.data[k] = tensors[k]->raw();
        vectors = vectors && loops.stride[0][k] == 1 && is_vec_aligned(p.data[k]) &&
                  loops.is_multiple(int(k), 1, kVecSize<M>);
      }
      for (size_t k = 0; k < kNumbers; ++k) p.number[k] = numbers[k];
      p.is_across = loops.count > 0 && loops.stride[0][kTensors] != 0;
      for (const C* number : numbers) vectors = vectors && (!p.is_across || is_vec_aligned(number));
      if (vectors) {
        loops.size[0] /= kVecSize<M>;
        for (int k = 0; k < kOperands; ++k) loops.stride[0][k] *= kVecSize<M>;
      }
      p.walk = Walk<kOperands>(loops);
      p.items = loops.iterations();
      launch(vectors ? &each_element<F<C>, M, kVecSize<M>> : &each_element<F<C>, M, 1>,
             dim3(unsigned(ceil_div(p.items, kChannelThreads * kItemsPerThread))),
             dim3(kChannelThreads), 0, stream, p);
    }
  });
}

// All dimensions but that of the channels.
inline DimMask channel_statistics(const Tensor& x) {
  return ((DimMask{1} << x.dim()) - 1) & ~DimMask{2};
}

// Scratch memory: the parts of a reduction, and arrays of a value for each channel behind them.
struct ChannelScratch {
  static constexpr size_t round_up(size_t bytes) { return (bytes + 63) / 64 * 64; }
  template <class C>
  static size_t bytes(size_t parts, int64_t channels, int arrays) {
    return round_up(parts) + size_t(arrays) * round_up(size_t(channels) * sizeof(C));
  }
  template <class C>
  static C* array(void* scratch, size_t parts, int64_t channels, int number) {
    char* const first = static_cast<char*>(scratch) + round_up(parts);
    return reinterpret_cast<C*>(first + size_t(number) * round_up(size_t(channels) * sizeof(C)));
  }
};

}  // namespace entasis::cuda
