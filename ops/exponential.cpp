// Exponentials, logarithms, powers and roots: rules and public functions.
#include <entasis/ops/exponential.h>

#include <entasis/core/row.h>
#include <entasis/ops/copy.h>
#include <entasis/ops/exponential_internal.h>
#include <entasis/ops/function_rules_internal.h>

namespace entasis {

template <>
struct Rule<Exp> : PointwiseRule<Exp> {
  static constexpr SaveMask saves[] = {saves_out(0)};
  static Grads vjp(const Exp&, const Saved& saved, Grads gy) { return {mul(gy[0], saved.out(0))}; }
};
template <>
struct Rule<Log> : PointwiseRule<Log> {
  static constexpr SaveMask saves[] = {saves_in(0)};
  static Grads vjp(const Log&, const Saved& saved, Grads gy) { return {div(gy[0], saved.in(0))}; }
};
template <>
struct Rule<Exp2> : FromOutputRule<Exp2> {};
template <>
struct Rule<Expm1> : FromOutputRule<Expm1> {};
template <>
struct Rule<Log2> : FromInputRule<Log2> {};
template <>
struct Rule<Log10> : FromInputRule<Log10> {};
template <>
struct Rule<Log1p> : FromInputRule<Log1p> {};
template <>
struct Rule<Sqrt> : FromOutputRule<Sqrt> {};
template <>
struct Rule<Rsqrt> : FromOutputRule<Rsqrt> {};
template <>
struct Rule<Reciprocal> : FromOutputRule<Reciprocal> {};
template <>
struct Rule<Square> : FromInputRule<Square> {};

Tensor exp(const Tensor& input, Location at) { return apply(Exp{}, at, input); }
Tensor log(const Tensor& input, Location at) { return apply(Log{}, at, input); }
Tensor exp2(const Tensor& input, Location at) { return apply(Exp2{}, at, input); }
Tensor expm1(const Tensor& input, Location at) { return apply(Expm1{}, at, input); }
Tensor log2(const Tensor& input, Location at) { return apply(Log2{}, at, input); }
Tensor log10(const Tensor& input, Location at) { return apply(Log10{}, at, input); }
Tensor log1p(const Tensor& input, Location at) { return apply(Log1p{}, at, input); }
Tensor sqrt(const Tensor& input, Location at) { return apply(Sqrt{}, at, input); }
Tensor rsqrt(const Tensor& input, Location at) { return apply(Rsqrt{}, at, input); }
Tensor reciprocal(const Tensor& input, Location at) { return apply(Reciprocal{}, at, input); }
Tensor square(const Tensor& input, Location at) {
  const Frame frame("square", at);
  const bool is_bool = input.defined() && input.dtype() == kBool;
  return apply(Square{}, at, is_bool ? to(input, kI64, at) : input);
}

Tensor exp_(Tensor input, Location at) { return in_place(Exp{}, at, input); }
Tensor log_(Tensor input, Location at) { return in_place(Log{}, at, input); }
Tensor exp2_(Tensor input, Location at) { return in_place(Exp2{}, at, input); }
Tensor expm1_(Tensor input, Location at) { return in_place(Expm1{}, at, input); }
Tensor log2_(Tensor input, Location at) { return in_place(Log2{}, at, input); }
Tensor log10_(Tensor input, Location at) { return in_place(Log10{}, at, input); }
Tensor log1p_(Tensor input, Location at) { return in_place(Log1p{}, at, input); }
Tensor sqrt_(Tensor input, Location at) { return in_place(Sqrt{}, at, input); }
Tensor rsqrt_(Tensor input, Location at) { return in_place(Rsqrt{}, at, input); }
Tensor reciprocal_(Tensor input, Location at) { return in_place(Reciprocal{}, at, input); }
Tensor square_(Tensor input, Location at) { return in_place(Square{}, at, input); }

namespace {
constinit const Row rows[] = {
    row<&exp>("exp", args("input"), "e to the power of input, element by element."),
    row<&log>("log", args("input"),
              "The natural logarithm of input: -inf at 0, NaN for negative elements."),
    row<&exp2>("exp2", args("input"), "2 to the power of input, element by element."),
    row<&expm1>("expm1", args("input"), "exp(input) - 1, exact near 0 too."),
    row<&log2>("log2", args("input"),
               "The logarithm of input to the base 2: -inf at 0, NaN for negative elements."),
    row<&log10>("log10", args("input"),
                "The logarithm of input to the base 10: -inf at 0, NaN for negative elements."),
    row<&log1p>("log1p", args("input"), "log(1 + input), exact near 0 too: -inf at -1, NaN below."),
    row<&sqrt>("sqrt", args("input"), "The square root of input; NaN for negative elements."),
    row<&rsqrt>("rsqrt", args("input"), "1 / sqrt(input): inf at 0, NaN for negative elements."),
    row<&reciprocal>("reciprocal", args("input"), "1 / input, element by element."),
    row<&square>("square", args("input"),
                 "input * input, element by element; integers wrap, bool gives i64."),
    row<&exp_>("exp_", args("input"), "exp in place; returns input."),
    row<&log_>("log_", args("input"), "log in place; returns input."),
    row<&exp2_>("exp2_", args("input"), "exp2 in place; returns input."),
    row<&expm1_>("expm1_", args("input"), "expm1 in place; returns input."),
    row<&log2_>("log2_", args("input"), "log2 in place; returns input."),
    row<&log10_>("log10_", args("input"), "log10 in place; returns input."),
    row<&log1p_>("log1p_", args("input"), "log1p in place; returns input."),
    row<&sqrt_>("sqrt_", args("input"), "sqrt in place; returns input."),
    row<&rsqrt_>("rsqrt_", args("input"), "rsqrt in place; returns input."),
    row<&reciprocal_>("reciprocal_", args("input"), "reciprocal in place; returns input."),
    row<&square_>("square_", args("input"), "square in place; returns input."),
};
constinit const auto ops = infos_of(ExponentialOps());
}  // namespace
extern const RowList rows_exponential;
constinit const RowList rows_exponential{rows, ops};

}  // namespace entasis
