// Samples of functions that work element by element: one line each in their family's file.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "sample.h"

namespace entasis::matrix {

// Shapes that every pointwise row is called with: a 0-d, an empty, an odd, a 4-d one, and one
// longer than any vector or tile of a short row.
inline const std::vector<Shape> kPointwiseShapes = {{}, {0, 3}, {5}, {3, 7}, {2, 3, 4, 5}, {3, 67}};
// Enough for several threads in an awkward number of rows.
inline const Shape kLargeShape = {3, 33001};

// f(input), in the input's dtype or, if `gives_float`, in f32 for integers and bool.
struct Unary {
  Real (*f)(Real);
  Real (*derivative)(Real) = nullptr;  // for the extremes; null: none
  bool gives_float = true;
  bool takes_bool = true;
  bool orders = false;      // tells smaller from larger: not for u64
  Real low = -3, high = 3;  // of ordinary arguments
  double ulps = 3;
};
Sample& unary(Samples& samples, const std::string& row, const Unary& unary);
// The in-place form of a unary row.
Sample& unary_in_place(Samples& samples, const std::string& row, const Unary& unary);

// f(input, parameters…), its in-place form, and its gradient as a function of grad_output, input
// and the parameters.
using Parameters = std::vector<Real>;
struct Function {
  Real (*f)(Real x, const Parameters& p);
  Real (*slope)(Real x, const Parameters& p);
  Parameters defaults = {};
  std::vector<Parameters> others = {};  // further values to call with
  std::vector<Real> kinks = {};         // inputs where there is no slope
  bool required = false;                // the row has no defaults
  bool gives_float = true;              // as for Unary; else integers cut the parameters
  double ulps = 3;
  double slope_ulps = 0;  // of 1 + |slope|
  double underflow = 0;   // as in Sample
};
Sample& function(Samples& samples, const std::string& row, const Function& function);
Sample& function_in_place(Samples& samples, const std::string& row, const Function& function);
Sample& function_backward(Samples& samples, const std::string& row, const Function& function);

// f(input, other) of two operands, either of which may be a number.
struct Binary {
  std::function<Real(Real, Real)> f;
  // For integer results; null: f, whose result is converted.
  unsigned __int128 (*whole)(unsigned __int128, unsigned __int128) = nullptr;
  enum class Gives { kPromoted, kFloat, kBool } gives = Gives::kPromoted;
  bool takes_bool = true;
  bool takes_float = true;
  bool orders = false;      // not for u64
  bool divides = false;     // integers have no quotient by 0
  Real low = -3, high = 3;  // of the first operand
  Real other_low = -3, other_high = 3;
  double ulps = 1;
  bool ties = false;  // the derivative jumps where the operands are equal
};
Sample& binary(Samples& samples, const std::string& row, const Binary& binary);
// input = f(input, other).
Sample& binary_in_place(Samples& samples, const std::string& row, const Binary& binary);

// What the result of a binary row is in the dtype that it computes in; instead of Binary::f, where
// that counts.
using TypedBinary = Real (*)(DType computed, Real a, Real b);
void typed_reference(Sample& sample, const Binary& binary, TypedBinary f);

// The call with its operands converted to the dtype that the row computes in.
Call converted(const Call& call, const std::vector<int>& operands, DType computed);
// The value converted to an integer dtype; floats stay exact.
Real stored(DType dtype, Real value);

}  // namespace entasis::matrix
