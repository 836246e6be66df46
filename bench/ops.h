// The walk over the op set: rows op/<name>/<n> and op_backward/<name>/<n>, one line an op, written
// once for all libraries with tensors; ops are found by the tensors that they take.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "rows.h"
#include "workload.h"

namespace entasis::bench {

// What ops take: n numbers each.
template <class Lib>
struct OpInputs {
  using Tensor = typename Lib::Tensor;
  Tensor x, y, z;   // normal
  Tensor positive;  // e^normal
  Tensor above;     // above 1
  Tensor unit;      // in (-1, 1)
  Tensor chance;    // in (0, 1)
  Tensor mask;      // of bools
  Tensor integers;  // in [0, 100)
  Tensor counts;    // in [1, 100]
  int64_t rows = 1;
  Tensor m, row, index;  // [rows, columns]; columns numbers, rows places along dimension 0

  explicit OpInputs(int64_t n)
      : x(Lib::randn({n})),
        y(Lib::randn({n})),
        z(Lib::randn({n})),
        positive(exp(x)),
        above(positive + 1),
        unit(tanh(x)),
        chance(sigmoid(x)),
        mask(gt(x, 0)),
        integers(Lib::randint(100, {n})),
        counts(Lib::randint(100, {n}) + 1) {
    while (rows * rows < n) rows *= 2;
    m = Lib::matrix(x, rows, n / rows);
    row = Lib::randn({n / rows});
    index = Lib::randint(rows, {rows});
  }
};

template <class Lib>
struct OpWork {
  using Tensor = typename Lib::Tensor;
  using Inputs = OpInputs<Lib>;
  const char* family;
  const char* name;
  int operands;  // of n numbers of 4 bytes, with the result
  Tensor (*run)(const Inputs&);
  Tensor Inputs::*leaf = nullptr;  // what the gradient is for; null: there is none
};

template <class Lib>
const std::vector<OpWork<Lib>>& op_works() {
  using In = OpInputs<Lib>;
  constexpr auto kX = &In::x;
  constexpr auto kM = &In::m;
  static const std::vector<OpWork<Lib>> all = {
      // clang-format off
      {"light", "abs", 2, [](const In& i) { return abs(i.x); }, kX},
      {"light", "neg", 2, [](const In& i) { return neg(i.x); }},
      {"light", "sign", 2, [](const In& i) { return sign(i.x); }},
      {"light", "square", 2, [](const In& i) { return square(i.x); }, kX},
      {"light", "reciprocal", 2, [](const In& i) { return reciprocal(i.positive); }, &In::positive},
      {"light", "sqrt", 2, [](const In& i) { return sqrt(i.positive); }, &In::positive},
      {"light", "rsqrt", 2, [](const In& i) { return rsqrt(i.positive); }, &In::positive},
      {"light", "floor", 2, [](const In& i) { return floor(i.x); }},
      {"light", "ceil", 2, [](const In& i) { return ceil(i.x); }},
      {"light", "round", 2, [](const In& i) { return round(i.x); }},
      {"light", "round_decimals", 2, [](const In& i) { return round(i.x, 2); }},
      {"light", "trunc", 2, [](const In& i) { return trunc(i.x); }},
      {"light", "frac", 2, [](const In& i) { return frac(i.x); }},
      {"light", "isnan", 2, [](const In& i) { return isnan(i.x); }},
      {"light", "isinf", 2, [](const In& i) { return isinf(i.x); }},
      {"light", "isfinite", 2, [](const In& i) { return isfinite(i.x); }},
      {"light", "isposinf", 2, [](const In& i) { return isposinf(i.x); }},
      {"light", "isneginf", 2, [](const In& i) { return isneginf(i.x); }},
      {"light", "signbit", 2, [](const In& i) { return signbit(i.x); }},
      {"light", "logical_not", 2, [](const In& i) { return logical_not(i.x); }},
      {"light", "bitwise_not", 4, [](const In& i) { return bitwise_not(i.integers); }},
      {"light", "clamp", 2, [](const In& i) { return clamp(i.x, -1, 1); }, kX},
      {"light", "clamp_min", 2, [](const In& i) { return clamp_min(i.x, -1); }, kX},
      {"light", "clamp_max", 2, [](const In& i) { return clamp_max(i.x, 1); }, kX},
      {"light", "nan_to_num", 2, [](const In& i) { return nan_to_num(i.x); }, kX},
      {"light", "deg2rad", 2, [](const In& i) { return deg2rad(i.x); }, kX},
      {"light", "rad2deg", 2, [](const In& i) { return rad2deg(i.x); }, kX},

      {"transcendental", "exp", 2, [](const In& i) { return exp(i.x); }, kX},
      {"transcendental", "exp2", 2, [](const In& i) { return exp2(i.x); }, kX},
      {"transcendental", "expm1", 2, [](const In& i) { return expm1(i.x); }, kX},
      {"transcendental", "log", 2, [](const In& i) { return log(i.positive); }, &In::positive},
      {"transcendental", "log2", 2, [](const In& i) { return log2(i.positive); }, &In::positive},
      {"transcendental", "log10", 2, [](const In& i) { return log10(i.positive); }, &In::positive},
      {"transcendental", "log1p", 2, [](const In& i) { return log1p(i.positive); }, &In::positive},
      {"transcendental", "sin", 2, [](const In& i) { return sin(i.x); }, kX},
      {"transcendental", "cos", 2, [](const In& i) { return cos(i.x); }, kX},
      {"transcendental", "tan", 2, [](const In& i) { return tan(i.x); }, kX},
      {"transcendental", "asin", 2, [](const In& i) { return asin(i.unit); }, &In::unit},
      {"transcendental", "acos", 2, [](const In& i) { return acos(i.unit); }, &In::unit},
      {"transcendental", "atan", 2, [](const In& i) { return atan(i.x); }, kX},
      {"transcendental", "sinh", 2, [](const In& i) { return sinh(i.x); }, kX},
      {"transcendental", "cosh", 2, [](const In& i) { return cosh(i.x); }, kX},
      {"transcendental", "tanh", 2, [](const In& i) { return tanh(i.x); }, kX},
      {"transcendental", "asinh", 2, [](const In& i) { return asinh(i.x); }, kX},
      {"transcendental", "acosh", 2, [](const In& i) { return acosh(i.above); }, &In::above},
      {"transcendental", "atanh", 2, [](const In& i) { return atanh(i.unit); }, &In::unit},
      {"transcendental", "erf", 2, [](const In& i) { return erf(i.x); }, kX},
      {"transcendental", "erfc", 2, [](const In& i) { return erfc(i.x); }, kX},
      {"transcendental", "erfinv", 2, [](const In& i) { return erfinv(i.unit); }, &In::unit},
      {"transcendental", "lgamma", 2, [](const In& i) { return lgamma(i.x); }, kX},
      {"transcendental", "digamma", 2, [](const In& i) { return digamma(i.x); }, kX},
      {"transcendental", "sinc", 2, [](const In& i) { return sinc(i.x); }, kX},
      {"transcendental", "sigmoid", 2, [](const In& i) { return sigmoid(i.x); }, kX},
      {"transcendental", "logit", 2, [](const In& i) { return logit(i.chance); }, &In::chance},
      {"transcendental", "pow", 3, [](const In& i) { return pow(i.positive, i.y); }, &In::positive},

      {"activation", "relu", 2, [](const In& i) { return relu(i.x); }, kX},
      {"activation", "relu6", 2, [](const In& i) { return relu6(i.x); }, kX},
      {"activation", "leaky_relu", 2, [](const In& i) { return leaky_relu(i.x, 0.01); }, kX},
      {"activation", "prelu", 2, [](const In& i) { return prelu(i.m, i.row); }, kM},
      {"activation", "threshold", 2, [](const In& i) { return threshold(i.x, 0.5, 1); }, kX},
      {"activation", "hardtanh", 2, [](const In& i) { return hardtanh(i.x); }, kX},
      {"activation", "hardsigmoid", 2, [](const In& i) { return hardsigmoid(i.x); }, kX},
      {"activation", "hardswish", 2, [](const In& i) { return hardswish(i.x); }, kX},
      {"activation", "hardshrink", 2, [](const In& i) { return hardshrink(i.x); }, kX},
      {"activation", "softshrink", 2, [](const In& i) { return softshrink(i.x); }, kX},
      {"activation", "softsign", 2, [](const In& i) { return Lib::softsign(i.x); }, kX},
      {"exponential activation", "elu", 2, [](const In& i) { return elu(i.x); }, kX},
      {"exponential activation", "celu", 2, [](const In& i) { return celu(i.x); }, kX},
      {"exponential activation", "selu", 2, [](const In& i) { return selu(i.x); }, kX},
      {"exponential activation", "gelu", 2, [](const In& i) { return gelu(i.x); }, kX},
      {"exponential activation", "gelu_tanh", 2, [](const In& i) { return Lib::gelu_tanh(i.x); }, kX},
      {"exponential activation", "silu", 2, [](const In& i) { return silu(i.x); }, kX},
      {"exponential activation", "mish", 2, [](const In& i) { return mish(i.x); }, kX},
      {"exponential activation", "softplus", 2, [](const In& i) { return softplus(i.x); }, kX},
      {"exponential activation", "logsigmoid", 2, [](const In& i) { return Lib::logsigmoid(i.x); }, kX},
      {"exponential activation", "tanhshrink", 2, [](const In& i) { return Lib::tanhshrink(i.x); }, kX},
      {"exponential activation", "glu", 2, [](const In& i) { return glu(i.m, -1); }, kM},

      {"binary", "add", 3, [](const In& i) { return add(i.x, i.y); }, kX},
      {"binary", "sub", 3, [](const In& i) { return sub(i.x, i.y); }, kX},
      {"binary", "mul", 3, [](const In& i) { return mul(i.x, i.y); }, kX},
      {"binary", "div", 3, [](const In& i) { return div(i.x, i.y); }, kX},
      {"binary", "maximum", 3, [](const In& i) { return maximum(i.x, i.y); }, kX},
      {"binary", "minimum", 3, [](const In& i) { return minimum(i.x, i.y); }, kX},
      {"binary", "where", 3, [](const In& i) { return where(i.mask, i.x, i.y); }, kX},
      {"binary", "fmax", 3, [](const In& i) { return fmax(i.x, i.y); }, kX},
      {"binary", "fmin", 3, [](const In& i) { return fmin(i.x, i.y); }, kX},
      {"binary", "copysign", 3, [](const In& i) { return copysign(i.x, i.y); }, kX},
      {"binary", "nextafter", 3, [](const In& i) { return nextafter(i.x, i.y); }},
      {"binary", "heaviside", 3, [](const In& i) { return heaviside(i.x, i.y); }},
      {"binary", "floor_divide", 3, [](const In& i) { return floor_divide(i.x, i.y); }},
      {"binary", "floor_divide_integers", 6, [](const In& i) { return floor_divide(i.integers, i.counts); }},
      {"binary", "remainder", 3, [](const In& i) { return remainder(i.x, i.y); }, kX},
      {"binary", "remainder_integers", 6, [](const In& i) { return remainder(i.integers, i.counts); }},
      {"binary", "fmod", 3, [](const In& i) { return fmod(i.x, i.y); }, kX},
      {"binary", "gcd", 6, [](const In& i) { return gcd(i.integers, i.counts); }},
      {"binary", "lcm", 6, [](const In& i) { return lcm(i.integers, i.counts); }},
      {"binary", "logical_and", 1, [](const In& i) { return logical_and(i.mask, i.mask); }},
      {"binary", "logical_or", 1, [](const In& i) { return logical_or(i.mask, i.mask); }},
      {"binary", "logical_xor", 2, [](const In& i) { return logical_xor(i.x, i.y); }},
      {"binary", "bitwise_and", 6, [](const In& i) { return bitwise_and(i.integers, i.counts); }},
      {"binary", "bitwise_or", 6, [](const In& i) { return bitwise_or(i.integers, i.counts); }},
      {"binary", "bitwise_xor", 1, [](const In& i) { return bitwise_xor(i.mask, i.mask); }},
      {"binary", "bitwise_left_shift", 4, [](const In& i) { return bitwise_left_shift(i.integers, 3); }},
      {"binary", "bitwise_right_shift", 4, [](const In& i) { return bitwise_right_shift(i.integers, 3); }},
      {"binary", "addcmul", 4, [](const In& i) { return addcmul(i.x, i.y, i.z); }, kX},
      {"binary", "addcdiv", 4, [](const In& i) { return addcdiv(i.x, i.y, i.z); }, kX},
      {"binary", "lerp", 3, [](const In& i) { return lerp(i.x, i.y, 0.3); }, kX},
      {"transcendental", "atan2", 3, [](const In& i) { return atan2(i.x, i.y); }, kX},
      {"transcendental", "hypot", 3, [](const In& i) { return hypot(i.x, i.y); }, kX},
      {"transcendental", "logaddexp", 3, [](const In& i) { return logaddexp(i.x, i.y); }, kX},
      {"transcendental", "logaddexp2", 3, [](const In& i) { return logaddexp2(i.x, i.y); }, kX},
      {"transcendental", "xlogy", 3, [](const In& i) { return xlogy(i.x, i.positive); }, kX},
      {"transcendental", "ldexp", 4, [](const In& i) { return ldexp(i.x, i.integers); }, kX},
      {"transcendental", "float_power", 5, [](const In& i) { return float_power(i.positive, i.y); }},
      {"comparison", "isclose", 2, [](const In& i) { return isclose(i.x, i.y); }},
      {"comparison", "eq", 2, [](const In& i) { return eq(i.x, i.y); }},
      {"comparison", "ne", 2, [](const In& i) { return ne(i.x, i.y); }},
      {"comparison", "lt", 2, [](const In& i) { return lt(i.x, i.y); }},
      {"comparison", "le", 2, [](const In& i) { return le(i.x, i.y); }},
      {"comparison", "gt", 2, [](const In& i) { return gt(i.x, i.y); }},
      {"comparison", "ge", 2, [](const In& i) { return ge(i.x, i.y); }},

      {"reduction", "sum", 1, [](const In& i) { return Lib::sum(i.m, {0, 1}); }, kM},
      {"reduction", "sum_rows", 1, [](const In& i) { return Lib::sum(i.m, {1}); }, kM},
      {"reduction", "sum_columns", 1, [](const In& i) { return Lib::sum(i.m, {0}); }, kM},
      {"reduction", "mean", 1, [](const In& i) { return Lib::mean(i.m, {0, 1}); }, kM},
      {"reduction", "mean_rows", 1, [](const In& i) { return Lib::mean(i.m, {1}); }, kM},
      {"reduction", "mean_columns", 1, [](const In& i) { return Lib::mean(i.m, {0}); }, kM},
      {"reduction", "amax", 1, [](const In& i) { return Lib::amax(i.m, {0, 1}); }, kM},
      {"reduction", "amax_rows", 1, [](const In& i) { return Lib::amax(i.m, {1}); }, kM},
      {"reduction", "amax_columns", 1, [](const In& i) { return Lib::amax(i.m, {0}); }, kM},
      {"reduction", "amin", 1, [](const In& i) { return Lib::amin(i.m, {0, 1}); }, kM},
      {"reduction", "amin_rows", 1, [](const In& i) { return Lib::amin(i.m, {1}); }, kM},
      {"reduction", "amin_columns", 1, [](const In& i) { return Lib::amin(i.m, {0}); }, kM},
      {"reduction", "var", 1, [](const In& i) { return Lib::var(i.m, {0, 1}); }, kM},
      {"reduction", "var_rows", 1, [](const In& i) { return Lib::var(i.m, {1}); }, kM},
      {"reduction", "var_columns", 1, [](const In& i) { return Lib::var(i.m, {0}); }, kM},
      {"reduction", "std", 1, [](const In& i) { return Lib::std(i.m, {0, 1}); }, kM},
      {"reduction", "std_rows", 1, [](const In& i) { return Lib::std(i.m, {1}); }, kM},
      {"reduction", "std_columns", 1, [](const In& i) { return Lib::std(i.m, {0}); }, kM},
      {"reduction", "nansum", 1, [](const In& i) { return Lib::nansum(i.m, {0, 1}); }, kM},
      {"reduction", "nansum_rows", 1, [](const In& i) { return Lib::nansum(i.m, {1}); }, kM},
      {"reduction", "nansum_columns", 1, [](const In& i) { return Lib::nansum(i.m, {0}); }, kM},
      {"reduction", "nanmean", 1, [](const In& i) { return Lib::nanmean(i.m, {0, 1}); }, kM},
      {"reduction", "nanmean_rows", 1, [](const In& i) { return Lib::nanmean(i.m, {1}); }, kM},
      {"reduction", "nanmean_columns", 1, [](const In& i) { return Lib::nanmean(i.m, {0}); }, kM},
      {"reduction", "any_rows", 1, [](const In& i) { return Lib::any(i.m, {1}); }},
      {"reduction", "all_rows", 1, [](const In& i) { return Lib::all(i.m, {1}); }},
      {"reduction", "count_nonzero_rows", 1, [](const In& i) { return Lib::count_nonzero(i.m, {1}); }},
      {"reduction", "max", 1, [](const In& i) { return max(i.x); }, kX},
      {"reduction", "min", 1, [](const In& i) { return min(i.x); }, kX},
      {"reduction", "max_dim_rows", 1, [](const In& i) { return Lib::max_dim(i.m, 1); }, kM},
      {"reduction", "max_dim_columns", 1, [](const In& i) { return Lib::max_dim(i.m, 0); }, kM},
      {"reduction", "min_dim_rows", 1, [](const In& i) { return Lib::min_dim(i.m, 1); }, kM},
      {"reduction", "min_dim_columns", 1, [](const In& i) { return Lib::min_dim(i.m, 0); }, kM},
      {"reduction", "argmax", 1, [](const In& i) { return argmax(i.x); }},
      {"reduction", "argmax_rows", 1, [](const In& i) { return argmax(i.m, 1); }},
      {"reduction", "argmax_columns", 1, [](const In& i) { return argmax(i.m, 0); }},
      {"reduction", "argmin", 1, [](const In& i) { return argmin(i.x); }},
      {"reduction", "argmin_rows", 1, [](const In& i) { return argmin(i.m, 1); }},
      {"reduction", "argmin_columns", 1, [](const In& i) { return argmin(i.m, 0); }},
      {"reduction", "aminmax_rows", 1, [](const In& i) { return Lib::aminmax(i.m, 1); }, kM},
      {"reduction", "var_mean_rows", 1, [](const In& i) { return Lib::var_mean(i.m, {1}); }, kM},
      {"reduction", "std_mean_rows", 1, [](const In& i) { return Lib::std_mean(i.m, {1}); }, kM},
      {"reduction", "norm", 1, [](const In& i) { return norm(i.x); }, kX},
      {"reduction", "vector_norm_rows", 1, [](const In& i) { return Lib::vector_norm(i.m, {1}); }, kM},
      {"transcendental", "logsumexp_rows", 1, [](const In& i) { return Lib::logsumexp(i.m, 1); }, kM},
      {"transcendental", "logsumexp_columns", 1, [](const In& i) { return Lib::logsumexp(i.m, 0); }, kM},

      {"reduction", "histc", 1, [](const In& i) { return histc(i.x, 100, -4, 4); }},
      {"reduction", "bincount", 2, [](const In& i) { return bincount(i.integers); }},

      {"scan", "cumsum_rows", 2, [](const In& i) { return cumsum(i.m, 1); }, kM},
      {"scan", "cumsum_columns", 2, [](const In& i) { return cumsum(i.m, 0); }, kM},
      {"scan", "cumprod_rows", 2, [](const In& i) { return cumprod(i.m, 1); }, kM},
      {"scan", "cumprod_columns", 2, [](const In& i) { return cumprod(i.m, 0); }, kM},
      {"scan", "cumsum", 2, [](const In& i) { return cumsum(i.x, 0); }, kX},
      {"scan", "cummax_rows", 4, [](const In& i) { return Lib::cummax(i.m, 1); }, kM},
      {"scan", "cummin_rows", 4, [](const In& i) { return Lib::cummin(i.m, 1); }, kM},
      {"scan", "logcumsumexp_rows", 2, [](const In& i) { return logcumsumexp(i.m, 1); }, kM},
      {"scan", "diff", 2, [](const In& i) { return diff(i.m); }, kM},
      {"scan", "trapezoid", 1, [](const In& i) { return trapezoid(i.m); }, kM},
      {"reduction", "prod", 1, [](const In& i) { return prod(i.x); }, kX},
      {"reduction", "prod_rows", 1, [](const In& i) { return prod(i.m, 1); }, kM},
      {"order", "median", 1, [](const In& i) { return median(i.x); }, kX},
      {"order", "nanmedian", 1, [](const In& i) { return nanmedian(i.x); }, kX},
      {"order", "median_dim_rows", 1, [](const In& i) { return Lib::median_dim(i.m, 1); }, kM},
      {"order", "nanmedian_dim_rows", 1, [](const In& i) { return Lib::nanmedian_dim(i.m, 1); }, kM},
      {"order", "mode_rows", 1, [](const In& i) { return Lib::mode(i.m, 1); }, kM},
      {"order", "quantile_rows", 1, [](const In& i) { return quantile(i.m, 0.3, 1); }, kM},
      {"order", "nanquantile_rows", 1, [](const In& i) { return nanquantile(i.m, 0.3, 1); }, kM},

      {"shape", "flip", 2, [](const In& i) { return flip(i.m, {0}); }},
      {"shape", "flip_rows", 2, [](const In& i) { return flip(i.m, {1}); }, kM},
      {"shape", "roll", 2, [](const In& i) { return roll(i.m, {3}, {1}); }, kM},
      {"shape", "rot90", 2, [](const In& i) { return rot90(i.m); }, kM},
      {"shape", "repeat_interleave", 2, [](const In& i) { return Lib::repeat_interleave(i.row, i.rows); }},
      {"shape", "tile", 2, [](const In& i) { return Lib::tile(i.row, i.rows); }},
      {"shape", "stack", 6, [](const In& i) { return Lib::stack(i.x, i.y); }},
      {"shape", "cat", 4, [](const In& i) { return Lib::cat(i.x, i.y, 0); }},
      {"shape", "tril", 2, [](const In& i) { return tril(i.m); }, kM},
      {"shape", "triu", 2, [](const In& i) { return triu(i.m); }, kM},
      {"shape", "diag_embed", 1, [](const In& i) { return diag_embed(i.row); }},
      {"shape", "pad_reflect", 2, [](const In& i) { return Lib::pad(i.m, 3, "reflect"); }, kM},
      {"shape", "pad_constant", 2, [](const In& i) { return Lib::pad(i.m, 3, "constant"); }, kM},
      {"index", "index_select", 2, [](const In& i) { return index_select(i.m, 0, i.index); }, kM},
      {"index", "index_rows", 2, [](const In& i) { return Lib::index(i.m, i.index); }, kM},
      {"index", "masked", 2, [](const In& i) { return Lib::index(i.x, i.mask); }},
      {"index", "nonzero", 4, [](const In& i) { return nonzero(i.mask); }},
      {"index", "index_put", 4, [](const In& i) { return Lib::index_put(i.m, i.index, false); }},
      {"index", "index_put_added", 4, [](const In& i) { return Lib::index_put(i.m, i.index, true); }},
      // clang-format on
  };
  return all;
}

// Made once for each size.
template <class Lib>
const OpInputs<Lib>& op_inputs(int64_t n) {
  static std::map<int64_t, OpInputs<Lib>> made;
  return made.try_emplace(n, n).first->second;
}

// The work of op/<name>/<n> or op_backward/<name>/<n>.
template <class Lib>
std::function<void()> op_work(const Name& name) {
  for (const OpWork<Lib>& op : op_works<Lib>()) {
    if (name.fields[1] != op.name) continue;
    OpInputs<Lib> in = op_inputs<Lib>(name.sizes(2)[0]);
    if (name.fields[0] == "op") return [in, run = op.run] { run(in); };
    if (op.leaf == nullptr) return {};
    auto leaf = in.*op.leaf = (in.*op.leaf).detach();
    leaf.requires_grad_(true);
    const auto y = op.run(in), gy = Lib::randn_like(y);
    return [=] { Lib::gradient(y, leaf, gy); };
  }
  return {};
}

}  // namespace entasis::bench
