// First gradients in every floating dtype and layout, second gradients in f64, and the gradients of
// unary functions at the extremes.
#include "gradients.h"
#include "walk.h"

namespace entasis::matrix {
namespace {

constexpr int64_t kMostForSecond = 40;  // elements of a call that gets second gradients

int64_t elements_of(const Call& call) {
  int64_t n = 0;
  for (const CallArgument& argument : call.arguments) {
    if (const Array* array = std::get_if<Array>(&argument)) n += array->numel();
    if (const auto* list = std::get_if<std::vector<Array>>(&argument)) {
      for (const Array& a : *list) n += a.numel();
    }
  }
  return n;
}
class Gradient : public OfRow {};

TEST_P(Gradient, AgreesWithDifferences) {
  const Sample& sample = *samples().find(GetParam());
  if (!sample.no_gradient.empty()) return;  // stated in the sample, and checked by completeness
  for (DType dtype : dtypes_under_test(sample)) {
    if (!is_float(dtype)) continue;
    Differences repeated, cache;
    each_call(sample, dtype, [&](const Call& call, Layout layout) {
      if (!call.gradient || (call.ties_if_repeated && layout == Layout::kBroadcast)) return;
      Differences& known = layout == Layout::kBroadcast ? repeated : cache;
      if (known.call != call.label) known = {call.label, {}};
      check_first(sample, call, layout, known);
    });
    if (HasFailure()) return;
  }
}

TEST_P(Gradient, SecondAgreesWithDifferences) {
  const Sample& sample = *samples().find(GetParam());
  if (!sample.no_gradient.empty() || !sample.no_second_gradient.empty()) return;
  // f64 also in the small matrix: there is no other dtype for it.
  each_call(sample, kF64,
            [&](const Call& call, Layout layout) {
              if (call.gradient && elements_of(call) <= kMostForSecond)
                check_second(sample, call, layout);
            },
            {Layout::kContiguous, Layout::kMixed});
}

TEST_P(Gradient, AtExtremesIsTheDerivative) {
  const Sample& sample = *samples().find(GetParam());
  if (!sample.derivative) return;
  for (DType dtype : dtypes_under_test(sample)) {
    if (!is_float(dtype)) continue;
    SCOPED_TRACE(entasis::name_of(dtype));
    check_derivative(sample, dtype);
  }
}

INSTANTIATE_TEST_SUITE_P(Row, Gradient, testing::ValuesIn(sampled_rows()), name_of_row);

}  // namespace
}  // namespace entasis::matrix
