// The weight's gradient as matrix products over output positions; compiled once for each Highway
// target.
//
// A register tile holds R rows by V vectors of sums; each position adds the product of R elements,
// broadcast, and V vectors. Blocks of positions (about 96 KB of a panel of vectors) are copied:
// the vector side position-major, by transposition where it is not so already, the other side
// channel by channel, the input with its padding. A tap of the filter is then an offset into the
// copy: no matrix of patches is made. The panel, the copy and the sums stay in L2. Floor: 2
// multiply-adds of a vector a cycle; the copies cost about two operations for each vector of
// elements, and two more where they transpose. Blocking after Goto & van de Geijn, "Anatomy of
// high-performance matrix multiplication", 2008.

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
#include <entasis/kernels/cpu/internal/conv2d_weight_copy-inl.h>
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

// For few vectors: nine taps of a 3x3 filter in one go read the vectors once.
inline constexpr int kTallTileRows = kWideTileRows == 0 ? 0 : 10;
inline constexpr int kTallTileVectors = kWideTileRows == 0 ? 0 : 2;

// The most vectors of a tile with that many rows, of the three shapes.
constexpr int most_vectors(int rows) {
  int most = rows <= kTallTileRows ? kTallTileVectors : 0;
  if (rows <= kTileRows) most = std::max(most, kTileVectors);
  if (rows <= kWideTileRows) most = std::max(most, kWideTileVectors);
  return most;
}

template <class T, int R, int... V>
constexpr auto sum_tiles_of_height(std::integer_sequence<int, V...>) {
  std::array<void (*)(const PositionTile<T>&), std::max(kTileVectors, kWideTileVectors)> tiles{};
  ((tiles[V] = &sum_tile<R, V + 1, T>), ...);
  return tiles;
}
template <class T, int... I>
constexpr auto all_sum_tiles(std::integer_sequence<int, I...>) {
  return std::array{
      sum_tiles_of_height<T, I + 1>(std::make_integer_sequence<int, most_vectors(I + 1)>{})...};
}
template <class T>
inline constexpr auto kSumTiles =
    all_sum_tiles<T>(std::make_integer_sequence<int, std::max(kTileRows, kTallTileRows)>{});

// One task: its blocks of positions, one after another.
template <class T>
class WeightGradSums {
 public:
  WeightGradSums(const ConvWeightGrad<T>& grad, const WeightGradPlan& plan,
                 const WeightGradTask& task, T* sums)
      : grad_(grad),
        plan_(plan),
        task_(task),
        sums_(sums),
        places_(grad.kernel_height * grad.kernel_width),
        in_count_(task.in_channels.end - task.in_channels.begin),
        out_count_(task.out_channels.end - task.out_channels.begin),
        in_maps_(grad.input + (task.group * grad.in_group() + task.in_channels.begin) *
                                  grad.input_strides.channel),
        out_maps_(grad.output_grad + (task.group * grad.out_group() + task.out_channels.begin) *
                                         grad.output_strides.channel),
        input_(grad, plan, in_count_),
        panels_(divide_up(plan.along_outputs ? out_count_ : in_count_, kN), plan.tile.vectors),
        row_count_(plan.along_outputs ? in_count_ * places_ : out_count_),
        // Few rows are not worth a copy of vectors that lie side by side already.
        in_place_(plan.along_outputs && grad.output_strides.channel == 1 && out_count_ % kN == 0 &&
                  row_count_ <= 4 * plan.tile.rows),
        g_step_(!plan.along_outputs ? out_count_
                                    : std::min(panels_.extent, plan.tile.vectors) * kN),
        input_scratch_(static_cast<size_t>(input_.size + kN) * sizeof(T)),
        g_scratch_(
            static_cast<size_t>(in_place_ ? 0 : plan.block_lines * plan.block_columns * g_step_) *
            sizeof(T)),
        offset_scratch_(static_cast<size_t>(row_count_ + places_ + 2 * plan.block_lines) *
                        sizeof(int64_t)),
        copy_(input_scratch_.template as<T>()),
        g_(g_scratch_.template as<T>()),
        rows_(offset_scratch_.template as<int64_t>()),
        place_offsets_(rows_ + row_count_),
        input_runs_(place_offsets_ + places_),
        g_runs_(input_runs_ + plan.block_lines) {
    // Lanes behind the last channel are computed too, and never looked at.
    if (plan.along_outputs && out_count_ % kN != 0) {
      std::fill_n(g_, plan.block_lines * plan.block_columns * g_step_, T{0});
    }
    if (!plan.along_outputs) std::fill_n(copy_, input_.size + kN, T{0});
    for (int64_t p = 0; p < places_; ++p) {
      place_offsets_[p] = p / grad.kernel_width * grad.dilation_y * input_.row_step +
                          p % grad.kernel_width * grad.dilation_x * input_.column_step;
    }
    for (int64_t i = 0; i < row_count_; ++i) {
      rows_[i] =
          plan.along_outputs ? place_offsets_[i % places_] + i / places_ * input_.channel_step : i;
    }
  }

  void run() {
    const EqualCuts column_cuts(grad_.out_width, plan_.block_columns);
    tile_.accumulate = false;
    for (int64_t begin = task_.line_begin; begin < task_.line_end; begin += plan_.block_lines) {
      const int64_t end = std::min(begin + plan_.block_lines, task_.line_end);
      for (int64_t cut = 0; cut < column_cuts.pieces; ++cut) {
        const int64_t x = column_cuts.begin(cut);
        add_block(begin, end, x, column_cuts.begin(cut + 1) - x);
        tile_.accumulate = true;
      }
    }
  }

 private:
  static constexpr int64_t kN = kLanes<T>;

  // Output lines [begin, end), columns [x, x + width).
  void add_block(int64_t begin, int64_t end, int64_t x, int64_t width) {
    input_.fill(in_maps_, begin, end, x, width, copy_);
    const int64_t input_step = grad_.stride_x * input_.column_step;
    set_runs(begin, end, x, width, input_step);
    if (!plan_.along_outputs) {
      copy_positions(grad_, out_maps_, out_count_, begin, end, x, width, g_step_, g_);
    }
    for (int64_t p = 0; p < panels_.pieces; ++p) {
      const int64_t channel = panels_.begin(p) * kN;
      const int64_t vectors = panels_.begin(p + 1) - panels_.begin(p);
      if (!plan_.along_outputs) {
        multiply_inputs(channel, vectors, input_step);
        continue;
      }
      const T* const maps = out_maps_ + channel * grad_.output_strides.channel;
      if (!in_place_) {
        const int64_t present = std::min(vectors * kN, out_count_ - channel);
        copy_positions(grad_, maps, present, begin, end, x, width, vectors * kN, g_);
        for (int64_t i = 0; i < tile_.runs; ++i) g_runs_[i] = i * tile_.length * vectors * kN;
      }
      tile_.a_step = input_step;
      tile_.b = in_place_ ? maps : g_;
      tile_.b_step = in_place_ ? grad_.output_strides.column : vectors * kN;
      multiply_outputs(channel, vectors);
    }
  }

  // Where the block's lines begin, in the copy of the input and in output_grad. Lines that leave no
  // gaps, as with a filter of one place, are one run.
  void set_runs(int64_t begin, int64_t end, int64_t x, int64_t width, int64_t input_step) {
    const MapStrides& out = grad_.output_strides;
    tile_.runs = 0;
    tile_.length = width;
    bool joined = true;
    for_each_segment(grad_, begin, end, [&](const Segment& segment) {
      for (int64_t i = 0; i < segment.rows; ++i) {
        const int64_t run = tile_.runs++;
        input_runs_[run] = (segment.copy_row + i * grad_.stride_y) * input_.row_step;
        g_runs_[run] =
            in_place_ ? segment.image * out.image + (segment.row + i) * out.row + x * out.column
                      : run * width * g_step_;
        if (run == 0) continue;
        joined &= input_runs_[run] - input_runs_[run - 1] == width * input_step;
        joined &= !in_place_ || g_runs_[run] - g_runs_[run - 1] == width * out.column;
      }
    });
    if (!joined) return;
    tile_.length = tile_.runs * width;
    tile_.runs = 1;
  }

  // A panel of output channels times all taps.
  void multiply_outputs(int64_t channel, int64_t vectors) {
    tile_.a = copy_;
    tile_.a_runs = input_runs_;
    tile_.b_runs = g_runs_;
    tile_.c_row_stride = plan_.width;
    const EqualCuts cuts(row_count_, plan_.tile.rows);
    const int64_t first = task_.in_channels.begin * places_;
    for (int64_t t = 0; t < cuts.pieces; ++t) {
      tile_.rows = rows_ + cuts.begin(t);
      tile_.c = sums_ + (first + cuts.begin(t)) * plan_.width + task_.out_channels.begin + channel;
      multiply(cuts.begin(t + 1) - cuts.begin(t), vectors);
    }
  }

  // A panel of input channels, at each place of the filter, times all output channels.
  void multiply_inputs(int64_t channel, int64_t vectors, int64_t input_step) {
    tile_.a = g_;
    tile_.a_runs = g_runs_;
    tile_.a_step = g_step_;
    tile_.b_runs = input_runs_;
    tile_.b_step = input_step;
    tile_.c_row_stride = places_ * plan_.width;
    const EqualCuts cuts(row_count_, plan_.tile.rows);
    for (int64_t place = 0; place < places_; ++place) {
      tile_.b = copy_ + place_offsets_[place] + channel;
      for (int64_t t = 0; t < cuts.pieces; ++t) {
        const int64_t row = (task_.out_channels.begin + cuts.begin(t)) * places_ + place;
        tile_.rows = rows_ + cuts.begin(t);
        tile_.c = sums_ + row * plan_.width + task_.in_channels.begin + channel;
        multiply(cuts.begin(t + 1) - cuts.begin(t), vectors);
      }
    }
  }

  void multiply(int64_t height, int64_t vectors) const {
    kSumTiles<T>[static_cast<size_t>(height - 1)][static_cast<size_t>(vectors - 1)](tile_);
  }

  const ConvWeightGrad<T>& grad_;
  const WeightGradPlan& plan_;
  const WeightGradTask& task_;
  T* const sums_;
  const int64_t places_, in_count_, out_count_;
  const T* const in_maps_;
  const T* const out_maps_;
  const InputCopy<T> input_;
  const EqualCuts panels_;
  const int64_t row_count_;
  const bool in_place_;
  const int64_t g_step_;
  const Scratch input_scratch_, g_scratch_, offset_scratch_;
  T* const copy_;  // of the input
  T* const g_;     // of output_grad
  // Where rows of sums find their elements, places of the filter in the copy, and lines in both.
  int64_t* const rows_;
  int64_t* const place_offsets_;
  int64_t* const input_runs_;
  int64_t* const g_runs_;
  PositionTile<T> tile_;
};

template <class T>
void sum_weight_grad(const ConvWeightGrad<T>& grad, const WeightGradPlan& plan,
                     const WeightGradTask& task, T* sums) {
  WeightGradSums<T>(grad, plan, task, sums).run();
}

// sums[i] += the same of the other parts, in order.
template <class T>
void add_parts(int64_t count, T* sums, int64_t parts, int64_t part_size) {
  const hn::ScalableTag<T> d;
  constexpr int64_t kN = kLanes<T>;
  if (parts == 1) return;
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
  if (w.column == 1 && w.row == grad.kernel_width && w.in_channel == places) {
    transpose(count, taps, sums + outputs.begin, plan.width, weight, w.out_channel);
    return;
  }
  const Scratch scratch(static_cast<size_t>(count * taps) * sizeof(T));
  T* const rows = scratch.as<T>();
  transpose(count, taps, sums + outputs.begin, plan.width, rows, taps);
  for (int64_t o = 0; o < count; ++o) {
    place_sums(rows + o * taps, false, places, weight + o * w.out_channel);
  }
}

}  // namespace entasis::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // include guard
