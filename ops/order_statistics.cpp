// Rules, gradients and rows of medians, modes and quantiles. All of them look at slices along the
// last dimension; quantiles are gathered by the order of sorted slices.
#include <entasis/ops/order_statistics.h>

#include <array>
#include <limits>
#include <string>

#include <entasis/core/op.h>
#include <entasis/core/row.h>
#include <entasis/ops/arithmetic.h>
#include <entasis/ops/copy.h>
#include <entasis/ops/factory.h>
#include <entasis/ops/join.h>
#include <entasis/ops/lookup.h>
#include <entasis/ops/lookup_internal.h>
#include <entasis/ops/order_statistics_internal.h>
#include <entasis/ops/placed_internal.h>
#include <entasis/ops/predicate.h>
#include <entasis/ops/rearrange.h>
#include <entasis/ops/reduction_internal.h>
#include <entasis/ops/rounding.h>
#include <entasis/ops/shape.h>

namespace entasis {

template <>
struct EnumNames<Interpolation> {
  static constexpr const char* names[] = {"linear", "lower", "higher", "midpoint", "nearest"};
};

namespace {

// One element of each slice and its place.
template <class Op>
struct ChosenOfSlices {
  static std::array<Spec, 2> infer(const Op&, Inputs in) {
    Dims shape = in[0].shape();
    shape.erase(shape.size() - 1);
    return {Spec::dense(in[0].dtype(), shape), Spec::dense(kI64, shape)};
  }
  static constexpr SaveMask saves[] = {saves_out(1)};
  static constexpr uint32_t not_differentiable = 0b10;
  static Grads vjp(const Op&, const Saved& saved, Grads gy) {
    return {at_chosen_places(gy[0], saved.out(1), -1, false, saved.shape(0))};
  }
};

}  // namespace

template <>
struct Rule<MedianOfSlices> : ChosenOfSlices<MedianOfSlices> {};
template <>
struct Rule<ModeOfSlices> : ChosenOfSlices<ModeOfSlices> {};

template <>
struct Rule<SortSlices> {
  static std::array<Spec, 2> infer(const SortSlices&, Inputs in) {
    return {Spec::dense(in[0].dtype(), in[0].shape()), Spec::dense(kI64, in[0].shape())};
  }
  static constexpr SaveMask saves[] = {saves_out(1)};
  static constexpr uint32_t not_differentiable = 0b10;
  static Grads vjp(const SortSlices&, const Saved& saved, Grads gy) {
    const Dims& shape = saved.shape(0);
    return {gather_backward(gy[0], saved.out(1), shape, shape.size() - 1)};
  }
};

namespace {

// Input's slices along `dim`, or all of it as one slice.
Tensor slices_along(const Tensor& input, std::optional<int64_t> dim, Location at) {
  if (!dim || input.dim() == 0) return contiguous(reshape(input, {-1}, at), at);
  return contiguous(movedim(input, {*dim}, {-1}, at), at);
}

template <class Op>
ValuesIndices chosen(const Op& op, const char* what, const Tensor& input, int64_t dim, bool keepdim,
                     Location at) {
  check_defined(input);
  wrap_dim(dim, input.dim());
  nonempty_dims(what, {dim}, input.shape());
  auto [values, indices] = apply_multiple<2>(op, at, slices_along(input, dim, at));
  if (keepdim && input.dim() > 0) {
    return {unsqueeze(values, wrap_dim(dim, input.dim()), at),
            unsqueeze(indices, wrap_dim(dim, input.dim()), at)};
  }
  return {values, indices};
}

Tensor median_of_all(const Tensor& input, bool ignores_nan, Location at) {
  check_defined(input);
  if (input.numel() == 0) {
    if (!is_floating_point(input.dtype())) throw IndexError("no median of no elements");
    return add(sum(input, {}, false, {}, at), std::numeric_limits<double>::quiet_NaN(), at);
  }
  auto [value, place] =
      apply_multiple<2>(MedianOfSlices{ignores_nan}, at, slices_along(input, {}, at));
  return value;
}

// ---- Quantiles

void check_quantile(const Tensor& input, const Operand& q) {
  check_defined(input);
  if (input.dtype() != kF32 && input.dtype() != kF64) {
    throw DtypeError(std::string("needs f32 or f64, the input is ") + name_of(input.dtype()));
  }
  if (input.numel() == 0) throw ValueError("the input has no elements");
  if (q.is_number()) {
    const double value = q.number().to_double();
    if (!(value >= 0 && value <= 1)) {
      throw ValueError("q must be in [0, 1], it is " + to_string(q.number()));
    }
    return;
  }
  check_defined(q.tensor());
  if (q.dtype() != input.dtype()) {
    throw DtypeError(std::string("q is ") + name_of(q.dtype()) + ", the input " +
                     name_of(input.dtype()));
  }
  if (q.dim() > 1) throw ShapeError("q must be 0-d or 1-d, its shape is " + to_string(q.shape()));
  // On other devices that would have to wait; ranks are kept in range there.
  if (!q.tensor().device().is_cpu() || q.numel() == 0) return;
  const Tensor inside = mul(ge(q, 0), le(q, 1));
  if (!all(inside).item<bool>()) throw ValueError("q has values outside of [0, 1]");
}

// Between the elements at the ranks below and above.
Tensor between(const Tensor& below, const Tensor& above, const Operand& weight, Location at) {
  const Tensor step = sub(above, below, at);
  // From the nearer end.
  return where(lt(weight, 0.5, at), add(below, mul(step, weight, at), at),
               sub(above, mul(step, sub(1.0, weight, at), at), at), at);
}

// Slices and their elements' places in order. Gradients go straight to the elements of the slices.
struct Sorted {
  Tensor slices, places;
  Tensor at(const Tensor& ranks, Location at) const {
    return gather(slices, -1, gather(places, -1, to(ranks, kI64, at), at), at);
  }
};

Tensor at_ranks(const Sorted& sorted, const Tensor& ranks, Interpolation interpolation,
                Location at) {
  switch (interpolation) {
    case Interpolation::kLower:
      return sorted.at(floor(ranks, at), at);
    case Interpolation::kHigher:
      return sorted.at(ceil(ranks, at), at);
    case Interpolation::kNearest:
      return sorted.at(round(ranks, 0, at), at);
    case Interpolation::kLinear:
    case Interpolation::kMidpoint:
      break;
  }
  const Tensor lower = floor(ranks, at);
  const Tensor both = sorted.at(cat({lower, ceil(ranks, at)}, -1, at), at);
  const int64_t count = ranks.shape()[ranks.dim() - 1];
  const Tensor below = narrow(both, -1, 0, count, at), above = narrow(both, -1, count, count, at);
  if (interpolation == Interpolation::kMidpoint) {
    return add(below, mul(sub(above, below, at), 0.5, at), at);
  }
  return between(below, above, sub(ranks, lower, at), at);
}

Tensor quantiles(const Tensor& input, const Operand& q, std::optional<int64_t> dim, bool keepdim,
                 Interpolation interpolation, bool ignores_nan, Location at) {
  check_quantile(input, q);
  if (dim) wrap_dim(*dim, input.dim());
  const Tensor slices = slices_along(input, dim, at);  // [.., n]
  const auto [sorted, places] = apply_multiple<2>(SortSlices{}, at, slices.detach());
  const int last = sorted.dim() - 1;
  const int64_t n = sorted.shape()[last];
  const Tensor levels =
      q.is_number() ? full({1}, q.number(), {input.dtype(), input.device()}, at)
                    : clamp(reshape(to_device(q.tensor(), input.device(), false, at), {-1}, at),
                            0.0, 1.0, at);
  Tensor ranks;  // [.., Q]
  if (ignores_nan) {
    const Tensor count = sum(logical_not(isnan(sorted, at), at), {-1}, true, {}, at);
    ranks = mul(levels, clamp_min(sub(count, 1, at), 0, at), at);
  } else {
    const Tensor largest = narrow(sorted, last, n - 1, 1, at);
    ranks = where(isnan(largest, at), double(n - 1), mul(levels, double(n - 1), at), at);
  }
  Tensor result = at_ranks({slices, places}, ranks, interpolation, at);
  result =
      !q.is_number() && q.dim() == 1 ? movedim(result, {-1}, {0}, at) : squeeze(result, {-1}, at);
  if (!keepdim) return result;
  const int lead = !q.is_number() && q.dim() == 1 ? 1 : 0;
  if (dim && input.dim() > 0) {
    return unsqueeze(result, wrap_dim(*dim, input.dim()) + lead, at);
  }
  Dims shape = Dims::filled(input.dim() + lead, 1);
  if (lead) shape[0] = q.numel();
  return reshape(result, shape, at);
}

}  // namespace

Tensor median(const Tensor& input, Location at) {
  return composite("median", at, [&] { return median_of_all(input, false, at); });
}
Tensor nanmedian(const Tensor& input, Location at) {
  return composite("nanmedian", at, [&] { return median_of_all(input, true, at); });
}
ValuesIndices median_dim(const Tensor& input, int64_t dim, bool keepdim, Location at) {
  return composite("median_dim", at, [&] {
    return chosen(MedianOfSlices{false}, "median", input, dim, keepdim, at);
  });
}
ValuesIndices nanmedian_dim(const Tensor& input, int64_t dim, bool keepdim, Location at) {
  return composite("nanmedian_dim", at,
                   [&] { return chosen(MedianOfSlices{true}, "median", input, dim, keepdim, at); });
}
ValuesIndices mode(const Tensor& input, int64_t dim, bool keepdim, Location at) {
  return composite("mode", at,
                   [&] { return chosen(ModeOfSlices{}, "mode", input, dim, keepdim, at); });
}

Tensor quantile(const Tensor& input, const Operand& q, std::optional<int64_t> dim, bool keepdim,
                Interpolation interpolation, Location at) {
  return composite("quantile", at,
                   [&] { return quantiles(input, q, dim, keepdim, interpolation, false, at); });
}
Tensor nanquantile(const Tensor& input, const Operand& q, std::optional<int64_t> dim, bool keepdim,
                   Interpolation interpolation, Location at) {
  return composite("nanquantile", at,
                   [&] { return quantiles(input, q, dim, keepdim, interpolation, true, at); });
}

namespace {

constexpr auto kQuantileArgs = args("input", "q", "dim"_a = std::nullopt, "keepdim"_a = false,
                                    "interpolation"_a = Interpolation::kLinear);

constinit const Row rows[] = {
    row<static_cast<Tensor (*)(const Tensor&, Location)>(&median)>(
        "median", args("input"),
        "The element in the middle of all in order, of two the lower one; NaN if there is one, or "
        "no element. In Python also `median(input, dim, keepdim)`, which is median_dim."),
    row<&median_dim>("median_dim", args("input", "dim", "keepdim"_a = false),
                     "The medians along `dim` and their indices (i64), the first of equals; of two "
                     "in the middle "
                     "the lower one, NaN if there is one. The gradient goes to that element.",
                     {.torch = "median", .results = "values indices"}),
    row<static_cast<Tensor (*)(const Tensor&, Location)>(&nanmedian)>(
        "nanmedian", args("input"),
        "median of the elements that are not NaN. In Python also `nanmedian(input, dim, keepdim)`, "
        "which is nanmedian_dim."),
    row<&nanmedian_dim>("nanmedian_dim", args("input", "dim", "keepdim"_a = false),
                        "median_dim of the elements that are not NaN, unless all are.",
                        {.torch = "nanmedian", .results = "values indices"}),
    row<&mode>(
        "mode", args("input", "dim"_a = -1, "keepdim"_a = false),
        "The most frequent elements along `dim`, of several such the smallest, and their last "
        "indices (i64). NaN equals nothing. The gradient goes to that element.",
        {.results = "values indices"}),
    row<&quantile>(
        "quantile", kQuantileArgs,
        "The elements at ranks q (n - 1) of the n in order, along `dim` or of all; between two as "
        "`interpolation` says. `q` is a number in [0, 1] or a tensor of such, which makes the "
        "first "
        "dimension of the result. NaN if there is one. For f32 and f64."),
    row<&nanquantile>("nanquantile", kQuantileArgs,
                      "quantile of the elements that are not NaN; NaN if there is no other."),
};
constinit OpInfo* const ops[] = {&op_info<SortSlices>, &op_info<MedianOfSlices>,
                                 &op_info<ModeOfSlices>};

}  // namespace

extern const RowList rows_order_statistics;
constinit const RowList rows_order_statistics{rows, ops};

}  // namespace entasis
