// Choices between elements: extrema, limits, conditions, interpolation.
#pragma once

#include <optional>

#include <entasis/core/operand.h>

namespace entasis {

// The larger, the smaller; NaN if either is. Equal elements share the gradient half and half.
ENTASIS_API Tensor maximum(const Operand& input, const Operand& other, Location at = {});
ENTASIS_API Tensor minimum(const Operand& input, const Operand& other, Location at = {});
// The same where a number comes before NaN.
ENTASIS_API Tensor fmax(const Operand& input, const Operand& other, Location at = {});
ENTASIS_API Tensor fmin(const Operand& input, const Operand& other, Location at = {});
// input limited to [min, max], which are numbers or tensors; at least one must be given
// (ValueError). NaN stays; max wins where they cross.
ENTASIS_API Tensor clamp(const Tensor& input, std::optional<Operand> min = {},
                         std::optional<Operand> max = {}, Location at = {});
ENTASIS_API Tensor clamp_min(const Tensor& input, const Operand& min, Location at = {});
ENTASIS_API Tensor clamp_max(const Tensor& input, const Operand& max, Location at = {});
// input where condition (bool) holds, other elsewhere.
ENTASIS_API Tensor where(const Tensor& condition, const Operand& input, const Operand& other,
                         Location at = {});
// The indices of the elements that are not 0, a tensor for each dimension; a 0-d tensor counts as
// one of a single element. Waits for the device.
ENTASIS_API Tensors where(const Tensor& condition, Location at = {});
// 0 where input is negative or NaN, 1 where it is positive, `values` where it is 0. The dtypes must
// be the same (DtypeError). The gradient passes to `values`.
ENTASIS_API Tensor heaviside(const Tensor& input, const Tensor& values, Location at = {});
// input + weight * (end - input) for a number or a tensor of weights. All are of one floating-point
// dtype, but for weights that are numbers or 0-d (DtypeError).
ENTASIS_API Tensor lerp(const Tensor& input, const Tensor& end, const Operand& weight,
                        Location at = {});

ENTASIS_API Tensor clamp_(Tensor input, std::optional<Operand> min = {},
                          std::optional<Operand> max = {}, Location at = {});
ENTASIS_API Tensor clamp_min_(Tensor input, const Operand& min, Location at = {});
ENTASIS_API Tensor clamp_max_(Tensor input, const Operand& max, Location at = {});
ENTASIS_API Tensor heaviside_(Tensor input, const Tensor& values, Location at = {});
ENTASIS_API Tensor lerp_(Tensor input, const Tensor& end, const Operand& weight, Location at = {});

}  // namespace entasis
