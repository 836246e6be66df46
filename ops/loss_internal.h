// Attributes of the losses.
#pragma once

#include <cstdint>

#include <entasis/ops/loss.h>
#include <entasis/ops/pointwise_internal.h>

namespace entasis {

struct CrossEntropy {
  static constexpr const char* name = "cross_entropy";
  int64_t ignore_index = -100;
  Reduction reduction = Reduction::kMean;
  double label_smoothing = 0;
  bool operator==(const CrossEntropy&) const = default;
  void visit(auto& v) const {
    v("ignore_index", ignore_index);
    v("reduction", reduction);
    v("label_smoothing", label_smoothing);
  }
};

// Inputs: the gradient of the loss, input, target, and of each row its maximum and the logarithm of
// the sum of exp(x - maximum).
struct CrossEntropyBackward {
  static constexpr const char* name = "cross_entropy_backward";
  CrossEntropy forward;
  bool operator==(const CrossEntropyBackward&) const = default;
  void visit(auto& v) const { forward.visit(v); }
};

// Which dimension of cross_entropy's input holds the classes.
constexpr int class_dim(int rank) { return rank == 1 ? 0 : 1; }

// The losses of single elements, before they are reduced, and their gradients.
struct SquaredDifference : NoAttributes {
  static constexpr const char* name = "squared_difference";
  static constexpr PointwiseTraits traits{.arity = 2, .compute = Compute::kFloat};
};
struct SquaredDifferenceBackward : NoAttributes {
  static constexpr const char* name = "squared_difference_backward";
  static constexpr PointwiseTraits traits{.arity = 3, .compute = Compute::kFloat};
};
struct AbsoluteDifference : NoAttributes {
  static constexpr const char* name = "absolute_difference";
  static constexpr PointwiseTraits traits{.arity = 2, .compute = Compute::kFloat};
};
struct AbsoluteDifferenceBackward : NoAttributes {
  static constexpr const char* name = "absolute_difference_backward";
  static constexpr PointwiseTraits traits{.arity = 3, .compute = Compute::kFloat};
};
struct SmoothL1 : NoAttributes {  // the last input is beta, a number
  static constexpr const char* name = "smooth_l1";
  static constexpr PointwiseTraits traits{.arity = 3, .compute = Compute::kFloat};
};
struct SmoothL1Backward : NoAttributes {
  static constexpr const char* name = "smooth_l1_backward";
  static constexpr PointwiseTraits traits{.arity = 4, .compute = Compute::kFloat};
};
struct BinaryCrossEntropy : NoAttributes {
  static constexpr const char* name = "binary_cross_entropy";
  static constexpr const char* demand = "the input must lie in [0, 1]";
  static constexpr PointwiseTraits traits{.arity = 2, .compute = Compute::kFloat, .heavy = true};
};
struct BinaryCrossEntropyBackward : NoAttributes {
  static constexpr const char* name = "binary_cross_entropy_backward";
  static constexpr PointwiseTraits traits{.arity = 3, .compute = Compute::kFloat};
};
struct BinaryCrossEntropyTargetBackward : NoAttributes {
  static constexpr const char* name = "binary_cross_entropy_target_backward";
  static constexpr PointwiseTraits traits{.arity = 2, .compute = Compute::kFloat, .heavy = true};
};

// binary_cross_entropy stands first: it has a kernel of its own on the CPU.
using LossOps = OpList<BinaryCrossEntropy, SquaredDifference, SquaredDifferenceBackward,
                       AbsoluteDifference, AbsoluteDifferenceBackward, SmoothL1, SmoothL1Backward,
                       BinaryCrossEntropyBackward, BinaryCrossEntropyTargetBackward>;

}  // namespace entasis
