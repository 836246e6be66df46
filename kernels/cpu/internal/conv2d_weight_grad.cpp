// The weight's gradient: choice of the method, cut into parts of the sum and tasks, dispatch.
//
// The sum over output lines is cut into a few parts that depend on the shape alone, each with sums
// of its own, which are added in order. A part may be shared by several threads, each of which
// computes some of its channels; that changes no result.
#include <entasis/kernels/cpu/internal/conv2d_weight_grad.h>

#include <algorithm>
#include <cstdint>

#include <entasis/backends/cpu/memory.h>
#include <entasis/backends/cpu/parallel.h>
#include <entasis/kernels/cpu/internal/conv2d_depthwise.h>
#include <entasis/kernels/cpu/internal/conv2d_plan.h>
#include <entasis/kernels/cpu/internal/conv2d_weight_grad_plan.h>
#include <entasis/kernels/cpu/internal/simd_targets.h>
#include <entasis/kernels/cpu/internal/target_functions.h>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE <entasis/kernels/cpu/internal/conv2d_weight_grad.cpp>
#include <hwy/foreach_target.h>
// After foreach_target.
#include <hwy/highway.h>

#include <entasis/kernels/cpu/internal/conv2d_weight_grad-inl.h>

HWY_BEFORE_NAMESPACE();
namespace entasis::cpu::HWY_NAMESPACE {

template <class T>
constexpr WeightGradFunctions<T> weight_grad_functions() {
  return {{kTileRows, kTileVectors},
          {kWideTileRows, kWideTileVectors},
          {kTallTileRows, kTallTileVectors},
          kLanes<T>,
          sum_weight_grad<T>,
          finish_weight_grad<T>};
}

const WeightGradTarget& weight_grad_target() {
  static constexpr WeightGradTarget kTarget = {weight_grad_functions<float>(),
                                               weight_grad_functions<double>()};
  return kTarget;
}

}  // namespace entasis::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace entasis::cpu {
namespace {

HWY_EXPORT(weight_grad_target);

template <class T>
const WeightGradFunctions<T>& functions() {
  return functions_for<T>(HWY_DYNAMIC_DISPATCH(weight_grad_target)());
}

constexpr int64_t kPanelBytes = 96 * 1024;  // of a panel of vectors, which L2 feeds
constexpr int64_t kCopyBytes = 384 * 1024;  // of the input's copy, to stay in L2
constexpr int64_t kSumBytes = 4 << 20;      // of the sums of all parts
constexpr int64_t kMostParts = 16;
constexpr int64_t kTilesForThreads = 512;    // of all parts' sums: work for many threads
constexpr int64_t kWorkPerTask = 64 * 1024;  // multiply-adds worth a task of their own

int64_t round_up(int64_t value, int64_t multiple) { return divide_up(value, multiple) * multiple; }

template <class T>
WeightGradPlan make_plan(const ConvWeightGrad<T>& grad, const WeightGradFunctions<T>& target) {
  constexpr int64_t kElement = sizeof(T);
  const int64_t in_group = grad.in_group(), out_group = grad.out_group();
  const int64_t places = grad.kernel_height * grad.kernel_width;
  const int64_t reach_y = (grad.kernel_height - 1) * grad.dilation_y;
  const int64_t reach_x = (grad.kernel_width - 1) * grad.dilation_x;
  WeightGradPlan plan{};
  // Vectors lie along the side that leaves fewer lanes empty.
  const int64_t along_outputs = round_up(out_group, target.lanes) * in_group;
  const int64_t along_inputs = round_up(in_group, target.lanes) * out_group;
  plan.along_outputs = 4 * along_outputs <= 5 * along_inputs;
  const int64_t vector_channels = plan.along_outputs ? out_group : in_group;
  plan.width = round_up(vector_channels, target.lanes);
  plan.sums_of_group = plan.width * places * (plan.along_outputs ? in_group : out_group);

  const int64_t vectors = plan.width / target.lanes;
  const int64_t rows = plan.along_outputs ? grad.taps() : out_group;
  plan.tile = better_tile(target.tile, target.wide_tile, rows, vectors);
  plan.tile = better_tile(plan.tile, target.tall_tile, rows, vectors);
  const int64_t panel = divide_up(vectors, divide_up(vectors, plan.tile.vectors));
  const int64_t positions = kPanelBytes / (panel * target.lanes * kElement);
  const int64_t copy_width = plan.along_outputs ? in_group : plan.width;
  const int64_t column_bytes = copy_width * (reach_y + 1) * grad.stride_x * kElement;
  const int64_t columns = std::clamp<int64_t>(kCopyBytes / column_bytes, target.lanes,
                                              std::max<int64_t>(16, positions));
  plan.block_columns = divide_up(grad.out_width, divide_up(grad.out_width, columns));
  plan.copy_columns = (plan.block_columns - 1) * grad.stride_x + reach_x + 1;
  // Each image that a block touches brings the rows above and below its lines.
  const auto copy_rows = [&](int64_t lines) {
    const int64_t images = std::min(lines, (lines - 1) / grad.out_height + 2);
    return lines * grad.stride_y + images * (reach_y + 1);
  };
  plan.block_lines =
      std::clamp<int64_t>(positions / plan.block_columns, 1, grad.images * grad.out_height);
  while (plan.block_lines > 1 &&
         copy_rows(plan.block_lines) * plan.copy_columns * copy_width * kElement > kCopyBytes) {
    plan.block_lines = divide_up(plan.block_lines, 2);
  }
  plan.copy_rows = copy_rows(plan.block_lines);
  return plan;
}

// Parts of the sum, a power of two, by the shape alone: as few as give many threads something to
// do, since a part costs another pass over its sums.
template <class T>
int64_t count_parts(const ConvWeightGrad<T>& grad, const WeightGradPlan& plan, int64_t lanes) {
  const int64_t lines = grad.images * grad.out_height;
  const int64_t bytes = grad.groups * plan.sums_of_group * static_cast<int64_t>(sizeof(T));
  const int64_t work = lines * grad.out_width * grad.out_channels * grad.taps() / kWorkPerTask;
  const int64_t tiles = grad.groups * divide_up(plan.sums_of_group / plan.width, plan.tile.rows) *
                        divide_up(plan.width / lanes, plan.tile.vectors);
  const int64_t most = std::min({kMostParts, divide_up(kTilesForThreads, tiles), kSumBytes / bytes,
                                 divide_up(lines, plan.block_lines), work});
  int64_t parts = 1;
  while (2 * parts <= most) parts *= 2;
  return parts;
}

// Memory for the time of a call: sums are too large for the threads' scratch, which is kept.
struct Sums {
  explicit Sums(int64_t bytes)
      : size(static_cast<size_t>(bytes)), data(allocate(static_cast<size_t>(bytes))) {}
  ~Sums() { deallocate(data, size); }
  Sums(const Sums&) = delete;
  Sums& operator=(const Sums&) = delete;

  size_t size;
  void* data;
};

template <class T>
void weight_grad(const ConvWeightGrad<T>& grad) {
  if (grad.out_channels == 0 || grad.taps() == 0) return;
  if (is_depthwise(grad)) return compute_depthwise_weight_grad(grad);
  const WeightGradFunctions<T>& target = functions<T>();
  const WeightGradPlan plan = make_plan(grad, target);
  const int64_t parts = count_parts(grad, plan, target.lanes);
  const int64_t lines = grad.images * grad.out_height;
  const int64_t part_size = grad.groups * plan.sums_of_group;
  const Sums memory(parts * part_size * static_cast<int64_t>(sizeof(T)));
  T* const sums = static_cast<T*>(memory.data);

  // Few parts and groups for many threads: some channels each, the vector side in whole panels.
  const int64_t in_group = grad.in_group(), out_group = grad.out_group();
  const int64_t wanted = divide_up(available_threads(), parts * grad.groups);
  const int64_t panel = plan.tile.vectors * target.lanes;
  const int64_t in_unit = plan.along_outputs ? plan.tile.rows : panel;
  const int64_t out_unit = plan.along_outputs ? panel : plan.tile.rows;
  const int64_t in_units = divide_up(in_group, in_unit);
  const int64_t out_units = divide_up(out_group, out_unit);
  const int64_t in_cuts = std::min(wanted, in_units);
  const int64_t out_cuts = std::min(divide_up(wanted, in_cuts), out_units);
  const auto cut = [](int64_t i, int64_t cuts, int64_t units, int64_t unit, int64_t channels) {
    return IndexRange{std::min(channels, units * i / cuts * unit),
                      std::min(channels, units * (i + 1) / cuts * unit)};
  };
  parallel_for(parts * grad.groups * in_cuts * out_cuts, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t out = i % out_cuts, in = i / out_cuts % in_cuts;
      const int64_t group = i / (out_cuts * in_cuts) % grad.groups;
      const int64_t part = i / (out_cuts * in_cuts * grad.groups);
      WeightGradTask task;
      task.group = group;
      task.line_begin = lines * part / parts;
      task.line_end = lines * (part + 1) / parts;
      task.in_channels = cut(in, in_cuts, in_units, in_unit, in_group);
      task.out_channels = cut(out, out_cuts, out_units, out_unit, out_group);
      target.sum(grad, plan, task, sums + part * part_size + group * plan.sums_of_group);
    }
  });

  const int64_t blocks = divide_up(out_group, target.lanes);
  const int64_t work = parts * target.lanes * grad.taps();
  const int64_t grain = std::max<int64_t>(1, kWorkPerTask / 4 / std::max<int64_t>(1, work));
  parallel_for(grad.groups * blocks, grain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t group = i / blocks, first = i % blocks * target.lanes;
      target.finish(grad, plan, group, {first, std::min(out_group, first + target.lanes)},
                    sums + group * plan.sums_of_group, parts, part_size);
    }
  });
}

}  // namespace

void compute_weight_grad(const ConvWeightGrad<float>& grad) { weight_grad(grad); }
void compute_weight_grad(const ConvWeightGrad<double>& grad) { weight_grad(grad); }

}  // namespace entasis::cpu
#endif  // HWY_ONCE
