// Attributes of the matrix products, for the kernels.
#pragma once

namespace entasis {

// [.., n, k] x [.., k, m] with broadcast batches; both operands have at least two dimensions.
struct Matmul {
  static constexpr const char* name = "matmul";
  bool operator==(const Matmul&) const = default;
};

// The fully connected layers. Inputs: [.., in], weight [out, in], optionally bias [out].
//
// Input 3, optional: what is added to the result, of its shape and dtype.
struct Linear {
  static constexpr const char* name = "linear";
  bool operator==(const Linear&) const = default;
};
struct LinearRelu {
  static constexpr const char* name = "linear_relu";
  bool operator==(const LinearRelu&) const = default;
};
// Output 1 is the argument of GELU, for the gradient; it has no elements unless `keeps_argument`.
struct LinearGelu {
  static constexpr const char* name = "linear_gelu";
  bool by_tanh;
  bool keeps_argument;
  bool operator==(const LinearGelu&) const = default;
  void visit(auto& v) const {
    v("by_tanh", by_tanh);
    v("keeps_argument", keeps_argument);
  }
};

}  // namespace entasis
