// What ops with windows over images share: their arguments for rows and columns, and layouts.
#pragma once

#include <cstdint>

#include <entasis/core/error.h>
#include <entasis/core/operand.h>
#include <entasis/core/spec.h>

namespace entasis {

// An argument for rows and columns of which the user gave one entry, for both, or two. Throws
// ValueError naming `op` and `what` if there are others or one of them is less than `least`.
Dims pair_of(const char* op, const char* what, const Dims& given, int64_t least, Location at);

// Without doubt channels-last: dense NHWC and not at the same time dense NCHW.
ENTASIS_API bool prefers_channels_last(const Operand& t);

// Dense [N, C, H, W] in one of the two layouts.
ENTASIS_API Spec image_spec(DType dtype, const Dims& shape, bool channels_last);

// Throws DtypeError.
void check_floating_point(const Operand& input);

}  // namespace entasis
