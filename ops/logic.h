// Logic of truth values, and of the bits of integers, element by element. None has a gradient.
#pragma once

#include <entasis/core/operand.h>
#include <entasis/ops/predicate.h>

namespace entasis {

// Of any dtype: everything but 0 is true, NaN too. Bool tensors; in place 0 and 1 in input's dtype.
ENTASIS_API Tensor logical_and(const Operand& input, const Operand& other, Location at = {});
ENTASIS_API Tensor logical_or(const Operand& input, const Operand& other, Location at = {});
ENTASIS_API Tensor logical_xor(const Operand& input, const Operand& other, Location at = {});
ENTASIS_API Tensor logical_and_(Tensor input, const Operand& other, Location at = {});
ENTASIS_API Tensor logical_or_(Tensor input, const Operand& other, Location at = {});
ENTASIS_API Tensor logical_xor_(Tensor input, const Operand& other, Location at = {});

// Of integers and bool; floating-point operands raise DtypeError.
ENTASIS_API Tensor bitwise_and(const Operand& input, const Operand& other, Location at = {});
ENTASIS_API Tensor bitwise_or(const Operand& input, const Operand& other, Location at = {});
ENTASIS_API Tensor bitwise_xor(const Operand& input, const Operand& other, Location at = {});
ENTASIS_API Tensor bitwise_and_(Tensor input, const Operand& other, Location at = {});
ENTASIS_API Tensor bitwise_or_(Tensor input, const Operand& other, Location at = {});
ENTASIS_API Tensor bitwise_xor_(Tensor input, const Operand& other, Location at = {});

// input moved by `other` bits. A distance that is negative or reaches the dtype's width moves
// everything out: 0 remains, or -1 of a negative number moved to the right.
ENTASIS_API Tensor bitwise_left_shift(const Operand& input, const Operand& other, Location at = {});
ENTASIS_API Tensor bitwise_right_shift(const Operand& input, const Operand& other,
                                       Location at = {});
ENTASIS_API Tensor bitwise_left_shift_(Tensor input, const Operand& other, Location at = {});
ENTASIS_API Tensor bitwise_right_shift_(Tensor input, const Operand& other, Location at = {});

inline Tensor operator&(In a, In b) { return bitwise_and(a, b, a.at); }
inline Tensor operator|(In a, In b) { return bitwise_or(a, b, a.at); }
inline Tensor operator^(In a, In b) { return bitwise_xor(a, b, a.at); }
inline Tensor operator<<(In a, In b) { return bitwise_left_shift(a, b, a.at); }
inline Tensor operator>>(In a, In b) { return bitwise_right_shift(a, b, a.at); }
inline Tensor operator~(In a) { return bitwise_not(a.tensor(), a.at); }
inline Tensor operator&=(Tensor& a, In b) { return bitwise_and_(a, b, b.at); }
inline Tensor operator|=(Tensor& a, In b) { return bitwise_or_(a, b, b.at); }
inline Tensor operator^=(Tensor& a, In b) { return bitwise_xor_(a, b, b.at); }
inline Tensor operator<<=(Tensor& a, In b) { return bitwise_left_shift_(a, b, b.at); }
inline Tensor operator>>=(Tensor& a, In b) { return bitwise_right_shift_(a, b, b.at); }

}  // namespace entasis
