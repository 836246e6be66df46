// Powers: rules and public functions.
#include <entasis/ops/power.h>

#include <cmath>

#include <entasis/core/row.h>
#include <entasis/ops/arithmetic.h>
#include <entasis/ops/copy.h>
#include <entasis/ops/exponential.h>
#include <entasis/ops/factory.h>
#include <entasis/ops/function_rules_internal.h>
#include <entasis/ops/placed_internal.h>
#include <entasis/ops/power_internal.h>

namespace entasis {

// d/dx x^e = e·x^(e-1), which is 0 for e = 0 whatever x is; d/de x^e = x^e·log x, which is 0 where
// 0 is raised to a power that is not negative. Both as in PyTorch.
template <>
struct Rule<Pow> : PointwiseRule<Pow> {
  static constexpr SaveMask saves[] = {saves_in(0) | saves_in(1),
                                       saves_in(0) | saves_in(1) | saves_out(0)};
  static Spec infer(const Pow& op, Inputs in) {
    Spec spec = PointwiseRule<Pow>::infer(op, in);
    if (is_integer(spec.dtype) && in[1].is_number() && in[1].number().to_int() < 0) {
      throw ValueError("an integer to the negative power " + to_string(in[1].number()) +
                       " is no integer");
    }
    return spec;
  }
  static Grads vjp(const Pow&, const Saved& saved, Grads gy) {
    return {saved.if_needed(0, [&] { return along_base(saved, gy[0]); }),
            saved.if_needed(1, [&] { return along_exponent(saved, gy[0]); })};
  }

 private:
  // In the result's dtype: that of the base may be coarser.
  static Tensor along_base(const Saved& saved, const Tensor& gy) {
    const Tensor x = to(saved.in(0), gy.dtype());
    const Edge& exponent = saved.node().edges[1];
    if (exponent.is_number) {
      const double e = exponent.number.to_double();
      if (e == 0) return zeros_like(gy);
      if (e == 1) return gy;
      return mul(gy, mul(pow(x, e - 1), e));
    }
    // Only 0^0 needs care: elsewhere a factor of 0 does it.
    const Tensor e = to(saved.in(1), gy.dtype());
    const Tensor base = where(mul(eq(x, 0), eq(e, 0)), 1, x);
    return mul(gy, mul(pow(base, sub(e, 1)), e));
  }
  static Tensor along_exponent(const Saved& saved, const Tensor& gy) {
    const Tensor y = saved.out(0), e = saved.in(1);
    const Edge& base = saved.node().edges[0];
    if (base.is_number) {
      const double x = base.number.to_double();
      const Tensor slope = mul(y, std::log(x));
      return mul(gy, x == 0 ? where(ge(e, 0), 0, slope) : slope);
    }
    const Tensor x = to(saved.in(0), gy.dtype());
    const Tensor flat = mul(eq(x, 0), ge(e, 0));
    return mul(gy, mul(y, log(where(flat, 1, x))));
  }
};

Tensor pow(const Operand& input, const Operand& exponent, Location at) {
  return apply(Pow{}, at, input, exponent);
}
Tensor pow_(Tensor input, const Operand& exponent, Location at) {
  return in_place(Pow{}, at, input, exponent);
}

namespace {

// In f64: a tensor converted, a number as it is.
class Double {
 public:
  explicit Double(const Operand& operand)
      : tensor_(operand.is_tensor() ? to(operand.tensor(), kF64) : Tensor()),
        operand_(operand.is_tensor()   ? Operand(tensor_)
                 : operand.is_number() ? Operand(operand.number().to_double())
                                       : operand) {}
  Double(const Double&) = delete;
  Double& operator=(const Double&) = delete;
  const Operand& operand() const { return operand_; }

 private:
  Tensor tensor_;
  Operand operand_;
};

}  // namespace

Tensor float_power(const Operand& input, const Operand& exponent, Location at) {
  return composite("float_power", at,
                   [&] { return pow(Double(input).operand(), Double(exponent).operand(), at); });
}
Tensor float_power_(Tensor input, const Operand& exponent, Location at) {
  return composite("float_power_", at, [&] {
    check_defined(input);
    if (input.dtype() != kF64) {
      throw DtypeError(std::string("the target is ") + name_of(input.dtype()) +
                       ", and the result float64");
    }
    return pow_(input, Double(exponent).operand(), at);
  });
}

namespace {
constinit const Row rows[] = {
    row<&pow>(
        "pow", args("input", "exponent"),
        "input to the power of exponent, element by element. Integers wrap; an exponent that is "
        "a negative number raises ValueError for them."),
    row<&pow_>("pow_", args("input", "exponent"), "pow in place; returns input."),
    row<&float_power>("float_power", args("input", "exponent"),
                      "input to the power of exponent, computed in f64, which the result is."),
    row<&float_power_>("float_power_", args("input", "exponent"),
                       "float_power in place; returns input, which must be f64 (DtypeError)."),
};
constinit const auto ops = infos_of(OpList<Pow>());
}  // namespace
extern const RowList rows_power;
constinit const RowList rows_power{rows, ops};

}  // namespace entasis
