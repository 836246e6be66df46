// Formulas on tensors: the texts of kernels/formulas instantiated on a value that is a tensor or a
// number and whose operators are public ops. That is the composed fallback of fused ops: slower,
// but differentiable any number of times (rule 7). A primitive is added here when a formula needs
// it.
#pragma once

#include <cmath>
#include <type_traits>
#include <utility>

#include <entasis/ops/arithmetic.h>
#include <entasis/ops/unary.h>

namespace entasis {

// Primitives without a public function.
Tensor erf(const Tensor& input, Location at = {});
Tensor erf_gaussian(const Tensor& input, Location at = {});

namespace composed {

// Numbers are folded, so that what a formula does with constants costs no op.
class Value {
 public:
  explicit Value(Tensor tensor) : tensor_(std::move(tensor)) {}
  template <class C>
    requires std::is_arithmetic_v<C>
  explicit Value(C constant) : number_(double(constant)) {}

  bool is_number() const { return !tensor_.defined(); }
  bool is(double constant) const { return is_number() && number_ == constant; }
  double number() const { return number_; }
  const Tensor& tensor() const { return tensor_; }
  operator Operand() const { return is_number() ? Operand(number_) : Operand(tensor_); }

 private:
  Tensor tensor_;
  double number_ = 0;
};

// A truth value for each element, or one for all.
class Mask {
 public:
  explicit Mask(Tensor tensor) : tensor_(std::move(tensor)) {}
  explicit Mask(bool constant) : constant_(constant) {}

  friend Value select(const Mask& condition, const Value& yes, const Value& no) {
    if (!condition.tensor_.defined()) return condition.constant_ ? yes : no;
    return Value(where(condition.tensor_, yes, no));
  }

 private:
  Tensor tensor_;
  bool constant_ = false;
};

inline Value operator+(const Value& a, const Value& b) {
  if (a.is_number() && b.is_number()) return Value(a.number() + b.number());
  if (a.is(0)) return b;
  if (b.is(0)) return a;
  return Value(add(a, b));
}
inline Value operator-(const Value& a) {
  return a.is_number() ? Value(-a.number()) : Value(neg(a.tensor()));
}
inline Value operator-(const Value& a, const Value& b) {
  if (a.is_number() && b.is_number()) return Value(a.number() - b.number());
  if (b.is(0)) return a;
  return Value(sub(a, b));
}
inline Value operator*(const Value& a, const Value& b) {
  if (a.is_number() && b.is_number()) return Value(a.number() * b.number());
  if (a.is(1)) return b;
  if (b.is(1)) return a;
  return Value(mul(a, b));
}
inline Value operator/(const Value& a, const Value& b) {
  if (a.is_number() && b.is_number()) return Value(a.number() / b.number());
  if (b.is(1)) return a;
  return Value(div(a, b));
}
inline Mask operator==(const Value& a, const Value& b) {
  if (a.is_number() && b.is_number()) return Mask(a.number() == b.number());
  return Mask(eq(a, b));
}
inline Mask operator<(const Value& a, const Value& b) {
  if (a.is_number() && b.is_number()) return Mask(a.number() < b.number());
  return Mask(lt(a, b));
}
inline Mask operator>(const Value& a, const Value& b) { return b < a; }
inline Mask operator>=(const Value& a, const Value& b) {
  if (a.is_number() && b.is_number()) return Mask(a.number() >= b.number());
  return Mask(ge(a, b));
}
inline Value maximum(const Value& a, const Value& b) { return Value(maximum(Operand(a), b)); }
inline Value minimum(const Value& a, const Value& b) { return Value(minimum(Operand(a), b)); }
inline Value abs(const Value& x) {
  return x.is_number() ? Value(std::abs(x.number())) : Value(abs(x.tensor()));
}
// The sign of a zero is not told: formulas use this where the derivative at 0 is set apart.
inline Value copysign(const Value& magnitude, const Value& sign) {
  return select(sign < Value(0), -abs(magnitude), abs(magnitude));
}
inline Value mul_add(const Value& a, const Value& b, const Value& c) { return a * b + c; }

inline Value exp(const Value& x) {
  return x.is_number() ? Value(std::exp(x.number())) : Value(exp(x.tensor()));
}
inline Value sigmoid(const Value& x) {
  return x.is_number() ? Value(1 / (1 + std::exp(-x.number()))) : Value(sigmoid(x.tensor()));
}
inline Value erf(const Value& x) {
  return x.is_number() ? Value(std::erf(x.number())) : Value(erf(x.tensor()));
}
inline Value erf_gaussian(const Value& x) {
  constexpr double kTwoOverSqrtPi = 1.1283791670955126;
  return x.is_number() ? Value(kTwoOverSqrtPi * std::exp(-x.number() * x.number()))
                       : Value(erf_gaussian(x.tensor()));
}

#define FORMULA inline
#include <entasis/kernels/formulas/primitives.inc>

#include <entasis/kernels/formulas/dual.inc>

}  // namespace composed
}  // namespace entasis
