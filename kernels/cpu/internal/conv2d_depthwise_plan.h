// How a depthwise convolution is cut and what one Highway target offers for it.
#pragma once

#include <cstdint>

#include <entasis/kernels/cpu/internal/conv2d_depthwise.h>

namespace entasis::cpu {

// Channels-first maps are computed plane by plane from a zero-padded copy of the input under a
// strip of output rows, split by row and column modulo the stride: [row phase][column phase]
// [row][column]. Each filter tap is one offset into it.
struct PlanePlan {
  int64_t strip_rows;      // output rows in a strip
  int64_t strips;          // of a plane
  int64_t rows;            // of the copy, in each phase
  int64_t pitch;           // elements from one row of the copy to the next
  int64_t size;            // of the copy
  const int64_t* offsets;  // of each tap
};

// The code of one Highway target. `weight` is [channel][tap] for planes and [tap][channel] for
// rows, with `padded_channels` channels.
template <class T>
struct DepthwiseFunctions {
  int lanes;  // elements in a vector
  // Channels-first: strips [begin, end) of all planes of all images.
  void (*planes)(const Conv2d<T>& conv, const PlanePlan& plan, const T* weight, int64_t begin,
                 int64_t end);
  // Channels-last: output rows [begin, end) of all images.
  void (*rows)(const Conv2d<T>& conv, const T* weight, int64_t padded_channels, int64_t begin,
               int64_t end);
  // The weight's gradient over images [begin, end) for one channel, to sums[tap].
  void (*weight_of_planes)(const ConvWeightGrad<T>& grad, const PlanePlan& plan, int64_t channel,
                           int64_t begin, int64_t end, T* sums);
  // The weight's gradient over output rows [begin, end) of all images, to sums[tap][channel].
  void (*weight_of_rows)(const ConvWeightGrad<T>& grad, int64_t padded_channels, int64_t begin,
                         int64_t end, T* sums);
};

struct DepthwiseTarget {
  DepthwiseFunctions<float> f32;
  DepthwiseFunctions<double> f64;
};

}  // namespace entasis::cpu
