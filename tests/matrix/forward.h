// The checks of one forward call.
#pragma once

#include "check.h"

namespace entasis::matrix {

// Results against the reference: elements, dtype, shape, strides; inputs left alone; the same bits
// again; the same form on the meta device.
void check_forward(const Sample& sample, const Call& call, Layout layout);

}  // namespace entasis::matrix
