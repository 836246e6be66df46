// Direct convolution of one strip of output rows, by either method of conv2d_plan.h; compiled once
// for each Highway target.

#if defined(ENTASIS_KERNELS_CPU_INTERNAL_CONV2D_DIRECT_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ENTASIS_KERNELS_CPU_INTERNAL_CONV2D_DIRECT_INL_H_
#undef ENTASIS_KERNELS_CPU_INTERNAL_CONV2D_DIRECT_INL_H_
#else
#define ENTASIS_KERNELS_CPU_INTERNAL_CONV2D_DIRECT_INL_H_
#endif

#include <algorithm>
#include <cstdint>

#include <hwy/highway.h>

#include <entasis/backends/cpu/internal/scratch.h>
#include <entasis/kernels/cpu/internal/conv2d_direct.h>
#include <entasis/kernels/cpu/internal/conv2d_plan.h>
// Per-target headers.
#include <entasis/kernels/cpu/internal/copy_row-inl.h>
#include <entasis/kernels/cpu/internal/gemm_tile-inl.h>
#include <entasis/kernels/cpu/internal/transpose-inl.h>

HWY_BEFORE_NAMESPACE();
namespace entasis::cpu::HWY_NAMESPACE {

// The planes of `channels` channels, which begin at `maps`, under the output rows from `row` on.
template <class T>
void fill_planes(const Conv2d<T>& conv, const PixelPlan<T>& plan, const T* maps, int64_t channels,
                 int64_t row, T* planes) {
  const MapStrides& in = conv.input_strides;
  const int64_t channel_size = conv.stride_y * conv.stride_x * plan.plane_rows * plan.pitch;
  const int64_t step = conv.stride_x * in.column;
  T* to = planes;
  for (int64_t phase_y = 0; phase_y < conv.stride_y; ++phase_y) {
    for (int64_t phase_x = 0; phase_x < conv.stride_x; ++phase_x) {
      // Plane columns [begin, end) lie inside the map, the others in the padding.
      const int64_t first = phase_x - conv.pad_x;
      const int64_t begin = std::min(plan.pitch, first >= 0 ? 0 : divide_up(-first, conv.stride_x));
      const int64_t end =
          std::clamp(first < conv.in_width ? divide_up(conv.in_width - first, conv.stride_x) : 0,
                     begin, plan.pitch);
      for (int64_t i = 0; i < plan.plane_rows; ++i, to += plan.pitch) {
        const int64_t y = (row + i) * conv.stride_y + phase_y - conv.pad_y;
        const bool inside = y >= 0 && y < conv.in_height && begin < end;
        for (int64_t c = 0; c < channels; ++c) {
          T* const plane_row = to + c * channel_size;
          zero_row(inside ? begin : plan.pitch, plane_row);
          if (inside) zero_row(plan.pitch - end, plane_row + end);
        }
        if (!inside) continue;
        const T* const from = maps + y * in.row + (first + begin * conv.stride_x) * in.column;
        if (in.channel == 1) {
          transpose(channels, end - begin, from, step, to + begin, channel_size);
        } else {
          copy_matrix(channels, end - begin, from, in.channel, step, to + begin, channel_size);
        }
      }
    }
  }
}

// Cuts of a group's product for `pixels` adjacent columns of the planes: output channels, taps and
// vectors of pixels.
template <class T>
struct PlaneCuts {
  PlaneCuts(const Conv2d<T>& conv, int64_t pixels)
      : pixels(pixels),
        tiles(conv.out_group(), kTileRows),
        sums(conv.taps(), 2048 / sizeof(T)),
        panels(divide_up(pixels, kLanes<T>),
               max_tile_vectors(static_cast<int>(std::min<int64_t>(conv.out_group(), 3)))) {}

  int64_t pixels;
  EqualCuts tiles, sums, panels;
};

// One group: its planes times its weight, into out[out_channel * out_stride + pixel].
template <class T>
void multiply_planes(const Conv2d<T>& conv, const PixelPlan<T>& plan, const PlaneCuts<T>& cuts,
                     int64_t group, const T* planes, T* out, int64_t out_stride) {
  constexpr int64_t kN = kLanes<T>;
  const int64_t out_channels = conv.out_group();
  const EqualCuts &tiles = cuts.tiles, &sums = cuts.sums, &panels = cuts.panels;
  for (int64_t s = 0; s < sums.pieces; ++s) {
    for (int64_t t = 0; t < tiles.pieces; ++t) {
      const int64_t channel = tiles.begin(t);
      const int height = static_cast<int>(tiles.begin(t + 1) - channel);
      const T* const weight =
          plan.weight + (group * out_channels + channel) * plan.taps + sums.begin(s);
      Tile<T> tile;
      tile.a = &weight;
      tile.k = sums.begin(s + 1) - sums.begin(s);
      tile.a_stride = plan.taps;
      tile.b_rows = plan.offsets + sums.begin(s);
      tile.c_row_stride = out_stride;
      tile.accumulate = s > 0;
      tile.row_bias = s + 1 == sums.pieces && conv.bias != nullptr
                          ? conv.bias + group * out_channels + channel
                          : nullptr;
      for (int64_t p = 0; p < panels.pieces; ++p) {
        const int64_t first = panels.begin(p) * kN;
        const int64_t width = panels.begin(p + 1) - panels.begin(p);
        tile.b = planes + first;
        tile.c = out + channel * out_stride + first;
        tile.columns = std::min(width * kN, cuts.pixels - first);
        kTiles<T, RowsOfB::kListed>[static_cast<size_t>(height - 1)]
                                   [static_cast<size_t>(width - 1)](tile);
      }
    }
  }
}

template <class T>
void convolve_pixels(const Conv2d<T>& conv, const PixelPlan<T>& plan, int64_t image, int64_t row) {
  constexpr int64_t kN = kLanes<T>;
  const MapStrides& in = conv.input_strides;
  const MapStrides& out = conv.output_strides;
  const int64_t in_group = conv.in_channels / conv.groups;
  const int64_t out_group = conv.out_channels / conv.groups;
  const int64_t rows = std::min(plan.strip_rows, conv.out_height - row);
  const int64_t pixels = (rows - 1) * plan.pitch + conv.out_width;  // surplus columns included
  const int64_t stride = divide_up(pixels, kN) * kN;
  const PlaneCuts<T> cuts(conv, plan.by_rows ? conv.out_width : stride);
  const int64_t group_size =
      in_group * conv.stride_y * conv.stride_x * plan.plane_rows * plan.pitch;
  const int64_t planes_size = plan.groups_together * group_size;

  // The last vector of the strip may read past the last plane, by less than its length.
  const Scratch plane_scratch(static_cast<size_t>(planes_size + kN) * sizeof(T));
  const Scratch block_scratch(
      plan.by_rows ? 0
                   : static_cast<size_t>(plan.groups_together * out_group * stride) * sizeof(T));
  T* const planes = plane_scratch.as<T>();
  T* const block = block_scratch.as<T>();
  std::fill_n(planes + planes_size, kN, T{0});

  for (int64_t g = 0; g < conv.groups; g += plan.groups_together) {
    const int64_t groups = std::min(plan.groups_together, conv.groups - g);
    fill_planes(conv, plan, conv.input + image * in.image + g * in_group * in.channel,
                groups * in_group, row, planes);
    T* const output = conv.output + image * out.image + g * out_group * out.channel;
    if (plan.by_rows) {
      for (int64_t y = 0; y < rows; ++y) {
        multiply_planes(conv, plan, cuts, g, planes + y * plan.pitch, output + (row + y) * out.row,
                        out.channel);
      }
      continue;
    }
    for (int64_t i = 0; i < groups; ++i) {
      multiply_planes(conv, plan, cuts, g + i, planes + i * group_size,
                      block + i * out_group * stride, stride);
    }

    const int64_t out_channels = groups * out_group;
    for (int64_t y = 0; y < rows; ++y) {
      const T* const from = block + y * plan.pitch;
      T* const to = output + (row + y) * out.row;
      if (out.channel == 1) {
        transpose(conv.out_width, out_channels, from, stride, to, out.column);
      } else if (out.column == 1) {
        copy_matrix(out_channels, conv.out_width, from, stride, 1, to, out.channel);
      } else {
        for (int64_t c = 0; c < out_channels; ++c) {
          for (int64_t x = 0; x < conv.out_width; ++x) {
            to[c * out.channel + x * out.column] = from[c * stride + x];
          }
        }
      }
    }
  }
}

// The panels of a group: its output channels in vectors, cut to the tile's width.
template <class T>
EqualCuts channel_panels(const Conv2d<T>& conv, const ChannelPlan<T>& plan) {
  return EqualCuts(divide_up(conv.out_channels / conv.groups, kLanes<T>), plan.tile.vectors);
}

template <class T>
void pack_channel_panel(const Conv2d<T>& conv, const ChannelPlan<T>& plan, int64_t group,
                        int64_t panel, T* packed) {
  constexpr int64_t kN = kLanes<T>;
  const int64_t in_channels = conv.in_channels / conv.groups;
  const int64_t out_channels = conv.out_channels / conv.groups;
  const int64_t filter = conv.kernel_height * conv.kernel_width;
  const int64_t terms = plan.stretches * plan.stretch_length;
  const EqualCuts panels = channel_panels(conv, plan);
  const int64_t first = panels.begin(panel) * kN;
  const int64_t width = panels.begin(panel + 1) * kN - first;
  const int64_t present = std::min(width, out_channels - first);
  T* const to = packed + (group * panels.extent * kN + first) * terms;
  const FilterStrides& strides = conv.weight_strides;
  const T* const from = conv.weight + (group * out_channels + first) * strides.out_channel;

  // [out][in][r][s] in memory: transposed as a matrix, then row by row to its place.
  const bool dense =
      strides.column == 1 && strides.row == conv.kernel_width && strides.in_channel == filter;
  const Scratch scratch(dense ? static_cast<size_t>(terms * width) * sizeof(T) : 0);
  T* const transposed = scratch.as<T>();
  if (dense) transpose(terms, present, from, strides.out_channel, transposed, width);

  T* at = to;
  for (int64_t r = 0; r < conv.kernel_height; ++r) {
    for (int64_t s = 0; s < conv.kernel_width; ++s) {
      if (dense) {
        for (int64_t c = 0; c < in_channels; ++c) {
          const int64_t term = c * filter + r * conv.kernel_width + s;
          std::copy_n(transposed + term * width, present, at + c * width);
        }
      } else {
        copy_matrix(in_channels, present, from + r * strides.row + s * strides.column,
                    strides.in_channel, strides.out_channel, at, width);
      }
      for (int64_t c = 0; c < in_channels; ++c) {
        std::fill_n(at + c * width + present, width - present, T{0});
      }
      at += in_channels * width;
    }
  }
}

template <class T>
void convolve_channels(const Conv2d<T>& conv, const ChannelPlan<T>& plan, int64_t image,
                       int64_t row) {
  constexpr int64_t kN = kLanes<T>;
  const int64_t channels = conv.in_channels;
  const int64_t in_group = channels / conv.groups;
  const int64_t out_group = conv.out_channels / conv.groups;
  const int64_t rows = std::min(plan.strip_rows, conv.out_height - row);
  const int64_t copy_row = plan.copy_columns * channels;
  const MapStrides& in = conv.input_strides;
  const MapStrides& out = conv.output_strides;
  const bool to_scratch = out.channel != 1;

  const Scratch copy_scratch(static_cast<size_t>(plan.copy_rows * copy_row) * sizeof(T));
  const Scratch block_scratch(
      to_scratch ? static_cast<size_t>(rows * conv.out_width * out_group) * sizeof(T) : 0);
  const Scratch stretch_scratch(static_cast<size_t>(plan.stretches) *
                                (sizeof(const T*) + sizeof(int64_t)));
  T* const copy = copy_scratch.as<T>();
  T* const block = block_scratch.as<T>();
  const T** const stretches = stretch_scratch.as<const T*>();
  int64_t* const offsets = reinterpret_cast<int64_t*>(stretches + plan.stretches);

  const int64_t used_rows = std::min(
      plan.copy_rows, (rows - 1) * conv.stride_y + (conv.kernel_height - 1) * conv.dilation_y + 1);
  const int64_t begin =
      std::min(conv.pad_x, plan.copy_columns);  // the columns that are not padding
  const int64_t end = std::clamp(conv.in_width + conv.pad_x, begin, plan.copy_columns);
  for (int64_t i = 0; i < used_rows; ++i) {
    const int64_t y = row * conv.stride_y + i - conv.pad_y;
    T* const to = copy + i * copy_row;
    if (y < 0 || y >= conv.in_height) {
      std::fill_n(to, copy_row, T{0});
      continue;
    }
    std::fill_n(to, begin * channels, T{0});
    copy_matrix(end - begin, channels, conv.input + image * in.image + y * in.row, in.column,
                in.channel, to + begin * channels, channels);
    std::fill_n(to + end * channels, (plan.copy_columns - end) * channels, T{0});
  }

  const EqualCuts panels = channel_panels(conv, plan);
  const EqualCuts tiles(conv.out_width, plan.tile.rows);
  const int64_t stretches_per_row = plan.stretches / conv.kernel_height;
  for (int64_t g = 0; g < conv.groups; ++g) {
    T* output = conv.output + image * out.image + row * out.row + g * out_group * out.channel;
    MapStrides strides = out;
    if (to_scratch) {
      output = block;
      strides = {0, 1, conv.out_width * out_group, out_group};
    }
    for (int64_t p = 0; p < panels.pieces; ++p) {
      const int64_t first = panels.begin(p) * kN;
      const int64_t vectors = panels.begin(p + 1) - panels.begin(p);
      const int64_t terms = plan.stretches * plan.stretch_length;
      const T* const panel = plan.weight + (g * panels.extent * kN + first) * terms;
      for (int64_t s = 0; s < plan.stretches; s += plan.stretches_per_block) {
        Tile<T> tile;
        tile.a = stretches;
        tile.runs = std::min(plan.stretches_per_block, plan.stretches - s);
        tile.k = plan.stretch_length;
        tile.a_stride = conv.stride_x * channels;
        tile.b = panel + s * plan.stretch_length * vectors * kN;
        tile.b_row_stride = vectors * kN;
        tile.c_row_stride = strides.column;
        tile.columns = std::min(vectors * kN, out_group - first);
        tile.accumulate = s > 0;
        tile.column_bias = s + tile.runs == plan.stretches && conv.bias != nullptr
                               ? conv.bias + g * out_group + first
                               : nullptr;
        // Each stretch's place in the copy, from that of the tile's first pixel.
        for (int64_t i = 0; i < tile.runs; ++i) {
          const int64_t r = (s + i) / stretches_per_row, tap = (s + i) % stretches_per_row;
          offsets[i] =
              r * conv.dilation_y * copy_row + tap * conv.dilation_x * channels + g * in_group;
        }
        for (int64_t y = 0; y < rows; ++y) {
          for (int64_t t = 0; t < tiles.pieces; ++t) {
            const int64_t x = tiles.begin(t);
            const T* const pixel =
                copy + y * conv.stride_y * copy_row + x * conv.stride_x * channels;
            for (int64_t i = 0; i < tile.runs; ++i) stretches[i] = pixel + offsets[i];
            tile.c = output + y * strides.row + x * strides.column + first;
            kTiles<T, RowsOfB::kStrided>[static_cast<size_t>(tiles.begin(t + 1) - x - 1)]
                                        [static_cast<size_t>(vectors - 1)](tile);
          }
        }
      }
    }
    if (!to_scratch) continue;

    T* const maps = conv.output + image * out.image + row * out.row + g * out_group * out.channel;
    if (out.column == 1 && out.row == conv.out_width) {
      transpose(out_group, rows * conv.out_width, block, out_group, maps, out.channel);
      continue;
    }
    for (int64_t y = 0; y < rows; ++y) {
      for (int64_t c = 0; c < out_group; ++c) {
        for (int64_t x = 0; x < conv.out_width; ++x) {
          maps[y * out.row + c * out.channel + x * out.column] =
              block[(y * conv.out_width + x) * out_group + c];
        }
      }
    }
  }
}

}  // namespace entasis::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // include guard
