// Rounding and signs, element by element. Integers keep their dtype. Each name with an underscore
// works in place and returns input.
#pragma once

#include <optional>

#include <entasis/core/operand.h>

namespace entasis {

// Steps, whose gradient is 0. Integers stay as they are; bool raises DtypeError.
ENTASIS_API Tensor floor(const Tensor& input, Location at = {});  // the next integer not above
ENTASIS_API Tensor ceil(const Tensor& input, Location at = {});   // the next integer not below
ENTASIS_API Tensor trunc(const Tensor& input, Location at = {});  // the next integer towards 0
// The nearest multiple of 10^-decimals, halves to even, computed as round(input·10^d) / 10^d.
// Integers raise DtypeError unless decimals is 0.
ENTASIS_API Tensor round(const Tensor& input, int64_t decimals = 0, Location at = {});
// input - trunc(input), with the gradient 1; NaN at ±inf, as in PyTorch.
ENTASIS_API Tensor frac(const Tensor& input, Location at = {});
// -1, 0 or 1; 0 at NaN, as in PyTorch. Of bool: itself.
ENTASIS_API Tensor sign(const Tensor& input, Location at = {});
// input itself; bool raises DtypeError.
ENTASIS_API Tensor positive(const Tensor& input, Location at = {});
// input with NaN and the infinities replaced, by the largest and the smallest finite number of the
// dtype unless told otherwise. What is replaced has the gradient 0. Integers and bool are copied.
ENTASIS_API Tensor nan_to_num(const Tensor& input, double nan = 0.0,
                              std::optional<double> posinf = {}, std::optional<double> neginf = {},
                              Location at = {});

ENTASIS_API Tensor floor_(Tensor input, Location at = {});
ENTASIS_API Tensor ceil_(Tensor input, Location at = {});
ENTASIS_API Tensor trunc_(Tensor input, Location at = {});
ENTASIS_API Tensor round_(Tensor input, int64_t decimals = 0, Location at = {});
ENTASIS_API Tensor frac_(Tensor input, Location at = {});
ENTASIS_API Tensor sign_(Tensor input, Location at = {});
ENTASIS_API Tensor nan_to_num_(Tensor input, double nan = 0.0, std::optional<double> posinf = {},
                               std::optional<double> neginf = {}, Location at = {});

}  // namespace entasis
