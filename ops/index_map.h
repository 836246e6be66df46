// Ops whose result element is the input element that a formula for each dimension names: reversed,
// rolled, repeated, padded.
#pragma once

#include <optional>

#include <entasis/core/ints.h>
#include <entasis/core/operand.h>

namespace entasis {

// The order of the elements reversed along some dimensions. A copy, laid out as the input.
ENTASIS_API Tensor flip(const Tensor& input, const Dims& dims, Location at = {});
// flip() along the second dimension, along the first.
ENTASIS_API Tensor fliplr(const Tensor& input, Location at = {});
ENTASIS_API Tensor flipud(const Tensor& input, Location at = {});
// Elements moved by shifts[i] along dims[i], those beyond the end coming in at the start; without
// dims along all elements in row-major order.
ENTASIS_API Tensor roll(const Tensor& input, const Dims& shifts, const Dims& dims = {},
                        Location at = {});
// Turned by 90 degrees k times in the plane of two dimensions, from the first towards the second.
ENTASIS_API Tensor rot90(const Tensor& input, int64_t k = 1, const Dims& dims = {0, 1},
                         Location at = {});

// The input repeats[i] times along dimension i; dimensions that it lacks come first.
ENTASIS_API Tensor repeat(const Tensor& input, const Dims& repeats, Location at = {});
// The same with fewer entries than dimensions too: those left out are 1, and come first.
ENTASIS_API Tensor tile(const Tensor& input, const Dims& dims, Location at = {});

enum class PadMode : uint8_t {
  kConstant,
  kReflect,    // mirrored about the first and last element, which are not repeated
  kReplicate,  // the first and last element
  kCircular,   // continued from the other end
};
// Elements beyond the ends: `pad` holds (before, after) for the last dimension, then for the one
// before it, and so on. A negative number takes elements away. `value` is for kConstant alone, and
// 0 by default. Throws ValueError for pads that reflect or go round more than once.
ENTASIS_API Tensor pad(const Tensor& input, const Ints& pad, PadMode mode = PadMode::kConstant,
                       std::optional<Number> value = {}, Location at = {});

}  // namespace entasis
