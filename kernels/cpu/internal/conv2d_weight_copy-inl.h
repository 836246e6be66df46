// What a block of the weight's gradient copies: the input under its output lines, and output_grad.
// Compiled once for each Highway target.

#if defined(ENTASIS_KERNELS_CPU_INTERNAL_CONV2D_WEIGHT_COPY_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ENTASIS_KERNELS_CPU_INTERNAL_CONV2D_WEIGHT_COPY_INL_H_
#undef ENTASIS_KERNELS_CPU_INTERNAL_CONV2D_WEIGHT_COPY_INL_H_
#else
#define ENTASIS_KERNELS_CPU_INTERNAL_CONV2D_WEIGHT_COPY_INL_H_
#endif

#include <algorithm>
#include <cstdint>

#include <hwy/highway.h>

#include <entasis/kernels/cpu/internal/conv2d_plan.h>
#include <entasis/kernels/cpu/internal/conv2d_weight_grad_plan.h>
// Per-target headers.
#include <entasis/kernels/cpu/internal/copy_row-inl.h>
#include <entasis/kernels/cpu/internal/gemm_tile-inl.h>
#include <entasis/kernels/cpu/internal/transpose-inl.h>

HWY_BEFORE_NAMESPACE();
namespace entasis::cpu::HWY_NAMESPACE {

// Some output lines of one image, and where their input begins in the block's copy.
struct Segment {
  int64_t image, row, rows;
  int64_t copy_row;
};

// Calls f(segment) for each image that lines [begin, end) touch.
template <class F>
void for_each_segment(const ConvShape& shape, int64_t begin, int64_t end, const F& f) {
  const int64_t reach = (shape.kernel_height - 1) * shape.dilation_y;
  Segment segment{0, 0, 0, 0};
  for (int64_t line = begin; line < end; line += segment.rows) {
    segment.image = line / shape.out_height;
    segment.row = line % shape.out_height;
    segment.rows = std::min(shape.out_height - segment.row, end - line);
    f(segment);
    segment.copy_row += (segment.rows - 1) * shape.stride_y + reach + 1;
  }
}

// The copy of the input under a block, with zeros in the padding: [channel][row][column], or, where
// it is the vector side, [row][column][channel].
template <class T>
class InputCopy {
 public:
  InputCopy(const ConvWeightGrad<T>& grad, const WeightGradPlan& plan, int64_t channels)
      : grad_(grad),
        plan_(plan),
        channels_(channels),
        reach_((grad.kernel_height - 1) * grad.dilation_y),
        column_step(plan.along_outputs ? 1 : divide_up(channels, kLanes<T>) * kLanes<T>),
        row_step(plan.copy_columns * column_step),
        channel_step(plan.along_outputs ? plan.copy_rows * row_step : 1),
        size(plan.along_outputs ? channels * channel_step : plan.copy_rows * row_step) {}

  // Output lines [begin, end), columns [x, x + width); `map` is the first of the channels.
  void fill(const T* map, int64_t begin, int64_t end, int64_t x, int64_t width, T* copy) const {
    const MapStrides& in = grad_.input_strides;
    const int64_t left = x * grad_.stride_x - grad_.pad_x;
    const int64_t columns =
        (width - 1) * grad_.stride_x + (grad_.kernel_width - 1) * grad_.dilation_x + 1;
    const IndexRange inside = indices_inside(left, 1, columns, grad_.in_width);
    for_each_segment(grad_, begin, end, [&](const Segment& segment) {
      const int64_t rows = (segment.rows - 1) * grad_.stride_y + reach_ + 1;
      const int64_t top = segment.row * grad_.stride_y - grad_.pad_y;
      const T* const maps = map + segment.image * in.image + left * in.column;
      // Rows that follow each other without padding, in the map and in the copy, are one.
      if (left == 0 && columns == grad_.in_width && columns == plan_.copy_columns &&
          in.row == columns * in.column && top >= 0 && top + rows <= grad_.in_height) {
        fill_row(maps + top * in.row, rows * columns, {0, rows * columns},
                 copy + segment.copy_row * row_step);
        return;
      }
      for (int64_t i = 0; i < rows; ++i) {
        const bool row_inside = top + i >= 0 && top + i < grad_.in_height;
        fill_row(maps + (top + i) * in.row, columns, row_inside ? inside : IndexRange{0, 0},
                 copy + (segment.copy_row + i) * row_step);
      }
    });
  }

 private:
  // One row of all channels. Columns `inside` are in the map, the others in the padding.
  void fill_row(const T* from, int64_t columns, const IndexRange& inside, T* to) const {
    const MapStrides& in = grad_.input_strides;
    const int64_t count = inside.end - inside.begin;
    from += inside.begin * in.column;
    if (!plan_.along_outputs) {
      zero_row(inside.begin * column_step, to);
      copy_matrix(count, channels_, from, in.column, in.channel, to + inside.begin * column_step,
                  column_step);
      zero_row((columns - inside.end) * column_step, to + inside.end * column_step);
      return;
    }
    copy_matrix(channels_, count, from, in.channel, in.column, to + inside.begin, channel_step);
    if (count == columns) return;
    for (int64_t c = 0; c < channels_; ++c) {
      zero_row(inside.begin, to + c * channel_step);
      zero_row(columns - inside.end, to + c * channel_step + inside.end);
    }
  }

  const ConvWeightGrad<T>& grad_;
  const WeightGradPlan& plan_;
  int64_t channels_;
  int64_t reach_;

 public:
  // Elements from one column, row and channel of the copy to the next, and in all.
  const int64_t column_step, row_step, channel_step, size;
};

// Copies output_grad of `channels` channels, the first of which is `map`, for a block's positions:
// to[position * step + channel].
template <class T>
void copy_positions(const ConvWeightGrad<T>& grad, const T* map, int64_t channels, int64_t begin,
                    int64_t end, int64_t x, int64_t width, int64_t step, T* to) {
  const MapStrides& out = grad.output_strides;
  for_each_segment(grad, begin, end, [&](const Segment& segment) {
    const T* from = map + segment.image * out.image + segment.row * out.row + x * out.column;
    // Whole rows that follow each other are one.
    const bool joined = out.row == grad.out_width * out.column && width == grad.out_width;
    const int64_t pieces = joined ? 1 : segment.rows;
    const int64_t positions = joined ? segment.rows * width : width;
    for (int64_t i = 0; i < pieces; ++i) {
      copy_matrix(positions, channels, from + i * out.row, out.column, out.channel, to, step);
      to += positions * step;
    }
  });
}

}  // namespace entasis::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // include guard
