// Attributes of dropout and of its gradient.
#pragma once

#include <cmath>

#include <entasis/core/op.h>

namespace entasis {

// Outputs: the result and its mask.
struct NativeDropout {
  static constexpr const char* name = "native_dropout";
  double p;
  bool operator==(const NativeDropout&) const = default;
  void visit(auto& v) const { v("p", p); }
};
// Inputs gy, mask: gy / (1 - p) where the mask holds, 0 elsewhere.
struct DropoutBackward {
  static constexpr const char* name = "dropout_backward";
  double p;
  bool operator==(const DropoutBackward&) const = default;
  void visit(auto& v) const { v("p", p); }
};

// What kept elements are multiplied by. Nothing is kept at p = 1.
inline double dropout_scale(double p) { return p < 1 ? 1 / (1 - p) : 0; }
// An element is kept if the 24 high bits of its word reach this, that is, if its uniform number in
// [0, 1) is at least p.
inline uint32_t dropout_threshold(double p) { return uint32_t(std::ceil(p * 0x1p24)); }

}  // namespace entasis
