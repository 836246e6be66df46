// Division with a whole quotient and what it leaves, element by element; divisors. The operands'
// dtype stays. Integers divided by 0 raise ValueError: on the CPU and for a divisor that is a
// number at once, on CUDA at the next call that waits for the device. Quotients that no integer
// holds wrap.
#pragma once

#include <entasis/core/operand.h>

namespace entasis {

// How `div` rounds its quotient.
enum class Rounding : uint8_t {
  kFloor,  // down
  kTrunc,  // towards 0
};

// The quotient rounded down, as Python's //. Its gradient is 0.
ENTASIS_API Tensor floor_divide(const Operand& input, const Operand& other, Location at = {});
// input - other * floor(input / other): it has the sign of other, as Python's %.
ENTASIS_API Tensor remainder(const Operand& input, const Operand& other, Location at = {});
// input - other * trunc(input / other): it has the sign of input, as C's fmod. Exact.
ENTASIS_API Tensor fmod(const Operand& input, const Operand& other, Location at = {});
// The greatest common divisor, which is not negative, and the least common multiple of integers;
// of 0 and 0 both are 0. Floating-point operands raise DtypeError.
ENTASIS_API Tensor gcd(const Operand& input, const Operand& other, Location at = {});
ENTASIS_API Tensor lcm(const Operand& input, const Operand& other, Location at = {});

ENTASIS_API Tensor floor_divide_(Tensor input, const Operand& other, Location at = {});
ENTASIS_API Tensor remainder_(Tensor input, const Operand& other, Location at = {});
ENTASIS_API Tensor fmod_(Tensor input, const Operand& other, Location at = {});
ENTASIS_API Tensor gcd_(Tensor input, const Operand& other, Location at = {});
ENTASIS_API Tensor lcm_(Tensor input, const Operand& other, Location at = {});

inline Tensor operator%(In a, In b) { return remainder(a, b, a.at); }
inline Tensor operator%=(Tensor& a, In b) { return remainder_(a, b, b.at); }

}  // namespace entasis
