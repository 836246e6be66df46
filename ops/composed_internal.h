// Formulas on tensors: the texts of kernels/formulas instantiated on a value that is a tensor or a
// number and whose operators are public ops. That is the composed fallback of fused ops: slower,
// but differentiable any number of times (rule 7). A primitive is added here when a formula needs
// it.
#pragma once

#include <cmath>
#include <type_traits>
#include <utility>

#include <entasis/ops/arithmetic.h>
#include <entasis/ops/exponential.h>
#include <entasis/ops/factory.h>
#include <entasis/ops/pointwise_internal.h>
#include <entasis/ops/rounding.h>
#include <entasis/ops/special.h>
#include <entasis/ops/trigonometric.h>

namespace entasis {

// Functions without a row.
Tensor erf_gaussian(const Tensor& input, Location at = {});
Tensor trigamma(const Tensor& input, Location at = {});
Tensor tetragamma(const Tensor& input, Location at = {});

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
  // `dtype` is that of what was compared: two numbers have none to choose between.
  Mask(Tensor tensor, DType dtype) : tensor_(std::move(tensor)), dtype_(dtype) {}
  explicit Mask(bool constant) : constant_(constant) {}

  friend Value select(const Mask& condition, const Value& yes, const Value& no) {
    if (!condition.tensor_.defined()) return condition.constant_ ? yes : no;
    if (!yes.is_number() || !no.is_number()) {
      return Value(entasis::where(condition.tensor_, yes, no));
    }
    const TensorOptions options(condition.dtype_, condition.tensor_.device());
    return Value(entasis::where(condition.tensor_, scalar_tensor(yes.number(), options), no));
  }

 private:
  Tensor tensor_;
  DType dtype_ = kF32;
  bool constant_ = false;
};

inline DType dtype_of_both(const Value& a, const Value& b) {
  return a.is_number() ? b.tensor().dtype() : a.tensor().dtype();
}

inline Value operator+(const Value& a, const Value& b) {
  if (a.is_number() && b.is_number()) return Value(a.number() + b.number());
  if (a.is(0)) return b;
  if (b.is(0)) return a;
  return Value(entasis::add(a, b));
}
inline Value operator-(const Value& a) {
  return a.is_number() ? Value(-a.number()) : Value(entasis::neg(a.tensor()));
}
inline Value operator-(const Value& a, const Value& b) {
  if (a.is_number() && b.is_number()) return Value(a.number() - b.number());
  if (b.is(0)) return a;
  return Value(entasis::sub(a, b));
}
inline Value operator*(const Value& a, const Value& b) {
  if (a.is_number() && b.is_number()) return Value(a.number() * b.number());
  if (a.is(1)) return b;
  if (b.is(1)) return a;
  return Value(entasis::mul(a, b));
}
inline Value operator/(const Value& a, const Value& b) {
  if (a.is_number() && b.is_number()) return Value(a.number() / b.number());
  if (b.is(1)) return a;
  return Value(entasis::div(a, b));
}
inline Mask operator==(const Value& a, const Value& b) {
  if (a.is_number() && b.is_number()) return Mask(a.number() == b.number());
  return Mask(entasis::eq(a, b), dtype_of_both(a, b));
}
inline Mask operator<(const Value& a, const Value& b) {
  if (a.is_number() && b.is_number()) return Mask(a.number() < b.number());
  return Mask(entasis::lt(a, b), dtype_of_both(a, b));
}
inline Mask operator>(const Value& a, const Value& b) { return b < a; }
inline Mask operator>=(const Value& a, const Value& b) {
  if (a.is_number() && b.is_number()) return Mask(a.number() >= b.number());
  return Mask(entasis::ge(a, b), dtype_of_both(a, b));
}
inline Mask operator<=(const Value& a, const Value& b) { return b >= a; }
inline Value maximum(const Value& a, const Value& b) {
  return Value(entasis::maximum(Operand(a), b));
}
inline Value minimum(const Value& a, const Value& b) {
  return Value(entasis::minimum(Operand(a), b));
}

// A function of one value: of a number, or of a tensor.
template <Tensor (*of_tensor)(const Tensor&, Location)>
Value function(const Value& x, double (*of_number)(double)) {
  return x.is_number() ? Value(of_number(x.number())) : Value(of_tensor(x.tensor(), {}));
}
inline Value abs(const Value& x) { return function<&entasis::abs>(x, &std::abs); }
inline Value sqrt(const Value& x) { return function<&entasis::sqrt>(x, &std::sqrt); }
inline Value exp(const Value& x) { return function<&entasis::exp>(x, &std::exp); }
inline Value log(const Value& x) { return function<&entasis::log>(x, &std::log); }
inline Value tanh(const Value& x) { return function<&entasis::tanh>(x, &std::tanh); }
inline Value erf(const Value& x) { return function<&entasis::erf>(x, &std::erf); }
inline Value exp2(const Value& x) { return function<&entasis::exp2>(x, &std::exp2); }
inline Value expm1(const Value& x) { return function<&entasis::expm1>(x, &std::expm1); }
inline Value log2(const Value& x) { return function<&entasis::log2>(x, &std::log2); }
inline Value log10(const Value& x) { return function<&entasis::log10>(x, &std::log10); }
inline Value log1p(const Value& x) { return function<&entasis::log1p>(x, &std::log1p); }
inline Value sin(const Value& x) { return function<&entasis::sin>(x, &std::sin); }
inline Value cos(const Value& x) { return function<&entasis::cos>(x, &std::cos); }
inline Value tan(const Value& x) { return function<&entasis::tan>(x, &std::tan); }
inline Value sinh(const Value& x) { return function<&entasis::sinh>(x, &std::sinh); }
inline Value cosh(const Value& x) { return function<&entasis::cosh>(x, &std::cosh); }
inline Value sigmoid(const Value& x) {
  return function<&entasis::sigmoid>(x, [](double v) { return 1 / (1 + std::exp(-v)); });
}
inline Value erf_gaussian(const Value& x) {
  return function<&entasis::erf_gaussian>(
      x, [](double v) { return 1.1283791670955126 * std::exp(-v * v); });
}
// Functions that formulas call for tensors alone.
inline Value sinc(const Value& x) { return Value(entasis::sinc(x.tensor())); }
inline Value digamma(const Value& x) { return Value(entasis::digamma(x.tensor())); }
inline Value trigamma(const Value& x) { return Value(entasis::trigamma(x.tensor())); }
inline Value tetragamma(const Value& x) { return Value(entasis::tetragamma(x.tensor())); }
// The multiple of pi is rounded, as PyTorch's is.
inline Value cospi(const Value& x) { return cos(x * Value(3.14159265358979324)); }
inline Value sinpi(const Value& x) { return sin(x * Value(3.14159265358979324)); }
// The sign of a zero is not told: formulas use this where the derivative at 0 is set apart.
inline Value copysign(const Value& magnitude, const Value& sign) {
  return select(sign < Value(0), -abs(magnitude), abs(magnitude));
}
inline Value mul_add(const Value& a, const Value& b, const Value& c) { return a * b + c; }

#define FORMULA inline
#include <entasis_formulas.inc>

// The last derivative of digamma that has a formula.
inline Dual<Value> tetragamma(const Dual<Value>&) {
  throw AutogradError("the third derivative of digamma is not implemented");
}

}  // namespace composed
}  // namespace entasis
