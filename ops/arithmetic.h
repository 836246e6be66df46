// Sums, differences, products and quotients, element by element, with broadcasting and PyTorch's
// type promotion. Operands are tensors or numbers; a number never decides a dtype within its
// category. The functions that rules and users need beside them come along.
//
// The in-place forms write into `input`, whose shape must be the broadcast shape and whose category
// (bool < integer < float) may not be below the result's. They raise DtypeError, ShapeError,
// AutogradError (a leaf that needs a gradient, a view in a graph).
#pragma once

#include <optional>

#include <entasis/core/operand.h>
#include <entasis/ops/comparison.h>
#include <entasis/ops/division.h>
#include <entasis/ops/logic.h>
#include <entasis/ops/power.h>
#include <entasis/ops/selection.h>

namespace entasis {

// input + alpha * other, input - alpha * other, alpha * input taken from other. A floating-point
// alpha for integers raises DtypeError, one that is a bool for anything but bool too.
ENTASIS_API Tensor add(const Operand& input, const Operand& other, Number alpha = 1,
                       Location at = {});
ENTASIS_API Tensor sub(const Operand& input, const Operand& other, Number alpha = 1,
                       Location at = {});
ENTASIS_API Tensor rsub(const Operand& input, const Operand& other, Number alpha = 1,
                        Location at = {});
// input * other.
ENTASIS_API Tensor mul(const Operand& input, const Operand& other, Location at = {});
// The quotient: without a rounding mode true division, of which integers give f32; else rounded
// down or towards 0, in the operands' dtype. Integers divided by 0 raise ValueError with a rounding
// mode, on CUDA at the next call that waits for the device.
ENTASIS_API Tensor div(const Operand& input, const Operand& other,
                       std::optional<Rounding> rounding_mode = {}, Location at = {});
ENTASIS_API Tensor neg(const Tensor& input, Location at = {});
// |input|; the gradient at 0 is 0. The smallest signed integer stays itself.
ENTASIS_API Tensor abs(const Tensor& input, Location at = {});
// input + value * tensor1 * tensor2, input + value * tensor1 / tensor2. The second takes
// floating-point quotients only: two integer tensors raise DtypeError.
ENTASIS_API Tensor addcmul(const Tensor& input, const Tensor& tensor1, const Tensor& tensor2,
                           Number value = 1, Location at = {});
ENTASIS_API Tensor addcdiv(const Tensor& input, const Tensor& tensor1, const Tensor& tensor2,
                           Number value = 1, Location at = {});

ENTASIS_API Tensor abs_(Tensor input, Location at = {});
ENTASIS_API Tensor neg_(Tensor input, Location at = {});
ENTASIS_API Tensor add_(Tensor input, const Operand& other, Number alpha = 1, Location at = {});
ENTASIS_API Tensor sub_(Tensor input, const Operand& other, Number alpha = 1, Location at = {});
ENTASIS_API Tensor mul_(Tensor input, const Operand& other, Location at = {});
ENTASIS_API Tensor div_(Tensor input, const Operand& other,
                        std::optional<Rounding> rounding_mode = {}, Location at = {});
ENTASIS_API Tensor addcmul_(Tensor input, const Tensor& tensor1, const Tensor& tensor2,
                            Number value = 1, Location at = {});
ENTASIS_API Tensor addcdiv_(Tensor input, const Tensor& tensor1, const Tensor& tensor2,
                            Number value = 1, Location at = {});

// The same by their long names.
ENTASIS_API Tensor subtract(const Operand& input, const Operand& other, Number alpha = 1,
                            Location at = {});
ENTASIS_API Tensor multiply(const Operand& input, const Operand& other, Location at = {});
ENTASIS_API Tensor divide(const Operand& input, const Operand& other,
                          std::optional<Rounding> rounding_mode = {}, Location at = {});
ENTASIS_API Tensor true_divide(const Operand& input, const Operand& other, Location at = {});
ENTASIS_API Tensor subtract_(Tensor input, const Operand& other, Number alpha = 1,
                             Location at = {});
ENTASIS_API Tensor multiply_(Tensor input, const Operand& other, Location at = {});
ENTASIS_API Tensor divide_(Tensor input, const Operand& other,
                           std::optional<Rounding> rounding_mode = {}, Location at = {});
ENTASIS_API Tensor true_divide_(Tensor input, const Operand& other, Location at = {});

// With the caller's line alone.
inline Tensor add(const Operand& input, const Operand& other, Location at) {
  return add(input, other, 1, at);
}
inline Tensor sub(const Operand& input, const Operand& other, Location at) {
  return sub(input, other, 1, at);
}
inline Tensor div(const Operand& input, const Operand& other, Location at) {
  return div(input, other, std::nullopt, at);
}
inline Tensor add_(const Tensor& input, const Operand& other, Location at) {
  return add_(input, other, 1, at);
}
inline Tensor sub_(const Tensor& input, const Operand& other, Location at) {
  return sub_(input, other, 1, at);
}
inline Tensor div_(const Tensor& input, const Operand& other, Location at) {
  return div_(input, other, std::nullopt, at);
}

inline Tensor operator+(In a, In b) { return add(a, b, a.at); }
inline Tensor operator-(In a, In b) { return sub(a, b, a.at); }
inline Tensor operator*(In a, In b) { return mul(a, b, a.at); }
inline Tensor operator/(In a, In b) { return div(a, b, a.at); }
inline Tensor operator-(In a) { return neg(a.tensor(), a.at); }
inline Tensor operator+=(Tensor& a, In b) { return add_(a, b, b.at); }
inline Tensor operator-=(Tensor& a, In b) { return sub_(a, b, b.at); }
inline Tensor operator*=(Tensor& a, In b) { return mul_(a, b, b.at); }
inline Tensor operator/=(Tensor& a, In b) { return div_(a, b, b.at); }

}  // namespace entasis
