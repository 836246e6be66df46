// Convolution forward: choice of the method, the tables all threads share, strips for the threads.
#include <entasis/kernels/cpu/internal/conv2d_direct.h>

#include <algorithm>
#include <cstdint>
#include <span>

#include <entasis/backends/cpu/internal/scratch.h>
#include <entasis/backends/cpu/parallel.h>
#include <entasis/kernels/cpu/internal/conv2d_depthwise.h>
#include <entasis/kernels/cpu/internal/conv2d_plan.h>
#include <entasis/kernels/cpu/internal/gemm.h>
#include <entasis/kernels/cpu/internal/simd_targets.h>
#include <entasis/kernels/cpu/internal/target_functions.h>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE <entasis/kernels/cpu/internal/conv2d_direct.cpp>
#include <hwy/foreach_target.h>
// After foreach_target.
#include <hwy/highway.h>

#include <entasis/kernels/cpu/internal/conv2d_direct-inl.h>

HWY_BEFORE_NAMESPACE();
namespace entasis::cpu::HWY_NAMESPACE {

template <class T>
constexpr Conv2dFunctions<T> conv2d_functions() {
  return {{kTileRows, kTileVectors},
          {kWideTileRows, kWideTileVectors},
          kLanes<T>,
          convolve_pixels<T>,
          convolve_channels<T>,
          pack_channel_panel<T>};
}

const Conv2dTarget& conv2d_target() {
  static constexpr Conv2dTarget kTarget = {conv2d_functions<float>(), conv2d_functions<double>()};
  return kTarget;
}

}  // namespace entasis::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace entasis::cpu {
namespace {

HWY_EXPORT(conv2d_target);

template <class T>
const Conv2dFunctions<T>& functions() {
  return functions_for<T>(HWY_DYNAMIC_DISPATCH(conv2d_target)());
}

constexpr int64_t kStripBytes = 192 * 1024;  // a strip's input copy and its output, in L2

// A 1x1 filter that moves by one pixel is a matrix product for each image and group, if the pixels
// of each map follow each other at one distance. Returns whether it was.
template <class T>
bool convolve_as_product(const Conv2d<T>& conv) {
  const MapStrides& in = conv.input_strides;
  const MapStrides& out = conv.output_strides;
  if (conv.kernel_height != 1 || conv.kernel_width != 1 || conv.stride_y != 1 ||
      conv.stride_x != 1 || conv.pad_y != 0 || conv.pad_x != 0 ||
      conv.out_height != conv.in_height || conv.out_width != conv.in_width ||
      in.row != conv.in_width * in.column || out.row != conv.out_width * out.column ||
      (out.channel != 1 && out.column != 1)) {
    return false;
  }
  const int64_t pixels = conv.in_height * conv.in_width;
  const int64_t in_group = conv.in_channels / conv.groups;
  const int64_t out_group = conv.out_channels / conv.groups;
  const int64_t weight_step = out_group * conv.weight_strides.out_channel;
  Gemm<T> product;
  product.k = in_group;
  product.c = conv.output;
  GemmBatch groups, images;
  const T* Gemm<T>::*bias = nullptr;
  if (out.channel == 1) {  // [pixels, in] times [in, out]
    product.m = pixels;
    product.n = out_group;
    product.a = conv.input;
    product.a_row_stride = in.column;
    product.a_column_stride = in.channel;
    product.b = conv.weight;
    product.b_row_stride = conv.weight_strides.in_channel;
    product.b_column_stride = conv.weight_strides.out_channel;
    product.c_row_stride = out.column;
    groups = {conv.groups, in_group * in.channel, weight_step, out_group};
    images = {conv.images, in.image, 0, out.image};
    bias = &Gemm<T>::column_bias;
  } else {  // [out, in] times [in, pixels]
    product.m = out_group;
    product.n = pixels;
    product.a = conv.weight;
    product.a_row_stride = conv.weight_strides.out_channel;
    product.a_column_stride = conv.weight_strides.in_channel;
    product.b = conv.input;
    product.b_row_stride = in.channel;
    product.b_column_stride = in.column;
    product.c_row_stride = out.channel;
    groups = {conv.groups, weight_step, in_group * in.channel, out_group * out.channel};
    images = {conv.images, 0, in.image, out.image};
    bias = &Gemm<T>::row_bias;
  }
  if (conv.bias == nullptr) {
    const GemmBatch batch[] = {groups, images};
    product.batch = batch;
    gemm(product);
    return true;
  }
  // A product has one bias for its whole batch, so each group is a call of its own.
  product.batch = {&images, 1};
  for (int64_t g = 0; g < conv.groups; ++g) {
    Gemm<T> group = product;
    group.a += g * groups.a_stride;
    group.b += g * groups.b_stride;
    group.c += g * groups.c_stride;
    group.*bias = conv.bias + g * out_group;
    gemm(group);
  }
  return true;
}

// How many output rows make a strip, if each takes `row_bytes` of copies: as many as fit, but
// enough strips for all threads.
template <class T>
int64_t rows_of_strip(const Conv2d<T>& conv, int64_t row_bytes) {
  const int64_t fitting =
      std::clamp<int64_t>(kStripBytes / std::max<int64_t>(1, row_bytes), 1, conv.out_height);
  const int64_t strips =
      std::max(divide_up(conv.out_height, fitting), divide_up(available_threads(), conv.images));
  return divide_up(conv.out_height, std::min(strips, conv.out_height));
}

template <class T, class Strip>
void for_each_strip(const Conv2d<T>& conv, int64_t strip_rows, const Strip& strip) {
  const int64_t strips = divide_up(conv.out_height, strip_rows);
  constexpr int64_t kWorkPerRange = 64 * 1024;  // multiply-adds worth a range of its own
  const int64_t work = strip_rows * conv.out_width * conv.out_channels * conv.taps();
  const int64_t grain = std::max<int64_t>(1, kWorkPerRange / std::max<int64_t>(1, work));
  parallel_for(conv.images * strips, grain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) strip(i / strips, i % strips * strip_rows);
  });
}

// The share of the peak that tiles of this height and width reach: two multiply-adds and two loads
// a cycle, and at least eight sums under way.
double tile_efficiency(int64_t rows, int64_t vectors) {
  const double products = static_cast<double>(rows * vectors);
  return std::min({1.0, products / 8, products / static_cast<double>(rows + vectors)});
}

// Whether to compute output rows each by itself, or all rows of a strip, surplus columns included,
// into a block that is copied to its place. In vector multiply-adds for each output channel; a
// vector of the copy costs about six.
template <class T>
bool rows_are_cheaper(const Conv2d<T>& conv, const PixelPlan<T>& plan,
                      const Conv2dFunctions<T>& target) {
  const int64_t out_group = conv.out_group();
  const int64_t height = std::min(out_group, target.tile.rows);
  const int64_t most = target.tile.vectors * (out_group == 1 ? 4 : out_group == 2 ? 2 : 1);
  const int64_t row = divide_up(conv.out_width, target.lanes);
  const int64_t rows = conv.out_height * row;
  const int64_t block = divide_up(conv.out_height * plan.pitch, target.lanes);
  const double taps = static_cast<double>(plan.taps);
  const double by_rows =
      static_cast<double>(rows) * taps / tile_efficiency(height, std::min(most, row));
  const double by_block =
      static_cast<double>(block) * taps / tile_efficiency(height, std::min(most, block)) +
      6 * static_cast<double>(rows);
  return by_rows < by_block;
}

template <class T>
void run_pixels(const Conv2d<T>& conv, const Conv2dFunctions<T>& target) {
  const int64_t reach_y = (conv.kernel_height - 1) * conv.dilation_y;
  const int64_t reach_x = (conv.kernel_width - 1) * conv.dilation_x;
  const int64_t in_group = conv.in_channels / conv.groups;
  PixelPlan<T> plan;
  plan.taps = conv.taps();
  plan.pitch = conv.out_width + reach_x / conv.stride_x;
  // Channels-last maps are read and written in whole vectors of channels.
  const bool channels_last = conv.input_strides.channel == 1 || conv.output_strides.channel == 1;
  plan.groups_together =
      channels_last ? std::min(conv.groups, divide_up(target.lanes, in_group)) : 1;
  plan.by_rows = plan.groups_together == 1 && conv.output_strides.column == 1 &&
                 rows_are_cheaper(conv, plan, target);
  const int64_t element_rows = plan.groups_together * (in_group * conv.stride_y * conv.stride_x +
                                                       conv.out_channels / conv.groups);
  plan.strip_rows =
      rows_of_strip(conv, element_rows * plan.pitch * static_cast<int64_t>(sizeof(T)));
  plan.plane_rows = plan.strip_rows + reach_y / conv.stride_y;

  const Scratch offset_scratch(static_cast<size_t>(plan.taps) * sizeof(int64_t));
  int64_t* offset = offset_scratch.as<int64_t>();
  plan.offsets = offset;
  for (int64_t c = 0; c < in_group; ++c) {
    for (int64_t r = 0; r < conv.kernel_height; ++r) {
      for (int64_t s = 0; s < conv.kernel_width; ++s) {
        const int64_t y = r * conv.dilation_y, x = s * conv.dilation_x;
        const int64_t plane =
            (c * conv.stride_y + y % conv.stride_y) * conv.stride_x + x % conv.stride_x;
        *offset++ = (plane * plan.plane_rows + y / conv.stride_y) * plan.pitch + x / conv.stride_x;
      }
    }
  }

  const FilterStrides& w = conv.weight_strides;
  const bool dense = w.column == 1 && w.row == conv.kernel_width &&
                     w.in_channel == conv.kernel_height * conv.kernel_width &&
                     w.out_channel == plan.taps;
  const Scratch weight_scratch(
      dense ? 0 : static_cast<size_t>(conv.out_channels * plan.taps) * sizeof(T));
  plan.weight = conv.weight;
  if (!dense) {
    T* to = weight_scratch.as<T>();
    plan.weight = to;
    for (int64_t o = 0; o < conv.out_channels; ++o) {
      for (int64_t c = 0; c < in_group; ++c) {
        for (int64_t r = 0; r < conv.kernel_height; ++r) {
          for (int64_t s = 0; s < conv.kernel_width; ++s) {
            *to++ = conv.weight[o * w.out_channel + c * w.in_channel + r * w.row + s * w.column];
          }
        }
      }
    }
  }
  for_each_strip(conv, plan.strip_rows,
                 [&](int64_t image, int64_t row) { target.pixels(conv, plan, image, row); });
}

template <class T>
void run_channels(const Conv2d<T>& conv, const Conv2dFunctions<T>& target) {
  constexpr int64_t kTermsPerBlock = 6144 / sizeof(T);
  const int64_t reach_y = (conv.kernel_height - 1) * conv.dilation_y;
  const int64_t reach_x = (conv.kernel_width - 1) * conv.dilation_x;
  const int64_t in_group = conv.in_channels / conv.groups;
  const bool whole_rows =
      conv.groups == 1 && conv.dilation_x == 1 && conv.kernel_width * in_group <= kTermsPerBlock;
  ChannelPlan<T> plan;
  plan.stretches = conv.kernel_height * (whole_rows ? 1 : conv.kernel_width);
  plan.stretch_length = in_group * (whole_rows ? conv.kernel_width : 1);
  plan.stretches_per_block = std::max<int64_t>(1, kTermsPerBlock / plan.stretch_length);
  plan.copy_columns = (conv.out_width - 1) * conv.stride_x + reach_x + 1;
  const int64_t row_elements =
      conv.stride_y * plan.copy_columns * conv.in_channels + conv.out_width * conv.out_channels;
  plan.strip_rows = rows_of_strip(conv, row_elements * static_cast<int64_t>(sizeof(T)));
  plan.copy_rows = (plan.strip_rows - 1) * conv.stride_y + reach_y + 1;

  const int64_t vectors = divide_up(conv.out_channels / conv.groups, target.lanes);
  plan.tile = better_tile(target.tile, target.wide_tile, conv.out_width, vectors);
  const int64_t panels = divide_up(vectors, plan.tile.vectors);
  const int64_t terms = plan.stretches * plan.stretch_length;
  const Scratch scratch(static_cast<size_t>(conv.groups * vectors * target.lanes * terms) *
                        sizeof(T));
  T* const packed = scratch.as<T>();
  plan.weight = packed;
  const int64_t panel_elements = plan.tile.vectors * target.lanes * terms;
  const int64_t grain = std::max<int64_t>(1, 32 * 1024 / std::max<int64_t>(1, panel_elements));
  parallel_for(conv.groups * panels, grain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      target.pack_panel(conv, plan, i / panels, i % panels, packed);
    }
  });
  for_each_strip(conv, plan.strip_rows,
                 [&](int64_t image, int64_t row) { target.channels(conv, plan, image, row); });
}

// Vector multiply-adds of both methods, for one image and group, plus about one for each element
// whose copy has to be transposed and three for one that is sorted by phase.
template <class T>
bool pixels_are_cheaper(const Conv2d<T>& conv, const Conv2dFunctions<T>& target) {
  const int64_t in_group = conv.in_channels / conv.groups;
  const int64_t out_group = conv.out_channels / conv.groups;
  const double taps = static_cast<double>(conv.taps());
  const double in_elements = static_cast<double>(in_group * conv.in_height * conv.in_width);
  const double out_elements = static_cast<double>(out_group * conv.out_height * conv.out_width);

  const int64_t pitch = conv.out_width + (conv.kernel_width - 1) * conv.dilation_x / conv.stride_x;
  const int64_t pixel_vectors =
      divide_up((conv.out_height - 1) * pitch + conv.out_width, target.lanes);
  const int64_t tile_channels = divide_up(out_group, divide_up(out_group, target.tile.rows));
  const int64_t wide = target.tile.vectors * (out_group == 1 ? 4 : out_group == 2 ? 2 : 1);
  double pixels = static_cast<double>(out_group * pixel_vectors) * taps /
                  tile_efficiency(tile_channels, std::min(wide, pixel_vectors));
  pixels += out_elements * (conv.output_strides.column == 1 ? 0.1 : 1);
  pixels += in_elements * (conv.stride_x > 1 ? 3 : conv.input_strides.column == 1 ? 0.1 : 1);

  const int64_t channel_vectors = divide_up(out_group, target.lanes);
  const int64_t tile_pixels =
      divide_up(conv.out_width, divide_up(conv.out_width, target.tile.rows));
  double channels = static_cast<double>(conv.out_height * conv.out_width * channel_vectors) * taps /
                    tile_efficiency(tile_pixels, std::min(target.tile.vectors, channel_vectors));
  channels += out_elements * (conv.output_strides.channel == 1 ? 0 : 1);
  channels += in_elements * (conv.input_strides.channel == 1 ? 0.1 : 1);
  return pixels < channels;
}

// Sums of nothing: no input channels, an empty kernel or map. Input and weight may be null.
template <class T>
void write_bias_only(const Conv2d<T>& conv) {
  const MapStrides& out = conv.output_strides;
  for (int64_t n = 0; n < conv.images; ++n) {
    for (int64_t o = 0; o < conv.out_channels; ++o) {
      for (int64_t y = 0; y < conv.out_height; ++y) {
        for (int64_t x = 0; x < conv.out_width; ++x) {
          conv.output[n * out.image + o * out.channel + y * out.row + x * out.column] =
              conv.bias != nullptr ? conv.bias[o] : T{0};
        }
      }
    }
  }
}

template <class T>
void convolve(const Conv2d<T>& conv, Conv2dMethod method) {
  if (conv.images == 0 || conv.out_channels == 0 || conv.out_height == 0 || conv.out_width == 0) {
    return;
  }
  if (conv.taps() == 0 || conv.in_height == 0 || conv.in_width == 0) return write_bias_only(conv);
  const Conv2dFunctions<T>& target = functions<T>();
  if (method == Conv2dMethod::kFastest) {
    if (is_depthwise(conv)) return conv2d_depthwise(conv);
    if (convolve_as_product(conv)) return;
    method = pixels_are_cheaper(conv, target) ? Conv2dMethod::kPixels : Conv2dMethod::kChannels;
  }
  if (method == Conv2dMethod::kPixels) {
    run_pixels(conv, target);
  } else {
    run_channels(conv, target);
  }
}

}  // namespace

void conv2d_direct(const Conv2d<float>& conv, Conv2dMethod method) { convolve(conv, method); }
void conv2d_direct(const Conv2d<double>& conv, Conv2dMethod method) { convolve(conv, method); }

}  // namespace entasis::cpu
#endif  // HWY_ONCE
