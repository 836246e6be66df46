// How exactly devices multiply where they offer less precision for more speed.
#pragma once

#include <entasis/core/export.h>

namespace entasis {

// Lets matrix products and convolutions of f32 round their factors to TF32's 10 bits of mantissa,
// on devices that have it; sums stay f32. For the whole process; off unless switched on, for
// convolutions too. (PyTorch's set_float32_matmul_precision("high") and cudnn.allow_tf32 in one.)
ENTASIS_API void allow_tf32(bool on);
ENTASIS_API bool is_tf32_allowed();

}  // namespace entasis
