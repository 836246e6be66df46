// Ops of predicate.h.
#pragma once

#include <entasis/ops/pointwise_internal.h>

namespace entasis {

struct Predicate : NoAttributes {
  static constexpr PointwiseTraits traits{.arity = 1, .gives_bool = true, .reads_truth = true};
};
struct IsNan : Predicate {
  static constexpr const char* name = "isnan";
};
struct IsInf : Predicate {
  static constexpr const char* name = "isinf";
};
struct IsFinite : Predicate {
  static constexpr const char* name = "isfinite";
};
struct IsPosInf : Predicate {
  static constexpr const char* name = "isposinf";
};
struct IsNegInf : Predicate {
  static constexpr const char* name = "isneginf";
};
struct SignBit : NoAttributes {
  static constexpr const char* name = "signbit";
  static constexpr PointwiseTraits traits{.arity = 1, .gives_bool = true, .orders = true};
};
struct LogicalNot : Predicate {
  static constexpr const char* name = "logical_not";
};
struct BitwiseNot : NoAttributes {  // of integers
  static constexpr const char* name = "bitwise_not";
  static constexpr PointwiseTraits traits{.arity = 1, .takes_bool = false};
};

using PredicateOps =
    OpList<IsNan, IsInf, IsFinite, IsPosInf, IsNegInf, SignBit, LogicalNot, BitwiseNot>;

}  // namespace entasis
