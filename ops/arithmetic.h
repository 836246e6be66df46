// Arithmetic, comparison and selection, element by element, with broadcasting and PyTorch's type
// promotion. Operands are tensors or numbers; a number never decides a dtype within its category.
//
// The in-place forms write into `input`, whose shape must be the broadcast shape and whose category
// (bool < integer < float) may not be below the result's. They raise DtypeError, ShapeError,
// AutogradError (a leaf that needs a gradient, a view in a graph).
#pragma once

#include <optional>

#include <entasis/core/operand.h>

namespace entasis {

// input + other, input - other, input * other.
ENTASIS_API Tensor add(const Operand& input, const Operand& other, Location at = {});
ENTASIS_API Tensor sub(const Operand& input, const Operand& other, Location at = {});
ENTASIS_API Tensor mul(const Operand& input, const Operand& other, Location at = {});
// True division: integers give f32.
ENTASIS_API Tensor div(const Operand& input, const Operand& other, Location at = {});
ENTASIS_API Tensor neg(const Tensor& input, Location at = {});
// |input|; the gradient at 0 is 0. The smallest signed integer stays itself.
ENTASIS_API Tensor abs(const Tensor& input, Location at = {});
// input to the power of exponent. Integers wrap; a negative integer exponent of an integer raises
// ValueError if it is a number.
ENTASIS_API Tensor pow(const Operand& input, const Operand& exponent, Location at = {});
// The larger, the smaller; NaN if either is. Equal elements share the gradient half and half.
ENTASIS_API Tensor maximum(const Operand& input, const Operand& other, Location at = {});
ENTASIS_API Tensor minimum(const Operand& input, const Operand& other, Location at = {});
// input limited to [min, max], which are numbers or tensors; at least one must be given
// (ValueError). NaN stays; max wins where they cross.
ENTASIS_API Tensor clamp(const Tensor& input, std::optional<Operand> min = {},
                         std::optional<Operand> max = {}, Location at = {});
ENTASIS_API Tensor clamp_min(const Tensor& input, const Operand& min, Location at = {});
ENTASIS_API Tensor clamp_max(const Tensor& input, const Operand& max, Location at = {});
// input where condition (bool) holds, other elsewhere.
ENTASIS_API Tensor where(const Tensor& condition, const Operand& input, const Operand& other,
                         Location at = {});

// Comparisons give bool tensors; anything compared with NaN is false, except by ne.
ENTASIS_API Tensor eq(const Operand& input, const Operand& other, Location at = {});
ENTASIS_API Tensor ne(const Operand& input, const Operand& other, Location at = {});
ENTASIS_API Tensor lt(const Operand& input, const Operand& other, Location at = {});
ENTASIS_API Tensor le(const Operand& input, const Operand& other, Location at = {});
ENTASIS_API Tensor gt(const Operand& input, const Operand& other, Location at = {});
ENTASIS_API Tensor ge(const Operand& input, const Operand& other, Location at = {});

ENTASIS_API Tensor abs_(Tensor input, Location at = {});
ENTASIS_API Tensor neg_(Tensor input, Location at = {});
ENTASIS_API Tensor clamp_(Tensor input, std::optional<Operand> min = {},
                          std::optional<Operand> max = {}, Location at = {});
ENTASIS_API Tensor clamp_min_(Tensor input, const Operand& min, Location at = {});
ENTASIS_API Tensor clamp_max_(Tensor input, const Operand& max, Location at = {});
ENTASIS_API Tensor add_(Tensor input, const Operand& other, Location at = {});
ENTASIS_API Tensor sub_(Tensor input, const Operand& other, Location at = {});
ENTASIS_API Tensor mul_(Tensor input, const Operand& other, Location at = {});
ENTASIS_API Tensor div_(Tensor input, const Operand& other, Location at = {});

inline Tensor operator+(In a, In b) { return add(a, b, a.at); }
inline Tensor operator-(In a, In b) { return sub(a, b, a.at); }
inline Tensor operator*(In a, In b) { return mul(a, b, a.at); }
inline Tensor operator/(In a, In b) { return div(a, b, a.at); }
inline Tensor operator-(In a) { return neg(a.tensor(), a.at); }
inline Tensor operator==(In a, In b) { return eq(a, b, a.at); }
inline Tensor operator!=(In a, In b) { return ne(a, b, a.at); }
inline Tensor operator<(In a, In b) { return lt(a, b, a.at); }
inline Tensor operator<=(In a, In b) { return le(a, b, a.at); }
inline Tensor operator>(In a, In b) { return gt(a, b, a.at); }
inline Tensor operator>=(In a, In b) { return ge(a, b, a.at); }
inline Tensor operator+=(Tensor& a, In b) { return add_(a, b, b.at); }
inline Tensor operator-=(Tensor& a, In b) { return sub_(a, b, b.at); }
inline Tensor operator*=(Tensor& a, In b) { return mul_(a, b, b.at); }
inline Tensor operator/=(Tensor& a, In b) { return div_(a, b, b.at); }

}  // namespace entasis
