// Counting.
#include <algorithm>

#include "families.h"

namespace entasis::matrix {
namespace {

// Values in the middles of bins of width 1 and at the ends: where a bin begins rounding decides.
void histc_calls(Maker& m) {
  const std::vector<Real> middles = {0.5, 1.5, 1.5, 3.5, 0, 4, -1, 5, 2.5, 2.5, 2.5, 0.5};
  m.call("range", m.of({12}, middles), 4, 0, 4);
  m.call("matrix", m.of({3, 4}, middles), 4, 0, 4);
  m.call("own range", m.of({6}, {0.5, 1.5, 1.5, 4, 0, 2.5}), 4);
  m.call("no range", m.of({3}, {2, 2, 2}), 4);
  m.call("one bin", m.of({4}, {1, 2, 3, 4}), 1, 2, 3);
  m.call("NaN", m.of({3}, {0.5, std::nanl(""), 3.5}), 4, 0, 4);
  m.call("0-d", m.of({}, {1.5}), 4, 0, 4);
  m.call("empty", m.uniform({0, 3}), 3);
  m.call("default", m.of({3}, {0, 50.5, 100}));
}

Results histc_reference(const Call& c) {
  const Array& x = c.array(0);
  const int64_t bins = c.integer(1, 100);
  Real low = c.real(2, 0), high = c.real(3, 0);
  if (low == high && x.numel() > 0) {
    low = *std::ranges::min_element(x.values);
    high = *std::ranges::max_element(x.values);
  }
  if (low == high) --low, ++high;
  Array y = zeros_of(x.dtype, {bins});
  for (Real v : x.values) {
    if (!(v >= low && v <= high)) continue;
    const auto bin = int64_t(std::floor((v - low) * Real(bins) / (high - low)));
    ++y.values[size_t(std::min(bin, bins - 1))];
  }
  return {y};
}

void bincount_calls(Maker& m) {
  if (is_float(m.dtype) || m.dtype == kBool) return;
  m.call("few", m.of({5}, {1, 0, 3, 1, 1}));
  m.call("at least", m.of({3}, {1, 0, 1}), std::nullopt, 7);
  m.call("none", m.of({0}, {}), std::nullopt, 2);
  m.call("empty", m.of({0}, {}));
  for (DType weights : {kF32, kF64, kF16, kI32}) {
    m.call(std::string("weights of ") + entasis::name_of(weights), m.of({5}, {1, 0, 3, 1, 1}),
           m.of(weights, {5}, {1, 2, 3, 4, 5}));
  }
}

Results bincount_reference(const Call& c) {
  const Array& x = c.array(0);
  int64_t bins = c.integer(2, 0);
  for (Real v : x.values) bins = std::max(bins, int64_t(v) + 1);
  const bool weighs = c.is_array(1) && x.numel() > 0;
  const DType dtype = !weighs ? kI64 : c.array(1).dtype == kF32 ? kF32 : kF64;
  Array y = zeros_of(dtype, {bins});
  for (size_t i = 0; i < x.values.size(); ++i) {
    y.values[size_t(x.values[i])] += weighs ? c.array(1).values[i] : 1;
  }
  return {y};
}

}  // namespace

void samples_histogram(Samples& samples) {
  {
    Sample& s = samples.add("histc");
    s.dtypes = kFloats;
    s.reads_values = true;
    s.same_on_targets = true;
    s.no_gradient = "counts";
    s.calls = histc_calls;
    s.large = [](Maker& m) { m.call("large", m.uniform({301, 401}), 50, -3, 3); };
    s.reference = histc_reference;
    s.bad<ValueError>("bins is 0", zeros_of(kF32, {2}), 0);
    s.bad<ValueError>("min is 3.000000, above max 1", zeros_of(kF32, {2}), 4, 3, 1);
    s.bad<ValueError>("is not finite", Maker(kF32).of({2}, {0, std::nanl("")}));
    s.bad<DtypeError>("input is i64", zeros_of(kI64, {2}));
  }
  {
    Sample& s = samples.add("bincount");
    s.dtypes = {kI8, kI16, kI32, kI64, kU8, kU16, kU32, kU64};
    s.reads_values = true;
    s.same_on_targets = true;
    s.no_gradient = "counts, and PyTorch has none for the weights";
    s.calls = bincount_calls;
    s.large = [](Maker& m) {
      m.call("large", m.integers(kI64, {100'003}, 0, 50));
      m.call("weights", m.integers(kI64, {100'003}, 0, 50), m.uniform_of(kF32, {100'003}, -1, 1));
      m.call("many", m.integers(kI32, {100'003}, 0, 9000));
    };
    s.reference = bincount_reference;
    s.bad<ValueError>("the least is -1", Maker(kI64).of({2}, {-1, 3}));
    s.bad<ShapeError>("the shape is [1, 1]", zeros_of(kI64, {1, 1}));
    s.bad<DtypeError>("input is f32", zeros_of(kF32, {2}));
    s.bad<ShapeError>("weights have shape [3]", zeros_of(kI64, {2}), zeros_of(kF32, {3}));
    s.bad<ValueError>("minlength is -1", zeros_of(kI64, {2}), std::nullopt, -1);
  }
}

}  // namespace entasis::matrix
