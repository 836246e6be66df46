// Pooling by direct windows: every kernel is a gather, one thread an element of the result, so no
// two threads add to one sum and the order of a sum is that of the CPU's kernels, to the bit.
// Threads follow the result's memory: neighbours along a row for NCHW, along the channels for
// channels-last, where all accesses are coalesced too.
//
// Grids stride over the result in blocks of 256 threads, at most 16 blocks a multiprocessor.
// Tensors whose offsets fit 31 bits are indexed in 32 bits, others in 64.
#include <algorithm>
#include <cstdlib>
#include <limits>
#include <type_traits>

#include <entasis/backends/cuda/context.h>
#include <entasis/backends/cuda/devices.h>
#include <entasis/core/kernels.h>
#include <entasis/kernels/cuda/internal/convert.h>
#include <entasis/kernels/cuda/internal/divide.h>
#include <entasis/kernels/cuda/internal/index_limit.h>
#include <entasis/kernels/cuda/internal/launch.h>
#include <entasis/ops/pooling_internal.h>
#include <entasis/ops/window_internal.h>

namespace entasis::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int kBlocksPerMultiprocessor = 16;

// The place of a window that lies in the padding altogether (dilation can do that).
constexpr int kNowhere = -1;

// Division of what is not negative by a number known at the launch.
template <class I>
struct Divisor {
  int64_t value = 1;
  Divisor() = default;
  explicit Divisor(int64_t v) : value(v) {}
  __device__ __forceinline__ int64_t divide(int64_t& n) const {
    const int64_t q = n / value;
    n -= q * value;
    return q;
  }
};
template <>
struct Divisor<int32_t> {
  Divider divider;
  Divisor() = default;
  explicit Divisor(int64_t v) : divider(uint32_t(v)) {}
  __device__ __forceinline__ int32_t divide(int32_t& n) const {
    uint32_t rest = uint32_t(n);
    const uint32_t q = divider.divide(rest);
    n = int32_t(rest);
    return int32_t(q);
  }
};

// From an element's number in the memory of a dense [N, C, H, W], in one of the two layouts, to its
// place.
template <class I>
struct Position {
  I n, c, y, x;
};
template <class I>
struct Walk {
  Divisor<I> channels, rows, columns;
  bool channels_last = false;

  Walk() = default;
  explicit Walk(const Tensor& t)
      : channels(t.shape()[1]),
        rows(t.shape()[2]),
        columns(t.shape()[3]),
        channels_last(prefers_channels_last(t)) {}
  __device__ __forceinline__ Position<I> at(I i) const {
    Position<I> p;
    if (channels_last) {
      I rest = channels.divide(i);
      p.c = i;
      p.n = columns.divide(rest);
      p.x = rest;
      rest = p.n;
      p.n = rows.divide(rest);
      p.y = rest;
    } else {
      I rest = columns.divide(i);
      p.x = i;
      p.n = rows.divide(rest);
      p.y = rest;
      rest = p.n;
      p.n = channels.divide(rest);
      p.c = rest;
    }
    return p;
  }
};

template <class I>
struct Steps {
  I n, c, y, x;
  Steps() = default;
  explicit Steps(const Dims& strides)
      : n(I(strides[0])), c(I(strides[1])), y(I(strides[2])), x(I(strides[3])) {}
  // Where a plane begins.
  __device__ __forceinline__ I plane(const Position<I>& p) const { return p.n * n + p.c * c; }
};

// Window and sizes along one direction.
template <class I>
struct Window {
  I kernel, stride, padding, dilation, inputs, outputs;
  Divisor<I> by_stride;

  Window() = default;
  Window(const PoolWindow& w, int d, int64_t inputs, int64_t outputs)
      : kernel(I(w.kernel[d])),
        stride(I(w.stride[d])),
        padding(I(w.padding[d])),
        dilation(I(w.dilation[d])),
        inputs(I(inputs)),
        outputs(I(outputs)),
        by_stride(w.stride[d]) {}

  __device__ __forceinline__ I start(I output) const { return output * stride - padding; }
  // Outputs [first, last] whose windows may hold an input.
  __device__ __forceinline__ I first_output(I input) const {
    I room = input + padding - dilation * (kernel - 1);
    if (room <= 0) return 0;
    room += stride - 1;
    return by_stride.divide(room);
  }
  __device__ __forceinline__ I last_output(I input) const {
    I reach = input + padding;
    const I last = by_stride.divide(reach);
    return last < outputs ? last : outputs - 1;
  }
  // Taps [first, last) of an undilated window that lie inside the input.
  __device__ __forceinline__ I first_tap(I start) const { return start < 0 ? -start : 0; }
  __device__ __forceinline__ I last_tap(I start) const {
    return start + kernel <= inputs ? kernel : inputs - start;
  }
  // What an undilated window counts along this direction.
  __device__ __forceinline__ I taps(I start, bool count_padding) const {
    if (!count_padding) return last_tap(start) - first_tap(start);
    // Windows that ceil_mode lets stand out count only up to the padding's end.
    const I end = inputs + padding;
    return (start + kernel < end ? start + kernel : end) - start;
  }
};
template <class I>
struct Windows {
  Window<I> rows, columns;
  Windows() = default;
  Windows(const PoolWindow& w, const Dims& inputs, const Dims& outputs)
      : rows(w, 0, inputs[2], outputs[2]), columns(w, 1, inputs[3], outputs[3]) {}
};

// Bytes moved: the input once from memory (each element is met kernel / stride times a direction,
// from the caches), the result and its places once.
template <class T, class I>
__global__ void __launch_bounds__(kThreads, 2)
    max_pool_window(const T* x, T* y, int64_t* places, I count, Walk<I> walk, Steps<I> steps,
                    Windows<I> w) {
  using C = Computed<T>;
  for (I i = I(blockIdx.x) * kThreads + I(threadIdx.x); i < count; i += I(gridDim.x) * kThreads) {
    const Position<I> p = walk.at(i);
    const T* const plane = x + steps.plane(p);
    const I row0 = w.rows.start(p.y), column0 = w.columns.start(p.x);
    C best = -std::numeric_limits<C>::infinity();
    I place = kNowhere;
    for (I r = 0; r < w.rows.kernel; ++r) {
      const I row = row0 + r * w.rows.dilation;
      if (row < 0 || row >= w.rows.inputs) continue;
      for (I s = 0; s < w.columns.kernel; ++s) {
        const I column = column0 + s * w.columns.dilation;
        if (column < 0 || column >= w.columns.inputs) continue;
        const C value = convert_to<C>(plane[row * steps.y + column * steps.x]);
        // The negation lets NaN win; the second test keeps the first NaN. The first element has the
        // place even if nothing is larger than -inf.
        const bool larger = !(value <= best) && best == best;
        if (larger) best = value;
        if (larger || place == kNowhere) place = row * w.columns.inputs + column;
      }
    }
    y[i] = convert_to<T>(best);
    places[i] = place;
  }
}

// An input element gathers from the windows that may have chosen it, in their order. Bytes moved:
// the gradient and the places once from memory (each is met kernel / stride times a direction, from
// the caches), the result once.
template <class T, class I>
__global__ void __launch_bounds__(kThreads, 2)
    max_pool_gather(const T* gy, const int64_t* places, T* gx, I count, Walk<I> walk,
                    Steps<I> gy_steps, Steps<I> place_steps, Windows<I> w) {
  using C = Computed<T>;
  for (I i = I(blockIdx.x) * kThreads + I(threadIdx.x); i < count; i += I(gridDim.x) * kThreads) {
    const Position<I> p = walk.at(i);
    const T* const values = gy + gy_steps.plane(p);
    const int64_t* const chosen = places + place_steps.plane(p);
    const I own = p.y * w.columns.inputs + p.x;
    const I last_row = w.rows.last_output(p.y), first_column = w.columns.first_output(p.x),
            last_column = w.columns.last_output(p.x);
    C sum = 0;
    for (I row = w.rows.first_output(p.y); row <= last_row; ++row) {
      for (I column = first_column; column <= last_column; ++column) {
        if (chosen[row * place_steps.y + column * place_steps.x] == own) {
          sum += convert_to<C>(values[row * gy_steps.y + column * gy_steps.x]);
        }
      }
    }
    gx[i] = convert_to<T>(sum);
  }
}

// Bytes moved: the places and the result once, an element of the input for each.
template <class T, class I>
__global__ void __launch_bounds__(kThreads, 2)
    max_pool_read(const T* x, const int64_t* places, T* y, I count, Walk<I> walk, Steps<I> steps,
                  Divisor<I> width) {
  for (I i = I(blockIdx.x) * kThreads + I(threadIdx.x); i < count; i += I(gridDim.x) * kThreads) {
    const int64_t place = places[i];
    if (place == kNowhere) {
      y[i] = convert_to<T>(0.0f);
      continue;
    }
    I column = I(place);
    const I row = width.divide(column);
    y[i] = x[steps.plane(walk.at(i)) + row * steps.y + column * steps.x];
  }
}

// Bytes moved: the input once from memory, the result once.
template <class T, class I>
__global__ void __launch_bounds__(kThreads, 2)
    avg_pool_window(const T* x, T* y, I count, Walk<I> walk, Steps<I> steps, Windows<I> w,
                    bool count_padding) {
  using C = Computed<T>;
  for (I i = I(blockIdx.x) * kThreads + I(threadIdx.x); i < count; i += I(gridDim.x) * kThreads) {
    const Position<I> p = walk.at(i);
    const I row0 = w.rows.start(p.y), column0 = w.columns.start(p.x);
    const T* const from = x + steps.plane(p) + row0 * steps.y + column0 * steps.x;
    const I last_row = w.rows.last_tap(row0), first_column = w.columns.first_tap(column0),
            last_column = w.columns.last_tap(column0);
    C sum = 0;
    for (I r = w.rows.first_tap(row0); r < last_row; ++r) {
      for (I s = first_column; s < last_column; ++s) {
        sum += convert_to<C>(from[r * steps.y + s * steps.x]);
      }
    }
    const I taps = w.rows.taps(row0, count_padding) * w.columns.taps(column0, count_padding);
    y[i] = convert_to<T>(sum / C(taps));
  }
}

// An input element gathers its shares from the windows that hold it, in their order. Bytes moved:
// the gradient once from memory, the result once.
template <class T, class I>
__global__ void __launch_bounds__(kThreads, 2)
    avg_pool_gather(const T* gy, T* gx, I count, Walk<I> walk, Steps<I> steps, Windows<I> w,
                    bool count_padding) {
  using C = Computed<T>;
  for (I i = I(blockIdx.x) * kThreads + I(threadIdx.x); i < count; i += I(gridDim.x) * kThreads) {
    const Position<I> p = walk.at(i);
    const T* const values = gy + steps.plane(p);
    const I last_row = w.rows.last_output(p.y), first_column = w.columns.first_output(p.x),
            last_column = w.columns.last_output(p.x);
    C sum = 0;
    for (I row = w.rows.first_output(p.y); row <= last_row; ++row) {
      const I height = w.rows.taps(w.rows.start(row), count_padding);
      for (I column = first_column; column <= last_column; ++column) {
        const I taps = height * w.columns.taps(w.columns.start(column), count_padding);
        sum += convert_to<C>(values[row * steps.y + column * steps.x]) / C(taps);
      }
    }
    gx[i] = convert_to<T>(sum);
  }
}

// ---- The host's part

bool fits_32_bits(const Tensor& t) {
  int64_t reach = 0;
  for (int d = 0; d < t.dim(); ++d) reach += (t.shape()[d] - 1) * std::abs(t.strides()[d]);
  return t.numel() <= index_limit() && reach <= index_limit();
}
// Positions of windows, padding and all.
bool fits_32_bits(const PoolWindow& w) {
  constexpr int64_t kMost = int64_t{1} << 28;
  for (int d = 0; d < 2; ++d) {
    if (w.stride[d] > kMost || w.kernel[d] > kMost / w.dilation[d]) return false;
  }
  return true;
}

// Calls `f(Tag<T>(), Tag<I>())`.
template <class F>
void dispatch_pooling(DType dtype, bool narrow, const F& f) {
  dispatch_floating_point(dtype, [&](auto type) {
    if (narrow) {
      f(type, Tag<int32_t>());
    } else {
      f(type, Tag<int64_t>());
    }
  });
}

unsigned blocks_for(int64_t count, int device) {
  const int64_t most = int64_t{kBlocksPerMultiprocessor} * limits_of(device).multiprocessors;
  return unsigned(std::min((count + kThreads - 1) / kThreads, most));
}

}  // namespace

void max_pool2d(CudaContext& context, const MaxPool2d& op, Inputs in, Outputs out) {
  const Tensor &x = in[0].tensor(), &y = out[0];
  if (y.numel() == 0) return;
  const bool narrow = fits_32_bits(x) && fits_32_bits(y) && fits_32_bits(op.window);
  dispatch_pooling(x.dtype(), narrow, [&](auto type, auto index) {
    using T = typename decltype(type)::type;
    using I = typename decltype(index)::type;
    launch(&max_pool_window<T, I>, blocks_for(y.numel(), context.device()), kThreads, 0,
           context.stream(), x.raw_as<const T>(), y.raw_as<T>(), out[1].raw_as<int64_t>(),
           I(y.numel()), Walk<I>(y), Steps<I>(x.strides()),
           Windows<I>(op.window, x.shape(), y.shape()));
  });
}

void max_pool2d_grad(CudaContext& context, const MaxPool2dGrad& op, Inputs in, Outputs out) {
  const Tensor &gy = in[0].tensor(), &places = in[1].tensor(), &gx = out[0];
  if (gx.numel() == 0) return;
  const bool narrow =
      fits_32_bits(gy) && fits_32_bits(places) && fits_32_bits(gx) && fits_32_bits(op.window);
  dispatch_pooling(gx.dtype(), narrow, [&](auto type, auto index) {
    using T = typename decltype(type)::type;
    using I = typename decltype(index)::type;
    launch(&max_pool_gather<T, I>, blocks_for(gx.numel(), context.device()), kThreads, 0,
           context.stream(), gy.raw_as<const T>(), places.raw_as<const int64_t>(), gx.raw_as<T>(),
           I(gx.numel()), Walk<I>(gx), Steps<I>(gy.strides()), Steps<I>(places.strides()),
           Windows<I>(op.window, gx.shape(), gy.shape()));
  });
}

void max_pool2d_read(CudaContext& context, const MaxPool2dRead&, Inputs in, Outputs out) {
  const Tensor &x = in[0].tensor(), &places = in[1].tensor(), &y = out[0];
  if (y.numel() == 0) return;
  dispatch_pooling(x.dtype(), fits_32_bits(x) && fits_32_bits(y), [&](auto type, auto index) {
    using T = typename decltype(type)::type;
    using I = typename decltype(index)::type;
    launch(&max_pool_read<T, I>, blocks_for(y.numel(), context.device()), kThreads, 0,
           context.stream(), x.raw_as<const T>(), places.raw_as<const int64_t>(), y.raw_as<T>(),
           I(y.numel()), Walk<I>(y), Steps<I>(x.strides()), Divisor<I>(x.shape()[3]));
  });
}

void avg_pool2d(CudaContext& context, const AvgPool2d& op, Inputs in, Outputs out) {
  const Tensor &x = in[0].tensor(), &y = out[0];
  if (y.numel() == 0) return;
  const bool narrow = fits_32_bits(x) && fits_32_bits(y) && fits_32_bits(op.window);
  dispatch_pooling(x.dtype(), narrow, [&](auto type, auto index) {
    using T = typename decltype(type)::type;
    using I = typename decltype(index)::type;
    launch(&avg_pool_window<T, I>, blocks_for(y.numel(), context.device()), kThreads, 0,
           context.stream(), x.raw_as<const T>(), y.raw_as<T>(), I(y.numel()), Walk<I>(y),
           Steps<I>(x.strides()), Windows<I>(op.window, x.shape(), y.shape()),
           op.count_include_pad);
  });
}

void avg_pool2d_grad(CudaContext& context, const AvgPool2dGrad& op, Inputs in, Outputs out) {
  const Tensor &gy = in[0].tensor(), &gx = out[0];
  if (gx.numel() == 0) return;
  const PoolWindow& window = op.forward.window;
  const bool narrow = fits_32_bits(gy) && fits_32_bits(gx) && fits_32_bits(window);
  dispatch_pooling(gx.dtype(), narrow, [&](auto type, auto index) {
    using T = typename decltype(type)::type;
    using I = typename decltype(index)::type;
    launch(&avg_pool_gather<T, I>, blocks_for(gx.numel(), context.device()), kThreads, 0,
           context.stream(), gy.raw_as<const T>(), gx.raw_as<T>(), I(gx.numel()), Walk<I>(gx),
           Steps<I>(gy.strides()), Windows<I>(window, gx.shape(), gy.shape()),
           op.forward.count_include_pad);
  });
}

}  // namespace entasis::cuda

namespace entasis {

void register_cuda_pooling(Kernels& kernels) {
  kernels.add<&cuda::max_pool2d>();
  kernels.add<&cuda::max_pool2d_grad>();
  kernels.add<&cuda::max_pool2d_read>();
  kernels.add<&cuda::avg_pool2d>();
  kernels.add<&cuda::avg_pool2d_grad>();
}

}  // namespace entasis
