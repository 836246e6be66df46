// Exponentials, logarithms, powers and roots, element by element. Integers and bool give f32, but
// for square. Each name with an underscore works in place and returns input.
#pragma once

#include <entasis/core/operand.h>

namespace entasis {

ENTASIS_API Tensor exp(const Tensor& input, Location at = {});
ENTASIS_API Tensor log(const Tensor& input, Location at = {});  // natural; log(0) = -inf, NaN below
ENTASIS_API Tensor exp2(const Tensor& input, Location at = {});  // 2 to the power of input
// exp(input) - 1 without cancellation
ENTASIS_API Tensor expm1(const Tensor& input, Location at = {});
ENTASIS_API Tensor log2(const Tensor& input, Location at = {});   // to the base 2
ENTASIS_API Tensor log10(const Tensor& input, Location at = {});  // to the base 10
// log(1 + input) without cancellation
ENTASIS_API Tensor log1p(const Tensor& input, Location at = {});
ENTASIS_API Tensor sqrt(const Tensor& input, Location at = {});  // NaN below 0
// 1 / sqrt(input): inf at 0, NaN below.
ENTASIS_API Tensor rsqrt(const Tensor& input, Location at = {});
ENTASIS_API Tensor reciprocal(const Tensor& input, Location at = {});  // 1 / input
// input * input; integers wrap, bool gives i64.
ENTASIS_API Tensor square(const Tensor& input, Location at = {});

ENTASIS_API Tensor exp_(Tensor input, Location at = {});
ENTASIS_API Tensor log_(Tensor input, Location at = {});
ENTASIS_API Tensor exp2_(Tensor input, Location at = {});
ENTASIS_API Tensor expm1_(Tensor input, Location at = {});
ENTASIS_API Tensor log2_(Tensor input, Location at = {});
ENTASIS_API Tensor log10_(Tensor input, Location at = {});
ENTASIS_API Tensor log1p_(Tensor input, Location at = {});
ENTASIS_API Tensor sqrt_(Tensor input, Location at = {});
ENTASIS_API Tensor rsqrt_(Tensor input, Location at = {});
ENTASIS_API Tensor reciprocal_(Tensor input, Location at = {});
ENTASIS_API Tensor square_(Tensor input, Location at = {});

}  // namespace entasis
