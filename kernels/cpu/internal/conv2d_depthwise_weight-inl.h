// The weight's gradient of a depthwise convolution; compiled once for each Highway target.
//
// Up to nine taps at a time have a vector of sums each in registers; a step loads one vector of
// output_grad and one of the input for each tap. Channels-first maps are summed from the same copy
// of a plane as the forward pass takes, a vector of columns at a time. Channels-last maps are read
// where they lie, vectors along the channels; pixels at the left and right edge are summed down the
// column. The floor is the bytes of both maps.

#if defined(ENTASIS_KERNELS_CPU_INTERNAL_CONV2D_DEPTHWISE_WEIGHT_INL_H_) == \
    defined(HWY_TARGET_TOGGLE)
#ifdef ENTASIS_KERNELS_CPU_INTERNAL_CONV2D_DEPTHWISE_WEIGHT_INL_H_
#undef ENTASIS_KERNELS_CPU_INTERNAL_CONV2D_DEPTHWISE_WEIGHT_INL_H_
#else
#define ENTASIS_KERNELS_CPU_INTERNAL_CONV2D_DEPTHWISE_WEIGHT_INL_H_
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
#include <entasis/kernels/cpu/internal/conv2d_depthwise-inl.h>
#include <entasis/kernels/cpu/internal/gemm_tile-inl.h>

HWY_BEFORE_NAMESPACE();
namespace entasis::cpu::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

inline constexpr int kTapsAtOnce = 9;

// Up to kTapsAtOnce taps of the filter, and where the vectors of their sums lie.
template <class T>
struct TapList {
  const T* x[kTapsAtOnce];  // what the tap meets first
  T* sums[kTapsAtOnce];
  int64_t count = 0;
};

// sums[i][offset] += sum over k < count of g[k * g_step + offset] * x[i][k * x_step + offset], each
// V vectors, for N taps.
template <int N, int V, class T, class Lanes>
HWY_INLINE void sum_taps(const TapList<T>& taps, int64_t x_step, const T* g, int64_t g_step,
                         int64_t count, int64_t offset, const Lanes& lanes) {
  const hn::ScalableTag<T> d;
  constexpr int64_t kN = kLanes<T>;
  hn::Vec<decltype(d)> sum[N][V];
  const T* x[N];
#pragma GCC unroll 16
  for (int i = 0; i < N; ++i) {
    x[i] = taps.x[i] + offset;
#pragma GCC unroll 16
    for (int j = 0; j < V; ++j) sum[i][j] = hn::Zero(d);
  }
  g += offset;
  int64_t at = 0;
  for (int64_t k = 0; k < count; ++k) {
    hn::Vec<decltype(d)> factor[V];
#pragma GCC unroll 16
    for (int j = 0; j < V; ++j) factor[j] = lanes.load(d, g + j * kN);
#pragma GCC unroll 16
    for (int i = 0; i < N; ++i) {
#pragma GCC unroll 16
      for (int j = 0; j < V; ++j) {
        sum[i][j] = hn::MulAdd(factor[j], lanes.load(d, x[i] + at + j * kN), sum[i][j]);
      }
    }
    at += x_step;
    g += g_step;
  }
#pragma GCC unroll 16
  for (int i = 0; i < N; ++i) {
#pragma GCC unroll 16
    for (int j = 0; j < V; ++j) {
      T* const to = taps.sums[i] + offset + j * kN;
      hn::StoreU(hn::Add(hn::LoadU(d, to), sum[i][j]), d, to);
    }
  }
}

// The same over `extent` elements that lie next to each other in every operand.
template <int N, class T>
void sum_taps_along(const TapList<T>& taps, int64_t x_step, const T* g, int64_t g_step,
                    int64_t count, int64_t extent) {
  constexpr int64_t kN = kLanes<T>;
  constexpr int kTogether = kWideTileRows == 0 ? 1 : 2;  // as registers allow
  int64_t at = 0;
  for (; at + kTogether * kN <= extent; at += kTogether * kN) {
    sum_taps<N, kTogether>(taps, x_step, g, g_step, count, at, AllLanes{});
  }
  for (; at + kN <= extent; at += kN) {
    sum_taps<N, 1>(taps, x_step, g, g_step, count, at, AllLanes{});
  }
  if (at < extent) {
    sum_taps<N, 1>(taps, x_step, g, g_step, count, at,
                   FirstLanes{static_cast<size_t>(extent - at)});
  }
}

template <class T, int... N>
constexpr auto tap_functions(std::integer_sequence<int, N...>) {
  return std::array<decltype(&sum_taps_along<1, T>), sizeof...(N)>{sum_taps_along<N + 1, T>...};
}
template <class T>
inline constexpr auto kTapFunctions =
    tap_functions<T>(std::make_integer_sequence<int, kTapsAtOnce>{});

template <class T>
void weight_grad_of_rows(const ConvWeightGrad<T>& grad, int64_t padded_channels, int64_t begin,
                         int64_t end, T* sums) {
  constexpr int64_t kColumnsAtOnce = 32;  // few enough for L1
  const MapStrides& in = grad.input_strides;
  const MapStrides& out = grad.output_strides;
  std::fill_n(sums, grad.kernel_height * grad.kernel_width * padded_channels, T{0});
  const IndexRange inner = inner_columns(grad);
  const EqualCuts blocks(inner.end - inner.begin, kColumnsAtOnce);
  const auto rows_of = [&](int64_t y) {
    return indices_inside(y * grad.stride_y - grad.pad_y, grad.dilation_y, grad.kernel_height,
                          grad.in_height);
  };
  const auto columns_of = [&](int64_t x) {
    return indices_inside(x * grad.stride_x - grad.pad_x, grad.dilation_x, grad.kernel_width,
                          grad.in_width);
  };

  for (int64_t at = begin; at < end;) {
    const int64_t image = at / grad.out_height, first_row = at % grad.out_height;
    const int64_t last_row = std::min(grad.out_height, first_row + end - at);
    at += last_row - first_row;
    const T* const map = grad.input + image * in.image;
    const T* const maps_of_g = grad.output_grad + image * out.image;
    // `count` outputs from (y, x) on, along a row or down a column, for some rows and columns of
    // the filter, which lie inside the map for all of them.
    const auto add = [&](int64_t y, int64_t x, int64_t count, bool down, const IndexRange& rows,
                         const IndexRange& columns) {
      const int64_t x_step = down ? grad.stride_y * in.row : grad.stride_x * in.column;
      const int64_t g_step = down ? out.row : out.column;
      const T* const first = map + (y * grad.stride_y - grad.pad_y) * in.row +
                             (x * grad.stride_x - grad.pad_x) * in.column;
      TapList<T> taps;
      const auto flush = [&] {
        if (taps.count == 0) return;
        kTapFunctions<T>[static_cast<size_t>(taps.count - 1)](
            taps, x_step, maps_of_g + y * out.row + x * out.column, g_step, count,
            grad.in_channels);
        taps.count = 0;
      };
      for (int64_t r = rows.begin; r < rows.end; ++r) {
        for (int64_t s = columns.begin; s < columns.end; ++s) {
          taps.x[taps.count] =
              first + r * grad.dilation_y * in.row + s * grad.dilation_x * in.column;
          taps.sums[taps.count] = sums + (r * grad.kernel_width + s) * padded_channels;
          if (++taps.count == kTapsAtOnce) flush();
        }
      }
      flush();
    };
    const auto edges = [&](int64_t y, int64_t count) {
      for (int64_t x = 0; x < inner.begin; ++x) add(y, x, count, true, rows_of(y), columns_of(x));
      for (int64_t x = inner.end; x < grad.out_width; ++x) {
        add(y, x, count, true, rows_of(y), columns_of(x));
      }
    };
    int64_t whole = 0;  // rows up to y whose filter lies between the map's first and last row
    for (int64_t y = first_row; y < last_row; ++y) {
      const IndexRange rows = rows_of(y);
      for (int64_t b = 0; b < blocks.pieces; ++b) {
        const int64_t x = blocks.begin(b);
        add(y, inner.begin + x, blocks.begin(b + 1) - x, false, rows, {0, grad.kernel_width});
      }
      if (rows.end - rows.begin == grad.kernel_height) {
        ++whole;
        if (y + 1 < last_row) continue;
        edges(y + 1 - whole, whole);
      } else {
        if (whole > 0) edges(y - whole, whole);
        whole = 0;
        edges(y, 1);
      }
    }
  }
}

template <class T>
void weight_grad_of_planes(const ConvWeightGrad<T>& grad, const PlanePlan& plan, int64_t channel,
                           int64_t begin, int64_t end, T* sums) {
  const hn::ScalableTag<T> d;
  constexpr int64_t kN = kLanes<T>;
  const MapStrides& in = grad.input_strides;
  const MapStrides& out = grad.output_strides;
  const int64_t taps = grad.kernel_height * grad.kernel_width;
  // A row of output_grad whose elements are not adjacent is copied, in front of the sums.
  const int64_t row = grad.out_width;
  const bool gathers = out.column != 1;
  const Scratch copy_scratch(static_cast<size_t>(plan.size + kN) * sizeof(T));
  const Scratch g_scratch(gathers ? static_cast<size_t>(plan.strip_rows * row) * sizeof(T) : 0);
  const Scratch sum_scratch(static_cast<size_t>(taps * kN) * sizeof(T));
  T* const copy = copy_scratch.as<T>();
  T* const vectors = sum_scratch.as<T>();
  std::fill_n(copy, plan.size + kN, T{0});
  std::fill_n(vectors, taps * kN, T{0});
  const EqualCuts pieces(taps, kTapsAtOnce);

  for (int64_t image = begin; image < end; ++image) {
    for (int64_t strip = 0; strip < plan.strips; ++strip) {
      const int64_t y0 = strip * plan.strip_rows;
      const int64_t rows = std::min(plan.strip_rows, grad.out_height - y0);
      if (plan.strips > 1) std::fill_n(copy, plan.size, T{0});
      fill_plane(grad, plan, grad.input + image * in.image + channel * in.channel, y0, copy);
      const T* g = grad.output_grad + image * out.image + channel * out.channel + y0 * out.row;
      int64_t g_step = out.row;
      if (gathers) {
        T* const to = g_scratch.as<T>();
        for (int64_t y = 0; y < rows; ++y) {
          for (int64_t x = 0; x < row; ++x) to[y * row + x] = g[y * out.row + x * out.column];
        }
        g = to;
        g_step = row;
      }
      for (int64_t p = 0; p < pieces.pieces; ++p) {
        const int64_t first = pieces.begin(p);
        TapList<T> list;
        list.count = pieces.begin(p + 1) - first;
        for (int64_t t = 0; t < list.count; ++t) {
          list.x[t] = copy + plan.offsets[first + t];
          list.sums[t] = vectors + (first + t) * kN;
        }
        for (int64_t x = 0; x < row; x += kN) {
          kTapFunctions<T>[static_cast<size_t>(list.count - 1)](list, plan.pitch, g + x, g_step,
                                                                rows, std::min(kN, row - x));
          for (int64_t t = 0; t < list.count; ++t) list.x[t] += kN;
        }
      }
    }
  }
  for (int64_t t = 0; t < taps; ++t) {
    sums[t] = hn::GetLane(hn::SumOfLanes(d, hn::Load(d, vectors + t * kN)));
  }
}

}  // namespace entasis::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // include guard
