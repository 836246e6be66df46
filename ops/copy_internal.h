// Ops that move elements.
#pragma once

#include <entasis/core/op.h>

namespace entasis {

// A dense copy with these strides.
struct Clone {
  static constexpr const char* name = "clone";
  Dims strides;
  bool operator==(const Clone&) const = default;
  void visit(auto& v) const { v("strides", strides); }
};

bool broadcasts_to(const Dims& from, const Dims& to);

Tensor clone_strided(const Tensor& input, const Dims& strides, Location at);

// A copy in another dtype.
struct Cast {
  static constexpr const char* name = "to";
  DType dtype;
  bool operator==(const Cast&) const = default;
  void visit(auto& v) const { v("dtype", dtype); }
};

// In place: input 0 takes the elements of input 1, broadcast and cast.
struct Copy {
  static constexpr const char* name = "copy_";
  bool operator==(const Copy&) const = default;
};

// In place: every element of input 0 becomes input 1, a number.
struct Fill {
  static constexpr const char* name = "fill_";
  bool operator==(const Fill&) const = default;
};

// A copy on another device, with the strides of the input, which must be dense.
struct ToDevice {
  static constexpr const char* name = "to_device";
  Device device;
  bool non_blocking = false;
  bool operator==(const ToDevice&) const = default;
  void visit(auto& v) const {
    v("type", device.type);
    v("index", int64_t(device.index));
    v("non_blocking", non_blocking);
  }
};

// In place: input 0 takes the elements of input 1, which lies alike on another device. Both are
// dense.
struct Transfer {
  static constexpr const char* name = "transfer_";
  bool non_blocking = false;
  bool operator==(const Transfer&) const = default;
  void visit(auto& v) const { v("non_blocking", non_blocking); }
};

}  // namespace entasis
