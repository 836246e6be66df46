// The checks of the gradients of one call.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "check.h"

namespace entasis::matrix {

// Differences of one call, which are the same in every layout that holds the same values.
struct Differences {
  std::string call;
  std::map<size_t, std::vector<Real>> by_tensor;
};
// First gradients against central differences of the reference in long double, or those in `known`,
// where they are kept; and their strides, which are their tensor's.
void check_first(const Sample& sample, const Call& call, Layout layout, Differences& known);

// Second gradients in f64, of the sum of some weights times the first gradients, against central
// differences of the first gradients: by the inputs and by the gradients of the results.
void check_second(const Sample& sample, Call call, Layout layout);

// The gradient of a unary function at the extremes of a dtype against its derivative.
void check_derivative(const Sample& sample, DType dtype);

}  // namespace entasis::matrix
