// Attributes of the convolutions, for the kernels.
#pragma once

#include <cstdint>

#include <entasis/core/dims.h>

namespace entasis {

// How the filter moves; two entries each, for rows and columns.
struct ConvWindow {
  Dims stride, padding, dilation;
  int64_t groups = 1;
  bool operator==(const ConvWindow&) const = default;
  void visit(auto& v) const {
    v("stride", stride);
    v("padding", padding);
    v("dilation", dilation);
    v("groups", groups);
  }
};

// inputs: input [N, C, H, W], weight [O, C/groups, R, S], bias [O] or undefined.
struct Conv2d {
  static constexpr const char* name = "conv2d";
  ConvWindow window;
  bool operator==(const Conv2d&) const = default;
  void visit(auto& v) const { window.visit(v); }
};

// inputs: grad_output [N, O, OH, OW], weight. Result: the gradient of an input of this shape.
struct Conv2dInputGrad {
  static constexpr const char* name = "conv2d_input_grad";
  ConvWindow window;
  Dims input_shape;
  bool channels_last = false;
  bool operator==(const Conv2dInputGrad&) const = default;
  void visit(auto& v) const {
    window.visit(v);
    v("input_shape", input_shape);
    v("channels_last", channels_last);
  }
};

// inputs: grad_output, input. Result: the gradient of a weight of this shape.
struct Conv2dWeightGrad {
  static constexpr const char* name = "conv2d_weight_grad";
  ConvWindow window;
  Dims weight_shape;
  bool channels_last = false;
  bool operator==(const Conv2dWeightGrad&) const = default;
  void visit(auto& v) const {
    window.visit(v);
    v("weight_shape", weight_shape);
    v("channels_last", channels_last);
  }
};

}  // namespace entasis
