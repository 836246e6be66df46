// Ops of division.h. Integers that are divided by 0 give something, and their kernels an error.
#pragma once

#include <entasis/core/row.h>
#include <entasis/ops/division.h>
#include <entasis/ops/pointwise_internal.h>

namespace entasis {

template <>
struct EnumNames<Rounding> {
  static constexpr const char* names[] = {"floor", "trunc"};
};

struct Division : NoAttributes {
  static constexpr PointwiseTraits traits{
      .arity = 2, .takes_bool = false, .orders = true, .heavy = true};
  static constexpr const char* demand = "integers are divided by 0";
};
struct FloorDivide : Division {
  static constexpr const char* name = "floor_divide";
};
struct TruncDivide : Division {
  static constexpr const char* name = "trunc_divide";
};
struct Remainder : Division {
  static constexpr const char* name = "remainder";
};
struct Fmod : Division {
  static constexpr const char* name = "fmod";
};
using DivisionOps = OpList<FloorDivide, TruncDivide, Remainder, Fmod>;

// Of integers; of 0 and 0 both give 0.
struct Gcd : NoAttributes {
  static constexpr const char* name = "gcd";
  static constexpr PointwiseTraits traits{
      .arity = 2, .takes_bool = false, .takes_float = false, .orders = true, .heavy = true};
};
struct Lcm : NoAttributes {
  static constexpr const char* name = "lcm";
  static constexpr PointwiseTraits traits = Gcd::traits;
};
using DivisorOps = OpList<Gcd, Lcm>;

// div and div_ with a rounding mode, under the caller's name.
Tensor divide_rounded(const Operand& input, const Operand& other, Rounding rounding, Location at);
Tensor divide_rounded_(const Tensor& input, const Operand& other, Rounding rounding, Location at);

}  // namespace entasis
