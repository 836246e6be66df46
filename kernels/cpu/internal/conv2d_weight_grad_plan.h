// How the weight's gradient is computed: which channels lie along the vectors, and how sums and
// results are cut into blocks, parts and tasks.
#pragma once

#include <cstdint>

#include <entasis/kernels/cpu/internal/conv2d_plan.h>
#include <entasis/kernels/cpu/internal/conv2d_weight_grad.h>

namespace entasis::cpu {

// The gradient of one group is a matrix product over the output positions. With vectors along the
// output channels, its rows are the filter's taps [channel][row][column]: sums[tap][output
// channel]. With vectors along the input channels, there is one product for each place in the
// filter: sums[output channel][place][input channel].
struct WeightGradPlan {
  bool along_outputs;     // else along the input's channels
  TileShape tile;         // the largest used
  int64_t width;          // of a row of sums: the vector side's channels, in whole vectors
  int64_t sums_of_group;  // elements
  int64_t block_lines;    // output lines in a block: rows of all images, one after another
  int64_t block_columns;  // output columns in a block, at most
  int64_t copy_rows;      // of a block's copy of the input, at most
  int64_t copy_columns;
};

// What one task computes: the sum over output lines [line_begin, line_end) for some channels of
// one group, counted within the group.
struct WeightGradTask {
  int64_t group;
  int64_t line_begin, line_end;
  IndexRange in_channels, out_channels;
};

// The code of one Highway target.
template <class T>
struct WeightGradFunctions {
  TileShape tile, wide_tile, tall_tile;  // to choose from; all but the first may be empty
  int lanes;
  // Writes the task's share of one group's sums.
  void (*sum)(const ConvWeightGrad<T>& grad, const WeightGradPlan& plan, const WeightGradTask& task,
              T* sums);
  // Adds `parts` times the sums of one group, the first to the last, and writes those of output
  // channels `outputs` to their places.
  void (*finish)(const ConvWeightGrad<T>& grad, const WeightGradPlan& plan, int64_t group,
                 const IndexRange& outputs, T* sums, int64_t parts, int64_t part_size);
};

struct WeightGradTarget {
  WeightGradFunctions<float> f32;
  WeightGradFunctions<double> f64;
};

}  // namespace entasis::cpu
