// Rounding and signs: rules and public functions.
#include <entasis/ops/rounding.h>

#include <cmath>
#include <cstdlib>
#include <limits>

#include <entasis/core/row.h>
#include <entasis/ops/copy.h>
#include <entasis/ops/copy_internal.h>
#include <entasis/ops/function_rules_internal.h>
#include <entasis/ops/placed_internal.h>
#include <entasis/ops/rounding_internal.h>

namespace entasis {

template <>
struct Rule<Floor> : StepRule<Floor> {};
template <>
struct Rule<Ceil> : StepRule<Ceil> {};
template <>
struct Rule<Round> : StepRule<Round> {};
template <>
struct Rule<Trunc> : StepRule<Trunc> {};
template <>
struct Rule<RoundToFraction> : StepRule<RoundToFraction> {};
template <>
struct Rule<RoundToMultiple> : StepRule<RoundToMultiple> {};
template <>
struct Rule<Sign> : StepRule<Sign> {};
template <>
struct Rule<NanToNum> : PointwiseRule<NanToNum> {
  static constexpr SaveMask saves[] = {saves_in(0)};
  static Grads vjp(const NanToNum&, const Saved& saved, Grads gy) {
    return {apply(NanToNumBackward{}, {}, gy[0], saved.in(0))};
  }
};
template <>
struct Rule<NanToNumBackward> : PointwiseRule<NanToNumBackward> {
  static constexpr SaveMask saves[] = {saves_in(1), saves_nothing};
  static Grads vjp(const NanToNumBackward& op, const Saved& saved, Grads gy) {
    return {saved.if_needed(0, [&] { return apply(op, {}, gy[0], saved.in(1)); })};
  }
};

template <>
struct Rule<Frac> : PointwiseRule<Frac> {
  static constexpr SaveMask saves[] = {saves_nothing};
  static Grads vjp(const Frac&, const Saved&, Grads gy) { return {gy[0]}; }
};

namespace {

// round by `run(op, power of ten)`, or by `run(Round)`.
template <class Run>
Tensor round_to(const char* name, const Tensor& input, int64_t decimals, Location at, Run run) {
  const Frame frame(name, at);
  if (decimals == 0) return run(Round{});
  if (input.defined() && !is_floating_point(input.dtype())) {
    return placed(name, at, [&]() -> Tensor {
      throw DtypeError(std::string("decimals of ") + name_of(input.dtype()));
    });
  }
  const double ten = std::pow(10.0, double(std::abs(decimals)));
  return decimals > 0 ? run(RoundToFraction{}, ten) : run(RoundToMultiple{}, ten);
}

double largest_of(DType dtype) {
  switch (dtype) {
    case kF16:
      return 65504.0;
    case kBF16:
      return 0x1.fep+127;
    case kF32:
      return std::numeric_limits<float>::max();
    default:
      return std::numeric_limits<double>::max();
  }
}

}  // namespace

Tensor floor(const Tensor& input, Location at) { return apply(Floor{}, at, input); }
Tensor ceil(const Tensor& input, Location at) { return apply(Ceil{}, at, input); }
Tensor trunc(const Tensor& input, Location at) { return apply(Trunc{}, at, input); }
Tensor frac(const Tensor& input, Location at) { return apply(Frac{}, at, input); }
Tensor sign(const Tensor& input, Location at) { return apply(Sign{}, at, input); }
Tensor round(const Tensor& input, int64_t decimals, Location at) {
  return round_to("round", input, decimals, at,
                  [&](auto op, auto... ten) { return apply(op, at, input, ten...); });
}
Tensor positive(const Tensor& input, Location at) {
  return placed("positive", at, [&] {
    if (!input.defined()) throw ValueError("input 0 is an undefined tensor");
    if (input.dtype() == kBool) throw DtypeError("not defined for bool");
    return input;
  });
}
Tensor nan_to_num(const Tensor& input, double nan, std::optional<double> posinf,
                  std::optional<double> neginf, Location at) {
  const Frame frame("nan_to_num", at);
  if (!input.defined()) return apply(NanToNum{}, at, input, nan, 0, 0);  // which says so
  if (!is_floating_point(input.dtype())) {
    const Operand operand(input);
    return clone_strided(input, pointwise_spec(input.dtype(), {&operand, 1}).strides, at);
  }
  const double largest = largest_of(input.dtype());
  return apply(NanToNum{}, at, input, nan, posinf.value_or(largest), neginf.value_or(-largest));
}

Tensor floor_(Tensor input, Location at) { return in_place(Floor{}, at, input); }
Tensor ceil_(Tensor input, Location at) { return in_place(Ceil{}, at, input); }
Tensor trunc_(Tensor input, Location at) { return in_place(Trunc{}, at, input); }
Tensor frac_(Tensor input, Location at) { return in_place(Frac{}, at, input); }
Tensor sign_(Tensor input, Location at) { return in_place(Sign{}, at, input); }
Tensor round_(Tensor input, int64_t decimals, Location at) {
  return round_to("round_", input, decimals, at,
                  [&](auto op, auto... ten) { return in_place(op, at, input, ten...); });
}
Tensor nan_to_num_(Tensor input, double nan, std::optional<double> posinf,
                   std::optional<double> neginf, Location at) {
  const Frame frame("nan_to_num_", at);
  if (input.defined() && !is_floating_point(input.dtype())) return input;
  const double largest = input.defined() ? largest_of(input.dtype()) : 0;
  return in_place(NanToNum{}, at, input, nan, posinf.value_or(largest), neginf.value_or(-largest));
}

namespace {
constinit const Row rows[] = {
    row<&floor>("floor", args("input"), "The largest integers that are not above input."),
    row<&ceil>("ceil", args("input"), "The smallest integers that are not below input."),
    row<&trunc>("trunc", args("input"), "input without its fraction: the next integer towards 0."),
    row<&round>("round", args("input", "decimals"_a = 0),
                "input rounded to a multiple of 10**-decimals, halves to even. Integers raise "
                "DtypeError unless decimals is 0."),
    row<&frac>("frac", args("input"), "input - trunc(input), element by element."),
    row<&sign>("sign", args("input"), "The sign of input: -1, 0 or 1; 0 at NaN."),
    row<&positive>("positive", args("input"), "input itself. Bool raises DtypeError."),
    row<&nan_to_num>(
        "nan_to_num",
        args("input", "nan"_a = 0.0, "posinf"_a = std::nullopt, "neginf"_a = std::nullopt),
        "input with NaN and the infinities replaced, by default by 0 and by the "
        "largest and smallest finite number of the dtype."),
    row<&floor_>("floor_", args("input"), "floor in place; returns input."),
    row<&ceil_>("ceil_", args("input"), "ceil in place; returns input."),
    row<&trunc_>("trunc_", args("input"), "trunc in place; returns input."),
    row<&round_>("round_", args("input", "decimals"_a = 0), "round in place; returns input."),
    row<&frac_>("frac_", args("input"), "frac in place; returns input."),
    row<&sign_>("sign_", args("input"), "sign in place; returns input."),
    row<&nan_to_num_>(
        "nan_to_num_",
        args("input", "nan"_a = 0.0, "posinf"_a = std::nullopt, "neginf"_a = std::nullopt),
        "nan_to_num in place; returns input."),
};
constinit const auto ops = infos_of(RoundingOps());
}  // namespace
extern const RowList rows_rounding;
constinit const RowList rows_rounding{rows, ops};

}  // namespace entasis
