// Attributes of the softmax family.
#pragma once

#include <cstdint>

namespace entasis {

struct Softmax {
  static constexpr const char* name = "softmax";
  int64_t dim;  // as the caller gave it
  bool operator==(const Softmax&) const = default;
  void visit(auto& v) const { v("dim", dim); }
};

struct LogSoftmax {
  static constexpr const char* name = "log_softmax";
  int64_t dim;
  bool operator==(const LogSoftmax&) const = default;
  void visit(auto& v) const { v("dim", dim); }
};

// Inputs: the gradient of the output, the output.
struct SoftmaxBackward {
  static constexpr const char* name = "softmax_backward";
  int64_t dim;
  bool operator==(const SoftmaxBackward&) const = default;
  void visit(auto& v) const { v("dim", dim); }
};

struct LogSoftmaxBackward {
  static constexpr const char* name = "log_softmax_backward";
  int64_t dim;
  bool operator==(const LogSoftmaxBackward&) const = default;
  void visit(auto& v) const { v("dim", dim); }
};

}  // namespace entasis
