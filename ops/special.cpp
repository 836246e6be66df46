// Special functions: rules and public functions.
#include <entasis/ops/special.h>

#include <entasis/core/row.h>
#include <entasis/ops/function_rules_internal.h>
#include <entasis/ops/special_internal.h>

namespace entasis {

template <>
struct Rule<Sigmoid> : FromOutputRule<Sigmoid> {};
template <>
struct Rule<Logit> : FromInputRule<Logit> {};
template <>
struct Rule<ClampedLogit> : FromInputRule<ClampedLogit> {};
template <>
struct Rule<Erf> : FromInputRule<Erf> {};
template <>
struct Rule<ErfGaussian> : FromInputRule<ErfGaussian> {};
template <>
struct Rule<Erfc> : FromInputRule<Erfc> {};
template <>
struct Rule<Erfinv> : FromOutputRule<Erfinv> {};
template <>
struct Rule<Lgamma> : FromInputRule<Lgamma> {};
template <>
struct Rule<Digamma> : FromInputRule<Digamma> {};
template <>
struct Rule<Trigamma> : FromInputRule<Trigamma> {};
template <>
struct Rule<Tetragamma> : PointwiseRule<Tetragamma> {
  static constexpr SaveMask saves[] = {saves_nothing};
  static Grads vjp(const Tetragamma&, const Saved&, Grads) {
    throw AutogradError("the third derivative of digamma is not implemented");
  }
};

Tensor sigmoid(const Tensor& input, Location at) { return apply(Sigmoid{}, at, input); }
Tensor erf(const Tensor& input, Location at) { return apply(Erf{}, at, input); }
Tensor erfc(const Tensor& input, Location at) { return apply(Erfc{}, at, input); }
Tensor erfinv(const Tensor& input, Location at) { return apply(Erfinv{}, at, input); }
Tensor lgamma(const Tensor& input, Location at) { return apply(Lgamma{}, at, input); }
Tensor digamma(const Tensor& input, Location at) { return apply(Digamma{}, at, input); }
Tensor trigamma(const Tensor& input, Location at) { return apply(Trigamma{}, at, input); }
Tensor tetragamma(const Tensor& input, Location at) { return apply(Tetragamma{}, at, input); }
Tensor erf_gaussian(const Tensor& input, Location at) { return apply(ErfGaussian{}, at, input); }
Tensor logit(const Tensor& input, std::optional<double> eps, Location at) {
  const Frame frame("logit", at);
  return eps ? apply(ClampedLogit{}, at, input, *eps) : apply(Logit{}, at, input);
}

Tensor sigmoid_(Tensor input, Location at) { return in_place(Sigmoid{}, at, input); }
Tensor erf_(Tensor input, Location at) { return in_place(Erf{}, at, input); }
Tensor erfc_(Tensor input, Location at) { return in_place(Erfc{}, at, input); }
Tensor erfinv_(Tensor input, Location at) { return in_place(Erfinv{}, at, input); }
Tensor lgamma_(Tensor input, Location at) { return in_place(Lgamma{}, at, input); }
Tensor digamma_(Tensor input, Location at) { return in_place(Digamma{}, at, input); }
Tensor logit_(Tensor input, std::optional<double> eps, Location at) {
  const Frame frame("logit_", at);
  return eps ? in_place(ClampedLogit{}, at, input, *eps) : in_place(Logit{}, at, input);
}

Tensor sigmoid_backward(const Tensor& grad_output, const Tensor& output, Location at) {
  return apply(BackwardOf<Sigmoid>{}, at, grad_output, output);
}

namespace {
constinit const Row rows[] = {
    row<&sigmoid>("sigmoid", args("input"), "The logistic function 1 / (1 + exp(-input))."),
    row<&logit>("logit", args("input", "eps"_a = std::nullopt),
                "log(input / (1 - input)), the inverse of sigmoid: NaN outside of [0, 1]. With eps "
                "input is first limited to [eps, 1 - eps]."),
    row<&erf>("erf", args("input"),
              "The error function: 2/sqrt(pi) times the integral of exp(-t**2) from 0 to input."),
    row<&erfc>("erfc", args("input"), "1 - erf(input), exact where that is small too."),
    row<&erfinv>("erfinv", args("input"), "The inverse of erf: ±inf at ±1, NaN beyond."),
    row<&lgamma>("lgamma", args("input"),
                 "The logarithm of the absolute value of the gamma function: inf at 0, -1, -2, …."),
    row<&digamma>("digamma", args("input"), "The derivative of lgamma: NaN at negative integers."),
    row<&sigmoid_>("sigmoid_", args("input"), "sigmoid in place; returns input."),
    row<&logit_>("logit_", args("input", "eps"_a = std::nullopt), "logit in place; returns input."),
    row<&erf_>("erf_", args("input"), "erf in place; returns input."),
    row<&erfc_>("erfc_", args("input"), "erfc in place; returns input."),
    row<&erfinv_>("erfinv_", args("input"), "erfinv in place; returns input."),
    row<&lgamma_>("lgamma_", args("input"), "lgamma in place; returns input."),
    row<&digamma_>("digamma_", args("input"), "digamma in place; returns input."),
    row<&sigmoid_backward>("sigmoid_backward", args("grad_output", "output"),
                           "The gradient of sigmoid: grad_output * output * (1 - output).",
                           RowOptions{.torch = "ops.aten.sigmoid_backward", .method = false}),
};
constinit const auto ops = infos_of(SpecialOps());
}  // namespace
extern const RowList rows_special;
constinit const RowList rows_special{rows, ops};

}  // namespace entasis
