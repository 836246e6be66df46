// Ops of logic.h.
#pragma once

#include <entasis/ops/pointwise_internal.h>

namespace entasis {

struct LogicalFunction : NoAttributes {
  static constexpr PointwiseTraits traits{.arity = 2, .gives_bool = true, .reads_truth = true};
};
struct LogicalAnd : LogicalFunction {
  static constexpr const char* name = "logical_and";
};
struct LogicalOr : LogicalFunction {
  static constexpr const char* name = "logical_or";
};
struct LogicalXor : LogicalFunction {
  static constexpr const char* name = "logical_xor";
};

struct BitwiseFunction : NoAttributes {  // of integers; bool is a matter of the logical ones
  static constexpr PointwiseTraits traits{.arity = 2, .takes_float = false, .modular = true};
};
struct BitwiseAnd : BitwiseFunction {
  static constexpr const char* name = "bitwise_and";
};
struct BitwiseOr : BitwiseFunction {
  static constexpr const char* name = "bitwise_or";
};
struct BitwiseXor : BitwiseFunction {
  static constexpr const char* name = "bitwise_xor";
};

// u64 is computed as i64, whose sign a right shift would spread.
struct Shift : NoAttributes {
  static constexpr PointwiseTraits traits{
      .arity = 2, .takes_bool = false, .takes_float = false, .orders = true};
};
struct BitwiseLeftShift : Shift {
  static constexpr const char* name = "bitwise_left_shift";
};
struct BitwiseRightShift : Shift {
  static constexpr const char* name = "bitwise_right_shift";
};

using LogicOps = OpList<LogicalAnd, LogicalOr, LogicalXor, BitwiseAnd, BitwiseOr, BitwiseXor,
                        BitwiseLeftShift, BitwiseRightShift>;

}  // namespace entasis
