// Trigonometric and hyperbolic functions: rules and public functions.
#include <entasis/ops/trigonometric.h>

#include <entasis/core/row.h>
#include <entasis/ops/function_rules_internal.h>
#include <entasis/ops/trigonometric_internal.h>

namespace entasis {

template <>
struct Rule<Sin> : FromInputRule<Sin> {};
template <>
struct Rule<Cos> : FromInputRule<Cos> {};
template <>
struct Rule<Tan> : FromOutputRule<Tan> {};
template <>
struct Rule<Asin> : FromInputRule<Asin> {};
template <>
struct Rule<Acos> : FromInputRule<Acos> {};
template <>
struct Rule<Atan> : FromInputRule<Atan> {};
template <>
struct Rule<Sinh> : FromInputRule<Sinh> {};
template <>
struct Rule<Cosh> : FromInputRule<Cosh> {};
template <>
struct Rule<Tanh> : FromOutputRule<Tanh> {};
template <>
struct Rule<Asinh> : FromInputRule<Asinh> {};
template <>
struct Rule<Acosh> : FromInputRule<Acosh> {};
template <>
struct Rule<Atanh> : FromInputRule<Atanh> {};
template <>
struct Rule<Sinc> : FromInputRule<Sinc> {};

// Straight lines through 0: the gradient goes the same way.
template <class Op>
struct ScaleRule : PointwiseRule<Op> {
  static constexpr SaveMask saves[] = {saves_nothing};
  static Grads vjp(const Op& op, const Saved&, Grads gy) { return {apply(op, {}, gy[0])}; }
};
template <>
struct Rule<Deg2rad> : ScaleRule<Deg2rad> {};
template <>
struct Rule<Rad2deg> : ScaleRule<Rad2deg> {};

Tensor sin(const Tensor& input, Location at) { return apply(Sin{}, at, input); }
Tensor cos(const Tensor& input, Location at) { return apply(Cos{}, at, input); }
Tensor tan(const Tensor& input, Location at) { return apply(Tan{}, at, input); }
Tensor asin(const Tensor& input, Location at) { return apply(Asin{}, at, input); }
Tensor acos(const Tensor& input, Location at) { return apply(Acos{}, at, input); }
Tensor atan(const Tensor& input, Location at) { return apply(Atan{}, at, input); }
Tensor sinh(const Tensor& input, Location at) { return apply(Sinh{}, at, input); }
Tensor cosh(const Tensor& input, Location at) { return apply(Cosh{}, at, input); }
Tensor tanh(const Tensor& input, Location at) { return apply(Tanh{}, at, input); }
Tensor asinh(const Tensor& input, Location at) { return apply(Asinh{}, at, input); }
Tensor acosh(const Tensor& input, Location at) { return apply(Acosh{}, at, input); }
Tensor atanh(const Tensor& input, Location at) { return apply(Atanh{}, at, input); }
Tensor sinc(const Tensor& input, Location at) { return apply(Sinc{}, at, input); }
Tensor deg2rad(const Tensor& input, Location at) { return apply(Deg2rad{}, at, input); }
Tensor rad2deg(const Tensor& input, Location at) { return apply(Rad2deg{}, at, input); }

Tensor sin_(Tensor input, Location at) { return in_place(Sin{}, at, input); }
Tensor cos_(Tensor input, Location at) { return in_place(Cos{}, at, input); }
Tensor tan_(Tensor input, Location at) { return in_place(Tan{}, at, input); }
Tensor asin_(Tensor input, Location at) { return in_place(Asin{}, at, input); }
Tensor acos_(Tensor input, Location at) { return in_place(Acos{}, at, input); }
Tensor atan_(Tensor input, Location at) { return in_place(Atan{}, at, input); }
Tensor sinh_(Tensor input, Location at) { return in_place(Sinh{}, at, input); }
Tensor cosh_(Tensor input, Location at) { return in_place(Cosh{}, at, input); }
Tensor tanh_(Tensor input, Location at) { return in_place(Tanh{}, at, input); }
Tensor asinh_(Tensor input, Location at) { return in_place(Asinh{}, at, input); }
Tensor acosh_(Tensor input, Location at) { return in_place(Acosh{}, at, input); }
Tensor atanh_(Tensor input, Location at) { return in_place(Atanh{}, at, input); }
Tensor sinc_(Tensor input, Location at) { return in_place(Sinc{}, at, input); }
Tensor deg2rad_(Tensor input, Location at) { return in_place(Deg2rad{}, at, input); }
Tensor rad2deg_(Tensor input, Location at) { return in_place(Rad2deg{}, at, input); }

Tensor tanh_backward(const Tensor& grad_output, const Tensor& output, Location at) {
  return apply(BackwardOf<Tanh>{}, at, grad_output, output);
}

namespace {
constinit const Row rows[] = {
    row<&sin>("sin", args("input"), "The sine of input, in radians; NaN at ±inf."),
    row<&cos>("cos", args("input"), "The cosine of input, in radians; NaN at ±inf."),
    row<&tan>("tan", args("input"), "The tangent of input, in radians; NaN at ±inf."),
    row<&asin>("asin", args("input"),
               "The inverse sine of input, in [-pi/2, pi/2]; NaN outside of [-1, 1]."),
    row<&acos>("acos", args("input"),
               "The inverse cosine of input, in [0, pi]; NaN outside of [-1, 1]."),
    row<&atan>("atan", args("input"), "The inverse tangent of input, in [-pi/2, pi/2]."),
    row<&sinh>("sinh", args("input"), "The hyperbolic sine of input."),
    row<&cosh>("cosh", args("input"), "The hyperbolic cosine of input."),
    row<&tanh>("tanh", args("input"), "The hyperbolic tangent of input."),
    row<&asinh>("asinh", args("input"), "The inverse hyperbolic sine of input."),
    row<&acosh>("acosh", args("input"), "The inverse hyperbolic cosine of input; NaN below 1."),
    row<&atanh>("atanh", args("input"),
                "The inverse hyperbolic tangent of input: ±inf at ±1, NaN beyond."),
    row<&sinc>("sinc", args("input"), "sin(pi * input) / (pi * input), and 1 at 0."),
    row<&deg2rad>("deg2rad", args("input"), "Degrees as radians: input * pi / 180."),
    row<&rad2deg>("rad2deg", args("input"), "Radians as degrees: input * 180 / pi."),
    row<&sin_>("sin_", args("input"), "sin in place; returns input."),
    row<&cos_>("cos_", args("input"), "cos in place; returns input."),
    row<&tan_>("tan_", args("input"), "tan in place; returns input."),
    row<&asin_>("asin_", args("input"), "asin in place; returns input."),
    row<&acos_>("acos_", args("input"), "acos in place; returns input."),
    row<&atan_>("atan_", args("input"), "atan in place; returns input."),
    row<&sinh_>("sinh_", args("input"), "sinh in place; returns input."),
    row<&cosh_>("cosh_", args("input"), "cosh in place; returns input."),
    row<&tanh_>("tanh_", args("input"), "tanh in place; returns input."),
    row<&asinh_>("asinh_", args("input"), "asinh in place; returns input."),
    row<&acosh_>("acosh_", args("input"), "acosh in place; returns input."),
    row<&atanh_>("atanh_", args("input"), "atanh in place; returns input."),
    row<&sinc_>("sinc_", args("input"), "sinc in place; returns input."),
    row<&deg2rad_>("deg2rad_", args("input"), "deg2rad in place; returns input."),
    row<&rad2deg_>("rad2deg_", args("input"), "rad2deg in place; returns input."),
    row<&tanh_backward>("tanh_backward", args("grad_output", "output"),
                        "The gradient of tanh: grad_output * (1 - output**2).",
                        RowOptions{.torch = "ops.aten.tanh_backward", .method = false}),
};
constinit const auto ops = infos_of(TrigonometricOps());
}  // namespace
extern const RowList rows_trigonometric;
constinit const RowList rows_trigonometric{rows, ops};

}  // namespace entasis
