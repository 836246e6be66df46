// Bias spread over a result, for products and convolutions whose library does not add it.
#include <entasis/kernels/cuda/internal/library_operands.h>

#include <algorithm>

#include <entasis/backends/cuda/devices.h>
#include <entasis/kernels/cuda/internal/convert.h>
#include <entasis/kernels/cuda/internal/launch.h>

namespace entasis::cuda {
namespace {

constexpr int kThreads = 256;

// Blocks for `count` elements, one a thread; at most eight for each of 2048 / kThreads places on a
// multiprocessor, the rest by striding.
unsigned blocks_for(int64_t count, int device) {
  const int64_t most = int64_t{64} * limits_of(device).multiprocessors;
  return unsigned(std::clamp<int64_t>((count + kThreads - 1) / kThreads, 1, most));
}

// One thread an element. Bytes moved: one write an element (and a read where `kAdds`); the bias
// stays in the cache. Grid: by elements, striding.
template <class T, bool kAdds>
__global__ void __launch_bounds__(kThreads)
    spread_bias(T* out, const T* bias, int64_t numel, int64_t inner, int64_t count) {
  const int64_t step = int64_t(gridDim.x) * blockDim.x;
  for (int64_t i = int64_t(blockIdx.x) * blockDim.x + threadIdx.x; i < numel; i += step) {
    if constexpr (kAdds) {
      using C = Computed<T>;
      out[i] = convert_to<T>(convert_to<C>(out[i]) + convert_to<C>(bias[i / inner % count]));
    } else {
      out[i] = bias[i / inner % count];
    }
  }
}

}  // namespace

void fill_with_bias(CudaContext& context, const Tensor& out, const Tensor& bias, int64_t inner) {
  if (out.numel() == 0) return;
  dispatch_bits(out.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    launch(&spread_bias<T, false>, blocks_for(out.numel(), context.device()), kThreads, 0,
           context.stream(), out.raw_as<T>(), bias.raw_as<const T>(), out.numel(), inner,
           bias.numel());
  });
}

void add_bias(CudaContext& context, const Tensor& out, const Tensor& bias, int64_t inner) {
  if (out.numel() == 0) return;
  dispatch_floating_point(out.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    launch(&spread_bias<T, true>, blocks_for(out.numel(), context.device()), kThreads, 0,
           context.stream(), out.raw_as<T>(), bias.raw_as<const T>(), out.numel(), inner,
           bias.numel());
  });
}

}  // namespace entasis::cuda
