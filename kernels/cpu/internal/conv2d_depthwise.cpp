// Depthwise convolution: tables that all threads share, cuts for the threads, dispatch.
#include <entasis/kernels/cpu/internal/conv2d_depthwise.h>

#include <algorithm>
#include <cstdint>

#include <entasis/backends/cpu/internal/scratch.h>
#include <entasis/backends/cpu/parallel.h>
#include <entasis/kernels/cpu/internal/conv2d_depthwise_plan.h>
#include <entasis/kernels/cpu/internal/conv2d_plan.h>
#include <entasis/kernels/cpu/internal/simd_targets.h>
#include <entasis/kernels/cpu/internal/target_functions.h>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE <entasis/kernels/cpu/internal/conv2d_depthwise.cpp>
#include <hwy/foreach_target.h>
// After foreach_target.
#include <hwy/highway.h>

#include <entasis/kernels/cpu/internal/conv2d_depthwise-inl.h>
#include <entasis/kernels/cpu/internal/conv2d_depthwise_weight-inl.h>

HWY_BEFORE_NAMESPACE();
namespace entasis::cpu::HWY_NAMESPACE {

template <class T>
constexpr DepthwiseFunctions<T> depthwise_functions() {
  return {kLanes<T>, convolve_planes<T>, convolve_rows<T>, weight_grad_of_planes<T>,
          weight_grad_of_rows<T>};
}

const DepthwiseTarget& depthwise_target() {
  static constexpr DepthwiseTarget kTarget = {depthwise_functions<float>(),
                                              depthwise_functions<double>()};
  return kTarget;
}

}  // namespace entasis::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace entasis::cpu {
namespace {

HWY_EXPORT(depthwise_target);

template <class T>
const DepthwiseFunctions<T>& functions() {
  return functions_for<T>(HWY_DYNAMIC_DISPATCH(depthwise_target)());
}

constexpr int64_t kCopyBytes = 32 * 1024;      // of a strip's copy, to stay in L1
constexpr int64_t kWorkPerRange = 128 * 1024;  // multiply-adds worth a range of its own
constexpr int64_t kMostParts = 16;             // of the sum of a weight's gradient

bool is_channels_last(const ConvShape& shape) {
  return shape.in_channels > 1 && shape.input_strides.channel == 1 &&
         shape.output_strides.channel == 1;
}

int64_t taps_of(const ConvShape& shape) { return shape.kernel_height * shape.kernel_width; }

int64_t round_up(int64_t value, int64_t multiple) { return divide_up(value, multiple) * multiple; }

int64_t range_grain(int64_t work) {
  return std::max<int64_t>(1, kWorkPerRange / std::max<int64_t>(1, work));
}

// The plan without its offsets, which are `taps_of(shape)` numbers.
template <class T>
PlanePlan plan_planes(const ConvShape& shape, int lanes) {
  const int64_t reach_y = (shape.kernel_height - 1) * shape.dilation_y;
  const int64_t reach_x = (shape.kernel_width - 1) * shape.dilation_x;
  const int64_t phases = shape.stride_y * shape.stride_x;
  PlanePlan plan{};
  plan.pitch = round_up(shape.out_width + reach_x / shape.stride_x, lanes);
  const int64_t row_bytes = phases * plan.pitch * static_cast<int64_t>(sizeof(T));
  const int64_t surplus = reach_y / shape.stride_y;
  // At least as many rows as are copied twice.
  const int64_t rows = std::clamp<int64_t>(kCopyBytes / row_bytes - surplus,
                                           std::max<int64_t>(1, surplus), shape.out_height);
  plan.strips = divide_up(shape.out_height, std::min(rows, shape.out_height));
  plan.strip_rows = divide_up(shape.out_height, plan.strips);
  plan.strips = divide_up(shape.out_height, plan.strip_rows);
  plan.rows = plan.strip_rows + surplus;
  plan.size = phases * plan.rows * plan.pitch;
  return plan;
}

void fill_offsets(const ConvShape& shape, const PlanePlan& plan, int64_t* offset) {
  for (int64_t r = 0; r < shape.kernel_height; ++r) {
    for (int64_t s = 0; s < shape.kernel_width; ++s) {
      const int64_t y = r * shape.dilation_y, x = s * shape.dilation_x;
      const int64_t phase = y % shape.stride_y * shape.stride_x + x % shape.stride_x;
      *offset++ = (phase * plan.rows + y / shape.stride_y) * plan.pitch + x / shape.stride_x;
    }
  }
}

// to[channel * channel_step + tap * tap_step] = the weight.
template <class T>
void pack_weight(const Conv2d<T>& conv, int64_t channel_step, int64_t tap_step, T* to) {
  const FilterStrides& w = conv.weight_strides;
  for (int64_t c = 0; c < conv.out_channels; ++c) {
    for (int64_t r = 0; r < conv.kernel_height; ++r) {
      for (int64_t s = 0; s < conv.kernel_width; ++s) {
        to[c * channel_step + (r * conv.kernel_width + s) * tap_step] =
            conv.weight[c * w.out_channel + r * w.row + s * w.column];
      }
    }
  }
}

template <class T>
void convolve(const Conv2d<T>& conv) {
  const DepthwiseFunctions<T>& target = functions<T>();
  const int64_t taps = taps_of(conv), channels = conv.in_channels;
  if (is_channels_last(conv)) {
    const int64_t padded = round_up(channels, target.lanes);
    const Scratch scratch(static_cast<size_t>(taps * padded) * sizeof(T));
    T* const weight = scratch.as<T>();
    std::fill_n(weight, taps * padded, T{0});
    pack_weight(conv, 1, padded, weight);
    parallel_for(
        conv.images * conv.out_height, range_grain(conv.out_width * padded * taps),
        [&](int64_t begin, int64_t end) { target.rows(conv, weight, padded, begin, end); });
    return;
  }
  PlanePlan plan = plan_planes<T>(conv, target.lanes);
  const Scratch offsets(static_cast<size_t>(taps) * sizeof(int64_t));
  fill_offsets(conv, plan, offsets.as<int64_t>());
  plan.offsets = offsets.as<int64_t>();
  const Scratch scratch(static_cast<size_t>(taps * channels) * sizeof(T));
  T* const weight = scratch.as<T>();
  pack_weight(conv, taps, 1, weight);
  const int64_t columns = round_up(conv.out_width, target.lanes);
  parallel_for(conv.images * channels * plan.strips, range_grain(plan.strip_rows * columns * taps),
               [&](int64_t begin, int64_t end) { target.planes(conv, plan, weight, begin, end); });
}

// Adds all parts of the sums to the first, in order, and writes those to their places.
template <class T>
void add_parts(const ConvWeightGrad<T>& grad, T* sums, int64_t parts, int64_t part_size,
               int64_t channel_step, int64_t tap_step) {
  for (int64_t p = 1; p < parts; ++p) {
    for (int64_t i = 0; i < part_size; ++i) sums[i] += sums[p * part_size + i];
  }
  const FilterStrides& w = grad.weight_strides;
  for (int64_t c = 0; c < grad.out_channels; ++c) {
    for (int64_t r = 0; r < grad.kernel_height; ++r) {
      for (int64_t s = 0; s < grad.kernel_width; ++s) {
        grad.weight_grad[c * w.out_channel + r * w.row + s * w.column] =
            sums[c * channel_step + (r * grad.kernel_width + s) * tap_step];
      }
    }
  }
}

template <class T>
void weight_grad(const ConvWeightGrad<T>& grad) {
  const DepthwiseFunctions<T>& target = functions<T>();
  const int64_t taps = taps_of(grad), channels = grad.in_channels;
  if (is_channels_last(grad)) {
    // Parts of the sum: rows of all images, cut by the shape alone.
    const int64_t padded = round_up(channels, target.lanes);
    const int64_t rows = grad.images * grad.out_height;
    const int64_t parts =
        std::min(kMostParts, divide_up(rows, range_grain(grad.out_width * padded * taps)));
    const Scratch scratch(static_cast<size_t>(parts * taps * padded) * sizeof(T));
    T* const sums = scratch.as<T>();
    parallel_for(parts, 1, [&](int64_t begin, int64_t end) {
      for (int64_t p = begin; p < end; ++p) {
        target.weight_of_rows(grad, padded, rows * p / parts, rows * (p + 1) / parts,
                              sums + p * taps * padded);
      }
    });
    add_parts(grad, sums, parts, taps * padded, 1, padded);
    return;
  }
  PlanePlan plan = plan_planes<T>(grad, target.lanes);
  const Scratch offsets(static_cast<size_t>(taps) * sizeof(int64_t));
  fill_offsets(grad, plan, offsets.as<int64_t>());
  plan.offsets = offsets.as<int64_t>();
  const int64_t parts = std::min(grad.images, std::max<int64_t>(1, kMostParts / channels));
  const Scratch scratch(static_cast<size_t>(parts * taps * channels) * sizeof(T));
  T* const sums = scratch.as<T>();
  const int64_t work = divide_up(grad.images, parts) * grad.out_height *
                       round_up(grad.out_width, target.lanes) * taps;
  parallel_for(parts * channels, range_grain(work), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t p = i / channels;
      target.weight_of_planes(grad, plan, i % channels, grad.images * p / parts,
                              grad.images * (p + 1) / parts, sums + i * taps);
    }
  });
  add_parts(grad, sums, parts, taps * channels, taps, 1);
}

}  // namespace

bool is_depthwise(const ConvShape& shape) {
  if (shape.groups != shape.in_channels || shape.groups != shape.out_channels) return false;
  const MapStrides& in = shape.input_strides;
  const MapStrides& out = shape.output_strides;
  return (in.channel == 1) == (out.channel == 1);
}

void conv2d_depthwise(const Conv2d<float>& conv) { convolve(conv); }
void conv2d_depthwise(const Conv2d<double>& conv) { convolve(conv); }
void compute_depthwise_weight_grad(const ConvWeightGrad<float>& grad) { weight_grad(grad); }
void compute_depthwise_weight_grad(const ConvWeightGrad<double>& grad) { weight_grad(grad); }

}  // namespace entasis::cpu
#endif  // HWY_ONCE
