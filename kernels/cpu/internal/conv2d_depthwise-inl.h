// Depthwise convolution forward; compiled once for each Highway target.
//
// Channels-first: a strip of one plane at a time, from a zero-padded copy that stays in L1. Vectors
// run along a row of pixels; a block of up to eight output rows shares each weight. Channels-last:
// one output row at a time, read where it lies. Vectors run along the channels; a block of up to
// eight pixels shares each vector of weights, and of the input where they overlap. Pixels whose
// filter reaches over the edge leave out the taps there. Either way a multiply-add costs at most
// one load and an eighth, the sum of an output is one chain over the taps, and a map that fits L2
// is read from memory once: the floor is the bytes of input and output.

#if defined(ENTASIS_KERNELS_CPU_INTERNAL_CONV2D_DEPTHWISE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ENTASIS_KERNELS_CPU_INTERNAL_CONV2D_DEPTHWISE_INL_H_
#undef ENTASIS_KERNELS_CPU_INTERNAL_CONV2D_DEPTHWISE_INL_H_
#else
#define ENTASIS_KERNELS_CPU_INTERNAL_CONV2D_DEPTHWISE_INL_H_
#endif

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

#include <hwy/highway.h>

#include <entasis/backends/cpu/internal/scratch.h>
#include <entasis/kernels/cpu/internal/conv2d_depthwise_plan.h>
#include <entasis/kernels/cpu/internal/conv2d_plan.h>
// Per-target headers.
#include <entasis/kernels/cpu/internal/copy_row-inl.h>
#include <entasis/kernels/cpu/internal/gemm_tile-inl.h>

HWY_BEFORE_NAMESPACE();
namespace entasis::cpu::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

inline constexpr int kBlock = 8;  // outputs under way at a time

// A row of up to kBlock outputs, each a vector: out[i] = bias + sum over rows r and taps s of
// weight[r, s] * x[r, s, i].
template <class T>
struct OutputBlock {
  const T* x;  // the first tap of the first output
  int64_t row_step, tap_step, output_step;
  int64_t rows, taps;
  const T* weight;
  int64_t weight_row_step, weight_tap_step;
  const T* bias;  // or null
  T* out;
  int64_t out_step;
};

// How the lanes of a block are read: all, or only the first few where there are no more.
struct AllLanes {
  template <class D, class T>
  HWY_INLINE hn::Vec<D> load(D d, const T* from) const {
    return hn::LoadU(d, from);
  }
  template <class D, class T>
  HWY_INLINE void store(hn::Vec<D> v, D d, T* to) const {
    hn::StoreU(v, d, to);
  }
};
struct FirstLanes {
  size_t count;
  template <class D, class T>
  HWY_INLINE hn::Vec<D> load(D d, const T* from) const {
    return load_first(d, count, from);
  }
  template <class D, class T>
  HWY_INLINE void store(hn::Vec<D> v, D d, T* to) const {
    store_first(v, d, count, to);
  }
};

// P outputs whose lanes are channels. With S > 0 the filter is S columns wide and neighbouring
// outputs meet the same columns of the input, so that each is loaded once a row; otherwise each tap
// loads its own. Either way the sum of an output runs over rows and taps in order.
template <int P, int S, class T, class Lanes>
HWY_INLINE void sum_channels(const OutputBlock<T>& block, int64_t channel, const Lanes& lanes) {
  const hn::ScalableTag<T> d;
  using Vec = hn::Vec<decltype(d)>;
  Vec sum[P];
#pragma GCC unroll 16
  for (int i = 0; i < P; ++i) sum[i] = hn::Zero(d);
  const T* row = block.x + channel;
  const T* row_weight = block.weight + channel;
  for (int64_t r = block.rows; r > 0; --r) {
    if constexpr (S > 0) {
      Vec weight[S];
#pragma GCC unroll 16
      for (int s = 0; s < S; ++s) weight[s] = hn::LoadU(d, row_weight + s * block.weight_tap_step);
      const T* x = row;
#pragma GCC unroll 16
      for (int column = 0; column < P + S - 1; ++column) {
        const Vec value = lanes.load(d, x);
        x += block.output_step;
#pragma GCC unroll 16
        for (int s = 0; s < S; ++s) {
          const int i = column - s;
          if (0 <= i && i < P) sum[i] = hn::MulAdd(weight[s], value, sum[i]);
        }
      }
    } else {
      constexpr int kPointers = (P + 2) / 3;  // one serves three outputs
      const T* x[kPointers];
#pragma GCC unroll 16
      for (int p = 0; p < kPointers; ++p) x[p] = row + 3 * p * block.output_step;
      const T* w = row_weight;
      for (int64_t s = 0; s < block.taps; ++s) {
        const Vec weight = hn::LoadU(d, w);
#pragma GCC unroll 16
        for (int i = 0; i < P; ++i) {
          sum[i] =
              hn::MulAdd(weight, lanes.load(d, x[i / 3] + (i % 3) * block.output_step), sum[i]);
        }
#pragma GCC unroll 16
        for (int p = 0; p < kPointers; ++p) x[p] += block.tap_step;
        w += block.weight_tap_step;
      }
    }
    row += block.row_step;
    row_weight += block.weight_row_step;
  }
  const Vec bias = block.bias != nullptr ? lanes.load(d, block.bias + channel) : hn::Zero(d);
  T* out = block.out + channel;
#pragma GCC unroll 16
  for (int i = 0; i < P; ++i) {
    lanes.store(hn::Add(sum[i], bias), d, out);
    out += block.out_step;
  }
}

template <int P, int S, class T>
void convolve_block(const OutputBlock<T>& given, int64_t channels) {
  const OutputBlock<T> block = given;  // which no store can change
  int64_t c = 0;
  for (; c + kLanes<T> <= channels; c += kLanes<T>) sum_channels<P, S>(block, c, AllLanes{});
  if (c < channels) sum_channels<P, S>(block, c, FirstLanes{static_cast<size_t>(channels - c)});
}

template <class T>
using BlockFunction = void (*)(const OutputBlock<T>&, int64_t channels);

template <class T, int S, int... P>
constexpr auto block_functions(std::integer_sequence<int, P...>) {
  return std::array<BlockFunction<T>, sizeof...(P)>{convolve_block<P + 1, S, T>...};
}
template <class T, int S>
inline constexpr auto kBlockFunctions =
    block_functions<T, S>(std::make_integer_sequence<int, kBlock>{});

// By the number of outputs, for filters that lie inside the map.
template <class T>
const std::array<BlockFunction<T>, kBlock>& block_functions_for(const ConvShape& shape) {
  const bool sliding = shape.stride_x == 1 && shape.dilation_x == 1;
  if (sliding && shape.kernel_width == 3) return kBlockFunctions<T, 3>;
  if (sliding && shape.kernel_width == 5) return kBlockFunctions<T, 5>;
  return kBlockFunctions<T, 0>;
}

// Output columns whose filter lies inside the map altogether.
inline IndexRange inner_columns(const ConvShape& shape) {
  const IndexRange first =
      indices_inside(-shape.pad_x, shape.stride_x, shape.out_width, shape.in_width);
  const IndexRange last = indices_inside((shape.kernel_width - 1) * shape.dilation_x - shape.pad_x,
                                         shape.stride_x, shape.out_width, shape.in_width);
  const int64_t begin = std::max(first.begin, last.begin);
  return {begin, std::max(begin, std::min(first.end, last.end))};
}

template <class T>
void convolve_rows(const Conv2d<T>& conv, const T* weight, int64_t padded_channels, int64_t begin,
                   int64_t end) {
  const MapStrides& in = conv.input_strides;
  const MapStrides& out = conv.output_strides;
  OutputBlock<T> block;
  block.row_step = conv.dilation_y * in.row;
  block.tap_step = conv.dilation_x * in.column;
  block.output_step = conv.stride_x * in.column;
  block.weight_row_step = conv.kernel_width * padded_channels;
  block.weight_tap_step = padded_channels;
  block.bias = conv.bias;
  block.out_step = out.column;
  const IndexRange inner = inner_columns(conv);
  const EqualCuts blocks(inner.end - inner.begin, kBlock);
  const std::array<BlockFunction<T>, kBlock>& inner_functions = block_functions_for<T>(conv);

  for (int64_t i = begin; i < end; ++i) {
    const int64_t image = i / conv.out_height, y = i % conv.out_height;
    const int64_t top = y * conv.stride_y - conv.pad_y;
    const IndexRange rows =
        indices_inside(top, conv.dilation_y, conv.kernel_height, conv.in_height);
    block.rows = rows.end - rows.begin;
    const T* const from =
        conv.input + image * in.image + (top + rows.begin * conv.dilation_y) * in.row;
    T* const to = conv.output + image * out.image + y * out.row;
    const T* const row_weight = weight + rows.begin * block.weight_row_step;
    const auto outputs = [&](BlockFunction<T> function, int64_t x, const IndexRange& taps) {
      block.taps = taps.end - taps.begin;
      block.x = from + (x * conv.stride_x - conv.pad_x + taps.begin * conv.dilation_x) * in.column;
      block.weight = row_weight + taps.begin * padded_channels;
      block.out = to + x * out.column;
      function(block, conv.out_channels);
    };
    const auto edge = [&](int64_t x) {
      outputs(kBlockFunctions<T, 0>[0], x,
              indices_inside(x * conv.stride_x - conv.pad_x, conv.dilation_x, conv.kernel_width,
                             conv.in_width));
    };
    for (int64_t x = 0; x < inner.begin; ++x) edge(x);
    for (int64_t b = 0; b < blocks.pieces; ++b) {
      const int64_t x = blocks.begin(b);
      outputs(inner_functions[static_cast<size_t>(blocks.begin(b + 1) - x - 1)], inner.begin + x,
              {0, conv.kernel_width});
    }
    for (int64_t x = inner.end; x < conv.out_width; ++x) edge(x);
  }
}

// The copy under the output rows from `row` on; what lies in the padding is left as it is.
template <class T>
void fill_plane(const ConvShape& shape, const PlanePlan& plan, const T* map, int64_t row, T* copy) {
  const MapStrides& in = shape.input_strides;
  const int64_t step = shape.stride_x * in.column;
  for (int64_t phase_y = 0; phase_y < shape.stride_y; ++phase_y) {
    const int64_t top = row * shape.stride_y + phase_y - shape.pad_y;
    const IndexRange rows = indices_inside(top, shape.stride_y, plan.rows, shape.in_height);
    for (int64_t phase_x = 0; phase_x < shape.stride_x; ++phase_x, copy += plan.rows * plan.pitch) {
      const int64_t left = phase_x - shape.pad_x;
      const IndexRange columns = indices_inside(left, shape.stride_x, plan.pitch, shape.in_width);
      const int64_t count = columns.end - columns.begin;
      for (int64_t i = rows.begin; i < rows.end; ++i) {
        const T* const from = map + (top + i * shape.stride_y) * in.row +
                              (left + columns.begin * shape.stride_x) * in.column;
        T* const to = copy + i * plan.pitch + columns.begin;
        if (step == 1) {
          copy_row(from, count, to);
        } else {
          for (int64_t x = 0; x < count; ++x) to[x] = from[x * step];
        }
      }
    }
  }
}

// P output rows of one vector of columns, of which `lanes` are there.
template <int P, class T>
void sum_pixels(const T* copy, int64_t pitch, const int64_t* offsets, const T* weight, int64_t taps,
                T bias, const MapStrides& out_strides, size_t lanes, T* out) {
  const hn::ScalableTag<T> d;
  hn::Vec<decltype(d)> sum[P];
#pragma GCC unroll 16
  for (int i = 0; i < P; ++i) sum[i] = hn::Zero(d);
  constexpr int kPointers = (P + 2) / 3;
  const T* rows[kPointers];
#pragma GCC unroll 16
  for (int p = 0; p < kPointers; ++p) rows[p] = copy + 3 * p * pitch;
  for (int64_t t = 0; t < taps; ++t) {
    const auto factor = hn::Set(d, weight[t]);
    const int64_t offset = offsets[t];
#pragma GCC unroll 16
    for (int i = 0; i < P; ++i) {
      sum[i] = hn::MulAdd(factor, hn::LoadU(d, rows[i / 3] + offset + (i % 3) * pitch), sum[i]);
    }
  }
  const auto all_bias = hn::Set(d, bias);
#pragma GCC unroll 16
  for (int i = 0; i < P; ++i) {
    T* const to = out + i * out_strides.row;
    const auto value = hn::Add(sum[i], all_bias);
    if (out_strides.column == 1) {
      if (lanes == kLanes<T>) {
        hn::StoreU(value, d, to);
      } else {
        store_first(value, d, lanes, to);
      }
    } else {
      alignas(HWY_MAX_BYTES) T values[kLanes<T>];
      hn::Store(value, d, values);
      for (size_t l = 0; l < lanes; ++l)
        to[static_cast<int64_t>(l) * out_strides.column] = values[l];
    }
  }
}

template <class T, int... P>
constexpr auto pixel_functions(std::integer_sequence<int, P...>) {
  return std::array<decltype(&sum_pixels<1, T>), sizeof...(P)>{sum_pixels<P + 1, T>...};
}
template <class T>
inline constexpr auto kPixelFunctions =
    pixel_functions<T>(std::make_integer_sequence<int, kBlock>{});

template <class T>
void convolve_planes(const Conv2d<T>& conv, const PlanePlan& plan, const T* weight, int64_t begin,
                     int64_t end) {
  constexpr int64_t kN = kLanes<T>;
  const MapStrides& in = conv.input_strides;
  const MapStrides& out = conv.output_strides;
  const int64_t taps = conv.kernel_height * conv.kernel_width;
  // The last vector of a row may read past the copy, by less than its length.
  const Scratch scratch(static_cast<size_t>(plan.size + kN) * sizeof(T));
  T* const copy = scratch.as<T>();
  std::fill_n(copy, plan.size + kN, T{0});

  for (int64_t i = begin; i < end; ++i) {
    const int64_t plane = i / plan.strips, row = i % plan.strips * plan.strip_rows;
    const int64_t image = plane / conv.in_channels, channel = plane % conv.in_channels;
    // The padding of one strip is another's map.
    if (plan.strips > 1 && i > begin) std::fill_n(copy, plan.size, T{0});
    fill_plane(conv, plan, conv.input + image * in.image + channel * in.channel, row, copy);
    T* const to = conv.output + image * out.image + channel * out.channel + row * out.row;
    const T bias = conv.bias != nullptr ? conv.bias[channel] : T{0};
    const EqualCuts blocks(std::min(plan.strip_rows, conv.out_height - row), kBlock);
    for (int64_t x = 0; x < conv.out_width; x += kN) {
      const size_t lanes = static_cast<size_t>(std::min(kN, conv.out_width - x));
      for (int64_t b = 0; b < blocks.pieces; ++b) {
        const int64_t y = blocks.begin(b);
        kPixelFunctions<T>[static_cast<size_t>(blocks.begin(b + 1) - y - 1)](
            copy + y * plan.pitch + x, plan.pitch, plan.offsets, weight + channel * taps, taps,
            bias, out, lanes, to + y * out.row + x * out.column);
      }
    }
  }
}

}  // namespace entasis::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // include guard
