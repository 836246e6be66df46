// What the tests of the matrix share: running a call, the one table of tolerances, comparisons.
#pragma once

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "place.h"
#include "sample.h"

namespace entasis::matrix {

// ---- Tolerances, the only ones of the matrix.
struct Tolerance {
  // Half a unit in the last place, relative: what rounding the result to the dtype costs.
  Real rounding;
  // The same of the type that it is computed in: f32 for halves. A sample's `ulps` and the errors
  // of sums count in it.
  Real computing;
  // Gradients against differences of the reference, relative to the gradient's largest element.
  // f64 is bounded by the differences themselves (h^2 f'''/6 with h = 2^-17, so 1e-11 f'''); the
  // others by a chain of some ten operations, each rounded to the dtype: 16 roundings.
  Real gradient;
};
Tolerance tolerance_of(DType dtype);
// Second gradients in f64 against differences of first gradients in f64: with h = 2^-17 rounding
// costs 2^-53 / h = 1.5e-11 and the method 1e-11, times what values and third derivatives reach.
inline constexpr Real kSecondGradientTolerance = 1e-7L;
inline constexpr Real kStep = 0x1p-17L;

// ---- Calls
struct Trial {
  std::vector<Placed> placed;   // the tensors among the arguments, in order
  Values values;                // the arguments
  std::vector<Tensor> results;  // and the written arguments
  std::vector<int> position;    // placed[k] is in argument position[k]
};
// Arguments of `call` in this layout; `run()` calls the row with them.
Trial prepare(const Call& call, Layout layout, Device device = device_under_test());
void run(const Sample& sample, Trial& prepared);
// Invokes the row; lists of results become one list, written arguments follow.
std::vector<Tensor> invoke_row(const Sample& sample, const Values& values);
// The arguments as the layout can hold them: kBroadcast repeats values.
Call laid_out(const Call& call, Layout layout);
// Whether the layout says something new about the call.
bool applies(const Sample& sample, const Call& call, Layout layout);

// Elements, dtype and shape of `got` against the reference.
void expect_result(const Sample& sample, const Tensor& got, const Array& want);
// Rule 3.
void expect_strides(const Sample& sample, const Trial& run);

// "add f16 transposed: [3, 7]"
std::string describe(const Sample& sample, DType dtype, Layout layout, const Call& call);

// ENTASIS_MATRIX=small in the environment: f32, f16, i32, u8 and bool, three layouts. Sanitizer
// builds take it unless told ENTASIS_MATRIX=full.
bool is_small();
std::vector<DType> dtypes_under_test(const Sample& sample);
std::vector<Layout> layouts_under_test();

}  // namespace entasis::matrix
