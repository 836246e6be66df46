// Each element several times in a row.
#pragma once

#include <optional>

#include <entasis/core/operand.h>

namespace entasis {

// Element i along dim (without one: of all elements in row-major order) `repeats` times, or
// repeats[i] times of a tensor of whole numbers, which are not negative (ValueError); one of them
// serves all. A tensor's sum is the result's size: it waits for the device. `output_size`, if
// given, has to be that size.
//
// Of a tensor of repeats alone: the index i repeats[i] times, as its dtype.
ENTASIS_API Tensor repeat_interleave(const Tensor& input, const Operand& repeats = {},
                                     std::optional<int64_t> dim = {},
                                     std::optional<int64_t> output_size = {}, Location at = {});

}  // namespace entasis
