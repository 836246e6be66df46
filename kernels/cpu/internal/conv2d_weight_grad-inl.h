// The weight's gradient as matrix products over output positions; compiled once for each Highway
// target.
//
// A register tile holds R rows by V vectors of sums; each position adds the product of R elements,
// broadcast, and V vectors. Blocks of positions (about 24 KB of a panel of vectors) are copied:
// the vector side position-major, by transposition where it is not so already, the input with its
// padding. A tap of the filter is then an offset into the copy: no matrix of patches is made. The
// panel stays in L1 while all rows pass, the copy and the sums in L2. Floor: 2 multiply-adds of a
// vector a cycle; the copies cost about two operations for each vector of elements, and two more
// where they transpose. Blocking after Goto & van de Geijn, "Anatomy of high-performance matrix
// multiplication", 2008.

#if defined(ENTASIS_KERNELS_CPU_INTERNAL_CONV2D_WEIGHT_GRAD_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ENTASIS_KERNELS_CPU_INTERNAL_CONV2D_WEIGHT_GRAD_INL_H_
#undef ENTASIS_KERNELS_CPU_INTERNAL_CONV2D_WEIGHT_GRAD_INL_H_
#else
#define ENTASIS_KERNELS_CPU_INTERNAL_CONV2D_WEIGHT_GRAD_INL_H_
#endif

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

#include <hwy/highway.h>

#include <entasis/backends/cpu/internal/scratch.h>
#include <entasis/kernels/cpu/internal/conv2d_plan.h>
#include <entasis/kernels/cpu/internal/conv2d_weight_grad_plan.h>
// Per-target headers.
#include <entasis/kernels/cpu/internal/gemm_tile-inl.h>
#include <entasis/kernels/cpu/internal/transpose-inl.h>

HWY_BEFORE_NAMESPACE();
namespace entasis::cpu::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// C (+)= sum over runs and positions of an element of A's row times a vector of B. In run j,
// position k, row i of A is a[rows[i] + a_runs[j] + k * a_step], and B begins at
// b[b_runs[j] + k * b_step].
template <class T>
struct PositionTile {
  const T* a;
  const int64_t* rows;
  const int64_t* a_runs;
  int64_t a_step;
  const T* b;
  const int64_t* b_runs;
  int64_t b_step;
  int64_t runs, length;
  T* c;
  int64_t c_row_stride;
  bool accumulate;
};

template <int R, int V, class T>
HWY_NOINLINE void sum_tile(const PositionTile<T>& tile) {
  const hn::ScalableTag<T> d;
  constexpr int kN = kLanes<T>;
  hn::Vec<decltype(d)> sum[R][V];
  const T* a[R];
#pragma GCC unroll 16
  for (int i = 0; i < R; ++i) {
    a[i] = tile.a + tile.rows[i];
#pragma GCC unroll 16
    for (int j = 0; j < V; ++j) {
      sum[i][j] = hn::Zero(d);
      hwy::Prefetch(tile.c + i * tile.c_row_stride + j * kN);
    }
  }
  const int64_t a_step = tile.a_step, b_step = tile.b_step, length = tile.length;
  for (int64_t run = 0; run < tile.runs; ++run) {
    int64_t at = tile.a_runs[run];
    const T* b = tile.b + tile.b_runs[run];
    for (int64_t k = 0; k < length; ++k) {
      hn::Vec<decltype(d)> vectors[V];
#pragma GCC unroll 16
      for (int j = 0; j < V; ++j) vectors[j] = hn::LoadU(d, b + j * kN);
#pragma GCC unroll 16
      for (int i = 0; i < R; ++i) {
        const auto factor = hn::Set(d, a[i][at]);
#pragma GCC unroll 16
        for (int j = 0; j < V; ++j) sum[i][j] = hn::MulAdd(factor, vectors[j], sum[i][j]);
      }
      at += a_step;
      b += b_step;
    }
  }
#pragma GCC unroll 16
  for (int i = 0; i < R; ++i) {
#pragma GCC unroll 16
    for (int j = 0; j < V; ++j) {
      T* const to = tile.c + i * tile.c_row_stride + j * kN;
      const auto before = tile.accumulate ? hn::LoadU(d, to) : hn::Zero(d);
      hn::StoreU(hn::Add(before, sum[i][j]), d, to);
    }
  }
}

template <class T, int R, int... V>
constexpr auto sum_tiles_of_height(std::integer_sequence<int, V...>) {
  return std::array<void (*)(const PositionTile<T>&), sizeof...(V)>{sum_tile<R, V + 1, T>...};
}
template <class T, int... I>
constexpr auto all_sum_tiles(std::integer_sequence<int, I...>) {
  return std::array{
      sum_tiles_of_height<T, I + 1>(std::make_integer_sequence<int, kTileVectors>{})...};
}
template <class T>
inline constexpr auto kSumTiles = all_sum_tiles<T>(std::make_integer_sequence<int, kTileRows>{});

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

// The copy of the input under a block, with zeros in the padding. Position-major:
// [row][column][channel]; else [channel][row][column].
template <class T>
struct InputCopy {
  const ConvWeightGrad<T>& grad;
  const WeightGradPlan& plan;
  bool position_major;
  int64_t channels;     // copied
  int64_t column_step;  // elements from one column of the copy to the next
  int64_t channel_step;

  InputCopy(const ConvWeightGrad<T>& grad, const WeightGradPlan& plan, int64_t channels)
      : grad(grad),
        plan(plan),
        position_major(!plan.along_outputs || plan.taps_by_place),
        channels(channels) {
    // Rows of a power of two would share their places in the cache.
    const int64_t padded = divide_up(channels, kLanes<T>) * kLanes<T>;
    const bool aliases = padded * sizeof(T) % 1024 == 0;
    column_step = !position_major      ? 1
                  : plan.along_outputs ? channels + (aliases ? kLanes<T> : 0)
                                       : padded + (aliases ? kLanes<T> : 0);
    channel_step = position_major ? 1 : plan.copy_rows * plan.copy_columns;
  }

  int64_t row_step() const { return plan.copy_columns * column_step; }
  int64_t size() const {
    return position_major ? plan.copy_rows * row_step() : channels * channel_step;
  }

  // `map` is the first of the channels. Output columns [x, x + width).
  void fill(const T* map, int64_t begin, int64_t end, int64_t x, int64_t width, T* copy) const {
    const MapStrides& in = grad.input_strides;
    const int64_t left = x * grad.stride_x - grad.pad_x;
    const int64_t columns =
        (width - 1) * grad.stride_x + (grad.kernel_width - 1) * grad.dilation_x + 1;
    const IndexRange inside = indices_inside(left, 1, columns, grad.in_width);
    const int64_t reach = (grad.kernel_height - 1) * grad.dilation_y;
    for_each_segment(grad, begin, end, [&](const Segment& segment) {
      const int64_t rows = (segment.rows - 1) * grad.stride_y + reach + 1;
      const int64_t top = segment.row * grad.stride_y - grad.pad_y;
      for (int64_t i = 0; i < rows; ++i) {
        T* const to = copy + (segment.copy_row + i) * row_step();
        const bool row_inside = top + i >= 0 && top + i < grad.in_height;
        const IndexRange range = row_inside ? inside : IndexRange{0, 0};
        const T* const from =
            map + segment.image * in.image + (top + i) * in.row + (left + range.begin) * in.column;
        const int64_t count = range.end - range.begin;
        if (position_major) {
          std::fill_n(to, range.begin * column_step, T{0});
          if (count > 0 && in.channel == 1 && in.column == channels && column_step == channels) {
            std::copy_n(from, count * channels, to + range.begin * column_step);
          } else if (count > 0) {
            copy_matrix(count, channels, from, in.column, in.channel,
                        to + range.begin * column_step, column_step);
          }
          std::fill_n(to + range.end * column_step, (columns - range.end) * column_step, T{0});
          continue;
        }
        for (int64_t c = 0; c < channels; ++c) {
          T* const row = to + c * channel_step;
          std::fill_n(row, range.begin, T{0});
          if (count > 0) {
            copy_matrix(1, count, from + c * in.channel, in.row, in.column, row + range.begin,
                        count);
          }
          std::fill_n(row + range.end, columns - range.end, T{0});
        }
      }
    });
  }
};

// Copies output_grad of `channels` channels, the first of which is `map`, for the block's
// positions: to[position * step + channel].
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

template <class T>
void sum_weight_grad(const ConvWeightGrad<T>& grad, const WeightGradPlan& plan,
                     const WeightGradTask& task, T* sums) {
  constexpr int64_t kN = kLanes<T>;
  const int64_t in_group = grad.in_group(), places = grad.kernel_height * grad.kernel_width;
  const IndexRange& inputs = task.in_channels;
  const IndexRange& outputs = task.out_channels;
  const int64_t in_count = inputs.end - inputs.begin, out_count = outputs.end - outputs.begin;
  const T* const in_maps =
      grad.input + (task.group * in_group + inputs.begin) * grad.input_strides.channel;
  const T* const out_maps = grad.output_grad + (task.group * grad.out_group() + outputs.begin) *
                                                   grad.output_strides.channel;

  const InputCopy<T> input(grad, plan, in_count);
  const int64_t vector_channels = plan.along_outputs ? out_count : in_count;
  const EqualCuts panels(divide_up(vector_channels, kN), kTileVectors);
  const int64_t positions = plan.block_lines * plan.block_columns;
  const int64_t g_step =
      plan.along_outputs ? std::min<int64_t>(panels.extent, kTileVectors) * kN : out_count;
  const Scratch input_scratch(static_cast<size_t>(input.size() + kN) * sizeof(T));
  const Scratch g_scratch(static_cast<size_t>(positions * g_step) * sizeof(T));
  T* const copy = input_scratch.as<T>();
  T* const g = g_scratch.as<T>();
  // Lanes behind the last channel are computed too, and never looked at.
  std::fill_n(copy, input.size() + kN, T{0});
  std::fill_n(g, positions * g_step, T{0});

  // Where the rows of sums find their elements, and their place among the sums of the group.
  const int64_t row_count = plan.along_outputs ? in_count * places : out_count;
  const Scratch row_scratch(static_cast<size_t>(row_count + places) * sizeof(int64_t));
  int64_t* const rows = row_scratch.as<int64_t>();
  int64_t* const place_offsets = rows + row_count;
  for (int64_t p = 0; p < places; ++p) {
    place_offsets[p] = p / grad.kernel_width * grad.dilation_y * input.row_step() +
                       p % grad.kernel_width * grad.dilation_x * input.column_step;
  }
  for (int64_t i = 0; i < row_count; ++i) {
    rows[i] = !plan.along_outputs  ? i
              : plan.taps_by_place ? place_offsets[i / in_count] + i % in_count
                                   : place_offsets[i % places] + i / places * input.channel_step;
  }
  const Scratch run_scratch(static_cast<size_t>(2 * plan.block_lines) * sizeof(int64_t));
  int64_t* const input_runs = run_scratch.as<int64_t>();
  int64_t* const g_runs = input_runs + plan.block_lines;

  const EqualCuts column_cuts(grad.out_width, plan.block_columns);
  bool first = true;
  for (int64_t begin = task.line_begin; begin < task.line_end; begin += plan.block_lines) {
    const int64_t end = std::min(begin + plan.block_lines, task.line_end);
    for (int64_t cut = 0; cut < column_cuts.pieces; ++cut, first = false) {
      const int64_t x = column_cuts.begin(cut);
      const int64_t width = column_cuts.begin(cut + 1) - x;
      input.fill(in_maps, begin, end, x, width, copy);

      PositionTile<T> tile;
      tile.runs = 0;
      tile.length = width;
      const int64_t input_step = grad.stride_x * input.column_step;
      for_each_segment(grad, begin, end, [&](const Segment& segment) {
        for (int64_t i = 0; i < segment.rows; ++i, ++tile.runs) {
          input_runs[tile.runs] = (segment.copy_row + i * grad.stride_y) * input.row_step();
        }
      });
      // A filter of one place leaves no gaps between lines: one run.
      bool joined = true;
      for (int64_t i = 1; i < tile.runs; ++i) {
        joined &= input_runs[i] - input_runs[i - 1] == width * input_step;
      }
      if (joined) {
        tile.length = tile.runs * width;
        tile.runs = 1;
      }
      tile.accumulate = !first;
      if (!plan.along_outputs) {
        copy_positions(grad, out_maps, out_count, begin, end, x, width, g_step, g);
        for (int64_t i = 0; i < tile.runs; ++i) g_runs[i] = i * width * g_step;
      }
      for (int64_t p = 0; p < panels.pieces; ++p) {
        const int64_t channel = panels.begin(p) * kN;
        const int64_t vectors = panels.begin(p + 1) - panels.begin(p);
        const auto run = [&](int64_t height) {
          kSumTiles<T>[static_cast<size_t>(height - 1)][static_cast<size_t>(vectors - 1)](tile);
        };
        if (plan.along_outputs) {
          const int64_t present = std::min(vectors * kN, out_count - channel);
          copy_positions(grad, out_maps + channel * grad.output_strides.channel, present, begin,
                         end, x, width, vectors * kN, g);
          for (int64_t i = 0; i < tile.runs; ++i) g_runs[i] = i * width * vectors * kN;
          tile.a = copy;
          tile.a_runs = input_runs;
          tile.a_step = input_step;
          tile.b = g;
          tile.b_runs = g_runs;
          tile.b_step = vectors * kN;
          tile.c_row_stride = plan.width;
          // The task's taps follow each other among all taps of the group, or do so place by place.
          const int64_t stretches = plan.taps_by_place && in_count < in_group ? places : 1;
          const int64_t length = row_count / stretches;
          const EqualCuts cuts(length, kTileRows);
          for (int64_t stretch = 0; stretch < stretches; ++stretch) {
            const int64_t tap =
                plan.taps_by_place ? stretch * in_group + inputs.begin : inputs.begin * places;
            for (int64_t t = 0; t < cuts.pieces; ++t) {
              tile.rows = rows + stretch * length + cuts.begin(t);
              tile.c = sums + (tap + cuts.begin(t)) * plan.width + outputs.begin + channel;
              run(cuts.begin(t + 1) - cuts.begin(t));
            }
          }
        } else {
          tile.a = g;
          tile.a_runs = g_runs;
          tile.a_step = g_step;
          tile.b_runs = input_runs;
          tile.b_step = input_step;
          tile.c_row_stride = places * plan.width;
          const EqualCuts cuts(row_count, kTileRows);
          for (int64_t place = 0; place < places; ++place) {
            tile.b = copy + place_offsets[place] + channel;
            for (int64_t t = 0; t < cuts.pieces; ++t) {
              tile.rows = rows + cuts.begin(t);
              tile.c = sums + ((outputs.begin + cuts.begin(t)) * places + place) * plan.width +
                       inputs.begin + channel;
              run(cuts.begin(t + 1) - cuts.begin(t));
            }
          }
        }
      }
    }
  }
}

// sums[i] += the same of the other parts, in order.
template <class T>
void add_parts(int64_t count, T* sums, int64_t parts, int64_t part_size) {
  const hn::ScalableTag<T> d;
  constexpr int64_t kN = kLanes<T>;
  for (int64_t i = 0; i < count; i += kN) {  // rows of sums are whole vectors
    auto sum = hn::LoadU(d, sums + i);
    for (int64_t p = 1; p < parts; ++p) sum = hn::Add(sum, hn::LoadU(d, sums + p * part_size + i));
    hn::StoreU(sum, d, sums + i);
  }
}

template <class T>
void finish_weight_grad(const ConvWeightGrad<T>& grad, const WeightGradPlan& plan, int64_t group,
                        const IndexRange& outputs, T* sums, int64_t parts, int64_t part_size) {
  const int64_t in_group = grad.in_group(), places = grad.kernel_height * grad.kernel_width;
  const int64_t taps = grad.taps(), count = outputs.end - outputs.begin;
  const FilterStrides& w = grad.weight_strides;
  T* const weight = grad.weight_grad + (group * grad.out_group() + outputs.begin) * w.out_channel;
  // One output channel's sums, [place][channel] or [channel][place], to their places.
  const auto place_sums = [&](const T* from, bool by_place, int64_t pitch, T* to) {
    for (int64_t r = 0; r < grad.kernel_height; ++r) {
      for (int64_t s = 0; s < grad.kernel_width; ++s) {
        const int64_t place = r * grad.kernel_width + s;
        for (int64_t c = 0; c < in_group; ++c) {
          to[c * w.in_channel + r * w.row + s * w.column] =
              by_place ? from[place * pitch + c] : from[c * pitch + place];
        }
      }
    }
  };
  if (!plan.along_outputs) {
    T* const rows = sums + outputs.begin * places * plan.width;
    add_parts(count * places * plan.width, rows, parts, part_size);
    for (int64_t o = 0; o < count; ++o) {
      place_sums(rows + o * places * plan.width, true, plan.width, weight + o * w.out_channel);
    }
    return;
  }
  // `outputs` begin at a whole vector. Transposed to [output channel][tap].
  const int64_t vectors = divide_up(count, kLanes<T>) * kLanes<T>;
  for (int64_t t = 0; t < taps; ++t) {
    add_parts(vectors, sums + t * plan.width + outputs.begin, parts, part_size);
  }
  const bool in_order =
      plan.taps_by_place
          ? w.in_channel == 1 && w.column == in_group && w.row == grad.kernel_width * in_group
          : w.column == 1 && w.row == grad.kernel_width && w.in_channel == places;
  if (in_order) {
    transpose(count, taps, sums + outputs.begin, plan.width, weight, w.out_channel);
    return;
  }
  const Scratch scratch(static_cast<size_t>(count * taps) * sizeof(T));
  T* const rows = scratch.as<T>();
  transpose(count, taps, sums + outputs.begin, plan.width, rows, taps);
  for (int64_t o = 0; o < count; ++o) {
    place_sums(rows + o * taps, plan.taps_by_place, plan.taps_by_place ? in_group : places,
               weight + o * w.out_channel);
  }
}

}  // namespace entasis::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // include guard
