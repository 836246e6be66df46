// Attributes of the pooling ops, for the kernels.
#pragma once

#include <cstdint>

#include <entasis/core/dims.h>

namespace entasis {

// Two entries each, for rows and columns.
struct PoolWindow {
  Dims kernel, stride, padding, dilation;
  bool ceil_mode = false;
  bool operator==(const PoolWindow&) const = default;
  void visit(auto& v) const {
    v("kernel_size", kernel);
    v("stride", stride);
    v("padding", padding);
    v("dilation", dilation);
    v("ceil_mode", ceil_mode);
  }
};

// input [N, C, H, W]. Outputs: the largest elements, and where they stand in their plane (i64,
// row * W + column).
struct MaxPool2d {
  static constexpr const char* name = "max_pool2d";
  PoolWindow window;
  bool operator==(const MaxPool2d&) const = default;
  void visit(auto& v) const { window.visit(v); }
};

// inputs: grad_output, places. Adds each element of grad_output to its place in a plane of zeros.
// The window says which elements may have a place.
struct MaxPool2dGrad {
  static constexpr const char* name = "max_pool2d_grad";
  PoolWindow window;
  Dims input_shape;
  bool channels_last = false;
  bool operator==(const MaxPool2dGrad&) const = default;
  void visit(auto& v) const {
    window.visit(v);
    v("input_shape", input_shape);
  }
};

// inputs: input, places. Reads the element at each place: the reverse of MaxPool2dGrad.
struct MaxPool2dRead {
  static constexpr const char* name = "max_pool2d_read";
  PoolWindow window;
  bool operator==(const MaxPool2dRead&) const = default;
  void visit(auto& v) const { window.visit(v); }
};

struct AvgPool2d {
  static constexpr const char* name = "avg_pool2d";
  PoolWindow window;
  bool count_include_pad = true;
  bool operator==(const AvgPool2d&) const = default;
  void visit(auto& v) const {
    window.visit(v);
    v("count_include_pad", count_include_pad);
  }
};

// input: grad_output. Spreads each element evenly over its window.
struct AvgPool2dGrad {
  static constexpr const char* name = "avg_pool2d_grad";
  AvgPool2d forward;
  Dims input_shape;
  bool channels_last = false;
  bool operator==(const AvgPool2dGrad&) const = default;
  void visit(auto& v) const {
    forward.visit(v);
    v("input_shape", input_shape);
  }
};

}  // namespace entasis
