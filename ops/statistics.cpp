// Rules, gradients and rows of the statistics.
#include <entasis/ops/statistics.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include <entasis/core/op.h>
#include <entasis/core/row.h>
#include <entasis/ops/arithmetic.h>
#include <entasis/ops/copy.h>
#include <entasis/ops/exponential.h>
#include <entasis/ops/factory.h>
#include <entasis/ops/placed_internal.h>
#include <entasis/ops/reduction.h>
#include <entasis/ops/rounding.h>
#include <entasis/ops/shape.h>
#include <entasis/ops/statistics_internal.h>

namespace entasis {
namespace {

void check_floating(const char* what, DType dtype) {
  if (is_floating_point(dtype)) return;
  throw DtypeError(std::string("the ") + what + " of " + name_of(dtype) +
                   " is not defined; cast it to a floating-point dtype");
}

Spec reduced_like(const Operand& in, const Dims& dim, bool keepdim) {
  return Spec::dense(in.dtype(), reduced_shape(in.shape(), reduced_dims(dim, in.dim()), keepdim));
}

// 2 (x - mean) / (n - correction) gy
Tensor var_gradient(const OverDimsCorrected& op, const Tensor& x, const Tensor& gy) {
  const double n = double(elements_each(op.dim, x.shape()));
  const Tensor weight =
      mul(with_kept_dims(gy, op.dim, op.keepdim, x.shape()), 2 / std::max(0.0, n - op.correction));
  return mul(sub(x, mean(x, op.dim, true)), weight);
}
// a / b, but 0 where y is 0, in gradients of any order: nothing is divided by 0 there.
Tensor quotient_unless_zero(const Tensor& a, const Tensor& b, const Tensor& y) {
  const Tensor zero = eq(y, 0);
  return where(zero, 0, div(a, where(zero, 1, b)));
}
// That of the variance whose root is y; 0 where that is 0.
Tensor through_root(const Tensor& gy, const Tensor& y) {
  return quotient_unless_zero(gy, mul(y, 2), y);
}
Tensor mean_gradient(const OverDimsCorrected& op, const Dims& shape, const Tensor& gy) {
  const double n = double(std::max<int64_t>(elements_each(op.dim, shape), 1));
  return expand(div(with_kept_dims(gy, op.dim, op.keepdim, shape), n), shape);
}

template <class Op>
struct VarianceRule {
  static Spec infer(const Op& op, Inputs in) {
    check_floating("variance", in[0].dtype());
    return reduced_like(in[0], op.dim, op.keepdim);
  }
};
template <class Op, bool kRoot>
struct WithMeanRule {
  static std::array<Spec, 2> infer(const Op& op, Inputs in) {
    const Spec spec = VarianceRule<Op>::infer(op, in);
    return {spec, spec};
  }
  static constexpr SaveMask saves[] = {saves_in(0) | (kRoot ? saves_out(0) : saves_nothing)};
  static Grads vjp(const Op& op, const Saved& saved, Grads gy) {
    const Tensor x = saved.in(0);
    Tensor gx;
    if (gy[0].defined()) {
      if constexpr (kRoot) gy[0] = through_root(gy[0], saved.out(0));
      gx = var_gradient(op, x, gy[0]);
    }
    if (!gy[1].defined()) return {gx};
    const Tensor of_mean = mean_gradient(op, x.shape(), gy[1]);
    return {gx.defined() ? add(gx, of_mean) : of_mean};
  }
};

}  // namespace

template <>
struct Rule<Var> : VarianceRule<Var> {
  static constexpr SaveMask saves[] = {saves_in(0)};
  static Grads vjp(const Var& op, const Saved& saved, Grads gy) {
    return {var_gradient(op, saved.in(0), gy[0])};
  }
};
template <>
struct Rule<Std> : VarianceRule<Std> {
  static constexpr SaveMask saves[] = {saves_in(0) | saves_out(0)};
  static Grads vjp(const Std& op, const Saved& saved, Grads gy) {
    return {var_gradient(op, saved.in(0), through_root(gy[0], saved.out(0)))};
  }
};
template <>
struct Rule<VarMean> : WithMeanRule<VarMean, false> {};
template <>
struct Rule<StdMean> : WithMeanRule<StdMean, true> {};

// PyTorch's conventions: 0 at 0, and of infinite orders shared evenly among the elements that
// decide.
template <>
struct Rule<VectorNorm> {
  static Spec infer(const VectorNorm& op, Inputs in) {
    check_floating("norm", in[0].dtype());
    if (op.ord < 0 || norm_kind(op.ord) == NormKind::kLargest) {
      const DimMask reduced = reduced_dims(op.dim, in[0].dim());
      for (int i = 0; i < in[0].dim(); ++i) {
        if ((reduced >> i & 1) && in[0].size(i) == 0) {
          throw ValueError("order " + to_string(Number(op.ord)) + " over no elements: shape " +
                           to_string(in[0].shape()));
        }
      }
    }
    return reduced_like(in[0], op.dim, op.keepdim);
  }
  static constexpr SaveMask saves[] = {saves_in(0) | saves_out(0)};
  static Grads vjp(const VectorNorm& op, const Saved& saved, Grads gy) {
    const Tensor x = saved.in(0);
    const auto kept = [&](const Tensor& t) {
      return with_kept_dims(t, op.dim, op.keepdim, x.shape());
    };
    const Tensor g = kept(gy[0]), y = kept(saved.out(0));
    const double p = op.ord;
    switch (norm_kind(p)) {
      case NormKind::kCount:
        return {zeros_like(x)};
      case NormKind::kSum:
        return {mul(g, sign(x))};
      case NormKind::kSquares:
        return {mul(x, quotient_unless_zero(g, y, y))};
      case NormKind::kLargest:
      case NormKind::kSmallest: {
        const Tensor decides = eq(abs(x), y);
        return {mul(mul(sign(x), decides), div(g, sum(decides, op.dim, true)))};
      }
      case NormKind::kPowers:
        break;
    }
    // x |x|^(p-2) g / y^(p-1)
    if (p < 1) {
      const Tensor slope = where(eq(x, 0), 0, mul(sign(x), pow(abs(x), p - 1)));
      return {mul(mul(slope, g), pow(y, 1 - p))};
    }
    const Tensor slope = p < 2 ? mul(sign(x), pow(abs(x), p - 1)) : mul(x, pow(abs(x), p - 2));
    return {mul(slope, quotient_unless_zero(g, pow(y, p - 1), y))};
  }
};

template <>
struct Rule<LogSumExp> {
  static Spec infer(const LogSumExp& op, Inputs in) {
    return reduced_like(in[0], op.dim, op.keepdim);
  }
  static constexpr SaveMask saves[] = {saves_in(0) | saves_out(0)};
  static Grads vjp(const LogSumExp& op, const Saved& saved, Grads gy) {
    const Tensor x = saved.in(0);
    const auto kept = [&](const Tensor& t) {
      return with_kept_dims(t, op.dim, op.keepdim, x.shape());
    };
    return {mul(exp(sub(x, kept(saved.out(0)))), kept(gy[0]))};
  }
};

Tensor var(const Tensor& input, const Dims& dim, double correction, bool keepdim, Location at) {
  return apply(Var{{dim, correction, keepdim}}, at, input);
}
Tensor std(const Tensor& input, const Dims& dim, double correction, bool keepdim, Location at) {
  return apply(Std{{dim, correction, keepdim}}, at, input);
}
VarMeanResult var_mean(const Tensor& input, const Dims& dim, double correction, bool keepdim,
                       Location at) {
  auto [v, m] = apply_multiple<2>(VarMean{{dim, correction, keepdim}}, at, input);
  return {v, m};
}
StdMeanResult std_mean(const Tensor& input, const Dims& dim, double correction, bool keepdim,
                       Location at) {
  auto [s, m] = apply_multiple<2>(StdMean{{dim, correction, keepdim}}, at, input);
  return {s, m};
}

namespace {

Tensor norm_as(const char* name, const Tensor& input, double ord, const Dims& dim, bool keepdim,
               std::optional<DType> dtype, Location at) {
  return composite(name, at, [&] {
    check_defined(input);
    const VectorNorm op{ord, dim, keepdim};
    if (!dtype || !is_floating_point(input.dtype())) return apply(op, at, input);
    if (promote_types(input.dtype(), *dtype) != *dtype) {
      throw DtypeError(std::string(name_of(input.dtype())) + " does not fit into dtype " +
                       name_of(*dtype));
    }
    return apply(op, at, to(input, *dtype, at));
  });
}

}  // namespace

Tensor vector_norm(const Tensor& input, double ord, const Dims& dim, bool keepdim,
                   std::optional<DType> dtype, Location at) {
  return norm_as("vector_norm", input, ord, dim, keepdim, dtype, at);
}
Tensor norm(const Tensor& input, double p, const Dims& dim, bool keepdim,
            std::optional<DType> dtype, Location at) {
  return norm_as("norm", input, p, dim, keepdim, dtype, at);
}

Tensor logsumexp(const Tensor& input, const Dims& dim, bool keepdim, Location at) {
  const LogSumExp op{{dim, keepdim}};
  if (!input.defined() || is_floating_point(input.dtype())) return apply(op, at, input);
  return composite("logsumexp", at, [&] { return apply(op, at, to(input, kF32, at)); });
}

namespace {

constexpr auto kVarianceArgs =
    args("input", "dim"_a = Dims(), "correction"_a = 1.0, "keepdim"_a = false);

constinit const Row rows[] = {
    row<&var>(
        "var", kVarianceArgs,
        "Variance over the dimensions `dim`, or over all of them: the sum of squared deviations "
        "from the mean divided by max(0, n - correction), in two passes."),
    row<&std>("std", kVarianceArgs,
              "Standard deviation, the root of var. Where it is 0 the gradient is 0."),
    row<&var_mean>("var_mean", kVarianceArgs, "var and mean in one call.",
                   {.method = false, .results = "var mean"}),
    row<&std_mean>("std_mean", kVarianceArgs, "std and mean in one call.",
                   {.method = false, .results = "std mean"}),
    row<&vector_norm>(
        "vector_norm",
        args("input", "ord"_a = 2.0, "dim"_a = Dims(), "keepdim"_a = false,
             "dtype"_a = std::nullopt),
        "The norm (sum of |x|^ord)^(1/ord) over the dimensions `dim`, or over all of them; ord 0 "
        "counts what is not zero, infinity and -infinity give the largest and smallest |x|. "
        "`dtype` "
        "casts first and may not be narrower. Negative and infinite orders need an element. The "
        "gradient is 0 where the norm is 0.",
        {.torch = "linalg.vector_norm", .method = false}),
    row<&norm>(
        "norm",
        args("input", "p"_a = 2.0, "dim"_a = Dims(), "keepdim"_a = false, "dtype"_a = std::nullopt),
        "vector_norm with its order named `p`, a number."),
    row<&logsumexp>("logsumexp", args("input", "dim", "keepdim"_a = false),
                    "log(sum(exp(x))) over the dimensions `dim`, without overflow: the largest "
                    "element is taken out of the sum. Integers give f32; no elements -infinity.",
                    RowOptions{.precision = Precision::kFloat32}),
};
constinit OpInfo* const ops[] = {&op_info<Var>,     &op_info<Std>,        &op_info<VarMean>,
                                 &op_info<StdMean>, &op_info<VectorNorm>, &op_info<LogSumExp>};

}  // namespace

extern const RowList rows_statistics;
constinit const RowList rows_statistics{rows, ops};

}  // namespace entasis
