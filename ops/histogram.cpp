// histc finds its range first where none is given; bincount its size. Weights are added in order by
// the op behind x[i] += w.
#include <entasis/ops/histogram.h>

#include <cmath>

#include <entasis/core/row.h>
#include <entasis/ops/copy.h>
#include <entasis/ops/factory.h>
#include <entasis/ops/histogram_internal.h>
#include <entasis/ops/indexing.h>
#include <entasis/ops/placed_internal.h>
#include <entasis/ops/reduction.h>

namespace entasis {

template <>
struct Rule<CountBins> {
  static Spec infer(const CountBins& op, Inputs in) {
    return Spec::dense(is_integer(in[0].dtype()) ? kI64 : in[0].dtype(), {op.bins});
  }
};

namespace {

struct Range {
  double low, high;
};

Range range_of(const Tensor& input, Number min, Number max, Location at) {
  Range range{min.to_double(), max.to_double()};
  if (range.low == range.high && input.numel() > 0) {
    const MinMax ends = aminmax(input.detach(), {}, false, at);
    range = {ends.min.item<double>(at), ends.max.item<double>(at)};
  }
  if (range.low == range.high) range = {range.low - 1, range.high + 1};
  if (!std::isfinite(range.low) || !std::isfinite(range.high)) {
    throw ValueError("the range [" + std::to_string(range.low) + ", " + std::to_string(range.high) +
                     "] is not finite");
  }
  if (range.low > range.high) {
    throw ValueError("min is " + std::to_string(range.low) + ", above max " +
                     std::to_string(range.high));
  }
  return range;
}

void check_counted(const Tensor& input, const Tensor& weights, int64_t minlength) {
  if (!input.defined()) throw ValueError("input is an undefined tensor");
  if (input.dim() != 1) {
    throw ShapeError("counts the elements of a vector, the shape is " + to_string(input.shape()));
  }
  if (!is_integer(input.dtype())) {
    throw DtypeError(std::string("counts integers, input is ") + name_of(input.dtype()));
  }
  if (minlength < 0) {
    throw ValueError("minlength is " + std::to_string(minlength) + ", below 0");
  }
  if (weights.defined() && !(weights.shape() == input.shape())) {
    throw ShapeError("weights have shape " + to_string(weights.shape()) + ", input " +
                     to_string(input.shape()));
  }
}

int64_t bins_for(const Tensor& input, int64_t minlength, Location at) {
  if (input.numel() == 0) return minlength;
  const MinMax ends = aminmax(input, {}, false, at);
  const auto low = ends.min.item<int64_t>(at), high = ends.max.item<int64_t>(at);
  if (low < 0) throw ValueError("counts integers from 0 on, the least is " + std::to_string(low));
  if (high == INT64_MAX) throw ValueError("the largest element, 2^63 - 1, has no count");
  return std::max(high + 1, minlength);
}

}  // namespace

Tensor histc(const Tensor& input, int64_t bins, Number min, Number max, Location at) {
  const Frame frame("histc", at);
  return placed("histc", at, [&] {
    if (!input.defined()) throw ValueError("input is an undefined tensor");
    if (!is_floating_point(input.dtype())) {
      throw DtypeError(std::string("takes floating-point numbers, input is ") +
                       name_of(input.dtype()));
    }
    if (bins < 1) throw ValueError("bins is " + std::to_string(bins) + ", below 1");
    const Range range = range_of(input, min, max, at);
    return apply(CountBins{bins, range.low, range.high}, at, contiguous(input.detach(), at));
  });
}

Tensor bincount(const Tensor& input, const Tensor& weights, int64_t minlength, Location at) {
  const Frame frame("bincount", at);
  return placed("bincount", at, [&] {
    check_counted(input, weights, minlength);
    const int64_t bins = bins_for(input, minlength, at);
    if (!weights.defined() || input.numel() == 0) {
      return apply(CountBins{bins}, at, contiguous(input, at));
    }
    const DType dtype = weights.dtype() == kF32 ? kF32 : kF64;
    const Tensor places = input.dtype() == kI32 ? input : to(input, kI64, at);
    return index_put_(zeros({bins}, {dtype, input.device()}, at), Tensors{places},
                      to(weights.detach(), dtype, at), true, at);
  });
}

namespace {
constinit const Row rows[] = {
    row<&histc>("histc", args("input", "bins"_a = 100, "min"_a = 0, "max"_a = 0),
                "How many elements lie in each of `bins` equal parts of [min, max]; those outside "
                "and NaN count nowhere. With min equal to max the range is that of the elements, "
                "and finding it waits for the device."),
    row<&bincount>("bincount", args("input", "weights"_a = std::nullopt, "minlength"_a = 0),
                   "How often each of 0, 1, ... occurs in a vector of integers, or the sums of "
                   "their weights; the result has at least minlength elements. Waits for the "
                   "device, since its size depends on values."),
};
constinit OpInfo* const ops[] = {&op_info<CountBins>};
}  // namespace
extern const RowList rows_histogram;
constinit const RowList rows_histogram{rows, ops};

}  // namespace entasis
